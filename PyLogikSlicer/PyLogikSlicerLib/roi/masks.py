"""Morphological operations on masks and grey levels ``(rows, columns)``; none changes its input."""

from __future__ import annotations

import cv2
import numpy as np


def local_range(level: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The largest minus the smallest level in a window of ``size`` (columns, rows) around each pixel."""
    window = np.ones(size[::-1], np.uint8)
    return cv2.dilate(level, window) - cv2.erode(level, window)


def opening(mask: np.ndarray, unit: int) -> np.ndarray:
    """The mask without anything thinner than about two units: rules, ticks, traces, dotted lines (morphological opening)."""
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * unit + 1, 2 * unit + 1))
    dense = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    core = cv2.morphologyEx(dense, cv2.MORPH_OPEN, kernel)
    return core.astype(bool)


def closing(mask: np.ndarray, radius: int) -> np.ndarray:
    """The mask with gaps of up to twice the radius filled (morphological closing)."""
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    padded = cv2.copyMakeBorder(mask.astype(np.uint8), radius, radius, radius, radius, cv2.BORDER_REPLICATE)
    return cv2.morphologyEx(padded, cv2.MORPH_CLOSE, kernel)[radius:-radius, radius:-radius].astype(bool)


def large_components(mask: np.ndarray, unit: int) -> np.ndarray:
    """The large connected components, holes filled: at least 3 % of the largest one's area, and 0.05 % of the frame."""
    connected = closing(mask, 2 * unit).astype(np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(connected, connectivity=8)
    if count == 1:
        return np.zeros(mask.shape, bool)
    areas = stats[:, cv2.CC_STAT_AREA].copy()
    areas[0] = 0
    keep = areas >= max(0.03 * areas.max(), 0.0005 * mask.size)
    keep[0] = False
    return fill_holes((keep[labels] & (connected > 0)).astype(np.uint8)).astype(bool)


def fill_holes(mask: np.ndarray) -> np.ndarray:
    """``mask`` (uint8, 0 or 1) with all enclosed holes filled."""
    contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    return cv2.drawContours(np.zeros_like(mask), contours, -1, 1, cv2.FILLED)
