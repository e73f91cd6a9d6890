"""The orientation that EXIF and TIFF say (TIFF 6.0, tag 274): how a stored image is turned to stand upright."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

_TURNS: Mapping[int, Callable[[np.ndarray], np.ndarray]] = {
    2: np.fliplr,
    3: lambda image: np.rot90(image, 2),
    4: np.flipud,
    5: lambda image: np.swapaxes(image, 0, 1),
    6: lambda image: np.rot90(image, -1),
    7: lambda image: np.rot90(np.swapaxes(image, 0, 1), 2),
    8: np.rot90,
}


def turned_upright(image: np.ndarray, orientation: int) -> np.ndarray:
    """``(rows, columns[, 3])`` as it is meant to be seen; of an orientation that the standard does not know, as it is."""
    turn = _TURNS.get(orientation)
    return np.ascontiguousarray(turn(image)) if turn else image
