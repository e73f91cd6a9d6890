"""Control points of a region of interest: the few vertices of its outline that a person drags, while the rest follows.

The vertices between two control points move with both, weighted by their distance along the outline, so that an arc stays an arc.
Outlines are arrays ``(n, 2)`` of x, y in pixels of the frame, pixel edges at integers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..core.errors import UsageError

if TYPE_CHECKING:
    from ..roi import Roi

# Control points of an outline, at most.
MOST_POINTS = 8
# Tolerance of the first approximation of an outline, as a share of its length.
FIRST_TOLERANCE = 0.005
# Factor of the tolerance from one approximation to the next.
TOLERANCE_STEP = 1.3
# The key of the control points in the shape of a region of interest, as it is written to report.json.
SHAPE_KEY = "handles"
# A note of a region of interest, as it is written to report.json.
CHANGED_NOTE = "changed by a person"


def controlPointIndices(roi: Roi) -> list[list[int]]:
    """For each polygon of a region of interest the indices of its control points; dragging them does not change the indices."""
    if SHAPE_KEY in roi.shape:
        return [list(indices) for indices in roi.shape[SHAPE_KEY]]
    return [_characteristicVertices(polygon) for polygon in roi.polygons]


def moveControlPoints(roi: Roi, points: Sequence[np.ndarray]) -> Roi:
    """The region of interest with its control points moved to ``points``, ``(n, 2)`` for each polygon.

    Raises UsageError when there are not as many points as control points, and NoRegionFound when nothing of the frame is left.
    """
    from ..roi.region import UNCERTAIN_NOTE, make_roi

    indices = controlPointIndices(roi)
    if [len(one) for one in indices] != [len(one) for one in points]:
        raise UsageError("the handles are not those of the region of interest as it is now: take them anew")
    polygons = [_moveVertices(polygon, chosen, to) for polygon, chosen, to in zip(roi.polygons, indices, points, strict=True)]
    notes = tuple(dict.fromkeys((*(note for note in roi.notes if note != UNCERTAIN_NOTE), CHANGED_NOTE)))
    return make_roi("drawn", {"kind": "drawn", SHAPE_KEY: indices}, polygons, roi.rows, roi.columns, notes)


def _characteristicVertices(polygon: np.ndarray) -> list[int]:
    """The indices of the vertices that the algorithm of Douglas and Peucker (1973) keeps, with the smallest tolerance that leaves
    :data:`MOST_POINTS` at most."""
    import cv2

    points = polygon.astype(np.float32).reshape(-1, 1, 2)
    tolerance = FIRST_TOLERANCE * cv2.arcLength(points, True)
    while len(kept := cv2.approxPolyDP(points, tolerance, True)[:, 0]) > MOST_POINTS:
        tolerance *= TOLERANCE_STEP
    nearest = [int(np.abs(points[:, 0] - corner).sum(axis=1).argmin()) for corner in kept]
    return sorted(set(nearest))


def _moveVertices(polygon: np.ndarray, indices: Sequence[int], points: np.ndarray) -> np.ndarray:
    """The polygon with the vertices at ``indices`` moved to ``points``, and those between them moved in proportion."""
    chosen = list(indices)
    edges = np.linalg.norm(np.diff(polygon, axis=0, append=polygon[:1]), axis=1)
    along = np.concatenate([[0], np.cumsum(edges)[:-1]])
    shifts = points - polygon[chosen]
    return polygon + np.stack([np.interp(along, along[chosen], shifts[:, axis], period=edges.sum()) for axis in (0, 1)], axis=1)
