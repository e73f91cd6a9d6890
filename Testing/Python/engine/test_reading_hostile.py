"""Damaged, mislabelled and malicious files: a clear reason, no other exception, no memory blown up, nothing identifying said."""

from __future__ import annotations

import contextlib
import tracemalloc

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from reading_samples import color_image, ct_image, sample, write_dicom

from PyLogikSlicerLib.core.errors import UnreadableInput
from PyLogikSlicerLib.reading import open_stacks

SECRET = "ZEBEDEE"
FUZZED = [
    "CT_small.dcm",
    "MR_small_RLE.dcm",
    "MR_small_jp2klossless.dcm",
    "MR_small_jpeg_ls_lossless.dcm",
    "SC_rgb_small_odd_jpeg.dcm",
    "liver_1frame.dcm",
]


def _refusal(path) -> str:
    """The reason for which a file is refused, at once or while its frames are decoded."""
    with pytest.raises(UnreadableInput) as error:
        for stack in open_stacks(path):
            for _ in stack.frames():
                pass
    assert SECRET not in str(error.value)
    assert error.value.__suppress_context__ or error.value.__context__ is None
    return str(error.value)


def _ct(folder, **attributes):
    image = ct_image()
    return write_dicom(folder / f"{SECRET}.dcm", image.tobytes(), image, **{"PatientName": SECRET} | attributes)


@pytest.mark.parametrize(
    "content,reason",
    [
        (b"", "empty"),
        (b"Dear doctor, this is no image.\n" * 50, "not an image"),
        (b"{}", "not an image"),
        (bytes(range(256)) * 20, "not an image"),
        (b"%PDF-1.7\n" + b"x" * 500, "not an image"),
        (b"PK\x03\x04" + b"\0" * 500, "not an image"),
        (b"\x1f\x8b" + b"\0" * 500, "not an image"),
        (b"\0" * 128 + b"DICM", "no pixel data"),
        (b"\0" * 128 + b"DICM" + b"\x02\0\0\0UL\x04\0", "DICOM header cannot be read|no pixel data"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 100, "cannot be decoded"),
        (b"\xff\xd8\xff\xe0" + b"\0" * 100, "cannot be decoded"),
        (b"RIFF\0\0\0\0AVI " + b"\0" * 100, "cannot be opened"),
        (b"NRRD0004\ntype: short\n", "no sizes"),
    ],
)
@pytest.mark.parametrize("suffix", ["dcm", "png", "", "nii.gz"])
def test_what_is_no_image_is_refused_with_its_reason_whatever_its_name(tmp_path, capfd, content, reason, suffix):
    path = tmp_path / f"{SECRET}.{suffix}"
    path.write_bytes(content)
    import re

    assert re.search(reason, _refusal(path))
    assert SECRET not in "".join(capfd.readouterr())


@pytest.mark.parametrize("name", ["rtplan.dcm", "test-SR.dcm", "waveform_ecg.dcm", "rtstruct.dcm", "reportsi.dcm"])
def test_dicom_objects_without_pixels_are_refused_as_that(name):
    assert "no pixel data" in _refusal(sample(name))


def test_a_missing_file_is_refused(tmp_path):
    assert "does not exist" in _refusal(tmp_path / SECRET)


def test_a_folder_given_as_a_file_is_refused(tmp_path):
    assert "cannot be opened" in _refusal(tmp_path)


@pytest.mark.parametrize(
    "name",
    [
        "CT_small.dcm",
        "MR_small_RLE.dcm",
        "MR_small_jp2klossless.dcm",
        "MR_small_jpeg_ls_lossless.dcm",
        "SC_rgb_jpeg_gdcm.dcm",
        "examples_ybr_color.dcm",
        "examples_jpeg2k.dcm",
        "image_dfl.dcm",
        "JPGExtended.dcm",
        "ExplVR_BigEnd.dcm",
    ],
)
@pytest.mark.parametrize("share", [0.97, 0.6, 0.2])
def test_a_truncated_file_is_refused_in_every_encoding(tmp_path, name, share):
    data = sample(name).read_bytes()
    dataset = dcmread(sample(name))
    padding = len(data) - data.rfind(dataset.PixelData[-64:]) - 64 if name != "image_dfl.dcm" else 0
    path = tmp_path / f"{SECRET}.dcm"
    path.write_bytes(data[: int((len(data) - padding) * share)])
    _refusal(path)


def test_a_header_that_says_ten_frames_over_three_is_refused_with_the_count(tmp_path):
    image = color_image()
    path = write_dicom(tmp_path / "native.dcm", image.tobytes() * 3, image, NumberOfFrames=10)
    assert "10 frames" in _refusal(path)
    dataset = dcmread(sample("SC_rgb_rle_2frame.dcm"))
    dataset.NumberOfFrames = 10
    dataset.save_as(tmp_path / "rle.dcm")
    assert "2 of 10 frames" in _refusal(tmp_path / "rle.dcm")


@pytest.mark.parametrize("name", [*FUZZED[:4], "JPGExtended.dcm"])
@pytest.mark.parametrize("rows,columns", [(65535, 65535), (20000, 20000), (0, 64), (64, 0)])
def test_absurd_sizes_are_refused_without_taking_memory_for_them(tmp_path, name, rows, columns):
    dataset = dcmread(sample(name))
    dataset.Rows, dataset.Columns = rows, columns
    dataset.save_as(tmp_path / "absurd.dcm")
    tracemalloc.start()
    _refusal(tmp_path / "absurd.dcm")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 64 << 20


def test_a_deflated_file_that_inflates_without_end_takes_no_memory(tmp_path):
    import zlib

    deflater = zlib.compressobj(9, wbits=-15)
    whole = sample("image_dfl.dcm").read_bytes()
    dataset = dcmread(sample("image_dfl.dcm"), stop_before_pixels=True)
    start = 144 + int(dataset.file_meta.FileMetaInformationGroupLength)
    body = zlib.decompress(whole[start:], wbits=-15)
    bomb = deflater.compress(body[:-10]) + b"".join(deflater.compress(bytes(1 << 20)) for _ in range(300)) + deflater.flush()
    path = tmp_path / "bomb.dcm"
    path.write_bytes(whole[:start] + bomb)
    tracemalloc.start()
    (stack,) = open_stacks(path)
    assert sum(1 for _ in stack.frames()) == 1
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 64 << 20


@pytest.mark.parametrize(
    "attributes,reason",
    [
        ({"BitsAllocated": 12}, "12 bits allocated"),
        ({"BitsStored": 17}, "BitsStored 17"),
        ({"HighBit": 3}, "HighBit 3"),
        ({"SamplesPerPixel": 4}, "4 samples"),
        ({"Rows": None}, "Rows is missing"),
        ({"PhotometricInterpretation": "PALETTE COLOR"}, "palette"),
        ({"PhotometricInterpretation": "CMYK"}, "colour PhotometricInterpretation"),
        ({"NumberOfFrames": 2**31 - 1}, "too short"),
    ],
)
def test_a_header_that_does_not_fit_is_refused_by_the_name_of_the_element(tmp_path, attributes, reason):
    assert reason in _refusal(_ct(tmp_path, **attributes))


def test_a_number_of_frames_that_is_no_number_is_refused():
    assert "NumberOfFrames" in _refusal(sample("badVR.dcm"))


@pytest.mark.parametrize(
    "syntax,reason",
    [
        ("1.2.840.113619.5.2", "GE Private|1.2.840.113619.5.2|not encapsulated"),
        ("1.2.840.10008.1.2.4.94", "JPIP"),
        ("1.2.3.4.5.6.7", "1.2.3.4.5.6.7"),
    ],
)
def test_a_private_or_unknown_transfer_syntax_is_named(tmp_path, syntax, reason):
    import re

    from pydicom.uid import UID

    image = ct_image()
    path = write_dicom(tmp_path / "private.dcm", [image.tobytes()], image, "1.2.840.10008.1.2.4.90")
    dataset = dcmread(path)
    dataset.file_meta.TransferSyntaxUID = UID(syntax)
    with contextlib.suppress(ValueError):
        dataset.save_as(path, implicit_vr=False, little_endian=True)
    assert re.search(reason, _refusal(path))


def test_a_compressed_syntax_over_plain_pixels_and_the_reverse_are_refused(tmp_path):
    path = _ct(tmp_path)
    data = path.read_bytes()
    path.write_bytes(data.replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2.5\0"))
    assert "not encapsulated" in _refusal(path)
    rle = sample("MR_small_RLE.dcm").read_bytes()
    path.write_bytes(rle.replace(b"1.2.840.10008.1.2.5\0", b"1.2.840.10008.1.2.1\0"))
    assert "encapsulated" in _refusal(path)


def test_elements_of_vr_un_are_read_as_what_they_are(tmp_path):
    image = ct_image()
    nested = Dataset()
    nested.PatientID = "DEEP-9"
    path = _ct(tmp_path, PatientID="UN-4711 ", OtherPatientIDsSequence=Sequence([nested]))
    known, unknown = b"\x10\0\x20\0LO\x08\0UN-4711 ", b"\x10\0\x20\0UN\0\0\x08\0\0\0UN-4711 "
    data = path.read_bytes()
    assert known in data
    path.write_bytes(data.replace(known, unknown).replace(b"\x10\0\x02\x10SQ", b"\x10\0\x02\x10UN"))
    (stack,) = open_stacks(path)
    np.testing.assert_array_equal(next(stack.frames()), image)
    assert stack.header.identifying["PatientID"] == ("UN-4711", "DEEP-9")


def test_sequences_nested_without_end_do_no_harm(tmp_path):
    inner = Dataset()
    inner.PatientID = "DEEPEST"
    for _ in range(150):
        outer = Dataset()
        outer.OtherPatientIDsSequence = Sequence([inner])
        inner = outer
    image = ct_image()
    path = write_dicom(tmp_path / "deep.dcm", image.tobytes(), image, OtherPatientIDsSequence=Sequence([inner]))
    with contextlib.suppress(UnreadableInput):
        assert open_stacks(path)[0].frame_count == 1


def test_warnings_of_the_decoders_say_nothing_about_the_source(tmp_path, capfd, recwarn, caplog):
    path = _ct(tmp_path, PatientID=SECRET)
    dataset = dcmread(path)
    dataset["PatientName"].VR = "LO"
    data = path.read_bytes().replace(b"1.2.840.10008.5.1.4.1.1.7", b"1.2.840.x" + SECRET.encode() + b".5.1.4.1"[:9])
    path.write_bytes(data)
    with contextlib.suppress(UnreadableInput):
        list(open_stacks(path)[0].frames())
    said = "".join(capfd.readouterr()) + "".join(str(warning.message) for warning in recwarn) + caplog.text
    assert SECRET not in said


@pytest.mark.parametrize("name", ["SC_rgb_jpeg_gdcm.dcm", "JPGExtended.dcm"])
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damaged_markers_of_a_lossless_jpeg_do_not_end_the_process(tmp_path, name, data):
    """GDCM calls abort() on some of them."""
    content = bytearray(sample(name).read_bytes())
    start = content.find(b"\xff\xd8\xff")
    for _ in range(data.draw(st.integers(1, 6))):
        content[start + data.draw(st.integers(2, 400))] = data.draw(st.integers(0, 255))
    path = tmp_path / "fuzzed.dcm"
    path.write_bytes(bytes(content))
    with contextlib.suppress(UnreadableInput):
        assert sum(1 for _ in open_stacks(path)[0].frames()) == 1


@pytest.mark.parametrize("name", FUZZED)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_flipped_bytes_give_frames_or_a_reason_and_nothing_else(tmp_path, name, data):
    content = bytearray(sample(name).read_bytes())
    for _ in range(data.draw(st.integers(1, 8))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path / "fuzzed.dcm"
    path.write_bytes(bytes(content))
    with contextlib.suppress(UnreadableInput):
        for stack in open_stacks(path):
            assert sum(1 for _ in stack.frames()) == stack.frame_count
