"""The Orientation tag of EXIF and TIFF (TIFF 6.0, tag 274): how a stored image is rotated and mirrored to be upright."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

_OPERATIONS: Mapping[int, Callable[[np.ndarray], np.ndarray]] = {
    2: np.fliplr,
    3: lambda image: np.rot90(image, 2),
    4: np.flipud,
    5: lambda image: np.swapaxes(image, 0, 1),
    6: lambda image: np.rot90(image, -1),
    7: lambda image: np.rot90(np.swapaxes(image, 0, 1), 2),
    8: np.rot90,
}


def apply_orientation(image: np.ndarray, orientation: int) -> np.ndarray:
    """The image ``(rows, columns[, 3])`` rotated and mirrored to be upright; unchanged for 1 and values that TIFF does not define."""
    operation = _OPERATIONS.get(orientation)
    return np.ascontiguousarray(operation(image)) if operation else image
