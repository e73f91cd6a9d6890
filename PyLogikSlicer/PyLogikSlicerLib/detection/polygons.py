"""What is done with polygons, (x, y) corners in pixels: which of them are upright boxes, and moving them."""

from __future__ import annotations

import numpy as np

from ..core.text_map import Box, box_of_polygon

# A scanned page may lean; a burned-in line does not. Below this angle a box is taken as upright.
UPRIGHT_DEGREES = 4.0


Polygon = tuple[tuple[float, float], ...]


def upright_box(polygon: Polygon) -> Box | None:
    """The box of a quadrilateral; None where it leans."""
    corners = np.asarray(polygon)
    edges = np.diff(corners, axis=0, append=corners[:1])
    longest = edges[np.hypot(*edges.T).argmax()]
    lean = np.degrees(np.arctan2(longest[1], longest[0])) % 90
    # Of a nearly square box (one character) the rotation says nothing: it is the noise of the outline.
    length, width = np.hypot(*edges.T).max(), np.hypot(*edges.T).min()
    return None if min(lean, 90 - lean) > UPRIGHT_DEGREES and length > 2 * width else box_of_polygon(polygon)


def shifted(polygon: Polygon, x: float, y: float) -> Polygon:
    return tuple((a + x, b + y) for a, b in polygon)
