"""The largest and smallest channel of each pixel: colored text and echoes count as bright as their brightest channel."""

from __future__ import annotations

import cv2
import numpy as np


def largest(image: np.ndarray) -> np.ndarray:
    """``(rows, columns)`` of uint8 ``(rows, columns[, 3])``; a grey image is returned as it is.

    By OpenCV: NumPy's maximum over a short last axis was most of the time of an unchanged frame.
    """
    if image.ndim == 2:
        return image
    first, second, third = cv2.split(image)
    return cv2.max(cv2.max(first, second), third)


def smallest(image: np.ndarray) -> np.ndarray:
    """As :func:`largest`."""
    if image.ndim == 2:
        return image
    first, second, third = cv2.split(image)
    return cv2.min(cv2.min(first, second), third)


def color(image: np.ndarray) -> np.ndarray:
    """How far each pixel is from grey, its largest channel less its smallest, ``(rows, columns)`` of uint8 ``(rows, columns, 3)``."""
    first, second, third = cv2.split(image)
    return cv2.subtract(cv2.max(cv2.max(first, second), third), cv2.min(cv2.min(first, second), third))
