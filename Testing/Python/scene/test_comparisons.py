"""Segmentations compared in the scene: known shapes, any two geometries, sequences, what is shown, saved and written."""

import csv

import numpy as np
import pytest
import SimpleITK as sitk
import slicer
from mask_samples import addSegmentation, addSegmentations, affineOf, ball, box, state
from PIL import Image
from scene_samples import OPTIONS, addSequence, addVolume, screen, segment
from test_slice_views import View, sureOf

from PyLogikSlicerLib.comparing import pictures
from PyLogikSlicerLib.core.errors import UsageError
from PyLogikSlicerLib.core.progress import Progress
from PyLogikSlicerLib.scene import frames
from PyLogikSlicerLib.scene.comparing import nodes as comparison_nodes
from PyLogikSlicerLib.scene.comparing.nodes import OPACITY

SHAPE = (5, 40, 60)


@pytest.fixture
def view(host):
    return View(host.app.layoutManager().sliceWidget("Red"))


def dice(pred, true):
    return 2 * (pred & true).sum() / (pred.sum() + true.sum())


def column(table, name):
    values = table.GetTable().GetColumnByName(name)
    return [values.GetValue(row) for row in range(values.GetNumberOfValues())]


# Scores --------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["upright", "oblique", "flipped"])
def test_shapes_on_one_image_score_what_can_be_counted_and_distances_are_millimeters(comparisonLogic, kind):
    volume = addVolume(np.zeros(SHAPE, np.uint8), kind)
    affine = affineOf(kind)
    pred, true = box(SHAPE, (1, 4), (10, 30), (10, 40)), box(SHAPE, (1, 4), (10, 30), (12, 42))
    nodes = addSegmentation({"lung": pred}, affine, "mine", volume), addSegmentation({"Lung": true}, affine, "expert", volume)
    before = [state(node) for node in nodes]
    result = comparisonLogic.compare(*nodes)
    (score,) = result.comparisons["lung / Lung"].overall
    step = np.linalg.norm(affine[:3, :3], axis=0)
    assert score.dice == pytest.approx(dice(pred, true), abs=1e-12)
    assert score.distances.hausdorff == pytest.approx(2 * step[0], rel=1e-6)
    assert score.predicted_size == pytest.approx(pred.sum() * np.prod(step), rel=1e-6)
    assert [one.dice for one in result.comparisons["lung / Lung"].of_frames(1)][1:4] == [pytest.approx(28 / 30)] * 3
    assert [state(node) for node in nodes] == before and not result.notes


def test_the_same_shape_drawn_on_finer_voxels_is_the_same(comparisonLogic):
    affine = affineOf("oblique")
    true = box(SHAPE, (1, 4), (10, 30), (12, 42))
    fine = affine.copy()
    fine[:3, :3] /= 2
    fine[:3, 3] -= affine[:3, :3].sum(axis=1) / 4  # the centers of eight fine voxels are around the center of a coarse one
    pred = true.repeat(2, 0).repeat(2, 1).repeat(2, 2)
    volume = addVolume(np.zeros(SHAPE, np.uint8), "oblique")
    nodes = addSegmentation({"a": pred}, fine, "fine"), addSegmentation({"a": true}, affine, "coarse", volume)
    before = [state(node) for node in nodes]
    assert comparisonLogic.compare(*nodes).comparisons["a"].total.dice == 1
    assert comparisonLogic.compare(*nodes[::-1]).comparisons["a"].total.dice == 1, "on the voxels of the finer one too"
    assert [state(node) for node in nodes] == before


@pytest.mark.parametrize("reference", [True, False], ids=["image", "own voxels"])
def test_another_geometry_is_resampled_as_simpleitk_does(comparisonLogic, reference):
    shapes = (30, 60, 70), (12, 70, 80)
    affines = affineOf("upright", (0.6, 0.7, 1.3)), affineOf("oblique", (1, 1, 1))
    center = affines[0][:3, :3] @ (35, 30, 15) + affines[0][:3, 3]
    affines[1][:3, 3] = center - affines[1][:3, :3] @ (40, 35, 6)
    masks = [ball(shape, affine, center + shift, 14) for shape, affine, shift in zip(shapes, affines, (0, [1.5, -1, 2]), strict=True)]
    volume = addVolume(np.zeros(shapes[1], np.uint8))
    volume.SetIJKToRASMatrix(slicer.util.vtkMatrixFromArray(affines[1]))
    prediction = addSegmentation({"ball": masks[0]}, affines[0], "mine")
    truth = addSegmentation({"ball": masks[1]}, affines[1], "expert", volume if reference else None)
    result = comparisonLogic.compare(prediction, truth)
    images = [_image(mask, affine) for mask, affine in zip(masks, affines, strict=True)]
    measures = sitk.LabelOverlapMeasuresImageFilter()
    measures.Execute(sitk.Resample(images[0], images[1], sitk.Transform(), sitk.sitkNearestNeighbor), images[1])
    assert 0.8 < result.comparisons["ball"].total.dice < 0.95
    # Voxels whose centers lie halfway go either way.
    assert result.comparisons["ball"].total.dice == pytest.approx(measures.GetDiceCoefficient(1), abs=2e-3)


def _image(mask, affine):
    image = sitk.GetImageFromArray(mask.astype(np.uint8))
    step = np.linalg.norm(affine[:3, :3], axis=0)
    image.SetSpacing(step.tolist())
    image.SetDirection((affine[:3, :3] / step).ravel().tolist())
    image.SetOrigin(affine[:3, 3].tolist())
    return image


def test_distances_under_a_transform_that_shears_run_in_space(comparisonLogic):
    """A step along an axis is then not at right angles to one along another."""
    shear = np.eye(4)
    shear[0, 1], shear[1, 2] = 0.4, 0.3
    transform = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    transform.SetMatrixTransformToParent(slicer.util.vtkMatrixFromArray(shear))
    affine = affineOf("upright")
    volume = addVolume(np.zeros(SHAPE, np.uint8))
    volume.SetAndObserveTransformNodeID(transform.GetID())
    one, other = np.zeros((2, *SHAPE), bool)
    one[1, 10, 10] = other[3, 20, 25] = True
    nodes = addSegmentation({"a": one}, affine, "mine", volume), addSegmentation({"a": other}, affine, "expert", volume)
    for node in nodes:
        node.SetAndObserveTransformNodeID(transform.GetID())
    (score,) = comparisonLogic.compare(*nodes).comparisons["a"].overall
    steps = shear[:3, :3] @ affine[:3, :3]
    assert score.distances.hausdorff == pytest.approx(np.linalg.norm(steps @ (15, 10, 2)), rel=1e-5)
    assert score.true_size == pytest.approx(abs(np.linalg.det(steps)), rel=1e-5)


def test_transforms_above_either_mask_count(comparisonLogic):
    affine = affineOf("oblique")
    mask = box(SHAPE, (1, 4), (10, 30), (10, 40))
    volume = addVolume(np.zeros(SHAPE, np.uint8), "oblique")
    truth = addSegmentation({"a": mask}, affine, "expert", volume)
    prediction = addSegmentation({"a": np.roll(mask, 3, axis=2)}, affine, "mine")
    assert comparisonLogic.compare(prediction, truth).comparisons["a"].total.dice == pytest.approx(27 / 30)
    back = np.eye(4)
    back[:3, 3] = -3 * affine[:3, 0]
    transform = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    transform.SetMatrixTransformToParent(slicer.util.vtkMatrixFromArray(back))
    prediction.SetAndObserveTransformNodeID(transform.GetID())
    assert comparisonLogic.compare(prediction, truth).comparisons["a"].total.dice == 1


def test_a_transform_that_bends_counts_too(comparisonLogic):
    import vtk

    affine = affineOf("upright")
    mask = box(SHAPE, (1, 4), (10, 30), (10, 40))
    volume = addVolume(np.zeros(SHAPE, np.uint8), "upright")
    truth = addSegmentation({"a": mask}, affine, "expert", volume)
    prediction = addSegmentation({"a": np.roll(mask, 3, axis=2)}, affine, "mine")
    corners = [affine[:3, :3] @ (i, j, k) + affine[:3, 3] for i in (-9, 69) for j in (-9, 49) for k in (-3, 8)]
    points = [vtk.vtkPoints(), vtk.vtkPoints()]
    for corner in corners:
        points[0].InsertNextPoint(corner)
        points[1].InsertNextPoint(corner - 3 * affine[:3, 0])
    bending = vtk.vtkThinPlateSplineTransform()
    bending.SetBasisToR()
    bending.SetSourceLandmarks(points[0])
    bending.SetTargetLandmarks(points[1])
    transform = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTransformNode")
    transform.SetAndObserveTransformToParent(bending)
    prediction.SetAndObserveTransformNodeID(transform.GetID())
    assert comparisonLogic.compare(prediction, truth).comparisons["a"].total.dice > 0.99


def test_without_an_image_what_lies_beyond_the_truth_counts_as_wrong(comparisonLogic):
    shape = (5, 40, 80)
    pred, true = box(shape, (0, 5), (0, 40), (0, 60)), box(shape, (1, 3), (10, 20), (50, 70))
    nodes = addSegmentation({"a": pred}, affineOf("oblique"), "mine"), addSegmentation({"a": true}, affineOf("oblique"), "expert")
    assert comparisonLogic.compare(*nodes).comparisons["a"].total.dice == pytest.approx(dice(pred, true))


def test_what_lies_outside_of_the_image_is_told(comparisonLogic):
    volume = addVolume(np.zeros((5, 40, 30), np.uint8), "oblique")
    shape = (5, 40, 60)
    pred, true = box(shape, (1, 3), (10, 20), (20, 40)), box(shape, (1, 3), (10, 20), (20, 30))
    result = comparisonLogic.compare(
        addSegmentation({"a": pred}, affineOf("oblique"), "mine"), addSegmentation({"a": true}, affineOf("oblique"), "expert", volume)
    )
    assert result.comparisons["a"].total.dice == 1
    assert result.notes == ("200 voxels of mine lie outside of the image, and were not compared.",)


def test_surfaces_are_compared_too_and_stay_the_only_thing_there_is(comparisonLogic):
    import vtk

    sphere = vtk.vtkSphereSource()
    sphere.SetRadius(8)
    sphere.SetThetaResolution(60)
    sphere.SetPhiResolution(60)
    sphere.Update()
    prediction = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "mine")
    segment = slicer.vtkSegment()
    segment.SetName("ball")
    segment.AddRepresentation("Closed surface", sphere.GetOutput())
    prediction.GetSegmentation().SetSourceRepresentationName("Closed surface")
    prediction.GetSegmentation().AddSegment(segment)
    affine = np.diag([0.5, 0.5, 0.5, 1])
    affine[:3, 3] = -10
    truth = addSegmentation({"ball": ball((40, 40, 40), affine, (0, 0, 0), 8)}, affine, "expert")
    before = state(prediction)
    assert comparisonLogic.compare(prediction, truth).comparisons["ball"].total.dice > 0.97
    assert state(prediction) == before and not prediction.GetSegmentation().ContainsRepresentation("Binary labelmap")


# Matching ------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def several(scene):
    """Three overlapping segments each; by name another pairing than by overlap."""
    volume = addVolume(np.zeros(SHAPE, np.uint8), "oblique")
    affine = affineOf("oblique")
    left, right, all_ = box(SHAPE, (1, 4), (5, 30), (5, 25)), box(SHAPE, (1, 4), (5, 30), (30, 55)), box(SHAPE, (0, 5), (2, 38), (2, 58))
    prediction = addSegmentation({"Left": left, "right": right, "body": all_}, affine, "mine", volume)
    truth = addSegmentation({"right": np.roll(left, 1, 2), "left ": np.roll(right, 1, 2), "skin": all_}, affine, "expert", volume)
    return prediction, truth


def test_segments_are_matched_by_name_by_overlap_or_as_a_person_says(comparisonLogic, several):
    assert comparisonLogic.matchSegments(*several) == {"Left id": "left  id", "right id": "right id"}
    assert comparisonLogic.matchSegments(*several, by="overlap") == {"Left id": "right id", "right id": "left  id", "body id": "skin id"}
    named = comparisonLogic.compare(*several)
    assert [pair.comparison.total.dice for pair in named.pairs] == [0, 0]
    assert named.notes == ("Not compared, of mine: body.", "Not compared, of expert: skin.")
    told = comparisonLogic.compare(*several, matching={"Left": "right", "body id": "skin"})
    assert list(told.comparisons) == ["Left / right", "body / skin"]
    assert told.comparisons["body / skin"].total.dice == 1, "overlapping segments are masks of their own"
    assert told.comparisons["Left / right"].total.dice == pytest.approx(19 / 20)
    with pytest.raises(UsageError, match="the truth has no segment that is called so"):
        comparisonLogic.compare(*several, matching={"Left": "liver"})
    with pytest.raises(UsageError, match="no segment is matched"):
        comparisonLogic.compare(*several, matching={})


def test_a_labelmap_volume_is_a_truth_too(comparisonLogic, several):
    labels = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode", "labels")
    array = np.zeros(SHAPE, np.int16)
    array[1:4, 5:30, 5:25], array[1:4, 5:30, 30:55] = 7, 2
    slicer.util.updateVolumeFromArray(labels, array)
    labels.SetIJKToRASMatrix(slicer.util.vtkMatrixFromArray(affineOf("oblique")))
    assert comparisonLogic.segmentsOf(labels) == {"2": "2", "7": "7"}
    assert comparisonLogic.matchSegments(several[0], labels) == {"Left id": "7", "right id": "2"}
    result = comparisonLogic.compare(several[0], labels)
    assert [pair.comparison.total.dice for pair in result.pairs] == [1, 1]
    assert (slicer.util.arrayFromVolume(labels) == array).all()


def test_an_empty_truth_scores_zero_and_two_empty_masks_without_an_image_are_refused(comparisonLogic):
    empty, mask = np.zeros(SHAPE, bool), box(SHAPE, (1, 4), (10, 30), (10, 40))
    nodes = [addSegmentation({"a": content}, affineOf("oblique"), name) for name, content in (("p", mask), ("t", empty), ("u", empty))]
    assert comparisonLogic.compare(*nodes[:2]).comparisons["a"].total.dice == 0
    with pytest.raises(UsageError, match="both segmentations are empty"):
        comparisonLogic.compare(*nodes[1:])


def test_what_cannot_be_compared_is_refused_with_a_reason(comparisonLogic, several):
    image = addSequence([np.zeros((1, 8, 8), np.uint8)])[0]
    nothing = addSegmentation({}, affineOf("upright"), "Quillfeather")
    image.SetName("Quillfeather")
    for nodes, told in (
        ((several[0], None), "choose both"),
        ((several[0], several[0]), "compared with itself"),
        ((several[0], image), "the truth is no segmentation"),
        ((nothing, several[1]), "the prediction has no segment"),
        ((*several[:2], {"Quillfeather": "skin"}), "the prediction has no segment that is called so"),
    ):
        with pytest.raises(UsageError, match=told) as refused:
            comparisonLogic.compare(*nodes)
        assert "Quill" not in str(refused.value), "a node may bear the name of a patient"
    assert not [node for node in slicer.util.getNodesByClass("vtkMRMLTableNode")]


# Sequences -----------------------------------------------------------------------------------------------------------------


@pytest.fixture
def cines(scene):
    """An image sequence of five frames and two of segmentations in one browser; frame 2 agrees least, frame 4 has no mask."""
    shape = (1, 40, 60)
    affine = affineOf("oblique")
    image, browser = addSequence([np.full(shape, 40 + 10 * n, np.uint8) for n in range(5)], "oblique")
    true = [box(shape, (0, 1), (5, 25), (10, 30)) for _ in range(4)] + [np.zeros(shape, bool)]
    pred = [np.roll(mask, step, axis=2) for mask, step in zip(true, (0, 2, 10, 4, 0), strict=True)]
    prediction, _ = addSegmentations([{"sector": mask} for mask in pred], affine, "mine", browser=browser)
    truth, _ = addSegmentations([{"sector": mask} for mask in true], affine, "expert", browser=browser)
    return prediction, truth, browser


def test_the_frames_of_a_sequence_are_images_and_worst_come_first(comparisonLogic, cines):
    prediction, truth, browser = cines
    before = [state(node) for node in cines[:2]]
    result = comparisonLogic.compare(browser.GetProxyNode(prediction), truth)
    comparison = result.comparisons["sector"]
    assert result.prediction is prediction and len(comparison.spacing) == 2 and comparison.shape == (5, 20, 30)
    assert [round(score.dice, 3) for score in comparison.of_frames(1)] == [1, 0.9, 0.5, 0.8, 1]
    assert comparison.worst_frames(1) == (2, 3, 1, 0)
    assert comparison.overall[0].distances.hausdorff == pytest.approx(10 * 0.5)
    assert column(result.frameScores, "frame") == [2, 3, 1, 0] and column(result.frameScores, "index_value") == ["2", "3", "1", "0"]
    assert [state(node) for node in cines[:2]] == before


def test_the_items_of_a_sequence_can_be_volumes_and_their_slices_are_frames(comparisonLogic, view):
    affine = affineOf("oblique")
    masks = [box(SHAPE, (1, 4), (5, 25), (10, 30)), box(SHAPE, (0, 5), (5, 25), (10, 30))]
    _, browser = addSequence([np.full(SHAPE, 50, np.uint8)] * 2, "oblique")
    moved = masks[1].copy()
    moved[3] = np.roll(moved[3], 5, axis=1)
    mine, _ = addSegmentations([{"a": masks[0]}, {"a": moved}], affine, "mine", browser=browser)
    expert, _ = addSegmentations([{"a": mask} for mask in masks], affine, "expert", browser=browser)
    result = comparisonLogic.compare(mine, expert)
    comparison = result.comparisons["a"]
    assert comparison.shape[:2] == (2, 5) and len(comparison.spacing) == 3
    assert comparison.worst_frames(1)[0] == 8 and comparison.of_frames(1)[8].dice == pytest.approx(15 / 20)
    assert comparison.overall[0].dice == pytest.approx((8 * 20 - 5) / (8 * 20))
    view.show(browser.GetProxyNode(browser.GetMasterSequenceNode()), 0)
    comparisonLogic.showFrame(result, 0)
    assert browser.GetSelectedItemNumber() == 1
    assert frames.PixelGrid(browser.GetMasterSequenceNode()).toPixel(_center(view), 1)[2] == 3


def test_one_mask_holds_for_all_frames_and_frames_belong_together_by_their_index_values(comparisonLogic, cines):
    prediction, truth, _ = cines
    affine = affineOf("oblique")
    one = addSegmentation({"sector": box((1, 40, 60), (0, 1), (5, 25), (10, 30))}, affine, "one")
    assert [round(score.dice, 3) for score in comparisonLogic.compare(prediction, one).comparisons["sector"].of_frames(1)] == [
        1,
        0.9,
        0.5,
        0.8,
        0,
    ]
    mask = box((1, 40, 60), (0, 1), (5, 25), (10, 30))
    some, _ = addSegmentations([{"sector": mask}, {"sector": mask}], affine, "some", ["3", "2"])
    result = comparisonLogic.compare(prediction, some)
    assert result.indexValues == ("2", "3") and [score.dice for score in result.comparisons["sector"].of_frames(1)] == [0.5, 0.8]
    assert result.notes == ("2 of 5 items of mine were compared.",)
    other, _ = addSegmentations([{"sector": mask}], affine, "other", ["99"])
    with pytest.raises(UsageError, match="no index value in common: the prediction has 5 items, the truth 1"):
        comparisonLogic.compare(prediction, other)


# What is shown -------------------------------------------------------------------------------------------------------------


def assertInThreeColors(view, result, pred, true, node, name):
    """On a gray image the view shows each part of the two masks in its color, and the image elsewhere."""
    picture = view.picture(name)
    x, y, k = view.voxels(node)
    scale = np.hypot(np.diff(x, axis=1).mean(), np.diff(y, axis=1).mean())
    parts = {pictures.PREDICTION_ONLY: pred & ~true, pictures.TRUTH_ONLY: true & ~pred, pictures.BOTH: pred & true}
    for color, mask in parts.items():
        inside, _ = sureOf(mask, x, y, 0.75 + scale)
        assert inside.sum() > 200 or not mask.any()
        if mask.any():
            expected = OPACITY * np.array(color) + (1 - OPACITY) * 50
            assert np.abs(picture[inside] - expected).max(axis=1).mean() < 12, (color, picture[inside].mean(axis=0), expected)
    on_image = (x > 1) & (y > 1) & (x < pred.shape[1] - 1) & (y < pred.shape[0] - 1)
    _, outside = sureOf(pred | true, x, y, 0.75 + scale)
    assert np.abs(picture[outside & on_image] - 50).max(axis=1).mean() < 3


@pytest.mark.parametrize("kind", ["upright", "oblique", "transformed"])
def test_the_slice_view_shows_the_masks_in_three_colors(comparisonLogic, view, kind):
    geometry = "oblique" if kind == "transformed" else kind
    volume = addVolume(np.full(SHAPE, 50, np.uint8), geometry)
    affine = affineOf(geometry)
    pred, true = box(SHAPE, (1, 4), (5, 30), (8, 40)), box(SHAPE, (1, 4), (12, 36), (20, 52))
    nodes = addSegmentation({"a": pred}, affine, "mine", volume), addSegmentation({"a": true}, affine, "expert", volume)
    if kind == "transformed":
        transform = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
        transform.SetMatrixTransformToParent(slicer.util.vtkMatrixFromArray(affineOf("flipped")))
        for node in (volume, *nodes):
            node.SetAndObserveTransformNodeID(transform.GetID())
    result = comparisonLogic.compare(*nodes)
    view.show(volume, 2)
    plain = view.picture()
    comparisonLogic.showDifferences(result, True)
    assertInThreeColors(view, result, pred[2], true[2], volume, f"differences {kind}")
    comparisonLogic.showDifferences(result, False)
    assert (view.picture() == plain).all(), "the two masks are seen as before"


def test_the_differences_follow_the_frame_and_the_frame_follows_what_is_looked_at(comparisonLogic, view, cines):
    prediction, truth, browser = cines
    result = comparisonLogic.compare(prediction, truth)
    comparisonLogic.showDifferences(result, True)
    shown = [browser.GetProxyNode(node).GetDisplayNode().GetVisibility2D() for node in (prediction, truth)]
    assert shown == [0, 0]

    def parts():
        image = frames.displayedVolume(browser.GetMasterSequenceNode())
        return [
            int(slicer.util.arrayFromSegmentBinaryLabelmap(result.segmentation, name, image).sum())
            for name in ("prediction only", "truth only", "both")
        ]

    browser.SetSelectedItemNumber(3)
    assert parts() == [80, 80, 320]
    view.node.SetFieldOfView(1, 1, 1)  # so that nothing is in sight
    view.node.UpdateMatrices()
    comparisonLogic.showFrame(result, 0)
    assert browser.GetSelectedItemNumber() == 2 and parts() == [200, 200, 200]
    x, y, k = frames.PixelGrid(browser.GetMasterSequenceNode()).toPixel(_center(view), 2)
    assert 5 <= y < 25 and 10 <= x < 40 and k == 0
    comparisonLogic.showFrame(result, 0, 0)
    assert browser.GetSelectedItemNumber() == 0 and parts() == [0, 0, 400]


def _center(view):
    matrix = view.node.GetSliceToRAS()
    return [matrix.GetElement(row, 3) for row in range(3)]


def test_what_is_looked_at_is_the_slice_and_the_segment(comparisonLogic, view, several):
    result = comparisonLogic.compare(*several, matching={"body": "skin", "Left": "right"})
    view.show(several[0].GetNodeReference("referenceImageGeometryRef"), 0)
    comparisonLogic.showFrame(result, 1, 3)
    volume = several[1].GetNodeReference("referenceImageGeometryRef")
    assert frames.PixelGrid(volume).toPixel(_center(view))[2] == 3
    view.node.SetFieldOfView(1, 1, 1)
    view.node.UpdateMatrices()
    comparisonLogic.showFrame(result, 1, 3)
    x, y, k = frames.PixelGrid(volume).toPixel(_center(view))
    assert k == 3 and (round(x - 0.5) in (5, 25)) and 5 <= y < 30, "where they differ, which was out of sight"
    differing = slicer.util.arrayFromSegmentBinaryLabelmap(result.segmentation, "truth only", volume)
    assert differing.sum() == 3 * 25


def test_tables_and_plot_hold_the_scores_beside_the_truth(comparisonLogic, several):
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    study = hierarchy.CreateStudyItem(hierarchy.GetSceneItemID(), "study")
    volume = several[1].GetNodeReference("referenceImageGeometryRef")
    hierarchy.SetItemParent(hierarchy.CreateItem(hierarchy.GetSceneItemID(), volume), study)
    result = comparisonLogic.compare(*several, matching={"Left": "right", "body": "left "})
    assert column(result.scores, "segment") == ["Left / right", "body / left "]
    assert column(result.scores, "dice") == [pair.comparison.total.dice for pair in result.pairs]
    assert {"jaccard", "precision", "recall", "hausdorff_mm", "hausdorff95_mm", "predicted_volume_mm3"} <= set(_titles(result.scores))
    worst = column(result.frameScores, "dice")
    assert worst == sorted(worst) and len(worst) == 3 + 5
    assert np.allclose(column(result.diceTable, "Left / right"), [np.nan, 0.95, 0.95, 0.95, np.nan], equal_nan=True)
    assert [series.GetYColumnName() for series in result.series] == ["Left / right", "body / left "]
    assert result.chart.GetNumberOfPlotSeriesNodes() == 2 and result.series[0].GetTableNode() is result.diceTable
    for node in (result.scores, result.frameScores, result.diceTable, result.chart, result.segmentation, *result.series):
        folder = hierarchy.GetItemParent(hierarchy.GetItemByDataNode(node))
        assert hierarchy.GetItemParent(folder) == study
    comparisonLogic.showPlot(result)
    assert slicer.app.applicationLogic().GetSelectionNode().GetActivePlotChartID() == result.chart.GetID()


def _titles(node):
    return [node.GetTable().GetColumnName(index) for index in range(node.GetTable().GetNumberOfColumns())]


def test_comparing_again_replaces_what_was_shown_and_removed_nodes_come_back(comparisonLogic, several):
    comparisonLogic.compare(*several)
    count = slicer.mrmlScene.GetNumberOfNodes()
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    items = hierarchy.GetNumberOfItems()
    result = comparisonLogic.compare(*several)
    assert slicer.mrmlScene.GetNumberOfNodes() == count and hierarchy.GetNumberOfItems() == items
    assert comparisonLogic.comparisonOf(*several) is result and comparisonLogic.comparisonOf(several[1], several[0]) is None
    slicer.mrmlScene.RemoveNode(result.segmentation)
    slicer.mrmlScene.RemoveNode(result.chart)
    comparisonLogic.showFrame(result, 0)
    assert result.segmentation.GetScene() is slicer.mrmlScene and result.chart.GetScene() is slicer.mrmlScene
    assert len(slicer.util.getNodesByClass("vtkMRMLPlotSeriesNode")) == 2
    slicer.mrmlScene.Clear(0)
    assert comparisonLogic.comparisonOf(*several) is None


def test_until_its_last_step_a_comparison_leaves_the_scene_alone(comparisonLogic, several):
    count = slicer.mrmlScene.GetNumberOfNodes()
    steps = comparisonLogic.compareInSteps(*several)
    assert [next(steps) for _ in range(5)] == [Progress("compare", done, 4) for done in range(5)]
    assert slicer.mrmlScene.GetNumberOfNodes() == count and comparisonLogic.comparisonOf(*several) is None
    with pytest.raises(StopIteration) as end:
        next(steps)
    assert end.value.value is comparisonLogic.comparisonOf(*several)


@pytest.mark.parametrize("side", [0, 1])
def test_a_comparison_ends_when_a_node_is_removed_and_leaves_nothing(comparisonLogic, several, side):
    steps = comparisonLogic.compareInSteps(*several[:2])
    next(steps)
    slicer.mrmlScene.RemoveNode(several[side])
    count = slicer.mrmlScene.GetNumberOfNodes()
    with pytest.raises(UsageError, match="removed from the scene"):
        list(steps)
    assert slicer.mrmlScene.GetNumberOfNodes() == count


# What is kept --------------------------------------------------------------------------------------------------------------


def test_a_saved_scene_holds_tables_plot_and_differences(comparisonLogic, cines, tmp_path):
    result = comparisonLogic.compare(*cines[:2])
    comparisonLogic.showFrame(result, 0)
    volume = frames.displayedVolume(cines[2].GetMasterSequenceNode())
    before = slicer.util.arrayFromSegmentBinaryLabelmap(result.segmentation, "truth only", volume).copy()
    assert before.sum() == 200
    assert slicer.mrmlScene.WriteToMRB(str(tmp_path / "scene.mrb"))
    slicer.mrmlScene.Clear(0)
    assert slicer.mrmlScene.ReadFromMRB(str(tmp_path / "scene.mrb"), True)
    name = "mine / expert"
    differences, scores, rows = (slicer.util.getNode(f"{name} {what}") for what in ("differences", "scores", "frames"))
    browser = slicer.util.getNode("cine browser")
    volume = browser.GetProxyNode(browser.GetMasterSequenceNode())
    assert (slicer.util.arrayFromSegmentBinaryLabelmap(differences, "truth only", volume) == before).all()
    assert np.allclose(differences.GetSegmentation().GetSegment("prediction only").GetColor(), np.array((124, 252, 0)) / 255, atol=0.01)
    assert column(scores, "dice") == [pytest.approx(0.8)] and [int(frame) for frame in column(rows, "frame")] == [2, 3, 1, 0]
    chart = slicer.util.getNode(f"{name} plot")
    assert chart.GetNthPlotSeriesNode(0).GetTableNode() is slicer.util.getNode(f"{name} Dice per frame")
    sequences = {node.GetName(): node for node in slicer.util.getNodesByClass("vtkMRMLSequenceNode")}
    again = comparisonLogic.compare(sequences["mine"], sequences["expert"])
    assert again.comparisons["sector"].worst_frames(1) == (2, 3, 1, 0)


def test_the_files_are_those_of_the_command_line(comparisonLogic, cines, tmp_path):
    result = comparisonLogic.compare(*cines[:2])
    written = comparisonLogic.exportComparison(result, str(tmp_path / "out"))
    assert [path.name for path in written] == ["dice.csv", "dice.png", "dice_per_frame.png"]
    with (tmp_path / "out" / "dice.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [(row["item"], row["value"]) for row in rows if row["metric"] == "dice" and row["frame"] == "2"] == [("sector", "0.5")]
    with Image.open(tmp_path / "out" / "dice.png") as picture:
        colors = {color for _, color in picture.convert("RGB").getcolors(1 << 24)}
    assert {(124, 252, 0), (255, 0, 252), (255, 255, 255)} <= colors
    assert [path.name for path in comparisonLogic.exportComparison(result, str(tmp_path / "table"), pictures=False)] == ["dice.csv"]
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="cannot be written"):
        comparisonLogic.exportComparison(result, str(tmp_path / "file"))


def test_what_was_found_in_a_cine_is_compared_on_every_frame(logic, comparisonLogic):
    items = [screen(f"TIME {number}{number}", 20, 20 + 25 * number)[None] for number in range(3)]
    sequence, browser = addSequence(items, "flipped")
    study = logic.process(sequence, **OPTIONS)
    masks = []
    for number in range(3):
        browser.SetSelectedItemNumber(number)
        masks.append(segment(study, "redacted"))
    assert (masks[0] != masks[1]).any(), "the scene holds those of one frame only"
    truth, _ = addSegmentations([{"text": np.roll(mask, 2, axis=2)} for mask in masks], affineOf("flipped"), "expert", browser=browser)
    result = comparisonLogic.compare(study.segmentation, truth)
    assert [pair.name for pair in result.pairs] == ["redacted / text"]
    scores = [score.dice for score in result.comparisons["redacted / text"].of_frames(1)]
    assert scores == [pytest.approx(dice(mask, np.roll(mask, 2, axis=2)), abs=1e-6) for mask in masks]
    comparisonLogic.showFrame(result, 0, 1)
    assert browser.GetSelectedItemNumber() == 1


def test_a_node_leaves_the_scene_before_its_place_in_the_subject_hierarchy(comparisonLogic, several):
    """Slicer complains of a node that is in the scene and has no item."""
    result = comparisonLogic.compare(*several)
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    node, left = result.segmentation, []

    def removed(*_):
        left.append(node.GetScene() is not None and not hierarchy.GetItemByDataNode(node))

    tag = hierarchy.AddObserver(hierarchy.SubjectHierarchyItemRemovedEvent, removed)
    comparison_nodes.removeNodes(result)
    hierarchy.RemoveObserver(tag)
    assert left and not any(left) and node.GetScene() is None
    assert not slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLSegmentationDisplayNode") - 2, "those of the two masks"
