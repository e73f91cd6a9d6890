"""What of a frame is new: a cine's screen stands still while its sector moves, and what was examined once need not be again."""

from __future__ import annotations

import cv2
import numpy as np

from ..text_map import Box
from .grouping import area

TILE = 64
# Text that touches a changed tile is examined together with what surrounds it.
HALO = 32
# Video codecs let still areas tremble by a few grey levels; text that differs from its surroundings by less is not readable.
NOISE = 6
# Tiles are examined in one piece when their boxes would cover most of the frame anyway.
WHOLE_SHARE = 0.7
# A pixel that jumps by so much in so many places: not the next frame of a moving scene but another image.
CUT_JUMP, CUT_SHARE = 40, 0.2


class FrameMemory:
    """Holds, for each tile, the content that was examined last. It is compared with that, not with the frame before, so
    that slow drift cannot pass unseen. ``new_scene``: whether the last frame given was another image altogether."""

    def __init__(self) -> None:
        self._examined: np.ndarray | None = None
        self.new_scene = False

    def update(self, view: np.ndarray) -> list[Box]:
        """Boxes of ``view`` (uint8 ``(rows, columns[, 3])``) that differ from what was examined; the caller examines them now."""
        jump = self._jump(view)
        self.new_scene = jump is None or (jump > CUT_JUMP).mean() > CUT_SHARE
        if jump is None or self.new_scene:
            self._examined = view.copy()
            return [(0, 0, view.shape[1], view.shape[0])]
        tiles = _changed_tiles(jump)
        rows, columns = view.shape[:2]
        for y, x in zip(*np.nonzero(tiles), strict=True):
            tile = np.s_[y * TILE : (y + 1) * TILE, x * TILE : (x + 1) * TILE]
            self._examined[tile] = view[tile]
        return _boxes_of_tiles(tiles, rows, columns)

    def _jump(self, view: np.ndarray) -> np.ndarray | None:
        """How much each pixel differs from what was examined, in the channel where it differs most; None at the beginning."""
        if self._examined is None or self._examined.shape != view.shape:
            return None
        jump = cv2.absdiff(view, self._examined)
        return jump.max(axis=2) if jump.ndim == 3 else jump


def _changed_tiles(jump: np.ndarray) -> np.ndarray:
    rows, columns = jump.shape
    padded = np.pad(jump > NOISE, ((0, -rows % TILE), (0, -columns % TILE)))
    return padded.reshape(padded.shape[0] // TILE, TILE, padded.shape[1] // TILE, TILE).any(axis=(1, 3))


def _boxes_of_tiles(tiles: np.ndarray, rows: int, columns: int) -> list[Box]:
    """Boxes with halo around connected changed tiles; overlapping ones become one."""
    _, _, stats, _ = cv2.connectedComponentsWithStats(tiles.astype(np.uint8), connectivity=8)
    boxes = []
    for x, y, width, height, _ in stats[1:]:
        boxes.append(
            (
                max(int(x) * TILE - HALO, 0),
                max(int(y) * TILE - HALO, 0),
                min(int(x + width) * TILE + HALO, columns),
                min(int(y + height) * TILE + HALO, rows),
            )
        )
    if sum(area(box) for box in boxes) > WHOLE_SHARE * rows * columns:
        return [(0, 0, columns, rows)]
    return boxes
