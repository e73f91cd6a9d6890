"""A lock on a folder, which the operating system releases when the process ends, also when it is killed."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from .errors import UsageError

if sys.platform == "win32":
    import msvcrt

    def _lock(file: int) -> None:
        msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _lock(file: int) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


class Lock:
    """A lock on the file ``path``, which is made if needed. It is acquired by the constructor.

    ``is_held`` is False on file systems without locks (some network drives), where several runs are not kept apart.

    Raises
    ------
    UsageError
        Another process holds the lock.
    """

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        self.is_held = False
        try:
            _lock(self._file)
            self.is_held = True
        except (BlockingIOError, PermissionError):
            os.close(self._file)
            raise UsageError("another run is writing to the output folder: wait for it to end, or choose another with -o") from None
        except OSError:
            pass

    def release(self) -> None:
        """Release the lock."""
        os.close(self._file)
