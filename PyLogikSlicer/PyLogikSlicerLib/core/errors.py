"""The errors this package raises on purpose. Their messages are safe to print: no name, path or text of a source is in them."""

from __future__ import annotations

import os
import sys
import traceback
from pathlib import Path

# Environment variable; "1" prints the traceback of every unexpected error on stderr. Off by default: a traceback ends with the message of
# the exception, which may hold a path or a value of the header.
DEBUG_VARIABLE = "PYLOGIKSLICER_DEBUG"


class PyLogikSlicerError(Exception):
    """Something the user can act on. The message says what is wrong and what to do, without identifying text."""


class UsageError(PyLogikSlicerError):
    """The call itself is wrong: unknown option, output inside input, nothing to read. Exit status 2."""


class UnreadableInput(PyLogikSlicerError):
    """This input holds no image that can be decoded; it is skipped with this reason and the run goes on."""


class DecoderFailed(UnreadableInput):
    """The decoding process crashed on this input, or was ended because it took too much. The input is not tried again unless asked."""


class EngineUnavailable(PyLogikSlicerError):
    """A text reader cannot start: a package or a weights file is missing, or a weights file is not the expected one."""


class NoRegionFound(PyLogikSlicerError):
    """The variant asks for a region of interest and the image shows none; nothing is written for it."""


class VerificationFailed(PyLogikSlicerError):
    """The written files are not what they must be, or text stayed readable; nothing is published for the image."""


def where(error: BaseException) -> str:
    """Module and line where an unexpected error was raised: they tell us where to look, and nothing of the input."""
    if os.environ.get(DEBUG_VARIABLE) == "1":
        traceback.print_exception(error, file=sys.stderr)
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return "an unknown place" if trace is None else f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}"


def failure_reason(error: Exception, failure: str) -> str:
    """The reason of a failure as it may be shown or logged, without identifying text: messages of other libraries may hold paths and
    header values. ``failure`` says what failed where the operating system gives the cause."""
    if isinstance(error, PyLogikSlicerError):
        return str(error)
    if isinstance(error, OSError):
        return f"{failure} ({error.strerror or type(error).__name__})"
    if isinstance(error, MemoryError):
        return "the image does not fit into memory"
    return f"unexpected {type(error).__name__} in {where(error)}: please report this"
