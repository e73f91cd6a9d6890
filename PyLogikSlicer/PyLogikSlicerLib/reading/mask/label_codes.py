"""One label array for segments that may overlap: an additional label stands for each combination of overlapping segments."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np


class LabelCodes:
    """A label array into which segments are drawn one after the other.

    After drawing, ``labels`` is the array, and ``overlaps`` maps each additional label in it to the labels that overlap there.

    Parameters
    ----------
    shape
        Shape of the array.
    numbers
        All labels that will be drawn.
    """

    def __init__(self, shape: tuple[int, ...], numbers: Iterable[int]) -> None:
        used = {0, *numbers}
        self._next = max(used) + 1
        self.labels = np.zeros(shape, np.result_type(*(np.min_scalar_type(number) for number in used)))
        self.overlaps: dict[int, tuple[int, ...]] = {}
        self._codes: dict[tuple[int, ...], int] = {}  # the inverse of ``overlaps``

    def draw(self, where: Any, mask: np.ndarray, number: int) -> None:
        """Add the pixels that are True in ``mask`` to the segment ``number``.

        ``where`` is an index, a slice or a tuple of them: it selects the part of the array that has the shape of ``mask``.
        """
        present = self.labels[where][mask]
        if not present.any():
            self.labels[where][mask] = number
            return
        distinct, inverse = np.unique(present, return_inverse=True)
        codes = [self._combine(int(label), number) for label in distinct]
        if max(codes) > np.iinfo(self.labels.dtype).max:
            self.labels = self.labels.astype(np.min_scalar_type(self._next) if self.labels.min() >= 0 else np.int64)
        self.labels[where][mask] = np.asarray(codes, self.labels.dtype)[inverse.reshape(present.shape)]

    def _combine(self, label: int, number: int) -> int:
        """The label of pixels that have ``label`` so far and also belong to the segment ``number``."""
        segments = self.overlaps.get(label, (label,) if label else ())
        if number in segments:
            return label
        combination = tuple(sorted((*segments, number)))
        if len(combination) == 1:
            return number
        if combination not in self._codes:
            self._codes[combination] = self._next
            self.overlaps[self._next] = combination
            self._next += 1
        return self._codes[combination]
