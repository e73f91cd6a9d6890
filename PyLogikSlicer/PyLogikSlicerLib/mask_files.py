"""Masks and label maps from files: PNG, NIfTI, NRRD, MetaImage and DICOM segmentations."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
import SimpleITK
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.pixels import pixel_array
from pydicom.uid import UID, SegmentationStorage

from .errors import UnreadableInput, UsageError
from .reading.faults import reported

_VOLUMES = (".nii", ".nii.gz", ".nrrd", ".nhdr", ".mha", ".mhd")
_DICOM_PREFIX = slice(128, 132)
# Not yet among pydicom's constants.
_LABEL_MAP_SEGMENTATION = UID("1.2.840.10008.5.1.4.1.1.66.7")


def load_mask(path: str | Path) -> np.ndarray:
    """The labels in a file, as integers or booleans.

    Parameters
    ----------
    path : str or pathlib.Path
        A PNG (grey levels or palette indices are the labels; a mask of 0 and 255 is read as 0 and 1), a NIfTI, NRRD or
        MetaImage volume, or a DICOM segmentation (the labels are its segment numbers).

    Returns
    -------
    numpy.ndarray
        ``(rows, columns)`` or ``(slices, rows, columns)`` or with more leading axes; a leading axis of one is dropped, so
        that an image and a volume of one slice can be compared. The slices of a DICOM segmentation are those from its
        first to its last one along their normal, also where one between them is not stored because it is empty.

    Raises
    ------
    UnreadableInput
        The file is absent, damaged, or holds something that is no label map: colors, fractions, overlapping segments.
    UsageError
        Files of this kind are not read.
    """
    path = Path(path)
    if not path.is_file():
        raise UnreadableInput("the mask file does not exist")
    name = path.name.lower()
    if name.endswith(".png"):
        labels = _png_labels(path)
    elif name.endswith(_VOLUMES):
        labels = _volume_labels(path)
    elif _starts_as_dicom(path):
        labels = _segmentation_labels(path)
    else:
        raise UsageError(f"masks are read from .png, {', '.join(_VOLUMES)} and DICOM segmentations; this file is none of them")
    while labels.ndim > 2 and labels.shape[0] == 1:
        labels = labels[0]
    return labels


def _starts_as_dicom(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(_DICOM_PREFIX.stop)[_DICOM_PREFIX] == b"DICM"


def _png_labels(path: Path) -> np.ndarray:
    with reported("the PNG mask cannot be decoded"), Image.open(path, formats=["PNG"]) as image:
        labels = np.asarray(image)
    if labels.ndim == 3:
        colors = labels[..., :3] if labels.shape[2] >= 3 else labels[..., :1]
        if (colors != colors[..., :1]).any():
            raise UnreadableInput("the PNG is a color picture, not a mask: save the labels as grey levels or with a palette")
        labels = colors[..., 0]
    return labels // 255 if labels.dtype == np.uint8 and np.isin(labels, (0, 255)).all() else labels


def _volume_labels(path: Path) -> np.ndarray:
    with reported("the mask volume cannot be read"):
        image = SimpleITK.ReadImage(str(path))
    if image.GetNumberOfComponentsPerPixel() != 1:
        raise UnreadableInput("the volume has several values in a voxel: export the segments as one label map without overlaps")
    labels = SimpleITK.GetArrayFromImage(image)
    if labels.dtype.kind != "f":
        return labels
    whole = np.rint(labels)
    if not np.isfinite(labels).all() or not np.array_equal(whole, labels):
        raise UnreadableInput("the volume has fractional values, so it is no label map")
    return whole.astype(np.int32)


def _segmentation_labels(path: Path) -> np.ndarray:
    """Segment numbers, ``(slices, rows, columns)`` (DICOM PS3.3 A.51, C.8.20)."""
    with reported("the DICOM segmentation cannot be decoded"):
        dataset = pydicom.dcmread(path)
        if dataset.SOPClassUID not in (SegmentationStorage, _LABEL_MAP_SEGMENTATION):
            raise UnreadableInput(f"the DICOM file is no segmentation but {dataset.SOPClassUID.name}")
        if dataset.get("SegmentationType") == "FRACTIONAL":
            raise UnreadableInput("the DICOM segmentation is fractional, so it is no label map")
        frames = pixel_array(dataset)
        frames = frames.reshape(-1, *frames.shape[-2:])
        return _stacked(frames, _segment_numbers(dataset, len(frames)), _slice_indices(dataset, len(frames)))


def _stacked(frames: np.ndarray, segments: list[int | None], slices: list[int]) -> np.ndarray:
    labels = np.zeros((max(slices) + 1, *frames.shape[1:]), np.uint16)
    for frame, segment, index in zip(frames, segments, slices, strict=True):
        if segment is None:
            labels[index] = frame
            continue
        inside = frame != 0
        if (labels[index][inside] != 0).any():
            raise UnreadableInput("the segments of the DICOM segmentation overlap: export each into a file of its own")
        labels[index][inside] = segment
    return labels


def _segment_numbers(dataset: Dataset, count: int) -> list[int | None]:
    """The segment of each frame; None where the pixels themselves are segment numbers."""
    if dataset.SOPClassUID == _LABEL_MAP_SEGMENTATION:
        return [None] * count
    groups = [_functional_group(dataset, frame, "SegmentIdentificationSequence") for frame in range(count)]
    return [1 if group is None else int(group.ReferencedSegmentNumber) for group in groups]


def _slice_indices(dataset: Dataset, count: int) -> list[int]:
    """The slice of each frame: by its position along the normal, or, in images without a position, by the frame it refers to."""
    planes = [_functional_group(dataset, frame, "PlanePositionSequence") for frame in range(count)]
    if all(planes):
        measures = _functional_group(dataset, 0, "PixelMeasuresSequence")
        spacing = measures.get("SpacingBetweenSlices") if measures is not None else None
        return _equidistant([float(np.dot(_normal(dataset), plane.ImagePositionPatient)) for plane in planes], spacing)
    sources = [_source_of(dataset, frame) for frame in range(count)]
    order = {source: index for index, source in enumerate(sorted(set(sources)))}
    return [order[source] for source in sources]


def _normal(dataset: Dataset) -> np.ndarray:
    orientation = _functional_group(dataset, 0, "PlaneOrientationSequence").ImageOrientationPatient
    return np.cross(orientation[:3], orientation[3:])


def _equidistant(positions: list[float], spacing: float | None) -> list[int]:
    """Indices on a regular grid, mm. A spacing that disagrees with the positions gives way to their smallest distance."""
    distinct = np.unique(np.round(positions, 3))
    if len(distinct) == 1:
        return [0] * len(positions)
    for distance in filter(None, (spacing, np.diff(distinct).min())):
        steps = (np.asarray(positions) - distinct[0]) / distance
        if np.abs(steps - np.rint(steps)).max() < 0.1:
            return np.rint(steps).astype(int).tolist()
    raise UnreadableInput("the slices of the DICOM segmentation are not equally spaced")


def _source_of(dataset: Dataset, frame: int) -> tuple[int, ...]:
    """What sorts the frames of a segmentation of an image without geometry, an ultrasound cine for example."""
    derivation = _functional_group(dataset, frame, "DerivationImageSequence")
    if derivation is not None and derivation.get("SourceImageSequence"):
        reference = derivation.SourceImageSequence[0].get("ReferencedFrameNumber")
        if reference is not None:
            return (int(reference[0] if isinstance(reference, list) else reference),)
    content = _functional_group(dataset, frame, "FrameContentSequence")
    if content is not None and content.get("DimensionIndexValues"):
        # The first dimension of a segmentation is the segment.
        return tuple(int(value) for value in np.atleast_1d(content.DimensionIndexValues)[1:])
    return (0,) if dataset.get("NumberOfFrames", 1) in (None, 1) else (frame,)


def _functional_group(dataset: Dataset, frame: int, keyword: str) -> Dataset | None:
    """The item that holds for this frame: its own, else the one shared by all; None if there is neither."""
    per_frame = dataset.get("PerFrameFunctionalGroupsSequence") or []
    shared = dataset.get("SharedFunctionalGroupsSequence") or []
    for group in (*per_frame[frame : frame + 1], *shared[:1]):
        if group.get(keyword):
            return group[keyword].value[0]
    return None
