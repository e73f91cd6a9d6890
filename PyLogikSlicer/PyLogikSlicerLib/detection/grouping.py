"""Grouping: the detections of one text in several passes become one line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np

from ..core.geometry import Box, Polygon, translate_polygon
from ..core.masking import polygon_mask
from .passes import Detection
from .polygons import upright_box
from .text_line import TextLine

# Pixels added on each side: boxes end close to the ink, and anti-aliased or compressed ink fades outwards.
PADDING = 2
# The boxes that readers make of one line differ in height, but by no more than this factor: two lines are twice as high as one. A box
# that is taller than wide by this factor holds a vertical line.
MAX_HEIGHT_RATIO = 1.5
# Share of the smaller box that must lie in the other for both to be the same line, however they are aligned.
CONTAINED_SHARE = 0.9
# Share of the higher box's rows that both must have for them to be parts of one line.
COMMON_ROWS_SHARE = 0.75
# Number of passes whose score was high enough, but whose scale was too coarse for a conclusive detection, that together are conclusive.
CONCLUSIVE_PASSES = 2
# Two polygons are around the same text where they share this much of the larger one.
SAME_TEXT_SHARE = 0.5

_BoxOfDetections = tuple[Box, list[Detection]]


def group_detections(detections: Sequence[Detection], rows: int, columns: int) -> list[TextLine]:
    """Merge detections to lines of text in an image of that size, from top to bottom.

    Upright detections of one line become one box. Rotated ones stay polygons of their own, unless boxes cover them. The lines together
    cover every detection in the image; a covered rotated detection is dropped, and does not count as agreement. Where readers of different
    granularity made a rotated polygon and another polygon of the same text, each of the two lines counts as found by the passes and reader
    kinds of both; ``conclusive`` is not shared.
    """
    upright: list[_BoxOfDetections] = []
    rotated: list[TextLine] = []
    for detection in detections:
        box = upright_box(detection.polygon)
        if box is None:
            rotated.append(_rotated_line(detection))
        elif (clipped := box.enlarge(PADDING).clip(rows, columns)) is not None:
            upright.append((clipped, [detection]))
    lines = [_line_of(box.polygon, found) for box, found in _merge_boxes(upright)]
    rotated = [line for line in rotated if not _is_covered(line, lines, rows, columns)]
    lines = [_with_agreeing(line, rotated) for line in lines] + [_with_agreeing(line, (*lines, *rotated)) for line in rotated]
    return sorted(lines, key=lambda line: (line.box.y0, line.box.x0))


def _rotated_line(detection: Detection) -> TextLine:
    """The line of one rotated detection: the smallest rectangle around it, padded."""
    (x, y), (width, height), angle = cv2.minAreaRect(np.asarray(detection.polygon, np.float32))
    corners = cv2.boxPoints(((x, y), (width + 2 * PADDING, height + 2 * PADDING), angle))
    return _line_of(tuple((float(a), float(b)) for a, b in corners), [detection])


def _merge_boxes(found: Sequence[_BoxOfDetections]) -> list[_BoxOfDetections]:
    """Unite boxes of one line until no two are left that belong together, beginning with the largest."""
    pending = sorted(found, key=lambda item: item[0].area)
    merged: list[_BoxOfDetections] = []
    while pending:
        box, detections = pending.pop()
        partner = next((item for item in pending if _are_one_line(box, item[0])), None)
        if partner is None:
            merged.append((box, detections))
            continue
        pending.remove(partner)
        pending.append((box.union(partner[0]), detections + partner[1]))
    return merged


def _line_of(polygon: Polygon, detections: Sequence[Detection]) -> TextLine:
    by_score = sorted(detections, key=lambda detection: -detection.score)
    passes_with_high_score = {detection.found_by for detection in detections if detection.reaches_conclusive_score}
    return TextLine(
        polygon,
        found_by=tuple(dict.fromkeys(detection.found_by for detection in by_score)),
        conclusive=any(detection.conclusive for detection in detections) or len(passes_with_high_score) >= CONCLUSIVE_PASSES,
        by_word_reader=any(detection.granularity == "words" for detection in detections),
    )


def _with_agreeing(line: TextLine, others: Sequence[TextLine]) -> TextLine:
    """The line, counted as found by the passes of those others too that are the same text to readers of the other granularity.

    Readers of one granularity do not confirm each other here: edges in anatomy look like a rotated word to them at every scale.
    """
    agreeing = [line, *(other for other in others if other.by_word_reader is not line.by_word_reader and _is_same_text(line, other))]
    found_by = tuple(dict.fromkeys(source for one in agreeing for source in one.found_by))
    return replace(line, found_by=found_by, by_word_reader=any(one.by_word_reader for one in agreeing))


def _is_same_text(one: TextLine, other: TextLine) -> bool:
    """Whether two polygons share enough of the larger one to be around the same text."""
    if not one.box.overlap(other.box):
        return False
    first, second = (np.asarray(line.polygon, np.float32) for line in (one, other))
    shared, _ = cv2.intersectConvexConvex(first, second)
    return shared >= SAME_TEXT_SHARE * max(cv2.contourArea(first), cv2.contourArea(second))


def _are_one_line(one: Box, other: Box) -> bool:
    """Whether two boxes overlap, are of similar height and direction, and one contains the other or both are on the same rows.

    A small box inside a far higher one is not merged with it: its detections would make text of what may be an organ that was taken for a
    word.
    """
    low, high = sorted((one.height, other.height))
    shared = one.overlap(other)
    if high > MAX_HEIGHT_RATIO * low or shared == 0 or _is_vertical(one) != _is_vertical(other):
        return False
    common_rows = min(one.y1, other.y1) - max(one.y0, other.y0)
    return shared >= CONTAINED_SHARE * min(one.area, other.area) or common_rows >= COMMON_ROWS_SHARE * high


def _is_vertical(box: Box) -> bool:
    """Whether a box holds a line that runs along a column."""
    return box.height > MAX_HEIGHT_RATIO * box.width


def _is_covered(line: TextLine, others: Sequence[TextLine], rows: int, columns: int) -> bool:
    """Whether the boxes of others cover all pixels of a line that lie in the image."""
    box = line.box.clip(rows, columns)
    if box is None:
        return True
    uncovered = polygon_mask([translate_polygon(line.polygon, -box.x0, -box.y0)], box.height, box.width)
    for other in others:
        shared = box.intersection(other.box)
        if shared is not None:
            uncovered[shared.translate(-box.x0, -box.y0).slices] = False
    return not uncovered.any()
