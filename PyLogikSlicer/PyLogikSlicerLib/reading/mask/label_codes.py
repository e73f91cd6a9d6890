"""Segments that may overlap, in one array of labels: where they do, a label of its own stands for all of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np


class LabelCodes:
    """Segments are drawn one after the other.

    Parameters
    ----------
    shape
        Of the array.
    numbers
        All labels that will be drawn.
    """

    def __init__(self, shape: tuple[int, ...], numbers: Iterable[int]) -> None:
        used = {0, *numbers}
        self._next = max(used) + 1
        self.labels = np.zeros(shape, np.result_type(*(np.min_scalar_type(number) for number in used)))
        self.overlaps: dict[int, tuple[int, ...]] = {}
        self._codes: dict[tuple[int, ...], int] = {}

    def draw(self, where: Any, mask: np.ndarray, number: int) -> None:
        """Add what is True in ``mask`` to a segment. ``where``: an index whose part of the array has the shape of ``mask``."""
        held = self.labels[where][mask]
        if not held.any():
            self.labels[where][mask] = number
            return
        there, places = np.unique(held, return_inverse=True)
        codes = [self._with(int(label), number) for label in there]
        if max(codes) > np.iinfo(self.labels.dtype).max:
            self.labels = self.labels.astype(np.min_scalar_type(self._next) if self.labels.min() >= 0 else np.int64)
        self.labels[where][mask] = np.asarray(codes, self.labels.dtype)[places.reshape(held.shape)]

    def _with(self, label: int, number: int) -> int:
        """The label of pixels that held ``label`` and belong to ``number`` too."""
        held = self.overlaps.get(label, (label,) if label else ())
        if number in held:
            return label
        together = tuple(sorted((*held, number)))
        if len(together) == 1:
            return number
        if together not in self._codes:
            self._codes[together] = self._next
            self.overlaps[self._next] = together
            self._next += 1
        return self._codes[together]
