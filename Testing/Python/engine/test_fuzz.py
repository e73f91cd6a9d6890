"""Mutated files through whole runs: no crash, no hang, a reason for what is refused, and nothing published in doubt."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom import dcmread
from pydicom.dataelem import DataElement
from reading_samples import sample
from small_runs import Run, assert_consistent, dicom, files_below, picture, save, shared_files, table, video, volume

from PyLogikSlicerLib.core.options import VARIANTS
from PyLogikSlicerLib.writing.formats import FORMATS

SECRET = "Quillfeather"
pytestmark = pytest.mark.timeout(300)


def _small_dicom(folder: Path) -> list[Path]:
    """Small files of pydicom's and ours that cover native, RLE, JPEG 2000, JPEG-LS and JPEG, grey and color, one and many frames."""
    names = [
        "MR_small_RLE.dcm",
        "MR_small_jp2klossless.dcm",
        "MR_small_jpeg_ls_lossless.dcm",
        "MR_small_bigendian.dcm",
        "SC_rgb_small_odd_jpeg.dcm",
    ]
    ours = dicom(folder / "cine.dcm", [picture(seed, rows=48, columns=64) for seed in range(2)])
    return [*(Path(shutil.copy(sample(name), folder / name)) for name in names), ours]


def _small_others(folder: Path) -> list[Path]:
    gray = picture(1, rows=48, columns=64)
    return [
        *(save(folder / f"still.{suffix}", gray) for suffix in ("png", "jpg", "tif", "bmp")),
        *(volume(folder / f"volume.{suffix}", np.stack([gray] * 2)) for suffix in ("nii", "nii.gz", "nrrd", "mha")),
        video(folder / "clip.avi", [gray, gray]),
    ]


@pytest.fixture(scope="module")
def originals(tmp_path_factory):
    folder = tmp_path_factory.mktemp("originals")
    return _small_dicom(folder) + _small_others(folder)


def survives(source: Path, output: Path, engine, **options) -> Run:
    """Run over ``source`` and hold the result to the promises that hold for any input at all."""
    done = Run(source, output, engine, **options)
    assert len(done.events) >= len(list(source.iterdir()))
    for _, status, reason in done.events:
        assert status in ("done", "skipped", "failed") and reason
        assert "unexpected" not in reason, reason
        assert SECRET not in reason
    assert_consistent(output)
    for image in done.report["images"]:
        assert image["status"] != "done" or image["frames"] == image["frames_examined"] > 0
    assert len(table(output, "log")) == len(done.events)
    assert SECRET not in repr(shared_files(output))
    return done


def _damaged(data: bytes, seed: int) -> bytes:
    """Some bytes flipped, a piece cut out, doubled or zeroed, or the end lost; half of the damage is near the start."""
    generator = random.Random(seed)
    result = bytearray(data)
    for _ in range(generator.choice([1, 1, 2, 8])):
        end = len(result) if generator.random() < 0.5 else min(len(result), 1500)
        at, length = generator.randrange(max(end, 1)), generator.choice([1, 2, 4, 40, 400])
        match generator.randrange(6):
            case 0 | 1:
                result[at : at + 1] = bytes([generator.randrange(256)])
            case 2:
                del result[at : at + length]
            case 3:
                result[at:at] = result[at : at + length]
            case 4:
                result[at : at + length] = bytes(len(result[at : at + length]))
            case 5:
                del result[max(at, 200) :]
    return bytes(result)


@pytest.mark.parametrize("seed", range(6))
def test_damaged_files_of_every_kind_are_survived(engine, originals, tmp_path, capfd, seed):
    (tmp_path / "in").mkdir()
    for number, original in enumerate(originals):
        for again in range(2):
            data = _damaged(original.read_bytes(), seed * 1000 + number * 10 + again)
            (tmp_path / "in" / f"{again}{original.name}").write_bytes(data)
    survives(tmp_path / "in", tmp_path / "out", engine, variant=list(VARIANTS)[seed % len(VARIANTS)], format=list(FORMATS)[seed % 3])
    assert SECRET not in "".join(capfd.readouterr())


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 170))
def test_a_thousand_damaged_files_are_survived(engine, originals, tmp_path, seed):
    (tmp_path / "in").mkdir()
    for number, original in enumerate(originals):
        (tmp_path / "in" / original.name).write_bytes(_damaged(original.read_bytes(), seed * 1000 + number))
    survives(tmp_path / "in", tmp_path / "out", engine)


NUMBERS = st.one_of(st.sampled_from([0, 1, 2, 3, 7, 8, 12, 15, 16, 17, 32, 64, 255, 256, 4096, 65535]), st.integers(0, 65535))
WORDS = st.sampled_from(
    [
        *("MONOCHROME1", "MONOCHROME2", "RGB", "PALETTE COLOR", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT", "HSV", "", SECRET),
        *("SIGMOID", "LINEAR_EXACT", "ISO_IR 100", "ISO 2022 IR 87", "\\", "\\\\", "1\\2\\3", "-1", "1e308", "nan"),
    ]
)
ELEMENTS = {
    "US": "Rows Columns BitsAllocated BitsStored HighBit PixelRepresentation SamplesPerPixel PlanarConfiguration "
    "SmallestImagePixelValue PixelPaddingValue",
    "IS": "NumberOfFrames",
    "CS": "PhotometricInterpretation VOILUTFunction SpecificCharacterSet Modality",
    "DS": "RescaleSlope RescaleIntercept WindowCenter WindowWidth PixelSpacing",
    "PN": "PatientName OperatorsName",
    "LO": "PatientID InstitutionName",
    "DA": "PatientBirthDate StudyDate",
    "SQ": "SequenceOfUltrasoundRegions",
}
KEYWORDS = {keyword: vr for vr, keywords in ELEMENTS.items() for keyword in keywords.split()}


def _value(draw, vr: str):
    if vr == "US":
        return draw(NUMBERS)
    if vr == "IS":
        return str(draw(st.one_of(NUMBERS, st.integers(-(2**31), 2**31 - 1))))
    if vr == "DS":
        return draw(st.one_of(st.sampled_from(["0", "-1", "1e-300", "1e308", "nan", "inf", "-inf", "1\\2", "", "x"]), NUMBERS.map(str)))
    if vr == "SQ":
        return []
    return draw(WORDS)


@st.composite
def header_mutations(draw):
    """Keyword -> a value of its type, however absurd, or None: the element is taken out."""
    keywords = draw(st.lists(st.sampled_from(sorted(KEYWORDS)), min_size=1, max_size=3, unique=True))
    return {keyword: None if draw(st.integers(0, 3)) == 0 else _value(draw, KEYWORDS[keyword]) for keyword in keywords}


@pytest.mark.filterwarnings("ignore")
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], derandomize=True)
@given(mutations=header_mutations(), which=st.integers(0, 5))
def test_headers_that_say_anything_are_survived(engine, originals, tmp_path_factory, mutations, which):
    """Elements removed or set to what they must not be, past pydicom's own checks; the pixel data stay."""
    dataset = dcmread(originals[which])
    dataset.PatientName = f"{SECRET}^Zebedee"
    for keyword, value in mutations.items():
        if value is None and keyword in dataset:
            del dataset[keyword]
        elif value is not None:
            dataset[keyword] = DataElement(keyword, KEYWORDS[keyword], value, already_converted=KEYWORDS[keyword] != "SQ")
    root = tmp_path_factory.mktemp("fuzz")
    (root / "in").mkdir()
    try:
        dataset.save_as(root / "in" / "a.dcm")
    except Exception:  # what pydicom cannot write is no file that anybody has
        return
    survives(root / "in", root / "out", engine)
    shutil.rmtree(root)


@pytest.mark.filterwarnings("ignore")
def test_what_passes_with_a_changed_header_still_gives_its_own_pixels(engine, tmp_path):
    """A smaller size or another photometric interpretation is believed, as every viewer does; more than there is never is."""
    dicom(tmp_path / "in" / "a.dcm", [picture(1, rows=48, columns=64)])
    outcomes = {}
    for rows in (47, 48, 49):
        dataset = dcmread(tmp_path / "in" / "a.dcm")
        dataset.Rows = rows
        (tmp_path / str(rows)).mkdir()
        dataset.save_as(tmp_path / str(rows) / "a.dcm")
        outcomes[rows] = survives(tmp_path / str(rows), tmp_path / f"out{rows}", engine).statuses
    assert outcomes == {47: ["done"], 48: ["done"], 49: ["skipped"]}
    assert not files_below(tmp_path / "out49" / "images")
