"""What several looks saw of one piece of text becomes one place; nothing that was seen is lost on the way."""

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from PyLogikSlicerLib.core.masking import polygon_mask
from PyLogikSlicerLib.core.text_map import polygon_of_box
from PyLogikSlicerLib.detection.grouping import group
from PyLogikSlicerLib.detection.looks import Sighting

ROWS, COLUMNS = 120, 200


def sighting(box, score=0.9, engine="ppocr x1"):
    return Sighting(polygon_of_box(box), score, engine)


boxes = st.tuples(st.integers(-20, 190), st.integers(-20, 110), st.integers(3, 80), st.integers(3, 30)).map(
    lambda b: (b[0], b[1], b[0] + b[2], b[1] + b[3])
)


@given(st.lists(boxes, max_size=8), st.lists(st.floats(0, 180), max_size=8))
@example([(-17, 3, 2, 6)], [15.0])
def test_every_pixel_that_was_seen_lies_in_a_place(upright, angles):
    seen = [sighting(box) for box in upright]
    seen += [Sighting(tuple(map(tuple, turned(box, angle))), 0.8, "ppocr x2") for box, angle in zip(upright, angles, strict=False)]
    places = group(seen, ROWS, COLUMNS)
    found = polygon_mask([place.polygon for place in places], ROWS, COLUMNS)
    for one in seen:
        wanted = polygon_mask([shrunk(one.polygon)], ROWS, COLUMNS)
        assert not (wanted & ~found).any()


def turned(box, degrees):
    centre = np.array([(box[0] + box[2]) / 2, (box[1] + box[3]) / 2])
    angle = np.radians(degrees)
    return (np.array(polygon_of_box(box)) - centre) @ np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]]) + centre


def shrunk(polygon):
    """By what rasterising a polygon adds, so that sighting and place are compared by their own extent."""
    corners = np.asarray(polygon, float)
    centre = corners.mean(axis=0)
    reach = np.linalg.norm(corners - centre, axis=1, keepdims=True)
    return centre + (corners - centre) * np.maximum(reach - 2.5, 0) / np.maximum(reach, 1e-9)


def test_sightings_of_one_line_at_three_scales_become_one_place_that_names_the_surest():
    places = group(
        [sighting((20, 20, 90, 34)), sighting((22, 21, 92, 35), 0.97, "ppocr x2"), sighting((18, 19, 91, 36), 0.5, "ppocr x0.5")],
        ROWS,
        COLUMNS,
    )
    assert len(places) == 1
    assert places[0].engines == ("ppocr x2", "ppocr x1", "ppocr x0.5")


def test_two_lines_under_each_other_stay_two_places():
    places = group([sighting((20, 20, 90, 34)), sighting((20, 40, 90, 54))], ROWS, COLUMNS)
    assert [place.box[1] for place in places] == [18, 38]


def test_a_sighting_beyond_the_border_is_cut_at_the_border():
    (place,) = group([sighting((-10, -5, 30, 12))], ROWS, COLUMNS)
    assert place.box == (0, 0, 32, 14)


def test_leaning_text_keeps_its_polygon():
    corners = tuple(map(tuple, turned((40, 50, 140, 64), 30)))
    (place,) = group([Sighting(corners, 0.9, "ppocr x1")], ROWS, COLUMNS)
    assert polygon_mask([place.polygon], ROWS, COLUMNS).sum() < 0.6 * (place.box[2] - place.box[0]) * (place.box[3] - place.box[1])


def test_a_letter_inside_a_box_as_large_as_an_organ_is_not_made_one_with_it():
    places = group([sighting((20, 10, 180, 110), 0.5, "ppocr x0.25"), sighting((60, 50, 70, 64), 0.9, "glyphs x1")], ROWS, COLUMNS)
    assert len(places) == 2


def test_a_line_that_stands_is_not_made_one_with_a_line_that_crosses_it():
    places = group([sighting((20, 40, 90, 54)), sighting((84, 38, 94, 58), 0.9, "glyphs x1")], ROWS, COLUMNS)
    assert len(places) == 2


LEANING, LARGE = (60, 40, 120, 55), (20, 20, 180, 90)


def leaning(box, engine, sees):
    return Sighting(tuple(map(tuple, turned(box, 20))), 0.8, engine, sees=sees)


def test_what_both_kinds_of_readers_saw_leaning_counts_for_both():
    word, letters = leaning(LEANING, "ppocr x1", "words"), leaning((62, 41, 121, 54), "glyphs x1", "letters")
    places = group([word, letters], ROWS, COLUMNS)
    assert len(places) == 2
    assert all(set(place.engines) == {"ppocr x1", "glyphs x1"} and place.worded for place in places)


def test_so_does_what_was_seen_as_a_box_around_it():
    around = Sighting(polygon_of_box((60, 32, 118, 64)), 0.8, "glyphs x1", sees="letters")
    places = group([leaning(LEANING, "ppocr x1", "words"), around], ROWS, COLUMNS)
    assert [len(place.engines) for place in places] == [2, 2]


def test_what_one_kind_saw_twice_or_somewhere_in_something_large_counts_once():
    twice = [leaning(LEANING, "ppocr x1", "words"), leaning(LEANING, "ppocr x0.5", "words")]
    somewhere = [leaning(LARGE, "ppocr x1", "words"), leaning(LEANING, "glyphs x1", "letters")]
    for seen in (twice, somewhere):
        assert [len(place.engines) for place in group(seen, ROWS, COLUMNS)] == [1, 1]
