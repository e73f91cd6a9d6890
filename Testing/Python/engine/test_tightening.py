"""Masks are fitted to what can be seen, and nothing that can be seen at a place of text is given up."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from planted import ink, speckle, write

from PyLogikSlicerLib.detection.grouping import Place
from PyLogikSlicerLib.detection.tightening import tightened, visible_content
from PyLogikSlicerLib.masking import polygon_mask
from PyLogikSlicerLib.text_map import polygon_of_box

ROWS, COLUMNS = 120, 200


def place(box):
    return Place(polygon_of_box(box), ("ppocr x1",))


def mask_of(places):
    return polygon_mask([one.polygon for one in places], ROWS, COLUMNS)


boxes = st.tuples(st.integers(0, 180), st.integers(0, 100), st.integers(4, 90), st.integers(4, 50)).map(
    lambda b: (b[0], b[1], min(b[0] + b[2], COLUMNS), min(b[1] + b[3], ROWS))
)


@settings(max_examples=60, deadline=None)
@given(st.lists(boxes, min_size=1, max_size=6), st.integers(0, 3))
def test_all_that_can_be_seen_at_a_place_stays_masked(found, seed):
    view = write(speckle(ROWS, COLUMNS, seed, 60) if seed else np.zeros((ROWS, COLUMNS), np.uint8), "DOE 1962", 30, 40)
    places = [place(box) for box in found]
    lost = mask_of(places) & ~mask_of(fitted for _, fitted in tightened(places, view)) & visible_content(view)
    assert not lost.any()


def test_the_flat_margin_of_a_generous_box_is_not_masked():
    plain = np.zeros((ROWS, COLUMNS), np.uint8)
    view = write(plain, "DOE", 60, 50)
    ((_, fitted),) = tightened([place((10, 10, 190, 110))], view)
    text = ink(view, plain)
    assert (mask_of([fitted]) & text).sum() == text.sum()
    assert mask_of([fitted]).sum() < 3 * np.ptp(np.nonzero(text)[0]) * np.ptp(np.nonzero(text)[1])


def test_a_letter_that_a_box_cuts_is_masked_whole():
    plain = np.zeros((ROWS, COLUMNS), np.uint8)
    view = write(plain, "DOE", 60, 40, 255, 40)
    text = ink(view, plain)
    left = int(np.nonzero(text.any(axis=0))[0][0])
    ((_, fitted),) = tightened([place((left + 8, 20, 190, 100))], view)
    assert not (text & ~mask_of([fitted])).any()


def test_two_lines_taken_for_one_give_way_to_the_lines():
    view = write(write(np.zeros((ROWS, COLUMNS), np.uint8), "DOE JOHN", 20, 20), "1962", 20, 60)
    lines = [place((16, 16, 120, 42)), place((16, 56, 80, 82))]
    kept = [seen for seen, _ in tightened([place((10, 10, 150, 90)), *lines], view)]
    assert kept == lines


def test_a_place_whose_text_no_other_holds_stays():
    view = write(write(np.zeros((ROWS, COLUMNS), np.uint8), "DOE JOHN", 20, 20), "1962", 20, 60)
    both = [place((10, 10, 150, 90)), place((16, 16, 120, 42))]
    assert len(tightened(both, view)) == 2
