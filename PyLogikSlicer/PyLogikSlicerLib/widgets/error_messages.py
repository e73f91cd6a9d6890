"""The messages of errors on the panel and in Slicer's log. They never hold an error's own message or traceback, where names and paths may
be."""

from __future__ import annotations

import logging

from ..core.errors import PyLogikSlicerError, failure_reason


def errorMessage(error: Exception, failure: str) -> str:
    """The message of an error that may be shown; an unexpected error is also logged, by its type and its place in the code.

    ``failure`` says what failed where the operating system gives the cause.
    """
    message = failure_reason(error, failure)
    if not isinstance(error, PyLogikSlicerError):
        logging.error("PyLogikSlicer: %s", message)
    return message
