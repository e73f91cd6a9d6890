"""Extends a fitted field in depth along faint echo.

Where gain is low, the echo becomes faint before the display ends, so that the fitted field is too short. Faint pixels between the sides
of the field are followed beyond its end, in lanes side by side.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .geometry import Field, Sector, Straight

# Number of lanes into which the width of the field is divided.
_LANES = 6
# Number of lanes that must have faint echo in a step, so that the field is extended by that step.
_LANES_NEEDED = 2
# The least share of a lane's pixels within a step that must be faint echo.
_DENSITY = 0.004
# The least share of a step's rows in which a lane must have faint echo; a trace, such as a rule, is in few of them.
_ROWS = 0.4
# Share of an end of the field that the echo reaches where this is the end of the display. Then nothing is extended.
_REAL_END = 0.75
# Length of a step, as a share of the depth of the field.
_STEP = 0.03
# The largest extension, as a share of the depth of the field.
_LONGEST = 0.4
# Pixels beyond the end that are ignored, because a lossy codec leaves traces there.
_FRINGE = 8
# Margin at each side of the field that is ignored, as a share of its width: borders beside the display lie there.
_MARGIN = 0.03
# Pixels from the end of the field up to which echo is taken to reach it.
_AT_END = 2.5
# Number of bins along the end of the field in which echo that reaches it is counted.
_BINS = 200


def extend_depth(field: Field, faint: np.ndarray, echo: np.ndarray) -> Field:
    """The field, extended to where faint echo ends: sectors outward, linear fields up and down.

    Parameters
    ----------
    field
        The shape, in pixels of the frame.
    faint
        Bool ``(rows, columns)``; True where anything but background, text and screen graphics is displayed.
    echo
        Bool ``(rows, columns)``, the echo to which the shape was fitted. An end that it reaches over most of the width is not moved.
    """
    if isinstance(field, Sector):
        return _extend_outward(field, faint, echo)
    return _extend_vertically(_extend_vertically(field, faint, echo, -1), faint, echo, 1)


def _extend_outward(field: Sector, faint: np.ndarray, echo: np.ndarray) -> Sector:
    """The sector with its outer radius extended."""
    first, last = field.angles
    outer = field.radii[1]

    def ahead(mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        y, x = np.nonzero(mask)
        x0, y0, x1, y1 = field.limits
        seen = (x >= x0) & (x <= x1) & (y >= y0) & (y <= y1)
        offset_x, offset_y = x[seen] - field.apex[0], y[seen] - field.apex[1]
        return np.hypot(offset_x, offset_y) - outer, (np.arctan2(offset_x, offset_y) - first) / (last - first)

    length = _faint_length(*ahead(faint), *ahead(echo), outer - field.radii[0], outer * (last - first))
    return replace(field, radii=(field.radii[0], outer + length)) if length else field


def _extend_vertically(field: Straight, faint: np.ndarray, echo: np.ndarray, direction: int) -> Straight:
    """The field with its upper end (``direction`` -1) or its lower end (1) extended."""
    x0, y0, x1, y1 = field.limits
    end = y1 if direction > 0 else y0
    outline = replace(field, disk=None).outline()
    at_end = outline[np.abs(outline[:, 1] - end) < 1, 0]
    if len(at_end) < 2 or (field.disk and direction < 0):
        return field
    left, width = at_end.min(), max(float(np.ptp(at_end)), 1.0)

    def ahead(mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        y, x = np.nonzero(mask)
        beyond = np.hypot(x - field.disk[0], y - field.disk[1]) - field.disk[2] if field.disk else direction * (y - end)
        return beyond, (x - left) / width

    length = _faint_length(*ahead(faint), *ahead(echo), y1 - y0, width)
    if not length:
        return field
    limits = (x0, y0, x1, y1 + length) if direction > 0 else (x0, y0 - length, x1, y1)
    disk = field.disk and (*field.disk[:2], field.disk[2] + length)
    return replace(field, limits=limits, disk=disk)


def _faint_length(
    ahead: np.ndarray, across: np.ndarray, echo_ahead: np.ndarray, echo_across: np.ndarray, depth: float, width: float
) -> float:
    """How far faint echo continues beyond the end of a field without a break, in pixels; 0 where the end is that of the display.

    Parameters
    ----------
    ahead, across
        For each faint pixel its distance beyond the end, in pixels, and its position across the field, from 0 to 1.
    echo_ahead, echo_across
        The same for each pixel of the echo.
    depth, width
        Of the field, in pixels.
    """
    at_end = echo_across[(np.abs(echo_ahead) < _AT_END) & (echo_across > 0) & (echo_across < 1)]
    if len(np.unique((at_end * _BINS).astype(int))) > _REAL_END * _BINS:
        return 0.0
    step = max(round(_STEP * depth), 4)
    inside = (ahead > _FRINGE) & (across > _MARGIN) & (across < 1 - _MARGIN)
    row, lane = (ahead[inside] - _FRINGE).astype(int), (across[inside] * _LANES).astype(int)
    reached = 0.0
    for start in range(0, int(_LONGEST * depth), step):
        here = (row >= start) & (row < start + step)
        pixels = np.bincount(lane[here], minlength=_LANES)
        rows = np.bincount(np.unique(lane[here] * step + row[here] - start) // step, minlength=_LANES)
        has_echo = (pixels > _DENSITY * step * width / _LANES) & (rows > _ROWS * step)
        if has_echo.sum() < _LANES_NEEDED:
            break
        reached = float(row[here].max() + _FRINGE)
    return reached
