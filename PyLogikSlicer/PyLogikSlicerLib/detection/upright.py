"""Which quadrilaterals are upright boxes: burned-in lines do not lean by a little."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..text_map import Box, box_of_polygon

# A scanned page may lean; a burned-in line does not. Below this angle a box is taken as upright.
UPRIGHT_DEGREES = 4.0


def upright_box(polygon: Sequence[tuple[float, float]]) -> Box | None:
    """The box of a quadrilateral, (x, y) corners; None where it leans."""
    corners = np.asarray(polygon)
    edges = np.diff(corners, axis=0, append=corners[:1])
    longest = edges[np.hypot(*edges.T).argmax()]
    lean = np.degrees(np.arctan2(longest[1], longest[0])) % 90
    # Of a nearly square box (one character) the rotation says nothing: it is the noise of the outline.
    length, width = np.hypot(*edges.T).max(), np.hypot(*edges.T).min()
    return None if min(lean, 90 - lean) > UPRIGHT_DEGREES and length > 2 * width else box_of_polygon(polygon)
