"""The region of interest that a person gives with ``--roi``, in place of one that is found."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from ..core.errors import NoRegionFound
from ..core.geometry import CENTER_TO_EDGE, to_pixel_centers, to_pixel_edges
from .geometry import Line, clip_polygon
from .region import Roi, make_roi, rasterize

# A note of a region of interest, as it is written to report.json.
GIVEN_NOTE = "given by the user with --roi"
# Decimals of the vertices: those of report.json, so that the region can be drawn again from there.
_DECIMALS = 2
# Pixels around the frame in which a polygon that leaves it is drawn; more than rounding moves a vertex.
_MARGIN = 4


def given_region(numbers: Sequence[float], rows: int, columns: int) -> Roi:
    """The region of a box or of a polygon in a frame of this size; what lies outside of the frame is cut off.

    ``numbers``: as ``roi`` of :class:`PyLogikSlicerLib.core.options.AnalysisOptions`. Pixels that the outline runs through belong to the
    region, as to any :class:`~.region.Roi`; where it runs between two pixels, the one inside does, so that a box has the pixels of a
    half-open box.

    Raises
    ------
    NoRegionFound
        No pixel of the frame lies in the region.
    """
    outline = _on_inner_pixels(np.round(_clip_near_frame(_outline(numbers), rows, columns), _DECIMALS))
    try:
        return make_roi("drawn", {"kind": "drawn"}, _parts_in_frame(outline, rows, columns), rows, columns, (GIVEN_NOTE,))
    except NoRegionFound:
        raise NoRegionFound(
            f"the region given with --roi lies outside of the image, which has {columns} columns and {rows} rows: "
            "give x to the right and y down, in pixels from its upper left corner"
        ) from None


def _outline(numbers: Sequence[float]) -> np.ndarray:
    """The vertices ``(n, 2)``."""
    if len(numbers) == 4:
        x0, y0, x1, y1 = numbers
        return np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], float)
    return np.array(numbers, float).reshape(-1, 2)


def _clip_near_frame(outline: np.ndarray, rows: int, columns: int) -> np.ndarray:
    """The part of a polygon that lies in the frame or at most a margin outside of it.

    Clipping joins the parts of a polygon that is not convex by lines along the border that it is clipped to; the margin keeps them off the
    frame.
    """
    lines: tuple[Line, ...] = (
        (-1.0, 0.0, _MARGIN),
        (1.0, 0.0, columns + _MARGIN),
        (0.0, -1.0, _MARGIN),
        (0.0, 1.0, rows + _MARGIN),
    )
    for line in lines:
        outline = clip_polygon(outline, line)
    return outline


def _parts_in_frame(outline: np.ndarray, rows: int, columns: int) -> list[np.ndarray]:
    """A polygon of :func:`_clip_near_frame` where it lies in the frame, else its parts there, as the outlines of their pixels.

    The latter are drawn with the margin, since OpenCV (5.0) draws along the border of the image where a polygon leaves it.
    """
    if len(outline) == 0:
        return []
    if (outline >= 0).all() and (outline <= (columns, rows)).all():
        return [outline]
    around = rasterize([to_pixel_centers(outline) + _MARGIN], rows + 2 * _MARGIN, columns + 2 * _MARGIN)
    inside = around[_MARGIN : _MARGIN + rows, _MARGIN : _MARGIN + columns]
    contours, _ = cv2.findContours(inside.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    return [to_pixel_edges(contour[:, 0]) for contour in contours]


def _on_inner_pixels(outline: np.ndarray) -> np.ndarray:
    """The polygon with the coordinates that lie between two pixels moved to the center of the one on its inner side."""
    outline = outline[(outline != np.roll(outline, 1, axis=0)).any(axis=1)]
    following = np.roll(outline, -1, axis=0)
    area = (outline[:, 0] * following[:, 1] - outline[:, 1] * following[:, 0]).sum()
    side = following - outline
    normal = np.sign(area) * np.stack([-side[:, 1], side[:, 0]], axis=1) / np.linalg.norm(side, axis=1, keepdims=True)
    inward = normal + np.roll(normal, 1, axis=0)
    step = np.where(inward < 0, -CENTER_TO_EDGE, CENTER_TO_EDGE)
    return np.where(outline == np.floor(outline), outline + step, outline)
