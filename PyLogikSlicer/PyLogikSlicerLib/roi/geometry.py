"""The shapes in which scanners display echo, and their outlines.

Coordinates are pixel indices, x right, y down. Angles are radians from straight down, positive toward larger x: the
point at radius r and angle a of a sector is ``(x, y) + r * (sin a, cos a)``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

Limits = tuple[float, float, float, float]
Line = tuple[float, float, float]  # (a, b, c): a x + b y <= c is inside; (a, b) is the outward unit normal


@dataclass(frozen=True)
class Sector:
    """Curved and phased displays: a piece of a ring, cut by the upright box ``limits`` (x0, y0, x1, y1, all included)."""

    apex: tuple[float, float]
    angles: tuple[float, float]
    radii: tuple[float, float]
    limits: Limits

    @property
    def kind(self) -> str:
        return "curved" if self.radii[0] > 0.08 * self.radii[1] else "phased"

    def outline(self) -> np.ndarray:
        """The polygon ``(n, 2)``, clockwise on the screen, or an empty one where ring and box do not meet."""
        angles = self._angles()
        direction = np.stack([np.sin(angles), np.cos(angles)], axis=1)
        near, far = self._inside_limits(direction)
        inner, outer = np.maximum(near, self.radii[0]), np.minimum(far, self.radii[1])
        seen = outer > inner
        apex = np.asarray(self.apex)
        upper, lower = apex + inner[seen, None] * direction[seen], apex + outer[seen, None] * direction[seen]
        return np.concatenate([upper, lower[::-1]])

    def moved(self, x: float, y: float) -> Sector:
        """The same shape, x and y pixels further."""
        x0, y0, x1, y1 = self.limits
        return replace(self, apex=(self.apex[0] + x, self.apex[1] + y), limits=(x0 + x, y0 + y, x1 + x, y1 + y))

    def as_json(self) -> Mapping[str, Any]:
        """``kind``, ``apex`` (x, y), ``angles`` (left, right; radians), ``radii`` (inner, outer) and ``limits``."""
        return {
            "kind": self.kind,
            "apex": _rounded(self.apex),
            "angles": _rounded(self.angles, 5),
            "radii": _rounded(self.radii),
            "limits": _rounded(self.limits),
        }

    def _angles(self) -> np.ndarray:
        """Angles at about two pixels of arc, and those at which a corner of the outline can lie."""
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
        """The radii between which each ray from the apex runs inside the limits (far < near where it misses them)."""
        x0, y0, x1, y1 = self.limits
        near, far = np.zeros(len(direction)), np.full(len(direction), np.inf)
        for axis, low, high in ((0, x0, x1), (1, y0, y1)):
            step = np.where(np.abs(direction[:, axis]) < 1e-12, 1e-12, direction[:, axis])
            first, second = (low - self.apex[axis]) / step, (high - self.apex[axis]) / step
            near, far = np.maximum(near, np.minimum(first, second)), np.minimum(far, np.maximum(first, second))
        return near, far


@dataclass(frozen=True)
class Straight:
    """Linear and trapezoid displays: the upright box ``limits`` (x0, y0, x1, y1, all included), cut by straight ``sides``.

    ``disk`` (x, y, radius), if any, rounds the lower end.
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
            polygon = cut(polygon, side)
        return polygon if self.disk is None else self._rounded_off(polygon)

    def moved(self, x: float, y: float) -> Straight:
        """The same shape, x and y pixels further."""
        x0, y0, x1, y1 = self.limits
        sides = tuple((a, b, c + a * x + b * y) for a, b, c in self.sides)
        disk = None if self.disk is None else (self.disk[0] + x, self.disk[1] + y, self.disk[2])
        return Straight((x0 + x, y0 + y, x1 + x, y1 + y), sides, disk)

    def as_json(self) -> Mapping[str, Any]:
        """``kind``, ``limits``, ``corners`` (x, y), clockwise, and ``arc`` (x, y, radius) of a round lower end or None."""
        corners = [_rounded(corner) for corner in replace(self, disk=None).outline()]
        return {"kind": self.kind, "limits": _rounded(self.limits), "corners": corners, "arc": self.disk and _rounded(self.disk)}

    def _rounded_off(self, polygon: np.ndarray) -> np.ndarray:
        """Cut by tangents of the disk's lower half, close enough to stay within a tenth of a pixel of it."""
        x, y, radius = self.disk
        half = np.arcsin(np.clip(max(abs(self.limits[0] - x), abs(self.limits[2] - x)) / radius, 0, 1))
        count = int(np.clip(np.ceil(half / np.sqrt(0.2 / radius)), 4, 60))
        for angle in np.linspace(-half, half, count):
            a, b = float(np.sin(angle)), float(np.cos(angle))
            polygon = cut(polygon, (a, b, a * x + b * y + radius))
        return polygon


Field = Sector | Straight


def cut(polygon: np.ndarray, line: Line) -> np.ndarray:
    """The part of a convex polygon inside a line (Sutherland and Hodgman 1974, one edge)."""
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


def meeting(first: Line, second: Line) -> tuple[float, float] | None:
    """Where two lines cross, or None when they are parallel."""
    matrix = np.array([first[:2], second[:2]])
    if abs(np.linalg.det(matrix)) < 1e-6:
        return None
    x, y = np.linalg.solve(matrix, [first[2], second[2]])
    return float(x), float(y)


def _rounded(values: Any, digits: int = 2) -> list[float]:
    return [round(float(value), digits) for value in values]
