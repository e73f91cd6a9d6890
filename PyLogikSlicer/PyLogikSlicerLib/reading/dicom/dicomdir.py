"""DICOMDIR: the index of a DICOM medium (PS3.3 annex F, PS3.10 section 8)."""

from __future__ import annotations

from pathlib import Path

from pydicom import dcmread

from ...core.errors import UnreadableInput
from ..faults import reported


def referenced_files(path: Path) -> list[Path]:
    """The files that the directory records refer to, in their order, each once; some may not exist.

    Raises
    ------
    UnreadableInput
        The file is damaged, or refers to files outside its own folder.
    """
    with reported("the DICOMDIR cannot be read"):
        records = dcmread(path, specific_tags=["DirectoryRecordSequence"]).get("DirectoryRecordSequence") or []
        ids = [record.get("ReferencedFileID") for record in records]
    return list(dict.fromkeys(_located(path.parent, _components(value)) for value in ids if value))


def _components(value: object) -> tuple[str, ...]:
    parts = (value,) if isinstance(value, str) else tuple(str(part) for part in value)  # type: ignore[union-attr]
    if any(part in ("", ".", "..") or "/" in part or "\\" in part for part in parts):
        raise UnreadableInput("the DICOMDIR refers to files outside its folder: name the folder of its images instead")
    return parts


def _located(folder: Path, components: tuple[str, ...]) -> Path:
    """File IDs are upper case (PS3.12); media copied to disk often come out in lower case, so a second look ignores case."""
    path = folder.joinpath(*components)
    if path.exists():
        return path
    found = folder
    for component in components:
        names = {entry.name.casefold(): entry for entry in found.iterdir()} if found.is_dir() else {}
        if component.casefold() not in names:
            return path
        found = names[component.casefold()]
    return found
