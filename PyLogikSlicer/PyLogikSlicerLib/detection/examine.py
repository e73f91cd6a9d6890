"""The examination of a whole stack: every frame, every view of it, to its edges; what did not change is not looked at again."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from ..core.progress import OnProgress, Progress, ignore_progress
from ..core.projections import CompositeAccumulator, Composites, stretched, usual
from ..core.stack import ImageStack
from ..core.text_map import Box, Coverage, TextMap, polygon_of_box
from .belief import believed, believed_equalized, believed_faint, is_legible, is_too_large
from .boxes import area, clip, parts_of
from .changes import NOISE, Change, FaintMemory, FrameMemory, boxes_around
from .codes import find_codes
from .coloring import colored_parts, letters_in, visible
from .extents import fitted
from .faint import as_levels, equalized_views, faint_views
from .grouping import Place, group, is_box
from .lines import read_lines
from .looks import DETECTION, Plan, Sighting, examine_images
from .polygons import shifted
from .reader import TextReader
from .readings import Line, Readings
from .tightening import tightened
from .tracks import LEAD, LEAD_BETWEEN_LOOKS, UNSEEN, Track, Tracker, regions_of

CODE_ENGINE = "zxing"
# Composites of fewer frames show nothing that the frames do not.
FEWEST = 4
# So many frames together show dim text of which each alone shows too little; every third frame those before it, so that whatever is
# there for ten frames is there on all of some eight.
WINDOW, STEP = 8, 3
# Of a leaning place, the share that only the faint view must show.
HIDDEN_SHARE = 0.5
# Pixels around what is hidden that go with it: the ends of letters have little ink around them.
HIDING = 8
# Pixels; what is looked at for faint text goes in parts, since it takes some twenty times the memory of the frame, and parts overlap
# by more than a letter is high.
FAINT_PART = 1536
FAINT_OVERLAP = 256
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
    on_progress: OnProgress = ignore_progress,
    plan: Plan = DETECTION,
    attention: Attention | None = None,
    stage: str = "examine",
) -> Examination:
    """Find the text on every frame of ``stack``; regions are not decided yet (all redacted).

    ``on_progress`` is called with the progress of ``stage`` after each frame and may raise to cancel. ``attention(frame)`` gives the
    boxes outside which nothing is looked at, for a second look at places that were changed; without it all is examined.
    Raises :class:`~PyLogikSlicerLib.core.errors.UnreadableInput` when a frame cannot be decoded.
    """
    examiner = _Examiner(readers, plan, attention)
    low, high = np.inf, -np.inf
    for index, frame in enumerate(stack.frames()):
        examiner.examine_frame(index, frame, stack.display_of(index).show(frame), last=index + 1 == stack.frame_count)
        low, high = _widened(low, high, frame)
        on_progress(Progress(stage, index + 1, stack.frame_count))
    composites = examiner.composites.result()
    if attention is None:
        examiner.examine_composites(composites)
    regions = regions_of(examiner.tracks(), stack.frame_count)
    return Examination(TextMap(tuple(regions), tuple(examiner.coverage)), composites, (low, high))


class _Examiner:
    def __init__(self, readers: Sequence[TextReader], plan: Plan, attention: Attention | None) -> None:
        self._readers = readers
        self._plan, self._attention = plan, attention
        self._shown, self._colors, self._faint = FrameMemory(), FrameMemory(), FaintMemory()
        self._tracker, self._color_tracker, self._faint_tracker = Tracker(), Tracker(), Tracker()
        self.composites = CompositeAccumulator()
        self._recent: deque[np.ndarray] = deque(maxlen=WINDOW)
        self._readings = Readings(lambda view, places: read_lines(view, places, readers))
        self.coverage: list[Coverage] = []

    def tracks(self) -> list[Track]:
        return [track for tracker in (self._tracker, self._color_tracker, self._faint_tracker) for track in tracker.tracks()]

    def examine_frame(self, index: int, frame: np.ndarray, shown: np.ndarray, last: bool) -> None:
        """What is shown, its colors, and what the stored values hold beside it have memories of their own: each of them can change
        while the others stand still."""
        share = self._examine_view(index, shown, last)
        luminance, colors = self.composites.add(shown)
        if shown.ndim == 3 and self._plan.color.letters:
            self._examine_view(index, visible(colors), last, colors=True)
        self._examine_faint(index, frame, shown)
        if self._attention is None:
            self._recent.append(luminance)
        if len(self._recent) == WINDOW and (last or (index + 1 - WINDOW) % STEP == 0):
            self._examine_recent(index)
        self.coverage.append(Coverage.of_share(share))

    def _examine_faint(self, index: int, frame: np.ndarray, shown: np.ndarray) -> None:
        """What stands out of its surroundings' noise in the stored values though it is not shown."""
        levels = as_levels(frame)
        changes = [Change(part, "faint") for box in self._faint.changes(levels) for part in parts_of(box, FAINT_PART, FAINT_OVERLAP)]
        if self._attention is not None:
            changes = _within(changes, self._attention(index))
        rows, columns = shown.shape[:2]
        alive = self._faint_tracker.alive(index)
        self._faint_tracker.stay(index, [track for track in alive if _is_unchanged(track, self._shown, rows, columns)])
        for change in changes:
            x0, y0, x1, y1 = change.box
            for place, line in self._find_faint(levels[y0:y1, x0:x1], shown[y0:y1, x0:x1]):
                self._faint_tracker.see(index, _moved(place, x0, y0)).read(*line)
        for equalized in equalized_views(levels, shown) if changes else ():
            due = np.zeros_like(equalized.hidden)
            for x0, y0, x1, y1 in (change.box for change in changes):
                due[y0:y1, x0:x1] = equalized.hidden[y0:y1, x0:x1]
            for box in boxes_around(due):
                for place, line in self._find(equalized.view, Change(box, "whole"), believed_equalized):
                    part = _hidden_part(place, equalized.hidden)
                    if part is not None:
                        self._faint_tracker.see(index, part).read(*line)

    def _find_faint(self, levels: np.ndarray, shown: np.ndarray) -> Iterator[tuple[Place, Line]]:
        """From the finest scale to the coarsest, which is not asked again about what a finer one has shown."""
        found: list[Box] = []
        for seen in faint_views(levels, shown):
            hidden = seen.hidden.copy()
            for x0, y0, x1, y1 in found:
                hidden[int(y0 * seen.scale) : int(y1 * seen.scale) + 1, int(x0 * seen.scale) : int(x1 * seen.scale) + 1] = False
            for box in boxes_around(hidden):
                for place, line in self._find(seen.view, Change(box, "faint")):
                    hiding = _hidden_part(place, hidden)
                    if hiding is not None:
                        scaled = _scaled(hiding, 1 / seen.scale)
                        found.append(scaled.box)
                        yield scaled, line

    def _examine_view(self, index: int, view: np.ndarray, last: bool, colors: bool = False) -> float:
        tracker, memory = (self._color_tracker, self._colors) if colors else (self._tracker, self._shown)
        memory.compare(view)
        rows, columns = view.shape[:2]
        alive = tracker.alive(index)
        hidden = _hidden(alive, index, rows, columns)
        read = self._read_again(index, view, memory, alive, hidden)
        changes = memory.changes(last, [track.place.box for track in hidden], [track.place.box for track in read])
        if not colors:
            changes += [Change(_beside(track.place.box, rows, columns), "glance") for track in read]
        if self._attention is not None:
            changes = _within(changes, self._attention(index))
        tracker.stay(index, [*hidden, *(track for track in alive if _is_unchanged(track, memory, rows, columns))])
        if colors and changes:
            view = letters_in(view)
            changes = [Change(box, "color") for change in changes for box in colored_parts(view, change.box)]
        for change in changes:
            lead = LEAD if change.closeness in ("whole", "color") else LEAD_BETWEEN_LOOKS
            for place, line in self._find(view, change):
                tracker.see(index, place, lead).read(*line)
        return sum(area(change.box) for change in changes) / (rows * columns)

    def _read_again(
        self, frame: int, view: np.ndarray, memory: FrameMemory, alive: Sequence[Track], hidden: Sequence[Track]
    ) -> list[Track]:
        """Those texts that have changed in their places while nothing around has, and are plain to read: a timer, a heart rate. A glance
        is enough for what else is there."""
        known = [track for track in alive if _is_inside(track, *view.shape[:2])]
        changed = zip(known, memory.only_inside([track.place.box for track in known]), strict=True)
        read = []
        for track in (track for track, alone in changed if alone and track not in hidden):
            x0, y0, x1, y1 = track.place.box
            (line,) = self._readings.anew(np.ascontiguousarray(view[y0:y1, x0:x1]), (x0, y0), [_moved(track.place, -x0, -y0)])
            if is_legible(*line):
                track.read(*line)
                track.seen = frame
                read.append(track)
        return read

    def _examine_recent(self, last: int) -> None:
        """Dim text over moving speckle hides in each of the frames up to ``last`` and stands out of them all."""
        tracker, first = self._tracker, last - len(self._recent) + 1
        varies = self._shown.changed_after(first)
        for x0, y0, x1, y1 in (track.place.box for track in _hidden(tracker.alive(last), last, *varies.shape)):
            varies[y0:y1, x0:x1] = False
        boxes = boxes_around(varies)
        if not boxes:
            return
        together = stretched(usual(self._recent))
        for box in boxes:
            for place, line in self._find(together, Change(box, "together")):
                tracker.see(last, place, STEP - 1, since=first).read(*line)

    def examine_composites(self, composites: Composites) -> None:
        """Static text over moving speckle hides in every single frame and stands out over time; it is there on all frames."""
        if composites.frame_count < FEWEST:
            return
        tracker = self._tracker
        for box in boxes_around(composites.deviation > NOISE / 2):
            for place, line in self._find(composites.minimum, Change(box, "whole")):
                tracker.see_throughout(composites.frame_count, place).read(*line)
            # The mean and the maximum also show what was there for a moment only: that is known from its frames.
            for image in (composites.mean.round().astype(np.uint8), composites.maximum):
                for place, line in self._find(image, Change(box, "whole")):
                    if not tracker.bridge(place):
                        tracker.see_throughout(composites.frame_count, place).read(*line)
        rows, columns = composites.maximum.shape
        for image in (composites.minimum, composites.mean, composites.maximum):
            for x0, y0, x1, y1 in parts_of((0, 0, columns, rows), FAINT_PART, FAINT_OVERLAP):
                for place, line in self._find_faint(image[y0:y1, x0:x1], composites.maximum[y0:y1, x0:x1]):
                    self._faint_tracker.see_throughout(composites.frame_count, _moved(place, x0, y0)).read(*line)

    def _find(self, view: np.ndarray, change: Change, believe: Callable[..., bool] | None = None) -> list[tuple[Place, Line]]:
        """All text and codes in a part of a view, and what is read there; places in pixels of the view. ``believe``: the rule by which
        a place counts as text, if not the usual one of that closeness."""
        x0, y0, x1, y1 = change.box
        crop = np.ascontiguousarray(view[y0:y1, x0:x1])
        symbols = find_codes(crop, closely=change.closeness == "whole") if change.closeness in ("whole", "words", "faint") else []
        codes = [(group([Sighting(code.polygon, 1.0, CODE_ENGINE)], y1 - y0, x1 - x0), code.text) for code in symbols]
        (sightings,) = examine_images([crop], self._plan, change.closeness, self._readers)
        places = group(fitted(sightings), y1 - y0, x1 - x0)
        lines = self._readings.lines(crop, (x0, y0), places)
        together, seen = change.closeness == "together", zip(places, lines, strict=True)
        believe = believe or (believed_faint if change.closeness == "faint" else partial(believed, together=together))
        credited = {place: line for place, line in seen if believe(place, *line, is_too_large(place, *view.shape[:2]))}
        found = [(place, credited[whole]) for whole, place in tightened(tuple(credited), crop)]
        found += [(places[0], (text, 1.0)) for places, text in codes if places]
        return [(_moved(place, x0, y0), line) for place, line in found]


def _hidden(tracks: Sequence[Track], frame: int, rows: int, columns: int) -> list[Track]:
    """Those whose boxes are masked on this frame without another look at them: texts that change on and on."""
    settled = (track for track in tracks if track.is_settled and frame - track.seen <= UNSEEN)
    return [track for track in settled if _is_inside(track, rows, columns)]


def _is_inside(track: Track, rows: int, columns: int) -> bool:
    """Whether a track's place is a box in the frame."""
    return is_box(track.place) and clip(track.place.box, rows, columns) == track.place.box


def _is_unchanged(track: Track, memory: FrameMemory, rows: int, columns: int) -> bool:
    """Whether what lies at the track's place is what was seen there."""
    box = clip(track.place.box, rows, columns)
    return box is not None and memory.unchanged_since(box) <= track.seen


def _beside(box: Box, rows: int, columns: int) -> Box:
    """The box in a frame of that size with as much around as it is high."""
    x0, y0, x1, y1 = box
    around = min(x1 - x0, y1 - y0)
    return max(x0 - around, 0), max(y0 - around, 0), min(x1 + around, columns), min(y1 + around, rows)


def _within(changes: Sequence[Change], attention: Sequence[Box]) -> list[Change]:
    pairs = ((change, change.box, other) for change in changes for other in attention)
    cut = (replace(change, box=(max(a[0], b[0]), max(a[1], b[1]), min(a[2], b[2]), min(a[3], b[3]))) for change, a, b in pairs)
    return [change for change in cut if change.box[0] < change.box[2] and change.box[1] < change.box[3]]


def _moved(place: Place, x: int, y: int) -> Place:
    return replace(place, polygon=shifted(place.polygon, x, y))


def _hidden_part(place: Place, hidden: np.ndarray) -> Place | None:
    """The part of a place that only the faint view shows; what can be seen beside it is found where it is shown."""
    box = clip(place.box, *hidden.shape)
    if box is None:
        return None
    x0, y0, x1, y1 = box
    rows, columns = (np.flatnonzero(hidden[y0:y1, x0:x1].any(axis=axis)) for axis in (1, 0))
    if not len(rows):
        return None
    if not is_box(place):
        return place if hidden[y0:y1, x0:x1].mean() >= HIDDEN_SHARE else None
    left, top, right, bottom = x0 + int(columns[0]), y0 + int(rows[0]), x0 + int(columns[-1]) + 1, y0 + int(rows[-1]) + 1
    part = max(left - HIDING, x0), max(top - HIDING, y0), min(right + HIDING, x1), min(bottom + HIDING, y1)
    return replace(place, polygon=polygon_of_box(part))


def _scaled(place: Place, factor: float) -> Place:
    return replace(place, polygon=tuple((x * factor, y * factor) for x, y in place.polygon)) if factor != 1 else place


def _widened(low: float, high: float, frame: np.ndarray) -> tuple[float, float]:
    finite = frame[np.isfinite(frame)] if frame.dtype.kind == "f" else frame
    return (min(low, float(finite.min())), max(high, float(finite.max()))) if finite.size else (low, high)
