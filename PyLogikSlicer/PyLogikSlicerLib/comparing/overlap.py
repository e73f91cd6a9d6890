"""Counts the pixels that the labels of two masks have in common, in one pass over the pixels, whatever the number of labels.

Counted here because no dependency has a contingency table of labels for masks larger than memory; this takes that of a few frames.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

from ..core.errors import UsageError

# The largest number of pairs of values that are counted in a table; a frame with more is sorted instead.
_TABLE_SIZE = 1 << 20


@dataclass(frozen=True)
class PairCounts:
    """The pairs of labels that pixels have in two masks.

    In the frame ``frame[i]``, ``count[i]`` pixels have the label ``pred[i]`` in the prediction and ``true[i]`` in the truth.

    Parameters
    ----------
    frame, pred, true, count
        int64 arrays of one length; a pair of labels appears once for each frame that has it.
    frames
        The number of frames.
    """

    frame: np.ndarray
    pred: np.ndarray
    true: np.ndarray
    count: np.ndarray
    frames: int

    @property
    def labels(self) -> tuple[int, ...]:
        """All labels of either mask but 0, ascending."""
        return tuple(label for label in np.union1d(self.pred, self.true).tolist() if label)

    def of(self, pred_values: Sequence[int], true_values: Sequence[int]) -> np.ndarray:
        """The number of pixels with one of these values in the prediction, in the truth, and in both; int64 ``(3, frames)``."""
        predicted, expected = np.isin(self.pred, pred_values), np.isin(self.true, true_values)
        return np.stack([self._per_frame(where) for where in (predicted, expected, predicted & expected)])

    def _per_frame(self, where: np.ndarray) -> np.ndarray:
        counts = np.zeros(self.frames, np.int64)
        np.add.at(counts, self.frame[where], self.count[where])
        return counts


def check_pair(prediction: np.ndarray, truth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both masks as arrays, if they can be compared label by label.

    Raises
    ------
    UsageError
        They differ in shape, have less than 2 or more than 4 axes or no pixels, or their type is neither bool nor integer.
    """
    pair = prediction, truth = np.asarray(prediction), np.asarray(truth)
    if prediction.shape != truth.shape:
        raise UsageError(f"the masks differ in shape: the prediction has {prediction.shape}, the truth has {truth.shape}")
    if not 2 <= prediction.ndim <= 4 or not prediction.size:
        raise UsageError(f"masks of 2 to 4 axes with pixels in them are needed; these have the shape {prediction.shape}")
    for mask in pair:
        if mask.dtype.kind not in "biu":
            raise UsageError(f"labels are booleans or integers; a mask is {mask.dtype}: convert it first")
    return pair


def as_frames(mask: np.ndarray) -> np.ndarray:
    """The mask as ``(frames, rows, columns)``, all leading axes combined to one."""
    return mask.reshape(-1, *mask.shape[-2:])


def where_values(mask: np.ndarray, values: Sequence[int]) -> np.ndarray:
    """Where a mask has one of these values; bool, of its shape."""
    return mask == values[0] if len(values) == 1 else np.isin(mask, values)


def values_in(mask: np.ndarray) -> set[int]:
    """All values, except 0, of a mask of integers or booleans."""
    found: set[int] = set()
    for frame in as_frames(mask):
        values, codes = _encode_values(frame)
        # The values may be a whole range, some of which no pixel has.
        found.update(values[np.bincount(codes.ravel(), minlength=len(values)) > 0].tolist())
    return found - {0}


def count_pairs(prediction: np.ndarray, truth: np.ndarray) -> PairCounts:
    """Count the pairs of labels of two masks of one shape, integers or booleans; extra memory is that of a few frames."""
    per_frame = [_count_frame_pairs(pred, true) for pred, true in zip(as_frames(prediction), as_frames(truth), strict=True)]
    frame = np.repeat(np.arange(len(per_frame)), [len(count) for _, _, count in per_frame])
    pred, true, count = (np.concatenate(arrays).astype(np.int64) for arrays in zip(*per_frame, strict=True))
    return PairCounts(frame, pred, true, count, len(per_frame))


def _count_frame_pairs(pred: np.ndarray, true: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The pairs of values in one frame: the value in the prediction, that in the truth, and the number of pixels; ``(n,)`` each."""
    pred_values, pred_codes = _encode_values(pred)
    true_values, true_codes = _encode_values(true)
    if len(pred_values) == len(true_values) == 1:
        return pred_values, true_values, np.array([pred.size])
    codes = pred_codes
    codes *= len(true_values)
    codes += true_codes
    if len(pred_values) * len(true_values) > _TABLE_SIZE:
        pairs, counts = np.unique(codes, return_counts=True)
    else:
        table = np.bincount(codes.ravel())
        pairs = np.flatnonzero(table)
        counts = table[pairs]
    return pred_values[pairs // len(true_values)], true_values[pairs % len(true_values)], counts


def _encode_values(frame: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The values of a frame, and a new array with the index of each pixel's value among them; some of the values may not occur."""
    low, high = int(frame.min()), int(frame.max())
    if high - low < _TABLE_SIZE:
        codes = frame.astype(np.int64)
        if low:
            codes -= low
        return np.arange(low, high + 1), codes
    values, codes = np.unique(frame, return_inverse=True)
    return values, codes.reshape(frame.shape)


def match_labels(prediction: np.ndarray, truth: np.ndarray) -> dict[int, int]:
    """The label of the truth for each label of the prediction, in the pairing with the largest sum of Dice scores.

    Parameters
    ----------
    prediction, truth : array_like
        Label masks of one shape, 2-D to 4-D, integers or booleans; 0 is background.

    Returns
    -------
    dict of int to int
        Label of the prediction to label of the truth, each used once. A label that overlaps none of those left is absent.

    Raises
    ------
    UsageError
        The masks differ in shape, or their type is neither bool nor integer.
    """
    counts = count_pairs(*check_pair(prediction, truth))
    (pred_labels, rows), (true_labels, columns) = (np.unique(values, return_inverse=True) for values in (counts.pred, counts.true))
    both = np.zeros((len(pred_labels), len(true_labels)), np.int64)
    np.add.at(both, (rows, columns), counts.count)
    sizes = both.sum(axis=1), both.sum(axis=0)
    both[pred_labels == 0] = both[:, true_labels == 0] = 0
    return {int(pred_labels[row]): int(true_labels[column]) for row, column in best_pairs(both, *sizes)}


def best_pairs(both: np.ndarray, predicted: np.ndarray, true: np.ndarray) -> list[tuple[int, int]]:
    """The pairing with the largest sum of Dice scores.

    Parameters
    ----------
    both : numpy.ndarray
        ``(m, n)``: number of pixels that each of ``m`` masks of the prediction has in common with each of ``n`` masks of the truth.
    predicted, true : numpy.ndarray
        ``(m,)`` and ``(n,)``: number of pixels of each mask.

    Returns
    -------
    list of tuple of int
        (row, column), each used once; a mask that overlaps none of those left is absent.
    """
    dice = 2 * both / np.maximum(predicted[:, None] + true[None, :], 1)
    pairs = zip(*linear_sum_assignment(dice, maximize=True), strict=True)
    return [(int(row), int(column)) for row, column in pairs if dice[row, column] > 0]
