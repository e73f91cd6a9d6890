"""What the panel says of an error, and what goes to Slicer's log: never a message or a traceback, which may hold names and paths."""

from __future__ import annotations

import logging

from ..core.errors import PyLogikSlicerError
from ..core.reasons import failure_reason


def reasonOf(error: Exception, failure: str) -> str:
    """What may be shown of an error; what nobody expected is logged too, by type and place.

    ``failure`` tells what failed where the operating system says why.
    """
    reason = failure_reason(error, failure)
    if not isinstance(error, PyLogikSlicerError):
        logging.error("PyLogikSlicer: %s", reason)
    return reason
