"""What is done with half-open boxes ``(x0, y0, x1, y1)`` of whole pixels, x right, y down."""

from __future__ import annotations

from collections.abc import Iterator

from ..core.text_map import Box


def clip(box: Box, rows: int, columns: int) -> Box | None:
    """The part of a box that lies in the image, or None. Never a negative corner: those wrap when they slice."""
    x0, y0, x1, y1 = max(box[0], 0), max(box[1], 0), min(box[2], columns), min(box[3], rows)
    return (x0, y0, x1, y1) if x0 < x1 and y0 < y1 else None


def overlap(one: Box, other: Box) -> int:
    """Pixels that two boxes share."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    return max(width, 0) * max(height, 0)


def area(box: Box) -> int:
    return (box[2] - box[0]) * (box[3] - box[1])


def union(one: Box, other: Box) -> Box:
    return min(one[0], other[0]), min(one[1], other[1]), max(one[2], other[2]), max(one[3], other[3])


def moved(box: Box, x: int, y: int) -> Box:
    return box[0] + x, box[1] + y, box[2] + x, box[3] + y


def parts_of(box: Box, longest: int, overlapping: int) -> Iterator[Box]:
    """Boxes no longer than ``longest`` that together cover a box, neighbors overlapping by ``overlapping`` pixels at least."""
    for top, bottom in _spans(box[1], box[3], longest, overlapping):
        for left, right in _spans(box[0], box[2], longest, overlapping):
            yield left, top, right, bottom


def _spans(start: int, end: int, longest: int, overlapping: int) -> Iterator[tuple[int, int]]:
    if end - start <= longest:
        yield start, end
        return
    count = -(-(end - start - overlapping) // (longest - overlapping))
    step = (end - start - longest) / (count - 1)
    for number in range(count):
        first = start + round(number * step)
        yield first, first + longest
