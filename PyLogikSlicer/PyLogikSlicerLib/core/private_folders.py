"""Folders for what must not outlive the process that made it: private, removed by their owner, and swept up after one that was killed.

Pixels that a killed process left in the system's temporary folder, or in the staging place of an output folder, show a patient. So each
folder bears a lock that the operating system releases when its owner ends, however it ends, and a list of what else belongs to it; the
next process of ours that starts removes all that nobody holds any more.
"""

from __future__ import annotations

import atexit
import functools
import os
import shutil
import tempfile
import time
from pathlib import Path

from .errors import UsageError
from .lock import Lock

_PREFIX = "pylogikslicer-"
_LOCK, _LEFTOVERS = ".lock", ".leftovers"
# Only what is called so is ever removed outside of such a folder.
STAGING_PREFIX = ".partial-"
# Seconds; a folder younger than that may be one whose owner is about to take its lock.
_YOUNGEST = 30.0


class PrivateFolder:
    """A folder that only this user can enter (mode 0700 from the start), until :meth:`remove` or the end of the process."""

    def __init__(self) -> None:
        self.path = Path(tempfile.mkdtemp(prefix=_PREFIX))
        self._lock = Lock(self.path / _LOCK)

    def answer_for(self, staging: Path) -> None:
        """Let ``staging``, a folder elsewhere, be removed with this one, should the process be killed."""
        with open(self.path / _LEFTOVERS, "ab") as file:
            file.write(os.fsencode(os.path.abspath(staging)).hex().encode() + b"\n")

    def remove(self) -> None:
        """Remove it and all in it."""
        self._lock.release()
        shutil.rmtree(self.path, ignore_errors=True)


@functools.cache
def own_folder() -> PrivateFolder:
    """The private folder of this process."""
    folder = PrivateFolder()
    atexit.register(folder.remove)
    return folder


def sweep() -> None:
    """Remove the folders of processes that have ended without doing so, and the staging places that belonged to them."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        try:
            if time.time() - folder.stat().st_mtime < _YOUNGEST or not (folder / _LOCK).is_file():
                continue
            lock = Lock(folder / _LOCK)
        except (OSError, UsageError):
            continue  # it is in use, or another user's
        abandoned = lock.is_held
        for staging in _leftovers(folder) if abandoned else []:
            if staging.name.startswith(STAGING_PREFIX):
                shutil.rmtree(staging, ignore_errors=True)
        lock.release()
        if abandoned:
            shutil.rmtree(folder, ignore_errors=True)


def _leftovers(folder: Path) -> list[Path]:
    try:
        lines = (folder / _LEFTOVERS).read_bytes().split()
        return [Path(os.fsdecode(bytes.fromhex(line.decode("ascii")))) for line in lines]
    except (OSError, ValueError):
        return []
