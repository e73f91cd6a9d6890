"""Belief: whether a place where readers saw something is text. What is not believed is not masked, and what is believed for nothing hides
anatomy."""

from __future__ import annotations

import cv2
import numpy as np

from .grouping import Place

# How wide, in heights, a box must be to hold more than one letter; and how sure a reader must be of a text, of a lone letter (bones
# are read as 0 and 1), or of a symbol; and how sure of what is long enough for a word, or was seen in several frames together, where
# noise is rarely read as a letter.
LONG_RATIO = 2.0
LEGIBLE, LEGIBLE_LETTER, SYMBOL, LIKELY = 0.9, 0.95, 0.5, 0.5
# In an image so small, its longer side in pixels, what cannot be read is anatomy where it is no longer than a letter and higher than this
# share of that side, or covers more than this share of the image: a head in a slice of functional MRI looks like a C.
SMALL, TALLEST, MOST = 256, 0.25, 0.6
# A reader of Chinese reads lines (a pleura, ticks, the edge of a window) as numerals.
LIKE_LINES = "一二三丨"
# So many looks at one place need no reader's word.
AGREED = 3


def believed(place: Place, text: str, confidence: float, too_large: bool = False, together: bool = False) -> bool:
    """Whether to believe what was seen: a letter or digit can be read there, or a reader is certain, or three looks agree, or
    a reader of words saw it and another look agrees or, where it is longer than a letter, letters are likely. What is left are ticks,
    calipers, skin and bright speckle, nine times of ten. What only the reader of letters saw and what reads as symbols (+, ---) that
    fill it, or as lines, is one of these too. ``too_large``: only what is legible is believed. ``together``: whether it was seen in
    several frames taken together."""
    width, height = place.box[2] - place.box[0], place.box[3] - place.box[1]
    filled = max(width, height) <= LONG_RATIO * min(width, height) * len(text)
    letters = _has_letters(text)
    likely = letters and confidence >= LIKELY
    if not place.worded and confidence >= SYMBOL and text and not letters and filled:
        return False
    if is_legible(text, confidence):
        return True
    if too_large:
        return False
    if place.certain or len(place.engines) >= AGREED or (together and likely):
        return True
    return place.worded and (len(place.engines) > 1 or (likely and width >= LONG_RATIO * height))


def believed_faint(place: Place, text: str, confidence: float, too_large: bool = False) -> bool:
    """The same of what a faint view shows. There all noise looks like speckle and every edge like a stroke: a lone letter is text only
    where both kinds of readers saw it and it can be read, more of them where they can be read, or both saw them and they are likely."""
    both = place.worded and len(place.engines) > 1
    legible = is_legible(text, confidence)
    if sum(map(str.isalnum, text)) < 2:
        return both and legible
    return legible or (both and not too_large and _has_letters(text) and confidence >= LIKELY)


def believed_equalized(place: Place, text: str, confidence: float, too_large: bool = False) -> bool:
    """The same of what an equalized view shows. It shows noise as strongly as text: a lone letter must meet the rule of the faint view."""
    if sum(map(str.isalnum, text)) < 2:
        return believed_faint(place, text, confidence, too_large)
    return believed(place, text, confidence, too_large)


def is_too_large(place: Place, rows: int, columns: int) -> bool:
    """Whether a place is too large for a text in an image of that size."""
    height, length = sorted(cv2.minAreaRect(np.asarray(place.polygon, np.float32))[1])
    side = max(rows, columns)
    is_high = height > TALLEST * side and length < LONG_RATIO * height
    return side <= SMALL and (is_high or height * length > MOST * rows * columns)


def is_legible(text: str, confidence: float) -> bool:
    """Whether there is a letter or digit in a reading that is certain enough."""
    return _has_letters(text) and confidence >= (LEGIBLE_LETTER if len(text) == 1 else LEGIBLE)


def _has_letters(text: str) -> bool:
    return any(letter.isalnum() and letter not in LIKE_LINES for letter in text)
