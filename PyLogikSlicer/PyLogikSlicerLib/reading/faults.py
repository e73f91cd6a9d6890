"""What decoders raise about a file they cannot decode, as one reason without identifying text.

pydicom, Pillow, tifffile and others put header values and paths into their messages. So their messages end here: of an error only
its type is kept. What they print or log goes nowhere, since it is the decoding process in which they run.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ..core.errors import UnreadableInput


@contextmanager
def reported(what: str) -> Iterator[None]:
    """Any exception inside becomes an :class:`~PyLogikSlicerLib.core.errors.UnreadableInput` that starts with ``what``.

    Not to be held across a ``yield`` of a frame: it would catch the caller's exceptions too.
    """
    try:
        yield
    except (UnreadableInput, MemoryError):
        raise
    except Exception as error:
        raise UnreadableInput(f"{what} ({type(error).__name__}): the file is damaged, or of a kind that is not supported") from None
