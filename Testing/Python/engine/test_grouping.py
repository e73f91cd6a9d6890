"""What several passes detected of one text becomes one line; nothing that was detected is lost on the way."""

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from PyLogikSlicerLib.core.geometry import Box
from PyLogikSlicerLib.core.masking import polygon_mask
from PyLogikSlicerLib.detection.grouping import group_detections
from PyLogikSlicerLib.detection.passes import Detection

ROWS, COLUMNS = 120, 200


def detection(box, score=0.9, engine="ppocr x1"):
    return Detection(Box(*box).polygon, score, engine)


boxes = st.tuples(st.integers(-20, 190), st.integers(-20, 110), st.integers(3, 80), st.integers(3, 30)).map(
    lambda b: (b[0], b[1], b[0] + b[2], b[1] + b[3])
)


@given(st.lists(boxes, max_size=8), st.lists(st.floats(0, 180), max_size=8))
@example([(-17, 3, 2, 6)], [15.0])
def test_every_pixel_that_was_detected_lies_in_a_line(upright, angles):
    seen = [detection(box) for box in upright]
    seen += [Detection(tuple(map(tuple, turned(box, angle))), 0.8, "ppocr x2") for box, angle in zip(upright, angles, strict=False)]
    lines = group_detections(seen, ROWS, COLUMNS)
    found = polygon_mask([line.polygon for line in lines], ROWS, COLUMNS)
    for one in seen:
        wanted = polygon_mask([shrunk(one.polygon)], ROWS, COLUMNS)
        assert not (wanted & ~found).any()


def turned(box, degrees):
    centre = np.array([(box[0] + box[2]) / 2, (box[1] + box[3]) / 2])
    angle = np.radians(degrees)
    return (np.array(Box(*box).polygon) - centre) @ np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]]) + centre


def shrunk(polygon):
    """By what rasterising a polygon adds, so that detection and line are compared by their own extent."""
    corners = np.asarray(polygon, float)
    centre = corners.mean(axis=0)
    reach = np.linalg.norm(corners - centre, axis=1, keepdims=True)
    return centre + (corners - centre) * np.maximum(reach - 2.5, 0) / np.maximum(reach, 1e-9)


def test_detections_of_one_line_at_three_scales_become_one_line_that_names_the_highest_score_first():
    lines = group_detections(
        [detection((20, 20, 90, 34)), detection((22, 21, 92, 35), 0.97, "ppocr x2"), detection((18, 19, 91, 36), 0.5, "ppocr x0.5")],
        ROWS,
        COLUMNS,
    )
    assert len(lines) == 1
    assert lines[0].found_by == ("ppocr x2", "ppocr x1", "ppocr x0.5")


def test_two_lines_under_each_other_stay_two_lines():
    lines = group_detections([detection((20, 20, 90, 34)), detection((20, 40, 90, 54))], ROWS, COLUMNS)
    assert [line.box[1] for line in lines] == [18, 38]


def test_a_detection_beyond_the_border_is_cut_at_the_border():
    (line,) = group_detections([detection((-10, -5, 30, 12))], ROWS, COLUMNS)
    assert line.box == (0, 0, 32, 14)


def test_rotated_text_keeps_its_polygon():
    corners = tuple(map(tuple, turned((40, 50, 140, 64), 30)))
    (line,) = group_detections([Detection(corners, 0.9, "ppocr x1")], ROWS, COLUMNS)
    assert polygon_mask([line.polygon], ROWS, COLUMNS).sum() < 0.6 * (line.box[2] - line.box[0]) * (line.box[3] - line.box[1])


def test_a_letter_inside_a_box_as_large_as_an_organ_is_not_made_one_with_it():
    lines = group_detections(
        [detection((20, 10, 180, 110), 0.5, "ppocr x0.25"), detection((60, 50, 70, 64), 0.9, "glyphs x1")], ROWS, COLUMNS
    )
    assert len(lines) == 2


def test_a_line_that_stands_is_not_made_one_with_a_line_that_crosses_it():
    lines = group_detections([detection((20, 40, 90, 54)), detection((84, 38, 94, 58), 0.9, "glyphs x1")], ROWS, COLUMNS)
    assert len(lines) == 2


ROTATED, LARGE = (60, 40, 120, 55), (20, 20, 180, 90)


def rotated(box, engine, granularity):
    return Detection(tuple(map(tuple, turned(box, 20))), 0.8, engine, granularity=granularity)


def test_rotated_text_that_readers_of_both_granularities_detected_counts_for_both():
    word, letters = rotated(ROTATED, "ppocr x1", "words"), rotated((62, 41, 121, 54), "glyphs x1", "letters")
    lines = group_detections([word, letters], ROWS, COLUMNS)
    assert len(lines) == 2
    assert all(set(line.found_by) == {"ppocr x1", "glyphs x1"} and line.by_word_reader for line in lines)


def test_rotated_text_and_a_box_around_it_by_the_other_granularity_count_for_both():
    around = Detection(Box(60, 32, 118, 64).polygon, 0.8, "glyphs x1", granularity="letters")
    lines = group_detections([rotated(ROTATED, "ppocr x1", "words"), around], ROWS, COLUMNS)
    assert [len(line.found_by) for line in lines] == [2, 2]


def test_rotated_text_of_one_granularity_or_inside_something_large_counts_once():
    twice = [rotated(ROTATED, "ppocr x1", "words"), rotated(ROTATED, "ppocr x0.5", "words")]
    somewhere = [rotated(LARGE, "ppocr x1", "words"), rotated(ROTATED, "glyphs x1", "letters")]
    for seen in (twice, somewhere):
        assert [len(line.found_by) for line in group_detections(seen, ROWS, COLUMNS)] == [1, 1]
