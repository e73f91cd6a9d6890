"""Chroma: text that is colored on a grey image.

Echo, X-ray and CT are grey; of what is written over them, some has color. A dim green number that no reader finds in bright speckle stands
alone in the chroma (the largest channel of a pixel less its smallest), and stands still there while the speckle moves.
"""

from __future__ import annotations

import cv2
import numpy as np

from ..core.geometry import Box
from .changes import boxes_around
from .passes import STROKE

# Levels of chroma that a codec gives to grey pixels; nobody sees so little.
INVISIBLE_CHROMA = 10
# Share of a frame from which on color tells no text apart: endoscopy, a tinted map.
MAX_COLORED_SHARE = 0.3
# Pixels of the shorter side of the largest piece that may be a letter.
MAX_LETTER_WIDTH = 24
# Pixels of the longer side of the largest piece that may be a letter.
MAX_LETTER_LENGTH = 56
# Share of its box that a larger piece must fill to be color flow (the branches of power Doppler); the outline of a window fills less.
MIN_FLOW_FILL = 0.1
# Pixels around color flow and panels that are left out with them.
FLOW_MARGIN = 24


def visible_chroma(chroma: np.ndarray) -> np.ndarray:
    """The chroma of each pixel, 0 where no person would see it; uint8 ``(rows, columns)``.

    ``chroma``: as from :func:`~PyLogikSlicerLib.core.channels.brightness_and_color`.
    """
    return cv2.threshold(chroma, INVISIBLE_CHROMA, 0, cv2.THRESH_TOZERO)[1]


def isolate_letters(chroma: np.ndarray) -> np.ndarray:
    """The chroma with all that is too wide or too large for letters removed, and twice as bright; uint8 ``(rows, columns)``.

    It is 0 in and near large colored areas (color flow, panels), and all 0 where more than ``MAX_COLORED_SHARE`` of the frame has color.
    ``chroma``: as from :func:`visible_chroma`.
    """
    count = np.count_nonzero(chroma)
    if not count or count > MAX_COLORED_SHARE * chroma.size:
        return np.zeros_like(chroma)
    near_flow = cv2.dilate(_find_large_color(chroma), np.ones((2 * FLOW_MARGIN + 1, 2 * FLOW_MARGIN + 1), np.uint8)) > 0
    return np.where(near_flow, np.uint8(0), cv2.add(chroma, chroma))


def _find_large_color(chroma: np.ndarray) -> np.ndarray:
    """Where colored pieces are too wide or too large for letters, uint8 0 or 1."""
    stroke = np.ones((STROKE, STROKE), np.uint8)
    wide = cv2.dilate(cv2.erode(chroma, stroke), stroke)
    _, labels, stats, _ = cv2.connectedComponentsWithStats((chroma > 0).astype(np.uint8), connectivity=8)
    sides = np.sort(stats[:, [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]], axis=1)
    fills_box = stats[:, cv2.CC_STAT_AREA] > MIN_FLOW_FILL * sides.prod(axis=1)
    is_large = (sides[:, 0] > MAX_LETTER_WIDTH) & (sides[:, 1] > MAX_LETTER_LENGTH) & fills_box
    is_large[0] = False  # component 0 is what has no color
    return ((wide > 0) | is_large[labels]).astype(np.uint8)


def colored_boxes(chroma: np.ndarray, box: Box) -> list[Box]:
    """Boxes around all that has color within a box, in pixels of the frame."""
    return [colored.translate(box.x0, box.y0) for colored in boxes_around(chroma[box.slices] > 0)]
