"""Regions of interest as shapes: masks, crops and polygons agree, outlines are what they say, templates come back."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from PyLogikSlicerLib.core.errors import NoRegionFound, UsageError
from PyLogikSlicerLib.core.geometry import box_of_pixels, to_pixel_centers, to_pixel_edges
from PyLogikSlicerLib.core.stack import Header
from PyLogikSlicerLib.roi.geometry import Sector, Straight, clip_polygon, line_intersection
from PyLogikSlicerLib.roi.region import make_roi, rasterize
from PyLogikSlicerLib.roi.templates import propose, remember

coordinates = st.floats(-40, 140, allow_nan=False)
triangles = st.lists(st.tuples(coordinates, coordinates), min_size=3, max_size=8)
SCANNER = Header(manufacturer="Maker", model="One")


@given(st.lists(triangles, min_size=1, max_size=3))
def test_mask_crop_and_polygons_agree(polygons):
    try:
        roi = make_roi("hull", {"kind": "hull"}, [np.array(polygon) for polygon in polygons], 90, 120)
    except NoRegionFound:
        assert not rasterize([to_pixel_centers(polygon) for polygon in polygons], 90, 120).any()
        return
    mask = roi.mask()
    x0, y0, x1, y1 = roi.crop
    assert mask.shape == (90, 120) and mask[y0:y1, x0:x1].sum() == mask.sum()
    assert mask[y0].any() and mask[y1 - 1].any() and mask[:, x0].any() and mask[:, x1 - 1].any()
    assert roi.kept_share == pytest.approx(mask.mean())


def test_a_mask_is_the_union_of_polygons_filled_as_opencv_does_with_rounded_corners():
    polygons = [np.array([(2.4, 2.6), (20.5, 3), (11, 18.2)]), np.array([(15, 10), (29.7, 10), (29.7, 19), (15, 19)])]
    expected = np.zeros((30, 40), np.uint8)
    for polygon in polygons:
        cv2.fillPoly(expected, [np.round(polygon).astype(np.int32)], 1)
    assert np.array_equal(make_roi("hull", {}, map(to_pixel_edges, polygons), 30, 40).mask(), expected.astype(bool))


def test_an_outline_outside_the_image_is_no_region():
    with pytest.raises(NoRegionFound):
        make_roi("hull", {}, [np.array([(100, 100), (120, 100), (110, 130)])], 50, 50)


def test_the_box_of_no_pixels_is_none():
    assert box_of_pixels(np.zeros((4, 5), bool)) is None


@given(
    st.tuples(st.floats(100, 200), st.floats(-150, 60)),
    st.floats(0.1, 1.2),
    st.floats(0, 120),
    st.floats(20, 200),
    st.tuples(st.floats(0, 60), st.floats(0, 60), st.floats(200, 299), st.floats(150, 219)),
)
def test_a_sector_outline_fills_the_pixels_of_ring_wedge_and_box(apex, half, inner, thickness, limits):
    sector = Sector(apex, (-half, half), (inner, inner + thickness), limits)
    y, x = np.mgrid[:220, :300].astype(float)
    radius, angle = np.hypot(x - apex[0], y - apex[1]), np.arctan2(x - apex[0], y - apex[1])
    beside = radius * np.sin(np.clip(np.abs(angle) - half, -np.pi / 2, np.pi / 2))
    x0, y0, x1, y1 = limits
    beyond = np.max([inner - radius, radius - inner - thickness, beside, x0 - x, x - x1, y0 - y, y - y1], axis=0)
    outline = sector.outline()
    drawn = rasterize([outline], 220, 300) if len(outline) > 2 else np.zeros((220, 300), bool)
    # Corners are rounded to pixels and outlines belong to the region: what is within 1.6 pixels of the border may be either.
    assert drawn[beyond < -1.6].all() and not drawn[beyond > 1.6].any()


def test_cutting_a_rectangle_keeps_the_inner_side():
    square = Straight((0, 0, 10, 10)).outline()
    half = clip_polygon(square, (1.0, 0.0, 4.0))
    assert half[:, 0].max() == 4 and half[:, 0].min() == 0


def test_parallel_lines_do_not_meet():
    assert line_intersection((1.0, 0.0, 3.0), (-1.0, 0.0, 3.0)) is None
    assert line_intersection((1.0, 0.0, 3.0), (0.0, 1.0, 5.0)) == (3.0, 5.0)


@pytest.mark.parametrize(
    "shape",
    [
        Sector((150.0, 10.0), (-0.6, 0.6), (30.0, 180.0), (0.0, 0.0, 299.0, 219.0)),
        Straight((10.0, 20.0, 200.0, 150.0), ((-0.98, -0.199, -20.0),)),
        Straight((10.0, 20.0, 200.0, 150.0), (), (105.0, -400.0, 545.0)),
    ],
    ids=["sector", "trapezoid", "round end"],
)
def test_shapes_can_be_moved_and_written_as_json(shape):
    assert np.allclose(shape.translate(7, -3).outline(), shape.outline() + (7, -3))
    description = json.loads(json.dumps(shape.as_json()))
    assert description["kind"] == shape.kind


def accepted(x1=80):
    return make_roi("linear", Straight((10, 10, x1, 70)).as_json(), [to_pixel_edges(Straight((10, 10, x1, 70)).outline())], 90, 120)


def test_an_accepted_region_is_proposed_for_the_next_image_of_the_scanner(tmp_path):
    path = tmp_path / "regions" / "templates.json"
    assert remember(path, SCANNER, accepted())
    again = propose(path, SCANNER, accepted(x1=78))
    assert np.array_equal(again.mask(), accepted().mask()) and again.kind == "linear"


def test_a_template_that_disagrees_with_the_image_is_not_proposed(tmp_path):
    path = tmp_path / "templates.json"
    remember(path, SCANNER, accepted())
    assert propose(path, SCANNER, accepted(x1=110)) is None
    assert propose(path, SCANNER, accepted(x1=40)) is None


def test_templates_belong_to_one_scanner_and_matrix(tmp_path):
    path = tmp_path / "templates.json"
    remember(path, SCANNER, accepted())
    assert propose(path, Header(manufacturer="Maker", model="Two"), accepted()) is None
    assert propose(path, SCANNER, make_roi("linear", {}, accepted().polygons, 91, 120)) is None


def test_a_later_template_replaces_the_former_one_and_the_file_is_readable(tmp_path):
    path = tmp_path / "templates.json"
    remember(path, SCANNER, accepted())
    remember(path, SCANNER, accepted(x1=100))
    entries = json.loads(path.read_text())
    assert len(entries) == 1 and entries[0]["manufacturer"] == "Maker"
    assert propose(path, SCANNER, accepted(x1=100)).crop == (10, 10, 101, 71)
    assert [file.name for file in tmp_path.iterdir()] == ["templates.json"]


def test_without_a_scanner_nothing_is_kept(tmp_path):
    path = tmp_path / "templates.json"
    assert not remember(path, Header(), accepted())
    assert not path.exists() and propose(path, Header(), accepted()) is None


@pytest.mark.parametrize("content", ["{", '{"a": 1}', "[1]"])
def test_a_damaged_template_file_is_named_as_such_without_its_path(tmp_path, content):
    path = tmp_path / "templates.json"
    path.write_text(content)
    with pytest.raises(UsageError) as error:
        propose(path, SCANNER, accepted())
    assert str(tmp_path) not in str(error.value)


@given(st.lists(triangles, min_size=1, max_size=3))
def test_a_region_has_the_pixels_of_the_outline_that_it_was_made_of(outlines):
    fitted = [np.array(outline) for outline in outlines]
    expected = rasterize(fitted, 90, 120)
    if expected.any():
        assert np.array_equal(make_roi("hull", {}, map(to_pixel_edges, fitted), 90, 120).mask(), expected)


@settings(max_examples=100)
@given(st.lists(st.tuples(st.floats(-90, 180), st.floats(-60, 130)), min_size=3, max_size=7))
def test_a_polygon_that_leaves_the_frame_is_the_part_of_it_in_a_frame_that_holds_it(vertices):
    """OpenCV 5.0 draws along the border of its canvas where a polygon leaves it."""
    polygon = np.round(vertices)
    large = np.zeros((240, 320), np.uint8)
    cv2.fillPoly(large, [polygon.astype(np.int32) + 100], 1)
    differ = rasterize([polygon], 60, 80) != large[100:160, 100:180].astype(bool)
    near_outline = np.zeros((240, 320), np.uint8)
    cv2.polylines(near_outline, [polygon.astype(np.int32) + 100], True, 1, 3)
    assert not (differ & (near_outline[100:160, 100:180] == 0)).any()
