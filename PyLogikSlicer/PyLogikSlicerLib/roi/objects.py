"""deid-one and deid-clean: the objects of an image of any modality, by their size alone.

What PyLogik does with kernels for 710 rows scales with the frame here.
"""

from __future__ import annotations

import cv2
import numpy as np

from ..core.errors import NoRegionFound
from ..core.projections import Composites
from .masks import closed, filled_holes, opened
from .region import Roi, make_roi

LARGE = 0.01  # share of the frame from which an object counts as large


def find_objects(composites: Composites, text: np.ndarray, threshold: int, only_largest: bool) -> Roi:
    """Outline the largest object, or all large ones; see :func:`PyLogikSlicerLib.roi.find_roi`."""
    level = composites.maximum
    foreground, note = separate(level, composites.minimum, text, threshold)
    outlines = large_objects(foreground & ~text, only_largest)
    if not outlines:
        raise NoRegionFound("no region found: apart from text, no object covers 1 % of the image")
    kind = "object" if only_largest else "objects"
    shape = {"kind": kind, "corners": [outline.tolist() for outline in outlines]}
    return make_roi(kind, shape, outlines, *level.shape, (note,))


def separate(maximum: np.ndarray, minimum: np.ndarray, text: np.ndarray, threshold: int) -> tuple[np.ndarray, str]:
    """Foreground, True where a pixel is not background in some frame, and how it was told apart.

    Levels at or below ``threshold`` are background, unless hardly any pixel of the frame's border is: then the border
    itself, being grey, bright or noisy, tells what background looks like.
    """
    plain = maximum > threshold
    border = border_pixels(maximum.shape) & ~text
    if not border.any() or (~plain[border]).mean() >= 0.1 or threshold > 0:
        return plain, f"background: levels up to {threshold}"
    usual = int(np.median(maximum[border]))
    spread = 1.4826 * float(np.median(np.abs(maximum[border].astype(float) - usual)))
    if spread > 16:
        return plain, f"background: levels up to {threshold}; the border of the image shows none"
    tolerance = max(2, int(np.ceil(4 * spread)))
    difference = np.maximum(cv2.absdiff(maximum, np.full_like(maximum, usual)), cv2.absdiff(minimum, np.full_like(minimum, usual)))
    return difference > tolerance, f"background: levels {usual - tolerance} to {usual + tolerance}, chosen because {threshold} leaves none"


def border_pixels(shape: tuple[int, int]) -> np.ndarray:
    """True in the outermost fiftieth of the frame."""
    margin = max(1, min(shape) // 50)
    border = np.ones(shape, bool)
    border[margin:-margin, margin:-margin] = False
    return border


def large_objects(foreground: np.ndarray, only_largest: bool) -> list[np.ndarray]:
    """Outlines ``(n, 2)`` of the large connected parts, largest first; thin bridges between parts are cut."""
    radius = max(1, round(float(np.hypot(*foreground.shape)) / 400))
    # Lines go before holes are filled: a frame around the image would else be one large object.
    mask = filled_holes(opened(closed(foreground, radius), radius).astype(np.uint8))
    contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    areas = [cv2.contourArea(contour) for contour in contours]
    order = [i for i in np.argsort(areas)[::-1] if areas[i] >= LARGE * foreground.size]
    return [cv2.approxPolyDP(contours[i], 0.5, True)[:, 0].astype(float) for i in order[: 1 if only_largest else None]]
