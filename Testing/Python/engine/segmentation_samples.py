"""DICOM segmentations made with highdicom, and changed afterwards into what it does not write."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import highdicom as hd
import numpy as np
import pydicom
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset

ROWS, COLUMNS = 128, 128


def ct_slices(count: int = 6, distance: float = 2.5, shift: Sequence[float] = (0, 0, 0), orientation=(1, 0, 0, 0, 1, 0)) -> list[Dataset]:
    """Slices made of one real CT image, ``distance`` mm apart along their normal, each moved by ``shift`` mm from the one before."""
    series = []
    normal = np.cross(orientation[:3], orientation[3:])
    for index in range(count):
        dataset = pydicom.dcmread(get_testdata_file("CT_small.dcm"))
        dataset.SOPInstanceUID = f"{dataset.SOPInstanceUID}.{index}"
        dataset.ImageOrientationPatient = [float(f"{cosine:.9g}") for cosine in orientation]
        dataset.ImagePositionPatient = [float(f"{place:.9g}") for place in index * (distance * normal + np.asarray(shift, float))]
        dataset.SpacingBetweenSlices = distance
        dataset.InstanceNumber = index + 1
        series.append(dataset)
    return series


def write_segmentation(
    path: Path,
    series: Sequence[Dataset],
    mask: np.ndarray,
    kind: str = "BINARY",
    labels: Sequence[str] = (),
    change: Callable[[Dataset], None] = lambda dataset: None,
    **options,
) -> Path:
    """``mask``: labels ``(slices, rows, columns)``, or segments that may overlap along a last axis. ``labels``: of the segments."""
    code = hd.sr.CodedConcept("91723000", "SCT", "Anatomical structure")
    count = mask.shape[-1] if mask.ndim == 4 else int(mask.max())
    named = [*labels, *(f"segment {number + 1}" for number in range(len(labels), count))]
    manual = hd.seg.SegmentAlgorithmTypeValues.MANUAL
    described = [hd.seg.SegmentDescription(number, name, code, code, manual) for number, name in enumerate(named, start=1)]
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
    hd.seg.Segmentation(list(series), mask, kind, described, **identity, **options).save_as(path)
    dataset = pydicom.dcmread(path)
    change(dataset)
    dataset.save_as(path)
    return path


def ultrasound_cine(count: int = 5) -> Dataset:
    """A cine of one real ultrasound image, without places in space."""
    dataset = pydicom.dcmread(get_testdata_file("examples_rgb_color.dcm"))
    dataset.SOPClassUID = "1.2.840.10008.5.1.4.1.1.3.1"
    dataset.NumberOfFrames = count
    dataset.FrameIncrementPointer = 0x00181063
    dataset.FrameTime = 40
    dataset.PixelData = dataset.PixelData[: dataset.Rows * dataset.Columns * 3] * count
    return dataset
