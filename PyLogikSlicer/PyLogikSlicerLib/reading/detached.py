"""Which data files the header of a volume refers to: known without a library, so that they are not taken for inputs of their own."""

from __future__ import annotations

import re
from pathlib import Path

from .sniff import volume_format

_DETACHED_DATA = re.compile(rb"^\s*(?:ElementDataFile\s*=|data ?file:)\s*([^\r\n]+?)\s*$", re.MULTILINE | re.IGNORECASE)


def detached_data(path: Path) -> list[Path]:
    """The data files that a volume's header refers to (.mhd, .nhdr, and .img of .hdr): no inputs of their own."""
    with open(path, "rb") as file:
        head = file.read(65536)
    if volume_format(head) == "NiftiImageIO":
        return [path.with_suffix(".img")] if path.suffix.lower() == ".hdr" else []
    names = [match.decode("utf-8", "replace") for match in _DETACHED_DATA.findall(head.split(b"\n\n")[0])]
    return [path.parent / name for name in names if name.upper() not in ("LOCAL", "LIST")]
