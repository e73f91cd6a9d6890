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
# What is colored and wider than a stroke is no letter but flow or a panel, nor is a piece wider and longer than a letter (the branches of
# power Doppler); nor what lies so many pixels beside such things.
WIDE, LONG, BESIDE = 24, 56, 24


def coloring(view: np.ndarray) -> np.ndarray:
    """How colored the narrow things of a view are, twice as bright as they are colored; all else is 0. uint8 ``(rows, columns)`` of
    uint8 ``(rows, columns, 3)``."""
    colors = color(view)
    colors[colors <= FAINTEST] = 0
    if np.count_nonzero(colors) > MOST * colors.size:
        return np.zeros_like(colors)
    colors[cv2.dilate(_flow(colors), np.ones((2 * BESIDE + 1, 2 * BESIDE + 1), np.uint8)) > 0] = 0
    return cv2.add(colors, colors)


def _flow(colors: np.ndarray) -> np.ndarray:
    """Where a coloring holds what is no letter, uint8 0 or 1."""
    stroke = np.ones((STROKE, STROKE), np.uint8)
    wide = cv2.dilate(cv2.erode(colors, stroke), stroke)
    _, labels, stats, _ = cv2.connectedComponentsWithStats((colors > 0).astype(np.uint8), connectivity=8)
    sides = np.sort(stats[:, [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]], axis=1)
    large = (sides[:, 0] > WIDE) & (sides[:, 1] > LONG)
    large[0] = False  # what has no color
    return ((wide > 0) | large[labels]).astype(np.uint8)


def colored_parts(coloring_: np.ndarray, box: Box) -> list[Box]:
    """Boxes around all that has color in a box of a coloring."""
    x0, y0, x1, y1 = box
    return [(x0 + a, y0 + b, x0 + c, y0 + d) for a, b, c, d in boxes_around(coloring_[y0:y1, x0:x1] > 0)]
