"""What stands out of its surroundings' own noise although the image as it is shown does not show it.

An exact format carries every stored value, so a recipient can bring to the screen what no window of the header shows: a name one
level above black, beyond the window's end, or squeezed into black by one far value. So stored values are also looked at in units of
the noise around them, which no window, offset, gamma or outlier elsewhere in the image changes. Where that view shows thin
structures that the shown image does not, it is searched for text like any other view.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from ..core.channels import max_channel

# Pixels; wider than any stroke that a view is responsible for. Larger strokes are seen at the smaller scales.
STROKE = 19
SCALES = (1.0, 0.5, 0.25)
# The longer side, in pixels, from which on a scale is worth a view: large letters need a large image.
SMALLEST_SIDE = 96
# Pixels of a block in which noise is measured: more than a line of text is high.
BLOCK = 32
# Of the deviations in a block, this quantile, over that of a normal distribution of unit width, is the noise: text, which covers less
# than three quarters of a block, does not raise it.
QUANTILE = 0.25
NORMAL_QUANTILE = 0.3186
# Where fewer pixels than this share differ from both neighbors, the image is drawn, not measured: it has no noise.
DRAWN_SHARE = 0.25
# Stored levels; noise is taken to be at least this: one level, half of which is deviation where strokes are dense, stands out.
LEAST_NOISE = 0.125
# How many times the noise a pixel deviates that stands out, and how many levels at least (the background lies between the strokes and
# what is between them).
STANDS_OUT = 3.5
LEAST_DEVIATION = 0.5
# Grey levels of the shown image between the darkest and the brightest pixel of a window in which it shows nothing.
FLAT = 2
# Grey levels of the shown image in which a structure can be seen without this, and pixels around it that are seen with it (the ringing
# of codecs reaches as far).
VISIBLE = 20
BESIDE_VISIBLE = 8
# So many pixels that stand out in a window of so many pixels' width are a letter, not specks.
WINDOW = 15
LEAST_INK = 8
# Grey levels between the darkest and the brightest pixel of a window in which the equalized view shows a structure, and the share of
# them with which the shown image shows it too.
STRUCTURE = 24
SHOWN_SHARE = 1 / 3
# Of the adaptive equalization: how many times the mean a bin of the histogram may hold, and surroundings across and down the image.
CLIP_LIMIT = 2.0
SURROUNDINGS = 8
# Grey levels of the view to a unit of noise, and its background.
GAIN = 16
MIDDLE = 128


@dataclass(frozen=True)
class FaintView:
    """``view``: uint8 ``(rows, columns)`` of the frame at ``scale``, 128 where a pixel is as its background, 16 levels more or less for
    each unit of noise. ``hidden``: bool, where it shows structures that the shown frame does not."""

    view: np.ndarray
    hidden: np.ndarray
    scale: float


def faint_views(frame: np.ndarray, shown: np.ndarray) -> Iterator[FaintView]:
    """The views, at each scale, that show something which ``shown`` does not.

    Parameters
    ----------
    frame
        Stored values, ``(rows, columns)`` or ``(rows, columns, 3)``, of any type.
    shown
        uint8, the frame as it is looked at already.
    """
    levels, seen = as_levels(frame), max_channel(shown)
    for scale in SCALES:
        if scale < 1 and max(seen.shape) * scale < SMALLEST_SIDE:
            return
        small, small_seen = (_resized(image, scale) for image in (levels, seen))
        view = _faint_view(small, small_seen, scale)
        if view.hidden.any():
            yield view


def equalized_views(levels: np.ndarray, shown: np.ndarray) -> Iterator[FaintView]:
    """The stored values by their rank, in the whole frame and in the surroundings of each pixel, where that shows structures which the
    shown frame does not.

    Large letters over anatomy stand out of neither its noise nor a window that is wide or lies elsewhere. By rank, each range of values
    gets as many grey levels as there are pixels in it (histogram equalization; by surroundings: contrast-limited adaptive histogram
    equalization, Zuiderveld, Graphics Gems IV, 1994).

    Parameters
    ----------
    levels
        As from :func:`as_levels`, ``(rows, columns)`` or ``(rows, columns, 3)``. Values of 8 bits have no such views: they are shown as
        they are.
    shown
        uint8, the frame as it is looked at already.
    """
    if levels.dtype == np.uint8:
        return
    values, ranks, counts = np.unique(max_channel(levels), return_inverse=True, return_counts=True)
    if len(values) < 2:
        return
    seen = _range_in_window(max_channel(shown))
    by_rank = ((np.cumsum(counts) - counts / 2) * (255 / counts.sum())).astype(np.uint8)
    by_value = np.rint((values.astype(np.float64) - values[0]) * (65535 / (float(values[-1]) - float(values[0])))).astype(np.uint16)
    ranks = ranks.reshape(levels.shape[:2])
    local = cv2.createCLAHE(CLIP_LIMIT, (SURROUNDINGS, SURROUNDINGS)).apply(by_value[ranks])
    for view in (by_rank[ranks], (local >> 8).astype(np.uint8)):
        contrast = _range_in_window(view)
        yield FaintView(view, (contrast >= STRUCTURE) & (seen < SHOWN_SHARE * contrast), 1.0)


def as_levels(frame: np.ndarray) -> np.ndarray:
    """The frame in a type that OpenCV computes with and that keeps every stored level: as it is, or less its smallest value.

    A span of more than 16 bits is scaled to 16, as the output is.
    """
    if frame.dtype in (np.uint8, np.uint16, np.int16):
        return frame
    values = frame.astype(np.float64)
    finite = np.isfinite(values)
    if not finite.any():
        return np.zeros(frame.shape, np.float32)
    low, high = values[finite].min(), values[finite].max()
    step = 1.0 if high - low <= 65535 and frame.dtype.kind != "f" else max(high - low, 1e-30) / 65535
    return np.where(finite, (values - low) / step, 0).astype(np.float32)


def _faint_view(levels: np.ndarray, seen: np.ndarray, scale: float) -> FaintView:
    deviation, noise = _deviation_and_noise(levels)
    in_noise = deviation / np.maximum(noise, LEAST_NOISE)
    visible = np.abs(_deviation(seen)) >= VISIBLE
    around = cv2.dilate(visible.astype(np.uint8), np.ones((2 * BESIDE_VISIBLE + 1,) * 2, np.uint8))
    stands_out = (np.abs(in_noise) >= STANDS_OUT) & (np.abs(deviation) >= LEAST_DEVIATION) & (around == 0)
    ink = cv2.boxFilter(stands_out.astype(np.float32), -1, (WINDOW, WINDOW), normalize=False)
    view = np.clip(in_noise * GAIN + MIDDLE, 0, 255).astype(np.uint8)
    return FaintView(view, (ink >= LEAST_INK) | _is_clipped(levels, seen), scale)


def _is_clipped(levels: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """Where the shown image is flat and the stored values are not, bool ``(rows, columns)``: beyond the ends of a window."""
    stored = levels if levels.ndim == 2 else max_channel(levels)
    if stored.dtype == np.uint8 and np.array_equal(stored, seen):
        return np.zeros(seen.shape, bool)
    is_flat, varies = _range_in_window(seen) <= FLAT, _range_in_window(stored) > FLAT
    return is_flat & varies


def _range_in_window(image: np.ndarray) -> np.ndarray:
    square = np.ones((WINDOW, WINDOW), np.uint8)
    return cv2.dilate(image, square).astype(np.float32) - cv2.erode(image, square)


def _deviation_and_noise(levels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How far each pixel is from its background, and the noise there, float32 ``(rows, columns)`` in stored levels; of color, in the
    channel in which it stands out most."""
    if levels.ndim == 2:
        deviation = _deviation(levels)
        return deviation, _noise(levels, deviation)
    channels = [np.ascontiguousarray(levels[..., number]) for number in range(3)]
    if all(np.array_equal(channels[0], channel) for channel in channels[1:]):
        return _deviation_and_noise(channels[0])
    deviations = np.stack([_deviation(channel) for channel in channels])
    noises = np.stack([_noise(channel, deviation) for channel, deviation in zip(channels, deviations, strict=True)])
    most = np.argmax(np.abs(deviations) / np.maximum(noises, LEAST_NOISE), axis=0)[None]
    return np.take_along_axis(deviations, most, 0)[0], np.take_along_axis(noises, most, 0)[0]


def _deviation(levels: np.ndarray) -> np.ndarray:
    """Each pixel less its background: the mean of what closing leaves of an opening and opening of a closing (alternating filters;
    Serra, "Image Analysis and Mathematical Morphology", vol. 2, 1988), which follow edges and leave out strokes, bright and dark."""
    square = np.ones((STROKE, STROKE), np.uint8)
    opened, closed = cv2.morphologyEx(levels, cv2.MORPH_OPEN, square), cv2.morphologyEx(levels, cv2.MORPH_CLOSE, square)
    low, high = cv2.morphologyEx(opened, cv2.MORPH_CLOSE, square), cv2.morphologyEx(closed, cv2.MORPH_OPEN, square)
    return levels.astype(np.float32) - (low.astype(np.float32) + high) / 2


def _noise(levels: np.ndarray, deviation: np.ndarray) -> np.ndarray:
    """The standard deviation of the noise at each pixel, float32 ``(rows, columns)``."""
    rows, columns = levels.shape
    sizes = _by_blocks(np.abs(deviation))
    rank = int(QUANTILE * sizes.shape[2])
    noise = np.partition(sizes, rank, axis=2)[..., rank] / NORMAL_QUANTILE
    noise[_by_blocks(_differs_from_neighbors(levels)).mean(axis=2) < DRAWN_SHARE] = 0
    across, down = noise.shape[1] * BLOCK, noise.shape[0] * BLOCK
    return cv2.resize(noise.astype(np.float32), (across, down), interpolation=cv2.INTER_LINEAR)[:rows, :columns]


def _differs_from_neighbors(levels: np.ndarray) -> np.ndarray:
    """Whether a pixel differs from the one to its right and from the one below, float32."""
    right, below = np.ones(levels.shape, bool), np.ones(levels.shape, bool)
    right[:, :-1] = levels[:, 1:] != levels[:, :-1]
    below[:-1] = levels[1:] != levels[:-1]
    return (right & below).astype(np.float32)


def _by_blocks(image: np.ndarray) -> np.ndarray:
    """``(blocks down, blocks across, pixels)``; the last blocks are filled up with what is at the border."""
    rows, columns = image.shape
    padded = np.pad(image, ((0, -rows % BLOCK), (0, -columns % BLOCK)), mode="symmetric" if min(rows, columns) >= BLOCK else "edge")
    down, across = padded.shape[0] // BLOCK, padded.shape[1] // BLOCK
    return padded.reshape(down, BLOCK, across, BLOCK).transpose(0, 2, 1, 3).reshape(down, across, -1)


def _resized(image: np.ndarray, scale: float) -> np.ndarray:
    if scale == 1:
        return image
    size = max(round(image.shape[1] * scale), 1), max(round(image.shape[0] * scale), 1)
    return cv2.resize(image.astype(np.float32), size, interpolation=cv2.INTER_AREA)
