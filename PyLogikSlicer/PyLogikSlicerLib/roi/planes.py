"""What the region network sees of a stack: a few planes of one small size, computed from the temporal composites."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from ..core.projections import Composites
from .evidence import MOTION_FRAMES, background_level
from .masks import local_range

# Rows and columns of the planes. The frame is reduced to fit into them, its sides in proportion.
PLANE_SHAPE = (128, 160)
# Number of planes.
PLANE_COUNT = 12
# Differences from the background, in grey levels, of three planes: anything at all, faint echo, and bright thin marks such as ticks.
_ANY, _FAINT, _BRIGHT = 0, 3, 60
# Factor by which the share of a cell that is bright is enlarged, since a tick covers only a small part of it.
_MARK_GAIN = 4
# Local range of grey levels, and deviation over time, from which their planes are 1.
_FULL_RANGE, _FULL_MOTION = 32, 6


@dataclass(frozen=True)
class Planes:
    """``values``: float32 ``(PLANE_COUNT, *PLANE_SHAPE)``, -1 to 1. The frame covers the first ``rows`` and ``columns`` of each."""

    values: np.ndarray
    rows: int
    columns: int


def make_planes(composites: Composites, text: np.ndarray) -> Planes:
    """The planes of a stack; ``text`` is bool ``(rows, columns)``, True where text was found.

    In order: brightness; differences from the level of the empty screen: any, faint, bright; texture; motion; text; color; where the frame
    is; the column and the row, from -1 to 1; whether motion is known.
    """
    level = composites.maximum
    rows, columns = level.shape
    scale = min(PLANE_SHAPE[0] / rows, PLANE_SHAPE[1] / columns)
    size = (min(max(round(columns * scale), 1), PLANE_SHAPE[1]), min(max(round(rows * scale), 1), PLANE_SHAPE[0]))
    difference = cv2.absdiff(level, np.full_like(level, background_level(level, text, 0)))
    moves = composites.frame_count >= MOTION_FRAMES

    def reduce(plane: np.ndarray) -> np.ndarray:
        shrinks = size[0] <= columns and size[1] <= rows
        return cv2.resize(plane.astype(np.float32), size, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)

    planes = [
        np.sqrt(reduce(level) / 255),
        reduce(difference > _ANY),
        reduce(difference > _FAINT),
        np.minimum(_MARK_GAIN * reduce(difference > _BRIGHT), 1),
        np.minimum(reduce(local_range(level, (3, 3))) / _FULL_RANGE, 1),
        np.minimum(reduce(composites.deviation) / _FULL_MOTION, 1) if moves else np.zeros(size[::-1], np.float32),
        reduce(text),
        reduce(composites.colourfulness) / 255,
    ]
    across, down = np.meshgrid(np.linspace(-1, 1, size[0]), np.linspace(-1, 1, size[1]))
    planes += [np.ones_like(planes[0]), across, down, np.full_like(planes[0], moves)]
    values = np.zeros((PLANE_COUNT, *PLANE_SHAPE), np.float32)
    values[:, : size[1], : size[0]] = planes
    return Planes(values, size[1], size[0])
