"""DICOMDIR: the index of a DICOM medium (PS3.3 annex F, PS3.10 section 8)."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from pydicom import dcmread

from ...core.errors import UnreadableInput
from ..decode_errors import as_unreadable_input


def referenced_files(path: Path) -> list[Path]:
    """The files that the directory records refer to, in their order, each once; some may not exist.

    Raises
    ------
    UnreadableInput
        The file is damaged, or refers to files outside its own folder.
    """
    with as_unreadable_input("the DICOMDIR cannot be read"):
        records = dcmread(path, specific_tags=["DirectoryRecordSequence"]).get("DirectoryRecordSequence") or []
        ids = [record.get("ReferencedFileID") for record in records]
    return list(dict.fromkeys(_locate(path.parent, _path_components(value)) for value in ids if value))


def _path_components(file_id: str | Iterable[str]) -> tuple[str, ...]:
    """The folders and the file name of a ReferencedFileID. Raises UnreadableInput where it leads out of the DICOMDIR's folder."""
    parts = (file_id,) if isinstance(file_id, str) else tuple(map(str, file_id))
    if any(part in ("", ".", "..") or "/" in part or "\\" in part for part in parts):
        raise UnreadableInput("the DICOMDIR refers to files outside its folder: name the folder of its images instead")
    return parts


def _locate(folder: Path, components: tuple[str, ...]) -> Path:
    """The path of a file below ``folder``, found without regard to case where it does not exist as written.

    File IDs are upper case (PS3.12), but the files of a medium that was copied to disk often have lower case names.
    """
    path = folder.joinpath(*components)
    if path.exists():
        return path
    found = folder  # the folder or file that the components so far lead to
    for component in components:
        names = {entry.name.casefold(): entry for entry in found.iterdir()} if found.is_dir() else {}
        if component.casefold() not in names:
            return path
        found = names[component.casefold()]
    return found
