"""The data files that the header of a volume refers to. They are read together with the header and are no inputs of their own."""

from __future__ import annotations

from pathlib import Path

from ...core.errors import UnreadableInput
from ..sniff import volume_format


def detached_data_files(path: Path) -> list[Path]:
    """The data files that a volume's header refers to: one, a list of them, or those of a pattern.

    Empty where the data are in the file itself, or where the header is damaged, which is reported when the volume is read.
    """
    from .metaimage import read_metaimage
    from .nrrd import read_nrrd

    with open(path, "rb") as file:
        kind = volume_format(file.read(65536))
    if kind == "NiftiImageIO":
        return [path.with_suffix(".img")] if path.suffix.lower() == ".hdr" else []
    try:
        header = read_nrrd(path) if kind == "NrrdImageIO" else read_metaimage(path)
    except (UnreadableInput, OSError):
        return []
    return [part.file for part in header.data.parts if part.file != path]
