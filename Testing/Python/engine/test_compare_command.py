"""``pylogikslicer dice``: which grids are one, what is paired with what, what is printed and written."""

from __future__ import annotations

import csv
import json
import shutil

import numpy as np
import pytest
import SimpleITK
from PIL import Image
from pydicom.data import get_testdata_file

from PyLogikSlicerLib.command_line import main
from PyLogikSlicerLib.comparing import compare
from PyLogikSlicerLib.comparing.alignment import align_masks
from PyLogikSlicerLib.comparing.mask_files import Mask, load_mask
from PyLogikSlicerLib.comparing.tables import write_csv
from PyLogikSlicerLib.core.errors import UsageError

SECRET = "Quillfeather"
GREEN, MAGENTA, WHITE = (124, 252, 0), (255, 0, 252), (255, 255, 255)


@pytest.fixture
def labels() -> np.ndarray:
    """Eight slices with two labels, no two axes or directions alike."""
    volume = np.zeros((8, 30, 40), np.uint8)
    volume[1:6, 4:20, 5:15], volume[2:8, 10:28, 20:37] = 1, 2
    return volume


def image_of(labels: np.ndarray, spacing=(0.5, 0.75, 2.0), origin=(-10.0, 5.0, 30.0)) -> SimpleITK.Image:
    image = SimpleITK.GetImageFromArray(labels)
    image.SetSpacing(spacing)
    image.SetOrigin(origin)
    return image


def write(image: SimpleITK.Image, path):
    SimpleITK.WriteImage(image, str(path))
    return path


def rows_of(path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def dice(capsys, *arguments) -> tuple[int, str, str]:
    status = main(["dice", *map(str, arguments)])
    streams = capsys.readouterr()
    assert SECRET not in streams.out + streams.err
    return status, streams.out, streams.err


# Grids


@pytest.mark.parametrize("orientation", ["LPS", "RAI", "SAR", "PIR", "ILA"])
def test_axes_stored_in_another_order_or_direction_are_the_same_grid(tmp_path, labels, orientation):
    image = image_of(labels)
    one = load_mask(write(image, tmp_path / "one.nrrd"))
    other = load_mask(write(SimpleITK.DICOMOrient(image, orientation), tmp_path / "other.nii.gz"))
    pred, true, spacing = align_masks(one, other)
    np.testing.assert_array_equal(pred, labels)
    np.testing.assert_array_equal(true, labels)
    assert spacing == (2.0, 0.75, 0.5)


def test_an_oblique_grid_is_put_in_order_too(tmp_path, labels):
    image = image_of(labels)
    image.SetDirection(SimpleITK.Euler3DTransform((0, 0, 0), 0.3, 0.2, 0.1).GetMatrix())
    one, other = write(image, tmp_path / "one.nrrd"), write(SimpleITK.DICOMOrient(image, "RIP"), tmp_path / "other.nii")
    pred, true, _ = align_masks(load_mask(one), load_mask(other))
    np.testing.assert_array_equal(pred, true)


@pytest.mark.parametrize(
    "changed",
    [
        {"spacing": (0.5, 0.8, 2.0)},
        {"spacing": (0.5, 0.75, 2.1)},
        {"origin": (-10.0, 5.0, 31.0)},
        {"origin": (-9.75, 5.0, 30.0)},
        {"origin": (-10.0, 5.0, 32.0)},
    ],
)
def test_another_grid_is_refused_and_both_are_told(tmp_path, labels, changed):
    one, other = (load_mask(write(image_of(labels, **options), tmp_path / "mask.nrrd")) for options in ({}, changed))
    with pytest.raises(UsageError, match=r"40 x 30 x 8 voxels, spacing 0.5 0.75 2 mm, origin -10 5 30.*the truth has.*resample") as caught:
        align_masks(one, other)
    assert " ".join(f"{value:g}" for value in next(iter(changed.values()))) in str(caught.value)


def test_a_rotated_grid_and_one_of_fewer_slices_are_refused(tmp_path, labels):
    whole = load_mask(write(image_of(labels), tmp_path / "mask.nrrd"))
    turned = image_of(labels)
    turned.SetDirection(SimpleITK.Euler3DTransform((0, 0, 0), 0.02, 0, 0).GetMatrix())
    for image in (turned, image_of(labels[1:], origin=(-10.0, 5.0, 32.0))):
        with pytest.raises(UsageError, match="differ in geometry"):
            align_masks(whole, load_mask(write(image, tmp_path / "other.nrrd")))


def test_headers_rounded_to_a_hundredth_of_a_millimeter_are_the_same_grid(tmp_path, labels):
    one = load_mask(write(image_of(labels, (0.488281, 0.488281, 2.0), (-124.755859, 3.3333, 30)), tmp_path / "one.nrrd"))
    other = load_mask(write(image_of(labels, (0.4883, 0.4883, 2.0), (-124.76, 3.33, 30)), tmp_path / "other.nrrd"))
    align_masks(one, other)


def test_a_dicom_segmentation_is_background_where_it_stores_nothing(corpus):
    """The two real files lie on one grid, of three slices and of one."""
    three, one = load_mask(corpus / "edge" / "seg" / "seg_liver.dcm"), load_mask(get_testdata_file("liver_1frame.dcm"))
    for pair in ((three, one), (one, three)):
        pred, true, spacing = align_masks(*pair)
        assert pred.shape == true.shape == (3, 512, 512) and spacing == pytest.approx((1.0, 0.810547, 0.810547))
        assert {np.count_nonzero(pred), np.count_nonzero(true)} == {np.count_nonzero(mask.labels) for mask in pair}
        assert np.count_nonzero(pred & true) == np.count_nonzero(one.labels)


def test_a_dicom_segmentation_is_held_against_a_volume_of_its_source_but_never_the_volume_enlarged(tmp_path, corpus):
    segmentation = load_mask(get_testdata_file("liver_1frame.dcm"))
    spacing, (x, y, z) = segmentation.geometry.spacing[::-1], segmentation.geometry.origin
    volume = np.concatenate([np.zeros((4, 512, 512), np.uint8), segmentation.labels, np.zeros((2, 512, 512), np.uint8)])
    path = write(SimpleITK.DICOMOrient(image_of(volume, spacing, (x, y, z - 4)), "RAS"), tmp_path / "whole.nii.gz")
    pred, true, _ = align_masks(segmentation, load_mask(path))
    np.testing.assert_array_equal(pred, true)
    np.testing.assert_array_equal(pred, volume)
    three = load_mask(corpus / "edge" / "seg" / "seg_liver.dcm")
    with pytest.raises(UsageError, match="differ in geometry"):
        align_masks(three, load_mask(write(image_of(volume[4:5], spacing, (x, y, z)), tmp_path / "slice.nrrd")))


def test_masks_that_know_no_place_need_only_the_shape():
    still = Mask(np.ones((3, 4), np.uint8))
    assert align_masks(still, Mask(np.ones((1, 3, 4), np.uint8)))[2] is None
    with pytest.raises(UsageError, match=r"\(3, 4\).*\(2, 3, 4\)"):
        align_masks(still, Mask(np.ones((2, 3, 4), np.uint8)))


def test_a_region_of_interest_is_held_against_every_frame():
    region = Mask(np.eye(4, dtype=bool), frames=5)
    pred, true, _ = align_masks(region, Mask(np.zeros((5, 4, 4), np.uint8)))
    assert pred.shape == true.shape == (5, 4, 4) and (pred == np.eye(4)).all()
    assert align_masks(region, Mask(np.zeros((4, 4), np.uint8)))[0].shape == (4, 4)
    with pytest.raises(UsageError, match=r"\(6, 4, 4\)"):
        align_masks(region, Mask(np.zeros((6, 4, 4), np.uint8)))


# The command


def test_all_labels_are_listed_and_every_value_is_written(tmp_path, capsys, labels):
    pred = labels.copy()
    pred[4, 4:12, 5:15] = 0
    paths = write(image_of(pred), tmp_path / f"{SECRET}.nii.gz"), write(image_of(labels), tmp_path / "true.nrrd")
    status, told, _ = dice(capsys, *paths, "-o", tmp_path / "out")
    header, *lines = told.splitlines()
    assert status == 0 and "Hausdorff (mm)" in header and [line.split()[0] for line in lines] == ["1", "2", "all"]
    assert lines[0].split()[1:5] == ["0.9474", "0.9000", "1.0000", "0.9000"] and lines[0].split()[-2:] == ["4", "number"]
    rows = rows_of(tmp_path / "out" / "dice.csv")
    assert list(rows[0]) == ["item", "label", "true_label", "name", "frame", "metric", "value"]
    values = {(row["label"], row["frame"], row["metric"]): row["value"] for row in rows}
    assert float(values["1", "4", "dice"]) == pytest.approx(2 / 3) and values["1", "7", "dice"] == "1.0"
    assert float(values["2", "", "true_volume_mm3"]) == 6 * 18 * 17 * 0.75
    assert float(values["2", "3", "true_area_mm2"]) == 18 * 17 * 0.375
    assert values["1", "0", "hausdorff_mm"] == "" and values["2", "", "mean_surface_distance_mm"] == "0.0"
    assert len(values) == len(rows) and {row["frame"] for row in rows} == {"", *map(str, range(8))}
    assert SECRET.encode() not in b"".join(path.read_bytes() for path in (tmp_path / "out").iterdir())


def test_pictures_show_both_masks_in_their_colors_and_dice_over_frames(tmp_path, capsys, labels):
    paths = write(image_of(np.roll(labels, 2, 2)), tmp_path / "pred.nrrd"), write(image_of(labels), tmp_path / "true.nrrd")
    assert dice(capsys, *paths, "-o", tmp_path / "out")[0] == 0
    pixels = np.asarray(Image.open(tmp_path / "out" / "dice.png").convert("RGB")).reshape(-1, 3)
    assert all((pixels == color).all(axis=1).sum() > 1000 for color in (GREEN, MAGENTA, WHITE))
    with Image.open(tmp_path / "out" / "dice_per_frame.png") as plot:
        colors = np.asarray(plot.convert("RGB")).reshape(-1, 3)
        # Two lines in matplotlib's first two colors.
        assert all((colors == color).all(axis=1).any() for color in ((31, 119, 180), (255, 127, 14)))


def test_one_label_can_be_chosen(tmp_path, capsys, labels):
    paths = write(image_of(labels), tmp_path / "pred.nrrd"), write(image_of(labels), tmp_path / "true.nrrd")
    status, told, _ = dice(capsys, *paths, "-k", 2, "-o", tmp_path / "out")
    assert status == 0 and len(told.splitlines()) == 2
    assert {row["label"] for row in rows_of(tmp_path / "out" / "dice.csv")} == {"2"}
    status, told, complaint = dice(capsys, *paths, "-k", 3)
    assert status == 2 and told == "" and "choose one of 1, 2 or a name" in complaint


def test_single_images_have_no_frames_and_no_plot_of_them(tmp_path, capsys):
    mask = np.zeros((20, 30), np.uint8)
    mask[4:14, 5:15] = 255
    Image.fromarray(mask).save(tmp_path / f"{SECRET}.png")
    SimpleITK.WriteImage(image_of(np.roll(mask // 255, 5, 1)[np.newaxis]), str(tmp_path / "true.nii.gz"))
    status, told, _ = dice(capsys, tmp_path / f"{SECRET}.png", tmp_path / "true.nii.gz", "-o", tmp_path / "out")
    assert status == 0 and told.splitlines()[1].split()[:2] == ["1", "0.5000"]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["dice.csv", "dice.png"]
    values = {row["metric"]: row["value"] for row in rows_of(tmp_path / "out" / "dice.csv")}
    assert float(values["true_area_mm2"]) == 37.5 and float(values["hausdorff_mm"]) == 2.5


def test_two_empty_masks_agree(tmp_path, capsys):
    Image.fromarray(np.zeros((8, 8), np.uint8)).save(tmp_path / "mask.png")
    status, told, _ = dice(capsys, tmp_path / "mask.png", tmp_path / "mask.png", "-o", tmp_path / "out")
    assert status == 0 and told.splitlines()[1].split()[:2] == ["all", "1.0000"]


def test_dicom_segmentations_are_compared(capsys, corpus):
    status, told, _ = dice(capsys, get_testdata_file("liver_1frame.dcm"), corpus / "edge" / "seg" / "seg_liver.dcm")
    assert status == 0 and told.splitlines()[1].split()[3:5] == ["1.0000", "0.3383"]


# Output folders


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory):
    """What deid-us makes of two real ultrasound images."""
    folder = tmp_path_factory.mktemp("run")
    sources = folder / "in"
    sources.mkdir()
    for name in ("examples_palette.dcm", "examples_rgb_color.dcm"):
        shutil.copy(get_testdata_file(name), sources / name)
    assert main(["deid-us", str(sources), "-o", str(folder / "out"), "--rename"]) == 0
    return folder / "out"


def test_regions_of_an_output_folder_are_compared_with_masks_of_the_same_names(tmp_path, capsys, run_folder):
    images = json.loads((run_folder / "report.json").read_text())["images"]
    truth = tmp_path / SECRET
    truth.mkdir()
    for image in images:
        mask = np.zeros((image["roi"]["rows"], image["roi"]["columns"]), np.uint8)
        x0, y0, x1, y1 = image["roi"]["crop"]
        mask[y0:y1, x0:x1] = 255
        Image.fromarray(mask).save(truth / f"{image['name']}.png")
    capsys.readouterr()
    status, told, _ = dice(capsys, run_folder, truth, "-o", tmp_path / "out")
    assert status == 0 and all(image["name"] in told for image in images) and "mean Dice of 2 items" in told
    recalls = {row["item"]: float(row["value"]) for row in rows_of(tmp_path / "out" / "dice.csv") if row["metric"] == "precision"}
    # The box that holds a region holds all of it.
    assert recalls == {image["name"]: 1.0 for image in images}
    Image.fromarray(mask).save(truth / f"{SECRET}.png")
    (truth / f"{images[0]['name']}.png").unlink()
    status, told, complaint = dice(capsys, run_folder, truth)
    assert status == 1 and len(told.splitlines()) == 2
    assert "1 of the prediction" in complaint and "1 of the truth" in complaint


def test_two_runs_are_compared_and_what_fits_not_is_told_while_the_rest_is_done(tmp_path, capsys, run_folder):
    status, told, _ = dice(capsys, run_folder, run_folder)
    assert status == 0 and told.count("1.0000") >= 8
    report = json.loads((run_folder / "report.json").read_text())
    report["images"][0]["roi"]["rows"] += 1
    (tmp_path / "report.json").write_text(json.dumps(report))
    status, told, complaint = dice(capsys, run_folder, tmp_path)
    assert status == 1 and len(told.splitlines()) == 2 and "differ in shape" in complaint


def test_what_cannot_be_paired_is_wrong_usage(tmp_path, capsys, run_folder):
    mask = tmp_path / f"{SECRET}.png"
    Image.fromarray(np.ones((4, 4), np.uint8)).save(mask)
    empty, masks, foreign = (tmp_path / name for name in ("empty", "masks", "foreign"))
    for folder in (empty, masks, foreign):
        folder.mkdir()
    for name in ("a.png", "b.nii.gz"):
        write(SimpleITK.ReadImage(str(mask)), masks / name)
    (foreign / "report.json").write_text("[]")
    for arguments, complaint in (
        ((mask, tmp_path / f"{SECRET}.nrrd"), "of the truth does not exist"),
        ((empty, mask), "holds no mask file"),
        ((masks, masks), "output folder of this tool"),
        ((masks, run_folder), "name of one of the truth"),
        ((foreign, mask), "report.json"),
        ((mask, mask, "-o", mask / "out"), "cannot be written"),
    ):
        status, told, error = dice(capsys, *arguments)
        assert status == 2 and complaint in error


def test_the_name_of_an_image_is_no_formula_in_the_table(tmp_path, labels):
    write_csv({"=1+1": compare(labels, labels), "liver": compare(labels, labels)}, tmp_path / "dice.csv")
    assert {row["item"] for row in rows_of(tmp_path / "dice.csv")} == {"'=1+1", "liver"}
