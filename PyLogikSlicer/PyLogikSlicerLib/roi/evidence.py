"""Where echo is displayed: the pixels that are neither background, text, bars, rules nor other furniture of the screen.

All arrays are ``(rows, columns)``; True means the pixel belongs to what is named. Sizes scale with the frame's diagonal.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from ..composites import Composites


@dataclass(frozen=True)
class Evidence:
    """What the composites say about each pixel, before any shape is fitted.

    ``echo``: large connected areas of displayed data, holes filled. ``moving``: pixels of these that change over time.
    ``background`` is the grey level of the empty screen, ``tolerance`` the largest difference from it that still counts as empty.
    """

    echo: np.ndarray
    moving: np.ndarray
    background: int
    tolerance: int
    unit: int  # pixels; 1/250 of the diagonal, 2 at least: what is thinner is not anatomy


def gather(composites: Composites, text: np.ndarray, threshold: int = 0) -> Evidence:
    """Separate displayed echo from the screen around it.

    Parameters
    ----------
    composites
        Temporal composites of the stack.
    text
        True where text was found in any frame; boxes may be too large and incomplete.
    threshold
        Levels at or below it are background; 0 leaves the choice to the image.
    """
    level = composites.maximum
    unit = max(2, round(float(np.hypot(*level.shape)) / 400))
    background = background_level(level, text, threshold)
    tolerance = max(threshold - background, 0) if threshold else noise_level(level, text, background)
    differs = cv2.absdiff(level, np.full_like(level, background)) > tolerance
    furniture = panels(level, differs, unit) | bars(level, differs, unit)
    candidate = differs & ~furniture & ~text
    echo = large_parts(opened(candidate, unit), unit)
    moving = echo & (composites.deviation > 2)
    return Evidence(echo, moving, background, tolerance, unit)


def local_range(level: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Largest minus smallest level in the window of ``size`` (columns, rows) around each pixel."""
    window = np.ones(size[::-1], np.uint8)
    return cv2.dilate(level, window) - cv2.erode(level, window)


def background_level(level: np.ndarray, text: np.ndarray, threshold: int) -> int:
    """The level of the empty screen: the commonest one of the pixels whose surroundings are constant."""
    if threshold:
        return 0
    for spread in (0, 2, 6):
        flat = (local_range(level, (5, 5)) <= spread) & ~text
        if flat.mean() > 0.02:
            return int(np.bincount(level[flat], minlength=256).argmax())
    return int(level.min())


def noise_level(level: np.ndarray, text: np.ndarray, background: int) -> int:
    """How far the empty screen strays from its level: 0 for exact images, more where a lossy codec left its traces."""
    border = np.ones(level.shape, bool)
    margin = max(8, min(level.shape) // 50)
    border[margin:-margin, margin:-margin] = False
    difference = cv2.absdiff(level, np.full_like(level, background))
    near = difference[~text & (difference < 16)]
    if near.size == 0:
        return 0
    counts = np.bincount(near, minlength=16).astype(float)
    # A codec's traces fall off from level to level; displayed echo does not.
    stray = 0
    while stray < 8 and counts[stray + 1] > 0.02 * counts[0] and counts[stray + 1] < 0.5 * counts[stray]:
        stray += 1
    return stray


def panels(level: np.ndarray, differs: np.ndarray, unit: int) -> np.ndarray:
    """Flat rectangles: header bars, buttons, grey pages; with what is written on them."""
    flat = (local_range(level, (3, 3)) <= 1) & differs
    count, labels, stats, _ = cv2.connectedComponentsWithStats(flat.astype(np.uint8), connectivity=4)
    found = np.zeros(level.shape, bool)
    for label in range(1, count):
        x, y, width, height, area = stats[label]
        if area < 0.001 * level.size:
            continue
        part = (labels[y : y + height, x : x + width] == label).astype(np.uint8)
        filled = filled_holes(part)
        if filled.mean() > 0.9 and min(width, height) > 2 * unit:
            found[max(y - 2, 0) : y + height + 2, max(x - 2, 0) : x + width + 2] = True
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
            if height > 3 * width and area > 0.85 * width * height and width < 0.1 * image.shape[1]:
                view = found.T if transposed else found
                view[max(y - 3, 0) : y + height + 3, max(x - 4, 0) : x + width + 4] = True
    return found


def opened(mask: np.ndarray, unit: int) -> np.ndarray:
    """Without what is thinner than about two units: rules, ticks, traces, dotted lines."""
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * unit + 1, 2 * unit + 1))
    dense = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    core = cv2.morphologyEx(dense, cv2.MORPH_OPEN, kernel)
    return core.astype(bool)


def large_parts(mask: np.ndarray, unit: int) -> np.ndarray:
    """The connected parts that are large against the largest of them, holes filled."""
    reach = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (4 * unit + 1, 4 * unit + 1))
    joined = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_CLOSE, reach)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(joined, connectivity=8)
    if count == 1:
        return np.zeros(mask.shape, bool)
    areas = stats[:, cv2.CC_STAT_AREA].copy()
    areas[0] = 0
    keep = areas >= max(0.03 * areas.max(), 0.0005 * mask.size)
    keep[0] = False
    return filled_holes((keep[labels] & (joined > 0)).astype(np.uint8)).astype(bool)


def filled_holes(mask: np.ndarray) -> np.ndarray:
    """``mask`` (uint8 0/1) with all enclosed holes filled."""
    contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    return cv2.drawContours(np.zeros_like(mask), contours, -1, 1, cv2.FILLED)
