"""Regions of interest that a person gives: the pixels that they have, and what becomes of them and of templates in a run."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from PyLogikSlicerLib.core.errors import NoRegionFound
from PyLogikSlicerLib.core.geometry import Box
from PyLogikSlicerLib.roi.given import given_region

ROWS, COLUMNS = 90, 120


def pixels_of(*boxes) -> np.ndarray:
    """The pixels of half-open boxes (x0, y0, x1, y1), as far as they lie in the frame."""
    mask = np.zeros((ROWS, COLUMNS), bool)
    for box in boxes:
        clipped = Box(*box).clip(ROWS, COLUMNS)
        if clipped:
            mask[clipped.slices] = True
    return mask


def corners(x0, y0, x1, y1):
    """A box as a polygon."""
    return (x0, y0, x1, y0, x1, y1, x0, y1)


def other_way_round(x0, y0, x1, y1):
    return (x0, y0, x0, y1, x1, y1, x1, y0)


sides = st.tuples(st.integers(-200, 300), st.integers(1, 200))


@given(sides, sides)
def test_a_box_has_the_pixels_of_a_half_open_box_and_so_has_the_polygon_of_its_corners(horizontal, vertical):
    (x0, width), (y0, height) = horizontal, vertical
    box = (x0, y0, x0 + width, y0 + height)
    expected = pixels_of(box)
    for numbers in (box, corners(*box), other_way_round(*box)):
        if expected.any():
            roi = given_region(numbers, ROWS, COLUMNS)
            assert np.array_equal(roi.mask(), expected) and roi.crop == Box(*box).clip(ROWS, COLUMNS)
        else:
            with pytest.raises(NoRegionFound, match="120 columns and 90 rows"):
                given_region(numbers, ROWS, COLUMNS)


@given(st.integers(-5, 5), st.integers(-5, 5), st.booleans())
def test_a_region_with_a_notch_has_no_pixel_of_the_notch_wherever_it_lies(x, y, closed):
    outline = [(10, 10), (40, 10), (40, 50), (60, 50), (60, 10), (90, 10), (90, 70), (10, 70), *([(10, 10)] if closed else [])]
    numbers = [number for a, b in outline for number in (a + x, b + y)]
    expected = pixels_of((10 + x, 10 + y, 90 + x, 70 + y)) & ~pixels_of((40 + x, 10 + y, 60 + x, 50 + y))
    assert np.array_equal(given_region(numbers, ROWS, COLUMNS).mask(), expected)


@given(st.lists(st.tuples(st.floats(-400, 500), st.floats(-400, 500)), min_size=3, max_size=3))
def test_a_triangle_has_the_pixels_within_it_and_those_that_its_outline_runs_through(points):
    a, b, c = (np.array(point) for point in points)
    y, x = np.mgrid[:ROWS, :COLUMNS] + 0.5
    turn = np.sign((b - a)[0] * (c - a)[1] - (b - a)[1] * (c - a)[0])
    lengths = [np.linalg.norm(end - start) for start, end in ((a, b), (b, c), (c, a))]
    if turn == 0 or min(lengths) < 1:
        return
    within = [
        turn * ((end - start)[0] * (y - start[1]) - (end - start)[1] * (x - start[0])) / length
        for (start, end), length in zip(((a, b), (b, c), (c, a)), lengths, strict=True)
    ]
    depth = np.min(within, axis=0)
    try:
        mask = given_region([number for point in points for number in point], ROWS, COLUMNS).mask()
    except NoRegionFound:
        mask = np.zeros((ROWS, COLUMNS), bool)
    # Vertices are rounded to pixels, also those where the outline is cut, and pixels of the outline belong to the region.
    assert mask[depth > 1.6].all() and not mask[depth < -1.6].any()


def test_fractions_of_pixels_take_the_pixels_that_they_lie_in():
    assert given_region((10.2, 20.5, 30.01, 39.999), ROWS, COLUMNS).crop == (10, 20, 31, 40)


@pytest.mark.parametrize("far", [1e4, 1e6, 1e9])
def test_a_region_may_reach_far_beyond_the_image(far):
    roi = given_region((60, -far, far, far), ROWS, COLUMNS)
    assert np.array_equal(roi.mask(), pixels_of((60, 0, COLUMNS, ROWS)))
    around_notch = (-far, -far, far, -far, far, far, 70, far, 70, 10, 50, 10, 50, far, -far, far)
    assert np.array_equal(given_region(around_notch, ROWS, COLUMNS).mask(), ~pixels_of((50, 10, 70, ROWS)))
    with pytest.raises(NoRegionFound):
        given_region((far / 2, 0, far, 10), ROWS, COLUMNS)
