"""Tracks: one text followed through the frames of a stack."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from ..core.geometry import Box
from ..core.text_map import Region
from .changes import WORD_PASS_INTERVAL
from .text_line import TextLine

# Frames. Text does not vanish for a moment and come back, but a detector may miss it: gaps up to this length are closed.
MAX_GAP = 15
# Frames masked before the first and after the last on which a text was detected: text that fades in or out is readable there.
LEAD = 1
# Frames masked before and after, for text that only word readers may detect: it may have been there since their pass before, and until
# the next one.
LEAD_BETWEEN_WORD_PASSES = LEAD + WORD_PASS_INTERVAL - 1
# IoU from which boxes on two frames are of the same text, whose boxes shake by some pixels; text that moves on is another track.
SAME_LINE_IOU = 0.5
# Share of a box that must lie in another for it to be a part of that one.
CONTAINED_SHARE = 0.8
# Factor by which the box of a track may become larger than its first one. A box that once takes in what is beside the text is a track of
# its own, so that this is masked on the frames where it was detected so, and not on all.
MAX_GROWTH = 1.2
# Different readings that are kept of one track.
MAX_READINGS = 8
# Frames for which text that has shown more than that many readings is masked without being examined; then it is looked for again.
MASKED_UNEXAMINED_FRAMES = 15


@dataclass
class Track:
    """One text over time; it changes while frames are examined.

    Attributes
    ----------
    line
        Where the text is.
    first, last
        First and last frame on which it was detected, or was taken to be there because nothing had changed.
    readings
        What was read there, each text once, in the order of appearance.
    confidence
        Of the least certain reading; 0 where something could not be read or was one reading too many, so that no rule keeps the text for
        what the readings say.
    lead, trail
        Frames before ``first`` and after ``last`` on which it may have been there undetected.
    last_detected
        The last frame on which it was detected, or read again; of a mean of frames, the first of them.
    first_area
        Pixels of its first box.
    """

    line: TextLine
    first: int
    last: int
    readings: list[str] = field(default_factory=list)
    confidence: float = 1.0
    lead: int = LEAD
    trail: int = LEAD
    last_detected: int = 0
    first_area: int = 0

    @property
    def is_settled(self) -> bool:
        """Whether further readings change nothing: no more of them are kept, and the confidence is 0 for good."""
        return len(self.readings) == MAX_READINGS and self.confidence == 0.0

    def add_reading(self, text: str, confidence: float) -> None:
        """Note what was read on one frame; an empty text or one reading too many sets the confidence to 0."""
        if text in self.readings:
            self.confidence = min(self.confidence, confidence)
        elif text and len(self.readings) < MAX_READINGS:
            self.readings.append(text)
            self.confidence = min(self.confidence, confidence)
        else:
            self.confidence = 0.0


class Tracker:
    """Assigns the lines detected on each frame to tracks."""

    def __init__(self) -> None:
        self._tracks: list[Track] = []
        self._open: list[Track] = []

    def extend(self, frame: int, unchanged: Iterable[Track]) -> None:
        """Note that these tracks are there on a frame too, though no pass detected them: their content did not change."""
        for track in unchanged:
            track.last = frame

    def add(self, frame: int, line: TextLine, lead: int = LEAD, since: int | None = None) -> Track:
        """Note that a line was detected, and return its track.

        That is an open (recently seen) one that overlaps it enough, with its box enlarged to hold the line, or a new one. If the box would
        grow beyond ``MAX_GROWTH`` of the first, a new track begins; an old one that lies mostly in the line counts as seen too.

        Parameters
        ----------
        frame
            The frame on which it was detected.
        line
            The line, in pixels of the frame.
        lead
            Frames before and after on which the text may be there undetected; of an existing track, only the trail is set.
        since
            The line was detected in the mean of the frames from this one to ``frame``.
        """
        detected = frame if since is None else since
        for track in self._open:
            if track.line.box.iou(line.box) >= SAME_LINE_IOU:
                merged = _merge(track.line, line)
                is_similar = merged.box.area <= MAX_GROWTH * track.first_area
                if is_similar or track.line.box.overlap(line.box) >= CONTAINED_SHARE * track.line.box.area:
                    track.first, track.last = min(track.first, detected), frame
                    track.last_detected, track.trail = max(track.last_detected, detected), lead
                if is_similar:
                    track.line = merged
                    return track
        track = Track(line, detected, frame, lead=lead, trail=lead, last_detected=detected, first_area=line.box.area)
        self._tracks.append(track)
        self._open.append(track)
        return track

    def add_on_all_frames(self, frame_count: int, line: TextLine) -> Track:
        """Note that a line was detected in a composite of all frames, and return its track: it is there from the first to the last."""
        track = self.add(frame_count - 1, line)
        track.first = 0
        return track

    def close_gaps(self, line: TextLine) -> bool:
        """Close all gaps between the tracks at a line, however long.

        True when there were tracks at it, or on most of it; False where frames showed no text there.
        """
        tracks = [track for track in self._tracks if track.line.box.iou(line.box) >= SAME_LINE_IOU]
        if tracks:
            tracks[0].first = min(track.first for track in tracks)
            tracks[0].last = max(track.last for track in tracks)
        return bool(tracks) or _covered_share(line.box, [track.line.box for track in self._tracks]) >= CONTAINED_SHARE

    def active_tracks(self, frame: int) -> list[Track]:
        """The tracks that were there on the frame before ``frame``; those not detected for longer than a gap are closed."""
        self._open = [track for track in self._open if frame - track.last <= MAX_GAP]
        return [track for track in self._open if track.last >= frame - 1]

    def tracks(self) -> list[Track]:
        """All tracks, open and closed, in the order in which they were added."""
        return list(self._tracks)


def regions_of_tracks(tracks: Sequence[Track], frame_count: int) -> list[Region]:
    """One region for each track, with its lead and trail, by first frame and position.

    A track whose box lies in the upright box of another, and whose frames all lie within the other's, gets no region; its readings are
    added to the other.
    """
    longest_first = sorted(tracks, key=lambda track: (track.first - track.last, -track.line.box.area, track.line.box))
    kept: list[Track] = []
    for track in longest_first:
        holder = next((other for other in kept if other.line.is_box and _contains(other, track)), None)
        if holder is None:
            kept.append(track)
        else:
            for text in track.readings:
                holder.add_reading(text, track.confidence)
    return [_region_of(track, frame_count) for track in sorted(kept, key=lambda t: (t.first, t.line.box.y0, t.line.box.x0))]


def _contains(outer: Track, inner: Track) -> bool:
    """Whether a track holds all frames and the whole box of another."""
    has_frames = outer.first <= inner.first and outer.last >= inner.last
    return has_frames and outer.line.box.overlap(inner.line.box) == inner.line.box.area


def _region_of(track: Track, frame_count: int) -> Region:
    """The region of a track on its frames with lead and trail, within a stack of that many frames; confidence 0 where nothing was read."""
    return Region(
        polygon=track.line.polygon,
        frame_first=max(track.first - track.lead, 0),
        frame_last=min(track.last + track.trail, frame_count - 1),
        readings=tuple(track.readings),
        confidence=round(track.confidence if track.readings else 0.0, 3),
        engine=track.line.found_by[0],
    )


def _covered_share(box: Box, others: Sequence[Box]) -> float:
    """The share, 0 to 1, of a box that lies in at least one of the others."""
    covered = np.zeros((box.height, box.width), bool)
    for other in others:
        shared = box.intersection(other)
        if shared is not None:
            covered[shared.translate(-box.x0, -box.y0).slices] = True
    return float(covered.mean())


def _merge(one: TextLine, other: TextLine) -> TextLine:
    """One line around both, with the polygon of the first where it holds the second."""
    found_by = tuple(dict.fromkeys((*one.found_by, *other.found_by)))
    is_inside = one.polygon == other.polygon or (one.is_box and one.box.overlap(other.box) == other.box.area)
    polygon = one.polygon if is_inside else one.box.union(other.box).polygon
    return TextLine(polygon, found_by, one.conclusive or other.conclusive, one.by_word_reader or other.by_word_reader)
