"""The name of an image, derived from its source file, and the natural order of file names."""

from __future__ import annotations

import re
from pathlib import Path


def image_name(path: Path) -> str:
    """The file name without its last suffix. ``.nii.gz`` is one suffix, and digits after a dot are no suffix.

    Because of the last rule, files that are named by their UID or numbered (``IM.001``, ``IM.002``) have different names.
    """
    if path.name.lower().endswith(".nii.gz"):
        return path.name[: -len(".nii.gz")] or path.name
    return path.name if path.suffix[1:].isdecimal() else path.stem


def natural_key(name: str) -> tuple:
    """A sort key for names by which ``frame2`` comes before ``frame10``, without regard to case."""
    pieces = re.split(r"(\d+)", name.casefold())
    return tuple((int(piece), "") if piece.isdecimal() else (-1, piece) for piece in pieces if piece), name
