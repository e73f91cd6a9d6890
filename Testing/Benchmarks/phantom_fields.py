"""Where simulated ultrasound screens display data: the shapes and arrangements of :mod:`roi_phantom`.

A field is an area of one display. Boxes are ``(x0, y0, x1, y1)`` in pixels. The parameters are drawn from ranges that are wider than what
scanners show, so that the real images known to this project are a small part of them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

Box = tuple[float, float, float, float]

# Fields of one transducer.
SINGLE = ("phased", "curved", "linear", "trapezoid", "wide", "clipped")
# Several fields on one screen.
SEVERAL = ("dual", "quad", "mmode", "spectral")
KINDS = (*SINGLE, *SEVERAL)


@dataclass(frozen=True)
class Field:
    """One display area.

    Parameters
    ----------
    mask
        Bool ``(rows, columns)``: where it is.
    lateral, depth
        ``(rows, columns)``: the position of each pixel across the field and in depth; 0 to 1 within it.
    top, bottom
        The rows at which depth 0 and 1 are on its middle axis: where a depth ruler begins and ends.
    corners
        The lower left and the lower right end of its sides, (x, y).
    strip
        Whether it shows time from left to right (M-mode, spectral Doppler).
    """

    mask: np.ndarray
    lateral: np.ndarray
    depth: np.ndarray
    top: float
    bottom: float
    corners: tuple[tuple[float, float], tuple[float, float]]
    strip: bool = False

    def cut_out(self) -> tuple[tuple[slice, slice], Field]:
        """Where the field is, and the field with its arrays cut to that box."""
        rows, columns = np.flatnonzero(self.mask.any(axis=1)), np.flatnonzero(self.mask.any(axis=0))
        box = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
        return box, replace(self, mask=self.mask[box], lateral=self.lateral[box], depth=self.depth[box])


def place_fields(random: np.random.Generator, kind: str, shape: tuple[int, int]) -> list[Field]:
    """The fields of a screen of this (rows, columns); ``kind`` is one of KINDS."""
    box = image_area(random, shape)
    x0, y0, x1, y1 = box
    if kind in ("dual", "quad"):
        return side_by_side(random, kind, shape, box)
    if kind in ("mmode", "spectral"):
        if random.random() < 0.2:  # beside each other
            cut = x0 + (x1 - x0) * random.uniform(0.3, 0.55)
            upper = place_field(random, str(random.choice(["phased", "curved", "linear"])), shape, (x0, y0, cut, y1))
            return [upper, strip(shape, (cut + random.uniform(0.0, 0.04) * (x1 - x0), y0, x1, y1))]
        cut = y0 + (y1 - y0) * random.uniform(0.25, 0.6)
        width = (x1 - x0) * random.uniform(0.25, 0.7)
        center = x0 + width / 2 + (x1 - x0 - width) * random.choice([0.5, random.uniform(0, 1)])
        inner = str(random.choice(["phased", "curved", "linear", "clipped"]))
        upper = place_field(random, inner, shape, (center - width / 2, y0, center + width / 2, cut))
        return [upper, strip(shape, (x0, cut + random.uniform(0.005, 0.06) * (y1 - y0), x1, y1))]
    return [place_field(random, kind, shape, box)]


def image_area(random: np.random.Generator, shape: tuple[int, int]) -> Box:
    """The part of the screen for the image; each of its sides lies at the edge of the screen on some."""
    rows, columns = shape
    left = 0.0 if random.random() < 0.08 else columns * random.uniform(0.01, 0.25)
    right = columns - 1.0 if random.random() < 0.1 else columns * random.uniform(0.75, 0.99)
    top = 0.0 if random.random() < 0.06 else rows * random.uniform(0.02, 0.18)
    bottom = rows - 1.0 if random.random() < 0.08 else rows * random.uniform(0.75, 0.985)
    return left, top, right, bottom


def side_by_side(random: np.random.Generator, kind: str, shape: tuple[int, int], box: Box) -> list[Field]:
    """Two or four fields, most of the same geometry."""
    x0, y0, x1, y1 = box
    gap = float(random.choice([0.0, 0.0, 0.01, 0.03])) * (x1 - x0)
    middle = (x0 + x1) / 2 + random.uniform(-0.02, 0.02) * (x1 - x0)
    columns = ((x0, middle - gap), (middle + gap + 1, x1))
    height = (y0 + y1) / 2
    rows = ((y0, y1),) if kind == "dual" else ((y0, height - gap), (height + gap + 1, y1))
    names = ["curved", "linear", "clipped", "phased", "trapezoid"]
    same = random.random() < 0.8
    name, state = str(random.choice(names)), random.integers(2**31)
    fields = []
    for upper, lower in rows:
        for left, right in columns:
            own = np.random.default_rng(state) if same else random
            fields.append(place_field(own, name if same else str(random.choice(names)), shape, (left, upper, right, lower)))
    return fields


def strip(shape: tuple[int, int], box: Box) -> Field:
    """A rectangle of time and depth (or velocity)."""
    x0, y0, x1, y1 = map(float, np.round(box))
    y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    mask = (x >= x0) & (x <= x1) & (y >= y0) & (y <= y1)
    return Field(mask, (x - x0) / (x1 - x0), (y - y0) / (y1 - y0), y0, y1, ((x0, y1), (x1, y1)), strip=True)


def place_field(random: np.random.Generator, kind: str, shape: tuple[int, int], box: Box) -> Field:
    """One field within a box; ``kind`` is one of SINGLE."""
    if kind in ("linear", "trapezoid"):
        return straight(random, kind, shape, box)
    return ring(random, kind, shape, box)


def straight(random: np.random.Generator, kind: str, shape: tuple[int, int], box: Box) -> Field:
    """A rectangle, a trapezoid or a parallelogram; the lower end of some is an arc."""
    x0, y0, x1, y1 = box
    width, height = x1 - x0, y1 - y0
    if random.random() < 0.5:  # not all of the area is used
        width *= random.uniform(0.4, 1.0)
        height *= 1.0 if random.random() < 0.6 else random.uniform(0.5, 1.0)
        x0 += (x1 - x0 - width) * random.choice([0.0, 0.5, 1.0, random.uniform(0, 1)])
    x0, y0, x1, y1 = map(float, np.round((x0, y0, x0 + width, y0 + height)))
    y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    left = right = 0.0  # how far the sides move to the right per row
    if kind == "trapezoid":
        lean = random.uniform(0.03, 0.4) * min(1.0, 0.7 * width / height)
        left, right = (lean, lean) if random.random() < 0.4 else (-lean, lean)
        if random.random() < 0.3:
            left, right = -right, -left
    start = x0 + max(-left, 0) * (y1 - y0)
    end = x1 - max(right, 0) * (y1 - y0)
    if end - start < 0.15 * width:
        start, end, left, right = x0, x1, 0.0, 0.0
    depth = (y - y0) / (y1 - y0)
    lateral = (x - start - left * (y - y0)) / ((end - start) + (right - left) * (y - y0))
    mask = (x >= x0) & (x <= x1) & (y >= y0) & (y <= y1) & (lateral >= 0) & (lateral <= 1)
    if random.random() < 0.12:  # a virtual apex above gives a round lower end
        middle, radius = (start + end) / 2, height * random.uniform(1.5, 5)
        mask &= np.hypot(x - middle, y - (y1 - radius)) <= radius
    bottom = ((start + left * (y1 - y0), y1), (end + right * (y1 - y0), y1))
    return Field(mask, lateral, depth, y0, y1, bottom)


def ring(random: np.random.Generator, kind: str, shape: tuple[int, int], box: Box) -> Field:
    """Phased, curved and wide fields; "clipped" is one that is larger than its box."""
    x0, y0, x1, y1 = map(float, np.round(box))
    y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    half = {"phased": random.uniform(0.3, 0.85), "wide": random.uniform(0.1, 0.35)}.get(kind, random.uniform(0.35, 1.25))
    steer = float(random.uniform(-0.25, 0.25) * half) if random.random() < 0.12 else 0.0
    apex_x = (x0 + x1) / 2 + random.uniform(-0.03, 0.03) * (x1 - x0)
    share = {"phased": random.uniform(0.0, 0.06), "wide": random.uniform(0.45, 0.75)}.get(kind, random.uniform(0.1, 0.6))
    grow = random.uniform(1.05, 1.5) if kind == "clipped" else 1.0
    flat = min(half, 1.2)
    outer = float(min((y1 - y0) / (1 - share * np.cos(flat)), 0.5 * (x1 - x0) / np.sin(flat)) * grow)
    if random.random() < 0.25 and kind != "clipped":
        outer *= random.uniform(0.65, 1.0)
    inner = share * outer
    apex_y = y0 - inner * float(np.cos(half))
    top = apex_y + inner
    if kind == "wide":  # a flat transducer that steers outward: cut straight at the top
        inner, apex_y = 0.0, y0 - inner
        top = y0
    radius, angle = np.hypot(x - apex_x, y - apex_y), np.arctan2(x - apex_x, y - apex_y)
    first, last = steer - half, steer + half
    inside = (x >= x0) & (x <= x1) & (y >= y0) & (y <= y1)
    mask = inside & (radius >= inner) & (radius <= outer) & (angle >= first) & (angle <= last)
    bottom = min(apex_y + outer, y1)
    ends = tuple((apex_x + outer * np.sin(a), min(apex_y + outer * np.cos(a), y1)) for a in (first, last))
    lowest = max(outer - (top - apex_y), 1.0)
    return Field(mask, (angle - first) / (last - first), (radius - (top - apex_y)) / lowest, top, bottom, (ends[0], ends[1]))
