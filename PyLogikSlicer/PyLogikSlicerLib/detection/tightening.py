"""Tightening: places of text fitted to what can be seen in them, so that masks hide the text and little else.

Detectors grow their boxes, or cut letters, and a look at half the size sees several lines as one. Nothing is given up on a
reader's word: what is trimmed away is flat in the image; a place shrinks to what only it shows, and goes when others hold all there
is to see in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np

from ..core.channels import max_channel
from ..core.masking import polygon_mask
from ..core.text_map import Box, polygon_of_box
from .boxes import area, clip, overlap, union
from .grouping import PADDING, Place, is_box
from .polygons import shifted

# Grey levels between neighbors that nobody can see as a stroke: quantisation and the quiet parts of a JPEG.
FLAT = 8
# How large, in heights of the line, a letter may be that a box cuts, and how much of it must lie in the box.
LARGEST_LETTER, MOSTLY_IN = 1.0, 0.6


def tightened(places: Sequence[Place], view: np.ndarray) -> list[tuple[Place, Place]]:
    """(place, the same fitted) for all but those that others make superfluous; ``view``: uint8 ``(rows, columns[, 3])``."""
    content = local_contrast(view) > FLAT
    kept = [(place, _fitted(place, content)) for place in places]
    for pair in sorted(kept, key=lambda pair: -area(pair[1].box)):
        seen, place = pair
        smaller = (other for _, other in kept if other is not place and area(other.box) <= area(place.box))
        others = [other for other in smaller if overlap(other.box, place.box)]
        rest = _shown_only_by(place, others, content) if others else place
        where = kept.index(pair)
        kept[where : where + 1] = [(seen, rest)] if rest is not None else []
    return kept


def local_contrast(view: np.ndarray) -> np.ndarray:
    """uint8 ``(rows, columns)``: by how many grey levels a pixel and its neighbors differ, in the channel where they do most."""
    window = np.ones((3, 3), np.uint8)
    return max_channel(cv2.subtract(cv2.dilate(view, window), cv2.erode(view, window)))


def _fitted(place: Place, content: np.ndarray) -> Place:
    """The box grown over letters that it cuts, and without its flat margins but for the padding; leaning places, and those
    with nothing to see, stay as they are."""
    box = clip(place.box, *content.shape)
    if box is None or not is_box(place):
        return place
    return _shrunk(place, _grown_over_letters(box, content), content) or place


def _shrunk(place: Place, box: Box, content: np.ndarray) -> Place | None:
    """The place with the smallest box in ``box`` that holds all its content, padded; None where there is none."""
    x0, y0, x1, y1 = box
    inside = content[y0:y1, x0:x1]
    rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    if not len(rows):
        return None
    left, top = x0 + int(columns[0]) - PADDING, y0 + int(rows[0]) - PADDING
    right, bottom = x0 + int(columns[-1]) + 1 + PADDING, y0 + int(rows[-1]) + 1 + PADDING
    return replace(place, polygon=polygon_of_box((max(left, x0), max(top, y0), min(right, x1), min(bottom, y1))))


def _grown_over_letters(box: Box, content: np.ndarray) -> Box:
    """The box and the whole of each stroke across its edge that ends near it and is no larger than a letter there."""
    x0, y0, x1, y1 = box
    height = y1 - y0
    left, top, right, bottom = clip((x0 - height, y0 - height, x1 + height, y1 + height), *content.shape)
    inner = x0 - left, y0 - top, x1 - left, y1 - top
    _, _, stats, _ = cv2.connectedComponentsWithStats(content[top:bottom, left:right].astype(np.uint8), connectivity=8)
    grown = inner
    for x, y, wide, high, _ in stats[1:].tolist():
        stroke = x, y, x + wide, y + high
        whole = min(x, y) > 0 and stroke[2] < right - left and stroke[3] < bottom - top
        if whole and max(wide, high) <= LARGEST_LETTER * height and overlap(stroke, inner) >= MOSTLY_IN * wide * high:
            grown = union(grown, stroke)
    return grown[0] + left, grown[1] + top, grown[2] + left, grown[3] + top


def _shown_only_by(place: Place, others: Sequence[Place], content: np.ndarray) -> Place | None:
    """The place without what ``others`` hold; a leaning one as it is; None where nothing is left to see."""
    box = clip(place.box, *content.shape)
    if box is None:
        return None
    x0, y0, x1, y1 = box
    own, held = (polygon_mask([shifted(one.polygon, -x0, -y0) for one in which], y1 - y0, x1 - x0) for which in ([place], others))
    left = np.zeros(content.shape, bool)
    left[y0:y1, x0:x1] = own & ~held & content[y0:y1, x0:x1]
    if not is_box(place):
        return place if left.any() else None
    return _shrunk(place, box, left)
