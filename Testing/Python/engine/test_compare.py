"""Scores of two masks: against SimpleITK and the published definitions, on real segmentations, known shapes and any masks."""

from __future__ import annotations

import math

import numpy as np
import pytest
import SimpleITK
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from pydicom.data import get_testdata_file
from scipy.ndimage import binary_dilation, shift

from PyLogikSlicerLib import im_analysis
from PyLogikSlicerLib.comparing import compare, match_labels
from PyLogikSlicerLib.comparing.mask_files import load_mask
from PyLogikSlicerLib.core.errors import UsageError

OVERLAP = ("dice", "jaccard", "precision", "recall")


@st.composite
def label_pairs(draw, dimensions=(2, 4), labels=(-1, 3)):
    shape = draw(array_shapes(min_dims=dimensions[0], max_dims=dimensions[1], max_side=6))
    masks = arrays(draw(st.sampled_from([np.int8, np.int16, np.int64])), shape, elements=st.integers(*labels))
    return draw(masks), draw(masks)


def overlap_by_itk(pred: np.ndarray, true: np.ndarray) -> SimpleITK.LabelOverlapMeasuresImageFilter:
    """The target of this filter is the truth."""
    measure = SimpleITK.LabelOverlapMeasuresImageFilter()
    measure.Execute(*(SimpleITK.GetImageFromArray(mask.astype(np.int32)) for mask in (pred, true)))
    return measure


def distances_by_itk(pred: np.ndarray, true: np.ndarray, spacing) -> tuple[float, float, float]:
    """Largest distance of the surfaces, and the 95th percentile and the mean, made of ITK's contours and distance maps."""
    images = [SimpleITK.GetImageFromArray(np.pad(mask, 1).astype(np.uint8)) for mask in (pred, true)]
    for image in images:
        image.SetSpacing(tuple(spacing[::-1]))
    contours = [SimpleITK.BinaryContour(image, fullyConnected=False) for image in images]
    hausdorff = SimpleITK.HausdorffDistanceImageFilter()
    hausdorff.Execute(*contours)
    maps = [SimpleITK.SignedMaurerDistanceMap(contour, squaredDistance=False, useImageSpacing=True) for contour in contours]
    ways = [
        np.abs(SimpleITK.GetArrayFromImage(maps[1 - own]))[SimpleITK.GetArrayFromImage(contour) == 1]
        for own, contour in enumerate(contours)
    ]
    percentile = max(np.percentile(way, 95) for way in ways)
    return hausdorff.GetHausdorffDistance(), percentile, float(np.concatenate(ways).mean())


def assert_as_itk_measures(pred: np.ndarray, true: np.ndarray, spacing) -> None:
    comparison = compare(pred, true, spacing)
    measure = overlap_by_itk(pred, true)
    for score in comparison.overall:
        assert score.dice == pytest.approx(measure.GetDiceCoefficient(score.label), abs=1e-12)
        assert score.jaccard == pytest.approx(measure.GetJaccardCoefficient(score.label), abs=1e-12)
        assert score.recall == pytest.approx(1 - measure.GetFalseNegativeError(score.label), abs=1e-12)
        assert score.precision == pytest.approx(1 - measure.GetFalseDiscoveryRate(score.label), abs=1e-12)
        largest, percentile, mean = distances_by_itk(pred == score.label, true == score.label, spacing)
        # ITK keeps distances, and their squares on the way, in 32 bits: 0 comes out as 0.000015.
        assert (score.distances.hausdorff, score.distances.hausdorff95, score.distances.mean) == pytest.approx(
            (largest, percentile, mean), rel=2e-5, abs=2e-5
        )
        assert score.true_size == pytest.approx(np.count_nonzero(true == score.label) * math.prod(spacing))
    assert comparison.total.dice == pytest.approx(measure.GetDiceCoefficient(), abs=1e-12)


# Real segmentations


def test_a_real_liver_against_itself_moved_and_grown():
    liver = load_mask(get_testdata_file("liver_1frame.dcm"))
    spacing = liver.geometry.spacing[1:]
    mask = liver.labels[0]
    for other in (np.roll(mask, (3, -5), (0, 1)), binary_dilation(mask, iterations=2).astype(np.uint8)):
        assert_as_itk_measures(other, mask, spacing)


def test_real_segmentations_of_several_slices_and_their_frames(corpus):
    liver = load_mask(corpus / "edge" / "seg" / "seg_liver.dcm")
    spacing, truth = liver.geometry.spacing, liver.labels
    # Two labels, as two readers may have drawn them: the left part is one, moved and grown it is the other's.
    truth = np.where(truth.astype(bool) & (np.arange(truth.shape[-1]) > 250), 2, truth).astype(np.uint8)
    prediction = shift(truth, (0, 2, -3), order=0)
    prediction[0] = np.where(binary_dilation(truth[0] == 2, iterations=3), 2, prediction[0])
    assert_as_itk_measures(prediction, truth, spacing)
    for frame, score in enumerate(compare(prediction, truth, spacing).of_frames(2)):
        assert_as_itk_measures(prediction[frame], truth[frame], spacing[1:])
        alone = compare(prediction[frame], truth[frame], spacing[1:]).overall[1]
        assert (score.dice, score.distances, score.true_size) == (alone.dice, alone.distances, alone.true_size)


def test_a_real_nifti_volume_at_two_thresholds(corpus):
    volume = load_mask(corpus / "edge" / "nifti" / "nifti_anat3d.nii")
    low, high = (np.percentile(volume.labels, share) for share in (50, 70))
    assert_as_itk_measures((volume.labels > low).astype(np.uint8), (volume.labels > high).astype(np.uint8), volume.geometry.spacing)


def test_a_real_series_of_volumes_is_compared_time_by_time(corpus):
    series = SimpleITK.ReadImage(str(corpus / "edge" / "nifti" / "nifti_func4d.nii"))
    spacing, values = series.GetSpacing()[2::-1], SimpleITK.GetArrayFromImage(series)
    pred, true = (values > np.percentile(values, share) for share in (50, 60))
    comparison = compare(pred, true, spacing)
    times = [compare(*pair, spacing).overall[0] for pair in zip(pred, true, strict=True)]
    assert comparison.overall[0].distances.hausdorff == max(time.distances.hausdorff for time in times)
    assert comparison.overall[0].both == sum(time.both for time in times)
    assert len(comparison.of_frames(1)) == pred.shape[0] * pred.shape[1]
    assert_as_itk_measures(pred[1], true[1], spacing)


# Known shapes


def test_two_squares_have_the_scores_that_one_can_count():
    pred, true = np.zeros((2, 20, 30), np.uint8)
    pred[4:14, 5:15] = true[4:14, 10:20] = 1
    score = compare(pred, true, (0.5, 2.0)).overall[0]
    assert [getattr(score, name) for name in OVERLAP] == [0.5, 1 / 3, 0.5, 0.5]
    assert (score.predicted_size, score.true_size) == (100.0, 100.0)
    # Five columns of 2 mm apart; the upper and lower edges have five pixels each that lie on each other.
    assert score.distances.hausdorff == 10.0
    assert compare(pred, true).overall[0].distances.hausdorff == 5.0


def test_two_balls_lie_as_far_apart_as_their_radii_differ():
    z, y, x = np.ogrid[-20:21, -40:41, -40:41]
    radius = np.sqrt((2 * z) ** 2 + y**2 + x**2)
    score = compare(radius <= 20, radius <= 30, (2, 1, 1)).overall[0]
    # The centers of surface voxels lie up to a voxel inside the balls.
    assert score.distances.hausdorff == pytest.approx(10, abs=1) and score.distances.mean == pytest.approx(10, abs=0.5)
    assert score.predicted_size == pytest.approx(4 / 3 * math.pi * 20**3, rel=0.02)
    assert (score.precision, score.recall) == (1.0, pytest.approx(8 / 27, rel=0.02))


def test_a_single_stray_pixel_moves_the_largest_distance_and_not_the_95th_percentile():
    true = np.zeros((100, 100), bool)
    true[20:60, 20:60] = True
    pred = true.copy()
    pred[90, 59] = True
    distances = compare(pred, true).overall[0].distances
    assert distances.hausdorff == 31.0 and distances.hausdorff95 == 0.0 and distances.mean == pytest.approx(31 / (156 * 2 + 1))


def test_a_cine_has_distances_within_its_frames_and_no_volume():
    true = np.zeros((4, 30, 30), np.uint8)
    true[:, 5:15, 5:15] = 1
    pred = np.roll(true, 10, axis=1)
    pred[3] = true[3]
    pred[0] = 0
    comparison = compare(pred, true, (0.5, 0.5))
    assert [score.distances.hausdorff for score in comparison.of_frames(1)[1:]] == [5.0, 5.0, 0.0]
    assert comparison.overall[0].distances.hausdorff == 5.0 and comparison.worst_frames(1) == (0, 1, 2, 3)
    metrics = {row.metric for row in comparison.rows() if row.frame is None}
    assert "hausdorff_mm" in metrics and "true_volume_mm3" not in metrics
    assert {row.metric for row in comparison.rows() if row.frame == 1} >= {"true_area_mm2", "mean_surface_distance_mm"}


# What is empty or missing


def test_empty_masks_agree_and_have_no_distance():
    empty = np.zeros((3, 4), np.uint8)
    assert compare(empty, empty).overall == () and compare(empty, empty).total.dice == 1.0
    score = compare(empty, empty, labels=[7]).overall[0]
    assert [getattr(score, name) for name in OVERLAP] == [1.0] * 4 and math.isnan(score.distances.mean)


def test_a_label_on_one_side_only_scores_zero_and_what_is_undefined_is_so():
    pred, true = np.zeros((2, 3, 4), np.uint8)
    pred[0, 0], true[2, 2] = 1, 5
    missed, invented = (compare(pred, true).overall[index] for index in (1, 0))
    assert (missed.label, missed.dice, missed.jaccard, missed.recall) == (5, 0.0, 0.0, 0.0) and math.isnan(missed.precision)
    assert (invented.label, invented.dice, invented.precision) == (1, 0.0, 0.0) and math.isnan(invented.recall)
    values = {(row.label, row.metric): row.value for row in compare(pred, true).rows("a")}
    assert values[5, "precision"] is None and values[5, "hausdorff_px"] is None and values[None, "dice"] == 0.0


# Any masks


@given(pair=label_pairs())
def test_counts_are_those_of_the_plain_definition(pair):
    pred, true = pair
    comparison = compare(pred, true, distances=False)
    assert comparison.labels == tuple(label for label in np.union1d(pred, true) if label)
    for score in comparison.overall:
        assert score.dice == im_analysis.dice_score(pred, true, score.label)
        assert score.both == np.count_nonzero((pred == score.label) & (true == score.label))
    for label in comparison.labels if pred.ndim > 2 else ():
        frames = zip(pred.reshape(-1, *pred.shape[-2:]), true.reshape(-1, *pred.shape[-2:]), strict=True)
        assert [score.dice for score in comparison.of_frames(label)] == [im_analysis.dice_score(*frame, label) for frame in frames]


@given(pair=label_pairs(dimensions=(2, 3)), data=st.data())
def test_scores_are_symmetric_bounded_and_blind_to_flips(pair, data):
    pred, true = pair
    spacing = tuple(data.draw(st.sampled_from([0.25, 1.0, 3.0])) for _ in range(data.draw(st.integers(2, pred.ndim))))
    there, back = compare(pred, true, spacing), compare(true, pred, spacing)
    axes = data.draw(st.sets(st.integers(0, pred.ndim - 1)))
    flipped = compare(*(np.flip(mask, tuple(axes)) for mask in pair), spacing)
    for one, other, mirrored in zip(there.overall, back.overall, flipped.overall, strict=True):
        assert 0 <= one.jaccard <= one.dice <= 1
        assert (one.dice, one.jaccard) == (other.dice, other.jaccard) == (mirrored.dice, mirrored.jaccard)
        assert np.array_equal([one.precision, one.recall], [other.recall, other.precision], equal_nan=True)
        numbers = [(d.hausdorff, d.hausdorff95, d.mean) for d in (one.distances, other.distances, mirrored.distances)]
        np.testing.assert_allclose(numbers, numbers[:1] * 3, rtol=1e-12)
        frames = [one] if len(spacing) == pred.ndim else there.of_frames(one.label)
        assert math.isnan(numbers[0][0]) != any(frame.predicted and frame.true for frame in frames)
        assert not numbers[0][1] > numbers[0][0] and not numbers[0][2] > numbers[0][0]
    for score in compare(pred, pred, spacing).overall:
        assert score.dice == 1 and score.distances.hausdorff == score.distances.mean == 0


@given(
    pair=label_pairs(dimensions=(2, 3), labels=(0, 1)),
    spacing=st.tuples(*[st.sampled_from([0.5, 1.0, 2.5])] * 3),
)
def test_distances_are_those_of_itk_for_any_masks(pair, spacing):
    pred, true = pair
    if pred.any() and true.any():
        spacing = spacing[-pred.ndim :]
        distances = compare(pred, true, spacing).overall[0].distances
        expected = distances_by_itk(pred == 1, true == 1, spacing)
        assert (distances.hausdorff, distances.hausdorff95, distances.mean) == pytest.approx(expected, rel=2e-5, abs=2e-5)


def test_labels_far_apart_and_of_every_type_are_counted():
    for dtype in (np.uint8, np.uint16, np.int32, np.uint32, np.int64):
        values = np.array([0, 1, np.iinfo(dtype).max], dtype)
        pred, true = values[np.arange(24).reshape(2, 3, 4) % 3], values[np.arange(24).reshape(2, 3, 4) // 4 % 3]
        score = compare(pred, true).overall[1]
        assert score.label == values[2] and score.both == np.count_nonzero((pred == values[2]) & (true == values[2]))


def test_masks_are_left_as_they_are_and_may_be_read_only():
    pred, true = np.random.default_rng(0).integers(0, 3, (2, 4, 6, 6), dtype=np.int16)
    before = pred.copy(), true.copy()
    pred.setflags(write=False)
    true.setflags(write=False)
    compare(pred, true, (1, 1, 1))
    np.testing.assert_array_equal((pred, true), before)


# Which label is which


def test_labels_are_matched_by_overlap_whatever_their_numbers():
    true = np.zeros((3, 20, 20), np.uint8)
    true[:, :5], true[:, 5:12, :10], true[:, 15:] = 1, 2, 3
    pred = np.select([true == 1, true == 2, true == 3], [30, 10, 20], 0)
    pred[:, 4:6] = 10
    pred[0, 13, 13] = 40
    matched = match_labels(pred, true)
    assert matched == {30: 1, 10: 2, 20: 3}
    comparison = compare(pred, true, labels=matched)
    assert {score.label: score.true_label for score in comparison.overall} == matched
    assert all(score.dice > 0.75 for score in comparison.overall) and comparison.of_frames(20)[0].dice == 1.0


@given(pair=label_pairs(labels=(0, 4)), order=st.permutations([1, 2, 3, 4]))
def test_a_relabeled_mask_is_matched_back(pair, order):
    mask = pair[0]
    relabeled = np.array([0, *order], mask.dtype)[mask]
    present = [label for label in np.unique(mask).tolist() if label]
    assert match_labels(relabeled, mask) == {order[label - 1]: label for label in present}


# Wrong calls


def test_wrong_calls_are_told_with_what_was_given():
    square = np.zeros((4, 5), np.uint8)
    for arguments, complaint in (
        ((square, square[:, 1:]), r"prediction has \(4, 5\).*truth has \(4, 4\)"),
        ((square[0], square[0]), r"2 to 4 axes.*\(5,\)"),
        ((np.zeros((0, 3), bool),) * 2, r"\(0, 3\)"),
        ((square * 0.5, square), "float64"),
        ((square, square, (1, 1, 1)), r"\(1.0, 1.0, 1.0\).*2 axes"),
        ((square, square, (1, -1)), "above 0"),
        ((square, square, (1, float("nan"))), "nan"),
    ):
        with pytest.raises(UsageError, match=complaint):
            compare(*arguments)
