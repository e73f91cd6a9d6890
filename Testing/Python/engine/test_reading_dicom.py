"""Real DICOM files of a dozen vendors: pixels, display, header, and what is left behind."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import cv2
import numpy as np
import pytest
import SimpleITK as sitk
from pydicom import dcmread, examples
from pydicom.dataset import Dataset
from pydicom.pixels import apply_modality_lut, apply_voi_lut, pixel_array
from pydicom.sequence import Sequence
from reading_samples import color_image, ct_image, gray_12_bit_image, sample, write_dicom

from PyLogikSlicerLib.core.geometry import Box
from PyLogikSlicerLib.core.stack import UltrasoundRegion
from PyLogikSlicerLib.reading import open_stacks

DECODED_BY_PYDICOM = [
    "693_J2KI.dcm",
    "CT_small.dcm",
    "ExplVR_BigEnd.dcm",
    "GDCMJ2K_TextGBR.dcm",
    "J2K_pixelrep_mismatch.dcm",
    "JPEG2000.dcm",
    "JPEGLSNearLossless_08.dcm",
    "JPEGLSNearLossless_16.dcm",
    "MR_small_RLE.dcm",
    "MR_small_bigendian.dcm",
    "MR_small_implicit.dcm",
    "MR_small_jp2klossless.dcm",
    "MR_small_jpeg_ls_lossless.dcm",
    "MR_small_padded.dcm",
    "SC_jpeg_no_color_transform.dcm",
    "SC_jpeg_no_color_transform_2.dcm",
    "SC_rgb_dcmtk_+eb+cr.dcm",
    "SC_rgb_dcmtk_+eb+cy+n1.dcm",
    "SC_rgb_dcmtk_+eb+cy+np.dcm",
    "SC_rgb_dcmtk_+eb+cy+s2.dcm",
    "SC_rgb_dcmtk_+eb+cy+s4.dcm",
    "SC_rgb_gdcm_KY.dcm",
    "SC_rgb_jls_lossy_line.dcm",
    "SC_rgb_jls_lossy_sample.dcm",
    "SC_rgb_jpeg_app14_dcmd.dcm",
    "SC_rgb_jpeg_dcmd.dcm",
    "SC_rgb_jpeg_dcmtk.dcm",
    "SC_rgb_jpeg_gdcm.dcm",
    "SC_rgb_jpeg_lossy_gdcm.dcm",
    "SC_rgb_rle_2frame.dcm",
    "SC_rgb_rle_16bit_2frame.dcm",
    "SC_rgb_small_odd.dcm",
    "SC_rgb_small_odd_big_endian.dcm",
    "SC_rgb_small_odd_jpeg.dcm",
    "SC_ybr_full_422_uncompressed.dcm",
    "examples_jpeg2k.dcm",
    "examples_overlay.dcm",
    "examples_rgb_color.dcm",
    "examples_ybr_color.dcm",
    "image_dfl.dcm",
    "liver_1frame.dcm",
    "liver_expb_1frame.dcm",
    "rtdose.dcm",
    "rtdose_expb.dcm",
    "rtdose_rle.dcm",
]

# Those for which pydicom needs a decoder that is not installed: GDCM in SimpleITK gives the reference.
DECODED_BY_GDCM = ("GDCMJ2K_TextGBR.dcm", "SC_rgb_jpeg_gdcm.dcm")

# Shown by minimum and maximum in the reference, by their window or modality LUT here: another picture, in the same order.
TRUTH_OF_ANOTHER_WINDOW = {"ct_presidio_scout", "ct_ge_ankle_16bit_text", "cr_pano_mono1_RL", "cr_presidio_fuji_mono1_rle"}


@pytest.mark.parametrize("name", DECODED_BY_PYDICOM)
def test_frames_are_those_that_pydicom_decodes(name):
    """Within 2 grey levels where colour is converted or a lossy JPEG decoded by another library."""
    (stack,) = open_stacks(sample(name))
    expected = _by_gdcm(name) if name in DECODED_BY_GDCM else pixel_array(dcmread(sample(name)))  # of the path, no deflated file is read
    frames = np.stack(list(stack.frames()))
    assert stack.frame_count == len(frames)
    np.testing.assert_allclose(frames.reshape(expected.shape).astype(float), expected.astype(float), atol=2 if stack.channels == 3 else 0)


def _by_gdcm(name):
    return sitk.GetArrayFromImage(sitk.ReadImage(str(sample(name))))


@pytest.mark.parametrize("name", ["JPEG-lossy.dcm", "JPGExtended.dcm"])
def test_12_bit_extended_jpeg_is_decoded_though_pydicom_cannot(name):
    import imagecodecs
    from pydicom.encaps import generate_frames

    (stack,) = open_stacks(sample(name))
    (frame,) = stack.frames()
    codestream = next(generate_frames(dcmread(sample(name)).PixelData, number_of_frames=1))
    np.testing.assert_array_equal(frame, imagecodecs.jpeg8_decode(codestream))
    assert (stack.bits, frame.max()) == (12, 264)


def test_colors_of_real_ultrasound_are_not_swapped_or_converted_twice():
    """The power Doppler map is red to yellow, the console of the other green: a BGR or YBR fault turns both."""
    (doppler,) = open_stacks(sample("examples_rgb_color.dcm"))
    (frame,) = doppler.frames()
    vivid = frame[np.ptp(frame, axis=2) > 100].astype(int)
    assert (vivid[:, 0] >= vivid[:, 2]).mean() > 0.99
    (echo,) = open_stacks(sample("examples_ybr_color.dcm"))
    first = next(echo.frames()).astype(int)
    assert np.abs(first[..., 0] - first[..., 1]).mean() < 3  # grey echo, not a green or purple one


def test_all_30_frames_of_a_color_cine_come_in_order():
    (stack,) = open_stacks(sample("examples_ybr_color.dcm"))
    expected = examples.ybr_color.pixel_array  # YBR, as pydicom's Dataset.pixel_array leaves it
    frames = list(stack.frames())
    assert stack.frame_count == len(frames) == 30
    for frame, ybr in zip(frames, expected, strict=True):
        luminance = frame.astype(float) @ [0.299, 0.587, 0.114]
        assert np.abs(luminance - ybr[..., 0]).mean() < 1.5


def test_the_corpus_reads_as_its_reference_frames_show(corpus):
    references = sorted((corpus / "truth").glob("*.png"))
    assert references
    for reference in references:
        name, index = reference.stem.rsplit("_", 1)
        (source,) = [path for path in (corpus / "text").rglob(f"{name}.*")]
        (stack,) = open_stacks(source)
        frame = next(frame for number, frame in enumerate(stack.frames()) if number == int(index))
        shown, expected = stack.display.show(frame), cv2.imread(str(reference), cv2.IMREAD_UNCHANGED)
        if expected.ndim == 3:
            expected = expected[..., 2::-1]
        if expected.ndim != shown.ndim:
            shown, expected = np.atleast_3d(shown), np.atleast_3d(expected)
        if name in TRUTH_OF_ANOTHER_WINDOW:
            assert _same_order(frame, expected) and _same_order(frame, shown), name
        else:
            assert np.abs(shown.astype(int) - expected).max() <= 2, name


def _same_order(frame: np.ndarray, shown: np.ndarray) -> bool:
    """Whether grey levels never fall, or never rise, with the stored value."""
    order = np.argsort(frame, axis=None, kind="stable")
    values, levels = frame.ravel()[order], shown.ravel()[order].astype(int)
    changed = values[1:] != values[:-1]
    steps = np.diff(levels)
    return bool((steps[~changed] == 0).all() and ((steps >= 0).all() or (steps <= 0).all()))


def test_every_image_of_the_corpus_reads_or_says_why_not(corpus):
    from PyLogikSlicerLib.core.errors import UnreadableInput
    from PyLogikSlicerLib.reading import find_inputs

    refused = {}
    for path in find_inputs([corpus / "text", corpus / "edge", corpus / "dicomdir"]):
        try:
            for stack in open_stacks(path):
                assert sum(1 for _ in stack.frames()) == stack.frame_count
        except UnreadableInput as error:
            refused[path.name] = str(error)
    # The 140 microscopy tiles have four sizes under one header: pydicom fails on them too.
    assert set(refused) == {
        "no_meta.dcm",
        "no_pixel_data_us_cr.dcm",
        "mr_truncated.dcm",
        "multiframe_wsi_jpeg140.dcm",
        "DICOMDIR-empty.dcm",
        "README.txt",
    }


@pytest.mark.parametrize("function", ["LINEAR", "LINEAR_EXACT", "SIGMOID"])
@pytest.mark.parametrize("photometric", ["MONOCHROME2", "MONOCHROME1"])
def test_a_window_is_shown_as_the_standard_defines_it(tmp_path, function, photometric):
    image = ct_image()
    path = write_dicom(
        tmp_path / "ct.dcm",
        image.tobytes(),
        image,
        WindowCenter=40,
        WindowWidth=400,
        VOILUTFunction=function,
        RescaleSlope=1,
        RescaleIntercept=-1024,
        PhotometricInterpretation=photometric,
    )
    (stack,) = open_stacks(path)
    (frame,) = stack.frames()
    np.testing.assert_array_equal(frame, image)
    # pydicom maps to the output range of the rescaled values (PS3.3 C.11.2.1.2); here it is 0..255.
    windowed = apply_voi_lut(apply_modality_lut(image, dcmread(path)), dcmread(path))
    low, high = -32768 - 1024, 32767 - 1024
    expected = np.rint((windowed - low) / (high - low) * 255)
    expected = 255 - expected if photometric == "MONOCHROME1" else expected
    assert np.abs(stack.display.show(frame).astype(int) - expected).max() <= 1


def test_a_voi_lut_comes_before_a_window_and_inverse_shape_inverts(tmp_path):
    image = gray_12_bit_image()
    lut = Dataset()
    lut.LUTDescriptor = [1024, 0, 16]
    table = (np.linspace(0, 1, 1024) ** 2 * 65535).astype("<u2")
    lut.LUTData = table.tobytes()
    lut["LUTData"].VR = "OW"
    attributes = {"VOILUTSequence": Sequence([lut]), "WindowCenter": 10, "WindowWidth": 2, "BitsStored": 12}
    (stack,) = open_stacks(write_dicom(tmp_path / "lut.dcm", image.tobytes(), image, **attributes))
    expected = np.rint(table[np.minimum(image, 1023)] / 65535.0 * 255)
    np.testing.assert_allclose(stack.display.show(image), expected, atol=1)
    (inverse,) = open_stacks(write_dicom(tmp_path / "inv.dcm", image.tobytes(), image, PresentationLUTShape="INVERSE", **attributes))
    np.testing.assert_array_equal(inverse.display.show(image), 255 - stack.display.show(image))


def test_without_a_window_8_bits_show_as_they_are_and_more_by_the_range_of_the_frame(tmp_path):
    eight = color_image()[..., 1].copy()
    (stack,) = open_stacks(write_dicom(tmp_path / "8.dcm", eight.tobytes(), eight))
    np.testing.assert_array_equal(stack.display.show(eight), eight)
    deep = gray_12_bit_image()
    (stack,) = open_stacks(write_dicom(tmp_path / "12.dcm", deep.tobytes(), deep, BitsStored=12))
    shown = stack.display.show(deep)
    assert (shown.min(), shown.max()) == (0, 255)


@pytest.mark.parametrize("center,width", [("", ""), ("nan", "10"), ("50", "0"), ("50", "-3"), (["40", "400"], ["80", "1500"])])
def test_a_window_that_makes_no_sense_is_ignored_and_of_several_the_first_counts(tmp_path, center, width):
    image = ct_image()
    path = tmp_path / "ct.dcm"
    write_dicom(path, image.tobytes(), image)
    dataset = dcmread(path)
    from pydicom import config

    with config.disable_value_validation():
        dataset.add_new("WindowCenter", "LO", center)
        dataset.add_new("WindowWidth", "LO", width)
        dataset.save_as(path)
    (stack,) = open_stacks(path)
    shown = stack.display.show(image)
    if isinstance(center, list):
        assert stack.display.table is not None and (shown[image > 80] == 255).all() and (shown[image < 0] == 0).all()
    else:
        assert stack.display.table is None and shown.max() == 255


def test_an_enhanced_image_takes_the_window_of_its_functional_groups(corpus):
    (stack,) = open_stacks(corpus / "edge" / "mr" / "mr_enhanced_nema_brmulti.dcm")
    macro = dcmread(stack.source).PerFrameFunctionalGroupsSequence[0].FrameVOILUTSequence[0]
    center, width = float(macro.WindowCenter), float(macro.WindowWidth)
    frame = next(stack.frames())
    shown = stack.display.show(frame)
    assert (shown[frame > center + width / 2 + 1] == 255).all()
    assert 100 < shown[np.abs(frame - center) < 3].mean() < 155


def test_text_in_bits_above_the_stored_ones_does_not_come_through_and_is_reported(tmp_path):
    image = gray_12_bit_image()
    text = cv2.putText(np.zeros(image.shape, np.uint8), "DOE", (100, 100), cv2.FONT_HERSHEY_SIMPLEX, 2, 255, 3)
    carrier = np.where(text, image | 0xF000, image).astype(np.uint16)
    (stack,) = open_stacks(write_dicom(tmp_path / "high.dcm", carrier.tobytes(), image, BitsStored=12))
    (frame,) = stack.frames()
    np.testing.assert_array_equal(frame, image)
    assert stack.dropped == ("bits above BitsStored",)


def test_overlays_and_icons_stay_out_of_the_pixels_and_are_reported():
    (stack,) = open_stacks(sample("examples_overlay.dcm"))
    assert stack.dropped == ("overlay plane 6000", "icon image", "bits above BitsStored")
    (frame,) = stack.frames()
    np.testing.assert_array_equal(frame, examples.overlay.pixel_array)


def test_frames_beyond_number_of_frames_are_not_read_and_are_reported(tmp_path):
    image = color_image()
    (stack,) = open_stacks(write_dicom(tmp_path / "more.dcm", image.tobytes() * 3, image, NumberOfFrames=2))
    assert stack.frame_count == 2
    assert stack.dropped == ("frames beyond NumberOfFrames (1)",)


def test_a_file_without_preamble_extension_or_meta_is_still_dicom(tmp_path):
    whole = sample("MR_small_implicit.dcm").read_bytes()
    (expected,) = open_stacks(sample("MR_small_implicit.dcm"))
    bare = whole[144 + int(dcmread(sample("MR_small_implicit.dcm")).file_meta.FileMetaInformationGroupLength) :]
    for name, data in {"IM0001": whole, "picture.png": whole, "bare": bare}.items():
        (tmp_path / name).write_bytes(data)
        (stack,) = open_stacks(tmp_path / name)
        np.testing.assert_array_equal(next(stack.frames()), next(expected.frames()))


def test_the_header_gives_what_could_be_burned_in_from_every_level(tmp_path):
    image = ct_image()
    nested, private = Dataset(), Dataset()
    nested.PatientID = "NESTED-77"
    nested.ReferringPhysicianName = "SMITH^ALAN^B"
    private.OperatorsName = "MILLER^EVE"
    path = write_dicom(
        tmp_path / "header.dcm",
        image.tobytes(),
        image,
        PatientName="YAMADA^TARO=山田^太郎=やまだ^たろう",
        SpecificCharacterSet="ISO_IR 192",
        PatientID="A-123",
        PatientSex="F",
        PatientBirthDate="19800131",
        StudyDate="20240229",
        StudyTime="101530.5",
        AccessionNumber="ACC9",
        InstitutionName="St. Mary",
        StationName="US-3",
        Manufacturer="Acme",
        ManufacturerModelName="Echo 5",
        Modality="US",
        OtherPatientIDsSequence=Sequence([nested]),
    )
    dataset = dcmread(path)
    block = dataset.private_block(0x0029, "ACME", create=True)
    block.add_new(0x01, "SQ", Sequence([private]))
    dataset.save_as(path)
    (stack,) = open_stacks(path)
    found = stack.header.identifying
    assert found["PatientName"] == ("YAMADA", "TARO", "山田", "太郎", "やまだ", "たろう")
    assert found["PatientID"] == ("A-123", "NESTED-77")
    assert found["ReferringPhysicianName"] == ("SMITH", "ALAN")
    assert found["OperatorsName"] == ("MILLER", "EVE")
    assert found["PatientBirthDate"] == ("19800131",)
    assert found["StudyTime"] == ("101530.5",)
    assert {"AccessionNumber", "InstitutionName", "StationName", "SOPInstanceUID"} <= set(found)
    assert "PatientSex" not in found
    assert (stack.header.modality, stack.header.manufacturer, stack.header.model) == ("US", "Acme", "Echo 5")


def test_ultrasound_regions_are_half_open_and_clipped_to_the_frame(tmp_path):
    regions = []
    for corners in ((10, 20, 109, 219), (-5, 0, 5000, 5000), (50, 50, 40, 40)):
        region = Dataset()
        region.RegionLocationMinX0, region.RegionLocationMinY0 = max(corners[0], 0), corners[1]
        region.RegionLocationMaxX1, region.RegionLocationMaxY1 = corners[2:]
        region.RegionSpatialFormat, region.RegionDataType = 1, 2
        regions.append(region)
    image = color_image()
    (stack,) = open_stacks(write_dicom(tmp_path / "us.dcm", image.tobytes(), image, SequenceOfUltrasoundRegions=Sequence(regions)))
    assert stack.header.ultrasound_regions == (UltrasoundRegion(Box(10, 20, 110, 220), 1, 2), UltrasoundRegion(Box(0, 0, 320, 240), 1, 2))


def test_an_uncompressed_cine_is_never_in_memory(tmp_path):
    """100 frames of 1024 x 768 RGB: opening and decoding them takes the memory of a few frames."""
    frame_bytes = 1024 * 768 * 3
    blank = np.zeros((768, 1024, 3), np.uint8)
    path = write_dicom(tmp_path / "cine.dcm", blank.tobytes(), blank, NumberOfFrames=100)
    data = path.read_bytes()
    start = len(data) - frame_bytes
    with open(path, "r+b") as file:
        file.seek(start - 4)
        file.write((100 * frame_bytes).to_bytes(4, "little"))
        file.truncate(start + 100 * frame_bytes)  # sparse
    tracemalloc.start()
    (stack,) = open_stacks(path)
    count = sum(1 for _ in stack.frames())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 100
    assert peak < 4 * frame_bytes


def test_reading_leaves_source_and_folder_as_they_were(tmp_path):
    path = tmp_path / "image.dcm"
    path.write_bytes(sample("examples_ybr_color.dcm").read_bytes())
    path.chmod(0o400)
    before = path.stat()
    (stack,) = open_stacks(path)
    assert sum(1 for _ in stack.frames()) == 30
    after = path.stat()
    assert (before.st_mtime_ns, before.st_size) == (after.st_mtime_ns, after.st_size)
    assert [entry.name for entry in Path(tmp_path).iterdir()] == ["image.dcm"]


@pytest.mark.parametrize("name,expected", [("a.b.dcm", "a.b"), ("1.2.840.113619", "1.2.840.113619"), ("IM1", "IM1"), ("x.DCM", "x")])
def test_the_name_is_the_file_name_without_its_format(tmp_path, name, expected):
    (tmp_path / name).write_bytes(sample("CT_small.dcm").read_bytes())
    assert open_stacks(tmp_path / name)[0].name == expected
