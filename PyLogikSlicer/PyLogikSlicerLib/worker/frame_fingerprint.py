"""The fingerprint of an image's frames: whether a file shows the frames that a program shows, without handing over the pixels."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

# Cells along each side of a frame. Finer than a line of text on most screens, so that a flipped, shifted or exchanged frame differs in
# some cell.
CELLS = 16
# Samples along each side of a cell.
SAMPLES = 8
# Largest difference of two cells, as a share of the range of all cells, after a straight line was fitted: decoders differ by a level
# here and there, and values may have been rescaled.
TOLERANCE = 0.006


def fingerprint_of(frames: Iterable[np.ndarray]) -> np.ndarray:
    """The mean of each cell of a grid over each frame.

    Parameters
    ----------
    frames
        Arrays ``(rows, columns[, 3])``.

    Returns
    -------
    np.ndarray
        float64 ``(frames, CELLS * CELLS)``, the cells row by row; the channels of a color frame are averaged.
    """
    return np.array([_cell_means(frame) for frame in frames])


def fingerprints_match(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether two fingerprints are of the same frames in the same order, but for one linear rescaling of all values and the small
    differences between decoders."""
    if one.shape != other.shape or not (np.isfinite(one).all() and np.isfinite(other).all()):
        return False
    a, b = one.ravel() - one.mean(), other.ravel() - other.mean()
    range_a, range_b = np.ptp(a), np.ptp(b)
    if range_a == 0 or range_b == 0:
        return bool(range_a == range_b)
    slope = (a @ b) / (b @ b)  # of the least-squares line a = slope * b
    return bool(slope > 0 and np.abs(a - slope * b).max() <= TOLERANCE * range_a)


def _cell_means(frame: np.ndarray) -> np.ndarray:
    """The mean of each cell of a frame, ``(CELLS * CELLS,)``. OpenCV reduces the frame to a few samples for each cell, since it is fast;
    it rounds integers, and the mean of the samples is exact enough again."""
    import cv2

    known = frame if frame.dtype in (np.uint8, np.uint16, np.int16) else frame.astype(np.float32)
    small = cv2.resize(known, (CELLS * SAMPLES, CELLS * SAMPLES), interpolation=cv2.INTER_AREA)
    return small.reshape(CELLS, SAMPLES, CELLS, SAMPLES, -1).mean(axis=(1, 3, 4), dtype=np.float64).ravel()
