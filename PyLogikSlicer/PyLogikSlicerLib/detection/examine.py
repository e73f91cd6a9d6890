"""Examination of a whole stack: text is searched on every frame, up to its edges, as it is shown, in its color alone, and in its stored
values; and in means and composites of several frames.

Content that did not change since it was examined is not examined again (:mod:`.changes`).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from ..core.geometry import Box, box_of_image, box_of_pixels
from ..core.progress import OnProgress, Progress, ignore_progress
from ..core.projections import CompositeAccumulator, Composites, stretched, usual
from ..core.stack import ImageStack
from ..core.text_map import Coverage, TextMap
from .acceptance import is_accepted, is_accepted_in_equalized_view, is_accepted_in_faint_view, is_legible, is_too_large
from .changes import NOISE, FrameMemory, SearchArea, StoredValueMemory, boxes_around
from .chroma import colored_boxes, isolate_letters, visible_chroma
from .codes import find_codes
from .extents import fit_to_letters
from .faint import as_levels, equalized_views, faint_views
from .grouping import group_detections
from .passes import DETECTION, Detection, PassGroup, Plan, run_passes
from .reader import Reading, TextReader
from .reading_cache import ReadingCache
from .recognition import read_lines
from .text_line import TextLine
from .tightening import tighten_lines
from .tracks import LEAD, LEAD_BETWEEN_WORD_PASSES, MASKED_UNEXAMINED_FRAMES, Track, Tracker, regions_of_tracks

# Name of the reader of QR and bar codes, as in Region.engine.
CODE_READER = "zxing"
# Frames; composites of fewer show nothing that the frames do not.
MIN_COMPOSITE_FRAMES = 4
# Frames whose mean shows dim text of which each alone shows too little.
AVERAGED_FRAMES = 8
# Frames from one mean to the next: whatever is there for ten frames is there on all frames of one of the means.
AVERAGE_INTERVAL = 3
# Of a rotated line in a faint view, the share that the shown frame must not show; less of it is found where it is shown.
MIN_HIDDEN_SHARE = 0.5
# Pixels around the hidden part of a line that belong to it: the ends of letters have little ink around them.
HIDDEN_MARGIN = 8
# Pixels; longest side of a part in which faint text is searched, which takes some twenty times the memory of the part.
FAINT_PART = 1536
# Pixels by which these parts overlap: more than a letter is high.
FAINT_OVERLAP = 256

# For the number of a frame, the boxes within which text is searched.
BoxesOfFrame = Callable[[int], Sequence[Box]]
# An acceptance rule: (line, text, confidence, too_large) to whether the line counts as text.
AcceptanceRule = Callable[[TextLine, str, float, bool], bool]


@dataclass(frozen=True)
class Examination:
    """The result of examining a stack. ``value_range``: smallest and largest finite stored value of all frames."""

    text_map: TextMap
    composites: Composites
    value_range: tuple[float, float]


def examine(
    stack: ImageStack,
    readers: Sequence[TextReader],
    on_progress: OnProgress = ignore_progress,
    plan: Plan = DETECTION,
    restrict_to: BoxesOfFrame | None = None,
    stage: str = "examine",
) -> Examination:
    """Find the text on every frame of a stack. No region has been decided about yet: each is marked ``redact``.

    Parameters
    ----------
    stack
        The image; its frames are decoded once, one after the other.
    readers
        The text readers, in order of preference. All of them detect lines. The first that can also recognize text reads every line,
        whichever reader detected it.
    on_progress
        Called with the progress of ``stage`` after each frame; may raise to cancel.
    plan
        The passes to run.
    restrict_to
        The boxes of each frame within which text is searched, to verify what was changed. With it, means and composites of frames are
        not examined. Without it, the whole of each frame is.
    stage
        Name of the work in what ``on_progress`` is called with.

    Returns
    -------
    Examination
        The regions, and the coverage of each frame (of the shown frame only, not of its other views); the composites of all frames; and
        the range of the stored values.

    Raises
    ------
    UnreadableInput
        A frame cannot be decoded.
    """
    examiner = _Examiner(readers, plan, restrict_to)
    low, high = np.inf, -np.inf
    for index, frame in enumerate(stack.frames()):
        examiner.examine_frame(index, frame, stack.display_of(index).show(frame), last=index + 1 == stack.frame_count)
        low, high = _extend_range(low, high, frame)
        on_progress(Progress(stage, index + 1, stack.frame_count))
    composites = examiner.composites.result()
    if restrict_to is None:
        examiner.examine_composites(composites)
    regions = regions_of_tracks(examiner.tracks(), stack.frame_count)
    return Examination(TextMap(tuple(regions), tuple(examiner.coverage)), composites, (low, high))


class _Examiner:
    """Takes the frames one by one.

    The shown frame, its chroma, and its stored values have a memory and a tracker each, since one of them can change while the others stand
    still.
    """

    def __init__(self, readers: Sequence[TextReader], plan: Plan, restrict_to: BoxesOfFrame | None) -> None:
        self._readers = readers
        self._plan, self._restrict_to = plan, restrict_to
        self._shown_memory, self._chroma_memory, self._stored_memory = FrameMemory(), FrameMemory(), StoredValueMemory()
        self._tracker, self._chroma_tracker, self._faint_tracker = Tracker(), Tracker(), Tracker()
        self.composites = CompositeAccumulator()
        self._recent: deque[np.ndarray] = deque(maxlen=AVERAGED_FRAMES)
        self._reading_cache = ReadingCache(lambda view, lines: read_lines(view, lines, readers))
        self.coverage: list[Coverage] = []

    def tracks(self) -> list[Track]:
        """All tracks, of all three views."""
        return [track for tracker in (self._tracker, self._chroma_tracker, self._faint_tracker) for track in tracker.tracks()]

    def examine_frame(self, index: int, frame: np.ndarray, shown: np.ndarray, last: bool) -> None:
        """Examine the next frame: ``frame`` are its stored values, ``shown`` is what a person sees of it, uint8."""
        examined_share = self._examine_view(index, shown, last)
        luminance, chroma = self.composites.add(shown)
        if shown.ndim == 3 and self._plan.color.letters:
            self._examine_view(index, visible_chroma(chroma), last, is_chroma=True)
        self._examine_stored_values(index, frame, shown)
        if self._restrict_to is None:
            self._recent.append(luminance)
        if len(self._recent) == AVERAGED_FRAMES and (last or (index + 1 - AVERAGED_FRAMES) % AVERAGE_INTERVAL == 0):
            self._examine_average(index)
        self.coverage.append(Coverage.of_share(examined_share))

    def _examine_view(self, index: int, view: np.ndarray, last: bool, is_chroma: bool = False) -> float:
        """Search the changed parts of one view and update that view's tracks.

        The view is the shown frame, or its visible chroma where ``is_chroma``. Returns the searched area over the frame's; overlaps count
        twice.
        """
        tracker, memory = (self._chroma_tracker, self._chroma_memory) if is_chroma else (self._tracker, self._shown_memory)
        memory.compare(view)
        rows, columns = view.shape[:2]
        active = tracker.active_tracks(index)
        skipped_tracks = _masked_unexamined(active, index, rows, columns)
        reread_tracks = self._read_changed_lines(index, view, memory, active, skipped_tracks)
        areas = memory.areas_to_search(last, [track.line.box for track in skipped_tracks], [track.line.box for track in reread_tracks])
        if not is_chroma:
            areas += [
                SearchArea(box, "quick") for track in reread_tracks if (box := _with_surroundings(track.line.box).clip(rows, columns))
            ]
        if self._restrict_to is not None:
            areas = _restrict_areas(areas, self._restrict_to(index))
        tracker.extend(index, [*skipped_tracks, *(track for track in active if _is_unchanged(track, memory, rows, columns))])
        if is_chroma and areas:
            view = isolate_letters(view)
            areas = [SearchArea(box, "color") for search_area in areas for box in colored_boxes(view, search_area.box)]
        for search_area in areas:
            lead = LEAD if search_area.pass_group in ("full", "color") else LEAD_BETWEEN_WORD_PASSES
            for line, reading in self._find(view, search_area):
                tracker.add(index, line, lead).add_reading(*reading)
        return sum(search_area.box.area for search_area in areas) / (rows * columns)

    def _read_changed_lines(
        self, index: int, view: np.ndarray, memory: FrameMemory, active: Sequence[Track], masked: Sequence[Track]
    ) -> list[Track]:
        """Read the lines again whose content has changed while nothing around them has: a timer, a heart rate.

        Returns the tracks whose new text is legible. These need no detection; quick passes look for what else has appeared there.
        """
        in_frame = [track for track in active if _is_box_in_frame(track, *view.shape[:2])]
        changed = zip(in_frame, memory.changed_only_inside([track.line.box for track in in_frame]), strict=True)
        read = []
        for track in (track for track, is_changed in changed if is_changed and track not in masked):
            box = track.line.box
            line_in_part = track.line.translate(-box.x0, -box.y0)
            ((text, confidence),) = self._reading_cache.refresh(np.ascontiguousarray(view[box.slices]), (box.x0, box.y0), [line_in_part])
            if is_legible(text, confidence):
                track.add_reading(text, confidence)
                track.last_detected = index
                read.append(track)
        return read

    def _examine_stored_values(self, index: int, frame: np.ndarray, shown: np.ndarray) -> None:
        """Find what stands out of the noise of the stored values, or by their rank, and is not visible in the shown frame."""
        levels = as_levels(frame)
        boxes = [part for box in self._stored_memory.boxes_to_search(levels) for part in box.tiles(FAINT_PART, FAINT_OVERLAP)]
        areas = [SearchArea(box, "faint") for box in boxes]
        if self._restrict_to is not None:
            areas = _restrict_areas(areas, self._restrict_to(index))
        rows, columns = shown.shape[:2]
        active = self._faint_tracker.active_tracks(index)
        self._faint_tracker.extend(index, [track for track in active if _is_unchanged(track, self._shown_memory, rows, columns)])
        for box in (search_area.box for search_area in areas):
            for line, reading in self._find_faint(levels[box.slices], shown[box.slices]):
                self._faint_tracker.add(index, line.translate(box.x0, box.y0)).add_reading(*reading)
        for equalized in equalized_views(levels, shown) if areas else ():
            hidden = np.zeros_like(equalized.hidden)
            for box in (search_area.box for search_area in areas):
                hidden[box.slices] = equalized.hidden[box.slices]
            for box in boxes_around(hidden):
                for line, reading in self._find(equalized.view, SearchArea(box, "full"), is_accepted_in_equalized_view):
                    hidden_line = _crop_to_hidden(line, equalized.hidden)
                    if hidden_line is not None:
                        self._faint_tracker.add(index, hidden_line).add_reading(*reading)

    def _find_faint(self, levels: np.ndarray, shown: np.ndarray) -> Iterator[tuple[TextLine, Reading]]:
        """Yield the lines of the faint views of a part of a frame, in pixels of that part, with what was read in them.

        Coarser scales are not searched where a finer one has shown a line.
        """
        found: list[Box] = []
        for faint_view in faint_views(levels, shown):
            scale, hidden = faint_view.scale, faint_view.hidden.copy()
            for x0, y0, x1, y1 in found:  # in pixels of the part, as all scales have in common
                hidden[int(y0 * scale) : int(y1 * scale) + 1, int(x0 * scale) : int(x1 * scale) + 1] = False
            for box in boxes_around(hidden):
                for line, reading in self._find(faint_view.view, SearchArea(box, "faint")):
                    hidden_line = _crop_to_hidden(line, hidden)
                    if hidden_line is not None:
                        in_part = hidden_line.scale(1 / scale)
                        found.append(in_part.box)
                        yield in_part, reading

    def _examine_average(self, last: int) -> None:
        """Examine the mean of the frames up to ``last``, where they differ: in it, dim text stands out of moving speckle."""
        tracker, first = self._tracker, last - len(self._recent) + 1
        varies = self._shown_memory.changed_after(first)
        for track in _masked_unexamined(tracker.active_tracks(last), last, *varies.shape):
            varies[track.line.box.slices] = False
        boxes = boxes_around(varies)
        if not boxes:
            return
        average = stretched(usual(self._recent))
        for box in boxes:
            for line, reading in self._find(average, SearchArea(box, "average")):
                tracker.add(last, line, AVERAGE_INTERVAL - 1, since=first).add_reading(*reading)

    def examine_composites(self, composites: Composites) -> None:
        """Examine the minimum, mean and maximum over all frames: static text that moving speckle hides in each frame stands out in them.

        What is found in the minimum is there on all frames. The mean and the maximum also show what was there for a moment only, which is
        known from its frames.
        """
        if composites.frame_count < MIN_COMPOSITE_FRAMES:
            return
        tracker = self._tracker
        for box in boxes_around(composites.deviation > NOISE / 2):
            for line, reading in self._find(composites.minimum, SearchArea(box, "full")):
                tracker.add_on_all_frames(composites.frame_count, line).add_reading(*reading)
            for image in (composites.mean.round().astype(np.uint8), composites.maximum):
                for line, reading in self._find(image, SearchArea(box, "full")):
                    if not tracker.close_gaps(line):
                        tracker.add_on_all_frames(composites.frame_count, line).add_reading(*reading)
        rows, columns = composites.maximum.shape
        for image in (composites.minimum, composites.mean, composites.maximum):
            for box in box_of_image(rows, columns).tiles(FAINT_PART, FAINT_OVERLAP):
                for line, reading in self._find_faint(image[box.slices], composites.maximum[box.slices]):
                    self._faint_tracker.add_on_all_frames(composites.frame_count, line.translate(box.x0, box.y0)).add_reading(*reading)

    def _find(self, view: np.ndarray, search_area: SearchArea, rule: AcceptanceRule | None = None) -> list[tuple[TextLine, Reading]]:
        """All accepted lines and all codes in an area of a view, in pixels of the view, with what was read in them.

        ``rule``: the acceptance rule, where it is not the usual one of that group of passes.
        """
        box, pass_group = search_area.box, search_area.pass_group
        crop = np.ascontiguousarray(view[box.slices])
        found = self._find_lines(crop, (box.x0, box.y0), view.shape[:2], pass_group, rule or _usual_rule(pass_group))
        found += _find_code_lines(crop, pass_group)
        return [(line.translate(box.x0, box.y0), reading) for line, reading in found]

    def _find_lines(
        self, crop: np.ndarray, corner: tuple[int, int], view_shape: tuple[int, ...], pass_group: PassGroup, rule: AcceptanceRule
    ) -> list[tuple[TextLine, Reading]]:
        """The accepted lines of a crop, tightened, in pixels of the crop, with what was read in them.

        ``corner``: (x, y) of the crop in a view of ``view_shape``. The size of a candidate is judged against that view, which may itself
        be a part of the frame.
        """
        (detections,) = run_passes([crop], self._plan, pass_group, self._readers)
        lines = group_detections(fit_to_letters(detections), *crop.shape[:2])
        readings = self._reading_cache.read(crop, corner, lines)
        accepted = {
            line: (text, confidence)
            for line, (text, confidence) in zip(lines, readings, strict=True)
            if rule(line, text, confidence, is_too_large(line, *view_shape[:2]))
        }
        return [(fitted, accepted[line]) for line, fitted in tighten_lines(tuple(accepted), crop)]


def _usual_rule(pass_group: PassGroup) -> AcceptanceRule:
    return is_accepted_in_faint_view if pass_group == "faint" else partial(is_accepted, averaged=pass_group == "average")


def _find_code_lines(crop: np.ndarray, pass_group: PassGroup) -> list[tuple[TextLine, Reading]]:
    """The QR and bar codes in a crop, as lines with what they say.

    They are searched by the groups of passes that are run on a whole frame sooner or later, and not by the others, for their cost.
    """
    if pass_group not in ("full", "words", "faint"):
        return []
    found: list[tuple[TextLine, Reading]] = []
    for code in find_codes(crop, thoroughly=pass_group == "full"):
        lines = group_detections([Detection(code.polygon, 1.0, CODE_READER)], *crop.shape[:2])
        found += [(line, (code.text, 1.0)) for line in lines[:1]]
    return found


def _masked_unexamined(tracks: Sequence[Track], frame: int, rows: int, columns: int) -> list[Track]:
    """The tracks whose boxes are masked on a frame without being examined: texts that change on and on, for a limited time."""
    settled = (track for track in tracks if track.is_settled and frame - track.last_detected <= MASKED_UNEXAMINED_FRAMES)
    return [track for track in settled if _is_box_in_frame(track, rows, columns)]


def _is_box_in_frame(track: Track, rows: int, columns: int) -> bool:
    """Whether a track's line is an upright box that lies wholly in a frame of that size."""
    return track.line.is_box and track.line.box.clip(rows, columns) == track.line.box


def _is_unchanged(track: Track, memory: FrameMemory, rows: int, columns: int) -> bool:
    """Whether the content of a track's box is what it was when the track was last detected."""
    box = track.line.box.clip(rows, columns)
    return box is not None and memory.unchanged_since(box) <= track.last_detected


def _with_surroundings(box: Box) -> Box:
    """The box of a line with a margin as wide as the line is high; it may reach beyond the frame."""
    return box.enlarge(min(box.width, box.height))


def _restrict_areas(areas: Sequence[SearchArea], boxes: Sequence[Box]) -> list[SearchArea]:
    """The parts of some areas that lie in one of the boxes."""
    parts = ((search_area, search_area.box.intersection(box)) for search_area in areas for box in boxes)
    return [replace(search_area, box=part) for search_area, part in parts if part is not None]


def _crop_to_hidden(line: TextLine, hidden: np.ndarray) -> TextLine | None:
    """The part of a line that the shown frame does not show, or None where it shows all of it.

    A rotated line is not cut: it is returned whole where enough of it is hidden. ``hidden``: bool ``(rows, columns)``.
    """
    box = line.box.clip(*hidden.shape)
    if box is None:
        return None
    hidden_pixels = box_of_pixels(hidden[box.slices])
    if hidden_pixels is None:
        return None
    if not line.is_box:
        return line if hidden[box.slices].mean() >= MIN_HIDDEN_SHARE else None
    part = hidden_pixels.translate(box.x0, box.y0).enlarge(HIDDEN_MARGIN).intersection(box)
    return replace(line, polygon=part.polygon) if part else None


def _extend_range(low: float, high: float, frame: np.ndarray) -> tuple[float, float]:
    """The range from ``low`` to ``high``, extended to the finite values of a frame."""
    finite = frame[np.isfinite(frame)] if frame.dtype.kind == "f" else frame
    return (min(low, float(finite.min())), max(high, float(finite.max()))) if finite.size else (low, high)
