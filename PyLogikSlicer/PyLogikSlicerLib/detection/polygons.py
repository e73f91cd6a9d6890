"""Geometry of polygons: sequences of (x, y) corners in pixels, x right, y down, pixel edges at integers."""

from __future__ import annotations

import numpy as np

from ..core.geometry import Box, Polygon, bounding_box

# Degrees. Burned-in lines are level; a photographed or scanned page may be turned a little. Below this angle a quadrilateral is
# replaced by its upright box.
UPRIGHT_DEGREES = 4.0
# Longer side over shorter side up to which the angle of a quadrilateral means nothing: around a single character it is the noise
# of the outline.
NEARLY_SQUARE = 2


def upright_box(polygon: Polygon) -> Box | None:
    """The bounding box of a quadrilateral that is upright or nearly square; None for one that is rotated."""
    corners = np.asarray(polygon)
    edges = np.diff(corners, axis=0, append=corners[:1])
    longest = edges[np.hypot(*edges.T).argmax()]
    angle = np.degrees(np.arctan2(longest[1], longest[0])) % 90
    length, width = np.hypot(*edges.T).max(), np.hypot(*edges.T).min()
    is_rotated = min(angle, 90 - angle) > UPRIGHT_DEGREES and length > NEARLY_SQUARE * width
    return None if is_rotated else bounding_box(polygon)
