"""Boolean masks of polygons and regions, and frames with masked pixels filled. Arrays are never changed in place."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import cv2
import numpy as np

from .geometry import bounding_box, to_pixel_centers
from .text_map import Region

# OpenCV rasterises with this many fractional bits.
_SHIFT = 8


def polygon_mask(polygons: Iterable[Sequence[tuple[float, float]]], rows: int, columns: int) -> np.ndarray:
    """Boolean ``(rows, columns)``, True = masked: every pixel that any of the polygons touches.

    Corners are (x, y) on pixel edges (the box of one pixel is (0, 0)..(1, 1)) and may lie outside the image. Boxes are
    filled exactly; other polygons grow by what rasterising at pixel centres could leave out.
    """
    mask = np.zeros((rows, columns), np.uint8)
    for polygon in polygons:
        corners = np.asarray(polygon, float)
        if _is_box(corners):
            box = bounding_box(corners).clip(rows, columns)
            if box is not None:
                mask[box.slices] = 1
        else:
            _fill_polygon(mask, corners)
    return mask.astype(bool)


def region_mask(regions: Iterable[Region], rows: int, columns: int) -> np.ndarray:
    """Boolean ``(rows, columns)``, True = masked by one of the regions."""
    return polygon_mask((region.polygon for region in regions), rows, columns)


def fill_masked(frame: np.ndarray, mask: np.ndarray, fill: int = 0) -> np.ndarray:
    """A copy of ``frame`` ``(rows, columns[, 3])`` with ``fill`` wherever ``mask`` is True. The frame given is not changed."""
    result = frame.copy()
    result[mask] = fill
    return result


def _is_box(corners: np.ndarray) -> bool:
    edges = np.diff(corners, axis=0, append=corners[:1])
    return len(corners) == 4 and bool((edges == 0).any(axis=1).all())


def _fill_polygon(mask: np.ndarray, corners: np.ndarray) -> None:
    """Fill in place, through a patch around the whole polygon: OpenCV smears what is left of a patch along its border."""
    rows, columns = mask.shape
    # Nothing that is farther away than the image is large matters; it only bounds the patch.
    x0, y0 = np.maximum(np.floor(corners.min(axis=0)).astype(int) - 1, (-columns, -rows))
    x1, y1 = np.minimum(np.ceil(corners.max(axis=0)).astype(int) + 1, (2 * columns, 2 * rows))
    left, top, right, bottom = max(x0, 0), max(y0, 0), min(x1, columns), min(y1, rows)
    if left >= right or top >= bottom:
        return
    patch = np.zeros((y1 - y0, x1 - x0), np.uint8)
    centres = np.round(to_pixel_centers(corners - (x0, y0)) * (1 << _SHIFT)).astype(np.int32)
    cv2.fillPoly(patch, [centres], 1, shift=_SHIFT)
    # A pixel the polygon touches has its centre within half a diagonal of it: one pixel of growth covers that.
    patch = cv2.dilate(patch, np.ones((3, 3), np.uint8))
    mask[top:bottom, left:right] |= patch[top - y0 : bottom - y0, left - x0 : right - x0]
