"""ReadingCache: text that stands still in a cine is recognized once, and not on every frame."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from ..core.channels import max_channel
from ..core.geometry import Box
from .reader import Reading
from .text_line import TextLine

# (view, lines of the view) to the reading of each line.
ReadLines = Callable[[np.ndarray, Sequence[TextLine]], list[Reading]]

# Grey levels by which a pixel of a stroke differs from the background, and by which it changes when the stroke comes or goes; less is
# the shimmer of what lies behind the text.
STROKE_CONTRAST = 40
# Share of the pixels of a letter's box that change at least where a letter becomes another one.
CHANGED_SHARE = 0.02
# IoU from which two boxes hold the same line.
SAME_LINE_IOU = 0.5
# Readings kept in all, the latest ones.
MAX_READINGS = 256
# Readings kept of one line: a timer never shows the same text again.
MAX_READINGS_OF_LINE = 4


@dataclass(frozen=True, eq=False)
class _CachedReading:
    """``box`` in pixels of the frame; ``patch``: what it held when it was read, uint8 ``(rows, columns)``."""

    box: Box
    patch: np.ndarray
    reading: Reading


class ReadingCache:
    """Reads lines with ``read_lines``, and returns the earlier reading where a line looks as it did when it was read."""

    def __init__(self, read_lines: ReadLines) -> None:
        self._read_lines = read_lines
        self._cached: list[_CachedReading] = []

    def read(self, view: np.ndarray, corner: tuple[int, int], lines: Sequence[TextLine]) -> list[Reading]:
        """The reading of each line, from the cache where possible.

        Parameters
        ----------
        view
            A part of the frame, uint8 ``(rows, columns[, 3])``.
        corner
            (x, y) of its upper left pixel in the frame.
        lines
            In pixels of the view.
        """
        brightness = max_channel(view)
        readings = [self._look_up(brightness, corner, line) for line in lines]
        unknown = [line for line, reading in zip(lines, readings, strict=True) if reading is None]
        fresh = iter(self.refresh(view, corner, unknown))
        return [next(fresh) if reading is None else reading for reading in readings]

    def refresh(self, view: np.ndarray, corner: tuple[int, int], lines: Sequence[TextLine]) -> list[Reading]:
        """The reading of each line, recognized anew and put into the cache; parameters as of :meth:`read`.

        The comparison with the cache misses dim letters that appear beside bright ones, so a caller that knows that a line has changed
        calls this instead of :meth:`read`.
        """
        readings = self._read_lines(view, lines)
        brightness = max_channel(view)
        for line, reading in zip(lines, readings, strict=True):
            self._store(brightness, corner, line, reading)
        return readings

    def _look_up(self, brightness: np.ndarray, corner: tuple[int, int], line: TextLine) -> Reading | None:
        for cached in self._cached_at(line.box.translate(*corner)):
            box = cached.box.translate(-corner[0], -corner[1])
            lies_in_view = box.clip(*brightness.shape) == box
            if lies_in_view and _shows_same_text(cached.patch, brightness[box.slices]):
                return cached.reading
        return None

    def _store(self, brightness: np.ndarray, corner: tuple[int, int], line: TextLine, reading: Reading) -> None:
        box = line.box.clip(*brightness.shape)
        if box is not None:
            patch = brightness[box.slices].copy()
            entry = _CachedReading(box.translate(*corner), patch, reading)
            for outdated in self._cached_at(entry.box)[MAX_READINGS_OF_LINE - 1 :]:
                self._cached.remove(outdated)
            self._cached = [*self._cached[1 - MAX_READINGS :], entry]

    def _cached_at(self, box: Box) -> list[_CachedReading]:
        """The cached readings of the line in a box of the frame, the latest first."""
        return [cached for cached in reversed(self._cached) if cached.box.iou(box) >= SAME_LINE_IOU]


def _shows_same_text(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether no letter differs between two patches of one size.

    Strokes may differ in no more than ``CHANGED_SHARE`` of any square with the patch's shorter side.
    """
    differs = (_stroke_pixels(one) != _stroke_pixels(other)) & (cv2.absdiff(one, other) > STROKE_CONTRAST)
    side = min(one.shape)
    return float(cv2.blur(differs.astype(np.float32), (side, side)).max()) <= CHANGED_SHARE


def _stroke_pixels(patch: np.ndarray) -> np.ndarray:
    """Where a patch has bright or dark strokes, bool: pixels nearer to its brightest, or to its darkest, level than to its median."""
    low, median, high = float(patch.min()), float(np.median(patch)), float(patch.max())
    bright = patch > (median + high) / 2 if high - median > STROKE_CONTRAST else np.zeros(patch.shape, bool)
    dark = patch < (median + low) / 2 if median - low > STROKE_CONTRAST else np.zeros(patch.shape, bool)
    return bright | dark
