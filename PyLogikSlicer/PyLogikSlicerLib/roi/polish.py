"""Changes the parameters of fields step by step: to agree with the region network, and to lie on borders of the echo near by."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from .edges import Border
from .fit import refine_sector
from .geometry import Field, Limits, Line, Sector, Straight
from .region import rasterize

# First step of each parameter, pixels of the reduced frame (radians times the radius for angles), and the last.
_FIRST_STEP, _LAST_STEP = 8.0, 0.5
# Passes over all parameters with the same step at most.
_MOST_PASSES = 6
# The least cosine between the normal of a border pixel and that of the straight end or side that is moved to it.
_ALIGNED = 0.9
# The least share of the length of a straight end or side on which border pixels must lie to move it.
_SUPPORTED = 0.3


def agreement(mask: np.ndarray, probability: np.ndarray) -> float:
    """The Dice score of a mask and a probability or another mask, 0 to 1, both ``(rows, columns)``."""
    total = float(probability.sum()) + float(np.count_nonzero(mask))
    return 2 * float(probability[mask].sum()) / max(total, 1.0)


def polish_field(field: Field, probability: np.ndarray, others: np.ndarray | None = None) -> Field:
    """The field whose agreement with ``probability`` no step of a parameter increases.

    Pattern search (Hooke and Jeeves 1961): steps along each parameter are kept where they are better; the step is halved where none is.
    ``others`` is the mask of the other fields of the display, bool, to which this one is added.
    """
    values, build = parameters(field, probability.shape)
    base = np.zeros(probability.shape, bool) if others is None else others

    def rate(candidate: np.ndarray) -> float:
        outline = build(candidate).outline()
        return agreement(base | rasterize([outline], *probability.shape), probability) if len(outline) > 2 else 0.0

    best, step = rate(values), _FIRST_STEP
    while step >= _LAST_STEP:
        for _ in range(_MOST_PASSES):
            before = best
            for index in range(len(values)):
                for sign in (1, -1):
                    candidate = values.copy()
                    candidate[index] += sign * step
                    if (found := rate(candidate)) > best:
                        values, best = candidate, found
                        break
            if best <= before + 1e-5:
                break
        step /= 2
    return build(values)


def parameters(field: Field, shape: tuple[int, int]) -> tuple[np.ndarray, Callable[[np.ndarray], Field]]:
    """The free parameters of a field, all in pixels, and what builds a field of them. Limits at the edge of the frame are not free."""
    rows, columns = shape
    free = [i for i, (value, edge) in enumerate(zip(field.limits, (0, 0, columns - 1, rows - 1), strict=True)) if abs(value - edge) > 1]

    def limits_of(values: np.ndarray) -> Limits:
        limits = list(field.limits)
        for index, value in zip(free, values, strict=True):
            limits[index] = float(value)
        return limits[0], limits[1], limits[2], limits[3]

    limits = [field.limits[i] for i in free]
    if isinstance(field, Sector):
        return _sector_parameters(field, limits, limits_of)
    return _straight_parameters(field, limits, limits_of)


def _sector_parameters(field: Sector, limits: Sequence[float], limits_of: Callable) -> tuple[np.ndarray, Callable[[np.ndarray], Field]]:
    """Apex, both angles (times the outer radius), the radii that are not 0, and the limits."""
    outer = min(field.radii[1], 2.0 * float(np.hypot(field.limits[2] - field.limits[0], field.limits[3] - field.limits[1])))
    round_top = field.radii[0] > 0
    radii = field.radii if round_top else field.radii[1:]
    values = np.array([*field.apex, *(angle * outer for angle in field.angles), *radii, *limits])

    def build(values: np.ndarray) -> Sector:
        rest = 6 if round_top else 5
        inner = max(float(values[4]), 0.0) if round_top else 0.0
        apex, angles = (float(values[0]), float(values[1])), (float(values[2] / outer), float(values[3] / outer))
        return Sector(apex, angles, (inner, float(values[rest - 1])), limits_of(values[rest:]))

    return values, build


def _straight_parameters(field: Straight, limits: Sequence[float], limits_of: Callable) -> tuple[np.ndarray, Callable[[np.ndarray], Field]]:
    """The limits, and where each side is at the upper and at the lower limit."""
    y0, y1 = field.limits[1], field.limits[3]
    ends = [(c - b * y) / a for a, b, c in field.sides for y in (y0, y1)]
    inward = [np.sign(a) for a, _, _ in field.sides]
    low = [field.disk[1] + field.disk[2]] if field.disk else []
    values = np.array([*limits, *ends, *low])

    def build(values: np.ndarray) -> Straight:
        sides = []
        for number, sign in enumerate(inward):
            upper, lower = values[len(limits) + 2 * number : len(limits) + 2 * number + 2]
            normal = sign * np.array([y1 - y0, upper - lower]) / np.hypot(y1 - y0, upper - lower)
            sides.append((float(normal[0]), float(normal[1]), float(normal @ (upper, y0))))
        disk = field.disk and (field.disk[0], float(values[-1]) - field.disk[2], field.disk[2])
        return Straight(limits_of(values[: len(limits)]), tuple(sides), disk)

    return values, build


def snap_to_border(field: Field, border: Border, reach: float) -> Field:
    """The field with its arcs, sides and ends moved to borders of the echo within ``reach`` pixels; a part without border stays."""
    if isinstance(field, Sector):
        field = refine_sector(border, field, reach)
        return Sector(field.apex, field.angles, field.radii, _snap_limits(field, border, reach))
    sides = tuple(_snap_line(side, _end_length(field, side), border, reach) for side in field.sides)
    field = Straight(field.limits, sides, field.disk)
    return Straight(_snap_limits(field, border, reach), sides, field.disk)


def _snap_limits(field: Field, border: Border, reach: float) -> Limits:
    """The limits of a field, each moved to the straight border near it."""
    moved = list(field.limits)
    for index, line in enumerate(((-1.0, 0.0), (0.0, -1.0), (1.0, 0.0), (0.0, 1.0))):
        sign = line[0] + line[1]
        side = (*line, sign * field.limits[index])
        moved[index] = sign * _snap_line(side, _end_length(field, side), border, reach)[2]
    return moved[0], moved[1], moved[2], moved[3]


def _end_length(field: Field, line: Line) -> float:
    """The length of the part of a field's outline that lies on a line, pixels; 0 where the line does not bound it."""
    outline = field.outline()
    on = outline[np.abs(outline @ np.array(line[:2]) - line[2]) < 1.0] if len(outline) else outline
    return float(np.hypot(*np.ptp(on, axis=0))) if len(on) > 1 else 0.0


def _snap_line(line: Line, length: float, border: Border, reach: float) -> Line:
    """The line moved along its normal to where most border pixels lie, at most by ``reach``."""
    if length <= 0 or not len(border.points):
        return line
    normal = np.array(line[:2], np.float32)
    offset = border.points @ normal - line[2]
    along = border.points @ np.array((-line[1], line[0]), np.float32)
    near = (np.abs(offset) <= reach) & (border.normals @ normal > _ALIGNED)
    if not near.any():
        return line
    places = np.rint(offset[near] + reach).astype(int)
    counts = [len(np.unique(along[near][np.abs(places - place) <= 1].astype(int))) for place in range(int(2 * reach) + 2)]
    best = int(np.argmax(counts))
    return (*line[:2], line[2] + best - float(round(reach))) if counts[best] >= _SUPPORTED * length else line
