"""What of a frame is new: a cine's screen stands still while its sector moves, and what was examined once need not be again.

A frame is compared tile by tile with what was examined. How closely a tile is looked at depends on what it did before:

- what appears where all was quiet (a label, another image) gets every look (``whole``);
- what changes on and on (a moving sector, a timer) gets a cheap look on every frame (``glance``) and now and then that of
  the reader of words too (``words``);
- when it comes to rest, or the stack ends, its last state gets every look again;
- what changes only where a mask lies already (``hidden``) needs no look: whatever appears there is not shown;
- where nothing changes but a line of text that is known (``only_inside``), it can be read again and glanced at.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np

from ..core.channels import max_channel
from ..core.text_map import Box
from .boxes import area

TILE = 64
# Text that touches a changed tile is examined together with what surrounds it.
HALO = 32
# Video codecs let still areas tremble by a few grey levels; text that differs from its surroundings by less is not readable.
NOISE = 6
# Tiles are examined in one piece when their boxes would cover most of the frame anyway.
WHOLE_SHARE = 0.7
# A pixel that jumps by so much in so many places: not the next frame of a moving scene but another image.
CUT_JUMP, CUT_SHARE = 40, 0.2
# Frames without change after which a tile counts as quiet, and from one look of the reader of words to the next.
QUIET, WORDS_EVERY = 8, 3

# ``together``: not one frame but several at once. ``color``: what is colored, whatever it did before. ``faint``: what stands out of
# noise though it is not shown.
Closeness = Literal["glance", "words", "whole", "together", "color", "faint"]
# Pixels of a cell; a letter changes a good part of one.
CELL = 8
# How much more a tile must change than it did lately for faint text to have appeared: so many times as much, and so many stored levels
# in the mean of a cell. What it did lately counts less with each frame.
MORE, LEAST_CHANGE = 1.5, 0.15
FORGETTING = 0.8


@dataclass(frozen=True)
class Change:
    """A part of a frame that has to be looked at now, and how closely."""

    box: Box
    closeness: Closeness


class FrameMemory:
    """Holds, for each tile, the content that was examined last. It is compared with that, not with the frame before, so
    that slow drift cannot pass unseen."""

    def __init__(self) -> None:
        self._examined: np.ndarray | None = None
        self._frame = -1

    def compare(self, view: np.ndarray) -> None:
        """Take the next frame of the view, uint8 ``(rows, columns[, 3])``; what of it is new is known from here on."""
        self._frame += 1
        self._view = view
        jump = self._jump(view)
        self._is_cut = jump is None or bool(np.count_nonzero(jump > CUT_JUMP) > CUT_SHARE * jump.size)
        if jump is None or self._is_cut:
            rows, columns = view.shape[:2]
            self._examined = view.copy()
            tiles = -(-rows // TILE), -(-columns // TILE)
            self._changed, self._worded = (np.full(tiles, self._frame) for _ in range(2))
            self._owed = np.zeros(tiles, bool)
            self._differs = np.ones((rows, columns), bool)
            self._since = np.full((rows, columns), self._frame, np.int32)
        else:
            self._differs = jump > NOISE
            self._since[self._differs] = self._frame

    def only_inside(self, boxes: Sequence[Box]) -> list[bool]:
        """Of each of these boxes in the view, whether what it holds is new while around it, as far as would be looked at for that,
        nothing is new outside of the boxes."""
        if self._is_cut or not self._differs.any():
            return [False] * len(boxes)
        outside = self._differs.copy()
        for x0, y0, x1, y1 in boxes:
            outside[y0:y1, x0:x1] = False
        tiles = _tiles_of(outside)
        return [bool(self._differs[y0:y1, x0:x1].any() and not tiles[_tiles_at((x0, y0, x1, y1))].any()) for x0, y0, x1, y1 in boxes]

    def changes(self, last: bool = False, hidden: Sequence[Box] = (), read: Sequence[Box] = ()) -> list[Change]:
        """What of the frame has to be looked at; the caller does so now. ``last``: no frame comes after it. ``hidden``: boxes in the
        view that are masked on this frame whatever they show; what changed there is looked at as soon as it is hidden no longer.
        ``read``: boxes whose content the caller has just read."""
        rows, columns = self._view.shape[:2]
        if self._is_cut:
            return [Change((0, 0, columns, rows), "whole")]
        for x0, y0, x1, y1 in read:
            self._examined[y0:y1, x0:x1] = self._view[y0:y1, x0:x1]
        for x0, y0, x1, y1 in read if last else (*hidden, *read):
            self._differs[y0:y1, x0:x1] = False
        changed = _tiles_of(self._differs)
        for y, x in zip(*np.nonzero(changed), strict=True):
            tile = np.s_[y * TILE : (y + 1) * TILE, x * TILE : (x + 1) * TILE]
            self._examined[tile] = self._view[tile]
        needs = self._sorted_by_need(changed, last)
        return [Change(box, closeness) for closeness, tiles in needs for box in _boxes_of_tiles(tiles, rows, columns)]

    def unchanged_since(self, box: Box) -> int:
        """The frame from which on all that lies in a box in the view is as it is now."""
        x0, y0, x1, y1 = box
        return int(self._since[y0:y1, x0:x1].max())

    def changed_after(self, frame: int) -> np.ndarray:
        """Bool ``(rows, columns)``: what has changed since that frame."""
        return self._since > frame

    def _sorted_by_need(self, changed: np.ndarray, last: bool) -> list[tuple[Closeness, np.ndarray]]:
        """The tiles of each closeness. ``_owed`` are those whose last state was only glanced at."""
        fresh = changed & (self._frame - self._changed > QUIET)
        whole = fresh | (self._owed & ~changed) | ((self._owed | changed) & last)
        words = changed & ~whole & (self._frame - self._worded >= WORDS_EVERY)
        glance = changed & ~whole & ~words
        self._changed[changed] = self._frame
        self._worded[whole | words] = self._frame
        self._owed = (self._owed & ~whole) | words | glance
        return [("whole", whole), ("words", words), ("glance", glance)]

    def _jump(self, view: np.ndarray) -> np.ndarray | None:
        """How much each pixel differs from what was examined, in the channel where it differs most; None at the beginning."""
        if self._examined is None or self._examined.shape != view.shape:
            return None
        return max_channel(cv2.absdiff(view, self._examined))


class FaintMemory:
    """Tells where stored values have changed more than they tremble: by a single level where all was still, by more where a codec or a
    moving sector changes them all the time."""

    def __init__(self) -> None:
        self._last: np.ndarray | None = None

    def changes(self, levels: np.ndarray) -> list[Box]:
        """Boxes with halo of what has to be looked at for faint text now; ``levels``: the stored values of the next frame, ``(rows,
        columns[, 3])``. All of the first frame, and of one of another size or type."""
        rows, columns = levels.shape[:2]
        known = self._last is not None and self._last.shape == levels.shape and self._last.dtype == levels.dtype
        last, self._last = self._last, levels.copy()
        tiles = -(-rows // TILE), -(-columns // TILE)
        if not known:
            self._usual = np.zeros(tiles, np.float32)
            return [(0, 0, columns, rows)]
        change = _change_by_tiles(levels, last)
        due = change > MORE * self._usual + LEAST_CHANGE
        self._usual = np.maximum(change, FORGETTING * self._usual)
        return _boxes_of_tiles(due, rows, columns) if due.any() else []


def _change_by_tiles(levels: np.ndarray, last: np.ndarray) -> np.ndarray:
    """The mean change of the cell of each tile that changed most, float32 ``(tiles down, tiles across)``."""
    jump = cv2.absdiff(levels, last)
    jump = (jump.max(axis=2) if jump.ndim == 3 and jump.dtype != np.uint8 else max_channel(jump)).astype(np.float32, copy=False)
    padded = cv2.copyMakeBorder(jump, 0, -jump.shape[0] % TILE, 0, -jump.shape[1] % TILE, cv2.BORDER_CONSTANT, value=0)
    cells = cv2.resize(padded, (padded.shape[1] // CELL, padded.shape[0] // CELL), interpolation=cv2.INTER_AREA)
    across = TILE // CELL
    return cells.reshape(cells.shape[0] // across, across, cells.shape[1] // across, across).max(axis=(1, 3))


def boxes_around(pixels: np.ndarray) -> list[Box]:
    """Boxes with halo, made of tiles, that together hold all True pixels of ``pixels``, bool ``(rows, columns)``."""
    return _boxes_of_tiles(_tiles_of(pixels), *pixels.shape)


def _tiles_of(pixels: np.ndarray) -> np.ndarray:
    rows, columns = pixels.shape
    padded = np.pad(pixels, ((0, -rows % TILE), (0, -columns % TILE)))
    bands = padded.reshape(padded.shape[0] // TILE, TILE, padded.shape[1]).any(axis=1)  # first along rows, in memory's order
    return bands.reshape(len(bands), padded.shape[1] // TILE, TILE).any(axis=2)


def _tiles_at(box: Box) -> tuple[slice, slice]:
    """The tiles that a box lies in, as an index into an array of tiles."""
    x0, y0, x1, y1 = box
    return np.s_[y0 // TILE : -(-y1 // TILE), x0 // TILE : -(-x1 // TILE)]


def _boxes_of_tiles(tiles: np.ndarray, rows: int, columns: int) -> list[Box]:
    """Boxes with halo around connected tiles; where they would cover most of the frame, the frame."""
    _, _, stats, _ = cv2.connectedComponentsWithStats(tiles.astype(np.uint8), connectivity=8)
    boxes = [
        (
            max(int(x) * TILE - HALO, 0),
            max(int(y) * TILE - HALO, 0),
            min(int(x + width) * TILE + HALO, columns),
            min(int(y + height) * TILE + HALO, rows),
        )
        for x, y, width, height, _ in stats[1:]
    ]
    return [(0, 0, columns, rows)] if sum(map(area, boxes)) > WHOLE_SHARE * rows * columns else boxes
