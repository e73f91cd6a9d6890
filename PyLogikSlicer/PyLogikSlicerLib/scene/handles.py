"""Handles: the few points of an outline that a person drags, and the outline that follows them.

The vertices between two handles move with both, by how far along the outline they lie: an arc stays an arc. Outlines are
arrays ``(n, 2)`` of x, y in pixels of the frame.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..core.errors import UsageError

MOST = 8
SHAPE_KEY = "handles"
CHANGED = "changed by a person"


def handlesOf(roi) -> list[list[int]]:
    """For each polygon of a region of interest the indices of its handles; they stay the same while they are dragged."""
    if SHAPE_KEY in roi.shape:
        return [list(indices) for indices in roi.shape[SHAPE_KEY]]
    return [_corners(polygon) for polygon in roi.polygons]


def dragged(roi, places: Sequence[Sequence[Sequence[float]]]):
    """The region of interest whose handles are at these places, (x, y) each.

    Raises UsageError when there are not as many places as handles, and NoRegionFound when nothing of the frame is left.
    """
    from ..roi import make_roi

    handles = handlesOf(roi)
    if [len(one) for one in handles] != [len(one) for one in places]:
        raise UsageError("the handles are not those of the region of interest as it is now: take them anew")
    polygons = [_moved(polygon, indices, np.array(to)) for polygon, indices, to in zip(roi.polygons, handles, places, strict=True)]
    notes = tuple(dict.fromkeys((*roi.notes, CHANGED)))
    return make_roi("drawn", {"kind": "drawn", SHAPE_KEY: handles}, polygons, roi.rows, roi.columns, notes)


def _corners(polygon: np.ndarray) -> list[int]:
    """The vertices that Douglas and Peucker (1973) keep, with a tolerance that leaves :data:`MOST` at most."""
    import cv2

    points = polygon.astype(np.float32).reshape(-1, 1, 2)
    tolerance = 0.005 * cv2.arcLength(points, True)
    while len(kept := cv2.approxPolyDP(points, tolerance, True)[:, 0]) > MOST:
        tolerance *= 1.3
    nearest = [int(np.abs(points[:, 0] - corner).sum(axis=1).argmin()) for corner in kept]
    return sorted(set(nearest))


def _moved(polygon: np.ndarray, handles: Sequence[int], places: np.ndarray) -> np.ndarray:
    steps = np.linalg.norm(np.diff(polygon, axis=0, append=polygon[:1]), axis=1)
    along = np.concatenate([[0], np.cumsum(steps)[:-1]])
    shifts = places - polygon[list(handles)]
    return polygon + np.stack([np.interp(along, along[list(handles)], shifts[:, axis], period=steps.sum()) for axis in (0, 1)], axis=1)
