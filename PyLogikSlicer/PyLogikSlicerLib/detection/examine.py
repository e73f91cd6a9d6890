"""The examination of a whole stack: every frame, every view of it, to its edges; what did not change is not looked at again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from ..composites import CompositeAccumulator, Composites
from ..stack import ImageStack
from ..text_map import Box, TextMap
from .changes import NOISE, FrameMemory
from .codes import find_codes
from .grouping import Place, area, clip, group
from .looks import DETECTION, Look, Plan, Sighting, examine_image
from .reader import TextReader
from .tracks import Track, Tracker, regions_of

# Up to this share of the frame, changed content is small enough for every look; a moving sector is larger.
SMALL_SHARE = 0.1
CODE_ENGINE = "zxing"

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
        places = []
        for box in boxes:
            x0, y0, x1, y1 = box
            crop = np.ascontiguousarray(view[y0:y1, x0:x1])
            found, codes = self._find(crop, self._looks(box, index))
            places += [_moved(place, x0, y0) for place in found]
            for place, text in codes:
                tracker.see(index, _moved(place, x0, y0)).read(text, 1.0)
        self._read(view, [tracker.see(index, place) for place in places], places)
        return sum(area(box) for box in boxes) / (self._rows * self._columns)

    def _looks(self, box: Box, index: int) -> tuple[Look, ...]:
        moving = index > 0 and area(box) > SMALL_SHARE * self._rows * self._columns
        return self._plan.looks(box[3] - box[1], box[2] - box[0], moving)

    def _find(self, image: np.ndarray, looks: Sequence[Look]) -> tuple[list[Place], list[tuple[Place, str]]]:
        rows, columns = image.shape[:2]
        codes = find_codes(image)
        sightings = examine_image(image, looks, self._readers)
        marked = [(group([Sighting(code.polygon, 1.0, CODE_ENGINE)], rows, columns), code.text) for code in codes]
        return group(sightings, rows, columns), [(places[0], text) for places, text in marked if places]

    def _read(self, view: np.ndarray, tracks: Sequence[Track], places: Sequence[Place]) -> None:
        reader = next((reader for reader in self._readers if hasattr(reader, "recognise")), None)
        if reader is None or not places:
            return
        lines = reader.recognise([crop_of(view, place) for place in places])
        for track, (text, confidence) in zip(tracks, lines, strict=True):
            track.read(text, confidence)

    def examine_composites(self, composites: Composites) -> None:
        """Static text over moving speckle hides in every single frame and stands out over time; it is there on all frames."""
        moving = composites.deviation > NOISE / 2
        if not moving.any():
            return
        ys, xs = np.nonzero(moving)
        x0, y0, x1, y1 = int(xs.min()), int(ys.min()), int(xs.max()) + 1, int(ys.max()) + 1
        tracker = self._trackers[0]
        for image in (composites.minimum, composites.mean.round().astype(np.uint8), composites.maximum):
            crop = np.ascontiguousarray(image[y0:y1, x0:x1])
            found, codes = self._find(crop, self._plan.looks(*crop.shape[:2]))
            places = [_moved(place, x0, y0) for place in found]
            tracks = [tracker.see_throughout(composites.frame_count, place) for place in places]
            self._read(image, tracks, places)
            for place, text in codes:
                tracker.see_throughout(composites.frame_count, _moved(place, x0, y0)).read(text, 1.0)


def crop_of(view: np.ndarray, place: Place) -> np.ndarray:
    """The line of text at ``place``, upright, uint8 RGB; lines that run down the image are turned to run to the right."""
    colour = view if view.ndim == 3 else cv2.cvtColor(view, cv2.COLOR_GRAY2RGB)
    box = clip(place.box, *colour.shape[:2])
    if box is None:
        return np.zeros((8, 8, 3), np.uint8)
    corners = np.asarray(place.polygon, np.float32)
    x0, y0, x1, y1 = box
    if (corners == corners.min(axis=0)).any(axis=0).all() and len(np.unique(corners[:, 0])) == 2:
        line = colour[y0:y1, x0:x1]
    else:
        (x, y), (width, height), angle = cv2.minAreaRect(corners)
        if width < height:
            width, height, angle = height, width, angle - 90
        turn = cv2.getRotationMatrix2D((float(x), float(y)), float((angle + 90) % 180 - 90), 1.0)
        turn[:, 2] += (width / 2 - x, height / 2 - y)
        line = cv2.warpAffine(colour, turn, (max(int(width), 1), max(int(height), 1)), borderMode=cv2.BORDER_REPLICATE)
    rows, columns = line.shape[:2]
    return np.rot90(line).copy() if rows > 1.5 * columns else line


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
    return Place(tuple((a + x, b + y) for a, b in place.polygon), place.score, place.engine)


def _widened(low: float, high: float, frame: np.ndarray) -> tuple[float, float]:
    finite = frame[np.isfinite(frame)] if frame.dtype.kind == "f" else frame
    return (min(low, float(finite.min())), max(high, float(finite.max()))) if finite.size else (low, high)
