"""The numbers of slices in an equally spaced stack, from their positions, where other slices of the stack are missing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

# Tolerance for the position of a slice, as a share of the distance of slices: headers are rounded.
_TOLERANCE = 0.05
# The smallest distance between two present slices may be at most this multiple of the stack's distance of slices.
_LARGEST_MULTIPLE = 4


def slice_numbers(depths: np.ndarray, tolerance: float, distances: Sequence[float] = ()) -> tuple[np.ndarray, float] | None:
    """The number of each slice, from 0 on, and the distance between neighboring slices of the stack.

    The smallest distance between two of the depths is tried first, then ``distances``, then fractions of the smallest distance.

    Parameters
    ----------
    depths
        Positions of the slices along the stack ``(n,)``; several may be equal, but not all.
    tolerance
        The largest difference of two depths that are taken to be equal; less is used where the slices are closer together.
    distances
        Further possible distances.

    Returns
    -------
    tuple or None
        The numbers, int ``(n,)``, and the distance in the unit of ``depths``. None where no distance fits.
    """
    ahead = depths - depths.min()
    reach = float(ahead.max())
    gaps = np.diff(np.sort(ahead))
    # Half of the mean gap is smaller than the largest one, so that at least one gap remains.
    smallest = float(gaps[gaps > min(tolerance, reach / (2 * len(ahead)))].min())
    for distance in (smallest, *distances, *(smallest / divisor for divisor in range(2, _LARGEST_MULTIPLE + 1))):
        numbers = np.rint(ahead / distance)
        # The mean distance over the whole stack, because a small error of ``distance`` would add up from slice to slice.
        refined = reach / max(numbers.max(), 1)
        if np.abs(ahead - numbers * refined).max() <= _TOLERANCE * refined and abs(refined - distance) <= _TOLERANCE * distance:
            return numbers.astype(int), refined
    return None
