"""Masks are fitted to what can be seen, and nothing that can be seen at a place of text is given up."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from planted import ink, speckle, write

from PyLogikSlicerLib.core.geometry import Box
from PyLogikSlicerLib.core.masking import polygon_mask
from PyLogikSlicerLib.detection.text_line import TextLine
from PyLogikSlicerLib.detection.tightening import FLAT, local_contrast, tighten_lines

ROWS, COLUMNS = 120, 200


def line(box):
    return TextLine(Box(*box).polygon, ("ppocr x1",))


def mask_of(lines):
    return polygon_mask([one.polygon for one in lines], ROWS, COLUMNS)


boxes = st.tuples(st.integers(0, 180), st.integers(0, 100), st.integers(4, 90), st.integers(4, 50)).map(
    lambda b: (b[0], b[1], min(b[0] + b[2], COLUMNS), min(b[1] + b[3], ROWS))
)


@settings(max_examples=60, deadline=None)
@given(st.lists(boxes, min_size=1, max_size=6), st.integers(0, 3))
def test_all_that_can_be_seen_at_a_place_stays_masked(found, seed):
    view = write(speckle(ROWS, COLUMNS, seed, 60) if seed else np.zeros((ROWS, COLUMNS), np.uint8), "DOE 1962", 30, 40)
    lines = [line(box) for box in found]
    lost = mask_of(lines) & ~mask_of(fitted for _, fitted in tighten_lines(lines, view))
    assert local_contrast(view)[lost].max(initial=0) <= FLAT


def test_not_even_the_feet_of_letters_that_another_box_cuts_are_given_up():
    plain = np.zeros((ROWS, COLUMNS), np.uint8)
    view = write(write(plain, "C5-1 Gn 60", 20, 20), "28Hz", 20, 38)  # lines so close that their letters touch
    text = ink(view, plain)
    bottom = int(np.nonzero(text[:36].any(axis=1))[0][-1]) + 1
    lines = [line((10, 10, 150, 70)), line((16, 16, 140, bottom - 2)), line((16, bottom + 2, 70, 56))]
    assert not (text & ~mask_of(fitted for _, fitted in tighten_lines(lines, view))).any()


def test_a_lone_place_gives_up_nothing_that_can_be_seen():
    view = write(speckle(ROWS, COLUMNS, 1, 60), "DOE 1962", 30, 40)
    for box in ((10, 20, 150, 90), (20, 30, 60, 60), (0, 0, COLUMNS, ROWS)):
        lost = mask_of([line(box)]) & ~mask_of(fitted for _, fitted in tighten_lines([line(box)], view))
        assert local_contrast(view)[lost].max(initial=0) <= FLAT


def test_a_place_that_holds_another_line_shrinks_to_its_own():
    plain = np.zeros((ROWS, COLUMNS), np.uint8)
    view = write(write(plain, "DOE JOHN", 20, 20), "1962", 20, 70)
    upper = line((16, 16, 120, 42))
    _, rest = sorted((fitted for _, fitted in tighten_lines([line((10, 10, 190, 100)), upper], view)), key=lambda one: one.box[1])
    text = ink(write(plain, "1962", 20, 70), plain)
    assert not (text & ~mask_of([rest])).any()
    assert mask_of([rest]).sum() < 0.3 * 180 * 90


def test_dim_text_beside_bright_text_is_not_taken_for_the_ground():
    plain = np.zeros((ROWS, COLUMNS), np.uint8)
    view = write(write(plain, "DOE JOHN", 20, 20), "1962", 20, 70, 60)
    lines = [line((10, 10, 150, 100)), line((16, 16, 120, 42))]
    text = np.abs(view.astype(int) - write(plain, "DOE JOHN", 20, 20)) > 20
    assert not (text & ~mask_of(fitted for _, fitted in tighten_lines(lines, view))).any()


def test_the_flat_margin_of_a_generous_box_is_not_masked():
    plain = np.zeros((ROWS, COLUMNS), np.uint8)
    view = write(plain, "DOE", 60, 50)
    ((_, fitted),) = tighten_lines([line((10, 10, 190, 110))], view)
    text = ink(view, plain)
    assert (mask_of([fitted]) & text).sum() == text.sum()
    assert mask_of([fitted]).sum() < 3 * np.ptp(np.nonzero(text)[0]) * np.ptp(np.nonzero(text)[1])


def test_a_letter_that_a_box_cuts_is_masked_whole():
    plain = np.zeros((ROWS, COLUMNS), np.uint8)
    view = write(plain, "DOE", 60, 40, 255, 40)
    text = ink(view, plain)
    left = int(np.nonzero(text.any(axis=0))[0][0])
    ((_, fitted),) = tighten_lines([line((left + 8, 20, 190, 100))], view)
    assert not (text & ~mask_of([fitted])).any()


def test_two_lines_taken_for_one_give_way_to_the_lines():
    view = write(write(np.zeros((ROWS, COLUMNS), np.uint8), "DOE JOHN", 20, 20), "1962", 20, 60)
    lines = [line((16, 16, 120, 42)), line((16, 56, 80, 82))]
    kept = [seen for seen, _ in tighten_lines([line((10, 10, 150, 90)), *lines], view)]
    assert kept == lines


def test_a_place_whose_text_no_other_holds_stays():
    view = write(write(np.zeros((ROWS, COLUMNS), np.uint8), "DOE JOHN", 20, 20), "1962", 20, 60)
    both = [line((10, 10, 150, 90)), line((16, 16, 120, 42))]
    assert len(tighten_lines(both, view)) == 2
