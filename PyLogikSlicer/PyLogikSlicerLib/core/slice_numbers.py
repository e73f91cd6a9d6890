"""Which slices of an equally spaced stack are those of some depths, where others are missing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

# How far a slice may lie from where it should, in distances of slices: headers are rounded.
_BESIDE = 0.05
# Where slices are missing, the smallest distance of two that are there may be so many times that of all.
_MOST_MISSING = 4


def slice_numbers(depths: np.ndarray, tolerance: float, distances: Sequence[float] = ()) -> tuple[np.ndarray, float] | None:
    """The number of each slice, the first one 0, and the distance of two that follow each other.

    Parameters
    ----------
    depths
        Where the slices are along the stack; several may be at one place, but not all.
    tolerance
        How far apart two depths may be that are the same; less, where they lie closer together than that.
    distances
        What else than the smallest distance of two of them the distance may be; a part of the smallest one is tried last.

    Returns
    -------
    tuple or None
        None where no distance fits.
    """
    ahead = depths - depths.min()
    reach = float(ahead.max())
    gaps = np.diff(np.sort(ahead))
    # The largest gap is more than half of what all would be if they were equal.
    smallest = float(gaps[gaps > min(tolerance, reach / (2 * len(ahead)))].min())
    for distance in (smallest, *distances, *(smallest / times for times in range(2, _MOST_MISSING + 1))):
        numbers = np.rint(ahead / distance)
        # Off by a little, it would be off by more with each slice.
        refined = reach / max(numbers.max(), 1)
        if np.abs(ahead - numbers * refined).max() <= _BESIDE * refined and abs(refined - distance) <= _BESIDE * distance:
            return numbers.astype(int), refined
    return None
