"""deid-us: the outline of the displayed ultrasound data."""

from __future__ import annotations

import cv2
import numpy as np

from ..composites import Composites
from ..errors import NoRegionFound
from ..stack import Header
from . import evidence
from .region import Roi, region


def find_sector(composites: Composites, text: np.ndarray, threshold: int, header: Header) -> Roi:
    """Outline the displayed ultrasound data of a stack; see :func:`PyLogikSlicerLib.roi.find_roi`."""
    found = evidence.gather(composites, text, threshold)
    if not found.echo.any():
        raise NoRegionFound("no region found: there is no large area of echo apart from text and screen furniture")
    rows, columns = found.echo.shape
    return region("hull", {"kind": "hull"}, hulls(found.echo), rows, columns, ("hull of the displayed echo",))


def hulls(mask: np.ndarray) -> list[np.ndarray]:
    """The convex hull of all that is True, as one polygon."""
    points = cv2.findNonZero(mask.astype(np.uint8))
    return [cv2.convexHull(points)[:, 0].astype(float)]
