"""Boxes and polygons of image coordinates.

One convention for the whole package, for ``text.csv`` and for ``report.json``: x to the right, y down, integers on the *edges* of pixels.
Pixel (column, row) covers ``[column, column + 1) x [row, row + 1)``, its center is at (column + 0.5, row + 0.5), and a box
(x0, y0, x1, y1) is half-open: ``image[y0:y1, x0:x1]`` are its pixels. OpenCV and scikit-image count from the centers of pixels:
:func:`to_pixel_centers` and :func:`to_pixel_edges` convert where they are called.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

Polygon = tuple[tuple[float, float], ...]

# Pixels from a coordinate where integers are the centers of pixels to the same one where they are the edges.
CENTER_TO_EDGE = 0.5


class Box(NamedTuple):
    """A half-open box of whole pixels."""

    x0: int
    y0: int
    x1: int
    y1: int

    @property
    def width(self) -> int:
        return self.x1 - self.x0

    @property
    def height(self) -> int:
        return self.y1 - self.y0

    @property
    def area(self) -> int:
        """Pixels in the box; 0 where it is empty."""
        return max(self.width, 0) * max(self.height, 0)

    @property
    def slices(self) -> tuple[slice, slice]:
        """The index of its pixels in an array ``(rows, columns, ...)``; the box must lie in the image."""
        return slice(self.y0, self.y1), slice(self.x0, self.x1)

    @property
    def polygon(self) -> Polygon:
        """Its corners, clockwise on the screen from the upper left."""
        return ((self.x0, self.y0), (self.x1, self.y0), (self.x1, self.y1), (self.x0, self.y1))

    def intersection(self, other: Box) -> Box | None:
        """The box of the shared pixels; None where there are none."""
        shared = Box(max(self.x0, other.x0), max(self.y0, other.y0), min(self.x1, other.x1), min(self.y1, other.y1))
        return shared if shared.x0 < shared.x1 and shared.y0 < shared.y1 else None

    def overlap(self, other: Box) -> int:
        """The number of shared pixels."""
        width = min(self.x1, other.x1) - max(self.x0, other.x0)
        height = min(self.y1, other.y1) - max(self.y0, other.y0)
        return width * height if width > 0 and height > 0 else 0

    def union(self, other: Box) -> Box:
        """The smallest box that holds both."""
        return Box(min(self.x0, other.x0), min(self.y0, other.y0), max(self.x1, other.x1), max(self.y1, other.y1))

    def iou(self, other: Box) -> float:
        """Intersection over union of the pixels: 0 for disjoint and for empty boxes, 1 for equal ones."""
        shared = self.overlap(other)
        return shared / (self.area + other.area - shared) if shared else 0.0

    def contains(self, other: Box) -> bool:
        """Whether all pixels of ``other`` are in this box."""
        return self.x0 <= other.x0 and self.y0 <= other.y0 and other.x1 <= self.x1 and other.y1 <= self.y1

    def clip(self, rows: int, columns: int) -> Box | None:
        """The part that lies in an image of this size; None where there is none. Its corners are never negative: those wrap in slices."""
        return self.intersection(Box(0, 0, columns, rows))

    def translate(self, x: int, y: int) -> Box:
        """The box moved to the right by ``x`` and down by ``y`` pixels."""
        return Box(self.x0 + x, self.y0 + y, self.x1 + x, self.y1 + y)

    def enlarge(self, margin: int) -> Box:
        """The box with ``margin`` pixels more on each side; it may reach beyond the image."""
        return Box(self.x0 - margin, self.y0 - margin, self.x1 + margin, self.y1 + margin)

    def tiles(self, longest: int, overlap: int) -> Iterator[Box]:
        """Boxes of sides up to ``longest`` that together cover this one; neighbors share at least ``overlap`` pixels."""
        for top, bottom in _spans(self.y0, self.y1, longest, overlap):
            for left, right in _spans(self.x0, self.x1, longest, overlap):
                yield Box(left, top, right, bottom)


def _spans(start: int, end: int, longest: int, overlap: int) -> Iterator[tuple[int, int]]:
    """Intervals of length ``longest``, evenly spaced, that cover [start, end); the whole where it is no longer than that."""
    if end - start <= longest:
        yield start, end
        return
    count = -(-(end - start - overlap) // (longest - overlap))
    step = (end - start - longest) / (count - 1)
    for number in range(count):
        first = start + round(number * step)
        yield first, first + longest


def box_of_image(rows: int, columns: int) -> Box:
    """The box of all pixels of an image."""
    return Box(0, 0, columns, rows)


def bounding_box(polygon: Sequence[Sequence[float]] | np.ndarray) -> Box:
    """The smallest box of whole pixels that holds a polygon."""
    corners = np.asarray(polygon, dtype=float)
    low, high = np.floor(corners.min(axis=0)), np.ceil(corners.max(axis=0))
    return Box(int(low[0]), int(low[1]), int(high[0]), int(high[1]))


def box_of_pixels(mask: np.ndarray) -> Box | None:
    """The smallest box that holds all True pixels of a mask, bool ``(rows, columns)``; None where there are none."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return None
    return Box(int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)


def polygon_area(polygon: Polygon) -> float:
    """The area of a polygon in square pixels, by the shoelace formula."""
    following = (*polygon[1:], polygon[0])
    return abs(sum(x * b - a * y for (x, y), (a, b) in zip(polygon, following, strict=True))) / 2


def translate_polygon(polygon: Sequence[Sequence[float]], x: float, y: float) -> Polygon:
    """The polygon moved to the right by ``x`` and down by ``y`` pixels."""
    return tuple((a + x, b + y) for a, b in polygon)


def scale_polygon(polygon: Sequence[Sequence[float]], factor: float) -> Polygon:
    """The polygon in an image that is ``factor`` times as large."""
    return tuple((x * factor, y * factor) for x, y in polygon)


def to_pixel_centers(points: np.ndarray | Sequence[Sequence[float]]) -> np.ndarray:
    """Coordinates ``(..., 2)`` on pixel edges in those that OpenCV and scikit-image use, where integers are the centers of pixels."""
    return np.asarray(points, float) - CENTER_TO_EDGE


def to_pixel_edges(points: np.ndarray | Sequence[Sequence[float]]) -> np.ndarray:
    """The opposite of :func:`to_pixel_centers`."""
    return np.asarray(points, float) + CENTER_TO_EDGE
