"""DICOM segmentations of every kind: what is read, where it lies, and what is refused by the name of the attribute."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from segmentation_samples import COLUMNS, ROWS, ct_slices, ultrasound_cine, write_segmentation

from PyLogikSlicerLib.comparing import compare
from PyLogikSlicerLib.comparing.alignment import align_masks
from PyLogikSlicerLib.comparing.mask_files import load_mask
from PyLogikSlicerLib.core.errors import UnreadableInput, UsageError
from PyLogikSlicerLib.core.label_mask import Mask
from PyLogikSlicerLib.core.voxel_grid import grid_from_steps


@pytest.fixture
def labels() -> np.ndarray:
    """Two segments in six slices, two of which are empty."""
    made = np.zeros((6, ROWS, COLUMNS), np.uint8)
    made[0, 10:20, 10:20], made[1, 30:40, 10:50], made[5, 60:90, 60:70], made[3, 60:90, 50:80] = 1, 2, 1, 2
    return made


def measures(dataset: Dataset) -> Dataset:
    return dataset.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0]


def without(*keywords: str):
    """A change that takes these attributes out of the pixel measures."""

    def change(dataset: Dataset) -> None:
        for keyword in keywords:
            measures(dataset).pop(keyword, None)

    return change


# Slices


@pytest.mark.parametrize("missing", [("SliceThickness",), ("SpacingBetweenSlices",), ("SliceThickness", "SpacingBetweenSlices")])
@pytest.mark.parametrize("kind", ["BINARY", "LABELMAP"])
def test_neither_thickness_nor_spacing_between_slices_is_needed(tmp_path, labels, missing, kind):
    mask = load_mask(write_segmentation(tmp_path / "a.dcm", ct_slices(), labels, kind, change=without(*missing)))
    np.testing.assert_array_equal(mask.labels, labels)
    assert mask.geometry.spacing == pytest.approx((2.5, 0.661468, 0.661468))


def test_one_slice_lies_where_its_position_says_whatever_its_thickness(tmp_path, labels):
    one = np.where(np.arange(6)[:, None, None] == 3, labels, 0)
    whole = load_mask(write_segmentation(tmp_path / "whole.dcm", ct_slices(), labels))
    for change in (without("SliceThickness", "SpacingBetweenSlices"), lambda dataset: setattr(measures(dataset), "SliceThickness", 7)):
        single = load_mask(write_segmentation(tmp_path / "one.dcm", ct_slices(), one, change=change))
        for pair, expected in (((single, whole), (one, labels)), ((whole, single), (labels, one))):
            pred, true, spacing = align_masks(*pair)
            np.testing.assert_array_equal((pred, true), expected)
            assert spacing[0] == pytest.approx(2.5)
    volume = Mask(labels, whole.geometry)
    np.testing.assert_array_equal(align_masks(volume, single)[1], one)


def test_slices_between_two_others_are_not_put_there(tmp_path, labels):
    pred = load_mask(write_segmentation(tmp_path / "pred.dcm", ct_slices(), labels))
    moved = ct_slices()
    for dataset in moved:
        dataset.ImagePositionPatient[2] += 1.25
    true = load_mask(write_segmentation(tmp_path / "true.dcm", moved, labels))
    with pytest.raises(UsageError, match="differ in geometry"):
        align_masks(pred, true)
    with pytest.raises(UsageError, match="differ in geometry"):
        align_masks(
            Mask(
                np.zeros((3, ROWS, COLUMNS), np.uint8),
                grid_from_steps((3, ROWS, COLUMNS), pred.geometry.steps * [[2], [1], [1]], (0, 0, 0)),
            ),
            pred,
        )


def test_only_every_second_slice_is_held_against_all(tmp_path, labels):
    """Its slices are 5 mm apart, as far as it tells; those of the other are 2.5 mm apart."""
    even = np.where(np.arange(6)[:, None, None] % 2 == 0, np.roll(labels, 1, 0), 0)
    sparse = load_mask(write_segmentation(tmp_path / "a.dcm", ct_slices(), even, change=without("SliceThickness", "SpacingBetweenSlices")))
    assert len(sparse.labels) == 3 and sparse.geometry.spacing[0] == pytest.approx(5)
    whole = load_mask(write_segmentation(tmp_path / "b.dcm", ct_slices(), labels))
    for first, second, place in ((sparse, whole, 0), (whole, sparse, 1)):
        np.testing.assert_array_equal(align_masks(first, second)[place], even)


@pytest.mark.parametrize("kind", ["BINARY", "LABELMAP"])
def test_slices_of_a_tilted_gantry_and_oblique_ones_keep_their_places(tmp_path, labels, kind):
    for name, options in (("tilted", {"shift": (0, 0.6, 0)}), ("oblique", {"orientation": (0.8, 0.6, 0, 0, 0, -1)})):
        series = ct_slices(**options)
        mask = load_mask(
            write_segmentation(tmp_path / f"{name}.dcm", [series[index] for index in (3, 0, 5, 1, 4, 2)], labels[[3, 0, 5, 1, 4, 2]], kind)
        )
        np.testing.assert_array_equal(mask.labels, labels)
        for index, dataset in enumerate(series):
            np.testing.assert_allclose(mask.geometry.to_space([[index, 0, 0]])[0], dataset.ImagePositionPatient, atol=1e-4)


@pytest.mark.parametrize("change", [lambda dataset: None, without("SpacingBetweenSlices")], ids=["told", "derived"])
def test_distances_over_slices_of_a_tilted_gantry_run_in_space(tmp_path, change):
    one, other = np.zeros((2, 6, ROWS, COLUMNS), np.uint8)
    one[0, 50, 50] = other[2, 50, 50] = one[5, 0, 0] = other[5, 0, 0] = 1
    series = ct_slices(shift=(0, 0.6, 0))
    masks = [load_mask(write_segmentation(tmp_path / "a.dcm", series, mask, change=change)) for mask in (one, other)]
    score = compare(*align_masks(*masks)).overall[0]
    assert score.distances.hausdorff == pytest.approx(np.hypot(5, 1.2), rel=1e-5) and score.dice == 0.5


def test_two_segmentations_whose_slices_are_missing_in_other_places_are_put_together(tmp_path, labels):
    """Neither tells the distance of its slices: 0 and 12.5 mm in the one, 5 and 12.5 mm in the other."""
    first, second = (
        np.where(np.isin(np.arange(6), held)[:, None, None], 1, 0).astype(np.uint8) * np.ones_like(labels) for held in ((0, 5), (2, 5))
    )
    masks = [
        load_mask(write_segmentation(tmp_path / "a.dcm", ct_slices(), made, change=without("SpacingBetweenSlices", "SliceThickness")))
        for made in (first, second)
    ]
    score = compare(*align_masks(*masks), distances=False).overall[0]
    assert (score.predicted, score.true, score.both) == (2 * ROWS * COLUMNS, 2 * ROWS * COLUMNS, ROWS * COLUMNS)
    assert score.true_size == pytest.approx(2 * ROWS * COLUMNS * 2.5 * 0.661468**2)


def test_slices_that_are_not_equally_spaced_are_compared_on_the_same_images_only(tmp_path, labels):
    series = ct_slices()
    series[2].ImagePositionPatient[2] += 1.1
    series[3].ImagePositionPatient[2] += 0.7
    every = np.maximum(labels, 1)
    every[:, 0] = 0
    first = load_mask(write_segmentation(tmp_path / "a.dcm", series, every))
    second = load_mask(write_segmentation(tmp_path / "b.dcm", series[::-1], every[::-1]))
    assert first.geometry is None and first.scattered
    pred, true, spacing = align_masks(first, second)
    np.testing.assert_array_equal(pred, true)
    assert spacing == pytest.approx((0.661468, 0.661468))
    with pytest.raises(UsageError, match="not parallel and equally spaced"):
        align_masks(first, Mask(every))

    def forget(dataset: Dataset) -> None:
        for group in dataset.PerFrameFunctionalGroupsSequence:
            del group.DerivationImageSequence

    with pytest.raises(UnreadableInput, match="ImagePositionPatient.*DerivationImageSequence"):
        load_mask(write_segmentation(tmp_path / "c.dcm", series, every, change=forget))


def test_planes_that_turn_around_an_axis_are_compared_plane_by_plane(tmp_path, labels):
    every = np.maximum(labels, 1)
    angles = np.linspace(0, np.pi, 6, endpoint=False)

    def turn(dataset: Dataset) -> None:
        for group, angle in zip(dataset.PerFrameFunctionalGroupsSequence, np.repeat(angles, 1), strict=False):
            group.PlaneOrientationSequence = Sequence([Dataset()])
            group.PlaneOrientationSequence[0].ImageOrientationPatient = [
                round(float(np.cos(angle)), 9),
                round(float(np.sin(angle)), 9),
                0,
                0,
                0,
                -1,
            ]

    masks = [
        load_mask(write_segmentation(tmp_path / name, ct_slices(), (every > 0).astype(np.uint8), change=turn))
        for name in ("a.dcm", "b.dcm")
    ]
    assert masks[0].geometry is None and masks[0].scattered
    np.testing.assert_array_equal(align_masks(*masks)[0], every > 0)


# Segments


def test_segments_that_overlap_are_each_compared_in_full(tmp_path):
    both = np.zeros((6, ROWS, COLUMNS, 3), np.uint8)
    both[2, 10:30, 10:30, 0] = both[2, 20:40, 20:40, 1] = both[2, 25:27, 25:27, 2] = both[4, 60:70, 60:70, 2] = 1
    mask = load_mask(write_segmentation(tmp_path / "a.dcm", ct_slices(), both))
    for number in (1, 2, 3):
        np.testing.assert_array_equal(np.isin(mask.labels, mask.values_of(number)), both[2:5, ..., number - 1])
    assert mask.labels_of(np.unique(mask.labels).tolist()) == {1, 2, 3}


def test_fractions_are_refused_and_a_fractional_segmentation_without_any_is_read(tmp_path, labels):
    segments = np.stack([labels == 1, labels == 2], axis=-1).astype(float)
    np.testing.assert_array_equal(load_mask(write_segmentation(tmp_path / "a.dcm", ct_slices(), segments, "FRACTIONAL")).labels, labels)
    with pytest.raises(UnreadableInput, match="fractional"):
        load_mask(write_segmentation(tmp_path / "b.dcm", ct_slices(), segments * 0.5, "FRACTIONAL"))


def test_a_label_map_of_many_segments_and_one_whose_background_is_not_0(tmp_path, labels):
    many = labels.astype(np.uint16) * 150
    many[2, 5:8, 5:8] = 299
    series, names = ct_slices(), [f"part {number}" for number in range(1, 301)]
    mask = load_mask(write_segmentation(tmp_path / "many.dcm", series, many, "LABELMAP", names))
    np.testing.assert_array_equal(mask.labels, many)
    assert mask.names[299] == "part 299"

    def pad(dataset: Dataset) -> None:
        dataset.PixelPaddingValue = 200
        dataset.SegmentSequence = [segment for segment in dataset.SegmentSequence if segment.SegmentNumber]
        pixels = np.frombuffer(dataset.PixelData, np.uint8)
        dataset.PixelData = np.where(pixels == 0, 200, pixels).astype(np.uint8).tobytes()

    np.testing.assert_array_equal(
        load_mask(write_segmentation(tmp_path / "padded.dcm", series, labels, "LABELMAP", change=pad)).labels, labels
    )


@pytest.mark.parametrize(
    "kind,syntax", [("LABELMAP", "1.2.840.10008.1.2.5"), ("LABELMAP", "1.2.840.10008.1.2.4.80"), ("BINARY", "1.2.840.10008.1.2.4.90")]
)
def test_compressed_segmentations_are_read(tmp_path, labels, kind, syntax):
    path = write_segmentation(tmp_path / "a.dcm", ct_slices(), labels, kind, transfer_syntax_uid=syntax)
    np.testing.assert_array_equal(load_mask(path).labels, labels)


def test_a_real_segmentation_in_big_endian_is_the_same_as_in_little_endian():
    little, big = (load_mask(get_testdata_file(f"liver{kind}_1frame.dcm")) for kind in ("", "_expb"))
    np.testing.assert_array_equal(little.labels, big.labels)


def test_segments_are_called_by_label_else_description_else_code(tmp_path, labels):
    def name(dataset: Dataset) -> None:
        first, second = dataset.SegmentSequence
        first.SegmentLabel, first.SegmentDescription = "", "left kidney"
        second.SegmentLabel = ""
        code = second.SegmentedPropertyTypeCodeSequence[0]
        code.CodeMeaning = "Kidney"
        code.SegmentedPropertyTypeModifierCodeSequence = Sequence([Dataset()])
        code.SegmentedPropertyTypeModifierCodeSequence[0].CodeMeaning = "Right"

    plain = load_mask(write_segmentation(tmp_path / "a.dcm", ct_slices(), labels, labels=["Leber", "Milz"]))
    assert dict(plain.names) == {1: "Leber", 2: "Milz"}
    coded = load_mask(write_segmentation(tmp_path / "b.dcm", ct_slices(), labels, change=name))
    assert dict(coded.names) == {1: "left kidney", 2: "Kidney, Right"}


# Frames without a place


def cine_segmentation(path: Path, labels: np.ndarray, frames: list[int] | None, change=lambda dataset: None) -> Path:
    """Of a cine without places in space, which highdicom does not write: of one still, its frames then said to be those of a cine."""
    source = ultrasound_cine(1)
    del source.NumberOfFrames, source.FrameIncrementPointer, source.FrameTime
    source.SOPClassUID = "1.2.840.10008.5.1.4.1.1.6.1"
    write_segmentation(path, [source], labels[:1] * 0 + 1)
    dataset = pydicom.dcmread(path)
    group = dataset.PerFrameFunctionalGroupsSequence[0]
    held = [number for number, frame in enumerate(labels) if frame.any()]
    dataset.PerFrameFunctionalGroupsSequence = Sequence([pydicom.dcmread(path).PerFrameFunctionalGroupsSequence[0] for _ in held])
    assert len(group.DerivationImageSequence) == 1
    for place, number in enumerate(held):
        source_image = dataset.PerFrameFunctionalGroupsSequence[place].DerivationImageSequence[0].SourceImageSequence[0]
        source_image.ReferencedFrameNumber = number + 1
        if frames is None:
            del dataset.PerFrameFunctionalGroupsSequence[place].DerivationImageSequence
    dataset.NumberOfFrames = len(held)
    bits = np.packbits(labels[held].ravel(), bitorder="little").tobytes()
    dataset.PixelData = bits + b"\0" * (len(bits) % 2)
    change(dataset)
    dataset.save_as(path)
    return path


@pytest.fixture
def cine() -> np.ndarray:
    source = ultrasound_cine(1)
    made = np.zeros((6, source.Rows, source.Columns), np.uint8)
    made[1, 10:40, 10:50] = made[2, 12:42, 10:50] = made[4, 20:50, 10:50] = 1
    return made


def test_a_segmentation_of_a_cine_is_compared_frame_by_frame(tmp_path, cine):
    first = load_mask(cine_segmentation(tmp_path / "a.dcm", cine, []))
    np.testing.assert_array_equal(first.labels, cine[:5])
    moved = np.roll(cine, 1, axis=0)
    second = load_mask(cine_segmentation(tmp_path / "b.dcm", moved, []))
    pred, true, spacing = align_masks(first, second)
    np.testing.assert_array_equal(pred, cine)
    np.testing.assert_array_equal(true, moved)
    assert spacing is None
    # Held against a stack of frames, those behind the last one that is stored are background.
    np.testing.assert_array_equal(align_masks(Mask(cine[:, np.newaxis]), first)[1], cine)
    with pytest.raises(UsageError, match="differ in shape"):
        align_masks(first, Mask(cine[:3]))


def test_frames_of_a_cine_have_the_size_of_their_pixels(tmp_path, cine):
    def size(dataset: Dataset) -> None:
        dataset.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence = Sequence([Dataset()])
        measures(dataset).PixelSpacing = [0.5, 0.25]

    masks = [load_mask(cine_segmentation(tmp_path / "a.dcm", shifted, [], size)) for shifted in (cine, np.roll(cine, 4, axis=1))]
    score = compare(*align_masks(*masks)).overall[0]
    assert score.distances.hausdorff == pytest.approx(2.0)


def test_frames_that_refer_to_nothing_are_counted_by_their_dimensions_or_in_their_order(tmp_path, cine):
    full = cine | np.eye(cine.shape[1], cine.shape[2], dtype=np.uint8)
    np.testing.assert_array_equal(load_mask(cine_segmentation(tmp_path / "order.dcm", full, None)).labels, full)

    def count(dataset: Dataset) -> None:
        pointers = (0x0062000B, 0x00209057)
        dataset.DimensionIndexSequence = Sequence([Dataset() for _ in pointers])
        for one, pointer in zip(dataset.DimensionIndexSequence, pointers, strict=True):
            one.DimensionIndexPointer = pointer
        for group, place in zip(dataset.PerFrameFunctionalGroupsSequence, (4, 2, 1, 3, 6, 5), strict=True):
            group.FrameContentSequence = Sequence([Dataset()])
            group.FrameContentSequence[0].DimensionIndexValues = [1, place]

    read = load_mask(cine_segmentation(tmp_path / "counted.dcm", full, None, count)).labels
    np.testing.assert_array_equal(read, full[[2, 1, 3, 0, 5, 4]])


def test_frames_at_one_place_are_those_of_the_images_they_were_made_on(repository):
    folder = repository / "Testing" / "Data" / "cases" / "dice"
    masks = [load_mask(folder / f"cine_{name}.seg.dcm") for name in "ab"]
    assert masks[0].geometry is None and masks[0].pixel_spacing == (1, 1)
    assert compare(*align_masks(*masks)).overall[0].dice == pytest.approx(0.9)


def test_two_segmentations_of_stills_meet_on_the_same_still(tmp_path, cine):
    """Each refers only to those in which it has something."""

    def of(instances: list[str]):
        def change(dataset: Dataset) -> None:
            dataset.ReferencedSeriesSequence = Sequence([])
            for group, instance in zip(dataset.PerFrameFunctionalGroupsSequence, instances, strict=True):
                image = group.DerivationImageSequence[0].SourceImageSequence[0]
                image.ReferencedSOPInstanceUID = instance
                del image.ReferencedFrameNumber

        return change

    first = load_mask(cine_segmentation(tmp_path / "a.dcm", cine, [], of(["1.1", "1.2", "1.3"])))
    second = load_mask(cine_segmentation(tmp_path / "b.dcm", cine, [], of(["1.2", "1.3", "1.4"])))
    pred, true, _ = align_masks(first, second)
    np.testing.assert_array_equal(pred, [cine[1], cine[2], cine[4], cine[0]])
    np.testing.assert_array_equal(true, [cine[0], cine[1], cine[2], cine[4]])


# Tiles


def tiled_segmentation(path: Path, matrix: np.ndarray, is_full: bool) -> Path:
    """Tiles of 128 x 128 of a matrix that they do not fill."""
    down, across = (-(-size // ROWS) for size in matrix.shape)
    padded = np.zeros((down * ROWS, across * COLUMNS), np.uint8)
    padded[: matrix.shape[0], : matrix.shape[1]] = matrix
    tiles = padded.reshape(down, ROWS, across, COLUMNS).swapaxes(1, 2).reshape(-1, ROWS, COLUMNS)
    write_segmentation(path, ct_slices(len(tiles)), np.maximum(tiles, 1))
    dataset = pydicom.dcmread(path)
    dataset.TotalPixelMatrixRows, dataset.TotalPixelMatrixColumns = matrix.shape
    dataset.DimensionOrganizationType = "TILED_FULL" if is_full else "TILED_SPARSE"
    held = [(segment, place) for segment in (1, 2) for place in range(len(tiles)) if is_full or (tiles[place] == segment).any()]
    frames = np.array([tiles[place] == segment for segment, place in held], np.uint8)
    dataset.NumberOfFrames = len(frames)
    bits = np.packbits(frames.ravel(), bitorder="little").tobytes()
    dataset.PixelData = bits + b"\0" * (len(bits) % 2)
    del dataset.PerFrameFunctionalGroupsSequence
    dataset.SharedFunctionalGroupsSequence[0].pop("SegmentIdentificationSequence", None)
    if len(dataset.SegmentSequence) == 1:
        second = pydicom.dcmread(path).SegmentSequence[0]
        second.SegmentNumber, second.SegmentLabel = 2, "second"
        dataset.SegmentSequence.append(second)
    if not is_full:
        groups = []
        for segment, place in held[::-1]:
            group = Dataset()
            group.SegmentIdentificationSequence = Sequence([Dataset()])
            group.SegmentIdentificationSequence[0].ReferencedSegmentNumber = segment
            group.PlanePositionSlideSequence = Sequence([Dataset()])
            group.PlanePositionSlideSequence[0].RowPositionInTotalImagePixelMatrix = place // across * ROWS + 1
            group.PlanePositionSlideSequence[0].ColumnPositionInTotalImagePixelMatrix = place % across * COLUMNS + 1
            groups.append(group)
        dataset.PerFrameFunctionalGroupsSequence = Sequence(groups)
        bits = np.packbits(frames[::-1].ravel(), bitorder="little").tobytes()
        dataset.PixelData = bits + b"\0" * (len(bits) % 2)
    dataset.save_as(path)
    return path


@pytest.mark.parametrize("is_full", [True, False])
def test_tiles_are_put_together(tmp_path, is_full):
    matrix = np.zeros((300, 200), np.uint8)
    matrix[100:160, 100:150], matrix[280:300, 190:200] = 1, 2
    mask = load_mask(tiled_segmentation(tmp_path / "a.dcm", matrix, is_full))
    np.testing.assert_array_equal(mask.labels, matrix)
    assert mask.pixel_spacing == pytest.approx((0.661468, 0.661468))


# What is refused


def drop(keyword: str):
    def change(dataset: Dataset) -> None:
        dataset.pop(keyword, None)

    return change


def lie(keyword: str, value):
    def change(dataset: Dataset) -> None:
        setattr(dataset, keyword, value)

    return change


def fewer_groups(dataset: Dataset) -> None:
    dataset.PerFrameFunctionalGroupsSequence = dataset.PerFrameFunctionalGroupsSequence[:-1]


def no_segment_numbers(dataset: Dataset) -> None:
    for group in dataset.PerFrameFunctionalGroupsSequence:
        group.pop("SegmentIdentificationSequence", None)


def no_direction(dataset: Dataset) -> None:
    dataset.SharedFunctionalGroupsSequence[0].PlaneOrientationSequence[0].ImageOrientationPatient = [1, 0, 0, 1, 0, 0]


def half_a_position(dataset: Dataset) -> None:
    dataset.PerFrameFunctionalGroupsSequence[0].PlanePositionSequence[0].ImagePositionPatient = [1, 2]


def far_frame(dataset: Dataset) -> None:
    for group in dataset.PerFrameFunctionalGroupsSequence:
        del group.PlanePositionSequence
        group.DerivationImageSequence[0].SourceImageSequence[0].ReferencedFrameNumber = 2**31 - 1


@pytest.mark.parametrize(
    "change,told",
    [
        (drop("SOPClassUID"), "SOPClassUID is missing"),
        (drop("SegmentationType"), "SegmentationType"),
        (lie("SegmentationType", "CURVED"), "SegmentationType"),
        (drop("Rows"), "Rows"),
        (lie("NumberOfFrames", 9), "truncated or damaged"),
        (fewer_groups, "PerFrameFunctionalGroupsSequence of the DICOM segmentation describes 3 of 4"),
        (drop("PerFrameFunctionalGroupsSequence"), "PerFrameFunctionalGroupsSequence"),
        (no_segment_numbers, "ReferencedSegmentNumber"),
        (no_direction, "ImageOrientationPatient"),
        (half_a_position, "ImagePositionPatient"),
        (far_frame, "ReferencedFrameNumber"),
        (lie("DimensionOrganizationType", "TILED_SPARSE"), "TotalPixelMatrixRows"),
        (lie("PixelData", b"\1\2"), "truncated or damaged"),
    ],
)
def test_what_is_missing_or_wrong_is_told_by_its_name(tmp_path, labels, change, told):
    path = write_segmentation(tmp_path / "DOE_JANE.dcm", ct_slices(), labels, change=change)
    with pytest.raises(UnreadableInput, match=told) as caught:
        load_mask(path)
    assert "DOE" not in str(caught.value)


def test_a_long_segmentation_is_read_whole(tmp_path):
    """What is said of its frames takes more than a megabyte."""
    segments = np.zeros((8, ROWS, COLUMNS, 64), np.uint8)
    labels = np.zeros((8, ROWS, COLUMNS), np.uint8)
    for number in range(64):
        segments[:, 2 * number : 2 * number + 2, 10 : 20 + number, number] = 1
        labels[:, 2 * number : 2 * number + 2, 10 : 20 + number] = number + 1

    def comment(dataset: Dataset) -> None:
        for group in dataset.PerFrameFunctionalGroupsSequence:
            group.FrameContentSequence[0].FrameComments = "x" * 3000

    path = write_segmentation(tmp_path / "a.dcm", ct_slices(8), segments, change=comment)
    assert path.stat().st_size > 1 << 20
    np.testing.assert_array_equal(load_mask(path).labels, labels)
