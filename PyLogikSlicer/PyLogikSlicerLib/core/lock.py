"""A lock that a process holds on a folder, and that the operating system releases when the process ends, however it ends."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from ..core.errors import UsageError

if sys.platform == "win32":
    import msvcrt

    def _lock(file: int) -> None:
        msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _lock(file: int) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


class Lock:
    """Taken when made, through the file ``path``. Raises :class:`UsageError` while another run holds it.

    File systems that know no locks (some network drives) let every run in; then ``is_held`` is False.
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
        os.close(self._file)
