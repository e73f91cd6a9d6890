"""Names: what an image is called after its source file, and the natural order of file names."""

from __future__ import annotations

import re
from pathlib import Path


def name_of(path: Path) -> str:
    """The file name without its last suffix; ``.nii.gz`` is one suffix, and digits after a dot belong to the name.

    The last rule keeps files apart that are named by their UID or numbered (``IM.001``, ``IM.002``).
    """
    if path.name.lower().endswith(".nii.gz"):
        return path.name[: -len(".nii.gz")] or path.name
    return path.name if path.suffix[1:].isdecimal() else path.stem


def natural_key(name: str) -> tuple:
    """Sorts ``frame2`` before ``frame10``, upper and lower case together."""
    pieces = re.split(r"(\d+)", name.casefold())
    return tuple((int(piece), "") if piece.isdecimal() else (-1, piece) for piece in pieces if piece), name
