"""Where echo is displayed: the pixels that are neither background, text, bars, rules nor other furniture of the screen.

All arrays are ``(rows, columns)``; True means the pixel belongs to what is named. Sizes scale with the frame's diagonal.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from ..composites import Composites

MOTION_FRAMES = 4  # frames from which the deviation over time says what moves
DIM = 24  # levels above the background up to which a flat area may be the empty part of a display
MOTION = (0.6, 2.0)  # grey levels of standard deviation


@dataclass(frozen=True)
class Evidence:
    """What the composites say about each pixel, before any shape is fitted.

    ``echo``: large connected areas of displayed data, holes filled. ``faint``: every pixel that may be displayed data,
    however lonely. ``unit``: the width in pixels up to which something is
    a rule, a tick or a trace and not anatomy. ``source`` names what the echo was taken from, ``doubt`` is what a shape
    fitted to it has to be better than one fitted to the most trusting evidence.
    """

    echo: np.ndarray
    faint: np.ndarray
    unit: int
    source: str
    doubt: float


def unit_of(shape: tuple[int, int]) -> int:
    """A four hundredth of the diagonal, at least 2 pixels."""
    return max(2, round(float(np.hypot(*shape)) / 400))


def gather(composites: Composites, text: np.ndarray, threshold: int = 0) -> Iterator[Evidence]:
    """Separate displayed echo from the screen around it: by what moves, then by level, each time ever more strictly.

    Parameters
    ----------
    composites
        Temporal composites of the stack.
    text
        True where text was found in any frame; boxes may be too large and incomplete.
    threshold
        Levels at or below it are background; 0 leaves the choice to the image.
    """
    level, unit = composites.maximum, unit_of(composites.maximum.shape)
    background = background_level(level, text, threshold)
    if composites.frame_count >= MOTION_FRAMES:
        for step, deviation in enumerate(MOTION):
            moving = (composites.deviation > deviation) & ~text
            echo = large_parts(opened(moving, unit), unit)
            yield Evidence(echo, moving, unit, f"motion of more than {deviation} levels", 0.02 + 0.02 * step)
    least = max(threshold - background, 0) if threshold else noise_level(level, text, background)
    marks = small_marks(level, text, background, unit, lossy=least > 0)
    difference = cv2.absdiff(level, np.full_like(level, background))
    for step, tolerance in enumerate((least,) if threshold else (least, least + 5, least + 12)):
        furniture = panels(level, background, tolerance, text, unit) | bars(level, difference > tolerance, unit) | marks
        clear = (difference > tolerance) & ~furniture
        faint = clear if step == 0 else faint
        where = f"levels more than {tolerance} from {background}"
        yield Evidence(large_parts(opened(clear, unit), unit), faint, unit, where, 0.04 * step)
        if step == 0:
            scattered = opened(closed(clear, 4 * unit), 3 * unit)
            yield Evidence(large_parts(scattered, unit), faint, unit, f"scattered {where}", 0.03)
        if step == 0 and least:
            firm = without_fringe(difference, tolerance, unit) & ~furniture
            yield Evidence(large_parts(opened(firm, unit), unit), faint, unit, f"{where}, fringe off", 0.02)


def without_fringe(difference: np.ndarray, tolerance: int, unit: int) -> np.ndarray:
    """Faint pixels only where no strong ones are near, because a codec spreads faint traces around strong ones."""
    strong = difference > tolerance + 8
    near = cv2.dilate(opened(closed(strong, unit), 2 * unit).astype(np.uint8), np.ones((17, 17), np.uint8)).astype(bool)
    return closed(strong, 2 * unit) | ((difference > tolerance) & ~near)


def moving_echo(composites: Composites, text: np.ndarray) -> np.ndarray:
    """The large areas that clearly change over time; empty for stills and for very short cines."""
    if composites.frame_count < MOTION_FRAMES:
        return np.zeros(text.shape, bool)
    unit = unit_of(text.shape)
    return large_parts(opened((composites.deviation > MOTION[-1]) & ~text, unit), unit)


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
    reach = 8 if lossy else 0
    halo = np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)
    return cv2.dilate(((marks & dark) | text).astype(np.uint8), halo).astype(bool)


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
    """How far the empty screen strays from its level: 0 for exact images, more where a lossy codec left its traces.

    Traces are strongest between the strokes of text; where no text is known, the border of the frame has to do.
    """
    sample = text
    if sample.sum() < 500:
        margin = max(8, min(level.shape) // 50)
        sample = np.ones(level.shape, bool)
        sample[margin:-margin, margin:-margin] = False
    difference = cv2.absdiff(level, np.full_like(level, background))[sample]
    near = difference[difference <= 12]
    return int(near.size > 0 and (near > 0).mean() > 0.3)


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


def closed(mask: np.ndarray, radius: int) -> np.ndarray:
    """With gaps up to twice the radius bridged."""
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    padded = cv2.copyMakeBorder(mask.astype(np.uint8), radius, radius, radius, radius, cv2.BORDER_REPLICATE)
    return cv2.morphologyEx(padded, cv2.MORPH_CLOSE, kernel)[radius:-radius, radius:-radius].astype(bool)


def opened(mask: np.ndarray, unit: int) -> np.ndarray:
    """Without what is thinner than about two units: rules, ticks, traces, dotted lines."""
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * unit + 1, 2 * unit + 1))
    dense = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    core = cv2.morphologyEx(dense, cv2.MORPH_OPEN, kernel)
    return core.astype(bool)


def large_parts(mask: np.ndarray, unit: int) -> np.ndarray:
    """The connected parts that are large against the largest of them, holes filled."""
    joined = closed(mask, 2 * unit).astype(np.uint8)
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
