"""What is believed of what readers saw, and what is anatomy that looks like letters."""

import pytest

from PyLogikSlicerLib.core.text_map import polygon_of_box
from PyLogikSlicerLib.detection.belief import believed, is_too_large
from PyLogikSlicerLib.detection.grouping import Place

LETTER, LINE, STANDING = (10, 10, 20, 22), (10, 10, 80, 22), (10, 10, 22, 80)


@pytest.mark.parametrize(
    "box,looks,told,text,confidence,is_text",
    [
        (LETTER, 1, {"worded": False}, "7", 0.95, True),
        (LETTER, 1, {"worded": False}, "7", 0.92, False),
        (LETTER, 1, {"worded": False}, "7L", 0.92, True),
        (LETTER, 1, {"worded": False}, "7", 0.5, False),
        (LETTER, 1, {"worded": False, "certain": True}, "", 0.0, True),
        (LETTER, 3, {"worded": False}, "7", 0.5, True),
        (LETTER, 3, {"worded": False, "certain": True}, "+", 0.8, False),
        (LETTER, 3, {"worded": False, "certain": True}, "二", 0.97, False),
        (LINE, 1, {"worded": False}, "一月", 0.95, True),
        (LINE, 1, {"worded": False, "certain": True}, "-----", 0.8, False),
        (LINE, 1, {"worded": False, "certain": True}, ".", 0.8, True),
        (STANDING, 1, {"worded": False, "certain": True}, "-----", 0.8, False),
        (STANDING, 1, {"worded": False, "certain": True}, ".", 0.8, True),
        (LETTER, 1, {}, "7", 0.5, False),
        (LETTER, 2, {}, "7", 0.5, True),
        (LINE, 1, {}, "", 0.0, False),
        (LINE, 2, {}, "", 0.0, True),
        (LINE, 1, {}, "DOE", 0.6, True),
        (LINE, 1, {}, "---", 0.6, False),
    ],
)
def test_what_is_believed_of_what_was_seen(box, looks, told, text, confidence, is_text):
    place = Place(polygon_of_box(box), tuple(f"look {number}" for number in range(looks)), **told)
    assert believed(place, text, confidence) is is_text


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
    place = Place(polygon_of_box(box), ("one", "two", "three"), certain=True)
    assert is_too_large(place, rows, columns) is too_large
    assert believed(place, "C", 0.8, too_large) is not too_large
    assert believed(place, "C", 0.8, too_large, together=True) is not too_large
    assert believed(place, "C", 0.96, too_large)
