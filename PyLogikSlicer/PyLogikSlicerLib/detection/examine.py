"""The examination of a whole stack: every frame, every view of it, to its edges; what did not change is not looked at again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from ..composites import CompositeAccumulator, Composites
from ..stack import ImageStack
from ..text_map import Box, TextMap
from .changes import HALO, NOISE, FrameMemory
from .codes import find_codes
from .grouping import Place, area, clip, group
from .lines import read_lines
from .looks import DETECTION, Plan, Sighting, examine_image
from .reader import TextReader
from .tracks import Track, Tracker, regions_of

# Up to this share of the frame, changed content is small enough for every look; a moving sector is larger.
SMALL_SHARE = 0.1
CODE_ENGINE = "zxing"
# How wide, in heights, a box must be to hold more than one letter; and how sure a reader must be of a letter.
LONG_RATIO = 2.0
LEGIBLE = 0.9

OnProgress = Callable[[int, int], None]
Attention = Callable[[int], Sequence[Box]]


@dataclass(frozen=True)
class Examination:
    """What one pass over the frames gives. ``value_range``: smallest and largest finite stored value of all frames."""

    text_map: TextMap
    composites: Composites
    value_range: tuple[float, float]


def examine(
    stack: ImageStack,
    readers: Sequence[TextReader],
    on_progress: OnProgress = lambda done, total: None,
    plan: Plan = DETECTION,
    attention: Attention | None = None,
) -> Examination:
    """Find the text on every frame of ``stack``; regions are not decided yet (all redacted).

    ``on_progress(frames_done, frames)`` is called after each frame and may raise to cancel. ``attention(frame)`` gives the
    boxes outside which nothing is looked at, for a second look at places that were changed; without it all is examined.
    Raises :class:`~PyLogikSlicerLib.errors.UnreadableInput` when a frame cannot be decoded.
    """
    examiner = _Examiner(readers, stack.rows, stack.columns, plan, attention)
    accumulator = CompositeAccumulator()
    low, high = np.inf, -np.inf
    for index, frame in enumerate(stack.frames()):
        views = stack.display.views(frame)
        examiner.examine_frame(index, views)
        accumulator.add(views[0])
        low, high = _widened(low, high, frame)
        on_progress(index + 1, stack.frame_count)
    composites = accumulator.result()
    if attention is None:
        examiner.examine_composites(composites)
    regions = regions_of(examiner.tracks(), stack.frame_count)
    return Examination(TextMap(tuple(regions), tuple(examiner.coverage)), composites, (low, high))


class _Examiner:
    def __init__(self, readers: Sequence[TextReader], rows: int, columns: int, plan: Plan, attention: Attention | None) -> None:
        self._readers = readers
        self._rows, self._columns = rows, columns
        self._plan, self._attention = plan, attention
        self._memories: list[FrameMemory] = []
        self._trackers: list[Tracker] = []
        self._before: list[np.ndarray] = []
        self.coverage: list[str] = []

    def tracks(self) -> list[Track]:
        return [track for tracker in self._trackers for track in tracker.tracks()]

    def examine_frame(self, index: int, views: Sequence[np.ndarray]) -> None:
        """Each view has its own memory: what a window hides can change while what it shows stands still."""
        while len(self._memories) < len(views):
            self._memories.append(FrameMemory())
            self._trackers.append(Tracker())
            self._before.append(views[len(self._before)])
        share = max(self._examine_view(index, number, view) for number, view in enumerate(views))
        self.coverage.append("whole frame" if share >= 1 else f"changed {share:.0%}" if share else "unchanged")

    def _examine_view(self, index: int, number: int, view: np.ndarray) -> float:
        tracker = self._trackers[number]
        alive = tracker.alive(index)
        boxes = self._memories[number].update(view)
        if self._attention is not None:
            boxes = _within(boxes, self._attention(index))
        before, self._before[number] = self._before[number], view
        tracker.stay(index, (track for track in alive if _unchanged(track.place.box, before, view)))
        for box in boxes:
            moving = not self._memories[number].new_scene and area(box) > SMALL_SHARE * self._rows * self._columns
            for place, text, confidence in self._find(view, box, moving):
                tracker.see(index, place).read(text, confidence)
        return sum(area(box) for box in boxes) / (self._rows * self._columns)

    def examine_composites(self, composites: Composites) -> None:
        """Static text over moving speckle hides in every single frame and stands out over time; it is there on all frames."""
        moving = composites.deviation > NOISE / 2
        if not moving.any():
            return
        ys, xs = np.nonzero(moving)
        around = int(xs.min()) - HALO, int(ys.min()) - HALO, int(xs.max()) + 1 + HALO, int(ys.max()) + 1 + HALO
        box = clip(around, self._rows, self._columns)
        tracker = self._trackers[0]
        for place, text, confidence in self._find(composites.minimum, box, moving=False):
            tracker.see_throughout(composites.frame_count, place).read(text, confidence)
        # The mean and the maximum also show what was there for a moment only: that is known from its frames.
        for image in (composites.mean.round().astype(np.uint8), composites.maximum):
            for place, text, confidence in self._find(image, box, moving=False):
                if not tracker.bridge(place):
                    tracker.see_throughout(composites.frame_count, place).read(text, confidence)

    def _find(self, view: np.ndarray, box: Box, moving: bool) -> list[tuple[Place, str, float]]:
        """(place, text, confidence) of all text and codes in the part ``box`` of a view; places in pixels of the view."""
        x0, y0, x1, y1 = box
        crop = np.ascontiguousarray(view[y0:y1, x0:x1])
        codes = [(group([Sighting(code.polygon, 1.0, CODE_ENGINE)], y1 - y0, x1 - x0), code.text) for code in find_codes(crop)]
        places = group(examine_image(crop, self._plan, moving, self._readers), y1 - y0, x1 - x0)
        lines = read_lines(crop, places, self._readers)
        found = [(place, *line) for place, line in zip(places, lines, strict=True) if _is_text(place, *line)]
        found += [(places[0], text, 1.0) for places, text in codes if places]
        return [(_moved(place, x0, y0), text, confidence) for place, text, confidence in found]


def _is_text(place: Place, text: str, confidence: float) -> bool:
    """Whether to believe what was seen: a letter or digit can be read there, or a reader is certain, or a reader of words
    saw it and either it is longer than a letter or another look agrees. What is left are ticks, calipers and bright speckle,
    nine times of ten."""
    if place.certain or (confidence >= LEGIBLE and any(map(str.isalnum, text))):
        return True
    x0, y0, x1, y1 = place.box
    return place.worded and (x1 - x0 >= LONG_RATIO * (y1 - y0) or len(place.engines) > 1)


def _unchanged(box: Box, before: np.ndarray, now: np.ndarray) -> bool:
    clipped = clip(box, *now.shape[:2])
    if clipped is None or before.shape != now.shape:
        return False
    x0, y0, x1, y1 = clipped
    return int(cv2.absdiff(before[y0:y1, x0:x1], now[y0:y1, x0:x1]).max()) <= NOISE


def _within(boxes: Sequence[Box], attention: Sequence[Box]) -> list[Box]:
    cut = ((max(a[0], b[0]), max(a[1], b[1]), min(a[2], b[2]), min(a[3], b[3])) for a in boxes for b in attention)
    return [box for box in cut if box[0] < box[2] and box[1] < box[3]]


def _moved(place: Place, x: int, y: int) -> Place:
    return replace(place, polygon=tuple((a + x, b + y) for a, b in place.polygon))


def _widened(low: float, high: float, frame: np.ndarray) -> tuple[float, float]:
    finite = frame[np.isfinite(frame)] if frame.dtype.kind == "f" else frame
    return (min(low, float(finite.min())), max(high, float(finite.max()))) if finite.size else (low, high)
