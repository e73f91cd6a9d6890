"""Which label is compared with which: by name, by number, as masks of one label; and how ``pylogikslicer dice`` tells."""

from __future__ import annotations

import csv
from pathlib import Path

import nibabel
import nrrd
import numpy as np
import pytest
import SimpleITK
from PIL import Image
from pydicom.data import get_testdata_file
from segmentation_samples import ct_slices, write_segmentation

from PyLogikSlicerLib.command_line import main
from PyLogikSlicerLib.comparing import compare, pair_labels
from PyLogikSlicerLib.core.label_mask import Mask

SHAPE = (4, 20, 30)


@pytest.fixture
def square() -> np.ndarray:
    mask = np.zeros(SHAPE, bool)
    mask[1:3, 4:14, 5:15] = True
    return mask


def dice(capsys, *arguments) -> tuple[int, list[list[str]], str]:
    """The exit status, the rows of the table, a list of cells each, and what stderr says."""
    status = main(["dice", *map(str, arguments)])
    streams = capsys.readouterr()
    return status, [line.split("  ") for line in streams.out.splitlines()[1:]], streams.err


def cells(row: list[str]) -> list[str]:
    return [cell.strip() for cell in row if cell.strip()]


def scores(rows: list[list[str]]) -> dict[str, tuple[float, str]]:
    """By the title of the label: Dice, and why it was paired."""
    told = [cells(row) for row in rows]
    return {row[0]: (float(row[1]), row[-1]) for row in told if row[0] != "all"}


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def write(path: Path, labels: np.ndarray) -> Path:
    if path.suffix == ".png":
        Image.fromarray(labels).save(path)
    elif path.name.endswith((".nii", ".nii.gz")):
        nibabel.save(nibabel.Nifti1Image(labels.T, np.diag([-1.0, -1, 1, 1])), path)
    else:
        SimpleITK.WriteImage(SimpleITK.GetImageFromArray(labels), str(path))
    return path


def write_named(path: Path, labels: np.ndarray, segments: list[dict], **fields) -> Path:
    """A segmentation as 3D Slicer writes it; ``labels`` with a last axis of layers, if there is one."""
    header = {
        "space": "left-posterior-superior",
        "space directions": [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
        "space origin": [0, 0, 0],
        "kinds": ["domain"] * 3,
    }
    if labels.ndim == 4:
        header |= {"space directions": [[np.nan] * 3, *header["space directions"]], "kinds": ["list", *header["kinds"]]}
    words: list[str] = []
    for number, segment in enumerate(segments):
        told = {"ID": f"Segment_{number + 1}"} | segment
        header |= {f"Segment{number}_{key}": f"@{len(words) + place}@" for place, key in enumerate(told)}
        words += map(str, told.values())
    nrrd.write(str(path), labels.T, header | fields, index_order="F")
    content = path.read_bytes()
    for number, word in enumerate(words):  # pynrrd writes ASCII only
        content = content.replace(b"@%d@" % number, word.encode(), 1)
    path.write_bytes(content)
    return path


# Masks of one label


@pytest.mark.parametrize("suffix", [".nii.gz", ".nrrd", ".mha"])
@pytest.mark.parametrize(
    "dtype,value", [(np.uint8, 255), (np.uint16, 65535), (np.int8, -1), (np.int16, 32767), (np.float32, 255), (np.int32, -1)]
)
def test_masks_of_one_label_are_compared_as_masks_whatever_stands_for_true(tmp_path, capsys, square, suffix, dtype, value):
    pred = write(tmp_path / f"pred{suffix}", np.where(square, value, 0).astype(dtype))
    true = write(tmp_path / f"true{suffix}", np.roll(square, 1, axis=2).astype(np.uint8))
    status, rows, _ = dice(capsys, pred, true, "-o", tmp_path / "out")
    assert status == 0 and scores(rows) == {f"{value} / 1": (0.9, "mask")}
    assert {(row["label"], row["true_label"]) for row in rows_of(tmp_path / "out" / "dice.csv")} == {(str(value), "1")}
    assert scores(dice(capsys, true, pred)[1]) == {f"1 / {value}": (0.9, "mask")}
    assert (
        scores(dice(capsys, pred, true, "-k", value)[1]) == scores(dice(capsys, pred, true, "-k", 1)[1]) == {f"{value} / 1": (0.9, "mask")}
    )


def test_pictures_of_every_depth_are_masks_too(tmp_path, capsys, square):
    mask = square[1]
    one = write(tmp_path / "one.nrrd", mask.astype(np.uint8)[np.newaxis])
    for name, pixels in (
        ("a", mask.astype(np.uint8) * 255),
        ("b", mask.astype(np.uint16) * 65535),
        ("c", mask),
        ("d", mask.astype(np.uint16) * 255),
    ):
        path = write(tmp_path / f"{name}.png", pixels)
        assert [score for score, _ in scores(dice(capsys, path, one)[1]).values()] == [1.0], name


def test_a_dicom_segmentation_is_held_against_a_mask_of_255(tmp_path, capsys):
    labels = np.zeros((6, 128, 128), np.uint8)
    labels[2:4, 30:60, 40:70] = 1
    path = write_segmentation(tmp_path / "a.dcm", ct_slices(), labels)
    image = SimpleITK.GetImageFromArray(labels * 255)
    image.SetSpacing((0.661468, 0.661468, 2.5))
    SimpleITK.WriteImage(image, str(tmp_path / "b.nrrd"))
    assert scores(dice(capsys, path, tmp_path / "b.nrrd")[1]) == {"1 / 255 (segment 1)": (1.0, "mask")}


def test_labels_that_are_no_masks_are_not_taken_for_the_same_and_that_is_told(tmp_path, capsys, square):
    one, two, seven = (write(tmp_path / f"{value}.nrrd", square.astype(np.uint8) * value) for value in (1, 2, 7))
    for pair in ((one, two), (two, seven)):
        status, rows, complaint = dice(capsys, *pair)
        assert status == 0 and {score for score, _ in scores(rows).values()} == {0.0}
        assert {why for _, why in scores(rows).values()} == {"no partner"} and "each mask has one label" in complaint
    both = square.astype(np.uint8) * 255
    both[0] = 2
    status, rows, complaint = dice(capsys, write(tmp_path / "both.nrrd", both), one)
    assert {score for score, _ in scores(rows).values()} == {0.0} and complaint == ""


def test_255_in_both_is_a_number_like_any_other(tmp_path, capsys, square):
    pred, true = (write(tmp_path / f"{name}.nrrd", square.astype(np.uint8) * 255) for name in ("pred", "true"))
    assert scores(dice(capsys, pred, true)[1]) == {"255": (1.0, "number")}


def test_a_region_of_interest_is_held_against_a_mask_of_255(square):
    (pair,) = pair_labels(Mask(square[1]), Mask(square[1].astype(np.uint8) * 255))
    assert pair.paired_by == "mask" and compare(square[1], square[1] * np.uint8(255), labels=[pair]).overall[0].dice == 1.0


# Names


@pytest.fixture
def organs(square) -> np.ndarray:
    """Two organs: 1 and 2."""
    labels = square.astype(np.uint8)
    labels[:, 15:19, 5:25] = 2
    return labels


def swapped(labels: np.ndarray) -> np.ndarray:
    return np.array([0, 2, 1, *range(3, 256)], np.uint8)[labels]


LIVER, SPLEEN = {"Name": "liver", "LabelValue": 1, "Layer": 0}, {"Name": "spleen", "LabelValue": 2, "Layer": 0}


def named(name: str, label: int, layer: int = 0) -> dict:
    return {"Name": name, "LabelValue": label, "Layer": layer}


@pytest.mark.parametrize(
    "names",
    [("liver", "spleen"), ("LIVER", "Spleen"), ("  liver ", "spleen  "), ("ｌｉｖｅｒ", "spleen")],
    ids=["equal", "case", "white space", "wide letters"],
)
def test_segments_of_one_name_are_compared_whatever_their_numbers(tmp_path, capsys, organs, names):
    pred = write_named(tmp_path / "pred.seg.nrrd", organs, [LIVER, SPLEEN])
    true = write_named(tmp_path / "true.seg.nrrd", swapped(organs), [named(names[1], 1), named(names[0], 2)])
    status, rows, _ = dice(capsys, pred, true, "-o", tmp_path / "out")
    assert status == 0 and scores(rows) == {"liver": (1.0, "name"), "spleen": (1.0, "name")}
    written = {(row["name"], row["label"], row["true_label"]) for row in rows_of(tmp_path / "out" / "dice.csv")}
    assert written == {("liver", "1", "2"), ("spleen", "2", "1"), ("", "all", "all")}


def test_names_are_those_of_unicode_however_they_are_composed(square):
    masks = Mask(square, names={1: "Lésion  péri-hépatique"}), Mask(square * 5, names={5: "le\u0301sion pe\u0301ri-hépatique"})
    assert [(pair.label, pair.true_label, pair.paired_by) for pair in pair_labels(*masks)] == [(1, 5, "name")]
    german = Mask(square, names={1: "Gefäß"}), Mask(square * 5, names={5: "GEFÄSS"})
    assert pair_labels(*german)[0].paired_by == "name"


def test_a_name_that_only_one_mask_has_keeps_its_number_from_being_paired(tmp_path, capsys, organs):
    """The liver is 1 in the one and 2 in the other, whose 1 is the kidney: a spleen must not be compared with it."""
    pred = write_named(tmp_path / "pred.seg.nrrd", organs, [LIVER, SPLEEN])
    true = write_named(tmp_path / "true.seg.nrrd", swapped(organs), [named("kidney", 1), named("liver", 2)])
    rows = dice(capsys, pred, true)[1]
    assert scores(rows) == {"liver": (1.0, "name"), "spleen": (0.0, "no partner"), "kidney": (0.0, "no partner")}
    same_number = write_named(tmp_path / "same.seg.nrrd", organs, [named("liver", 1), named("kidney", 2)])
    assert scores(dice(capsys, pred, same_number)[1]) == {
        "liver": (1.0, "name"),
        "spleen": (0.0, "no partner"),
        "kidney": (0.0, "no partner"),
    }


def test_where_no_name_or_only_one_side_has_names_numbers_are_paired_and_both_names_told(tmp_path, capsys, organs):
    pred = write_named(tmp_path / "pred.seg.nrrd", organs, [LIVER, SPLEEN])
    german = write_named(tmp_path / "german.seg.nrrd", organs, [named("Leber", 1), named("Milz", 2)])
    plain = write(tmp_path / "plain.nrrd", organs)
    assert scores(dice(capsys, pred, german)[1]) == {"1 (liver / Leber)": (1.0, "number"), "2 (spleen / Milz)": (1.0, "number")}
    assert scores(dice(capsys, pred, plain)[1]) == {"1 (liver)": (1.0, "number"), "2 (spleen)": (1.0, "number")}
    assert scores(dice(capsys, plain, german)[1]) == {"1 (Leber)": (1.0, "number"), "2 (Milz)": (1.0, "number")}


def test_a_label_without_a_name_is_paired_by_number_beside_those_that_have_one(square):
    pred, true = square.astype(np.uint8), square.astype(np.uint8) * 2
    pred[3], true[3] = 7, 7
    pairs = pair_labels(Mask(pred, names={1: "liver"}), Mask(true, names={2: "liver"}))
    assert [(pair.label, pair.true_label, pair.paired_by) for pair in pairs] == [(1, 2, "name"), (7, 7, "number")]


def test_several_segments_of_one_name_are_paired_in_order(square):
    labels = square.astype(np.uint8)
    labels[0], labels[3] = 2, 3
    lesions = {1: "lesion", 2: "lesion", 3: "lesion"}
    renumbered = Mask(labels * np.uint8(3), names={3: "lesion", 6: "lesion", 9: "lesion"})
    assert [(pair.label, pair.true_label) for pair in pair_labels(Mask(labels, names=lesions), renumbered)] == [(1, 3), (2, 6), (3, 9)]


def test_a_segment_that_is_named_but_empty_is_compared_where_the_other_has_it(square):
    names = {1: "liver", 2: "spleen"}
    pred, true = Mask(square.astype(np.uint8), names=names), Mask(square.astype(np.uint8) * 2, names=names)
    pairs = pair_labels(pred, true)
    assert [(pair.name, pair.label, pair.true_label) for pair in pairs] == [("liver", 1, 1), ("spleen", 2, 2)]
    assert [score.dice for score in compare(pred.labels, true.labels, labels=pairs).overall] == [0.0, 0.0]
    assert [pair.name for pair in pair_labels(pred, pred)] == ["liver"]


def test_a_label_is_chosen_by_number_or_by_name(tmp_path, capsys, organs):
    pred = write_named(tmp_path / "pred.seg.nrrd", organs, [LIVER, SPLEEN])
    true = write_named(tmp_path / "true.seg.nrrd", swapped(organs), [named("Spleen", 1), named("Liver", 2)])
    for told, title in (("liver", "liver"), (" SPLEEN", "spleen"), ("1", "liver"), ("2", "spleen")):
        status, rows, _ = dice(capsys, pred, true, "-k", told)
        assert status == 0 and list(scores(rows)) == [title]
    for told in ("kidney of Quillfeather", "3"):
        status, rows, complaint = dice(capsys, pred, true, "-k", told)
        assert status == 2 and rows == [] and "choose one of 1, 2 or a name" in complaint
        assert not any(word in complaint for word in ("Quillfeather", "liver", "Spleen"))


def test_names_cannot_control_the_terminal_nor_break_the_table(tmp_path, capsys, organs):
    evil = named("liver\x1b[2J\x07" + "x" * 500, 1)
    pred = write_named(tmp_path / "pred.seg.nrrd", organs, [evil, SPLEEN])
    main(["dice", str(pred), str(pred), "-o", str(tmp_path / "out")])
    told = capsys.readouterr().out
    assert "\x1b" not in told and "\x07" not in told and max(map(len, told.splitlines())) < 250


def test_names_stand_in_the_pictures_and_no_label_is_missing(tmp_path, capsys, organs):
    pred = write_named(tmp_path / "pred.seg.nrrd", organs, [LIVER, SPLEEN])
    assert dice(capsys, pred, pred, "-o", tmp_path / "out")[0] == 0
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"dice.csv", "dice.png", "dice_per_frame.png"}


# Layers


def test_segments_in_layers_overlap_and_each_is_compared_in_full(tmp_path, capsys, square):
    inner = np.zeros(SHAPE, bool)
    inner[1, 6:10, 8:12] = True
    layers = np.stack([square.astype(np.uint8), inner.astype(np.uint8)], axis=-1)
    pred = write_named(tmp_path / "pred.seg.nrrd", layers, [named("organ", 1, 0), named("tumor", 1, 1)])
    flat = np.where(inner, 2, square).astype(np.uint8)
    true = write_named(tmp_path / "true.seg.nrrd", flat, [named("organ", 1), named("tumor", 2)])
    held = int(inner.sum())
    expected = round(2 * (200 - held) / (400 - held), 4)
    assert scores(dice(capsys, pred, true)[1]) == {"organ": (expected, "name"), "tumor": (1.0, "name")}
    assert scores(dice(capsys, pred, pred)[1]) == {"organ": (1.0, "name"), "tumor": (1.0, "name")}
    status, rows, _ = dice(capsys, pred, true, "-k", "tumor", "-o", tmp_path / "out")
    assert status == 0 and cells(rows[0])[:2] == ["tumor", "1.0000"] and cells(rows[0])[5] == "0.00"


def test_layers_without_labels_are_segments_as_slicer_4_wrote_them(tmp_path, capsys, square):
    layers = np.stack([square, np.roll(square, 3, axis=1)], axis=-1).astype(np.uint8)
    old = write_named(tmp_path / "old.seg.nrrd", layers, [{"Name": "organ"}, {"Name": "tumor"}])
    new = write_named(tmp_path / "new.seg.nrrd", layers, [named("tumor", 1, 1), named("organ", 1, 0)])
    assert scores(dice(capsys, old, new)[1]) == {"organ": (1.0, "name"), "tumor": (1.0, "name")}


def test_a_segmentation_cut_to_its_segments_is_background_outside_of_them(tmp_path, capsys, organs):
    whole = write_named(tmp_path / "whole.seg.nrrd", organs, [LIVER, SPLEEN])
    part = organs[1:3, 4:, 5:25]
    cut = write_named(tmp_path / "cut.seg.nrrd", part, [LIVER, SPLEEN], **{"space origin": [5, 4, 1]})
    expected = {"liver": (1.0, "name"), "spleen": (round(2 * 2 * 80 / (2 * 80 + 4 * 80), 4), "name")}
    assert scores(dice(capsys, cut, whole)[1]) == scores(dice(capsys, whole, cut)[1]) == expected
    plain = write(tmp_path / "plain.nrrd", organs)
    assert {score for score, _ in scores(dice(capsys, cut, plain)[1]).values()} == {score for score, _ in expected.values()}


@pytest.mark.parametrize("segment", [{"Layer": 3}, {"Layer": "x"}, {"LabelValue": "one"}])
def test_segments_whose_description_makes_no_sense_are_told(tmp_path, capsys, organs, segment):
    path = write_named(tmp_path / "Quillfeather.seg.nrrd", organs, [LIVER | segment])
    status, rows, complaint = dice(capsys, path, path)
    assert status == 1 and rows == [] and "segment" in complaint and "damaged" in complaint and "Quillfeather" not in complaint


def test_values_that_no_segment_describes_are_labels_without_a_name(tmp_path, capsys, organs):
    path = write_named(tmp_path / "a.seg.nrrd", organs, [LIVER])
    assert scores(dice(capsys, path, path)[1]) == {"liver": (1.0, "name"), "2": (1.0, "number")}


def test_a_real_dicom_segmentation_has_its_name(capsys):
    path = get_testdata_file("liver_1frame.dcm")
    assert list(scores(dice(capsys, path, path)[1]).values()) == [(1.0, "name")]
