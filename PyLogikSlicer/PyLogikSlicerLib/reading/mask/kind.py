"""The kind of mask in a file, from its first bytes; imports no image library."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from ...core.errors import UnreadableInput
from ..sniff import kind_of_bytes

MaskKind = Literal["png", "volume", "dicom"]

# Bytes at the start of a file that suffice to detect its kind.
_HEAD_BYTES = 4096


def mask_kind(path: Path) -> MaskKind | None:
    """The kind of a file that may be a mask; None where it cannot be one. Raises UnreadableInput where the file cannot be opened."""
    try:
        with open(path, "rb") as file:
            head = file.read(_HEAD_BYTES)
    except OSError as error:
        raise UnreadableInput(f"the mask file cannot be opened ({type(error).__name__}): check its permissions") from None
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    kind = kind_of_bytes(head)
    return kind if kind == "volume" or kind == "dicom" else None
