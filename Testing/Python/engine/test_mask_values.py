"""Values as labels: scaled and rounded ones, PNG of every depth; sheared grids; and the process that decodes mask files."""

from __future__ import annotations

import json
import os
import signal
import struct
import subprocess
import sys
import time
import zlib
from pathlib import Path

import nibabel
import nrrd
import numpy as np
import psutil
import pytest
from PIL import Image
from pydicom.data import get_testdata_file

from PyLogikSlicerLib.command_line import main
from PyLogikSlicerLib.comparing import compare
from PyLogikSlicerLib.comparing.alignment import align_masks
from PyLogikSlicerLib.comparing.mask_files import is_mask_file, load_mask
from PyLogikSlicerLib.core.errors import DecoderFailed, UnreadableInput, UsageError
from PyLogikSlicerLib.core.label_mask import Mask
from PyLogikSlicerLib.core.voxel_grid import VoxelGrid, grid_from_affine, spacing_from_steps
from PyLogikSlicerLib.reading.decoding.client import shared_decoder
from PyLogikSlicerLib.reading.decoding.limits import Limits

LIBRARIES = ("SimpleITK", "pydicom", "highdicom", "PIL", "nibabel", "nrrd", "imagecodecs", "cv2")


@pytest.fixture
def labels() -> np.ndarray:
    made = np.zeros((3, 10, 12), np.int16)
    made[0, 2:6, 3:9], made[1, 4:8, 2:5], made[2, 1:3, 1:3], made[2, 8:, 8:] = 1, 2, 77, 7015
    return made


def nifti(path: Path, stored: np.ndarray, slope: float | None = None, intercept: float = 0.0, affine=None) -> Path:
    """Stored values with the scale in the header, untouched by nibabel's own scaling."""
    image = nibabel.Nifti1Image(stored.T, np.eye(4) if affine is None else affine)
    nibabel.save(image, path)
    content = bytearray(path.read_bytes())
    if slope is not None:
        content[112:120] = struct.pack("<2f", slope, intercept)
    path.write_bytes(content)
    return path


# Whole numbers


def test_labels_are_what_the_scale_of_the_header_makes_of_the_values(tmp_path, labels):
    for slope, intercept in ((1.0, 0.0), (7.0, 0.0), (1.0, -1.0), (-1.0, 7015.0), (0.0, 3.0), (float("nan"), 0.0)):
        stored = ((labels - intercept) / slope).astype(np.int16) if slope and np.isfinite(slope) else labels
        expected = (stored * slope + intercept).astype(int) if slope and np.isfinite(slope) else labels
        np.testing.assert_array_equal(load_mask(nifti(tmp_path / "a.nii", stored, slope, intercept)).labels, expected)


@pytest.mark.parametrize("dtype", [np.int16, np.uint8])
def test_labels_that_were_scaled_to_fill_an_integer_type_come_back(tmp_path, labels, dtype):
    """As nibabel and others store floating-point labels: each label is the nearest step of the scale."""
    small = np.where(labels == 7015, 90, labels)
    used = small if dtype == np.uint8 else labels
    slope = float(np.float32(used.max() / np.iinfo(dtype).max))
    stored = np.rint(used / slope).astype(dtype)
    assert not np.array_equal(stored * slope, used)
    np.testing.assert_array_equal(load_mask(nifti(tmp_path / "a.nii", stored, slope)).labels, used)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("suffix", [".nii", ".nrrd"])
def test_labels_are_rounded_as_far_as_their_type_is_precise(tmp_path, labels, dtype, suffix):
    for off in (0.0, np.float32(7014.9995) - np.float32(7015), np.spacing(np.float32(7015))):
        values = np.where(labels == 7015, 7015 + off, labels).astype(dtype)
        path = tmp_path / f"a{suffix}"
        nifti(path, values) if suffix == ".nii" else nrrd.write(str(path), values.T)
        np.testing.assert_array_equal(load_mask(path).labels, labels)


@pytest.mark.parametrize(
    "values,slope,told",
    [
        (np.linspace(0, 1, 120, dtype=np.float32), None, "fractional.*probabilities"),
        (np.array([0, 1, 0.999], np.float32), None, "fractional"),
        (np.array([0, 7014.9], np.float64), None, "fractional"),
        (np.arange(256, dtype=np.uint8), 1 / 255, "fractional"),
        (np.arange(0, 200, dtype=np.int16), 0.5, "fractional"),
        (np.array([0, 1, np.nan], np.float32), None, "no numbers"),
        (np.array([0, 1, np.inf], np.float64), None, "no numbers"),
        (np.array([0, 1, 1e12], np.float64), None, "too large"),
    ],
)
def test_what_is_fractional_or_no_number_is_refused_with_the_true_reason(tmp_path, values, slope, told):
    path = nifti(tmp_path / "DOE_JANE.nii", np.resize(values, (2, 12, 12)), slope)
    with pytest.raises(UnreadableInput, match=told) as caught:
        load_mask(path)
    assert "DOE" not in str(caught.value) and "damaged" not in str(caught.value)


def test_labels_of_more_than_32_bits_are_kept(tmp_path):
    values = np.array([0, 1, 2**40, 2**63 - 1], np.uint64).reshape(1, 2, 2)
    nrrd.write(str(tmp_path / "a.nrrd"), values.T)
    np.testing.assert_array_equal(load_mask(tmp_path / "a.nrrd").labels, values)
    nrrd.write(str(tmp_path / "a.nrrd"), (values + np.uint64(1)).T)
    with pytest.raises(UnreadableInput, match="63 bits"):
        load_mask(tmp_path / "a.nrrd")


def test_the_public_cases_of_labels_and_grids_agree_as_they_should(repository):
    folder = repository / "Testing" / "Data" / "cases" / "dice"
    for pred, true in (("labels_7014.9995", "labels_7015"), ("sheared_a", "sheared_b")):
        masks = load_mask(folder / f"{pred}.nii.gz"), load_mask(folder / f"{true}.nii.gz")
        assert compare(*align_masks(*masks)).overall[0].dice == pytest.approx(0.9)


# PNG


def png(path: Path, samples: np.ndarray, depth: int, color: int, palette: int = 0) -> Path:
    """A PNG as its specification describes it; samples of less than 8 bits are packed."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows, columns = samples.shape[:2]
    if depth < 8:
        bits = np.unpackbits(samples.astype(np.uint8)[..., None], axis=-1)[..., 8 - depth :].reshape(rows, -1)
        lines = [np.packbits(line).tobytes() for line in bits]
    else:
        lines = [line.astype(f">u{depth // 8}").tobytes() for line in samples]
    header = struct.pack(">IIBBBBB", columns, rows, depth, color, 0, 0, 0)
    tables = chunk(b"PLTE", bytes(range(200, 200 + 3 * palette // 3)) * 3) if palette else b""
    data = zlib.compress(b"".join(b"\0" + line for line in lines))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + tables + chunk(b"IDAT", data) + chunk(b"IEND", b""))
    return path


@pytest.mark.parametrize(
    "depth,color,top", [(1, 0, 1), (2, 0, 3), (4, 0, 15), (8, 0, 200), (16, 0, 60000), (1, 3, 1), (2, 3, 3), (4, 3, 15), (8, 3, 15)]
)
def test_png_labels_are_those_that_the_file_stores(tmp_path, depth, color, top):
    labels = (np.arange(16 * 16).reshape(16, 16) % (top + 1)).astype(np.uint16)
    path = png(tmp_path / "a.png", labels, depth, color, palette=16 if color == 3 else 0)
    np.testing.assert_array_equal(load_mask(path).labels, labels)


@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("color,channels", [(2, 3), (6, 4), (4, 2)])
def test_png_labels_in_every_channel_alike_are_read_whatever_the_alpha(tmp_path, depth, color, channels):
    labels = (np.arange(256).reshape(16, 16) % 5).astype(np.uint16)
    samples = np.repeat(labels[..., None], channels, axis=2)
    if channels in (2, 4):
        samples[..., -1] = 17
    np.testing.assert_array_equal(load_mask(png(tmp_path / "a.png", samples, depth, color)).labels, labels)
    samples[3, 3, 0] = 4 if samples[3, 3, 0] != 4 else 0
    if channels > 2:
        with pytest.raises(UnreadableInput, match="color picture"):
            load_mask(png(tmp_path / "a.png", samples, depth, color))


# Sheared grids

SHEARED = np.array([[0.8, 0.2, 0, -10], [0, 0.7, 0.3, 20], [0.1, 0, 2.5, 30], [0, 0, 0, 1]])


def test_two_masks_on_one_sheared_grid_are_compared_with_distances_in_space(tmp_path):
    pred, true = np.zeros((2, 4, 10, 12), np.uint8)
    pred[1, 2, 3], true[3, 6, 9] = 1, 1
    masks = [load_mask(nifti(tmp_path / "a.nii", labels, affine=SHEARED)) for labels in (pred, true)]
    score = compare(*align_masks(*masks)).overall[0]
    apart = np.linalg.norm(SHEARED[:3, :3] @ np.subtract((9, 6, 3), (3, 2, 1)))
    assert score.dice == 0 and score.distances.hausdorff == pytest.approx(apart, rel=1e-5)
    assert score.true_size == pytest.approx(abs(np.linalg.det(SHEARED[:3, :3])), rel=1e-5)
    spacing = np.linalg.norm(SHEARED[:3, :3], axis=0)
    assert apart != pytest.approx(np.linalg.norm(spacing * (6, 4, 2)), rel=0.02)
    frame = compare(*align_masks(*masks)).of_frames(1)[1]
    assert frame.predicted_size == pytest.approx(np.linalg.norm(np.cross(*SHEARED[:3, :2].T)), rel=1e-5)


@pytest.mark.parametrize("order,flips", [((2, 1, 0), (1, 1, 1)), ((0, 2, 1), (1, -1, 1)), ((1, 0, 2), (-1, 1, -1))])
def test_a_sheared_grid_is_known_in_any_order_and_direction(tmp_path, labels, order, flips):
    grid = grid_from_affine(labels.shape, np.diag([-1.0, -1, 1, 1]) @ SHEARED[:, [2, 1, 0, 3]])
    other = grid.reorder(order, [flip < 0 for flip in flips])
    turned = np.flip(labels.transpose(order), [axis for axis, flip in enumerate(flips) if flip < 0])
    pred, true, spacing = align_masks(Mask(labels, grid), Mask(turned, other))
    np.testing.assert_array_equal(pred, labels)
    np.testing.assert_array_equal(true, labels)
    assert np.ndim(spacing) == 2
    for voxel in ((0, 0, 0), (2, 8, 8)):
        places = [tuple(found) for found in np.argwhere(turned == labels[2, 8, 8])]
        assert any(np.allclose(other.to_space([place])[0], grid.to_space([voxel])[0]) for place in places) or labels[voxel] != 7015


def test_another_shear_is_refused(tmp_path, labels):
    pred = load_mask(nifti(tmp_path / "a.nii", labels, affine=SHEARED))
    for place in ((0, 1), (1, 2)):
        other = SHEARED.copy()
        other[place] += 0.1
        with pytest.raises(UsageError, match="differ in geometry"):
            align_masks(pred, load_mask(nifti(tmp_path / "b.nii", labels, affine=other)))


def test_axes_that_do_not_span_the_space_are_no_place(tmp_path, labels):
    flat = np.array([[1.0, 1, 0, 0], [0, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])
    mask = load_mask(nifti(tmp_path / "a.nii", labels, affine=flat))
    assert mask.geometry is None
    assert compare(*align_masks(mask, mask)).unit == "px"


def test_a_shear_that_is_only_rounding_is_none():
    grid = VoxelGrid((2, 2, 2), np.array([[1, 1e-6, 0, 0], [0, 0.5, -2e-6, 0], [0, 0, 2, 0], [0, 0, 0, 1.0]]))
    assert spacing_from_steps(grid.steps) == pytest.approx((1, 0.5, 2))


# The process that decodes


def decoding_process() -> psutil.Process:
    return shared_decoder()._running_process()._usage


def each_kind(folder: Path) -> list[Path]:
    labels = np.zeros((2, 8, 9), np.uint8)
    labels[1, 2:5, 3:6] = 1
    Image.fromarray(labels[1]).save(folder / "a.png")
    nifti(folder / "a.nii", labels)
    nrrd.write(str(folder / "a.nrrd"), labels.T)
    return [folder / "a.png", folder / "a.nii", folder / "a.nrrd", Path(get_testdata_file("liver_1frame.dcm"))]


@pytest.mark.skipif(os.name != "posix", reason="a process is suspended and killed by signals")
def test_a_mask_that_crashes_or_hangs_the_decoder_costs_that_mask_only(tmp_path):
    for path in each_kind(tmp_path):
        load_mask(path)
        decoding_process().suspend()
        with pytest.raises(DecoderFailed, match="longer than"):
            load_mask(path, Limits(seconds=0.3))
        process = decoding_process()
        process.suspend()
        program = (
            f"import os, signal, time; time.sleep(0.5); os.kill({process.pid}, signal.SIGSEGV); os.kill({process.pid}, signal.SIGCONT)"
        )
        killer = subprocess.Popen([sys.executable, "-c", program])
        with pytest.raises(DecoderFailed, match=f"crashed.*{int(signal.SIGSEGV)}"):
            load_mask(path)
        killer.wait()
        assert load_mask(path).labels.any()


def test_a_damaged_mask_costs_one_pair_of_many_and_the_command_goes_on(tmp_path, capsys):
    report = {"images": []}
    truth = tmp_path / "truth"
    truth.mkdir()
    square = [[[2.5, 2.5], [5.5, 2.5], [5.5, 5.5], [2.5, 5.5]]]
    for name in ("one", "two", "three"):
        report["images"].append({"name": name, "frames": 1, "roi": {"rows": 9, "columns": 9, "polygons": square, "crop": [2, 2, 6, 6]}})
        labels = np.zeros((9, 9), np.uint8)
        labels[2:6, 2:6] = 255
        Image.fromarray(labels).save(truth / f"{name}.png")
    (tmp_path / "report.json").write_text(json.dumps(report))
    content = (truth / "two.png").read_bytes()
    (truth / "two.png").write_bytes(content[: len(content) // 2])
    assert main(["dice", str(tmp_path), str(truth)]) == 1
    streams = capsys.readouterr()
    assert "two was not compared" in streams.err and "one" in streams.out and "three" in streams.out


def test_a_mask_with_any_bytes_changed_is_read_or_refused_without_its_name(tmp_path, repository):
    rng = np.random.default_rng(0)
    seeds = [*each_kind(tmp_path)[:3], *(repository / "Testing" / "Data" / "cases" / "dice").glob("*a.seg.dcm")]
    for seed in seeds:
        for _ in range(30):
            content = bytearray(seed.read_bytes())
            for place in rng.integers(0, len(content), rng.choice([1, 3, 9])):
                content[place] = rng.integers(256)
            path = tmp_path / f"DOE_JANE_{seed.name}"
            path.write_bytes(content)
            try:
                load_mask(path)
            except (UnreadableInput, UsageError) as error:
                assert not isinstance(error, DecoderFailed) and "unexpected" not in str(error)
                assert not any(word in str(error) for word in ("DOE", "BRANDT"))


def test_a_mask_of_terabytes_is_refused_at_once(tmp_path):
    path = nifti(tmp_path / "a.nii", np.zeros((2, 8, 9), np.uint8))
    content = bytearray(path.read_bytes())
    content[42:48] = struct.pack("<3h", 32000, 32000, 32000)
    path.write_bytes(content)
    start = time.monotonic()
    with pytest.raises(UnreadableInput):
        load_mask(path)
    assert time.monotonic() - start < 20


def test_loading_masks_imports_no_library_that_decodes(tmp_path):
    paths = [str(path) for path in each_kind(tmp_path)]
    program = (
        "import sys, json\n"
        "from PyLogikSlicerLib.comparing.mask_files import load_mask\n"
        f"found = [load_mask(path).labels.any() for path in {paths!r}]\n"
        f"print(json.dumps([all(found), [name for name in {LIBRARIES!r} if name in sys.modules]]))\n"
    )
    import PyLogikSlicerLib

    environment = {**os.environ, "PYTHONPATH": str(Path(PyLogikSlicerLib.__file__).parents[1])}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environment)
    assert json.loads(done.stdout) == [True, []], done.stderr


def test_a_mask_is_known_by_its_content(tmp_path):
    for path in each_kind(tmp_path):
        renamed = tmp_path / f"{path.name}.bin"
        renamed.write_bytes(path.read_bytes())
        assert is_mask_file(renamed) and load_mask(renamed).labels.any()
    (tmp_path / "table.nii").write_text("name,value\n")
    assert not is_mask_file(tmp_path / "table.nii") and not is_mask_file(tmp_path)
    with pytest.raises(UnreadableInput, match="does not hold what its name says"):
        load_mask(tmp_path / "table.nii")
    (tmp_path / "table.csv").write_text("name,value\n")
    with pytest.raises(UsageError, match="none of them"):
        load_mask(tmp_path / "table.csv")
    Image.fromarray(np.zeros((9, 9), np.uint8)).save(tmp_path / "lossy.jpg")
    assert not is_mask_file(tmp_path / "lossy.jpg")
