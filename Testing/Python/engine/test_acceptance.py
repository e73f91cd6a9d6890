"""Which candidate lines are accepted as text, and which are anatomy that looks like letters."""

import pytest

from PyLogikSlicerLib.core.geometry import Box
from PyLogikSlicerLib.detection.acceptance import is_accepted, is_too_large
from PyLogikSlicerLib.detection.text_line import TextLine

LETTER, LINE, STANDING = (10, 10, 20, 22), (10, 10, 80, 22), (10, 10, 22, 80)


@pytest.mark.parametrize(
    "box,passes,known,text,confidence,is_text",
    [
        (LETTER, 1, {"by_word_reader": False}, "7", 0.95, True),
        (LETTER, 1, {"by_word_reader": False}, "7", 0.92, False),
        (LETTER, 1, {"by_word_reader": False}, "7L", 0.92, True),
        (LETTER, 1, {"by_word_reader": False}, "7", 0.5, False),
        (LETTER, 1, {"by_word_reader": False, "conclusive": True}, "", 0.0, True),
        (LETTER, 3, {"by_word_reader": False}, "7", 0.5, True),
        (LETTER, 3, {"by_word_reader": False, "conclusive": True}, "+", 0.8, False),
        (LETTER, 3, {"by_word_reader": False, "conclusive": True}, "二", 0.97, False),
        (LINE, 1, {"by_word_reader": False}, "一月", 0.95, True),
        (LINE, 1, {"by_word_reader": False, "conclusive": True}, "-----", 0.8, False),
        (LINE, 1, {"by_word_reader": False, "conclusive": True}, ".", 0.8, True),
        (STANDING, 1, {"by_word_reader": False, "conclusive": True}, "-----", 0.8, False),
        (STANDING, 1, {"by_word_reader": False, "conclusive": True}, ".", 0.8, True),
        (LETTER, 1, {}, "7", 0.5, False),
        (LETTER, 2, {}, "7", 0.5, True),
        (LINE, 1, {}, "", 0.0, False),
        (LINE, 2, {}, "", 0.0, True),
        (LINE, 1, {}, "DOE", 0.6, True),
        (LINE, 1, {}, "---", 0.6, False),
    ],
)
def test_what_is_accepted_of_what_was_detected(box, passes, known, text, confidence, is_text):
    line = TextLine(Box(*box).polygon, tuple(f"pass {number}" for number in range(passes)), **known)
    assert is_accepted(line, text, confidence) is is_text


@pytest.mark.parametrize(
    "box,rows,columns,too_large",
    [
        ((0, 0, 30, 30), 100, 100, True),
        ((0, 0, 24, 24), 100, 100, False),
        ((0, 0, 90, 30), 100, 100, False),
        ((0, 0, 90, 70), 100, 100, True),
        ((0, 0, 8, 30), 32, 8, True),
        ((0, 0, 150, 150), 300, 300, False),
    ],
)
def test_what_is_too_large_for_an_image_is_text_only_where_it_can_be_read(box, rows, columns, too_large):
    line = TextLine(Box(*box).polygon, ("one", "two", "three"), conclusive=True)
    assert is_too_large(line, rows, columns) is too_large
    assert is_accepted(line, "C", 0.8, too_large) is not too_large
    assert is_accepted(line, "C", 0.8, too_large, averaged=True) is not too_large
    assert is_accepted(line, "C", 0.96, too_large)
