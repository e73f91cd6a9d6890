"""Readings: what was read at a place of a cine, so that text that stands still is read once and not on every frame."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from ..core.channels import max_channel
from ..core.text_map import Box
from .boxes import area, clip, moved, overlap
from .grouping import Place

Line = tuple[str, float]
Read = Callable[[np.ndarray, Sequence[Place]], list[Line]]

# A stroke more or less changes at least this share of a letter's box by so many grey levels; what lies behind may shimmer.
STROKE_SHARE, STROKE_JUMP = 0.02, 40
SAME_PLACE = 0.5
# Readings kept in all, and of one place: a timer never shows the same again.
MOST, MOST_THERE = 256, 4


@dataclass(frozen=True, eq=False)
class _Reading:
    box: Box
    patch: np.ndarray
    line: Line


class Readings:
    """Reads lines with ``read(view, places)``, and only those that do not look as when they were read last."""

    def __init__(self, read: Read) -> None:
        self._read = read
        self._known: list[_Reading] = []

    def lines(self, view: np.ndarray, corner: tuple[int, int], places: Sequence[Place]) -> list[Line]:
        """(text, confidence) at each of ``places`` of ``view``, uint8 ``(rows, columns[, 3])``, whose upper left pixel is
        pixel ``corner`` (x, y) of the frame."""
        bright = max_channel(view)
        lines: list[Line | None] = [self._recall(bright, corner, place) for place in places]
        unknown = [number for number, line in enumerate(lines) if line is None]
        for number, line in zip(unknown, self.anew(view, corner, [places[number] for number in unknown]), strict=True):
            lines[number] = line
        return [line for line in lines if line is not None]

    def anew(self, view: np.ndarray, corner: tuple[int, int], places: Sequence[Place]) -> list[Line]:
        """The same, whatever was read there before: beside bright letters, dim ones that were not there count for nothing."""
        lines = self._read(view, places)
        bright = max_channel(view)
        for place, line in zip(places, lines, strict=True):
            self._remember(bright, corner, place, line)
        return lines

    def _recall(self, bright: np.ndarray, corner: tuple[int, int], place: Place) -> Line | None:
        for known in self._there(moved(place.box, *corner)):
            box = moved(known.box, -corner[0], -corner[1])
            if clip(box, *bright.shape) == box and _alike(known.patch, bright[box[1] : box[3], box[0] : box[2]]):
                return known.line
        return None

    def _remember(self, bright: np.ndarray, corner: tuple[int, int], place: Place, line: Line) -> None:
        box = clip(place.box, *bright.shape)
        if box is not None:
            patch = bright[box[1] : box[3], box[0] : box[2]].copy()
            reading = _Reading(moved(box, *corner), patch, line)
            for outdated in self._there(reading.box)[MOST_THERE - 1 :]:
                self._known.remove(outdated)
            self._known = [*self._known[1 - MOST :], reading]

    def _there(self, box: Box) -> list[_Reading]:
        """What was read at about this place, the latest first."""
        shared = ((known, overlap(known.box, box)) for known in reversed(self._known))
        return [known for known, common in shared if common >= SAME_PLACE * (area(known.box) + area(box) - common)]


def _alike(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether no letter differs: nowhere in a window as wide as the line is high does more than a pixel or two of a stroke."""
    differs = (_strokes(one) != _strokes(other)) & (cv2.absdiff(one, other) > STROKE_JUMP)
    side = min(one.shape)
    return float(cv2.blur(differs.astype(np.float32), (side, side)).max()) <= STROKE_SHARE


def _strokes(patch: np.ndarray) -> np.ndarray:
    """True where a pixel is nearer to the brightest, or to the darkest, than to what is usual: bright and dark letters."""
    low, usual, high = float(patch.min()), float(np.median(patch)), float(patch.max())
    bright = patch > (usual + high) / 2 if high - usual > STROKE_JUMP else np.zeros(patch.shape, bool)
    dark = patch < (usual + low) / 2 if usual - low > STROKE_JUMP else np.zeros(patch.shape, bool)
    return bright | dark
