"""Why something failed, as it may be told: on a panel, in a log, to whoever asked a worker. Imports nothing that has to be installed."""

from __future__ import annotations

from .errors import PyLogikSlicerError, where


def failure_reason(error: Exception, failure: str) -> str:
    """Why something failed, without identifying text: messages of others may hold paths and header values.

    ``failure`` tells what failed where the operating system says why.
    """
    if isinstance(error, PyLogikSlicerError):
        return str(error)
    if isinstance(error, OSError):
        return f"{failure} ({error.strerror or type(error).__name__})"
    if isinstance(error, MemoryError):
        return "the image does not fit into memory"
    return f"unexpected {type(error).__name__} in {where(error)}: please report this"
