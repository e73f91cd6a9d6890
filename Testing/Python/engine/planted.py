"""Text planted where we know it, over synthetic speckle: what the tests of detection and verification look for."""

from pathlib import Path

import cv2
import numpy as np

from PyLogikSlicerLib.core.stack import Display, Header, ImageStack


def stack_of(frames, display=None, header=None, name="planted") -> ImageStack:
    """An ImageStack of arrays of one shape and type."""
    rows, columns = frames[0].shape[:2]
    channels = 3 if frames[0].ndim == 3 else 1
    return ImageStack(
        source=Path("planted"),
        name=name,
        frame_count=len(frames),
        rows=rows,
        columns=columns,
        channels=channels,
        dtype=frames[0].dtype,
        decode=lambda: iter(frames),
        display=display or Display(),
        header=header or Header(),
    )


def speckle(rows, columns, seed, level=60) -> np.ndarray:
    """Fully developed speckle (Rayleigh amplitudes, correlated over some pixels) inside a fan, black outside; uint8."""
    generator = np.random.default_rng(seed)
    field = generator.normal(size=(2, rows, columns)).astype(np.float32)
    amplitude = np.hypot(*(cv2.GaussianBlur(part, (0, 0), 1.5) for part in field))
    image = np.clip(amplitude / amplitude.mean() * level, 0, 255)
    ys, xs = np.mgrid[:rows, :columns]
    angle = np.arctan2(xs - columns / 2, ys + 0.1 * rows)
    radius = np.hypot(xs - columns / 2, ys + 0.1 * rows)
    return np.where((abs(angle) < 0.7) & (radius > 0.2 * rows) & (radius < 0.95 * rows), image, 0).astype(np.uint8)


def write(image, text, x, y, value=255, height=14) -> np.ndarray:
    """A copy with ``text``, its upper left corner at (x, y), ``height`` pixels high; ``value``: grey level or RGB."""
    result = image.copy()
    scale = height / 22
    cv2.putText(result, text, (x, y + height), cv2.FONT_HERSHEY_SIMPLEX, scale, value, max(1, round(height / 11)), cv2.LINE_AA)
    return result


def ink(with_text, without) -> np.ndarray:
    """Where the text is: pixels it changed by more than anti-aliasing does."""
    jump = np.abs(with_text.astype(int) - without.astype(int))
    return (jump.max(axis=2) if jump.ndim == 3 else jump) > 40
