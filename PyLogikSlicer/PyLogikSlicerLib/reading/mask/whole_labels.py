"""Values as labels: whole numbers, where only their precision keeps them from being such."""

from __future__ import annotations

import numpy as np

from ...core.errors import UnreadableInput

# Values that are converted at once: as 64-bit numbers they still fit into the cache of a processor.
_CHUNK = 1 << 16
# Units in the last place of a 32-bit number that arithmetic with it may be off; values of 64 bits were often 32-bit ones before.
_LAST_PLACES = 4
_PRECISION = _LAST_PLACES * float(np.finfo(np.float32).eps)
# A scale with larger steps than this, and a value further from a whole number, cannot tell one label from the next.
_LARGEST_STEP = 0.5
_FURTHEST = 0.25


def whole_labels(values: np.ndarray, slope: float = 1.0, intercept: float = 0.0) -> np.ndarray:
    """``slope * values + intercept`` as integers, in the smallest type that holds them; integers without a scale as they are.

    A value is rounded where it is as near to a whole number as its precision allows to tell: that of a 32-bit number, and of
    integers with a scale, half a step of the scale (a label that was stored so is the nearest step to it).

    Raises
    ------
    UnreadableInput
        A value is fractional, not finite, or too large for a label.
    """
    is_plain = (slope, intercept) == (1.0, 0.0)
    if values.dtype.kind in "biu" and is_plain:
        if values.dtype == np.uint64 and values.size and int(values.max()) > np.iinfo(np.int64).max:
            raise UnreadableInput("the volume has labels of more than 63 bits: renumber them")
        return values
    half_a_step = abs(slope) / 2 if values.dtype.kind in "biu" and abs(slope) < _LARGEST_STEP else 0.0
    labels = np.empty(values.shape, np.int32)
    flat, filled = values.reshape(-1), labels.reshape(-1)
    for start in range(0, flat.size, _CHUNK):
        part = slice(start, start + _CHUNK)
        held = flat[part] if is_plain else flat[part].astype(np.float64) * slope + intercept
        filled[part] = _rounded(held, half_a_step, abs(intercept))
    # Labels are mostly few, and go through a pipe.
    return labels.astype(np.result_type(np.min_scalar_type(int(labels.min())), np.min_scalar_type(int(labels.max()))), copy=False)


def _rounded(values: np.ndarray, half_a_step: float, offset: float) -> np.ndarray:
    if not np.isfinite(values).all():
        raise UnreadableInput("the volume has values that are no numbers (NaN or infinite), so it is no label map")
    if max(values.max(), -values.min()) > np.iinfo(np.int32).max:
        raise UnreadableInput("the volume has values that are too large for labels, so it is no label map")
    whole = np.rint(values)
    if np.array_equal(whole, values):
        return whole
    allowed = np.minimum(half_a_step + _PRECISION * np.maximum(np.abs(values) + offset, 1.0), _FURTHEST)
    if (np.abs(values - whole) > allowed).any():
        raise UnreadableInput("the volume has fractional values, so it is no label map: a map of probabilities has to be thresholded first")
    return whole
