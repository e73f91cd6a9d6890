"""Masks and label maps from files: PNG, NIfTI, NRRD, MetaImage and DICOM segmentations, with the grid they lie on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pydicom
import SimpleITK
from highdicom import VolumeGeometry
from highdicom.seg import Segmentation
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.uid import UID, ExplicitVRBigEndian, SegmentationStorage

from .errors import UnreadableInput, UsageError
from .reading.faults import reported

_VOLUMES = (".nii", ".nii.gz", ".nrrd", ".nhdr", ".mha", ".mhd")
_DICOM_PREFIX = slice(128, 132)
# Not yet among pydicom's constants.
_LABEL_MAP_SEGMENTATION = UID("1.2.840.10008.5.1.4.1.1.66.7")


@dataclass(frozen=True)
class Mask:
    """Labels and where they lie.

    Parameters
    ----------
    labels
        Integers or booleans, ``(rows, columns)``, ``(slices, rows, columns)`` or ``(times, slices, rows, columns)``.
    geometry
        The grid of the last three axes (of a single image: a grid of one slice) in mm, x to the patient's left, y to the
        back, z up, as in DICOM; None where the file tells none.
    sparse
        Whether all that lies outside the grid is background too: DICOM segmentations store no empty slices.
    frames
        For how many frames the image holds; more than one only for a region of interest.
    """

    labels: np.ndarray
    geometry: VolumeGeometry | None = None
    sparse: bool = False
    frames: int = 1


def is_mask_file(path: Path) -> bool:
    """Whether :func:`load_mask` reads files of this kind."""
    return path.is_file() and (path.name.lower().endswith((".png", *_VOLUMES)) or _starts_as_dicom(path))


def load_mask(path: str | Path) -> Mask:
    """The labels in a file, and their grid.

    Parameters
    ----------
    path : str or pathlib.Path
        A PNG (grey levels or palette indices are the labels; a mask of 0 and 255 is read as 0 and 1), a NIfTI, NRRD or
        MetaImage volume, or a DICOM segmentation (the labels are its segment numbers).

    Returns
    -------
    Mask
        The slices of a DICOM segmentation are those from its first to its last one along their normal, also where one
        between them is not stored because it is empty; of one without positions in space, the frames that it refers to.

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
        return Mask(_png_labels(path))
    if name.endswith(_VOLUMES):
        return _volume(path)
    if _starts_as_dicom(path):
        return _segmentation(path)
    raise UsageError(f"masks are read from .png, {', '.join(_VOLUMES)} and DICOM segmentations; this file is none of them")


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


def _volume(path: Path) -> Mask:
    with reported("the mask volume cannot be read"):
        image = SimpleITK.ReadImage(str(path))
    if image.GetNumberOfComponentsPerPixel() != 1:
        raise UnreadableInput("the volume has several values in a voxel: export the segments as one label map without overlaps")
    labels = SimpleITK.GetArrayFromImage(image)
    if labels.dtype.kind == "f":
        whole = np.rint(labels)
        if not np.isfinite(labels).all() or not np.array_equal(whole, labels):
            raise UnreadableInput("the volume has fractional values, so it is no label map")
        labels = whole.astype(np.int32)
    return Mask(labels, _geometry(image))


def _geometry(image: SimpleITK.Image) -> VolumeGeometry:
    """The grid in space, without the time of a series; a single image lies at z = 0."""
    dimensions = image.GetDimension()
    held = min(dimensions, 3)
    spacing, origin, direction, size = np.ones(3), np.zeros(3), np.eye(3), np.ones(3, int)
    spacing[:held], origin[:held], size[:held] = image.GetSpacing()[:held], image.GetOrigin()[:held], image.GetSize()[:held]
    direction[:held, :held] = np.reshape(image.GetDirection(), (dimensions, dimensions))[:held, :held]
    try:
        # ITK counts x first, an array slices first.
        return VolumeGeometry.from_components(
            spatial_shape=size[::-1].tolist(),
            spacing=spacing[::-1].tolist(),
            coordinate_system="PATIENT",
            position=origin.tolist(),
            direction=direction[:, ::-1],
        )
    except ValueError:
        raise UnreadableInput("the axes of the mask volume are not at right angles: resample it to a grid whose axes are") from None


def _segmentation(path: Path) -> Mask:
    """Segment numbers (DICOM PS3.3 A.51, C.8.20)."""
    with reported("the DICOM segmentation cannot be decoded"):
        dataset = pydicom.dcmread(path)
        if dataset.SOPClassUID not in (SegmentationStorage, _LABEL_MAP_SEGMENTATION):
            raise UnreadableInput(f"the DICOM file is no segmentation but {dataset.SOPClassUID.name}")
        if dataset.get("SegmentationType") == "FRACTIONAL":
            raise UnreadableInput("the DICOM segmentation is fractional, so it is no label map")
        if dataset.file_meta.TransferSyntaxUID == ExplicitVRBigEndian:
            raise UnreadableInput("the DICOM segmentation is big endian, which DICOM has retired: convert it to little endian")
        segmentation = _with_geometry(dataset)
        try:
            if segmentation is None:
                return Mask(_labels_of_sources(Segmentation.from_dataset(dataset)), sparse=True)
            volume = segmentation.get_volume(combine_segments=True)
        except RuntimeError as error:
            if "overlap" in str(error):
                raise UnreadableInput("the segments of the DICOM segmentation overlap: export each into a file of its own") from None
            raise
    # highdicom counts slices against their normal, ITK and all that is made with it along it.
    volume = volume.flip_spatial(0)
    return Mask(volume.array, volume.get_geometry(), sparse=True)


def _with_geometry(dataset: Dataset) -> Segmentation | None:
    """None if its frames have no positions in space."""
    segmentation = Segmentation.from_dataset(dataset)
    if segmentation.get_volume_geometry() is not None:
        return segmentation
    shared = dataset.get("SharedFunctionalGroupsSequence") or [Dataset()]
    groups = [shared[0], *(dataset.get("PerFrameFunctionalGroupsSequence") or [])]
    if not any(group.get("PlanePositionSequence") for group in groups):
        return None
    # Archives hold images whose spacing between slices contradicts their positions; the positions are what counts.
    for group in groups:
        for measures in group.get("PixelMeasuresSequence") or []:
            measures.pop("SpacingBetweenSlices", None)
    segmentation = Segmentation.from_dataset(dataset)
    if segmentation.get_volume_geometry() is None:
        raise UnreadableInput("the slices of the DICOM segmentation are not parallel and equally spaced")
    return segmentation


def _labels_of_sources(segmentation: Segmentation) -> np.ndarray:
    """Of a segmentation without positions in space, an ultrasound cine's for example: the frames it refers to, in order."""
    sources = [instance for _, _, instance in segmentation.get_source_image_uids()]
    referred = [
        number
        for group in segmentation.PerFrameFunctionalGroupsSequence
        for source in group.DerivationImageSequence[0].SourceImageSequence
        for number in np.atleast_1d(source.get("ReferencedFrameNumber") or [])
    ]
    options = {"combine_segments": True, "ignore_spatial_locations": True, "assert_missing_frames_are_empty": True}
    if len(sources) == 1 and referred:
        return segmentation.get_pixels_by_source_frame(sources[0], list(range(1, int(max(referred)) + 1)), **options)
    return segmentation.get_pixels_by_source_instance(sources, **options)
