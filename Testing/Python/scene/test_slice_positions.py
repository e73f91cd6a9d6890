"""Clicks and drags in slice views: from positions to regions and back, on any geometry, under any transform."""

import numpy as np
import pytest
import slicer
from scene_samples import OPTIONS, addSequence, addVolume, matrix, screen, segment

from PyLogikSlicerLib.core.errors import UsageError
from PyLogikSlicerLib.scene import frames

ARRAY = np.stack([screen("", 0, 0), screen("", 0, 0), screen("AB 1234", 20, 20)])


def transformed(volume):
    transform = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    transform.SetMatrixTransformToParent(matrix("flipped"))
    volume.SetAndObserveTransformNodeID(transform.GetID())
    return volume


@pytest.fixture(params=["upright", "oblique", "flipped", "transformed"])
def study(logic, request):
    volume = addVolume(ARRAY, "oblique" if request.param == "transformed" else request.param)
    if request.param == "transformed":
        transformed(volume)
    return logic.process(volume, **OPTIONS)


def ras(study, x, y, frame):
    return frames.PixelGrid(study.node).toRas([(x, y)], frame)[0]


@pytest.mark.parametrize("kind", ["upright", "oblique", "flipped"])
def test_the_center_of_a_voxel_is_where_slicer_has_it(scene, kind):
    volume = addVolume(ARRAY, kind)
    expected = matrix(kind).MultiplyPoint((7, 3, 1, 1))
    assert np.allclose(frames.PixelGrid(volume).toRas([(7.5, 3.5)], 1)[0], expected[:3])
    transformed(volume)
    assert np.allclose(frames.PixelGrid(volume).toRas([(7.5, 3.5)], 1)[0], matrix("flipped").MultiplyPoint(expected)[:3])


def test_a_click_on_text_finds_its_region_and_a_region_its_place(logic, study):
    index = 0
    center, frame = logic.regionCenter(study, index)
    assert frame == 1 and logic.regionAt(study, center) == index and logic.currentFrame(study, center) == 1
    logic.showFrame(study, 2)
    center, frame = logic.regionCenter(study, index)
    assert frame == 2 and logic.regionAt(study, center) == index and logic.currentFrame(study, center) == 2
    x0, y0, x1, y1 = study.review.regions[index].box
    assert logic.regionAt(study, ras(study, (x0 + x1) / 2, (y0 + y1) / 2, 0)) is None
    assert logic.regionAt(study, ras(study, -50, -50, 1)) is None
    one, other = (np.array(ras(study, (x0 + x1) / 2, (y0 + y1) / 2, frame)) for frame in (1, 2))
    assert logic.regionAt(study, other + 3 * (other - one)) is None


@pytest.mark.parametrize("every", [False, True])
def test_a_rectangle_drawn_between_two_corners_is_masked_there(logic, study, every):
    index = logic.addRegion(study, [ras(study, 100, 90, 1), ras(study, 60, 80, 1)], everyFrame=every)
    region = study.review.regions[index]
    assert (region.box, region.frame_first, region.frame_last) == ((60, 80, 100, 90), *((0, 2) if every else (1, 1)))
    logic.refresh(study)
    expected = np.zeros(ARRAY.shape, bool)
    expected[:, 80:90, 60:100] = True
    if not every:
        expected[[0, 2]] = False
    seen = segment(study, "redacted")
    assert (seen[:, 75:] == expected[:, 75:]).all()


def test_a_region_moved_by_its_handles_goes_where_they_went(logic, study):
    index = logic.addRegion(study, [ras(study, 60, 80, 1), ras(study, 100, 90, 1)], everyFrame=False)
    handles = logic.regionCorners(study, index)
    assert np.allclose(handles, [ras(study, x, y, 1) for x, y in ((60, 80), (100, 80), (100, 90), (60, 90))])
    logic.moveRegion(study, index, [ras(study, x + 5, y + 7, 1) for x, y in study.review.regions[index].polygon])
    assert study.review.regions[index].box == (65, 87, 105, 97)
    with pytest.raises(UsageError, match="outside the image"):
        logic.moveRegion(study, index, [ras(study, x + 500, y, 1) for x, y in study.review.regions[index].polygon])


def test_a_rectangle_outside_the_image_is_refused(logic, study):
    with pytest.raises(UsageError, match="outside the image"):
        logic.addRegion(study, [ras(study, -90, -50, 1), ras(study, -60, -80, 1)], everyFrame=False)


@pytest.fixture
def curved(logic):
    """A study whose region of interest is a curved sector."""
    ys, xs = np.mgrid[:240, :320]
    radius, angle = np.hypot(xs - 160, ys + 40), np.arctan2(xs - 160, ys + 40)
    noise = np.random.default_rng(0).integers(40, 160, (240, 320))
    image = np.where((abs(angle) < 0.6) & (radius > 70) & (radius < 250), noise, 0).astype(np.uint8)
    return logic.process(addVolume(image[None], "flipped"), variant="deid-us", **OPTIONS)


def test_the_handles_of_the_region_of_interest_are_few_and_lie_on_it(logic, curved):
    (handles,) = logic.roiControlPoints(curved)
    assert 4 <= len(handles) <= 8
    vertices = frames.PixelGrid(curved.node).toRas(curved.review.roi.polygons[0], 0)
    assert all(np.linalg.norm(np.array(vertices) - handle, axis=1).min() < 1e-6 for handle in handles)


def test_handles_left_where_they_are_change_nothing(logic, curved):
    before = curved.review.roi.mask()
    logic.moveRoi(curved, logic.roiControlPoints(curved))
    assert (curved.review.roi.mask() != before).mean() < 0.0005


def test_a_dragged_handle_takes_the_outline_along_and_can_be_dragged_on_and_undone(logic, curved):
    before = curved.review.roi
    grid = frames.PixelGrid(curved.node)
    for _ in range(3):
        (handles,) = logic.roiControlPoints(curved)
        lowest = max(range(len(handles)), key=lambda index: grid.toPixel(handles[index])[1])
        x, y, _ = grid.toPixel(handles[lowest])
        handles[lowest] = grid.toRas([(x, y + 4)], 0)[0]
        logic.moveRoi(curved, [handles])
        (after,) = logic.roiControlPoints(curved)
        assert np.allclose(after, handles, atol=0.02) and len(after) == len(handles)
    assert curved.review.roi.crop[3] > before.crop[3] and curved.review.roi.kind == "drawn"
    logic.refresh(curved)
    assert (segment(curved, "ROI")[0] == curved.review.roi.mask()).all()
    for _ in range(3):
        curved.review.undo()
    assert curved.review.roi is before


def test_as_many_handles_as_there_are_or_none_at_all(logic, curved, study):
    with pytest.raises(UsageError, match="take them anew"):
        logic.moveRoi(curved, [logic.roiControlPoints(curved)[0][1:]])
    assert logic.roiControlPoints(study) == []
    with pytest.raises(UsageError, match="whole frame"):
        logic.moveRoi(study, [])


def test_the_threshold_is_the_gray_level_that_the_engine_sees(logic):
    eight, deep = addVolume(ARRAY, "oblique"), transformed(addVolume(ARRAY.astype(np.int16) * 9 - 1024, "flipped"))
    color = addVolume(np.stack([ARRAY // 3, ARRAY, ARRAY // 2], axis=3))
    deep.GetDisplayNode().SetWindowLevel(255 * 9, 255 * 9 / 2 - 1024)
    for volume in (eight, deep, color):
        assert logic.pickThreshold(volume, frames.PixelGrid(volume).toRas([(3.5, 100.5)], 1)[0]) == 30
        with pytest.raises(UsageError, match="not on the image"):
            logic.pickThreshold(volume, frames.PixelGrid(volume).toRas([(3.5, 130)], 1)[0])


def test_the_threshold_of_a_sequence_is_that_of_the_frame_shown(logic):
    sequence, browser = addSequence([np.full((1, 60, 60), level, np.uint8) for level in (10, 20, 30)])
    browser.SetSelectedItemNumber(2)
    point = frames.PixelGrid(sequence).toRas([(30, 30)], 2)[0]
    assert logic.pickThreshold(sequence, point) == logic.pickThreshold(browser.GetProxyNode(sequence), point) == 30
