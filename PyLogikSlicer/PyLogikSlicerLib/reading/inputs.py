"""From the paths a person names to the list of files to read: folders walked, DICOMDIRs expanded, natural order."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from ..errors import UnreadableInput, UsageError
from .dicomdir import referenced_files
from .naming import natural_key
from .sniff import Kind, kind_of
from .volumes import detached_data


def find_inputs(paths: Sequence[Path], exclude: Path | None = None) -> list[Path]:
    """All files that ``paths`` name, each once, in the order given and naturally sorted within a folder.

    Folders are walked to their end, symbolic links included (a loop is entered once); hidden files and folders and
    ``exclude`` (the output folder) are left out. A DICOMDIR is replaced by the instances that it refers to; it stays
    when it refers to none, so that it is reported. Files that hold no image stay in the list, for the same reason; the
    data file of a volume's header does not, since it is read with it.

    Parameters
    ----------
    paths
        Files and folders.
    exclude
        A folder whose content is never input.

    Raises
    ------
    UsageError
        A path does not exist.
    """
    excluded = _real(exclude) if exclude is not None else None
    files: dict[Path, Path] = {}
    seen: set[Path] = set()
    for number, path in enumerate(paths, start=1):
        path = Path(path)
        if not path.exists():
            raise UsageError(f"input {number} does not exist: check its path")
        for file in _walked(path, excluded, seen) if path.is_dir() else [path]:
            for instance in _expanded(file):
                real = _real(instance)
                if excluded is None or not real.is_relative_to(excluded):
                    files.setdefault(real, instance)
    data = {_real(file) for volume in files.values() if _kind(volume) == "volume" for file in detached_data(volume)}
    return [file for real, file in files.items() if real not in data]


def _walked(folder: Path, excluded: Path | None, seen: set[Path]) -> Iterator[Path]:
    real = _real(folder)
    if real in seen or real == excluded:
        return
    seen.add(real)
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: natural_key(entry.name))
    except OSError:
        yield folder  # opening it fails again, with a reason, so that it is reported and not forgotten
        return
    for entry in entries:
        if entry.name.startswith("."):
            continue
        if _is_folder(entry):
            yield from _walked(Path(entry.path), excluded, seen)
        else:
            yield Path(entry.path)


def _is_folder(entry: os.DirEntry) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that points to itself
        return False


def _real(path: Path) -> Path:
    return Path(os.path.realpath(path))  # Path.resolve raises on a link that points to itself


def _expanded(file: Path) -> list[Path]:
    if _kind(file) != "dicomdir":
        return [file]
    try:
        return referenced_files(file) or [file]
    except UnreadableInput:
        return [file]


def _kind(file: Path) -> Kind | None:
    try:
        return kind_of(file)
    except UnreadableInput:
        return None
