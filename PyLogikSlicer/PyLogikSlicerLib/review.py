"""Review: the decisions of a person about an analysis, step by step; each step can be undone."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from .core.errors import UsageError
from .core.geometry import polygon_area
from .core.text_map import Decision, Region

if TYPE_CHECKING:
    # For annotations only: importing it imports the engine, and a panel shows reviews of analyses that a worker made.
    from .core.analysis import Analysis
    from .roi import Roi

Polygon = Sequence[tuple[float, float]]

# Reasons of a region, as they are written to text.csv.
ADDED = "added by a person"
KEPT = "kept by a person"
MOVED = "moved by a person"
# The part of a reason of policy.decisions which says that the text is a value of the header.
_MATCHES_HEADER = re.compile(r"\bmatches (\w+)")


@dataclass(frozen=True)
class _Entry:
    """A region as it is now, and as the engine found it (``found``; None where a person drew it)."""

    region: Region
    found: Region | None
    reviewed: bool = False

    @property
    def kept_by_person(self) -> bool:
        """Whether it is kept because a person decided so, and would be redacted otherwise."""
        return self.region.decision == "keep" and (self.found is None or self.found.decision == "redact")

    def with_decision(self, decision: Decision) -> _Entry:
        return replace(self, region=self.region.decided(decision), reviewed=True)

    def published(self) -> Region:
        """The region as it is published: its reason also says what a person did to it, so that text.csv tells both why it was found
        and why it stays."""
        changes = []
        if self.kept_by_person:
            changes.append(KEPT)
        if self.found and self.region.polygon != self.found.polygon:
            changes.append(MOVED)
        return replace(self.region, reason="; ".join(filter(None, (self.region.reason, *changes))))


@dataclass(frozen=True)
class _State:
    entries: tuple[_Entry, ...]
    roi: Roi | None


class Review:
    """The regions and the region of interest of one image while a person goes through them.

    Regions are known by their index in :attr:`regions`; deleting a region that a person drew decreases the indices of the later ones.
    Polygons are (x, y) corners in pixels of the source frame, x right, y down, pixel edges at integers, as in
    :class:`~.core.text_map.Region`. A region that a person decides about, moves or draws counts as reviewed.

    Parameters
    ----------
    analysis
        What the engine found; it is not changed.
    rows, columns, frame_count
        Size of the image; at least a part of each region has to lie in it.
    """

    def __init__(self, analysis: Analysis, rows: int, columns: int, frame_count: int) -> None:
        self.rows, self.columns, self.frame_count = rows, columns, frame_count
        self._analysis = analysis
        self._state = _State(tuple(_Entry(region, region) for region in analysis.text_map.regions), analysis.roi)
        self._undone: list[_State] = []
        self._done: list[_State] = []

    @property
    def regions(self) -> tuple[Region, ...]:
        """All regions as they are now, redacted and kept ones; their reason is why they were found."""
        return tuple(entry.region for entry in self._state.entries)

    @property
    def published_regions(self) -> tuple[Region, ...]:
        """:attr:`regions` as they are published: the reason of each also says what a person did to it."""
        return tuple(entry.published() for entry in self._state.entries)

    @property
    def kept_by_person(self) -> frozenset[int]:
        """Indices of the regions that stay in the image because a person decided so."""
        return frozenset(index for index, entry in enumerate(self._state.entries) if entry.kept_by_person)

    @property
    def roi(self) -> Roi | None:
        """The region of interest as it is now; None keeps the whole frame."""
        return self._state.roi

    @property
    def reviewed(self) -> frozenset[int]:
        """Indices of the regions that a person has looked at."""
        return frozenset(index for index, entry in enumerate(self._state.entries) if entry.reviewed)

    @property
    def analysis(self) -> Analysis:
        """The analysis with the reviewed regions (:attr:`published_regions`) and region of interest, to be published."""
        return replace(self._analysis, text_map=self._analysis.text_map.with_regions(self.published_regions), roi=self._state.roi)

    @property
    def touched(self) -> bool:
        """Whether a person's work would be lost with this review."""
        entries = self._state.entries
        return any(entry.reviewed or entry.region != entry.found for entry in entries) or self._state.roi is not self._analysis.roi

    def publishes_same_as(self, analysis: Analysis) -> bool:
        """Whether publishing now would write what ``analysis`` did, an earlier value of :attr:`analysis`."""
        return self.published_regions == analysis.text_map.regions and self._state.roi is analysis.roi

    def matching_header(self, indices: Iterable[int]) -> dict[int, str]:
        """Those of these regions whose text is a value of the header, with its keyword, for example ``PatientName``."""
        found = {index: _MATCHES_HEADER.search(self.regions[index].reason) for index in sorted(self._require_indices(indices))}
        return {index: match[1] for index, match in found.items() if match}

    def reasons(self) -> tuple[str, ...]:
        """The different reasons of the regions, in the order of the regions."""
        return tuple(dict.fromkeys(region.reason for region in self.regions))

    def with_reason(self, reason: str) -> list[int]:
        """Indices of all regions with this reason (one of :meth:`reasons`)."""
        return [index for index, region in enumerate(self.regions) if region.reason == reason]

    def decide(self, indices: Iterable[int], decision: Decision) -> None:
        """Redact or keep these regions."""
        self._change(indices, lambda entry: entry.with_decision(decision))

    def mark_reviewed(self, indices: Iterable[int]) -> None:
        """Count these regions as reviewed; they stay as they are."""
        self._change(indices, lambda entry: replace(entry, reviewed=True))

    def add(self, polygon: Polygon, frame_first: int, frame_last: int) -> int:
        """Draw a region that is redacted on these frames, both included, and return its index.

        Raises UsageError when it lies outside the image or its frames.
        """
        if not 0 <= frame_first <= frame_last < self.frame_count:
            raise UsageError(f"the frames {frame_first} to {frame_last} are not within 0 to {self.frame_count - 1}: choose others")
        region = Region(self._require_polygon(polygon), frame_first, frame_last, confidence=1.0, engine="person", reason=ADDED)
        self._step(replace(self._state, entries=(*self._state.entries, _Entry(region, None, reviewed=True))))
        return len(self._state.entries) - 1

    def move(self, index: int, polygon: Polygon) -> None:
        """Change the place or shape of a region on the same frames; verification finds text that it does not cover any more.

        Raises UsageError when it lies outside the image.
        """
        corners = self._require_polygon(polygon)
        self._change([index], lambda entry: replace(entry, region=replace(entry.region, polygon=corners), reviewed=True))

    def delete(self, indices: Iterable[int]) -> None:
        """Delete those of these regions that a person drew, and decide to keep those that the engine found.

        A region of the engine is never deleted: its text would stay in the image without being listed.
        """
        chosen = self._require_indices(indices)
        entries = (
            entry.with_decision("keep") if index in chosen else entry
            for index, entry in enumerate(self._state.entries)
            if index not in chosen or entry.found
        )
        self._step(replace(self._state, entries=tuple(entries)))

    def set_roi(self, roi: Roi | None) -> None:
        """Keep this part of the frames; None keeps the whole frames. Raises UsageError when it is of another frame size."""
        if roi is not None and (roi.rows, roi.columns) != (self.rows, self.columns):
            raise UsageError(f"the region of interest is of a frame of {roi.columns} x {roi.rows}, not {self.columns} x {self.rows}")
        self._step(replace(self._state, roi=roi))

    def next_unreviewed(self, after: int) -> int | None:
        """The index of the next region after ``after`` (-1 to start) that is not reviewed; the search goes on at the beginning."""
        count = len(self._state.entries)
        indices = ((after + step) % count for step in range(1, count + 1))
        return next((index for index in indices if not self._state.entries[index].reviewed), None)

    def region_at(self, x: float, y: float, frame: int) -> int | None:
        """The index of the smallest region at a point of a frame, None where there is none; x, y as in the polygons."""
        found = [index for index, region in enumerate(self.regions) if region.covers(frame) and _contains(region.polygon, x, y)]
        return min(found, key=lambda index: polygon_area(self.regions[index].polygon), default=None)

    @property
    def can_undo(self) -> bool:
        return bool(self._done)

    @property
    def can_redo(self) -> bool:
        return bool(self._undone)

    def undo(self) -> None:
        """Undo the last step, if there is one."""
        if self._done:
            self._undone.append(self._state)
            self._state = self._done.pop()

    def redo(self) -> None:
        """Do the step again that was undone last, if there is one."""
        if self._undone:
            self._done.append(self._state)
            self._state = self._undone.pop()

    def _change(self, indices: Iterable[int], change: Callable[[_Entry], _Entry]) -> None:
        """Make a step that changes the entries at these indices."""
        chosen = self._require_indices(indices)
        entries = tuple(change(entry) if index in chosen else entry for index, entry in enumerate(self._state.entries))
        self._step(replace(self._state, entries=entries))

    def _step(self, state: _State) -> None:
        """Make a step to a new state; where that is the present one nothing happens, so that there is nothing to undo."""
        if state.entries != self._state.entries or state.roi is not self._state.roi:
            self._done.append(self._state)
            self._undone.clear()
            self._state = state

    def _require_indices(self, indices: Iterable[int]) -> frozenset[int]:
        """The indices as a set. Raises UsageError where there is no such region."""
        chosen = frozenset(indices)
        if not chosen <= frozenset(range(len(self._state.entries))):
            raise UsageError(f"there are {len(self._state.entries)} regions, numbered from 0: choose among them")
        return chosen

    def _require_polygon(self, polygon: Polygon) -> tuple[tuple[float, float], ...]:
        """The polygon as floats. Raises UsageError where it encloses no area, or none of the image."""
        corners = tuple((float(x), float(y)) for x, y in polygon)
        if len(corners) < 3 or not all(math.isfinite(value) for corner in corners for value in corner) or polygon_area(corners) == 0:
            raise UsageError("a region needs three corners or more that enclose an area: draw it again")
        xs, ys = zip(*corners, strict=True)
        if max(xs) <= 0 or max(ys) <= 0 or min(xs) >= self.columns or min(ys) >= self.rows:
            raise UsageError("the region lies outside the image: draw it on the image")
        return corners


def _contains(polygon: Polygon, x: float, y: float) -> bool:
    """Whether a point lies in a polygon; its left and upper edges belong to it.

    It does where a ray from the point to the right crosses the outline an odd number of times.
    """
    inside = False
    for (x0, y0), (x1, y1) in zip(polygon, (*polygon[1:], polygon[0]), strict=True):
        if (y0 > y) != (y1 > y) and x < x0 + (y - y0) * (x1 - x0) / (y1 - y0):
            inside = not inside
    return inside
