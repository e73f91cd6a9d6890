"""Where gain is low the echo thins out before the display ends: follow the faint rest of it inside the fitted sides."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .geometry import Field, Sector, Straight

LANES = 6  # the display is followed in that many lanes side by side...
NEEDED = 2  # ...of which so many have to show something
DENSITY = 0.004  # share of a lane's pixels that counts as something
ROWS = 0.4  # share of a step's rows in which a lane has to show it: a trace is in few of them
REAL = 0.75  # share of an end that the echo reaches if it is the end of the display
STEP = 0.03  # length of a step, as a share of the depth
LONGEST = 0.4  # at most that share of the depth is added
FRINGE = 8  # pixels next to an end, where a codec leaves traces, that prove nothing


def extended(field: Field, faint: np.ndarray, echo: np.ndarray) -> Field:
    """The field, drawn out to where faint echo ends: sectors outward, linear ones up and down.

    Parameters
    ----------
    field
        The shape, in pixels of the frame.
    faint
        Bool ``(rows, columns)``; True where anything but background, text and furniture is shown.
    echo
        What the shape was fitted to; where it reaches most of an end, that end is real and stays.
    """
    if isinstance(field, Sector):
        return _outward(field, faint, echo)
    return _vertically(_vertically(field, faint, echo, -1), faint, echo, 1)


def _outward(field: Sector, faint: np.ndarray, echo: np.ndarray) -> Sector:
    first, last = field.angles
    outer = field.radii[1]

    def ahead(mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        y, x = np.nonzero(mask)
        x0, y0, x1, y1 = field.limits
        seen = (x >= x0) & (x <= x1) & (y >= y0) & (y <= y1)
        offset_x, offset_y = x[seen] - field.apex[0], y[seen] - field.apex[1]
        return np.hypot(offset_x, offset_y) - outer, (np.arctan2(offset_x, offset_y) - first) / (last - first)

    length = _followed(*ahead(faint), *ahead(echo), outer - field.radii[0], outer * (last - first))
    return replace(field, radii=(field.radii[0], outer + length)) if length else field


def _vertically(field: Straight, faint: np.ndarray, echo: np.ndarray, direction: int) -> Straight:
    """``direction`` is -1 for the upper end, 1 for the lower end."""
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

    length = _followed(*ahead(faint), *ahead(echo), y1 - y0, width)
    if not length:
        return field
    limits = (x0, y0, x1, y1 + length) if direction > 0 else (x0, y0 - length, x1, y1)
    disk = field.disk and (*field.disk[:2], field.disk[2] + length)
    return replace(field, limits=limits, disk=disk)


def _followed(ahead: np.ndarray, lane: np.ndarray, echo_ahead: np.ndarray, echo_lane: np.ndarray, depth: float, width: float) -> float:
    """How far faint pixels, ``ahead`` pixels beyond the end, go on without a break; 0 if they do not or if the end is real."""
    at_end = echo_lane[(np.abs(echo_ahead) < 2.5) & (echo_lane > 0) & (echo_lane < 1)]
    if len(np.unique((at_end * 200).astype(int))) > REAL * 200:
        return 0.0
    step = max(round(STEP * depth), 4)
    inside = (ahead > FRINGE) & (lane > 0.03) & (lane < 0.97)
    row, lane = (ahead[inside] - FRINGE).astype(int), (lane[inside] * LANES).astype(int)
    reached = 0.0
    for start in range(0, int(LONGEST * depth), step):
        here = (row >= start) & (row < start + step)
        pixels = np.bincount(lane[here], minlength=LANES)
        rows = np.bincount(np.unique(lane[here] * step + row[here] - start) // step, minlength=LANES)
        going_on = (pixels > DENSITY * step * width / LANES) & (rows > ROWS * step)
        if going_on.sum() < NEEDED:
            break
        reached = float(row[here].max() + FRINGE)
    return reached
