"""A mask file of any kind to its labels, in the process that calls this: the decoding process."""

from __future__ import annotations

from pathlib import Path

from ...core.errors import UnreadableInput
from ...core.label_mask import Mask
from ..faults import reported
from .kind import mask_kind


def open_mask(path: Path) -> Mask:
    """The mask in a file. Raises UnreadableInput where it holds none; the message says why, without identifying text."""
    kind = mask_kind(path)
    # Imported when needed: of the libraries that decode, one is enough for a mask.
    if kind == "png":
        from .png import png_mask

        with reported("the PNG mask cannot be decoded"):
            return png_mask(path)
    if kind == "volume":
        from .volume import volume_mask

        with reported("the mask volume cannot be read"):
            return volume_mask(path)
    if kind == "dicom":
        from .segmentation import segmentation_mask

        with reported("the DICOM segmentation cannot be decoded"):
            return segmentation_mask(path)
    raise UnreadableInput("the file is no mask: it is no PNG, no volume and no DICOM file")
