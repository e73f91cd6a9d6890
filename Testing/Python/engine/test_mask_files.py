"""Masks from files: what is read, as what labels, on what grid, and what is refused."""

from __future__ import annotations

import highdicom as hd
import nibabel
import numpy as np
import pydicom
import pytest
import SimpleITK
from PIL import Image
from pydicom.data import get_testdata_file

from PyLogikSlicerLib import im_analysis
from PyLogikSlicerLib.comparing.mask_files import load_mask
from PyLogikSlicerLib.core.errors import PyLogikSlicerError
from PyLogikSlicerLib.core.voxel_grid import spacing_from_steps


@pytest.fixture
def square() -> np.ndarray:
    mask = np.zeros((20, 30), np.uint8)
    mask[4:14, 5:15] = 1
    return mask


@pytest.mark.parametrize("mode", ["L", "1", "P", "RGB", "RGBA", "I;16"])
def test_png_masks_of_every_kind_are_read_alike(tmp_path, square, mode):
    path = tmp_path / "mask.png"
    if mode == "I;16":
        Image.fromarray(square.astype(np.uint16)).save(path)
    elif mode == "P":
        image = Image.fromarray(square).convert("P")
        image.putpalette([0, 0, 0, 255, 10, 10])
        image.save(path)
    else:
        Image.fromarray(square * 255).convert(mode).save(path)
    assert im_analysis.dice_score(load_mask(path).labels, square) == 1.0


def test_png_grey_levels_are_labels(tmp_path, square):
    labels = square * 2 + np.roll(square, 15, axis=1) * 7
    Image.fromarray(labels).save(tmp_path / "labels.png")
    mask = load_mask(tmp_path / "labels.png")
    np.testing.assert_array_equal(mask.labels, labels)
    assert mask.geometry is None


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz", ".nrrd", ".mha", ".mhd"])
@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.float32])
def test_volumes_are_read_slice_by_slice(tmp_path, suffix, dtype):
    labels = np.random.default_rng(0).integers(0, 3, (4, 5, 6)).astype(dtype)
    SimpleITK.WriteImage(SimpleITK.GetImageFromArray(labels), str(tmp_path / f"labels{suffix}"))
    read = load_mask(tmp_path / f"labels{suffix}").labels
    assert read.dtype.kind in "iu"
    np.testing.assert_array_equal(read, labels)


@pytest.mark.parametrize("suffix", [".nii.gz", ".nrrd", ".mha"])
def test_a_voxel_lies_where_itk_has_it(tmp_path, suffix):
    image = SimpleITK.Euler3DTransform((0, 0, 0), 0.3, 0.2, 0.1)
    volume = SimpleITK.GetImageFromArray(np.zeros((4, 5, 6), np.uint8))
    volume.SetSpacing((0.4, 0.7, 2.5))
    volume.SetOrigin((-10, 20, 30))
    volume.SetDirection(image.GetMatrix())
    SimpleITK.WriteImage(volume, str(tmp_path / f"oblique{suffix}"))
    geometry = load_mask(tmp_path / f"oblique{suffix}").geometry
    assert geometry.spacing == pytest.approx((2.5, 0.7, 0.4), rel=1e-5)
    for index in ((0, 0, 0), (5, 4, 3), (1, 0, 2)):
        there = geometry.to_space(np.array([index[::-1]]))[0]
        assert there == pytest.approx(volume.TransformIndexToPhysicalPoint(index), abs=1e-4)


def test_a_sheared_grid_is_taken_as_it_is(tmp_path):
    sheared = np.array([[0.5, 0.1, 0, -10], [0, 0.7, 0.2, 20], [0, 0, 2.5, 30], [0, 0, 0, 1]])
    nibabel.save(nibabel.Nifti1Image(np.ones((6, 5, 4), np.uint8), sheared), tmp_path / "sheared.nii")
    geometry = load_mask(tmp_path / "sheared.nii").geometry
    assert np.ndim(spacing_from_steps(geometry.steps)) == 2
    for index in ((0, 0, 0), (5, 4, 3)):
        np.testing.assert_allclose(geometry.to_space([index[::-1]])[0], (np.diag([-1, -1, 1, 1]) @ sheared @ [*index, 1])[:3], atol=1e-5)


def test_images_and_series_of_volumes_have_a_grid_too(tmp_path):
    image = SimpleITK.GetImageFromArray(np.ones((5, 6), np.uint8))
    image.SetSpacing((0.5, 0.25))
    SimpleITK.WriteImage(image, str(tmp_path / "image.nrrd"))
    mask = load_mask(tmp_path / "image.nrrd")
    assert mask.labels.shape == (5, 6) and mask.geometry.shape == (1, 5, 6) and mask.geometry.spacing[1:] == (0.25, 0.5)
    series = SimpleITK.JoinSeries([SimpleITK.JoinSeries([image] * 3, 0, 2.0)] * 2)
    SimpleITK.WriteImage(series, str(tmp_path / "series.nii"))
    mask = load_mask(tmp_path / "series.nii")
    assert mask.labels.shape == (2, 3, 5, 6) and mask.geometry.shape == (3, 5, 6) and mask.geometry.spacing == (2.0, 0.25, 0.5)


def test_a_real_dicom_segmentation_has_the_pixels_that_pydicom_sees():
    path = get_testdata_file("liver_1frame.dcm")
    labels = load_mask(path).labels
    assert labels.shape == (1, 512, 512) and set(np.unique(labels)) == {0, 1}
    np.testing.assert_array_equal(labels[0], pydicom.dcmread(path).pixel_array)


def test_a_real_dicom_segmentation_of_several_slices_is_a_volume(corpus):
    path = corpus / "edge" / "seg" / "seg_liver.dcm"
    segmentation = hd.seg.segread(path)
    planes = [item.PlanePositionSequence[0].ImagePositionPatient[2] for item in segmentation.PerFrameFunctionalGroupsSequence]
    mask = load_mask(path)
    np.testing.assert_array_equal(mask.labels, segmentation.pixel_array[np.argsort(planes)])
    # The source has its slices 2 mm apart, from the feet upwards as ITK sorts them.
    assert mask.sparse and mask.geometry.origin[2] == min(planes)
    assert mask.geometry.to_space(np.array([[2, 0, 0]]))[0][2] == max(planes)


@pytest.fixture
def ct_series() -> list[pydicom.Dataset]:
    """Six slices, 2.5 mm apart, made of one real CT image."""
    series = []
    for index in range(6):
        dataset = pydicom.dcmread(get_testdata_file("CT_small.dcm"))
        dataset.SOPInstanceUID = f"{dataset.SOPInstanceUID}.{index}"
        dataset.ImagePositionPatient = [0, 0, 2.5 * index]
        dataset.InstanceNumber = index + 1
        series.append(dataset)
    return series


def segmentation_file(path, series, mask, kind="BINARY"):
    code = hd.sr.CodedConcept("91723000", "SCT", "Anatomical structure")
    described = [
        hd.seg.SegmentDescription(number + 1, f"segment {number + 1}", code, code, hd.seg.SegmentAlgorithmTypeValues.MANUAL)
        for number in range(mask.shape[-1] if mask.ndim == 4 else int(mask.max()))
    ]
    identity = {
        "series_instance_uid": hd.UID(),
        "series_number": 1,
        "sop_instance_uid": hd.UID(),
        "instance_number": 1,
        "manufacturer": "nobody",
        "manufacturer_model_name": "none",
        "software_versions": "0",
        "device_serial_number": "0",
    }
    hd.seg.Segmentation(series, mask, kind, described, **identity).save_as(path)
    return path


@pytest.mark.parametrize("kind", ["BINARY", "LABELMAP"])
def test_segments_become_labels_and_an_empty_slice_between_them_keeps_its_place(tmp_path, ct_series, kind):
    labels = np.zeros((6, 128, 128), np.uint8)
    labels[0, 10:20, 10:20], labels[1, 30:40, 10:50], labels[5, 60:90, 60:70] = 1, 2, 3
    labels[1, 10:20, 10:20] = 1
    # The real image says SpacingBetweenSlices 5 mm, which its new positions contradict, as happens in archives.
    shuffled = [ct_series[index] for index in (3, 0, 5, 1, 4, 2)]
    path = segmentation_file(tmp_path / "seg.dcm", shuffled, labels[[3, 0, 5, 1, 4, 2]], kind)
    np.testing.assert_array_equal(load_mask(path).labels, labels)


def test_a_segmentation_without_positions_has_the_frames_it_refers_to(tmp_path):
    """Of an ultrasound cine: highdicom writes none, others do."""
    source = pydicom.dcmread(get_testdata_file("examples_rgb_color.dcm"))
    labels = np.zeros((1, source.Rows, source.Columns), np.uint8)
    labels[0, 10:20, 10:30], labels[0, 40:60, 10:30] = 1, 2
    path = segmentation_file(tmp_path / "still.dcm", [source], labels)
    np.testing.assert_array_equal(load_mask(path).labels, labels)
    dataset = pydicom.dcmread(path)
    for group, number in zip(dataset.PerFrameFunctionalGroupsSequence, (2, 5), strict=True):
        group.DerivationImageSequence[0].SourceImageSequence[0].ReferencedFrameNumber = number
    dataset.save_as(tmp_path / "cine.dcm")
    cine = load_mask(tmp_path / "cine.dcm")
    assert cine.geometry is None and [np.unique(frame).tolist() for frame in cine.labels] == [[0], [0, 1], [0], [0], [0, 2]]


def test_what_is_no_mask_is_refused_without_naming_the_file(tmp_path, square):
    name = "DOE_JANE"
    files = {
        f"{name}.png": lambda path: Image.fromarray(np.dstack([square * 255, square, square])).save(path),
        f"{name}_cut.png": lambda path: path.write_bytes(b"\x89PNG\r\n\x1a\n"),
        f"{name}.nii.gz": lambda path: path.write_bytes(b"no volume"),
        f"{name}.nrrd": lambda path: SimpleITK.WriteImage(SimpleITK.GetImageFromArray(np.full((3, 3), 0.5)), str(path)),
        f"{name}.mha": lambda path: SimpleITK.WriteImage(SimpleITK.GetImageFromArray(np.zeros((3, 3, 2)), isVector=True), str(path)),
        f"{name}.dcm": lambda path: pydicom.dcmread(get_testdata_file("CT_small.dcm")).save_as(path),
        f"{name}_cut.dcm": lambda path: path.write_bytes(bytes(128) + b"DICM" + bytes(10)),
        f"{name}.txt": lambda path: path.write_text("mask"),
        f"{name}_absent.png": lambda path: None,
    }
    for file, write in files.items():
        write(tmp_path / file)
        with pytest.raises(PyLogikSlicerError) as caught:
            load_mask(tmp_path / file)
        assert "DOE" not in str(caught.value) and caught.value.__suppress_context__ == (caught.value.__context__ is not None)
