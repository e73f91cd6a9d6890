"""Displays of several fields: dual and quad images, duplex and M-mode strips.

Parts of the echo that are separate stay separate when each is convincing by itself; one that hangs together is cut where
that shrinks its convex hull most, if several shapes then explain it better than one.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import cv2
import numpy as np

from ..core.text_map import Box
from .fit import Fit, best_fit
from .geometry import Field, Sector, Straight
from .region import outer_points, rasterize

GOOD = 0.95  # score from which one shape explains all
CREDIBLE = 0.75  # score that each of several fields has to reach
CREDIBLE_ARC = 0.7  # the same for a small separate one that ends in arcs, as no furniture does
LEAST = 0.015  # share of the echo from which a part may be a field
CROSSING = 0.2  # share of a cut's length in echo up to which it runs through a gap
MINOR = 0.05  # share of the echo up to which a part that no shape explains may be furniture
EQUAL = 0.25  # share of the largest part's size from which another one belongs to the display without further proof
SMALL = 0.02  # share of the frame that a lesser field covers at least


@dataclass(frozen=True)
class Part:
    """A field that was fitted to ``echo`` inside ``box`` (half-open); the box ends where the display was cut."""

    box: Box
    fit: Fit
    echo: np.ndarray


@dataclass(frozen=True)
class Arrangement:
    """The fields of a display. ``dropped`` is the share of the echo given up as furniture."""

    parts: tuple[Part, ...]
    dropped: float = 0.0

    @property
    def score(self) -> float:
        """The score of the fields, each weighted with its area; less for each further field and for what was dropped."""
        weights = [part.fit.area + 1 for part in self.parts]
        average = float(np.average([part.fit.score for part in self.parts], weights=weights))
        return average - 0.02 * (len(self.parts) - 1) - self.dropped


@dataclass(frozen=True)
class Picture:
    """What is fitted: the echo, what may hide its border (text), the grey levels, what moves, and the sizes that count as small.

    ``unit`` is the width up to which something is a line and not an area; ``slack`` how far an outline may be from a border.
    """

    echo: np.ndarray
    unknown: np.ndarray
    level: np.ndarray
    moving: np.ndarray
    unit: int
    slack: float

    def reduced(self, factor: int) -> Picture:
        """The same, ``factor`` times smaller."""
        if factor == 1:
            return self
        size = (self.echo.shape[1] // factor, self.echo.shape[0] // factor)
        masks = (self.echo, self.unknown, self.moving)
        echo, unknown, moving = (cv2.resize(mask.astype(np.float32), size, interpolation=cv2.INTER_AREA) for mask in masks)
        level = cv2.resize(self.level, size, interpolation=cv2.INTER_AREA)
        return Picture(echo > 0.5, unknown > 0, level, moving > 0.5, max(1, round(self.unit / factor)), 1.75)

    def within(self, box: Box) -> Picture:
        """Without the echo outside a box; the arrays end where the box does."""
        x0, y0, x1, y1 = box
        inner = np.s_[y0:y1, x0:x1]
        return replace(self, echo=self.echo[inner], unknown=self.unknown[inner], level=self.level[inner], moving=self.moving[inner])


def arrange(picture: Picture) -> Arrangement | None:
    """The fields of a display, or None without echo."""
    main, lesser = grouped(picture.echo)
    if not main.any():
        return None
    rows, columns = main.shape
    whole = (0, 0, columns, rows)
    found = split(replace(picture, echo=main), whole)
    if lesser:
        left_out = replace(found, dropped=found.dropped + float(sum(part.sum() for part in lesser) / picture.echo.sum()))
        found = max(left_out, Arrangement((fitted(picture, whole),)), key=lambda arrangement: arrangement.score)
        if found is left_out:
            found = replace(found, parts=found.parts + tuple(separate_fields(picture, lesser, whole)))
    return found


def arrange_within(picture: Picture, boxes: Sequence[Box]) -> Arrangement | None:
    """One field for the echo in each of the given boxes, as far as there is some; None where there is none."""
    total = max(int(picture.echo.sum()), 1)
    sizes = [picture.within(box).echo.mean() for box in boxes]
    parts = tuple(fitted(picture, box) for box, size in zip(boxes, sizes, strict=True) if size > 0.05)
    held = sum(part.echo.sum() for part in parts) / total
    return Arrangement(parts, dropped=max(0.0, 1 - float(held))) if parts else None


def separate_fields(picture: Picture, lesser: list[np.ndarray], whole: Box) -> Iterator[Part]:
    """Those smaller parts of the echo that are fields by themselves."""
    for part in lesser:
        if part.mean() > SMALL and not is_panel(replace(picture, echo=part)):
            field = fitted(replace(picture, echo=part), whole)
            if field.fit.score > (CREDIBLE if isinstance(field.fit.field, Straight) else CREDIBLE_ARC):
                yield field


def fitted(picture: Picture, box: Box) -> Part:
    """One field for the echo inside a box."""
    cut_out = picture.within(box)
    fit = best_fit(cut_out.echo, cut_out.unknown, cut_out.unit, cut_out.slack)
    return Part(box, replace(fit, field=fit.field.moved(box[0], box[1])), cut_out.echo)


def grouped(echo: np.ndarray) -> tuple[np.ndarray, list[np.ndarray]]:
    """The connected parts that belong to the display by their size or because they lie in its hull, and each of the others."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats(echo.astype(np.uint8), connectivity=8)
    areas = stats[:, cv2.CC_STAT_AREA].copy()
    areas[0] = 0
    large = areas > EQUAL * areas.max()
    large[0] = False
    main = large[labels]
    hull = rasterize([cv2.convexHull(outer_points(main))[:, 0]], *echo.shape) if main.any() else main
    lesser = []
    for label in np.flatnonzero(~large)[1:]:
        part = labels == label
        if (part & hull).sum() > 0.5 * areas[label]:
            main = main | part
        else:
            lesser.append(part)
    return main, lesser


def split(picture: Picture, box: Box, depth: int = 2) -> Arrangement:
    """One field for the echo in a box, or several if that is doubtful and cutting makes it better."""
    whole = fitted(picture, box)
    best = Arrangement((whole,))
    if depth == 0 or whole.fit.score > GOOD:
        return best
    for halves in cuts(picture, box):
        together = joined(picture, [half for half in halves if not is_panel(picture.within(half))], depth)
        if together and together.score > best.score + 0.03:
            best = together
    return best


def joined(picture: Picture, halves: list[Box], depth: int) -> Arrangement | None:
    """The fields of each half together; a small half may be dropped, but all that stay have to be credible."""
    sizes = [picture.within(half).echo.sum() for half in halves]
    parts: tuple[Part, ...] = ()
    dropped = 0.0
    for half, size in zip(halves, sizes, strict=True):
        share = size / max(sum(sizes), 1)
        wide_enough = min(half[2] - half[0], half[3] - half[1]) > 6 * picture.unit
        found = split(picture, half, depth - 1) if share > LEAST and wide_enough else None
        if found and (len(halves) == 1 or min(part.fit.score for part in found.parts) > CREDIBLE):
            parts, dropped = parts + found.parts, dropped + share * found.dropped
        elif share < MINOR:
            dropped += share
        else:
            return None
    if not parts or any(one_in_two(first.fit.field, second.fit.field) for first, second in combinations(parts, 2)):
        return None
    return Arrangement(parts, dropped)


def one_in_two(first: Field, second: Field) -> bool:
    """Whether two fields are pieces of one sector: about the same apex and sides."""
    if not (isinstance(first, Sector) and isinstance(second, Sector)):
        return False
    apart = np.hypot(first.apex[0] - second.apex[0], first.apex[1] - second.apex[1])
    turned = max(abs(a - b) for a, b in zip(first.angles, second.angles, strict=True))
    return bool(apart < 0.03 * max(first.radii[1], second.radii[1]) and turned < 0.08)


def is_panel(picture: Picture) -> bool:
    """Whether the echo is nothing, or a bar of the screen: each row of one level, or as wide as the frame and low."""
    if not picture.echo.any():
        return True
    if picture.moving[picture.echo].mean() > 0.2:
        return False
    inner = picture.within(body_of(picture.echo))
    rows, columns = inner.echo.shape
    if (inner.echo | inner.unknown).mean() < 0.85:
        return False
    level = np.where(inner.echo, inner.level, np.nan).astype(np.float32)
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # rows without echo have no median
        stray = np.abs(level - np.nanmedian(level, axis=1, keepdims=True))
    return bool(np.nanpercentile(stray, 90) <= 5 or (columns > 0.97 * picture.echo.shape[1] and rows < 0.15 * columns))


def body_of(mask: np.ndarray) -> Box:
    """The rows and columns that are at least half as full as the fullest: without what sticks out."""
    filled = [np.flatnonzero(mask.sum(axis=axis) >= 0.5 * mask.sum(axis=axis).max()) for axis in (0, 1)]
    return int(filled[0][0]), int(filled[1][0]), int(filled[0][-1]) + 1, int(filled[1][-1]) + 1


def cuts(picture: Picture, box: Box) -> list[tuple[Box, Box]]:
    """The halves of the best vertical and of the best horizontal cut, where these save two hundredths of the hull.

    Shadows open hulls too; so a cut has to run where the display shows it: through a gap, or along a jump of the grey level.
    """
    x0, y0, x1, y1 = box
    inner = picture.within(box)
    points = outer_points(inner.echo)
    found = []
    for axis in (0, 1):
        position, gain = best_cut(points, axis)
        if gain > 0.02:
            seam = seam_near(inner.echo.T if axis else inner.echo, inner.level.T if axis else inner.level, position, inner.unit)
            if seam is not None and not continued(inner.echo, axis, seam, inner.unit):
                at = seam + (y0 if axis else x0)
                found.append((gain, ((x0, y0, x1, at), (x0, at, x1, y1)) if axis else ((x0, y0, at, y1), (at, y0, x1, y1))))
    return [halves for _, halves in sorted(found, key=lambda item: -item[0])]


def seam_near(echo: np.ndarray, level: np.ndarray, position: int, unit: int) -> int | None:
    """The column near ``position`` before which one field ends: hardly any echo crosses it, or the grey level jumps there."""
    reach = 3 * unit
    first, last = max(position - reach, 1), min(position + reach, echo.shape[1] - 1)
    if last - first < 3:
        return None
    both = echo[:, first - 1 : last] & echo[:, first : last + 1]
    crossing = both.sum(axis=0) / max(int(echo.any(axis=1).sum()), 1)
    if crossing.min() < CROSSING:
        free = np.flatnonzero(crossing < max(crossing.min() + 0.02, 0.05))
        return first + int(free[np.abs(free + first - position).argmin()])
    difference = np.abs(level[:, first : last + 1].astype(float) - level[:, first - 1 : last])
    jump = (difference * both).sum(axis=0) / np.maximum(both.sum(axis=0), 1)
    top = int(jump.argmax())
    return first + top if jump[top] > 3 * np.median(jump) else None


def continued(echo: np.ndarray, axis: int, position: int, unit: int) -> bool:
    """Whether a gap is a dark band of one rectangle: nothing crosses it, and both halves end at the same places along it."""
    if axis == 1:
        echo = echo.T
    first, second = echo[:, :position], echo[:, position:]
    if (first[:, -1] & second[:, 0]).any():
        return False
    ends = [ends_of(half) for half in (first, second, beside_gap(first[:, ::-1]), beside_gap(second))]
    if None in ends:
        return False
    height = ends[0][1] - ends[0][0]
    alike = all(abs(a - b) <= 2 * unit for a, b in zip(ends[0], ends[1], strict=True))
    upright = all(abs(a - b) <= 0.15 * height for half, strip in ((0, 2), (1, 3)) for a, b in zip(ends[half], ends[strip], strict=True))
    return alike and upright


def beside_gap(half: np.ndarray) -> np.ndarray:
    """The quarter of a half that is next to the gap, which is on its left."""
    columns = np.flatnonzero(half.any(axis=0))
    return half[:, columns[0] : columns[0] + max(len(columns) // 4, 1)] if len(columns) else half


def ends_of(half: np.ndarray) -> tuple[int, int] | None:
    """First and last row of the echo."""
    rows = np.flatnonzero(half.any(axis=1))
    return (int(rows[0]), int(rows[-1])) if len(rows) else None


def best_cut(points: np.ndarray, axis: int) -> tuple[int, float]:
    """Where to cut contour points along columns (axis 0) or rows (1), and the share of their hull that is saved."""
    whole = cv2.contourArea(cv2.convexHull(points))
    first, last = int(points[:, axis].min()), int(points[:, axis].max())

    def saved(position: int) -> float:
        near, far = points[points[:, axis] < position], points[points[:, axis] >= position]
        if len(near) < 3 or len(far) < 3:
            return 0.0
        return 1 - (cv2.contourArea(cv2.convexHull(near)) + cv2.contourArea(cv2.convexHull(far))) / max(whole, 1.0)

    step = max(1, (last - first) // 60)
    coarse = max(range(first + step, last, step), key=saved, default=first)
    position = max(range(max(coarse - step, first), min(coarse + step, last) + 1), key=saved)
    return position, saved(position)
