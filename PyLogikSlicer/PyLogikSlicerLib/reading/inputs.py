"""The list of files to read, from the paths that the user gives: folders are walked, DICOMDIRs expanded, names sorted naturally."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from ..core.errors import UnreadableInput, UsageError
from .decoding.client import shared_decoder
from .naming import natural_key
from .sniff import Kind, kind_of
from .volume.detached import detached_data_files


def find_inputs(paths: Sequence[Path], exclude: Path | None = None) -> list[Path]:
    """All files at ``paths`` and in folders below them, each once, in the order given and naturally sorted within a folder.

    Symbolic links are followed, but each folder is entered once, so that a loop of links ends. Hidden files and folders and ``exclude``
    are left out. A DICOMDIR is replaced by the instances that it refers to; if it refers to none, it stays in the list, so that it is
    reported. Files that hold no image stay in the list for the same reason. The data file of a volume with a separate header is left
    out, since it is read together with the header.

    Parameters
    ----------
    paths
        Files and folders.
    exclude
        A folder whose content is never input: the output folder.

    Raises
    ------
    UsageError
        A path does not exist.
    """
    excluded = _real_path(exclude) if exclude is not None else None
    files: dict[Path, Path] = {}
    data: set[Path] = set()
    for file in _files_of_paths(paths, excluded):
        kind = _kind_or_none(file)
        if kind == "volume":
            # A data file that is an image of its own stays in the list: a header must not hide another input.
            data |= {_real_path(part) for part in detached_data_files(file) if _kind_or_none(part) is None}
        for instance in _instances_of_dicomdir(file) if kind == "dicomdir" else [file]:
            real = _real_path(instance)
            if excluded is None or not real.is_relative_to(excluded):
                files.setdefault(real, instance)
    return [file for real, file in files.items() if real not in data]


def _files_of_paths(paths: Sequence[Path], excluded: Path | None) -> Iterator[Path]:
    """The files at ``paths``, those of folders in place of them. Raises UsageError where a path does not exist."""
    seen: set[Path] = set()
    for number, path in enumerate(paths, start=1):
        if not os.path.exists(path):
            raise UsageError(f"input {number} does not exist: check its path")
        yield from _walk_folder(Path(path), excluded, seen) if os.path.isdir(path) else [Path(path)]


def _walk_folder(folder: Path, excluded: Path | None, seen: set[Path]) -> Iterator[Path]:
    """The files in a folder and below it, naturally sorted, unless the folder is in ``seen`` or excluded."""
    real = _real_path(folder)
    if real in seen or real == excluded:
        return
    seen.add(real)
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: natural_key(entry.name))
    except OSError:
        yield folder  # reading it as a file fails with the reason, so that the folder is reported
        return
    for entry in entries:
        if entry.name.startswith("."):
            continue
        if _is_folder(entry):
            yield from _walk_folder(Path(entry.path), excluded, seen)
        else:
            yield Path(entry.path)


def _is_folder(entry: os.DirEntry) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that points to itself
        return False


def _real_path(path: Path) -> Path:
    return Path(os.path.realpath(path))  # Path.resolve raises on a link that points to itself


def _instances_of_dicomdir(dicomdir: Path) -> list[Path]:
    """The instances that a DICOMDIR refers to; the DICOMDIR itself where it refers to none or cannot be read."""
    try:
        return shared_decoder().referenced_files(dicomdir) or [dicomdir]
    except UnreadableInput:
        return [dicomdir]


def _kind_or_none(file: Path) -> Kind | None:
    """The kind of a file, None where it is no image or cannot be read."""
    try:
        return kind_of(file)
    except UnreadableInput:
        return None
