"""Boxes end where letters were seen to end, and no kernel that a reader marked is given up."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from PyLogikSlicerLib.core.geometry import Box, bounding_box
from PyLogikSlicerLib.core.masking import polygon_mask
from PyLogikSlicerLib.detection.extents import fit_to_letters
from PyLogikSlicerLib.detection.passes import Detection

SIDE = 200


def word(kernel, grown, engine="ppocr x1"):
    return Detection(Box(*grown).polygon, 0.9, engine, kernels=(Box(*kernel).polygon,))


def letters(*boxes, scale=1.0, conclusive=False):
    low, high = np.min(boxes, axis=0)[:2], np.max(boxes, axis=0)[2:]
    polygon = Box(int(low[0]), int(low[1]), int(high[0]), int(high[1])).polygon
    return Detection(
        polygon, 0.8, f"glyphs x{scale:g}", conclusive, "letters", kernels=tuple(Box(*box).polygon for box in boxes), scale=scale
    )


def boxes_of(detections):
    return [bounding_box(detection.polygon) for detection in detections]


def test_a_word_ends_where_its_letters_end():
    seen = fit_to_letters([word((20, 50, 120, 60), (10, 40, 130, 70)), letters((15, 46, 60, 64), (64, 46, 124, 64))])
    assert boxes_of(seen) == [(15, 46, 124, 64)] * 2


def test_an_upright_column_of_letters_too():
    seen = fit_to_letters([word((50, 20, 60, 120), (40, 10, 70, 130)), letters((46, 15, 64, 60), (46, 64, 64, 124))])
    assert boxes_of(seen)[0] == (46, 15, 64, 124)


def test_an_end_that_no_letter_reaches_stays_where_the_reader_guessed():
    seen = fit_to_letters([word((20, 50, 120, 60), (10, 40, 130, 70)), letters((15, 46, 110, 64))])
    assert boxes_of(seen)[0] == (15, 46, 130, 64)


def test_letters_on_half_of_a_word_say_nothing_of_the_other_half():
    both = [word((20, 50, 120, 60), (10, 40, 130, 70)), letters((15, 46, 70, 64))]
    assert fit_to_letters(both) == both


def test_fragments_of_letters_say_nothing_of_their_height():
    both = [word((20, 50, 120, 70), (10, 40, 130, 80)), letters((15, 46, 124, 60))]
    assert fit_to_letters(both) == both


def test_a_letter_alone_keeps_what_it_stands_on():
    both = [word((50, 50, 62, 64), (42, 42, 70, 72)), letters((50, 50, 62, 64))]
    assert fit_to_letters(both) == both


def test_what_a_coarse_pass_took_for_one_word_is_what_a_finer_one_detected():
    near, far = letters((10, 10, 60, 24)), letters((10, 60, 60, 74))
    coarse = letters((8, 8, 64, 28), (8, 56, 64, 76), scale=0.5, conclusive=True)
    seen = fit_to_letters([near, far, coarse])
    assert boxes_of(seen) == [*boxes_of([near, far]), *boxes_of([near, far])]
    assert [one.conclusive for one in seen] == [False, False, True, True] and {one.found_by for one in seen[2:]} == {coarse.found_by}


def test_what_only_the_coarse_pass_detected_stays():
    coarse = letters((8, 8, 64, 28), (8, 56, 64, 76), (80, 56, 90, 76), scale=0.5)
    assert boxes_of(fit_to_letters([letters((10, 10, 60, 24)), coarse]))[1:] == [(10, 10, 60, 24), (8, 56, 64, 76), (80, 56, 90, 76)]


def test_the_first_letter_of_those_that_touch_is_not_lost_when_only_the_coarse_pass_detected_it():
    coarse = letters((8, 8, 128, 38), scale=0.5, conclusive=True)
    assert boxes_of(fit_to_letters([letters((30, 10, 126, 36)), coarse]))[1:] == [(30, 10, 126, 36), (8, 8, 30, 38)]
    upright = letters((8, 8, 38, 128), scale=0.5)
    assert boxes_of(fit_to_letters([letters((10, 10, 36, 110)), upright]))[1:] == [(10, 10, 36, 110), (8, 110, 38, 128)]


def test_neither_is_the_stem_of_the_first_letter():
    coarse = letters((264, 24, 292, 136), scale=0.5)
    assert boxes_of(fit_to_letters([letters((267, 29, 289, 132)), coarse]))[1:] == [(267, 29, 289, 132), (264, 24, 292, 29)]


spans = st.tuples(st.integers(0, 150), st.integers(0, 150), st.integers(3, 50), st.integers(3, 50))
box = spans.map(lambda s: (s[0], s[1], s[0] + s[2], s[1] + s[3]))
words = st.tuples(box, st.integers(0, 12)).map(lambda w: word(w[0], (w[0][0] - w[1], w[0][1] - w[1], w[0][2] + w[1], w[0][3] + w[1])))
lines = st.tuples(st.lists(box, min_size=1, max_size=4), st.sampled_from([0.5, 1.0, 2.0])).map(lambda g: letters(*g[0], scale=g[1]))


@given(st.lists(st.one_of(words, lines), max_size=6))
def test_nothing_becomes_larger_and_no_kernel_of_a_word_is_lost(detections):
    found = fit_to_letters(detections)
    before, after = (polygon_mask([one.polygon for one in which], SIDE, SIDE) for which in (detections, found))
    kernels = polygon_mask([kernel for one in detections if one.granularity == "words" for kernel in one.kernels], SIDE, SIDE)
    assert not (after & ~before).any() and not (kernels & ~after).any()
    assert {one.found_by for one in found} == {one.found_by for one in detections}
