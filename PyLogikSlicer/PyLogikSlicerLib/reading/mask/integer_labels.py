"""Converts the values of a volume to integer labels, where they differ from whole numbers only by their limited precision."""

from __future__ import annotations

import numpy as np

from ...core.errors import UnreadableInput

# Number of values that are converted at once; as 64-bit numbers they fit into the cache of a processor.
_CHUNK = 1 << 16
# Units in the last place by which arithmetic with 32-bit numbers may be off. Also used for 64-bit values, which were often computed from
# 32-bit ones.
_LAST_PLACES = 4
# The relative error that this allows.
_PRECISION = _LAST_PLACES * float(np.finfo(np.float32).eps)
# Steps of a scale (its slope) from this size on do not distinguish neighboring labels.
_LARGEST_STEP = 0.5
# The largest distance of a value to the whole number it is rounded to.
_FURTHEST = 0.25


def to_integer_labels(values: np.ndarray, slope: float = 1.0, intercept: float = 0.0) -> np.ndarray:
    """``slope * values + intercept`` as integers, in the smallest type that holds them; integers without a scale unchanged.

    A value is rounded where it differs from a whole number by no more than the precision of a 32-bit number; for integers with a scale,
    by no more than half a step of the scale in addition, since a label that was stored with it became the nearest step.

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
        scaled = flat[part] if is_plain else flat[part].astype(np.float64) * slope + intercept
        filled[part] = _round_to_integers(scaled, half_a_step, abs(intercept))
    # The smallest type, because the labels are sent through a pipe.
    return labels.astype(np.result_type(np.min_scalar_type(int(labels.min())), np.min_scalar_type(int(labels.max()))), copy=False)


def _round_to_integers(values: np.ndarray, half_a_step: float, offset: float) -> np.ndarray:
    """The nearest whole numbers; raises UnreadableInput where they are too far. ``offset`` was added, and adds to the rounding error."""
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
