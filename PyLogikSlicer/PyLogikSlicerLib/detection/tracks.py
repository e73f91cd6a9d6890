"""Tracks: one piece of text followed through the frames of a stack."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from ..core.text_map import Box, Region, polygon_of_box
from .boxes import area, overlap, union
from .changes import WORDS_EVERY
from .grouping import Place, is_box

# Text does not vanish for a moment and come back; a detector's attention does. Gaps up to this many frames are closed.
LONGEST_GAP = 15
# Text that fades in or out is readable before and after it is found; and where the reader of words looks at every third frame
# only, it may have been there since the look before, and until the one after.
LEAD = 1
LEAD_BETWEEN_LOOKS = LEAD + WORDS_EVERY - 1
# Boxes of the same text shake by some pixels; text that moves on is another place.
SAME_PLACE = 0.5
# A place that lies in another by this share is a part of it.
PART = 0.8
# Once in a while a box takes in what is beside the text: it is masked as long as it is seen so, not as long as the text is there.
MOST_GROWTH = 1.2
MOST_TEXTS = 8
# Text that has changed so often that nothing read there tells more is masked unseen for so many frames, then looked for again.
UNSEEN = 15


@dataclass
class Track:
    """Grows while frames go by. ``texts``: what was read there, each once, in the order of appearance. ``confidence``: of
    the least certain reading; 0 where something there could not be read or was not kept, so that no rule trusts the rest.
    ``lead``, ``trail``: how many frames earlier and later it may have been there unseen; ``seen``: the last frame on which it
    was seen and not only taken to be there; ``size``: pixels of the box that it was seen in first."""

    place: Place
    first: int
    last: int
    texts: list[str] = field(default_factory=list)
    confidence: float = 1.0
    lead: int = LEAD
    trail: int = LEAD
    seen: int = 0
    size: int = 0

    @property
    def is_settled(self) -> bool:
        """Whether no reading can change what is known of it: no more texts are taken, and no rule keeps it."""
        return len(self.texts) == MOST_TEXTS and self.confidence == 0.0

    def read(self, text: str, confidence: float) -> None:
        if text in self.texts:
            self.confidence = min(self.confidence, confidence)
        elif text and len(self.texts) < MOST_TEXTS:
            self.texts.append(text)
            self.confidence = min(self.confidence, confidence)
        else:
            self.confidence = 0.0


class Tracker:
    """Follows places of text from frame to frame. What lies in content that did not change stays without being seen again."""

    def __init__(self) -> None:
        self._tracks: list[Track] = []
        self._open: list[Track] = []

    def stay(self, frame: int, unchanged: Iterable[Track]) -> None:
        for track in unchanged:
            track.last = frame

    def see(self, frame: int, place: Place, lead: int = LEAD, since: int | None = None) -> Track:
        """The track that ``place``, seen now, belongs to: an open one grows a little to hold it, else a new one begins. ``lead``:
        how many frames ago, and for how many to come, it may be there unseen. ``since``: seen not on this frame but in all from
        that one to this taken together."""
        seen = frame if since is None else since
        for track in self._open:
            if _same_place(track.place, place):
                grown = _grown(track.place, place)
                fits = area(grown.box) <= MOST_GROWTH * track.size
                if fits or overlap(track.place.box, place.box) >= PART * area(track.place.box):
                    track.first, track.last, track.seen, track.trail = min(track.first, seen), frame, max(track.seen, seen), lead
                if fits:
                    track.place = grown
                    return track
        track = Track(place, seen, frame, lead=lead, trail=lead, seen=seen, size=area(place.box))
        self._tracks.append(track)
        self._open.append(track)
        return track

    def see_throughout(self, frame_count: int, place: Place) -> Track:
        """As :meth:`see`, for a place that composites of all frames show: it is there from the first frame to the last."""
        track = self.see(frame_count - 1, place)
        track.first = 0
        return track

    def bridge(self, place: Place) -> bool:
        """Close all gaps between the tracks at ``place``, however long; False where frames showed text neither there nor on most of it."""
        there = [track for track in self._tracks if _same_place(track.place, place)]
        if there:
            there[0].first = min(track.first for track in there)
            there[0].last = max(track.last for track in there)
        return bool(there) or _share_in(place.box, [track.place.box for track in self._tracks]) >= PART

    def alive(self, frame: int) -> list[Track]:
        """Tracks that were there on the frame before, after closing those not seen for longer than a gap."""
        self._open = [track for track in self._open if frame - track.last <= LONGEST_GAP]
        return [track for track in self._open if track.last >= frame - 1]

    def tracks(self) -> list[Track]:
        return list(self._tracks)


def regions_of(tracks: Sequence[Track], frame_count: int) -> list[Region]:
    """One region per track, a little longer than it was seen. Tracks inside others that last as long are left out."""
    longest_first = sorted(tracks, key=lambda track: (track.first - track.last, -area(track.place.box), track.place.box))
    kept: list[Track] = []
    for track in longest_first:
        inside = (
            k
            for k in kept
            if k.first <= track.first and k.last >= track.last and overlap(k.place.box, track.place.box) == area(track.place.box)
        )
        if (holder := next((k for k in inside if is_box(k.place)), None)) is None:
            kept.append(track)
        else:
            for text in track.texts:
                holder.read(text, track.confidence)
    return [_region(track, frame_count) for track in sorted(kept, key=lambda t: (t.first, t.place.box[1], t.place.box[0]))]


def _region(track: Track, frame_count: int) -> Region:
    return Region(
        polygon=track.place.polygon,
        frame_first=max(track.first - track.lead, 0),
        frame_last=min(track.last + track.trail, frame_count - 1),
        text=" | ".join(track.texts),
        confidence=round(track.confidence if track.texts else 0.0, 3),
        engine=track.place.engines[0],
    )


def _share_in(box: Box, others: Sequence[Box]) -> float:
    """The share of a box that lies in others taken together."""
    x0, y0, x1, y1 = box
    inside = np.zeros((y1 - y0, x1 - x0), bool)
    for a, b, c, d in others:
        inside[max(b - y0, 0) : max(d - y0, 0), max(a - x0, 0) : max(c - x0, 0)] = True
    return float(inside.mean())


def _same_place(one: Place, other: Place) -> bool:
    shared = overlap(one.box, other.box)
    return shared >= SAME_PLACE * (area(one.box) + area(other.box) - shared)


def _grown(one: Place, other: Place) -> Place:
    engines = tuple(dict.fromkeys((*one.engines, *other.engines)))
    inside = one.polygon == other.polygon or (is_box(one) and overlap(one.box, other.box) == area(other.box))
    polygon = one.polygon if inside else polygon_of_box(union(one.box, other.box))
    return Place(polygon, engines, one.certain or other.certain, one.worded or other.worded)
