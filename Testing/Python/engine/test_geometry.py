"""Boxes and polygons against the pixels that they stand for."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from PyLogikSlicerLib.core.geometry import Box, bounding_box, box_of_image, to_pixel_centers, to_pixel_edges

SIDE = 24
edges = st.integers(0, SIDE)
boxes = st.tuples(edges, edges, edges, edges).map(lambda e: Box(min(e[0], e[2]), min(e[1], e[3]), max(e[0], e[2]), max(e[1], e[3])))


def pixels(box):
    mask = np.zeros((SIDE, SIDE), bool)
    mask[box.slices] = True
    return mask


@given(boxes, boxes)
def test_what_is_said_of_two_boxes_is_true_of_their_pixels(one, other):
    a, b = pixels(one), pixels(other)
    shared, either = (a & b).sum(), (a | b).sum()
    assert one.area == a.sum() and one.overlap(other) == shared
    assert one.iou(other) == (shared / either if shared else 0)
    assert (one.intersection(other) is None) == (shared == 0)
    assert not (a & ~pixels(one.union(other))).any() and not (b & ~pixels(one.union(other))).any()
    if other.area:
        assert one.contains(other) == (not (b & ~a).any()) or one.area == 0


@given(boxes, st.integers(-30, 30), st.integers(-30, 30))
def test_a_clipped_box_is_what_of_it_lies_in_the_image(box, x, y):
    moved = box.translate(x, y)
    clipped = moved.clip(SIDE, SIDE)
    expected = np.zeros((SIDE, SIDE), bool)
    for row, column in np.argwhere(pixels(box)) + (y, x):
        if 0 <= row < SIDE and 0 <= column < SIDE:
            expected[row, column] = True
    assert (clipped is None) == (not expected.any())
    if clipped:
        assert np.array_equal(pixels(clipped), expected)


@given(st.integers(1, 400), st.integers(1, 400), st.integers(20, 90), st.integers(0, 19))
def test_tiles_cover_a_box_and_overlap(rows, columns, longest, overlap):
    whole = box_of_image(rows, columns)
    tiles = list(whole.tiles(longest, overlap))
    covered = np.zeros((rows, columns), bool)
    for tile in tiles:
        covered[tile.slices] = True
        assert whole.contains(tile) and max(tile.width, tile.height) <= longest
    assert covered.all()
    firsts = sorted({(tile.x0, tile.x1) for tile in tiles})
    assert all(left[1] - right[0] >= overlap for left, right in zip(firsts, firsts[1:], strict=False))


@given(boxes)
def test_a_box_is_the_bounding_box_of_its_polygon(box):
    assert bounding_box(box.polygon) == box


def test_pixel_centers_lie_half_a_pixel_from_the_edges():
    assert np.array_equal(to_pixel_centers(np.array([[0.5, 0.5]])), [[0.0, 0.0]])
    points = np.array([[3.0, 4.25], [0.0, 0.0]])
    assert np.array_equal(to_pixel_edges(to_pixel_centers(points)), points)
