"""Faint views: what stands out of the stored values although the image as it is shown does not show it.

An exact format carries every stored value, so a recipient can bring to the screen what no window of the header shows: a name one level
above black, beyond the window's end, or squeezed into black by one far value. So the stored values are also examined by how far each
deviates from its local background, in units of the local noise, which no window, offset, gamma or outlier elsewhere in the image changes.
(An outlier does matter in floats and in values that span more than 16 bits: their range is scaled to 16 bits first, see :func:`as_levels`,
and deviations of less than half of such a level do not count.) Where that view shows thin structures that the shown image does not, it is
searched for text, with passes and acceptance rules of its own. Equalized views do the same for large letters.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np

from ..core.channels import max_channel

# Pixels; wider than any stroke that a view is responsible for. Larger strokes are seen at the smaller scales.
STROKE = 19
# Scales at which the stored values are examined.
SCALES = (1.0, 0.5, 0.25)
# Pixels along the longer side of the smallest scaled image that is examined: large letters need a large image.
MIN_SCALED_SIDE = 96
# Pixels; rows and columns of a block in which noise is measured: more than a line of text is high.
BLOCK = 32
# The noise of a block is taken from this quantile of its absolute deviations: text, which covers less than three quarters of a block,
# does not raise it.
NOISE_QUANTILE = 0.25
# That quantile of the absolute value of a standard normal variable.
NORMAL_QUANTILE = 0.3186
# Share of pixels that differ from both neighbors, below which a block is drawn and not measured: it has no noise.
MIN_MEASURED_SHARE = 0.25
# Stored levels; the noise is taken to be at least this, so that one level stands out, half of which is deviation where strokes are dense.
MIN_NOISE = 0.125
# Times the noise by which a pixel must deviate from its background to stand out.
MIN_DEVIATION_IN_NOISE = 3.5
# Stored levels by which it must deviate (the background lies between the strokes and what is between them).
MIN_DEVIATION = 0.5
# Grey levels of the shown image between the darkest and the brightest pixel of a window, up to which it shows nothing there.
FLAT = 2
# Grey levels by which a pixel of the shown image deviates from its background where a structure can be seen without a faint view.
VISIBLE_DEVIATION = 20
# Pixels around such a structure that are seen with it: the ringing of codecs reaches as far.
VISIBLE_MARGIN = 8
# Pixels; rows and columns of the window in which letters are told from specks.
WINDOW = 15
# Pixels that stand out in a window, from which on they are a letter.
MIN_INK = 8
# Grey levels between the darkest and the brightest pixel of a window of an equalized view, from which on it shows a structure.
MIN_STRUCTURE_CONTRAST = 24
# Share of that contrast that the shown image must have to show the structure too.
SHOWN_CONTRAST_SHARE = 1 / 3
# Adaptive equalization: times the mean that a bin of the histogram may hold.
CLIP_LIMIT = 2.0
# Adaptive equalization: tiles across and tiles down the image.
EQUALIZATION_TILES = 8
# Grey levels of a faint view to a unit of noise.
GAIN = 16
# Grey level of a pixel that is as its background.
BACKGROUND_LEVEL = 128


@dataclass(frozen=True)
class FaintView:
    """A rendering of stored values.

    Attributes
    ----------
    view
        uint8 ``(rows, columns)`` of the frame at ``scale``. In a view by noise, 128 is as the background, and each unit of noise is 16
        levels more or less.
    hidden
        bool ``(rows, columns)``: where the view shows structures that the shown frame does not.
    scale
        Pixels of the view to a pixel of the frame.
    """

    view: np.ndarray
    hidden: np.ndarray
    scale: float


def faint_views(frame: np.ndarray, shown: np.ndarray) -> Iterator[FaintView]:
    """Yield the view in units of noise at each of ``SCALES``, finest first, where it shows a structure that ``shown`` does not, or values
    differ where ``shown`` is flat.

    Parameters
    ----------
    frame
        Stored values, ``(rows, columns)`` or ``(rows, columns, 3)``, of any type.
    shown
        uint8, of the same rows and columns: the frame as displayed, which is searched separately.
    """
    levels, brightness = as_levels(frame), max_channel(shown)
    for scale in SCALES:
        if scale < 1 and max(brightness.shape) * scale < MIN_SCALED_SIDE:
            return
        view = _faint_view(_resize(levels, scale), _resize(brightness, scale), scale)
        if view.hidden.any():
            yield view


def equalized_views(levels: np.ndarray, shown: np.ndarray) -> Iterator[FaintView]:
    """Yield two histogram-equalized views, each with where it shows contrast that ``shown`` does not.

    The first is by rank in the whole frame: each range of values gets as many grey levels as there are pixels in it. The second is local
    (CLAHE: contrast-limited adaptive histogram equalization, Zuiderveld, Graphics Gems IV, 1994). Large dim letters over anatomy are found
    neither in the noise views nor as shown, if the window is wide or lies elsewhere.

    Parameters
    ----------
    levels
        As from :func:`as_levels`, ``(rows, columns)`` or ``(rows, columns, 3)``. Values of 8 bits have no such views: with
        at most 256 levels the views in units of noise are enough, and these would mask more anatomy.
    shown
        uint8, of the same rows and columns: the frame as displayed, which is searched separately.
    """
    if levels.dtype == np.uint8:
        return
    values, value_index, counts = np.unique(max_channel(levels), return_inverse=True, return_counts=True)
    if len(values) < 2:
        return
    shown_contrast = _contrast_in_window(max_channel(shown))
    by_rank = ((np.cumsum(counts) - counts / 2) * (255 / counts.sum())).astype(np.uint8)
    by_value = np.rint((values.astype(np.float64) - values[0]) * (65535 / (float(values[-1]) - float(values[0])))).astype(np.uint16)
    value_index = value_index.reshape(levels.shape[:2])
    adaptive = cv2.createCLAHE(CLIP_LIMIT, (EQUALIZATION_TILES, EQUALIZATION_TILES)).apply(by_value[value_index])
    for view in (by_rank[value_index], (adaptive >> 8).astype(np.uint8)):
        contrast = _contrast_in_window(view)
        yield FaintView(view, (contrast >= MIN_STRUCTURE_CONTRAST) & (shown_contrast < SHOWN_CONTRAST_SHARE * contrast), 1.0)


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


def _faint_view(levels: np.ndarray, shown: np.ndarray, scale: float) -> FaintView:
    """The view in units of noise of stored values and the brightness shown, both already at that scale."""
    deviation, noise = _deviation_and_noise(levels)
    in_noise = deviation / np.maximum(noise, MIN_NOISE)
    visible = np.abs(_deviation(shown)) >= VISIBLE_DEVIATION
    near_visible = cv2.dilate(visible.astype(np.uint8), np.ones((2 * VISIBLE_MARGIN + 1,) * 2, np.uint8))
    stands_out = (np.abs(in_noise) >= MIN_DEVIATION_IN_NOISE) & (np.abs(deviation) >= MIN_DEVIATION) & (near_visible == 0)
    ink = cv2.boxFilter(stands_out.astype(np.float32), -1, (WINDOW, WINDOW), normalize=False)
    view = np.clip(in_noise * GAIN + BACKGROUND_LEVEL, 0, 255).astype(np.uint8)
    return FaintView(view, (ink >= MIN_INK) | _is_clipped(levels, shown), scale)


def _is_clipped(levels: np.ndarray, shown: np.ndarray) -> np.ndarray:
    """Where the shown image is flat and the stored values are not, bool ``(rows, columns)``: beyond the ends of a window."""
    stored = levels if levels.ndim == 2 else max_channel(levels)
    if stored.dtype == np.uint8 and np.array_equal(stored, shown):
        return np.zeros(shown.shape, bool)
    is_flat, varies = _contrast_in_window(shown) <= FLAT, _contrast_in_window(stored) > FLAT
    return is_flat & varies


def _contrast_in_window(image: np.ndarray) -> np.ndarray:
    """The difference of the largest and the smallest value around each pixel, float32 ``(rows, columns)``."""
    square = np.ones((WINDOW, WINDOW), np.uint8)
    return cv2.dilate(image, square).astype(np.float32) - cv2.erode(image, square)


def _deviation_and_noise(levels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How far each pixel is from its background, and the noise there, float32 ``(rows, columns)`` in stored levels.

    Of a color image, for each pixel, in the channel in which it stands out most.
    """
    if levels.ndim == 2:
        deviation = _deviation(levels)
        return deviation, _noise(levels, deviation)
    channels = [np.ascontiguousarray(levels[..., number]) for number in range(3)]
    if all(np.array_equal(channels[0], channel) for channel in channels[1:]):
        return _deviation_and_noise(channels[0])
    deviations = np.stack([_deviation(channel) for channel in channels])
    noises = np.stack([_noise(channel, deviation) for channel, deviation in zip(channels, deviations, strict=True)])
    most = np.argmax(np.abs(deviations) / np.maximum(noises, MIN_NOISE), axis=0)[None]
    return np.take_along_axis(deviations, most, 0)[0], np.take_along_axis(noises, most, 0)[0]


def _deviation(levels: np.ndarray) -> np.ndarray:
    """Each pixel less its background, float32 ``(rows, columns)``.

    The background is the mean of an opening followed by a closing and a closing followed by an opening (alternating filters; Serra, "Image
    Analysis and Mathematical Morphology", vol. 2, 1988), which follow edges and leave out strokes, bright and dark.
    """
    square = np.ones((STROKE, STROKE), np.uint8)
    opened, closed = cv2.morphologyEx(levels, cv2.MORPH_OPEN, square), cv2.morphologyEx(levels, cv2.MORPH_CLOSE, square)
    low, high = cv2.morphologyEx(opened, cv2.MORPH_CLOSE, square), cv2.morphologyEx(closed, cv2.MORPH_OPEN, square)
    return levels.astype(np.float32) - (low.astype(np.float32) + high) / 2


def _noise(levels: np.ndarray, deviation: np.ndarray) -> np.ndarray:
    """The standard deviation of the noise at each pixel, float32 ``(rows, columns)``, interpolated between blocks."""
    rows, columns = levels.shape
    sizes = _split_into_blocks(np.abs(deviation))
    rank = int(NOISE_QUANTILE * sizes.shape[2])
    noise = np.partition(sizes, rank, axis=2)[..., rank] / NORMAL_QUANTILE
    noise[_split_into_blocks(_differs_from_neighbors(levels)).mean(axis=2) < MIN_MEASURED_SHARE] = 0
    across, down = noise.shape[1] * BLOCK, noise.shape[0] * BLOCK
    return cv2.resize(noise.astype(np.float32), (across, down), interpolation=cv2.INTER_LINEAR)[:rows, :columns]


def _differs_from_neighbors(levels: np.ndarray) -> np.ndarray:
    """Whether each pixel differs from the one to its right and from the one below, float32 0 or 1."""
    right, below = np.ones(levels.shape, bool), np.ones(levels.shape, bool)
    right[:, :-1] = levels[:, 1:] != levels[:, :-1]
    below[:-1] = levels[1:] != levels[:-1]
    return (right & below).astype(np.float32)


def _split_into_blocks(image: np.ndarray) -> np.ndarray:
    """The pixels by blocks, ``(blocks down, blocks across, pixels)``; the last blocks are filled up with what is at the border."""
    rows, columns = image.shape
    mode: Literal["symmetric", "edge"] = "symmetric" if min(rows, columns) >= BLOCK else "edge"
    padded = np.pad(image, ((0, -rows % BLOCK), (0, -columns % BLOCK)), mode=mode)
    down, across = padded.shape[0] // BLOCK, padded.shape[1] // BLOCK
    return padded.reshape(down, BLOCK, across, BLOCK).transpose(0, 2, 1, 3).reshape(down, across, -1)


def _resize(image: np.ndarray, scale: float) -> np.ndarray:
    if scale == 1:
        return image
    size = max(round(image.shape[1] * scale), 1), max(round(image.shape[0] * scale), 1)
    return cv2.resize(image.astype(np.float32), size, interpolation=cv2.INTER_AREA)
