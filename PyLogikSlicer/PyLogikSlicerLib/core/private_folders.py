"""Temporary folders whose content does not outlive the process that made it, even if the process is killed.

Pixels that a killed process left in the system's temporary folder, or in a staging folder beside an output folder, show a patient. So
each temporary folder has a lock, which the operating system releases when its owner ends, also when it is killed, and a list of staging
folders that belong to it. The next process of this package that starts removes all whose lock is not held.
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

# How the names of these folders begin.
_PREFIX = "pylogikslicer-"
# The file in such a folder on which its owner holds a lock.
_LOCK = ".lock"
# The file in such a folder that lists the staging folders, a path in hexadecimal digits on each line.
_STAGING_LIST = ".leftovers"
# How the names of staging folders begin. Nothing else is ever removed outside of the temporary folder.
STAGING_PREFIX = ".partial-"
# Seconds; the owner of a younger folder may not have acquired its lock yet.
_YOUNGEST = 30.0


class PrivateFolder:
    """A folder that only this user can enter (mode 0700 from the start), until :meth:`remove` or the end of the process."""

    def __init__(self) -> None:
        self.path = Path(tempfile.mkdtemp(prefix=_PREFIX))
        self._lock = Lock(self.path / _LOCK)

    def add_staging(self, staging: Path) -> None:
        """Let :func:`remove_abandoned` also remove the folder ``staging``, if this process is killed."""
        with open(self.path / _STAGING_LIST, "ab") as file:
            file.write(os.fsencode(os.path.abspath(staging)).hex().encode() + b"\n")

    def remove(self) -> None:
        """Release the lock and remove the folder with its content."""
        self._lock.release()
        shutil.rmtree(self.path, ignore_errors=True)


@functools.cache
def own_folder() -> PrivateFolder:
    """The private folder of this process, which is removed at its exit."""
    folder = PrivateFolder()
    atexit.register(folder.remove)
    return folder


def remove_abandoned() -> None:
    """Remove the private folders of processes that ended without removing them, and the staging folders that belong to these."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        try:
            if time.time() - folder.stat().st_mtime < _YOUNGEST or not (folder / _LOCK).is_file():
                continue
            lock = Lock(folder / _LOCK)
        except (OSError, UsageError):
            continue  # it is in use, or another user's
        abandoned = lock.is_held
        for staging in _staging_folders(folder) if abandoned else []:
            if staging.name.startswith(STAGING_PREFIX):
                shutil.rmtree(staging, ignore_errors=True)
        lock.release()
        if abandoned:
            shutil.rmtree(folder, ignore_errors=True)


def _staging_folders(folder: Path) -> list[Path]:
    """The staging folders that are listed in a private folder."""
    try:
        lines = (folder / _STAGING_LIST).read_bytes().split()
        return [Path(os.fsdecode(bytes.fromhex(line.decode("ascii")))) for line in lines]
    except (OSError, ValueError):
        return []
