"""Roi: the region of interest, which is kept in every frame, as an editable shape, as polygons, as a mask and as a crop box."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from ..core.errors import NoRegionFound
from ..core.geometry import Box, box_of_pixels, to_pixel_centers
from .geometry import clip_polygon

# Pixels around the frame in which a polygon that leaves it is drawn; more than rounding moves a vertex.
_MARGIN = 4
# A note of a region that a person should look at.
UNCERTAIN_NOTE = "region uncertain: check"


@dataclass(frozen=True)
class Roi:
    """The region of interest of a stack, the same for all frames.

    Coordinates are pixels of the source frame as everywhere (:mod:`PyLogikSlicerLib.core.geometry`): x right, y down, integers on the edges
    of pixels, so that the vertex (x + 0.5, y + 0.5) is the center of the pixel in column x and row y. Pixels that the outline runs through
    belong to the region. ``crop`` is half-open.

    Parameters
    ----------
    kind
        ``curved``, ``phased``, ``linear``, ``trapezoid``, ``outline``, ``multiple``, ``hull`` (ultrasound), ``object``, ``objects``,
        or ``drawn`` where the user changed the outline.
    shape
        Parameters of the kind, as JSON, on pixel edges like the polygons; see ``as_json`` in :mod:`.geometry` for those of fields.
    polygons
        Arrays ``(n, 2)`` of x, y. The region is their union; vertices may lie outside the frame.
    crop
        The smallest box ``(x0, y0, x1, y1)`` that contains the region.
    rows, columns
        Size of the frame.
    notes
        How the region was found, and doubts about it; no identifying text.
    confidence
        How good the region is likely to be, 0 to 1. Ultrasound: the mean of Dice and of the share of the true region that is kept, or how
        far echo and region network agree; objects: the share of what is not background. None where nothing judged it.
    """

    kind: str
    shape: Mapping[str, Any]
    polygons: tuple[np.ndarray, ...]
    crop: Box
    rows: int
    columns: int
    notes: tuple[str, ...] = ()
    confidence: float | None = None

    @property
    def is_uncertain(self) -> bool:
        """Whether a person should look at it: its finder says so in the notes."""
        return UNCERTAIN_NOTE in self.notes

    def mask(self) -> np.ndarray:
        """The region as a bool array ``(rows, columns)``, True where pixels are kept."""
        return rasterize(map(to_pixel_centers, self.polygons), self.rows, self.columns)

    @property
    def kept_share(self) -> float:
        """The share of the frame's pixels that are kept, 0 to 1."""
        return float(self.mask().mean())


def rasterize(polygons: Iterable[np.ndarray], rows: int, columns: int) -> np.ndarray:
    """The union of the polygons as a bool array ``(rows, columns)``.

    ``polygons``: arrays ``(n, 2)`` of x, y with integers on the centers of pixels, as OpenCV counts. Vertices are rounded to whole pixels,
    and the pixels of the outlines are included. What lies outside of the frame is cut off before it is drawn: where a polygon leaves the
    canvas, OpenCV (5.0) draws along its border.
    """
    canvas = np.zeros((rows + 2 * _MARGIN, columns + 2 * _MARGIN), np.uint8)
    for polygon in polygons:
        near = clip_near_frame(np.asarray(polygon, float), rows, columns)
        if len(near):
            cv2.fillPoly(canvas, [np.round(near).astype(np.int32) + _MARGIN], 1)
    return canvas[_MARGIN : _MARGIN + rows, _MARGIN : _MARGIN + columns].astype(bool)


def clip_near_frame(polygon: np.ndarray, rows: int, columns: int) -> np.ndarray:
    """The part of a polygon ``(n, 2)`` that lies in the frame or at most a margin outside of it.

    Clipping joins the parts of a polygon that is not convex by lines along the border that it is clipped to; the margin keeps them off the
    frame.
    """
    limits = ((-1.0, 0.0, _MARGIN - 1.0), (1.0, 0.0, columns + _MARGIN - 1.0), (0.0, -1.0, _MARGIN - 1.0), (0.0, 1.0, rows + _MARGIN - 1.0))
    for a, b, c in limits:
        if len(polygon) and (polygon @ (a, b)).max() > c:
            polygon = clip_polygon(polygon, (a, b, c))
    return polygon


def make_roi(
    kind: str,
    shape: Mapping[str, Any],
    polygons: Iterable[np.ndarray],
    rows: int,
    columns: int,
    notes: Iterable[str] = (),
    confidence: float | None = None,
) -> Roi:
    """A :class:`Roi` of these polygons, with its crop box; the parameters are those of :class:`Roi`.

    Raises
    ------
    NoRegionFound
        No pixel of the frame lies in the polygons.
    """
    corners = tuple(np.asarray(polygon, float).reshape(-1, 2) for polygon in polygons)
    crop = box_of_pixels(rasterize(map(to_pixel_centers, corners), rows, columns))
    if crop is None:
        raise NoRegionFound("no region found: the outline lies outside the image")
    return Roi(kind, shape, corners, crop, rows, columns, tuple(notes), confidence)


def contour_points(mask: np.ndarray) -> np.ndarray:
    """The pixels (x, y) on the outer contours of all components of ``mask``, int32 ``(n, 2)``; their hull is that of the mask."""
    contours, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    return np.concatenate(contours)[:, 0] if contours else np.zeros((0, 2), np.int32)
