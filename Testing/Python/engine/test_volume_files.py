"""Volume files of every make that their specifications allow, written here byte by byte: read exactly, or refused.

The process that decodes gets memory filled with other values than 0 (MALLOC_PERTURB_), so that a value nobody wrote shows.
"""

from __future__ import annotations

import bz2
import gzip
import struct
import time
import zlib
from pathlib import Path

import nibabel
import numpy as np
import pytest

from PyLogikSlicerLib.core.errors import UnreadableInput
from PyLogikSlicerLib.reading.decoding.client import Decoder
from PyLogikSlicerLib.reading.decoding.limits import Limits
from PyLogikSlicerLib.reading.volume.image import read_volume_header

TYPES = {
    "u1": ("uchar", "MET_UCHAR"),
    "i2": ("short", "MET_SHORT"),
    "u4": ("unsigned int", "MET_UINT"),
    "i8": ("int64", "MET_LONG_LONG"),
    "f4": ("float", "MET_FLOAT"),
}


@pytest.fixture(scope="module")
def decoder():
    patch = pytest.MonkeyPatch()
    patch.setenv("MALLOC_PERTURB_", "85")
    decoder = Decoder()
    decoder.start()
    patch.undo()
    yield decoder
    decoder.close()


def values(*shape: int, dtype="i2") -> np.ndarray:
    """No two alike in a short stretch, none of them 0 or a repeated byte."""
    return (np.arange(np.prod(shape)) % 117 + 3).reshape(shape).astype(dtype)


def frames(decoder: Decoder, path: Path, **options) -> np.ndarray:
    (stack,) = decoder.open(path, **options)
    return np.stack(list(stack.frames()))


def assert_reads(decoder: Decoder, path: Path, array: np.ndarray) -> None:
    np.testing.assert_array_equal(frames(decoder, path), array.reshape(-1, *array.shape[-2:]))


def assert_refused(decoder: Decoder, path: Path, match: str = "truncated or damaged|damaged|missing") -> None:
    with pytest.raises(UnreadableInput, match=match) as caught:
        frames(decoder, path)
    assert path.name not in str(caught.value)


# NRRD


def encoded(content: bytes, array: np.ndarray, encoding: str) -> bytes:
    return {
        "raw": lambda: content,
        "gzip": lambda: gzip.compress(content),
        "bzip2": lambda: bz2.compress(content),
        "ascii": lambda: " ".join(map(str, array.ravel().tolist())).encode() + b"\n",
        "hex": lambda: b"\n".join(content.hex().encode()[at : at + 61] for at in range(0, 2 * len(content), 61)),
    }[encoding]()


def nrrd_header(array: np.ndarray, encoding: str, *lines: str, magic="NRRD0004", big=False) -> bytes:
    said = [
        magic,
        "# a comment",
        f"type: {TYPES[array.dtype.str[1:]][0]}",
        f"dimension: {array.ndim}",
        f"sizes: {' '.join(map(str, array.shape[::-1]))}",
        f"encoding: {encoding}",
        *([f"endian: {'big' if big else 'little'}"] if array.itemsize > 1 else []),
        *lines,
    ]
    return "\n".join(said).encode() + b"\n"


def nrrd_content(array: np.ndarray, big=False) -> bytes:
    return array.astype(array.dtype.newbyteorder(">" if big else "<")).tobytes()


@pytest.mark.parametrize("encoding", ["raw", "gzip", "bzip2", "ascii", "hex"])
@pytest.mark.parametrize("dtype,big", [("u1", False), ("i2", True), ("i2", False), ("u4", True), ("f4", True)])
def test_nrrd_of_every_encoding_and_byte_order(decoder, tmp_path, encoding, dtype, big):
    array = values(4, 5, 7, dtype=dtype)
    content = encoded(nrrd_content(array, big), array, encoding)
    (tmp_path / "a.nrrd").write_bytes(nrrd_header(array, encoding, big=big) + b"\n" + content)
    assert_reads(decoder, tmp_path / "a.nrrd", array)
    (tmp_path / "a.nhdr").write_bytes(nrrd_header(array, encoding, "data file: a.data", big=big))
    (tmp_path / "a.data").write_bytes(content)
    assert_reads(decoder, tmp_path / "a.nhdr", array)


@pytest.mark.parametrize("encoding", ["raw", "gzip", "bzip2", "ascii", "hex"])
def test_an_nrrd_file_that_is_a_byte_short_is_refused(decoder, tmp_path, encoding):
    array = values(4, 5, 7)
    content = encoded(nrrd_content(array), array, encoding)
    for cut in (1, 5, len(content) // 2, len(content)):
        # The text of a number without its last digit is another number: a whole one is taken.
        short = content[:-cut] if encoding != "ascii" else b" ".join(content.split()[: -max(1, cut // 4)])
        (tmp_path / "secret.nrrd").write_bytes(nrrd_header(array, encoding) + b"\n" + short)
        assert_refused(decoder, tmp_path / "secret.nrrd")


@pytest.mark.parametrize("encoding", ["gzip", "bzip2"])
def test_compressed_values_whose_checksum_is_wrong_are_refused(decoder, tmp_path, encoding):
    array = values(4, 5, 7)
    content = bytearray(encoded(nrrd_content(array), array, encoding))
    content[-6] ^= 0x10
    (tmp_path / "a.nrrd").write_bytes(nrrd_header(array, encoding) + b"\n" + content)
    assert_refused(decoder, tmp_path / "a.nrrd")


def test_lines_and_bytes_before_the_values_are_skipped(decoder, tmp_path):
    array = values(4, 5, 7)
    raw, before = nrrd_content(array), b"one\ntwo\n"
    made = {
        "byte skip: 5": ("raw", b"12345" + raw),
        "line skip: 2": ("raw", before + raw),
        "line skip: 2\nbyte skip: 3": ("raw", before + b"123" + raw),
        "byte skip: -1": ("raw", b"any bytes" + raw),
        "lineskip: 2\nbyteskip: 6": ("gzip", before + gzip.compress(b"within" + raw)),
        "Line Skip: 1": ("ascii", b"7 8 9\n" + encoded(raw, array, "ascii")),
    }
    for number, (said, (encoding, content)) in enumerate(made.items()):
        (tmp_path / f"{number}.nrrd").write_bytes(nrrd_header(array, encoding, said) + b"\n" + content)
        assert_reads(decoder, tmp_path / f"{number}.nrrd", array)
        (tmp_path / f"{number}.nhdr").write_bytes(nrrd_header(array, encoding, said, f"data file: ./{number}.data"))
        (tmp_path / f"{number}.data").write_bytes(content)
        assert_reads(decoder, tmp_path / f"{number}.nhdr", array)
    (tmp_path / "b.nrrd").write_bytes(nrrd_header(array, "raw", "byte skip: 6") + b"\n" + b"12345" + raw)
    assert_refused(decoder, tmp_path / "b.nrrd")


def test_nrrd_values_in_several_files_by_list_and_by_pattern(decoder, tmp_path):
    array = values(4, 5, 7)
    for number, part in enumerate(array):
        (tmp_path / f"part {number:02d}.raw").write_bytes(nrrd_content(part))
    names = "\n".join(f"part {number:02d}.raw" for number in range(4))
    for number, said in enumerate((f"data file: LIST\n{names}", f"data file: LIST 2\n{names}", "data file: part %02d.raw 0 3 1")):
        (tmp_path / f"{number}.nhdr").write_bytes(nrrd_header(array, "raw", said))
        assert_reads(decoder, tmp_path / f"{number}.nhdr", array)
    (tmp_path / "back.nhdr").write_bytes(nrrd_header(array, "raw", "datafile: part %02d.raw 3 0 -1 2"))
    assert_reads(decoder, tmp_path / "back.nhdr", array[::-1])
    halves = values(2, 5, 7), values(2, 5, 7)[::-1]
    for name, half in zip(("a.gz", "b.gz"), halves, strict=True):
        (tmp_path / name).write_bytes(gzip.compress(nrrd_content(half)))
    (tmp_path / "halves.nhdr").write_bytes(nrrd_header(array, "gzip", "data file: LIST 3\na.gz\nb.gz"))
    assert_reads(decoder, tmp_path / "halves.nhdr", np.concatenate(halves))


@pytest.mark.parametrize(
    "said",
    [
        "data file: LIST\npart 0.raw\npart 0.raw\npart 0.raw",
        "data file: LIST",
        "data file: part %d.raw 0 1000000000 1",
        "data file: part %999999999d.raw 0 1 1",
        "data file: part %s.raw 0 1 1",
        "data file: part %d.raw 0 1 0",
        "data file: /etc/passwd",
        "data file: ../a.raw",
        "data file: absent.raw",
    ],
)
def test_data_files_that_cannot_be_meant_are_refused_at_once(decoder, tmp_path, said):
    array = values(4, 5, 7)
    (tmp_path / "part 0.raw").write_bytes(nrrd_content(array[0]))
    (tmp_path / "secret.nhdr").write_bytes(nrrd_header(array, "raw", said))
    start = time.monotonic()
    assert_refused(decoder, tmp_path / "secret.nhdr", "damaged|missing|outside its folder")
    assert time.monotonic() - start < 20


@pytest.mark.parametrize("magic", ["NRRD0001", "NRRD0006", "NRRD00.01"])
def test_nrrd_headers_of_every_version_in_any_case_and_with_any_line_end(decoder, tmp_path, magic):
    array = values(4, 5, 7)
    header = nrrd_header(array, "RAW", "Content: shades of gray", "note:=first\\nsecond", "type:=a key, not the field", magic=magic)
    header = header.replace(b"sizes:", b"Sizes:").replace(b"\n", b"\r\n")
    (tmp_path / "a.nrrd").write_bytes(header + b"\r\n" + nrrd_content(array))
    assert_reads(decoder, tmp_path / "a.nrrd", array)
    assert read_volume_header(tmp_path / "a.nrrd").identifying["note"] == "first\nsecond"


def test_text_of_a_header_in_another_encoding_than_utf8_is_no_obstacle(decoder, tmp_path):
    array = values(4, 5, 7)
    (tmp_path / "a.nrrd").write_bytes(nrrd_header(array, "raw") + b"who:=M\xfcller\n\n" + nrrd_content(array))
    (tmp_path / "a.mha").write_bytes(metaimage_header(array) + b"Who = M\xfcller\nElementDataFile = LOCAL\n" + array.tobytes())
    for name in ("a.nrrd", "a.mha"):
        (stack,) = decoder.open(tmp_path / name)
        (who,) = stack.header.identifying["who" if name == "a.nrrd" else "Who"]
        assert who.encode("utf-8").decode("utf-8").endswith("ller")


def test_text_that_is_no_value_of_the_type_is_refused(decoder, tmp_path):
    array = values(2, 3, 5, dtype="u1")
    for word in ("300", "-1", "1.5", "x"):
        words = [*map(str, array.ravel().tolist()[:-1]), word]
        (tmp_path / "a.nrrd").write_bytes(nrrd_header(array, "ascii") + b"\n" + " ".join(words).encode())
        assert_refused(decoder, tmp_path / "a.nrrd", "text that is no number")
    wide = [f"{value:40d}" for value in array.ravel().tolist()]
    (tmp_path / "wide.nrrd").write_bytes(nrrd_header(array, "text") + b"\n" + "\n, ".join(wide).encode())
    assert_reads(decoder, tmp_path / "wide.nrrd", array)


def test_nrrd_of_two_to_five_dimensions_with_lists_first_or_last(decoder, tmp_path):
    for number, (shape, kinds) in enumerate(
        [
            ((5, 7), "domain domain"),
            ((3, 5, 7), "domain domain domain"),
            ((2, 3, 5, 7), "domain domain domain list"),
            ((2, 2, 3, 5, 7), "space space space time list"),
        ]
    ):
        array = values(*shape)
        (tmp_path / f"{number}.nrrd").write_bytes(nrrd_header(array, "raw", f"kinds: {kinds}") + b"\n" + nrrd_content(array))
        assert_reads(decoder, tmp_path / f"{number}.nrrd", array)
    array = values(3, 5, 7, 2)
    directions = "space dimension: 3\nspace directions: none (1,0,0) (0,1,0) (0,0,1)"
    header = nrrd_header(array, "raw", "kinds: list domain domain domain", directions)
    (tmp_path / "first.nrrd").write_bytes(header + b"\n" + nrrd_content(array))
    assert_reads(decoder, tmp_path / "first.nrrd", np.moveaxis(array, -1, 0))


def test_nrrd_axes_are_in_lps_millimeters(tmp_path):
    array = values(3, 5, 7)
    said = {
        "space: left-posterior-superior": (1, 1, 1),
        "space: RAS": (-1, -1, 1),
        "space: right-anterior-superior-time": (-1, -1, 1),
        'space: LAS\nspace units: "cm" "cm" "cm"': (10, -10, 10),
        'space dimension: 3\nspace units: "um" "um" "um"': (1e-3, 1e-3, 1e-3),
    }
    for space, factors in said.items():
        time_ = ",0" if "time" in space else ""
        vectors = f"space directions: (2,0,0{time_}) (0,3,1{time_}) (0,0,4{time_})\nspace origin: (5,6,7{time_})"
        (tmp_path / "a.nrrd").write_bytes(nrrd_header(array, "raw", space, vectors) + b"\n" + nrrd_content(array))
        affine = read_volume_header(tmp_path / "a.nrrd").affine
        expected = np.diag([*factors, 1.0]) @ np.array([[2, 0, 0, 5], [0, 3, 0, 6], [0, 1, 4, 7], [0, 0, 0, 1]])
        np.testing.assert_allclose(affine, expected)


# MetaImage


def metaimage_header(array: np.ndarray, *lines: str, big=False) -> bytes:
    said = [
        "ObjectType = Image",
        f"NDims = {array.ndim}",
        f"DimSize = {' '.join(map(str, array.shape[::-1]))}",
        f"ElementType = {TYPES[array.dtype.str[1:]][1]}",
        f"BinaryDataByteOrderMSB = {big}",
        *lines,
    ]
    return "\n".join(said).encode() + b"\n"


@pytest.mark.parametrize("dtype,big", [("u1", False), ("i2", True), ("i2", False), ("u4", True), ("f4", True)])
@pytest.mark.parametrize("shape", [(5, 7), (3, 5, 7), (2, 3, 5, 7)])
def test_metaimage_of_every_encoding_and_byte_order(decoder, tmp_path, dtype, big, shape):
    array = values(*shape, dtype=dtype)
    raw = nrrd_content(array, big)
    for said, content in (
        ((), raw),
        (("BinaryData = True", "CompressedData = True"), zlib.compress(raw)),
        (("CompressedData = True",), gzip.compress(raw)),
        (("BinaryData = False",), encoded(raw, array, "ascii")),
    ):
        (tmp_path / "a.mha").write_bytes(metaimage_header(array, *said, "ElementDataFile = LOCAL", big=big) + content)
        assert_reads(decoder, tmp_path / "a.mha", array)
        (tmp_path / "a.mhd").write_bytes(metaimage_header(array, *said, "ElementDataFile = a b.raw", big=big))
        (tmp_path / "a b.raw").write_bytes(content)
        assert_reads(decoder, tmp_path / "a.mhd", array)
        for cut in (1, len(content) // 2, len(content)):
            if "BinaryData = False" not in said:
                (tmp_path / "a b.raw").write_bytes(content[:-cut])
                assert_refused(decoder, tmp_path / "a.mhd")


def test_metaimage_headers_are_skipped_and_values_lie_in_several_files(decoder, tmp_path):
    array = values(4, 5, 7)
    raw = nrrd_content(array)
    (tmp_path / "behind.raw").write_bytes(b"12345" + raw)
    for number, part in enumerate(array, start=1):
        (tmp_path / f"part {number:02d}.raw").write_bytes(nrrd_content(part))
    names = "\n".join(f"part {number:02d}.raw" for number in range(1, 5))
    for number, said in enumerate(
        [
            "HeaderSize = 5\nElementDataFile = behind.raw",
            "HeaderSize = -1\nElementDataFile = behind.raw",
            f"ElementDataFile = LIST\n{names}",
            f"ElementDataFile = LIST 2\n{names}\n",
            "ElementDataFile = part %02d.raw 1 4 1",
            "ElementDataFile = part %02d.raw 1 4",
            "ElementDataFile = part %02d.raw",
        ]
    ):
        (tmp_path / f"{number}.mhd").write_bytes(metaimage_header(array, said))
        assert_reads(decoder, tmp_path / f"{number}.mhd", array)
    header = metaimage_header(array, "HeaderSize = 0250\nElementDataFile = LOCAL")
    (tmp_path / "local.mha").write_bytes(header.ljust(250, b"-") + raw)
    assert_reads(decoder, tmp_path / "local.mha", array)


def test_metaimage_axes_in_either_words_and_in_millimeters(tmp_path):
    array = values(3, 5, 7)
    for said in (
        "Offset = 5 6 7\nTransformMatrix = 0 1 0 -1 0 0 0 0 1\nElementSpacing = 2 3 4",
        "ElementOrigin = 5 6 7\nElementDirection = 0 1 0 -1 0 0 0 0 1\nElementSpacing = 2 3 4",
        "DistanceUnits = cm\nPosition = .5 .6 .7\nRotation = 0 1 0 -1 0 0 0 0 1\nElementSize = .2 .3 .4",
    ):
        (tmp_path / "a.mha").write_bytes(metaimage_header(array, said, "ElementDataFile = LOCAL") + array.tobytes())
        expected = [[0, -3, 0, 5], [2, 0, 0, 6], [0, 0, 4, 7], [0, 0, 0, 1]]
        np.testing.assert_allclose(read_volume_header(tmp_path / "a.mha").affine, expected)


# NIfTI


def nifti(array: np.ndarray, second=False, paired=False, big=False, offset=None) -> tuple[bytes, bytes]:
    """The header, up to where the values are, and the values."""
    make = {
        (False, False): nibabel.Nifti1Header,
        (True, False): nibabel.Nifti2Header,
        (False, True): nibabel.nifti1.Nifti1PairHeader,
        (True, True): nibabel.nifti2.Nifti2PairHeader,
    }[second, paired]
    header = make(endianness=">" if big else "<")
    header.set_data_shape(array.shape[::-1])
    header.set_data_dtype(array.dtype)
    start = 0 if paired else (544 if second else 352)
    header["vox_offset"] = start if offset is None else offset
    header["magic"] = {
        (False, False): b"n+1\0",
        (True, False): b"n+2\0\r\n\x1a\n",
        (False, True): b"ni1\0",
        (True, True): b"ni2\0\r\n\x1a\n",
    }[second, paired]
    head = header.binaryblock
    return head + bytes(start - len(head) if start else 0), nrrd_content(array, big)


@pytest.mark.parametrize("shape", [(5, 7), (3, 5, 7), (2, 3, 5, 7), (2, 2, 3, 5, 7)])
@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("second", [False, True])
def test_nifti_of_both_versions_in_one_file_or_two(decoder, tmp_path, shape, big, second):
    array = values(*shape)
    head, raw = nifti(array, second, big=big)
    (tmp_path / "a.nii").write_bytes(head + raw)
    (tmp_path / "a.nii.gz").write_bytes(gzip.compress(head + raw))
    pair, _ = nifti(array, second, paired=True, big=big)
    (tmp_path / "b.hdr").write_bytes(pair)
    (tmp_path / "b.img").write_bytes(raw)
    (tmp_path / "c.hdr.gz").write_bytes(gzip.compress(pair))
    (tmp_path / "c.img.gz").write_bytes(gzip.compress(raw))
    for name in ("a.nii", "a.nii.gz", "b.hdr", "c.hdr.gz"):
        assert_reads(decoder, tmp_path / name, array)
    (tmp_path / "b.img").write_bytes(raw[:-1])
    (tmp_path / "a.nii").write_bytes((head + raw)[:-1])
    (tmp_path / "a.nii.gz").write_bytes(gzip.compress(head + raw)[:-1])
    (tmp_path / "c.img.gz").write_bytes(gzip.compress(raw[:-1]))
    for name in ("a.nii", "a.nii.gz", "b.hdr", "c.hdr.gz"):
        assert_refused(decoder, tmp_path / name)


@pytest.mark.parametrize("second", [False, True])
def test_values_never_start_within_the_header(decoder, tmp_path, second):
    """An offset below the end of the header stands for that end (nifti1.h); read as it is, the header would be pixels."""
    array = values(3, 5, 7)
    for offset in (0, 100):
        head, raw = nifti(array, second, offset=offset)
        (tmp_path / "a.nii").write_bytes(head + raw)
        assert_reads(decoder, tmp_path / "a.nii", array)
    head, raw = nifti(array, second, offset=1024)
    (tmp_path / "a.nii").write_bytes(head.ljust(1024, b"x") + raw)
    assert_reads(decoder, tmp_path / "a.nii", array)


def test_gzip_in_several_members_is_one_stream_wherever_they_meet(decoder, tmp_path):
    array = np.random.default_rng(0).integers(-1000, 1000, (3, 700, 800)).astype(np.int16)
    content = b"".join(nifti(array))
    first, empty, last = (gzip.compress(part) for part in (content[: 1 << 19], b"", content[1 << 19 :]))
    assert len(first) < 1 << 20 < len(last)
    # The last member starts where a block of what is read at once ends, or a byte or two beside that. A member may have a
    # comment of any length.
    for end in range((1 << 20) - 3, (1 << 20) + 2):
        comment = b"c" * (end - len(first) - len(empty) - 1) + b"\0"
        between = empty[:3] + b"\x10" + empty[4:10] + comment + empty[10:]
        (tmp_path / "a.nii.gz").write_bytes(first + between + last)
        assert_reads(decoder, tmp_path / "a.nii.gz", array)


def test_nifti_lies_where_its_codes_say_in_millimeters(tmp_path):
    array = np.zeros((5, 7, 3), np.uint8)
    matrix = np.array([[2.0, 0.5, 0, 10], [0, 3, 0, 20], [0, 0, 4, 30], [0, 0, 0, 1]])

    def affine(image) -> np.ndarray:
        nibabel.save(image, tmp_path / "a.nii")
        return read_volume_header(tmp_path / "a.nii").affine

    image, in_meters, nowhere = (nibabel.Nifti1Image(array, where) for where in (matrix, matrix, None))
    in_meters.header.set_xyzt_units("meter", "sec")
    nowhere.header["pixdim"][1:4] = 2, 3, 4
    lps = np.diag([-1.0, -1, 1, 1]) @ matrix
    np.testing.assert_allclose(affine(image), lps)
    np.testing.assert_allclose(affine(in_meters), np.diag([1000.0, 1000, 1000, 1]) @ lps)
    # As ITK and Slicer have it.
    np.testing.assert_allclose(affine(nowhere), np.diag([2.0, 3, 4, 1]))


def test_a_quaternion_that_is_none_keeps_no_image_from_being_read(decoder, tmp_path):
    array = values(3, 5, 7)
    head, raw = nifti(array)
    head = bytearray(head)
    head[252:254] = struct.pack("<h", 1)
    head[256:268] = struct.pack("<3f", 3, 3, 3)
    (tmp_path / "a.nii").write_bytes(head + raw)
    assert_reads(decoder, tmp_path / "a.nii", array)


# All of them


@pytest.mark.parametrize("size", [2**15 - 1, 2**62, -5])
def test_sizes_that_no_file_holds_are_refused_without_taking_memory(decoder, tmp_path, size):
    array = values(3, 5, 7)
    for name, made in (
        ("a.nrrd", nrrd_header(array, "gzip").replace(b"sizes: 7 5 3", f"sizes: {size} {size} 3".encode()) + b"\n" + gzip.compress(b"few")),
        ("a.mha", metaimage_header(array).replace(b"7 5 3", f"{size} {size} 3".encode()) + b"ElementDataFile = LOCAL\n12345"),
    ):
        (tmp_path / name).write_bytes(made)
        assert_refused(decoder, tmp_path / name, "damaged|limit")


def test_a_volume_may_be_larger_than_a_frame_may(decoder, tmp_path):
    array = values(8, 50, 70)
    (tmp_path / "a.nrrd").write_bytes(nrrd_header(array, "raw") + b"\n" + nrrd_content(array))
    limits = Limits(frame_bytes=50 * 70 * 2)
    np.testing.assert_array_equal(frames(decoder, tmp_path / "a.nrrd", limits=limits), array)
    with pytest.raises(UnreadableInput, match="--frame-limit"):
        frames(decoder, tmp_path / "a.nrrd", limits=Limits(frame_bytes=50 * 70 * 2 - 1))
