"""Converts exceptions of image libraries to one reason without identifying text.

pydicom, Pillow, tifffile and others put header values and paths into their messages. So only the type of an exception is kept, not its
message. What the libraries print or log goes nowhere, because the decoding process in which they run has no output.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ..core.errors import UnreadableInput


@contextmanager
def as_unreadable_input(what: str) -> Iterator[None]:
    """Raise any exception within this context as an :class:`~PyLogikSlicerLib.core.errors.UnreadableInput` that starts with ``what``.

    It must not be open while a generator yields a frame: it would also catch the exceptions of the caller.
    """
    try:
        yield
    except (UnreadableInput, MemoryError):
        raise
    except Exception as error:
        raise UnreadableInput(f"{what} ({type(error).__name__}): the file is damaged, or of a kind that is not supported") from None
