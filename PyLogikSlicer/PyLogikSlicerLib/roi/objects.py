"""The regions of interest of the variants deid-one and deid-clean: the largest object of an image, or all large ones.

As in PyLogik, but its kernels, which suit 710 rows, are scaled with the frame here.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from ..core.errors import NoRegionFound
from ..core.geometry import to_pixel_centers, to_pixel_edges
from ..core.projections import Composites
from .masks import closing, fill_holes, opening
from .region import UNCERTAIN_NOTE, Roi, make_roi, rasterize

# Share of the frame from which an object is large.
_LARGE = 0.01
# Share of border pixels that must be at or below the threshold, so that it is believed to separate background.
_DARK_BORDER = 0.1
# The least share of the foreground in the region with which nothing else in the image can be the main object.
_ENOUGH = 0.6
# The largest spread of grey levels, as a robust standard deviation, with which the border can be background.
_LARGEST_SPREAD = 16
# Factor from the median absolute deviation to the standard deviation of a normal distribution.
_MAD_TO_DEVIATION = 1.4826


def find_objects(composites: Composites, text: np.ndarray, threshold: int, only_largest: bool) -> Roi:
    """The region of the largest object, or of all large ones; see :func:`PyLogikSlicerLib.roi.find_roi`."""
    level = composites.maximum
    foreground, note = separate_background(level, composites.minimum, text, threshold)
    polygons = [to_pixel_edges(outline) for outline in large_objects(foreground & ~text, only_largest)]
    if not polygons:
        raise NoRegionFound("no region found: apart from text, no object covers 1 % of the image")
    kind = "object" if only_largest else "objects"
    shape = {"kind": kind, "corners": [polygon.tolist() for polygon in polygons]}
    rows, columns = level.shape
    share = held_share(foreground & ~text, polygons)
    held = f"holds {share:.0%} of what is not background"
    notes = (note, held) if share >= _ENOUGH else (UNCERTAIN_NOTE, note, held)
    return make_roi(kind, shape, polygons, rows, columns, notes, share)


def held_share(foreground: np.ndarray, polygons: list[np.ndarray]) -> float:
    """The share of the foreground, without lines and specks, that lies in the polygons (on pixel edges)."""
    massive = opening(foreground, _line_width(foreground.shape))
    kept = rasterize([to_pixel_centers(polygon) for polygon in polygons], *foreground.shape)
    return float((massive & kept).sum() / max(int(massive.sum()), 1))


def _line_width(shape: Sequence[int]) -> int:
    """The width in pixels up to which something is a line: a four hundredth of the diagonal."""
    return max(1, round(float(np.hypot(shape[0], shape[1])) / 400))


def separate_background(maximum: np.ndarray, minimum: np.ndarray, text: np.ndarray, threshold: int) -> tuple[np.ndarray, str]:
    """The foreground, True where a pixel is not background in some frame, and a note on how it was separated.

    Levels at or below ``threshold`` are background. Only where hardly any pixel at the border of the frame is (the background is grey,
    bright or noisy), the levels at the border are background instead.
    """
    plain = maximum > threshold
    border = border_pixels(maximum.shape) & ~text
    if not border.any() or (~plain[border]).mean() >= _DARK_BORDER or threshold > 0:
        return plain, f"background: levels up to {threshold}"
    usual = int(np.median(maximum[border]))
    spread = _MAD_TO_DEVIATION * float(np.median(np.abs(maximum[border].astype(float) - usual)))
    if spread > _LARGEST_SPREAD:
        return plain, f"background: levels up to {threshold}; the border of the image shows none"
    tolerance = max(2, int(np.ceil(4 * spread)))
    difference = np.maximum(cv2.absdiff(maximum, np.full_like(maximum, usual)), cv2.absdiff(minimum, np.full_like(minimum, usual)))
    return difference > tolerance, f"background: levels {usual - tolerance} to {usual + tolerance}, chosen because {threshold} leaves none"


def border_pixels(shape: tuple[int, int]) -> np.ndarray:
    """The mask of the border of a frame, whose width is a fiftieth of the shorter side."""
    margin = max(1, min(shape) // 50)
    border = np.ones(shape, bool)
    border[margin:-margin, margin:-margin] = False
    return border


def large_objects(foreground: np.ndarray, only_largest: bool) -> list[np.ndarray]:
    """The outlines ``(n, 2)`` on pixel centers of the large connected components, largest first; thin bridges between them are cut."""
    radius = _line_width(foreground.shape)
    # Lines are removed before holes are filled, because otherwise a frame drawn around the image would be one large object.
    mask = fill_holes(opening(closing(foreground, radius), radius).astype(np.uint8))
    contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    areas = [cv2.contourArea(contour) for contour in contours]
    order = [i for i in np.argsort(areas)[::-1] if areas[i] >= _LARGE * foreground.size]
    return [cv2.approxPolyDP(contours[i], 0.5, True)[:, 0].astype(float) for i in order[: 1 if only_largest else None]]
