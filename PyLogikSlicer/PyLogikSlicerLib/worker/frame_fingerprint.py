"""Whether the frames of a file are those that a program shows: compared by the means of their parts, without handing the pixels on."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

# Finer than a line of text on most screens: a flipped, shifted or exchanged frame shows in some cell.
CELLS = 16
STEPS = 8
# Decoders differ by a level here and there, and values may have been rescaled: what is left after a straight line is fitted.
TOLERANCE = 0.006


def cells_of(frames: Iterable[np.ndarray]) -> np.ndarray:
    """The mean of each cell of a grid over each frame ``(rows, columns[, 3])``, of all channels: float64 ``(frames, cells)``."""
    return np.array([_means(frame) for frame in frames])


def are_alike(cells: np.ndarray, others: np.ndarray) -> bool:
    """Whether two images are the same, frame for frame, but for one rescaling of all values and the doubts of a decoder."""
    if cells.shape != others.shape or not (np.isfinite(cells).all() and np.isfinite(others).all()):
        return False
    a, b = cells.ravel() - cells.mean(), others.ravel() - others.mean()
    range_, other_range = np.ptp(a), np.ptp(b)
    if range_ == 0 or other_range == 0:
        return range_ == other_range
    slope = (a @ b) / (b @ b)
    return bool(slope > 0 and np.abs(a - slope * b).max() <= TOLERANCE * range_)


def _means(frame: np.ndarray) -> np.ndarray:
    """In two steps: OpenCV is fast on the types it knows, but rounds; the mean of many rounded values is exact enough."""
    import cv2

    known = frame if frame.dtype in (np.uint8, np.uint16, np.int16) else frame.astype(np.float32)
    small = cv2.resize(known, (CELLS * STEPS, CELLS * STEPS), interpolation=cv2.INTER_AREA)
    return small.reshape(CELLS, STEPS, CELLS, STEPS, -1).mean(axis=(1, 3, 4), dtype=np.float64).ravel()
