"""The reason of a failure as it may be displayed or logged. This module imports nothing that has to be installed."""

from __future__ import annotations

from .errors import PyLogikSlicerError, where


def failure_reason(error: Exception, failure: str) -> str:
    """The reason of a failure without identifying text: the messages of other packages may hold paths and header values.

    ``failure`` says what failed; for errors of the operating system, its reason is appended.
    """
    if isinstance(error, PyLogikSlicerError):
        return str(error)
    if isinstance(error, OSError):
        return f"{failure} ({error.strerror or type(error).__name__})"
    if isinstance(error, MemoryError):
        return "the image does not fit into memory"
    return f"unexpected {type(error).__name__} in {where(error)}: please report this"
