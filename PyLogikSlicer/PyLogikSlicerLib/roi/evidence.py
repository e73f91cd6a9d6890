"""Where echo is displayed: the pixels that are neither background, text, bars, rules nor other furniture of the screen.

All arrays are ``(rows, columns)``; True means the pixel belongs to what is named. Sizes scale with the frame's diagonal.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from ..core.projections import Composites
from .masks import closed, large_parts, local_range, opened
from .screen_graphics import bars, panels, small_marks

MOTION_FRAMES = 4  # frames from which the deviation over time says what moves
MOTION = (0.6, 2.0)  # grey levels of standard deviation


@dataclass(frozen=True)
class Evidence:
    """What the composites say about each pixel, before any shape is fitted.

    ``echo``: large connected areas of displayed data, holes filled. ``faint``: every pixel that may be displayed data,
    however lonely. ``unit``: the width in pixels up to which something is a rule, a tick or a trace and not anatomy.
    ``source`` names what the echo was taken from, ``doubt`` is by how much a shape fitted to it has to be better than one
    fitted to the most trusting evidence.
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
    yield from by_motion(composites, text)
    yield from by_level(composites.maximum, text, threshold)


def by_motion(composites: Composites, text: np.ndarray) -> Iterator[Evidence]:
    """The sector moves, the screen does not."""
    if composites.frame_count < MOTION_FRAMES:
        return
    unit = unit_of(text.shape)
    for step, deviation in enumerate(MOTION):
        moving = (composites.deviation > deviation) & ~text
        echo = large_parts(opened(moving, unit), unit)
        yield Evidence(echo, moving, unit, f"motion of more than {deviation} levels", 0.02 + 0.02 * step)


def by_level(level: np.ndarray, text: np.ndarray, threshold: int) -> Iterator[Evidence]:
    """What differs from the empty screen and is no furniture."""
    unit, background = unit_of(level.shape), background_level(level, text, threshold)
    least = max(threshold - background, 0) if threshold else noise_level(level, text, background)
    marks = small_marks(level, text, background, unit, lossy=least > 0)
    difference = cv2.absdiff(level, np.full_like(level, background))

    def shown(tolerance: int) -> np.ndarray:
        furniture = panels(level, background, tolerance, text, unit) | bars(level, difference > tolerance, unit) | marks
        return (difference > tolerance) & ~furniture

    faint = shown(least)
    where = f"levels more than {least} from {background}"
    yield Evidence(large_parts(opened(faint, unit), unit), faint, unit, where, 0.0)
    scattered = opened(closed(faint, 4 * unit), 3 * unit)
    yield Evidence(large_parts(scattered, unit), faint, unit, f"scattered {where}", 0.03)
    if least:
        firm = without_fringe(difference, least, unit) & (faint | (difference <= least))
        yield Evidence(large_parts(opened(firm, unit), unit), faint, unit, f"{where}, fringe off", 0.02)
    for doubt, tolerance in () if threshold else ((0.04, least + 5), (0.08, least + 12)):
        echo = large_parts(opened(shown(tolerance), unit), unit)
        yield Evidence(echo, faint, unit, f"levels more than {tolerance} from {background}", doubt)


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
