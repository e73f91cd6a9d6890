"""Displays with several fields: dual and quad images, duplex and M-mode strips.

Separate parts of the echo become separate fields where a shape fits each of them well. A connected part is cut where that reduces the
area of its convex hull most, if several shapes then fit it better than one.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import cv2
import numpy as np

from ..core.geometry import Box, box_of_image
from .fit import Fit, best_fit
from .geometry import Field, Sector, Straight
from .region import contour_points, rasterize

# Score of a single shape from which no cut is tried.
_GOOD = 0.95
# The least score of each of several fields.
_CREDIBLE = 0.75
# The least score of a small separate field that ends in arcs, which screen graphics do not.
_CREDIBLE_ARC = 0.7
# The least share of the echo for a field.
_LEAST = 0.015
# The largest share of a cut's length that lies in echo, where the cut runs through a gap.
_CROSSING = 0.2
# The largest share of the echo that may be dropped as screen graphics where no shape fits it.
_MINOR = 0.05
# The least area of a component, as a share of the largest one's, with which it belongs to the display without further conditions.
_EQUAL = 0.25
# The least share of the frame for a separate field of a smaller component.
_SMALL = 0.02
# Reduction of the score for each field after the first.
_FIELD_COST = 0.02
# By how much the score of several fields must exceed that of one.
_BETTER = 0.03
# The least share of the hull's area that a cut must save.
_LEAST_SAVING = 0.02
# The largest slack of an outline in a downsampled frame, pixels.
_DOWNSAMPLED_SLACK = 1.75
# The largest grey level difference within a row of a bar.
_BAR_VARIATION = 5
# The least share of a box covered by echo of which it can be filled at all.
_LEAST_FILL = 0.05


@dataclass(frozen=True)
class Part:
    """A field fitted to the ``echo`` within ``box``.

    ``box`` is (x0, y0, x1, y1), half-open, in pixels of the frame; it ends where the display was cut. ``echo`` has the shape of the box.
    """

    box: Box
    fit: Fit
    echo: np.ndarray


@dataclass(frozen=True)
class Arrangement:
    """The fields of a display. ``dropped`` is the share of the echo that is taken for screen graphics."""

    parts: tuple[Part, ...]
    dropped: float = 0.0

    @property
    def score(self) -> float:
        """The mean score of the fields, weighted by their area, reduced for each further field and by the dropped share."""
        weights = [part.fit.area + 1 for part in self.parts]
        average = float(np.average([part.fit.score for part in self.parts], weights=weights))
        return average - _FIELD_COST * (len(self.parts) - 1) - self.dropped


@dataclass(frozen=True)
class FitInput:
    """The input of a fit; all arrays are ``(rows, columns)``.

    Parameters
    ----------
    echo
        Bool: the displayed echo.
    unknown
        Bool: text, which may hide the border of the echo.
    level
        Grey levels, uint8: the maximum over all frames.
    moving
        Bool: what clearly changes over time.
    unit
        Width in pixels up to which something is a line and not an area.
    slack
        The largest distance of an outline from the border that supports it, pixels.
    """

    echo: np.ndarray
    unknown: np.ndarray
    level: np.ndarray
    moving: np.ndarray
    unit: int
    slack: float

    def downsample(self, factor: int) -> FitInput:
        """The input reduced in size by an integer ``factor``."""
        if factor == 1:
            return self
        size = (self.echo.shape[1] // factor, self.echo.shape[0] // factor)
        masks = (self.echo, self.unknown, self.moving)
        echo, unknown, moving = (cv2.resize(mask.astype(np.float32), size, interpolation=cv2.INTER_AREA) for mask in masks)
        level = cv2.resize(self.level, size, interpolation=cv2.INTER_AREA)
        return FitInput(echo > 0.5, unknown > 0, level, moving > 0.5, max(1, round(self.unit / factor)), _DOWNSAMPLED_SLACK)

    def crop(self, box: Box) -> FitInput:
        """The input within a box (x0, y0, x1, y1), half-open."""
        inner = box.slices
        return replace(self, echo=self.echo[inner], unknown=self.unknown[inner], level=self.level[inner], moving=self.moving[inner])


def arrange(fit_input: FitInput) -> Arrangement | None:
    """The fields of a display; None where there is no echo."""
    main, lesser = group_components(fit_input.echo)
    if not main.any():
        return None
    rows, columns = main.shape
    whole = box_of_image(rows, columns)
    found = split_box(replace(fit_input, echo=main), whole)
    if lesser:
        left_out = replace(found, dropped=found.dropped + float(sum(part.sum() for part in lesser) / fit_input.echo.sum()))
        found = max(left_out, Arrangement((fit_part(fit_input, whole),)), key=lambda arrangement: arrangement.score)
        if found is left_out:
            found = replace(found, parts=found.parts + tuple(separate_fields(fit_input, lesser, whole)))
    return found


def arrange_in_boxes(fit_input: FitInput, boxes: Sequence[Box]) -> Arrangement | None:
    """One field for the echo in each of the given boxes that has some; None where none has."""
    total = max(int(fit_input.echo.sum()), 1)
    sizes = [fit_input.crop(box).echo.mean() for box in boxes]
    parts = tuple(fit_part(fit_input, box) for box, size in zip(boxes, sizes, strict=True) if size > _LEAST_FILL)
    held = sum(part.echo.sum() for part in parts) / total
    return Arrangement(parts, dropped=max(0.0, 1 - float(held))) if parts else None


def separate_fields(fit_input: FitInput, lesser: list[np.ndarray], whole: Box) -> Iterator[Part]:
    """The fields of those smaller components of the echo to which a shape fits well."""
    for part in lesser:
        if part.mean() > _SMALL and not is_panel(replace(fit_input, echo=part)):
            field = fit_part(replace(fit_input, echo=part), whole)
            if field.fit.score > (_CREDIBLE if isinstance(field.fit.field, Straight) else _CREDIBLE_ARC):
                yield field


def fit_part(fit_input: FitInput, box: Box) -> Part:
    """One field fitted to the echo within a box."""
    cut_out = fit_input.crop(box)
    fit = best_fit(cut_out.echo, cut_out.unknown, cut_out.unit, cut_out.slack)
    return Part(box, replace(fit, field=fit.field.translate(box.x0, box.y0)), cut_out.echo)


def group_components(echo: np.ndarray) -> tuple[np.ndarray, list[np.ndarray]]:
    """The mask of the connected components that belong to the display, and the masks of the others.

    Large components belong to the display, and those that lie mostly within the convex hull of the large ones.
    """
    _, labels, stats, _ = cv2.connectedComponentsWithStats(echo.astype(np.uint8), connectivity=8)
    areas = stats[:, cv2.CC_STAT_AREA].copy()
    areas[0] = 0
    large = areas > _EQUAL * areas.max()
    large[0] = False
    main = large[labels]
    hull = rasterize([cv2.convexHull(contour_points(main))[:, 0]], *echo.shape) if main.any() else main
    lesser = []
    for label in np.flatnonzero(~large)[1:]:
        part = labels == label
        if (part & hull).sum() > areas[label] / 2:
            main = main | part
        else:
            lesser.append(part)
    return main, lesser


def split_box(fit_input: FitInput, box: Box, depth: int = 2) -> Arrangement:
    """One field for the echo in a box, or several where the score of one is low and that of several is higher.

    ``depth`` is the number of times that the box may be cut.
    """
    whole = fit_part(fit_input, box)
    best = Arrangement((whole,))
    if depth == 0 or whole.fit.score > _GOOD:
        return best
    for halves in candidate_cuts(fit_input, box):
        several = combine_halves(fit_input, [half for half in halves if not is_panel(fit_input.crop(half))], depth)
        if several and several.score > best.score + _BETTER:
            best = several
    return best


def combine_halves(fit_input: FitInput, halves: list[Box], depth: int) -> Arrangement | None:
    """The fields of all halves; None where a half that is too large to be dropped has no field with a sufficient score.

    Also None where two of the fields are pieces of one sector.
    """
    sizes = [fit_input.crop(half).echo.sum() for half in halves]
    parts: tuple[Part, ...] = ()
    dropped = 0.0
    for half, size in zip(halves, sizes, strict=True):
        share = size / max(sum(sizes), 1)
        wide_enough = min(half.width, half.height) > 6 * fit_input.unit
        found = split_box(fit_input, half, depth - 1) if share > _LEAST and wide_enough else None
        if found and (len(halves) == 1 or min(part.fit.score for part in found.parts) > _CREDIBLE):
            parts, dropped = parts + found.parts, dropped + share * found.dropped
        elif share < _MINOR:
            dropped += share
        else:
            return None
    if not parts or any(is_one_sector(first.fit.field, second.fit.field) for first, second in combinations(parts, 2)):
        return None
    return Arrangement(parts, dropped)


def is_one_sector(first: Field, second: Field) -> bool:
    """Whether two fields are pieces of one sector, having about the same apex and angles."""
    if not (isinstance(first, Sector) and isinstance(second, Sector)):
        return False
    apart = np.hypot(first.apex[0] - second.apex[0], first.apex[1] - second.apex[1])
    turned = max(abs(a - b) for a, b in zip(first.angles, second.angles, strict=True))
    return bool(apart < 0.03 * max(first.radii[1], second.radii[1]) and turned < 0.08)


def is_panel(fit_input: FitInput) -> bool:
    """Whether the echo is empty or a bar of the screen: nearly filled, and constant along its rows or as wide as the frame and low."""
    if not fit_input.echo.any():
        return True
    if fit_input.moving[fit_input.echo].mean() > 0.2:
        return False
    inner = fit_input.crop(dense_box(fit_input.echo))
    rows, columns = inner.echo.shape
    if (inner.echo | inner.unknown).mean() < 0.85:
        return False
    level = np.where(inner.echo, inner.level, np.nan).astype(np.float32)
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # rows without echo have no median, boxes of text only no variation
        stray = np.nanpercentile(np.abs(level - np.nanmedian(level, axis=1, keepdims=True)), 90)
    return bool(stray <= _BAR_VARIATION or (columns > 0.97 * fit_input.echo.shape[1] and rows < 0.15 * columns))


def dense_box(mask: np.ndarray) -> Box:
    """The box of the rows and columns with at least half as many pixels as the fullest one, so without protrusions."""
    filled = [np.flatnonzero(mask.sum(axis=axis) >= 0.5 * mask.sum(axis=axis).max()) for axis in (0, 1)]
    return Box(int(filled[0][0]), int(filled[1][0]), int(filled[0][-1]) + 1, int(filled[1][-1]) + 1)


def candidate_cuts(fit_input: FitInput, box: Box) -> list[tuple[Box, Box]]:
    """The halves of the best vertical and of the best horizontal cut, the better one first; only cuts that save enough of the hull's area.

    Shadows make hulls larger too. So a cut must run where two fields meet: through a gap, or along a jump of the grey level.
    """
    inner = fit_input.crop(box)
    points = contour_points(inner.echo)
    found = []
    for axis in (0, 1):
        position, gain = best_cut(points, axis)
        if gain > _LEAST_SAVING:
            seam = find_seam(inner.echo.T if axis else inner.echo, inner.level.T if axis else inner.level, position, inner.unit)
            if seam is not None and not is_same_rectangle(inner.echo, axis, seam, inner.unit):
                at = seam + (box.y0 if axis else box.x0)
                halves = (box._replace(y1=at), box._replace(y0=at)) if axis else (box._replace(x1=at), box._replace(x0=at))
                found.append((gain, halves))
    return [halves for _, halves in sorted(found, key=lambda item: -item[0])]


def find_seam(echo: np.ndarray, level: np.ndarray, position: int, unit: int) -> int | None:
    """The first column of the right field, near ``position``: hardly any echo crosses its edge, or the grey level jumps there.

    None where there is no such column.
    """
    reach = 3 * unit
    first, last = max(position - reach, 1), min(position + reach, echo.shape[1] - 1)
    if last - first < 3:
        return None
    both = echo[:, first - 1 : last] & echo[:, first : last + 1]
    # For each column, the share of the echo's rows in which echo continues from the column before.
    crossing = both.sum(axis=0) / max(int(echo.any(axis=1).sum()), 1)
    if crossing.min() < _CROSSING:
        free = np.flatnonzero(crossing < max(crossing.min() + 0.02, 0.05))
        return first + int(free[np.abs(free + first - position).argmin()])
    difference = np.abs(level[:, first : last + 1].astype(float) - level[:, first - 1 : last])
    jump = (difference * both).sum(axis=0) / np.maximum(both.sum(axis=0), 1)
    top = int(jump.argmax())
    return first + top if jump[top] > 3 * np.median(jump) else None


def is_same_rectangle(echo: np.ndarray, axis: int, position: int, unit: int) -> bool:
    """Whether a gap is a dark band within one rectangle, and not between two fields.

    That is so where no echo crosses it, and the echo of both halves begins and ends at the same rows, near the gap as well as overall.
    ``axis`` is 0 for a gap along a column, 1 for one along a row; ``position`` is the first column or row of the second half.
    """
    if axis == 1:
        echo = echo.T
    first, second = echo[:, :position], echo[:, position:]
    if (first[:, -1] & second[:, 0]).any():
        return False
    halves = [row_range(half) for half in (first, second)]
    strips = [row_range(next_to_gap(half)) for half in (first[:, ::-1], second)]
    whole, near = [rows for rows in halves if rows], [rows for rows in strips if rows]
    if len(whole) < 2 or len(near) < 2:
        return False
    height = whole[0][1] - whole[0][0]
    same_rows = _differ_at_most(whole[0], whole[1], 2 * unit)
    upright = all(_differ_at_most(rows, strip, 0.15 * height) for rows, strip in zip(whole, near, strict=True))
    return same_rows and upright


def _differ_at_most(first: tuple[int, int], second: tuple[int, int], tolerance: float) -> bool:
    """Whether two ranges begin and end at the same rows, within a tolerance in pixels."""
    return all(abs(a - b) <= tolerance for a, b in zip(first, second, strict=True))


def next_to_gap(half: np.ndarray) -> np.ndarray:
    """The quarter of the columns of a half that is next to the gap, which is on its left."""
    columns = np.flatnonzero(half.any(axis=0))
    return half[:, columns[0] : columns[0] + max(len(columns) // 4, 1)] if len(columns) else half


def row_range(half: np.ndarray) -> tuple[int, int] | None:
    """The first and last row with echo; None where there is none."""
    rows = np.flatnonzero(half.any(axis=1))
    return (int(rows[0]), int(rows[-1])) if len(rows) else None


def best_cut(points: np.ndarray, axis: int) -> tuple[int, float]:
    """The cut of contour points ``(n, 2)`` that reduces the area of their convex hull most, and the share of the area that it saves.

    The cut is the first column (``axis`` 0) or row (1) of the second half.
    """
    whole = cv2.contourArea(cv2.convexHull(points))
    first, last = int(points[:, axis].min()), int(points[:, axis].max())

    def saved_share(position: int) -> float:
        near, far = points[points[:, axis] < position], points[points[:, axis] >= position]
        if len(near) < 3 or len(far) < 3:
            return 0.0
        return 1 - (cv2.contourArea(cv2.convexHull(near)) + cv2.contourArea(cv2.convexHull(far))) / max(whole, 1.0)

    step = max(1, (last - first) // 60)
    coarse = max(range(first + step, last, step), key=saved_share, default=first)
    position = max(range(max(coarse - step, first), min(coarse + step, last) + 1), key=saved_share)
    return position, saved_share(position)
