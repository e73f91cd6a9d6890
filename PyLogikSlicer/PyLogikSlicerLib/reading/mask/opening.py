"""Opens a mask file of any kind in the calling process, which is the decoding process."""

from __future__ import annotations

from pathlib import Path

from ...core.errors import UnreadableInput
from ...core.label_mask import Mask
from ..decode_errors import as_unreadable_input
from .kind import mask_kind


def open_mask(path: Path) -> Mask:
    """The mask in a file. Raises UnreadableInput where it holds none; the message says why, without identifying text."""
    kind = mask_kind(path)
    # Each reader is imported when it is needed: one of the decoding libraries is enough for a mask.
    if kind == "png":
        from .png import png_mask

        with as_unreadable_input("the PNG mask cannot be decoded"):
            return png_mask(path)
    if kind == "volume":
        from .volume import volume_mask

        with as_unreadable_input("the mask volume cannot be read"):
            return volume_mask(path)
    if kind == "dicom":
        from .segmentation import segmentation_mask

        with as_unreadable_input("the DICOM segmentation cannot be decoded"):
            return segmentation_mask(path)
    raise UnreadableInput("the file is no mask: it is no PNG, no volume and no DICOM file")
