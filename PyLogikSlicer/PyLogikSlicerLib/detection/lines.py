"""Reading what was found: the line of text at a place, cut out upright, and what a reader reads in it."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from .boxes import clip
from .grouping import Place
from .reader import TextReader

# Taller than wide by this much, a box holds a line that runs up or down the image.
VERTICAL_RATIO = 1.5


def read_lines(view: np.ndarray, places: Sequence[Place], readers: Sequence[TextReader]) -> list[tuple[str, float]]:
    """(text, confidence) at each of the places in ``view``, uint8 ``(rows, columns[, 3])``, by the first reader that reads."""
    reader = next((reader for reader in readers if hasattr(reader, "recognise")), None)
    if reader is None or not places:
        return [("", 0.0)] * len(places)
    owners, crops = [], []
    for number, place in enumerate(places):
        for line in upright_lines(view, place):
            owners.append(number)
            crops.append(line)
    best: list[tuple[str, float]] = [("", 0.0)] * len(places)
    for number, line in zip(owners, reader.recognise(crops), strict=True):
        best[number] = max(best[number], line, key=lambda read: read[1])
    return best


def upright_lines(view: np.ndarray, place: Place) -> list[np.ndarray]:
    """The line at ``place``, uint8 RGB, turned to run to the right; both ways where it runs along a column, and as it is too
    where it may be a letter or a short word that stands. Copies: a crop that is a part of the view would keep all of it in memory."""
    box = clip(place.box, *view.shape[:2])
    if box is None:
        return []
    x0, y0, x1, y1 = box
    part = view[y0:y1, x0:x1]
    color = cv2.cvtColor(np.ascontiguousarray(part), cv2.COLOR_GRAY2RGB) if part.ndim == 2 else part.copy()
    corners = np.asarray(place.polygon, np.float32)
    edges = np.diff(corners, axis=0, append=corners[:1])
    line = color if (edges == 0).any(axis=1).all() else _levelled(color, corners - np.float32((x0, y0)))
    rows, columns = line.shape[:2]
    standing = [np.ascontiguousarray(np.rot90(line, turns)) for turns in (1, 3)]
    if rows > VERTICAL_RATIO * columns:
        return standing
    return [line] if columns > rows else [line, *standing]


def _levelled(colour: np.ndarray, corners: np.ndarray) -> np.ndarray:
    """The rotated rectangle ``corners`` as an upright image, its longer side as columns."""
    (x, y), (width, height), angle = cv2.minAreaRect(corners)
    if width < height:
        width, height, angle = height, width, angle - 90
    # Of the two ways to lay a line level, the smaller turn: text is seldom upside down.
    turn = cv2.getRotationMatrix2D((float(x), float(y)), float((angle + 90) % 180 - 90), 1.0)
    turn[:, 2] += (width / 2 - x, height / 2 - y)
    return cv2.warpAffine(colour, turn, (max(int(width), 1), max(int(height), 1)), borderMode=cv2.BORDER_REPLICATE)
