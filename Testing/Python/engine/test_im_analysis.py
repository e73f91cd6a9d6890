"""Dice and imshowpair under PyLogik's names, and the mask files that they are given."""

from __future__ import annotations

import csv
import os
import subprocess
import sys

import numpy as np
import pydicom
import pytest
import SimpleITK
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from PIL import Image
from pydicom.data import get_testdata_file

from PyLogikSlicerLib import im_analysis
from PyLogikSlicerLib.errors import PyLogikSlicerError, UnreadableInput, UsageError

GREEN, MAGENTA, WHITE, BLACK = (124, 252, 0), (255, 0, 252), (255, 255, 255), (0, 0, 0)


@st.composite
def label_pairs(draw, dimensions=(1, 4)):
    shape = draw(array_shapes(min_dims=dimensions[0], max_dims=dimensions[1], max_side=6))
    labels = arrays(np.uint8, shape, elements=st.integers(0, 4))
    return draw(labels), draw(labels)


@pytest.fixture
def square() -> np.ndarray:
    mask = np.zeros((20, 30), np.uint8)
    mask[4:14, 5:15] = 1
    return mask


# Dice


def test_two_squares_shifted_by_half_score_a_half(square):
    assert im_analysis.dice_score(square, np.roll(square, 5, axis=1)) == 0.5


def test_a_label_other_than_one_is_counted_not_summed(square):
    """PyLogik's own code gives 1.5 for these two."""
    assert im_analysis.dice_score(square * 3, np.roll(square * 3, 5, axis=1), k=3) == 0.5
    others = square + 4 * np.roll(square, 15, axis=1)
    assert im_analysis.dice_score(others, square) == 1.0


def test_empty_masks_agree_and_an_empty_one_shares_nothing(square):
    assert im_analysis.dice_score(np.zeros((3, 3)), np.zeros((3, 3))) == 1.0
    assert im_analysis.dice_score(square, np.zeros_like(square)) == 0.0


@given(pair=label_pairs(), k=st.integers(0, 4))
def test_dice_is_what_simpleitk_measures(pair, k):
    pred, true = ((mask == k).astype(np.uint8).reshape(1, -1) for mask in pair)
    score = im_analysis.dice_score(*pair, k=k)
    if pred.any() or true.any():
        measure = SimpleITK.LabelOverlapMeasuresImageFilter()
        measure.Execute(SimpleITK.GetImageFromArray(pred), SimpleITK.GetImageFromArray(true))
        assert score == pytest.approx(measure.GetDiceCoefficient(1), abs=1e-12)
    else:
        assert score == 1.0


@given(pair=label_pairs(), k=st.integers(0, 4))
def test_dice_is_symmetric_bounded_and_blind_to_flips(pair, k):
    pred, true = pair
    score = im_analysis.dice_score(pred, true, k)
    assert 0 <= score <= 1
    assert score == im_analysis.dice_score(true, pred, k) == im_analysis.dice_score(np.flip(pred), np.flip(true), k)
    assert im_analysis.dice_score(pred, pred, k) == 1.0


def test_masks_of_different_shape_are_an_error_that_tells_both(square):
    for compare in (im_analysis.dice_score, im_analysis.imshowpair):
        with pytest.raises(UsageError, match=r"\(20, 30\).*\(20, 29\)"):
            compare(square, square[:, 1:])


def test_lists_and_booleans_are_masks_too():
    assert im_analysis.dice_score([[True, False]], [[True, True]]) == pytest.approx(2 / 3)


# The picture


def test_the_picture_has_pylogiks_colors_where_they_belong(square):
    true = np.roll(square, 5, axis=1)
    picture = im_analysis.imshowpair(square, true, show_fig=False)
    assert picture.shape == (20, 30, 3) and picture.dtype == np.uint8
    for (pred_here, true_here), color in {(1, 0): GREEN, (0, 1): MAGENTA, (1, 1): WHITE, (0, 0): BLACK}.items():
        where = (square == pred_here) & (true == true_here)
        assert where.any() and (picture[where] == color).all()


def test_other_colors_and_every_nonzero_value_count(square):
    picture = im_analysis.imshowpair(square * 255, np.zeros_like(square, bool), (1, 2, 3), (4, 5, 6), show_fig=False)
    assert (picture[square == 1] == (1, 2, 3)).all() and not picture[square == 0].any()


@given(pair=label_pairs(dimensions=(3, 4)))
def test_a_stack_becomes_a_montage_that_shows_each_frame_once(pair):
    pred, true = pair
    rows, columns = pred.shape[-2:]
    montage = im_analysis.imshowpair(pred, true, show_fig=False)
    tiles = montage.reshape(montage.shape[0] // rows, rows, -1, columns, 3).swapaxes(1, 2).reshape(-1, rows, columns, 3)
    frames = list(zip(pred.reshape(-1, rows, columns), true.reshape(-1, rows, columns), strict=True))
    for tile, frame in zip(tiles, frames, strict=False):
        np.testing.assert_array_equal(tile, im_analysis.imshowpair(*frame, show_fig=False))
    assert len(tiles) >= len(frames) and not tiles[len(frames) :].any()


def test_masks_without_rows_and_columns_are_refused():
    for mask in (np.ones(4), np.ones((0, 4))):
        with pytest.raises(UsageError):
            im_analysis.imshowpair(mask, mask, show_fig=False)


def test_the_figure_is_drawn_without_a_display_and_tells_the_score(tmp_path):
    """In a process of its own, as on a server: no display, and matplotlib not yet told what to draw on."""
    script = """
import sys, numpy as np
from PyLogikSlicerLib import im_analysis
assert "matplotlib.pyplot" not in sys.modules
mask = np.zeros((40, 40)); mask[10:30, 10:30] = 1
im_analysis.imshowpair(mask, np.roll(mask, 10, axis=0))
from matplotlib import pyplot
axes = pyplot.gca()
assert axes.get_title() == "Dice 0.5000", axes.get_title()
assert [text.get_text() for text in axes.get_legend().get_texts()] == ["prediction only", "truth only", "both"]
pyplot.savefig(sys.argv[1])
"""
    drawn = tmp_path / "pair.png"
    subprocess.run([sys.executable, "-c", script, str(drawn)], check=True, env=_without_display())
    pixels = np.asarray(Image.open(drawn).convert("RGB")).reshape(-1, 3)
    assert all((pixels == color).all(axis=1).any() for color in (GREEN, MAGENTA, WHITE, BLACK))


def _without_display() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name not in ("DISPLAY", "WAYLAND_DISPLAY", "MPLBACKEND")} | {
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)
    }


# Mask files


@pytest.mark.parametrize("mode", ["L", "1", "P", "RGB", "RGBA", "I;16"])
def test_png_masks_of_every_kind_are_read_alike(tmp_path, square, mode):
    path = tmp_path / "mask.png"
    if mode == "I;16":
        Image.fromarray(square.astype(np.uint16)).save(path)
    elif mode == "P":
        image = Image.fromarray(square).convert("P")
        image.putpalette([0, 0, 0, 255, 10, 10])
        image.save(path)
    else:
        Image.fromarray(square * 255).convert(mode).save(path)
    assert im_analysis.dice_score(im_analysis.load_mask(path), square) == 1.0


def test_png_grey_levels_are_labels(tmp_path, square):
    labels = square * 2 + np.roll(square, 15, axis=1) * 7
    Image.fromarray(labels).save(tmp_path / "labels.png")
    np.testing.assert_array_equal(im_analysis.load_mask(tmp_path / "labels.png"), labels)


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz", ".nrrd", ".mha", ".mhd"])
@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.float32])
def test_volumes_are_read_slice_by_slice(tmp_path, suffix, dtype):
    labels = np.random.default_rng(0).integers(0, 3, (4, 5, 6)).astype(dtype)
    SimpleITK.WriteImage(SimpleITK.GetImageFromArray(labels), str(tmp_path / f"labels{suffix}"))
    read = im_analysis.load_mask(tmp_path / f"labels{suffix}")
    assert read.dtype.kind in "iu"
    np.testing.assert_array_equal(read, labels)


def test_an_image_and_a_volume_of_one_slice_can_be_compared(tmp_path, square):
    SimpleITK.WriteImage(SimpleITK.GetImageFromArray(square[np.newaxis]), str(tmp_path / "mask.nii.gz"))
    Image.fromarray(square * 255).save(tmp_path / "mask.png")
    assert im_analysis.compare_files(tmp_path / "mask.nii.gz", tmp_path / "mask.png") == ["Dice of label 1: 1.0000"]


def test_a_real_dicom_segmentation_has_the_pixels_that_highdicom_sees():
    path = get_testdata_file("liver_1frame.dcm")
    labels = im_analysis.load_mask(path)
    assert labels.shape == (512, 512) and set(np.unique(labels)) == {0, 1}
    np.testing.assert_array_equal(labels, pydicom.dcmread(path).pixel_array)


def test_a_real_dicom_segmentation_of_several_slices_is_a_volume(corpus):
    path = corpus / "edge" / "seg" / "seg_liver.dcm"
    hd = pytest.importorskip("highdicom")
    segmentation = hd.seg.segread(path)
    planes = [item.PlanePositionSequence[0].ImagePositionPatient[2] for item in segmentation.PerFrameFunctionalGroupsSequence]
    np.testing.assert_array_equal(im_analysis.load_mask(path), segmentation.pixel_array[np.argsort(planes)])


@pytest.fixture
def ct_series() -> list[pydicom.Dataset]:
    """Six slices, 2.5 mm apart, made of one real CT image."""
    series = []
    for index in range(6):
        dataset = pydicom.dcmread(get_testdata_file("CT_small.dcm"))
        dataset.SOPInstanceUID = f"{dataset.SOPInstanceUID}.{index}"
        dataset.ImagePositionPatient = [0, 0, 2.5 * index]
        dataset.InstanceNumber = index + 1
        series.append(dataset)
    return series


def segmentation_file(path, series, mask, kind="BINARY"):
    hd = pytest.importorskip("highdicom")
    code = hd.sr.CodedConcept("91723000", "SCT", "Anatomical structure")
    described = [
        hd.seg.SegmentDescription(number + 1, f"segment {number + 1}", code, code, hd.seg.SegmentAlgorithmTypeValues.MANUAL)
        for number in range(mask.shape[-1] if mask.ndim == 4 else int(mask.max()))
    ]
    identity = {
        "series_instance_uid": hd.UID(),
        "series_number": 1,
        "sop_instance_uid": hd.UID(),
        "instance_number": 1,
        "manufacturer": "nobody",
        "manufacturer_model_name": "none",
        "software_versions": "0",
        "device_serial_number": "0",
    }
    hd.seg.Segmentation(series, mask, kind, described, **identity).save_as(path)
    return path


def test_segments_become_labels_and_an_empty_slice_between_them_keeps_its_place(tmp_path, ct_series):
    labels = np.zeros((6, 128, 128), np.uint8)
    labels[0, 10:20, 10:20], labels[1, 30:40, 10:50], labels[5, 60:90, 60:70] = 1, 2, 3
    labels[1, 10:20, 10:20] = 1
    # The real image says SpacingBetweenSlices 5 mm, which its new positions contradict, as happens in archives.
    shuffled = [ct_series[index] for index in (3, 0, 5, 1, 4, 2)]
    path = segmentation_file(tmp_path / "seg.dcm", shuffled, labels[[3, 0, 5, 1, 4, 2]])
    np.testing.assert_array_equal(im_analysis.load_mask(path), labels)


def test_overlapping_and_fractional_segments_are_refused(tmp_path, ct_series):
    both = np.zeros((6, 128, 128, 2), np.uint8)
    both[2, 10:30, 10:30, 0] = both[2, 20:40, 20:40, 1] = 1
    with pytest.raises(UnreadableInput, match="overlap"):
        im_analysis.load_mask(segmentation_file(tmp_path / "overlap.dcm", ct_series, both))
    with pytest.raises(UnreadableInput, match="fractional"):
        im_analysis.load_mask(segmentation_file(tmp_path / "soft.dcm", ct_series, both[..., :1] * 0.5, "FRACTIONAL"))


def test_what_is_no_mask_is_refused_without_naming_the_file(tmp_path, square):
    name = "DOE_JANE"
    files = {
        f"{name}.png": lambda path: Image.fromarray(np.dstack([square * 255, square, square])).save(path),
        f"{name}_cut.png": lambda path: path.write_bytes(b"\x89PNG\r\n\x1a\n"),
        f"{name}.nii.gz": lambda path: path.write_bytes(b"no volume"),
        f"{name}.nrrd": lambda path: SimpleITK.WriteImage(SimpleITK.GetImageFromArray(np.full((3, 3), 0.5)), str(path)),
        f"{name}.mha": lambda path: SimpleITK.WriteImage(SimpleITK.GetImageFromArray(np.zeros((3, 3, 2)), isVector=True), str(path)),
        f"{name}.dcm": lambda path: pydicom.dcmread(get_testdata_file("CT_small.dcm")).save_as(path),
        f"{name}_cut.dcm": lambda path: path.write_bytes(bytes(128) + b"DICM" + bytes(10)),
        f"{name}.txt": lambda path: path.write_text("mask"),
        f"{name}_absent.png": lambda path: None,
    }
    for file, write in files.items():
        write(tmp_path / file)
        with pytest.raises(PyLogikSlicerError) as caught:
            im_analysis.load_mask(tmp_path / file)
        assert "DOE" not in str(caught.value) and caught.value.__suppress_context__ == (caught.value.__context__ is not None)


# The command's work


def test_scores_of_a_stack_are_listed_by_frame(tmp_path):
    true = np.zeros((3, 8, 8), np.uint8)
    true[:, 2:6, 2:6] = 2
    pred = true.copy()
    pred[1, 4:] = 0
    for name, mask in (("pred", pred), ("true", true)):
        SimpleITK.WriteImage(SimpleITK.GetImageFromArray(mask), str(tmp_path / f"{name}.nrrd"))
    lines = im_analysis.compare_files(tmp_path / "pred.nrrd", tmp_path / "true.nrrd", 2, tmp_path / "out" / "scores")
    assert lines == ["Dice of label 2: 0.9091", "worst of 3 frames: 0.6667, frame 1"]
    with (tmp_path / "out" / "scores" / "dice.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["frame"] for row in rows] == ["", "0", "1", "2"]
    assert [float(row["value"]) for row in rows] == pytest.approx([10 / 11, 1, 2 / 3, 1])
    assert {(row["label"], row["metric"]) for row in rows} == {("2", "dice")}


def test_a_label_that_neither_mask_has_is_not_reported_as_agreement(tmp_path, square):
    Image.fromarray(square * 4).save(tmp_path / "mask.png")
    with pytest.raises(UsageError, match="choose one of 4"):
        im_analysis.compare_files(tmp_path / "mask.png", tmp_path / "mask.png")


def test_an_output_folder_that_cannot_be_made_is_wrong_usage(tmp_path, square):
    Image.fromarray(square).save(tmp_path / "mask.png")
    with pytest.raises(UsageError, match="dice.csv"):
        im_analysis.compare_files(tmp_path / "mask.png", tmp_path / "mask.png", 1, tmp_path / "mask.png" / "out")
