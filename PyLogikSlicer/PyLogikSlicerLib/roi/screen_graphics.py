"""Screen graphics: what a scanner displays beside echo. Panels, grey and color bars, ticks and characters.

Each function returns a mask ``(rows, columns)``, True where there are such graphics.
"""

from __future__ import annotations

import cv2
import numpy as np

from .masks import closing, fill_holes, local_range, opening

# Levels above the background up to which a flat area may be an echo-free part of the display.
_DIM = 24
# Pixels around a bright mark within which a lossy codec leaves traces: the size of its blocks.
_CODEC_REACH = 8


def panels(level: np.ndarray, background: int, tolerance: int, text: np.ndarray, unit: int) -> np.ndarray:
    """Flat rectangles with the text on them: header bars, buttons, grey pages.

    A dim or dark rectangle beside echo is left out, since it is an echo-free part of the display. Of a page around echo, the echo is
    left out.
    """
    difference = cv2.absdiff(level, np.full_like(level, background))
    flat = (local_range(level, (5, 1)) <= 1) & (local_range(level, (1, 5)) <= 6) & (difference > tolerance)
    textured = opening((difference > tolerance) & ~flat & ~text, 1)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(flat.astype(np.uint8), connectivity=4)
    found = np.zeros(level.shape, bool)
    for label in range(1, count):
        x, y, width, height, area = stats[label]
        if area < 0.001 * level.size or min(width, height) <= 2 * unit:
            continue
        inner = slice(y, y + height), slice(x, x + width)
        part = labels[inner] == label
        written = part | text[inner]
        if fill_holes(written.astype(np.uint8)).mean() <= 0.9 or area <= 0.3 * width * height:
            continue
        around = slice(max(y - 3, 0), y + height + 3), slice(max(x - 3, 0), x + width + 3)
        beside = textured[around].sum() - textured[inner].sum() > 0.8 * (width + height)
        if not (beside and np.median(level[inner][part]) < background + _DIM):
            found[around] |= cv2.copyMakeBorder(
                closing(written, 2 * unit).astype(np.uint8),
                y - around[0].start,
                min(level.shape[0], around[0].stop) - y - height,
                x - around[1].start,
                min(level.shape[1], around[1].stop) - x - width,
                cv2.BORDER_REPLICATE,
            ).astype(bool)
    return found


def bars(level: np.ndarray, differs: np.ndarray, unit: int) -> np.ndarray:
    """Grey and colour bars: narrow rectangles of constant rows or of constant columns."""
    found = np.zeros(level.shape, bool)
    for transposed in (False, True):
        image, mask = (level.T, differs.T) if transposed else (level, differs)
        image = np.ascontiguousarray(image)
        steady = (local_range(image, (5, 1)) <= 1) & mask
        runs = cv2.morphologyEx(steady.astype(np.uint8), cv2.MORPH_OPEN, np.ones((12 * unit, 3), np.uint8))
        count, labels, stats, _ = cv2.connectedComponentsWithStats(runs, connectivity=4)
        for x, y, width, height, area in stats[1:]:
            inner = image[y : y + height, x : x + width].astype(float)
            shades = np.ptp(inner.mean(axis=1))
            if height > 1.2 * width and area > 0.85 * width * height and width < 0.1 * image.shape[1] and shades > 64:
                view = found.T if transposed else found
                view[max(y - 3, 0) : y + height + 3, max(x - 4, 0) : x + width + 4] = True
    return found


def small_marks(level: np.ndarray, text: np.ndarray, background: int, unit: int, lossy: bool) -> np.ndarray:
    """Text, and bright thin marks apart from anything else (ticks, unread characters), with the traces that a lossy codec leaves."""
    bright = (cv2.absdiff(level, np.full_like(level, background)) > 80) & ~text
    around = cv2.dilate(bright.astype(np.uint8), np.ones((3, 3), np.uint8))
    _, labels, stats, _ = cv2.connectedComponentsWithStats(around, connectivity=8)
    thin = stats[:, cv2.CC_STAT_AREA] < 3 * (unit + 2) * np.maximum(stats[:, cv2.CC_STAT_WIDTH], stats[:, cv2.CC_STAT_HEIGHT])
    small = np.maximum(stats[:, cv2.CC_STAT_WIDTH], stats[:, cv2.CC_STAT_HEIGHT]) < 12 * unit
    alone = thin & small
    alone[0] = False
    marks = alone[labels] & (around > 0)
    empty = cv2.absdiff(level, np.full_like(level, background)) <= (8 if lossy else 0)
    dark = cv2.blur((empty | marks).astype(np.float32), (12 * unit + 1, 12 * unit + 1)) > 0.9
    reach = _CODEC_REACH if lossy else 0
    halo = np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)
    return cv2.dilate(((marks & dark) | text).astype(np.uint8), halo).astype(bool)
