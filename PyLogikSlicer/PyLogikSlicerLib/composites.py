"""Temporal composites: minimum, maximum, mean and deviation of the luminance over all frames of a stack."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from .channels import largest, smallest


@dataclass(frozen=True)
class Composites:
    """All ``(rows, columns)``. Grey levels 0..255 of what a person sees; ``colourfulness`` is the largest difference
    between two channels of a pixel over all frames (0 for grey images)."""

    frame_count: int
    minimum: np.ndarray  # uint8
    maximum: np.ndarray  # uint8
    mean: np.ndarray  # float32
    deviation: np.ndarray  # float32, standard deviation over frames; 0 for a single frame
    colourfulness: np.ndarray  # uint8


class CompositeAccumulator:
    """Takes the shown frames one by one, so that a cine never has to be in memory."""

    def __init__(self) -> None:
        self._count = 0

    def add(self, shown: np.ndarray) -> np.ndarray:
        """``shown``: uint8 ``(rows, columns[, 3])``. Returns its luminance, uint8 ``(rows, columns)``: the largest channel, so that
        coloured text and echoes count as bright."""
        luminance = largest(shown)
        spread = luminance - smallest(shown)
        if self._count == 0:
            self._minimum, self._maximum, self._spread = luminance.copy(), luminance.copy(), spread.copy()
            self._sum = np.zeros(luminance.shape, np.float32)
            self._squares = np.zeros(luminance.shape, np.float64)
        else:
            cv2.min(self._minimum, luminance, self._minimum)
            cv2.max(self._maximum, luminance, self._maximum)
            cv2.max(self._spread, spread, self._spread)
        cv2.accumulate(luminance, self._sum)
        cv2.accumulateSquare(luminance, self._squares)
        self._count += 1
        return luminance

    def result(self) -> Composites:
        if self._count == 0:
            raise ValueError("no frame was added")
        mean = self._sum / self._count
        variance = self._squares / self._count - np.square(mean, dtype=np.float64)
        deviation = np.sqrt(np.maximum(variance, 0)).astype(np.float32)
        return Composites(self._count, self._minimum, self._maximum, mean.astype(np.float32), deviation, self._spread)


def median_of_five(a: np.ndarray, b: np.ndarray, c: np.ndarray, d: np.ndarray, e: np.ndarray) -> np.ndarray:
    """Pixel by pixel of five uint8 arrays of one shape: by comparisons alone, which OpenCV does on many pixels at a time."""
    low = cv2.max(cv2.min(a, b), cv2.min(c, d))  # neither the smallest nor above the middle of the four
    high = cv2.min(cv2.max(a, b), cv2.max(c, d))
    return cv2.max(cv2.min(low, high), cv2.min(e, cv2.max(low, high)))
