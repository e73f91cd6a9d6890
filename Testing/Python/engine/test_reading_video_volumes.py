"""Videos and NIfTI, NRRD and MetaImage volumes."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import SimpleITK as sitk
from reading_samples import color_image, ct_image

from PyLogikSlicerLib.core.errors import UnreadableInput
from PyLogikSlicerLib.reading import open_stacks

RGB = color_image()
SHIFTED = [np.roll(RGB, 8 * index, axis=1) for index in range(15)]


def _write_video(path, codec: str) -> None:
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*codec), 25, (RGB.shape[1], RGB.shape[0]))
    if not writer.isOpened():
        pytest.skip(f"this OpenCV cannot write {codec}")
    for frame in SHIFTED:
        writer.write(frame[..., ::-1])
    writer.release()


@pytest.mark.parametrize(
    "name,codec,tolerance",
    [
        ("a.avi", "MJPG", 6),
        ("a.mp4", "mp4v", 12),
        ("a.mov", "mp4v", 12),
        ("a.mkv", "FFV1", 4),
        ("a.wmv", "WMV2", 12),
        ("a.mpg", "MPG2", 12),
    ],
)
def test_a_video_gives_all_its_frames_in_rgb_and_again(tmp_path, name, codec, tolerance):
    _write_video(tmp_path / name, codec)
    (stack,) = open_stacks(tmp_path / name)
    assert (stack.frame_count, stack.channels) == (15, 3)
    for _ in range(2):
        for frame, original in zip(stack.frames(), SHIFTED, strict=True):
            assert np.abs(frame.astype(int) - original).mean() < tolerance
    # Red to yellow Doppler: swapped channels would make it blue.
    vivid = SHIFTED[0][..., 0].astype(int) - SHIFTED[0][..., 2] > 150
    first = next(stack.frames()).astype(int)
    assert (first[vivid][:, 0] > first[vivid][:, 2]).mean() > 0.95


def test_a_video_whose_name_says_dicom_is_a_video(tmp_path):
    _write_video(tmp_path / "a.avi", "MJPG")
    (tmp_path / "a.avi").rename(tmp_path / "a.dcm")
    assert open_stacks(tmp_path / "a.dcm")[0].frame_count == 15


@pytest.mark.parametrize("name,codec", [("DOE.avi", "MJPG"), ("DOE.mp4", "mp4v"), ("DOE.mov", "mp4v")])
def test_a_truncated_video_is_refused_without_its_name(tmp_path, capfd, name, codec):
    _write_video(tmp_path / name, codec)
    path = tmp_path / name
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(UnreadableInput) as error:
        open_stacks(path)
    assert "DOE" not in str(error.value)
    assert "DOE" not in "".join(capfd.readouterr())


def test_a_video_that_shrinks_between_two_passes_is_an_error(tmp_path):
    _write_video(tmp_path / "a.avi", "MJPG")
    (stack,) = open_stacks(tmp_path / "a.avi")
    whole = (tmp_path / "a.avi").read_bytes()
    (tmp_path / "a.avi").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UnreadableInput, match="of 15 frames"):
        list(stack.frames())


def test_videos_of_the_corpus_have_all_their_frames(corpus):
    (stack,) = open_stacks(corpus / "edge" / "video" / "vid_lung_northumbria_avi.avi")
    assert (stack.frame_count, stack.rows, stack.columns) == (92, 509, 509)


def _volume(dimensions: int) -> np.ndarray:
    slice_ = ct_image()[:64, :80]
    depth = (3, 4, 2)[: dimensions - 2]
    return np.stack([slice_ + index for index in range(int(np.prod(depth)))]).reshape(*depth[::-1], 64, 80).astype(np.int16)


@pytest.mark.parametrize("suffix", ["nii", "nii.gz", "nrrd", "nhdr", "mha", "mhd"])
@pytest.mark.parametrize("dimensions", [2, 3, 4])
def test_a_volume_reads_slice_by_slice_as_stored(tmp_path, suffix, dimensions):
    volume = _volume(dimensions)
    sitk.WriteImage(sitk.GetImageFromArray(volume, isVector=False), str(tmp_path / f"v.{suffix}"))
    (stack,) = open_stacks(tmp_path / f"v.{suffix}")
    assert (stack.name, stack.frame_count) == ("v", volume.size // (64 * 80))
    np.testing.assert_array_equal(np.stack(list(stack.frames())), volume.reshape(-1, 64, 80))


@pytest.mark.parametrize("suffix", ["nii", "nii.gz", "nrrd", "mha"])
def test_a_volume_of_the_wrong_extension_is_read_by_its_content(tmp_path, suffix):
    sitk.WriteImage(sitk.GetImageFromArray(_volume(3)), str(tmp_path / f"v.{suffix}"))
    (tmp_path / f"v.{suffix}").rename(tmp_path / "v.dcm")
    (stack,) = open_stacks(tmp_path / "v.dcm")
    np.testing.assert_array_equal(np.stack(list(stack.frames())), _volume(3))


@pytest.mark.parametrize("suffix", ["nrrd", "mha", "nii"])
def test_a_volume_of_rgb_pixels_is_color(tmp_path, suffix):
    volume = np.stack(SHIFTED[:4])
    sitk.WriteImage(sitk.GetImageFromArray(volume, isVector=True), str(tmp_path / f"rgb.{suffix}"))
    (stack,) = open_stacks(tmp_path / f"rgb.{suffix}")
    np.testing.assert_array_equal(np.stack(list(stack.frames())), volume)


def test_a_float_volume_is_shown_by_its_robust_range(tmp_path):
    volume = _volume(3).astype(np.float32)
    volume[0, 0, 0] = 1e9
    sitk.WriteImage(sitk.GetImageFromArray(volume), str(tmp_path / "f.nii.gz"))
    (stack,) = open_stacks(tmp_path / "f.nii.gz")
    low, high = stack.display.window
    assert low < np.median(volume) < high < 5000
    assert np.ptp(stack.display.show(next(stack.frames()))) > 200


def test_real_nifti_volumes_of_3_and_4_dimensions(corpus):
    (anatomy,) = open_stacks(corpus / "edge" / "nifti" / "nifti_anat3d.nii")
    (function,) = open_stacks(corpus / "edge" / "nifti" / "nifti_func4d.nii")
    assert (anatomy.frame_count, anatomy.rows, anatomy.columns) == (25, 41, 33)
    assert (function.frame_count, function.rows, function.columns) == (60, 21, 17)


def test_vectors_that_are_no_colors_are_refused(tmp_path):
    field = np.zeros((3, 10, 12, 3), np.float32)
    sitk.WriteImage(sitk.GetImageFromArray(field, isVector=True), str(tmp_path / "field.nrrd"))
    with pytest.raises(UnreadableInput, match="vectors"):
        open_stacks(tmp_path / "field.nrrd")


@pytest.mark.parametrize("suffix", ["nii", "nii.gz", "nrrd", "mha"])
def test_a_truncated_volume_is_refused_without_its_name(tmp_path, capfd, suffix):
    rng = np.random.default_rng(1)
    noise = rng.integers(0, 4000, (20, 64, 64)).astype(np.int16)
    path = tmp_path / f"DOE.{suffix}"
    sitk.WriteImage(sitk.GetImageFromArray(noise), str(path))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(UnreadableInput) as error:
        for stack in open_stacks(path):
            list(stack.frames())
    assert "DOE" not in str(error.value)
    assert "DOE" not in "".join(capfd.readouterr())


def test_a_volume_that_claims_terabytes_is_refused_at_once(tmp_path):
    path = tmp_path / "v.nii"
    sitk.WriteImage(sitk.GetImageFromArray(_volume(3)), str(path))
    header = bytearray(path.read_bytes())
    header[42:48] = np.array([32000, 32000, 32000], "<i2").tobytes()
    path.write_bytes(header)
    with pytest.raises(UnreadableInput):
        open_stacks(path)
