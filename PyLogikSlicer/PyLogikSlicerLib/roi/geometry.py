"""The shapes of the fields in which scanners display echo, and their outlines.

Coordinates are pixel indices, x right, y down, integers on the centers of pixels: the fits compare them with arrays and with what OpenCV
returns. A :class:`~.region.Roi` is on pixel edges, half a pixel further. Angles are radians from straight down, positive toward larger x:
the point at radius r and angle a of a sector is ``(x, y) + r * (sin a, cos a)``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

# A box (x0, y0, x1, y1) in pixel indices, the last ones included.
Limits = tuple[float, float, float, float]
# A line (a, b, c): a x + b y <= c is inside; (a, b) is the outward unit normal.
Line = tuple[float, float, float]


@dataclass(frozen=True)
class Sector:
    """The field of a curved or phased array: a sector of a ring, clipped to an axis-aligned box.

    Parameters
    ----------
    apex
        Center of the arcs (x, y).
    angles
        Angles of the left and the right side, radians.
    radii
        Radii of the inner and the outer arc, pixels.
    limits
        The box (x0, y0, x1, y1), the last ones included.
    """

    apex: tuple[float, float]
    angles: tuple[float, float]
    radii: tuple[float, float]
    limits: Limits

    @property
    def kind(self) -> str:
        return "curved" if self.radii[0] > 0.08 * self.radii[1] else "phased"

    def outline(self) -> np.ndarray:
        """The polygon ``(n, 2)``, clockwise on the screen; empty where ring and box do not overlap."""
        angles = self._angles()
        direction = np.stack([np.sin(angles), np.cos(angles)], axis=1)
        near, far = self._inside_limits(direction)
        inner, outer = np.maximum(near, self.radii[0]), np.minimum(far, self.radii[1])
        seen = outer > inner
        apex = np.asarray(self.apex)
        upper, lower = apex + inner[seen, None] * direction[seen], apex + outer[seen, None] * direction[seen]
        return np.concatenate([upper, lower[::-1]])

    def translate(self, x: float, y: float) -> Sector:
        """The shape moved by x and y pixels."""
        x0, y0, x1, y1 = self.limits
        return replace(self, apex=(self.apex[0] + x, self.apex[1] + y), limits=(x0 + x, y0 + y, x1 + x, y1 + y))

    def enlarge(self, factor: float) -> Sector:
        """The shape with all coordinates multiplied by ``factor``."""
        apex, radii, limits = (tuple(factor * value for value in values) for values in (self.apex, self.radii, self.limits))
        return Sector((apex[0], apex[1]), self.angles, (radii[0], radii[1]), (limits[0], limits[1], limits[2], limits[3]))

    def as_json(self) -> Mapping[str, Any]:
        """``kind``, ``apex`` (x, y), ``angles`` (left, right; radians), ``radii`` (inner, outer) and ``limits``."""
        return {
            "kind": self.kind,
            "apex": _round_values(self.apex),
            "angles": _round_values(self.angles, 5),
            "radii": _round_values(self.radii),
            "limits": _round_values(self.limits),
        }

    def _angles(self) -> np.ndarray:
        """The angles of the outline's vertices: about two pixels of arc apart, and all at which a corner of the outline may lie."""
        first, last = self.angles
        count = int(np.clip(np.ceil((last - first) * self.radii[1] / 2), 8, 2000))
        corners = []
        x0, y0, x1, y1 = np.array(self.limits) - np.tile(self.apex, 2)
        for x, y in ((x0, y0), (x1, y0), (x0, y1), (x1, y1)):
            corners.append(np.arctan2(x, y))
        for radius in self.radii:
            for x in (x0, x1):
                if abs(x) < radius:
                    corners.append(np.arcsin(x / radius))
            for y in (y0, y1):
                if abs(y) < radius:
                    corners += [np.arccos(y / radius), -np.arccos(y / radius)]
        inner = [angle for angle in corners if first < angle < last]
        return np.unique(np.concatenate([np.linspace(first, last, count), inner]))

    def _inside_limits(self, direction: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """For each ray from the apex the radii at which it enters and leaves the limits; the second is smaller where it misses them."""
        x0, y0, x1, y1 = self.limits
        near, far = np.zeros(len(direction)), np.full(len(direction), np.inf)
        for axis, low, high in ((0, x0, x1), (1, y0, y1)):
            step = np.where(np.abs(direction[:, axis]) < 1e-12, 1e-12, direction[:, axis])
            first, second = (low - self.apex[axis]) / step, (high - self.apex[axis]) / step
            near, far = np.maximum(near, np.minimum(first, second)), np.minimum(far, np.maximum(first, second))
        return near, far


@dataclass(frozen=True)
class Straight:
    """The field of a linear array or of a trapezoid display: an axis-aligned box, clipped by lines and by a disk.

    Parameters
    ----------
    limits
        The box (x0, y0, x1, y1), the last ones included.
    sides
        The lines at which it is clipped.
    disk
        Center and radius (x, y, radius) of a disk whose lower arc is the lower end; None for a straight end.
    """

    limits: Limits
    sides: tuple[Line, ...] = ()
    disk: tuple[float, float, float] | None = None

    @property
    def kind(self) -> str:
        return "trapezoid" if self.sides else "linear"

    def outline(self) -> np.ndarray:
        """The polygon ``(n, 2)``, clockwise on the screen."""
        x0, y0, x1, y1 = self.limits
        polygon = np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], float)
        for side in self.sides:
            polygon = clip_polygon(polygon, side)
        return polygon if self.disk is None else self._clip_to_disk(polygon, self.disk)

    def translate(self, x: float, y: float) -> Straight:
        """The shape moved by x and y pixels."""
        x0, y0, x1, y1 = self.limits
        sides = tuple((a, b, c + a * x + b * y) for a, b, c in self.sides)
        disk = None if self.disk is None else (self.disk[0] + x, self.disk[1] + y, self.disk[2])
        return Straight((x0 + x, y0 + y, x1 + x, y1 + y), sides, disk)

    def enlarge(self, factor: float) -> Straight:
        """The shape with all coordinates multiplied by ``factor``."""
        x0, y0, x1, y1 = (factor * value for value in self.limits)
        sides = tuple((a, b, factor * c) for a, b, c in self.sides)
        disk = None if self.disk is None else (factor * self.disk[0], factor * self.disk[1], factor * self.disk[2])
        return Straight((x0, y0, x1, y1), sides, disk)

    def as_json(self) -> Mapping[str, Any]:
        """``kind``, ``limits``, ``corners`` (x, y) in clockwise order, and ``arc`` (x, y, radius) of a round lower end or None."""
        corners = [_round_values(corner) for corner in replace(self, disk=None).outline()]
        return {"kind": self.kind, "limits": _round_values(self.limits), "corners": corners, "arc": self.disk and _round_values(self.disk)}

    def _clip_to_disk(self, polygon: np.ndarray, disk: tuple[float, float, float]) -> np.ndarray:
        """The polygon clipped by tangents of the disk's lower half, so many that they deviate from it by at most a tenth of a pixel."""
        x, y, radius = disk
        half = np.arcsin(np.clip(max(abs(self.limits[0] - x), abs(self.limits[2] - x)) / radius, 0, 1))
        count = int(np.clip(np.ceil(half / np.sqrt(0.2 / radius)), 4, 60))
        for angle in np.linspace(-half, half, count):
            a, b = float(np.sin(angle)), float(np.cos(angle))
            polygon = clip_polygon(polygon, (a, b, a * x + b * y + radius))
        return polygon


@dataclass(frozen=True)
class Outline:
    """A field of any shape: ``corners`` (x, y) of a polygon."""

    corners: tuple[tuple[float, float], ...]

    @property
    def kind(self) -> str:
        return "outline"

    def outline(self) -> np.ndarray:
        """The polygon ``(n, 2)``."""
        return np.array(self.corners, float).reshape(-1, 2)

    def translate(self, x: float, y: float) -> Outline:
        """The shape moved by x and y pixels."""
        return Outline(tuple((corner_x + x, corner_y + y) for corner_x, corner_y in self.corners))

    def as_json(self) -> Mapping[str, Any]:
        """``kind`` and ``corners`` (x, y)."""
        return {"kind": self.kind, "corners": [_round_values(corner) for corner in self.corners]}


Field = Sector | Straight


def clip_polygon(polygon: np.ndarray, line: Line) -> np.ndarray:
    """The part of a convex polygon ``(n, 2)`` on the inner side of a line (Sutherland and Hodgman 1974, one edge)."""
    if len(polygon) == 0:
        return polygon
    beyond = polygon @ np.array(line[:2]) - line[2]
    kept = []
    for i, (point, here) in enumerate(zip(polygon, beyond, strict=True)):
        following, there = polygon[(i + 1) % len(polygon)], beyond[(i + 1) % len(polygon)]
        if here <= 0:
            kept.append(point)
        if (here <= 0) != (there <= 0):
            kept.append(point + (following - point) * (here / (here - there)))
    return np.array(kept).reshape(-1, 2)


def line_intersection(first: Line, second: Line) -> tuple[float, float] | None:
    """The intersection of two lines (x, y); None where they are parallel."""
    matrix = np.array([first[:2], second[:2]])
    if abs(np.linalg.det(matrix)) < 1e-6:
        return None
    x, y = np.linalg.solve(matrix, [first[2], second[2]])
    return float(x), float(y)


def _round_values(values: Any, digits: int = 2) -> list[float]:
    return [round(float(value), digits) for value in values]
