"""Loads masks and label maps, with their grids, from files: PNG, NIfTI, NRRD, MetaImage and DICOM segmentations."""

from __future__ import annotations

from pathlib import Path

from ..core.errors import UnreadableInput, UsageError
from ..core.label_mask import Mask
from ..reading.decoding.client import shared_decoder
from ..reading.decoding.limits import DEFAULT_LIMITS, Limits
from ..reading.mask.kind import mask_kind

__all__ = ["Mask", "is_mask_file", "load_mask"]

_SUFFIXES = (".png", ".nii", ".nii.gz", ".nrrd", ".nhdr", ".mha", ".mhd", ".dcm")


def is_mask_file(path: Path) -> bool:
    """Whether :func:`load_mask` reads files of this kind, judged by the content, or by the name of a file that cannot be opened."""
    try:
        return path.is_file() and mask_kind(path) is not None
    except UnreadableInput:
        return path.name.lower().endswith(_SUFFIXES)


def load_mask(path: str | Path, limits: Limits = DEFAULT_LIMITS) -> Mask:
    """The labels in a file, their names, and their grid. The file is decoded in a separate process, as images are.

    Parameters
    ----------
    path : str or pathlib.Path
        A PNG (grey levels or palette indices are the labels; a mask of 0 and 255 is read as 0 and 1), a NIfTI, NRRD or
        MetaImage volume (the labels are its values, rounded where only the precision of their type or of their scale keeps them
        from being whole), a segmentation of 3D Slicer (.seg.nrrd), or a DICOM segmentation (the labels are its segment numbers).
    limits : Limits, optional
        Limits of size, memory and time for decoding it.

    Returns
    -------
    Mask
        The slices of a DICOM segmentation are those from its first to its last one, also where one between them is not stored
        because it is empty; of one without positions in space, the frames that it refers to.

    Raises
    ------
    UnreadableInput
        The file is absent, damaged, or its values are no labels: colors, fractions.
    DecoderFailed
        Decoding the file crashed, or took more than the limits allow.
    UsageError
        Files of this kind are not read.
    """
    path = Path(path)
    if not path.is_file():
        raise UnreadableInput("the mask file does not exist")
    if mask_kind(path) is None:
        if not path.name.lower().endswith(_SUFFIXES):
            raise UsageError(f"masks are read from {', '.join(_SUFFIXES[:-1])} and DICOM segmentations; this file is none of them")
        raise UnreadableInput("the mask file does not hold what its name says: it is damaged, or was renamed")
    return shared_decoder().mask(path, limits)
