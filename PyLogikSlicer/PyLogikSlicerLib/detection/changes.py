"""Change detection: which parts of a frame have to be examined, given what was examined on the frames before.

A cine's screen stands still while its sector moves, so most of a frame need not be examined again. Frames are compared by tiles, and what a
tile did before decides which group of passes (:data:`~.passes.PassGroup`) it gets:

- "full" where content appears in a tile that was quiet (a label, another image);
- "quick" on each frame while a tile keeps changing (a moving sector, a timer), but "words" instead on every third;
- "full" again on the first frame on which it no longer changes, or when the stack ends;
- none where only content under a mask has changed: whatever appears there is not shown;
- none where only the content of a known line has changed and could be read again (:meth:`FrameMemory.changed_only_inside`; the
  caller runs quick passes around it).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from ..core.channels import max_channel
from ..core.geometry import Box, box_of_image
from .passes import PassGroup

# Pixels; rows and columns of a tile.
TILE = 64
# Pixels around a changed tile that are examined with it: text may reach over the tile's edge.
HALO = 32
# Grey levels by which video codecs let still areas tremble; text with less contrast than that is not readable.
NOISE = 6
# Share of a frame from which on the whole frame is examined instead of the areas that cover so much of it.
WHOLE_FRAME_SHARE = 0.7
# Grey levels by which a pixel jumps from one image to another, and seldom from one frame of a moving scene to the next.
CUT_JUMP = 40
# Share of the pixels that must jump so far for a frame to be another image.
CUT_SHARE = 0.2
# Frames without change after which a tile counts as quiet.
QUIET_FRAMES = 8
# Frames from one pass of word readers to the next over a tile that keeps changing.
WORD_PASS_INTERVAL = 3

# Pixels; rows and columns of a cell of a tile, of which a letter changes a good part.
CELL = 8
# Times its usual change that a tile of stored values must change for faint text to have appeared.
MIN_CHANGE_RATIO = 1.5
# Stored levels, in the mean of a cell, that it must change more than that.
MIN_CHANGE = 0.15
# Factor by which the usual change of a tile decreases from frame to frame, if it changes less.
DECAY = 0.8


@dataclass(frozen=True)
class SearchArea:
    """A part of a view in which text has to be searched now, and the group of passes for it."""

    box: Box
    pass_group: PassGroup


class FrameMemory:
    """Remembers, for each pixel of a view, the content that was examined last.

    A frame is compared with that, and not with the frame before it, so that slow drift is noticed. For each frame, :meth:`compare` is
    called first.
    """

    def __init__(self) -> None:
        self._examined: np.ndarray | None = None
        self._frame = -1

    def compare(self, view: np.ndarray) -> None:
        """Take the next frame of the view, uint8 ``(rows, columns[, 3])``, and compare it with what was examined."""
        self._frame += 1
        self._view = view
        difference = self._difference(view)
        self._is_cut = difference is None or bool(np.count_nonzero(difference > CUT_JUMP) > CUT_SHARE * difference.size)
        if difference is None or self._is_cut:
            rows, columns = view.shape[:2]
            self._examined = view.copy()
            tiles = -(-rows // TILE), -(-columns // TILE)
            # Of each tile: the last frame on which it changed, the last one with a pass of word readers, whether its present content
            # has still to get the full passes.
            self._last_change = np.full(tiles, self._frame)
            self._last_word_pass = np.full(tiles, self._frame)
            self._awaits_full_passes = np.zeros(tiles, bool)
            # Of each pixel: whether it is new, and the last frame on which it was.
            self._is_new = np.ones((rows, columns), bool)
            self._last_new = np.full((rows, columns), self._frame, np.int32)
        else:
            self._is_new = difference > NOISE
            self._last_new[self._is_new] = self._frame

    def changed_only_inside(self, boxes: Sequence[Box]) -> list[bool]:
        """For each of some boxes in the view: whether its content is new, and nothing else is in the tiles that it lies in.

        What is new in one of the other boxes does not count.
        """
        if self._is_cut or not self._is_new.any():
            return [False] * len(boxes)
        new_outside = self._is_new.copy()
        for box in boxes:
            new_outside[box.slices] = False
        tiles = _tiles_with(new_outside)
        return [bool(self._is_new[box.slices].any() and not tiles[_tiles_at(box)].any()) for box in boxes]

    def areas_to_search(self, last: bool = False, masked: Sequence[Box] = (), read: Sequence[Box] = ()) -> list[SearchArea]:
        """The areas of the view that have to be examined; the changed tiles count as examined from here on.

        After a cut, or on the first frame, that is all of the view. :meth:`compare` comes first.

        Parameters
        ----------
        last
            No frame follows: tiles that changed, or still await full passes, get them now.
        masked
            Boxes that are masked on this frame whatever they show. What changes in them is examined when something else in its tile
            changes, when the mask ends, or on the last frame.
        read
            Boxes whose content has just been read again. They count as examined.
        """
        assert self._examined is not None, "compare() comes first"
        rows, columns = self._view.shape[:2]
        if self._is_cut:
            return [SearchArea(box_of_image(rows, columns), "full")]
        for box in read:
            self._examined[box.slices] = self._view[box.slices]
        for box in read if last else (*masked, *read):
            self._is_new[box.slices] = False
        changed = _tiles_with(self._is_new)
        for y, x in zip(*np.nonzero(changed), strict=True):
            tile = np.s_[y * TILE : (y + 1) * TILE, x * TILE : (x + 1) * TILE]
            self._examined[tile] = self._view[tile]
        tiles_by_group = self._assign_passes(changed, last)
        return [SearchArea(box, group) for group, tiles in tiles_by_group for box in _boxes_of_tiles(tiles, rows, columns)]

    def unchanged_since(self, box: Box) -> int:
        """The first frame from which on the content of a box in the view is as it is now."""
        return int(self._last_new[box.slices].max())

    def changed_after(self, frame: int) -> np.ndarray:
        """Which pixels have changed after a frame, bool ``(rows, columns)``."""
        return self._last_new > frame

    def _assign_passes(self, changed: np.ndarray, last: bool) -> list[tuple[PassGroup, np.ndarray]]:
        """For each group of passes, the tiles that get it, bool ``(tiles down, tiles across)``."""
        was_quiet = changed & (self._frame - self._last_change > QUIET_FRAMES)
        at_rest = self._awaits_full_passes & ~changed
        full = was_quiet | at_rest | ((self._awaits_full_passes | changed) & last)
        words = changed & ~full & (self._frame - self._last_word_pass >= WORD_PASS_INTERVAL)
        quick = changed & ~full & ~words
        self._last_change[changed] = self._frame
        self._last_word_pass[full | words] = self._frame
        self._awaits_full_passes = (self._awaits_full_passes & ~full) | words | quick
        return [("full", full), ("words", words), ("quick", quick)]

    def _difference(self, view: np.ndarray) -> np.ndarray | None:
        """By how much each pixel differs from what was examined, in the channel where it differs most; None for another size."""
        if self._examined is None or self._examined.shape != view.shape:
            return None
        return max_channel(cv2.absdiff(view, self._examined))


class StoredValueMemory:
    """Tells where stored values have changed more than usual.

    Where all was still, that is a fraction of a level in the mean of a cell; where a codec or a moving sector changes the values all the
    time, it is more.
    """

    def __init__(self) -> None:
        self._last: np.ndarray | None = None

    def boxes_to_search(self, levels: np.ndarray) -> list[Box]:
        """Boxes, with halo, that have to be examined for faint text on the next frame.

        ``levels``: its stored values, ``(rows, columns[, 3])``. All of it is examined when it is the first, or when size or type differ
        from those of the frame before.
        """
        rows, columns = levels.shape[:2]
        last, self._last = self._last, levels.copy()
        tiles = -(-rows // TILE), -(-columns // TILE)
        if last is None or last.shape != levels.shape or last.dtype != levels.dtype:
            self._usual_change = np.zeros(tiles, np.float32)
            return [box_of_image(rows, columns)]
        change = _change_of_tiles(levels, last)
        is_unusual = change > MIN_CHANGE_RATIO * self._usual_change + MIN_CHANGE
        self._usual_change = np.maximum(change, DECAY * self._usual_change)
        return _boxes_of_tiles(is_unusual, rows, columns) if is_unusual.any() else []


def _change_of_tiles(levels: np.ndarray, last: np.ndarray) -> np.ndarray:
    """For each tile, the mean change of that of its cells that changed most, float32 ``(tiles down, tiles across)``."""
    difference = cv2.absdiff(levels, last)
    largest = difference.max(axis=2) if difference.ndim == 3 and difference.dtype != np.uint8 else max_channel(difference)
    largest = largest.astype(np.float32, copy=False)
    padded = cv2.copyMakeBorder(largest, 0, -largest.shape[0] % TILE, 0, -largest.shape[1] % TILE, cv2.BORDER_CONSTANT, value=0)
    cells = cv2.resize(padded, (padded.shape[1] // CELL, padded.shape[0] // CELL), interpolation=cv2.INTER_AREA)
    cells_per_tile = TILE // CELL
    shape = cells.shape[0] // cells_per_tile, cells_per_tile, cells.shape[1] // cells_per_tile, cells_per_tile
    return cells.reshape(shape).max(axis=(1, 3))


def boxes_around(pixels: np.ndarray) -> list[Box]:
    """Boxes of whole tiles, with halo, that together hold all True pixels of a bool ``(rows, columns)`` mask."""
    return _boxes_of_tiles(_tiles_with(pixels), *pixels.shape)


def _tiles_with(pixels: np.ndarray) -> np.ndarray:
    """Which tiles hold True pixels, bool ``(tiles down, tiles across)``."""
    rows, columns = pixels.shape
    padded = np.pad(pixels, ((0, -rows % TILE), (0, -columns % TILE)))
    # First along rows, in the order of memory: this runs on every frame.
    bands = np.any(padded.reshape(padded.shape[0] // TILE, TILE, padded.shape[1]), axis=1)
    return np.any(bands.reshape(len(bands), padded.shape[1] // TILE, TILE), axis=2)


def _tiles_at(box: Box) -> tuple[slice, slice]:
    """The tiles that a box lies in, as an index into an array of tiles."""
    x0, y0, x1, y1 = box
    return np.s_[y0 // TILE : -(-y1 // TILE), x0 // TILE : -(-x1 // TILE)]


def _boxes_of_tiles(tiles: np.ndarray, rows: int, columns: int) -> list[Box]:
    """Boxes with halo around connected tiles, in a frame of that size; the whole frame where they would cover most of it."""
    _, _, stats, _ = cv2.connectedComponentsWithStats(tiles.astype(np.uint8), connectivity=8)
    around_tiles = (
        Box(x * TILE, y * TILE, (x + width) * TILE, (y + height) * TILE).enlarge(HALO) for x, y, width, height, _ in stats[1:].tolist()
    )
    boxes = [box for around in around_tiles if (box := around.clip(rows, columns)) is not None]
    return [box_of_image(rows, columns)] if sum(box.area for box in boxes) > WHOLE_FRAME_SHARE * rows * columns else boxes
