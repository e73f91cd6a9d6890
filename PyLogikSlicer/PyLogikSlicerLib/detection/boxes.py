"""Geometry of half-open boxes ``(x0, y0, x1, y1)`` of whole pixels, x right, y down."""

from __future__ import annotations

from collections.abc import Iterator

from ..core.text_map import Box


def clip(box: Box, rows: int, columns: int) -> Box | None:
    """The part of a box that lies in an image of that size, or None.

    Boxes that index an array are clipped first: a negative corner would count from the other end of the array.
    """
    x0, y0, x1, y1 = max(box[0], 0), max(box[1], 0), min(box[2], columns), min(box[3], rows)
    return (x0, y0, x1, y1) if x0 < x1 and y0 < y1 else None


def area(box: Box) -> int:
    """Pixels in a box."""
    return (box[2] - box[0]) * (box[3] - box[1])


def intersection_area(one: Box, other: Box) -> int:
    """Pixels that two boxes share."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    return max(width, 0) * max(height, 0)


def iou(one: Box, other: Box) -> float:
    """Intersection over union of two boxes, 0 to 1; 1 for two boxes without pixels."""
    shared = intersection_area(one, other)
    joint = area(one) + area(other) - shared
    return shared / joint if joint else 1.0


def union(one: Box, other: Box) -> Box:
    """The smallest box that holds both boxes."""
    return min(one[0], other[0]), min(one[1], other[1]), max(one[2], other[2]), max(one[3], other[3])


def translate_box(box: Box, x: int, y: int) -> Box:
    """The box moved to the right by ``x`` and down by ``y`` pixels."""
    return box[0] + x, box[1] + y, box[2] + x, box[3] + y


def split_into_parts(box: Box, max_side: int, min_overlap: int) -> Iterator[Box]:
    """Yield boxes that together cover ``box``, from top to bottom and left to right.

    No part is longer than ``max_side`` pixels, and neighbors overlap by at least ``min_overlap`` pixels.
    """
    for top, bottom in _split_span(box[1], box[3], max_side, min_overlap):
        for left, right in _split_span(box[0], box[2], max_side, min_overlap):
            yield left, top, right, bottom


def _split_span(start: int, end: int, max_length: int, min_overlap: int) -> Iterator[tuple[int, int]]:
    if end - start <= max_length:
        yield start, end
        return
    count = -(-(end - start - min_overlap) // (max_length - min_overlap))
    step = (end - start - max_length) / (count - 1)
    for number in range(count):
        first = start + round(number * step)
        yield first, first + max_length
