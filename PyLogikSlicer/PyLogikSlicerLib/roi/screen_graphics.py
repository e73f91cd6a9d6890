"""What a screen shows beside echo: panels, grey and color bars, ticks and characters. True means furniture."""

from __future__ import annotations

import cv2
import numpy as np

from .masks import closed, filled_holes, local_range, opened

DIM = 24  # levels above the background up to which a flat area may be the empty part of a display
CODEC_REACH = 8  # pixels from a bright mark within which a lossy codec leaves traces


def panels(level: np.ndarray, background: int, tolerance: int, text: np.ndarray, unit: int) -> np.ndarray:
    """Flat rectangles: header bars, buttons, grey pages; with what is written on them.

    A dim or dark one beside echo is the echo-free part of a display; one around echo is a page and leaves the echo out.
    """
    difference = cv2.absdiff(level, np.full_like(level, background))
    flat = (local_range(level, (5, 1)) <= 1) & (local_range(level, (1, 5)) <= 6) & (difference > tolerance)
    textured = opened((difference > tolerance) & ~flat & ~text, 1)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(flat.astype(np.uint8), connectivity=4)
    found = np.zeros(level.shape, bool)
    for label in range(1, count):
        x, y, width, height, area = stats[label]
        if area < 0.001 * level.size or min(width, height) <= 2 * unit:
            continue
        inner = slice(y, y + height), slice(x, x + width)
        part = labels[inner] == label
        written = part | text[inner]
        if filled_holes(written.astype(np.uint8)).mean() <= 0.9 or area <= 0.3 * width * height:
            continue
        around = slice(max(y - 3, 0), y + height + 3), slice(max(x - 3, 0), x + width + 3)
        beside = textured[around].sum() - textured[inner].sum() > 0.8 * (width + height)
        if not (beside and np.median(level[inner][part]) < background + DIM):
            found[around] |= cv2.copyMakeBorder(
                closed(written, 2 * unit).astype(np.uint8),
                y - around[0].start,
                min(level.shape[0], around[0].stop) - y - height,
                x - around[1].start,
                min(level.shape[1], around[1].stop) - x - width,
                cv2.BORDER_REPLICATE,
            ).astype(bool)
    return found


def bars(level: np.ndarray, differs: np.ndarray, unit: int) -> np.ndarray:
    """Grey and colour bars: narrow rectangles whose rows (or columns) are constant."""
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
    """Text, and bright thin marks that stand by themselves (ticks, characters nobody read), with the traces a codec leaves."""
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
    reach = CODEC_REACH if lossy else 0
    halo = np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)
    return cv2.dilate(((marks & dark) | text).astype(np.uint8), halo).astype(bool)
