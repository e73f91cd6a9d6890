"""Roi: the part of every frame that is kept, as a shape a person can drag, as polygons, as a mask and as a crop box."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from ..core.errors import NoRegionFound
from ..core.text_map import Box


@dataclass(frozen=True)
class Roi:
    """The region of interest of a stack; it holds for all frames.

    Coordinates are pixel indices of the source frame, x right, y down: the vertex ``(x, y)`` is the middle of the pixel
    in column x and row y, and outlines belong to the region. ``crop`` is half-open.

    Parameters
    ----------
    kind
        ``curved``, ``phased``, ``linear``, ``trapezoid``, ``multiple``, ``hull`` (ultrasound), ``object``, ``objects``,
        or ``drawn`` where a person changed the outline.
    shape
        JSON-able parameters of the kind; see :mod:`.geometry` for those of the sectors.
    polygons
        Arrays ``(n, 2)`` of x, y. The region is their union; vertices may lie outside the frame.
    crop
        The smallest box ``(x0, y0, x1, y1)`` that holds the region.
    rows, columns
        Size of the frame.
    notes
        How the region was found and what is doubtful; no identifying text.
    """

    kind: str
    shape: Mapping[str, Any]
    polygons: tuple[np.ndarray, ...]
    crop: Box
    rows: int
    columns: int
    notes: tuple[str, ...] = ()

    def mask(self) -> np.ndarray:
        """The region as ``(rows, columns)`` of bool; True is kept."""
        return rasterize(self.polygons, self.rows, self.columns)

    @property
    def kept_share(self) -> float:
        """The share of the frame's pixels that is kept, 0 to 1."""
        return float(self.mask().mean())


def rasterize(polygons: Iterable[np.ndarray], rows: int, columns: int) -> np.ndarray:
    """Fill the polygons one by one, vertices rounded to whole pixels and outlines included; bool ``(rows, columns)``."""
    canvas = np.zeros((rows, columns), np.uint8)
    for polygon in polygons:
        cv2.fillPoly(canvas, [np.round(polygon).astype(np.int32)], 1)
    return canvas.astype(bool)


def make_roi(
    kind: str, shape: Mapping[str, Any], polygons: Iterable[np.ndarray], rows: int, columns: int, notes: Iterable[str] = ()
) -> Roi:
    """Make a :class:`Roi` and its crop box from polygons.

    Raises
    ------
    NoRegionFound
        When no pixel of the frame lies in the polygons.
    """
    corners = tuple(np.asarray(polygon, float).reshape(-1, 2) for polygon in polygons)
    crop = tight_box(rasterize(corners, rows, columns))
    if crop is None:
        raise NoRegionFound("no region found: the outline lies outside the image")
    return Roi(kind, shape, corners, crop, rows, columns, tuple(notes))


def tight_box(mask: np.ndarray) -> Box | None:
    """The smallest half-open box that holds all True pixels, or None."""
    if not mask.any():
        return None
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def outer_points(mask: np.ndarray) -> np.ndarray:
    """The pixels (x, y) on the outer contours of all parts of ``mask``, int32 ``(n, 2)``; their hull is that of the mask."""
    contours, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    return np.concatenate(contours)[:, 0] if contours else np.zeros((0, 2), np.int32)
