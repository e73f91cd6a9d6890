"""From sightings to places: what several looks saw of one piece of text becomes one polygon."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from ..core.masking import polygon_mask
from ..core.text_map import Box, box_of_polygon, polygon_of_box
from .boxes import area, clip, overlap, union
from .looks import Sighting
from .polygons import upright_box

# Boxes end close to the ink, and anti-aliased or compressed ink fades outwards.
PADDING = 2
# Boxes of one line differ in height by their readers' habits, not by more than this: two lines are twice as high as one.
TALLER = 1.5
# So many looks in which a reader is sure need no other's word, however coarse they are.
SURE_LOOKS = 2
# Polygons that share so much of the larger one are of the same text.
SAME = 0.5


_Seen = tuple[Box, list[Sighting]]


@dataclass(frozen=True)
class Place:
    """Where text is in one image. ``polygon`` as in :class:`~PyLogikSlicerLib.core.text_map.Region`, padding included;
    ``engines``: the readers and looks that saw it, the surest first; ``certain``: one of them needs no other; ``worded``:
    a reader of words is among them."""

    polygon: tuple[tuple[float, float], ...]
    engines: tuple[str, ...]
    certain: bool = False
    worded: bool = True

    @functools.cached_property
    def box(self) -> Box:
        return box_of_polygon(self.polygon)


def group(sightings: Sequence[Sighting], rows: int, columns: int) -> list[Place]:
    """Places of text in an image of that size, in reading order; nothing that was seen is outside all of them.

    Upright sightings of the same line are joined into one box. Leaning ones stay polygons of their own, unless others
    cover them; what readers of words and of letters saw alike there counts for both.
    """
    upright, leaning = [], []
    for sighting in sightings:
        box = upright_box(sighting.polygon)
        if box is None:
            leaning.append(_padded_polygon(sighting))
        elif (clipped := clip(_padded(box), rows, columns)) is not None:
            upright.append((clipped, [sighting]))
    places = [_place(polygon_of_box(box), seen) for box, seen in _joined(upright)]
    leaning = [place for place in leaning if not _covered(place, places, rows, columns)]
    places = [_agreed(place, leaning) for place in places] + [_agreed(place, (*places, *leaning)) for place in leaning]
    return sorted(places, key=lambda place: (place.box[1], place.box[0]))


def is_box(place: Place) -> bool:
    """Whether the polygon is an upright box of whole pixels."""
    return place.polygon == polygon_of_box(place.box)


def _padded(box: Box) -> Box:
    return box[0] - PADDING, box[1] - PADDING, box[2] + PADDING, box[3] + PADDING


def _padded_polygon(sighting: Sighting) -> Place:
    (x, y), (width, height), angle = cv2.minAreaRect(np.asarray(sighting.polygon, np.float32))
    corners = cv2.boxPoints(((x, y), (width + 2 * PADDING, height + 2 * PADDING), angle))
    return _place(tuple((float(a), float(b)) for a, b in corners), [sighting])


def _joined(found: list[_Seen]) -> list[_Seen]:
    """Join boxes of one line until no two belong together."""
    pending, done = sorted(found, key=lambda item: area(item[0])), []
    while pending:
        box, seen = pending.pop()
        partner = next((item for item in pending if _same_line(box, item[0])), None)
        if partner is None:
            done.append((box, seen))
            continue
        pending.remove(partner)
        pending.append((union(box, partner[0]), seen + partner[1]))
    return done


def _place(polygon: tuple[tuple[float, float], ...], seen: Sequence[Sighting]) -> Place:
    surest_first = sorted(seen, key=lambda sighting: -sighting.score)
    return Place(
        polygon,
        engines=tuple(dict.fromkeys(sighting.engine for sighting in surest_first)),
        certain=any(sighting.certain for sighting in seen) or len({sighting.engine for sighting in seen if sighting.sure}) >= SURE_LOOKS,
        worded=any(sighting.sees == "words" for sighting in seen),
    )


def _agreed(place: Place, others: Sequence[Place]) -> Place:
    """The place with the looks of those others in which readers of the other kind saw much the same: edges in anatomy look like a
    leaning word to one kind, whatever the scale."""
    same = [place, *(other for other in others if other.worded is not place.worded and _is_same(place, other))]
    engines = tuple(dict.fromkeys(engine for one in same for engine in one.engines))
    return replace(place, engines=engines, worded=any(one.worded for one in same))


def _is_same(one: Place, other: Place) -> bool:
    if not overlap(one.box, other.box):
        return False
    first, second = (np.asarray(place.polygon, np.float32) for place in (one, other))
    shared, _ = cv2.intersectConvexConvex(first, second)
    return shared >= SAME * max(cv2.contourArea(first), cv2.contourArea(second))


def _same_line(one: Box, other: Box) -> bool:
    """Boxes of much the same height that overlap for the most part. A small one inside a far taller one is another matter:
    joined, it would lend its credit to what may be an organ taken for a word."""
    low, high = sorted((one[3] - one[1], other[3] - other[1]))
    shared = overlap(one, other)
    if high > TALLER * low or shared == 0 or _stands(one) != _stands(other):
        return False
    rows_shared = min(one[3], other[3]) - max(one[1], other[1])
    return shared >= 0.9 * min(area(one), area(other)) or rows_shared >= 0.75 * high


def _stands(box: Box) -> bool:
    """Whether the box is of a line that runs along a column."""
    return box[3] - box[1] > TALLER * (box[2] - box[0])


def _covered(place: Place, others: Sequence[Place], rows: int, columns: int) -> bool:
    box = clip(place.box, rows, columns)
    if box is None:
        return True
    x0, y0, x1, y1 = box
    own = polygon_mask([[(x - x0, y - y0) for x, y in place.polygon]], y1 - y0, x1 - x0)
    for other in others:
        a, b, c, d = other.box
        own[max(b - y0, 0) : max(d - y0, 0), max(a - x0, 0) : max(c - x0, 0)] = False
    return not own.any()
