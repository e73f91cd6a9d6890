"""From the paths a person names to the list of files to read: folders walked, DICOMDIRs expanded, natural order."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from ..core.errors import UnreadableInput, UsageError
from .decoding.client import shared_decoder
from .naming import natural_key
from .sniff import Kind, kind_of
from .volume.detached import detached_data


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
    data: set[Path] = set()
    for file in _named(paths, excluded):
        kind = _kind(file)
        if kind == "volume":
            # Only what is no image itself: a header must not hide another input.
            data |= {_real(part) for part in detached_data(file) if _kind(part) is None}
        for instance in _instances(file) if kind == "dicomdir" else [file]:
            real = _real(instance)
            if excluded is None or not real.is_relative_to(excluded):
                files.setdefault(real, instance)
    return [file for real, file in files.items() if real not in data]


def _named(paths: Sequence[Path], excluded: Path | None) -> Iterator[Path]:
    seen: set[Path] = set()
    for number, path in enumerate(paths, start=1):
        if not os.path.exists(path):
            raise UsageError(f"input {number} does not exist: check its path")
        yield from _walked(Path(path), excluded, seen) if os.path.isdir(path) else [Path(path)]


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


def _instances(dicomdir: Path) -> list[Path]:
    try:
        return shared_decoder().referenced_files(dicomdir) or [dicomdir]
    except UnreadableInput:
        return [dicomdir]


def _kind(file: Path) -> Kind | None:
    try:
        return kind_of(file)
    except UnreadableInput:
        return None
