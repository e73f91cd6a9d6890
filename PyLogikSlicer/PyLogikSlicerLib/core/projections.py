"""Temporal composites: minimum, maximum, mean and deviation of the luminance over all frames of a stack."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from .channels import brightness_and_color

# By how much differences from the mean of what is around are enlarged, and how many pixels wide and high that is.
GAIN, AROUND = 2, 61


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

    def add(self, shown: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """``shown``: uint8 ``(rows, columns[, 3])``. Returns its luminance (the largest channel, so that coloured text and echoes count
        as bright) and its colors, as :func:`~.channels.brightness_and_color`."""
        luminance, spread = brightness_and_color(shown)
        if self._count == 0:
            self._minimum, self._maximum, self._spread = luminance.copy(), luminance.copy(), spread.copy()
        else:
            if self._count == 1:  # of a single frame, which may be large, no sums are kept
                self._sum, self._squares = self._maximum.astype(np.float32), self._maximum.astype(np.float64) ** 2
            cv2.min(self._minimum, luminance, self._minimum)
            cv2.max(self._maximum, luminance, self._maximum)
            cv2.max(self._spread, spread, self._spread)
            cv2.accumulate(luminance, self._sum)
            cv2.accumulateSquare(luminance, self._squares)
        self._count += 1
        return luminance, spread

    def result(self) -> Composites:
        if self._count == 0:
            raise ValueError("no frame was added")
        if self._count == 1:
            mean, deviation = self._maximum.astype(np.float32), np.zeros(self._maximum.shape, np.float32)
        else:
            mean = (self._sum / self._count).astype(np.float32)
            variance = self._squares / self._count - np.square(mean, dtype=np.float64)
            deviation = np.sqrt(np.maximum(variance, 0)).astype(np.float32)
        return Composites(self._count, self._minimum, self._maximum, mean, deviation, self._spread)


def usual(frames: Sequence[np.ndarray]) -> np.ndarray:
    """The mean of uint8 arrays of one shape without the largest and the smallest value of each pixel, float32: what shows on one
    of them only does not show in it. At least three."""
    total, high, low = np.zeros(frames[0].shape, np.float32), frames[0].copy(), frames[0].copy()
    for frame in frames:
        cv2.accumulate(frame, total)
        cv2.max(high, frame, high)
        cv2.min(low, frame, low)
    return (total - high - low) / np.float32(len(frames) - 2)


def stretched(image: np.ndarray) -> np.ndarray:
    """uint8 of a float32 image in which all differences from the mean of what is around are larger by ``GAIN``: frames taken together
    lose most of their noise, and dim text becomes as plain to a reader as bright text on one frame."""
    around = cv2.blur(image, (AROUND, AROUND))
    return np.clip((image - around) * np.float32(GAIN) + around, 0, 255).astype(np.uint8)
