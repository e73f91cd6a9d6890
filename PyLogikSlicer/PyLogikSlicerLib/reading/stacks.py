"""The ImageStack of a file whose first frame has been decoded."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from ..core.stack import ImageStack, Reread


def stack_of(
    path: Path,
    name: str,
    first: np.ndarray,
    frame_count: int,
    decode: Callable[[], Iterator[np.ndarray]],
    decode_again: Callable[[], Iterator[Reread]],
) -> ImageStack:
    """The stack of a file, whose frames have the shape and type of the ``first`` one ``(rows, columns[, 3])``.

    All bits of the frames' type are taken to be used. The other parameters and attributes are those of
    :class:`~PyLogikSlicerLib.core.stack.ImageStack`.
    """
    return ImageStack(
        source=path,
        name=name,
        frame_count=frame_count,
        rows=first.shape[0],
        columns=first.shape[1],
        channels=3 if first.ndim == 3 else 1,
        dtype=first.dtype,
        decode=decode,
        decode_again=decode_again,
        sources=(path,),
        bits=8 * first.itemsize,
    )
