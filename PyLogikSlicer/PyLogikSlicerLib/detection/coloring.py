"""Coloring: what of a screen has color. Echo, X-ray and CT are grey, and what is written over them seldom is: a dim green number that
nobody finds in bright speckle stands alone in the colors, and stands still there while the speckle moves."""

from __future__ import annotations

import cv2
import numpy as np

from ..core.text_map import Box
from .changes import boxes_around
from .looks import STROKE

# Less color than this is a codec's.
FAINTEST = 10
# Where more than this share of a frame has color (endoscopy, a tinted map), color tells nothing apart.
MOST = 0.3
# What is wider than a stroke is no letter but flow or a panel, nor is a piece wider and longer than a letter that fills so much of its
# box (the branches of power Doppler; the outline of a window fills less); nor what lies so many pixels beside such things.
WIDE, LONG, FULL, BESIDE = 24, 56, 0.1, 24


def visible(colors: np.ndarray) -> np.ndarray:
    """How far each pixel is from grey (:func:`~..channels.brightness_and_color`), 0 where no person would see it; uint8
    ``(rows, columns)``."""
    return cv2.threshold(colors, FAINTEST, 0, cv2.THRESH_TOZERO)[1]


def letters_in(colors: np.ndarray) -> np.ndarray:
    """Visible colors without what is no letter in them, twice as bright; nothing where color is no exception."""
    count = np.count_nonzero(colors)
    if not count or count > MOST * colors.size:
        return np.zeros_like(colors)
    hidden = cv2.dilate(_flow(colors), np.ones((2 * BESIDE + 1, 2 * BESIDE + 1), np.uint8)) > 0
    return np.where(hidden, np.uint8(0), cv2.add(colors, colors))


def _flow(colors: np.ndarray) -> np.ndarray:
    """Where visible colors are no letters, uint8 0 or 1."""
    stroke = np.ones((STROKE, STROKE), np.uint8)
    wide = cv2.dilate(cv2.erode(colors, stroke), stroke)
    _, labels, stats, _ = cv2.connectedComponentsWithStats((colors > 0).astype(np.uint8), connectivity=8)
    sides = np.sort(stats[:, [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]], axis=1)
    large = (sides[:, 0] > WIDE) & (sides[:, 1] > LONG) & (stats[:, cv2.CC_STAT_AREA] > FULL * sides.prod(axis=1))
    large[0] = False  # what has no color
    return ((wide > 0) | large[labels]).astype(np.uint8)


def colored_parts(colors: np.ndarray, box: Box) -> list[Box]:
    """Boxes around all that has color in a box."""
    x0, y0, x1, y1 = box
    return [(x0 + a, y0 + b, x0 + c, y0 + d) for a, b, c, d in boxes_around(colors[y0:y1, x0:x1] > 0)]
