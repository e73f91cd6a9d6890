"""Acceptance rules: whether a candidate line, with what was read in it, counts as text. Only accepted lines become regions.

Detectors also mark ticks, calipers, skin and bright speckle; these are nine in ten of the rejected candidates.
"""

from __future__ import annotations

import cv2
import numpy as np

from .text_line import TextLine

# Times its height that a box must be wide to hold more than one letter.
ELONGATED = 2.0
# Recognition confidence from which a reading of two characters or more counts as read.
LEGIBLE = 0.9
# The same for a single letter or digit: bones are read as 0 and 1.
LEGIBLE_LETTER = 0.95
# Recognition confidence from which a reading without letters or digits (+, ---) is taken to be the symbols that it says.
SYMBOL = 0.5
# Recognition confidence that is enough for a box longer than a letter, for the mean of several frames, or for a confirmed line of a faint
# view: there noise is rarely read as letters.
LIKELY = 0.5
# Number of passes that detected the same line from which nothing needs to be read there.
AGREEING_PASSES = 3

# Pixels along the longer side up to which an image is so small that anatomy looks like a letter: a head in a slice of functional MRI
# is read as a C.
SMALL_IMAGE = 256
# In a small image, the share of its longer side that a box without a second letter may be high.
MAX_HEIGHT_SHARE = 0.25
# In a small image, the share of it that a box may cover.
MAX_AREA_SHARE = 0.6

# Characters that a recognizer trained on Chinese reads where there are lines: a pleura, ticks, the edge of a window.
STROKE_CHARACTERS = "一二三丨"


def is_accepted(line: TextLine, text: str, confidence: float, too_large: bool = False, averaged: bool = False) -> bool:
    """Whether a candidate line counts as text.

    It does when its text is legible, when a detection is conclusive, when three detections by different readers or passes agree, or when a
    word reader detected it and either another reader or pass did too, or it is at least twice as wide as high and a letter or digit was
    read with confidence ``LIKELY``. Before all that, a reading without letters or digits (``+``, ``---``), of confidence ``SYMBOL`` or
    more, in a box no longer than its characters need, is rejected as a drawn mark if only letter readers detected it.

    Parameters
    ----------
    line
        The candidate.
    text, confidence
        What was read there, and how sure the recognizer is of it, 0 to 1.
    too_large
        The line is too large for text in its image (:func:`is_too_large`): only legible text is accepted.
    averaged
        It was detected in the mean of several frames, in which noise is weak: likely letters are enough.
    """
    width, height = line.box.width, line.box.height
    text_fills_box = max(width, height) <= ELONGATED * min(width, height) * len(text)
    has_letters = _has_letters(text)
    letters_likely = has_letters and confidence >= LIKELY
    if not line.by_word_reader and confidence >= SYMBOL and text and not has_letters and text_fills_box:
        return False
    if is_legible(text, confidence):
        return True
    if too_large:
        return False
    if line.conclusive or len(line.found_by) >= AGREEING_PASSES or (averaged and letters_likely):
        return True
    return line.by_word_reader and (len(line.found_by) > 1 or (letters_likely and width >= ELONGATED * height))


def is_accepted_in_faint_view(line: TextLine, text: str, confidence: float, too_large: bool = False) -> bool:
    """Whether a candidate line of a faint view (:mod:`.faint`) counts as text.

    These views amplify noise, so agreement of passes alone is not enough. A line is *confirmed* when a word reader and at least one other
    reader or pass detected it. Text with at most one letter or digit must be legible and confirmed. Longer text must be legible, or
    confirmed, not ``too_large``, and read with at least ``LIKELY``.
    """
    is_confirmed = line.by_word_reader and len(line.found_by) > 1
    legible = is_legible(text, confidence)
    if _count_alphanumeric(text) < 2:
        return is_confirmed and legible
    return legible or (is_confirmed and not too_large and _has_letters(text) and confidence >= LIKELY)


def is_accepted_in_equalized_view(line: TextLine, text: str, confidence: float, too_large: bool = False) -> bool:
    """Whether a candidate line of an equalized view (:func:`.faint.equalized_views`) counts as text.

    Equalization shows noise as strongly as text, so a single character must meet the rule of the faint view; longer text meets the usual
    rule.
    """
    if _count_alphanumeric(text) < 2:
        return is_accepted_in_faint_view(line, text, confidence, too_large)
    return is_accepted(line, text, confidence, too_large)


def is_too_large(line: TextLine, rows: int, columns: int) -> bool:
    """Whether a candidate in a small image of that size is too large for text: as a letter too high, or covering most of the image."""
    height, length = sorted(cv2.minAreaRect(np.asarray(line.polygon, np.float32))[1])
    side = max(rows, columns)
    is_too_high = height > MAX_HEIGHT_SHARE * side and length < ELONGATED * height
    return side <= SMALL_IMAGE and (is_too_high or height * length > MAX_AREA_SHARE * rows * columns)


def is_legible(text: str, confidence: float) -> bool:
    """Whether the text holds a letter or digit and was read with enough confidence to count as text by itself."""
    return _has_letters(text) and confidence >= (LEGIBLE_LETTER if len(text) == 1 else LEGIBLE)


def _has_letters(text: str) -> bool:
    return any(character.isalnum() and character not in STROKE_CHARACTERS for character in text)


def _count_alphanumeric(text: str) -> int:
    return sum(map(str.isalnum, text))
