"""Segmentation of the displayed echo: the pixels that are neither background, text, bars, rules nor other screen graphics.

All arrays are ``(rows, columns)``; in a mask, True means that the pixel belongs to what the mask is named after. Sizes in pixels are
proportional to the diagonal of the frame.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from ..core.projections import Composites
from .masks import closing, large_components, local_range, opening
from .screen_graphics import bars, panels, small_marks

# Number of frames from which the deviation over time shows what moves.
MOTION_FRAMES = 4
# Standard deviations over time, in grey levels, above which a pixel is taken to move: a sensitive threshold and a strict one.
_MOTION = (0.6, 2.0)


@dataclass(frozen=True)
class Evidence:
    """One segmentation of the echo, to which shapes are fitted.

    Parameters
    ----------
    echo
        Large connected areas of displayed data, holes filled.
    faint
        All pixels that may be displayed data, single ones too.
    unit
        Width in pixels up to which something is a rule, a tick or a trace and not anatomy.
    source
        How the echo was segmented, for the report.
    doubt
        Penalty: how much higher the score of a shape fitted to this echo must be than that of one fitted to evidence without doubt.
    """

    echo: np.ndarray
    faint: np.ndarray
    unit: int
    source: str
    doubt: float


def unit_of(shape: tuple[int, int]) -> int:
    """The width of a line in a frame of this size: a four hundredth of the diagonal, at least 2 pixels."""
    return max(2, round(float(np.hypot(*shape)) / 400))


def segment_echo(composites: Composites, text: np.ndarray, threshold: int = 0) -> Iterator[Evidence]:
    """Several segmentations of the displayed echo: by motion, then by grey level, each with increasing thresholds.

    Parameters
    ----------
    composites
        Temporal composites of the stack.
    text
        True where text was found in any frame; the boxes may be too large, and some may be missing.
    threshold
        Levels at or below it are background; with 0, the background is estimated from the image.
    """
    yield from evidence_from_motion(composites, text)
    yield from evidence_from_level(composites.maximum, text, threshold)


def evidence_from_motion(composites: Composites, text: np.ndarray) -> Iterator[Evidence]:
    """The echo segmented by its motion, since screen graphics do not move; nothing for too few frames."""
    if composites.frame_count < MOTION_FRAMES:
        return
    unit = unit_of(text.shape)
    for step, deviation in enumerate(_MOTION):
        moving = (composites.deviation > deviation) & ~text
        echo = large_components(opening(moving, unit), unit)
        yield Evidence(echo, moving, unit, f"motion of more than {deviation} levels", 0.02 + 0.02 * step)


def evidence_from_level(level: np.ndarray, text: np.ndarray, threshold: int) -> Iterator[Evidence]:
    """The echo segmented by its difference from the level of the empty screen, without screen graphics."""
    unit, background = unit_of(level.shape), background_level(level, text, threshold)
    least = max(threshold - background, 0) if threshold else noise_level(level, text, background)
    marks = small_marks(level, text, background, unit, lossy=least > 0)
    difference = cv2.absdiff(level, np.full_like(level, background))

    def displayed_data(tolerance: int) -> np.ndarray:
        graphics = panels(level, background, tolerance, text, unit) | bars(level, difference > tolerance, unit) | marks
        return (difference > tolerance) & ~graphics

    faint = displayed_data(least)
    where = f"levels more than {least} from {background}"
    yield Evidence(large_components(opening(faint, unit), unit), faint, unit, where, 0.0)
    scattered = opening(closing(faint, 4 * unit), 3 * unit)
    yield Evidence(large_components(scattered, unit), faint, unit, f"scattered {where}", 0.03)
    if least:
        firm = remove_fringe(difference, least, unit) & (faint | (difference <= least))
        yield Evidence(large_components(opening(firm, unit), unit), faint, unit, f"{where}, fringe off", 0.02)
    for doubt, tolerance in () if threshold else ((0.04, least + 5), (0.08, least + 12)):
        echo = large_components(opening(displayed_data(tolerance), unit), unit)
        yield Evidence(echo, faint, unit, f"levels more than {tolerance} from {background}", doubt)


def remove_fringe(difference: np.ndarray, tolerance: int, unit: int) -> np.ndarray:
    """The mask of pixels that differ by more than ``tolerance``, without faint pixels near strong ones, which a codec spreads there."""
    strong = difference > tolerance + 8
    near = cv2.dilate(opening(closing(strong, unit), 2 * unit).astype(np.uint8), np.ones((17, 17), np.uint8)).astype(bool)
    return closing(strong, 2 * unit) | ((difference > tolerance) & ~near)


def moving_echo(composites: Composites, text: np.ndarray) -> np.ndarray:
    """The mask of large areas that clearly change over time; empty for stills and for very short cines."""
    if composites.frame_count < MOTION_FRAMES:
        return np.zeros(text.shape, bool)
    unit = unit_of(text.shape)
    return large_components(opening((composites.deviation > _MOTION[-1]) & ~text, unit), unit)


def background_level(level: np.ndarray, text: np.ndarray, threshold: int) -> int:
    """The level of the empty screen: the most frequent level of pixels whose neighborhood is constant; 0 with a ``threshold``."""
    if threshold:
        return 0
    for spread in (0, 2, 6):
        flat = (local_range(level, (5, 5)) <= spread) & ~text
        if flat.mean() > 0.02:
            return int(np.bincount(level[flat], minlength=256).argmax())
    return int(level.min())


def noise_level(level: np.ndarray, text: np.ndarray, background: int) -> int:
    """How far the empty screen deviates from its level: 0 for images without loss, 1 where a lossy codec left traces.

    Measured in ``text``, because traces are strongest between strokes; where there is too little text, at the border of the frame.
    """
    sample = text
    if sample.sum() < 500:
        margin = max(8, min(level.shape) // 50)
        sample = np.ones(level.shape, bool)
        sample[margin:-margin, margin:-margin] = False
    difference = cv2.absdiff(level, np.full_like(level, background))[sample]
    near = difference[difference <= 12]
    return int(near.size > 0 and (near > 0).mean() > 0.3)
