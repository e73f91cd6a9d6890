"""Coloring: what of a screen has color. Echo, X-ray and CT are grey, and what is written over them seldom is: a dim green number that
nobody finds in bright speckle stands alone in the colors, and stands still there while the speckle moves."""

from __future__ import annotations

import cv2
import numpy as np

from ..channels import color
from ..text_map import Box
from .changes import boxes_around
from .looks import STROKE

# Less color than this is a codec's.
FAINTEST = 10
# Where more than this share of a frame has color (endoscopy, a tinted map), color tells nothing apart.
MOST = 0.3
# What is colored and wider than a stroke is no letter but flow or a panel, and so is what lies so many pixels beside it.
BESIDE = 24


def coloring(view: np.ndarray) -> np.ndarray:
    """How colored the narrow things of a view are, twice as bright as they are colored; all else is 0. uint8 ``(rows, columns)`` of
    uint8 ``(rows, columns, 3)``."""
    colors = color(view)
    colors[colors <= FAINTEST] = 0
    if np.count_nonzero(colors) > MOST * colors.size:
        return np.zeros_like(colors)
    wide = cv2.erode(colors, np.ones((STROKE, STROKE), np.uint8))
    colors[cv2.dilate(wide, np.ones((STROKE + 2 * BESIDE, STROKE + 2 * BESIDE), np.uint8)) > 0] = 0
    return cv2.add(colors, colors)


def colored_parts(coloring_: np.ndarray, box: Box) -> list[Box]:
    """Boxes around all that has color in a box of a coloring."""
    x0, y0, x1, y1 = box
    return [(x0 + a, y0 + b, x0 + c, y0 + d) for a, b, c, d in boxes_around(coloring_[y0:y1, x0:x1] > 0)]
