"""How bright and how colored each pixel is: colored text and echoes count as bright as their brightest channel."""

from __future__ import annotations

import cv2
import numpy as np


def max_channel(image: np.ndarray) -> np.ndarray:
    """``(rows, columns)`` of uint8 ``(rows, columns[, 3])``; a grey image is returned as it is.

    By OpenCV: NumPy's maximum over a short last axis was most of the time of an unchanged frame.
    """
    if image.ndim == 2:
        return image
    first, second, third = cv2.split(image)
    return cv2.max(cv2.max(first, second), third)


def min_channel(image: np.ndarray) -> np.ndarray:
    """As :func:`max_channel`."""
    if image.ndim == 2:
        return image
    first, second, third = cv2.split(image)
    return cv2.min(cv2.min(first, second), third)


def brightness_and_color(image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The largest channel of each pixel, and how far the pixel is from grey: its largest channel less its smallest; both uint8
    ``(rows, columns)`` of uint8 ``(rows, columns[, 3])``."""
    if image.ndim == 2:
        return image, np.zeros_like(image)
    first, second, third = cv2.split(image)
    brightness = cv2.max(cv2.max(first, second), third)
    return brightness, cv2.subtract(brightness, cv2.min(cv2.min(first, second), third))
