"""What decoders raise, warn and log about a damaged file, as one reason without identifying text.

pydicom, Pillow, OpenCV and ITK put header values and paths into their messages, and nothing of a source may reach a
console. So their messages end here: of an error only its type is kept, warnings and pydicom's log are dropped, and so is
what C libraries write to the standard error stream on their own.
"""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import gdcm
import SimpleITK as sitk

from ..errors import UnreadableInput

logging.getLogger("pydicom").propagate = False
sitk.ProcessObject.SetGlobalWarningDisplay(False)
gdcm.Trace.WarningOff()
gdcm.Trace.ErrorOff()


@contextmanager
def reported(what: str) -> Iterator[None]:
    """Any exception inside becomes an :class:`~PyLogikSlicerLib.errors.UnreadableInput` that starts with ``what``.

    Not to be held across a ``yield`` of a frame: it would catch the caller's exceptions too.
    """
    try:
        with warnings.catch_warnings(), _libraries_silenced():
            warnings.simplefilter("ignore")
            yield
    except UnreadableInput:
        raise
    except Exception as error:
        raise UnreadableInput(f"{what} ({type(error).__name__}): the file is truncated or damaged") from None


@contextmanager
def _libraries_silenced() -> Iterator[None]:
    """File descriptor 2 leads nowhere meanwhile: MetaIO, niftilib, libtiff and others write to it past Python."""
    try:
        kept = os.dup(2)
    except OSError:  # a program with windows may have no such stream
        yield
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    os.close(nowhere)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
