"""Recognition: detected lines are cut out, turned upright, and read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeGuard

import cv2
import numpy as np

from .reader import LineReader, Reading, TextReader
from .text_line import TextLine

# A crop more than this many times as high as wide is read only as a line running up or down.
VERTICAL_RATIO = 1.5


def read_lines(view: np.ndarray, lines: Sequence[TextLine], readers: Sequence[TextReader]) -> list[Reading]:
    """Read each line with the first reader that can recognize text.

    Of the directions in which a line may run, the most confident reading is returned; ("", 0.0) where nothing is read or no reader can.
    ``view``: the image that the lines are in, uint8 ``(rows, columns[, 3])``.
    """
    reader = next((reader for reader in readers if _can_recognize(reader)), None)
    if reader is None or not lines:
        return [("", 0.0)] * len(lines)
    numbers, crops = [], []
    for number, line in enumerate(lines):
        for crop in upright_crops(view, line):
            numbers.append(number)
            crops.append(crop)
    best: list[Reading] = [("", 0.0)] * len(lines)
    for number, reading in zip(numbers, reader.recognize(crops), strict=True):
        best[number] = max(best[number], reading, key=lambda text_and_confidence: text_and_confidence[1])
    return best


def _can_recognize(reader: TextReader) -> TypeGuard[LineReader]:
    return hasattr(reader, "recognize")


def upright_crops(view: np.ndarray, line: TextLine) -> list[np.ndarray]:
    """The line cut out, uint8 RGB, turned so that its text runs to the right: one crop for each direction in which it may run.

    A crop that is clearly higher than wide runs up or down. One that is a little higher than wide may also be a letter or a short word, so
    it is read as it is too. The crops are copies: a slice would keep the whole view in memory.
    """
    box = line.box.clip(*view.shape[:2])
    if box is None:
        return []
    part = view[box.slices]
    color = cv2.cvtColor(np.ascontiguousarray(part), cv2.COLOR_GRAY2RGB) if part.ndim == 2 else part.copy()
    corners = np.asarray(line.polygon, np.float32)
    edges = np.diff(corners, axis=0, append=corners[:1])
    is_upright = (edges == 0).any(axis=1).all()  # each edge runs along x or along y
    crop = color if is_upright else _rotate_level(color, corners - np.array((box.x0, box.y0), np.float32))
    rows, columns = crop.shape[:2]
    quarter_turns = [np.ascontiguousarray(np.rot90(crop, turns)) for turns in (1, 3)]
    if rows > VERTICAL_RATIO * columns:
        return quarter_turns
    return [crop] if columns > rows else [crop, *quarter_turns]


def _rotate_level(image: np.ndarray, corners: np.ndarray) -> np.ndarray:
    """The rotated rectangle ``corners`` ``(4, 2)`` of an image as an upright image, its longer side horizontal."""
    (x, y), (width, height), angle = cv2.minAreaRect(corners)
    if width < height:
        width, height, angle = height, width, angle - 90
    # Of the two ways to lay a line level, the smaller turn: text is seldom upside down.
    turn = cv2.getRotationMatrix2D((float(x), float(y)), float((angle + 90) % 180 - 90), 1.0)
    turn = turn + np.array([(0.0, 0.0, width / 2 - x), (0.0, 0.0, height / 2 - y)])
    return cv2.warpAffine(image, turn, (max(int(width), 1), max(int(height), 1)), borderMode=cv2.BORDER_REPLICATE)
