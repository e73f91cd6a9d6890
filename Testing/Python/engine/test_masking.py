"""Masks are exact: what a region names is filled, everything else stays, and corners outside the image never wrap."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from PyLogikSlicerLib.core.geometry import Box
from PyLogikSlicerLib.core.masking import fill_masked, polygon_mask
from PyLogikSlicerLib.core.text_map import Region

ROWS, COLUMNS = 40, 60
edge = st.integers(-30, 90)
corner = st.tuples(st.floats(-30, 90), st.floats(-30, 70))


@given(edge, edge, edge, edge)
def test_a_box_masks_its_pixels_and_no_other_wherever_it_lies(x0, y0, x1, y1):
    x0, x1, y0, y1 = min(x0, x1), max(x0, x1), min(y0, y1), max(y0, y1)
    mask = polygon_mask([Box(x0, y0, x1, y1).polygon], ROWS, COLUMNS)
    ys, xs = np.mgrid[:ROWS, :COLUMNS]
    assert (mask == ((xs >= x0) & (xs < x1) & (ys >= y0) & (ys < y1))).all()


@given(st.lists(corner, min_size=3, max_size=3))
def test_a_polygon_masks_every_pixel_whose_centre_it_holds(corners):
    mask = polygon_mask([corners], ROWS, COLUMNS)
    (ax, ay), (bx, by), (cx, cy) = corners
    ys, xs = np.mgrid[:ROWS, :COLUMNS] + 0.5
    sides = [
        (px - qx) * (ys - qy) - (py - qy) * (xs - qx)
        for (qx, qy), (px, py) in (((ax, ay), (bx, by)), ((bx, by), (cx, cy)), ((cx, cy), (ax, ay)))
    ]
    inside = np.all([side > 1e-3 for side in sides], axis=0) | np.all([side < -1e-3 for side in sides], axis=0)
    assert not (inside & ~mask).any()


@given(st.lists(corner, min_size=3, max_size=6))
def test_a_polygon_masks_nothing_farther_than_two_pixels_from_its_bounding_box(corners):
    mask = polygon_mask([corners], ROWS, COLUMNS)
    low, high = np.min(corners, axis=0) - 2, np.max(corners, axis=0) + 2
    ys, xs = np.nonzero(mask)
    assert ((xs + 1 >= low[0]) & (xs <= high[0]) & (ys + 1 >= low[1]) & (ys <= high[1])).all()


def test_a_rotated_box_is_masked_whole_not_cut_from_three_corners():
    corners = [(10, 20), (30, 8), (34, 15), (14, 27)]
    mask = polygon_mask([corners], ROWS, COLUMNS)
    assert all(mask[y, x] for x, y in ((11, 20), (29, 9), (32, 14), (14, 25), (22, 17)))
    assert not mask[8, 12] and not mask[26, 32]


@pytest.mark.parametrize("box", [(-8, 5, 12, 15), (5, -8, 15, 12), (-20, -20, -5, -5), (50, 30, 400, 300)])
def test_negative_and_far_corners_do_not_wrap(box):
    mask = polygon_mask([Box(*box).polygon], ROWS, COLUMNS)
    x0, y0, x1, y1 = max(box[0], 0), max(box[1], 0), min(box[2], COLUMNS), min(box[3], ROWS)
    assert mask.sum() == max(x1 - x0, 0) * max(y1 - y0, 0)


@given(st.integers(0, 2**32 - 1), st.sampled_from([np.uint8, np.uint16, np.int16]), st.booleans())
def test_inside_the_mask_all_is_fill_outside_all_is_source_and_the_source_is_untouched(seed, dtype, color):
    generator = np.random.default_rng(seed)
    frame = generator.integers(0, 255, (ROWS, COLUMNS, 3) if color else (ROWS, COLUMNS)).astype(dtype)
    mask = generator.random((ROWS, COLUMNS)) > 0.5
    before = frame.copy()
    result = fill_masked(frame, mask)
    assert (result[mask] == 0).all() and (result[~mask] == before[~mask]).all() and (frame == before).all()
    assert result.dtype == frame.dtype and result.shape == frame.shape


def test_the_box_of_a_region_is_half_open_and_holds_its_polygon():
    region = Region(polygon=((1.2, 3.0), (9.9, 3.5), (9.0, 7.1), (1.5, 6.0)), frame_first=0, frame_last=0)
    assert region.box == (1, 3, 10, 8)
