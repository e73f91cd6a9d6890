"""Output formats: what is exact comes back exactly, what is not says by how much, and nothing but pixels is in a file."""

from __future__ import annotations

import contextlib
import io
import struct

import cv2
import numpy as np
import pydicom.examples
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image
from pydicom.pixels import pixel_array

from PyLogikSlicerLib.core.errors import VerificationFailed
from PyLogikSlicerLib.writing.formats import FORMATS, decode, encode, largest_error

EXACT = [fmt for fmt in FORMATS.values() if fmt.exact]
JPEG, LOSSLESS, PNG = FORMATS["jpeg"], FORMATS["jpeg-lossless"], FORMATS["png"]

# What a decoder needs to get at the pixels. APP0 is JFIF's version and pixel shape, APP14 says "RGB, not YCbCr".
JPEG_SEGMENTS = {"APP0", "APP14", "DQT", "SOF0", "SOF3", "DHT", "SOS"}
MARKER_NAMES = {0xC0: "SOF0", 0xC3: "SOF3", 0xC4: "DHT", 0xDA: "SOS", 0xDB: "DQT", **{0xE0 + n: f"APP{n}" for n in range(16)}}


@st.composite
def frames(draw, depths=(8, 10, 12, 16)):
    """Any values, or few different ones: long runs are what screens are made of."""
    bits = draw(st.sampled_from(depths))
    shape = (draw(st.integers(1, 40)), draw(st.integers(1, 40)), *draw(st.sampled_from([(), (3,)])))
    dtype = np.uint8 if bits == 8 else np.uint16
    values = st.one_of(st.integers(0, 2**bits - 1), st.sampled_from([0, 2**bits - 1]))
    return bits, draw(arrays(dtype, shape, elements=values))


def speckle(rows: int, columns: int, channels: tuple[int, ...], bits: int, seed: int = 0) -> np.ndarray:
    dtype = np.uint8 if bits <= 8 else np.uint16
    return np.random.default_rng(seed).integers(0, 2**bits, (rows, columns, *channels)).astype(dtype)


@pytest.fixture(scope="module")
def color_screen() -> np.ndarray:
    return pixel_array(pydicom.examples.get_path("rgb_color"))


@pytest.fixture(scope="module")
def ct_slice() -> np.ndarray:
    return pixel_array(pydicom.examples.get_path("ct")).astype(np.uint16)


@pytest.mark.parametrize("fmt", EXACT, ids=lambda fmt: fmt.name)
@given(frame=frames())
def test_exact_formats_give_back_every_pixel(fmt, frame):
    bits, source = frame
    read = decode(encode(source, fmt, bits), fmt)
    assert read.dtype == source.dtype
    np.testing.assert_array_equal(read, source)


@pytest.mark.parametrize("channels", [(), (3,)], ids=["grey", "color"])
@pytest.mark.parametrize("bits", range(8, 17))
def test_lossless_jpeg_is_read_alike_by_an_independent_decoder_at_the_declared_precision(bits, channels):
    imagecodecs = pytest.importorskip("imagecodecs")
    for source in (speckle(37, 53, channels, bits), np.full((5, 7, *channels), 2**bits - 1, np.uint8 if bits == 8 else np.uint16)):
        data = encode(source, LOSSLESS, bits)
        assert jpeg_header(data) == ("SOF3", bits, source.shape[0], source.shape[1], len(source.shape) * 2 - 3)
        np.testing.assert_array_equal(imagecodecs.jpeg_decode(data), source)


def test_lossless_jpeg_survives_every_possible_difference_between_neighbors():
    """Each category of the Huffman code, both ends of it, and the wrap-around of 16-bit differences."""
    edges = sorted({min(max(2**n + d, 0), 65535) for n in range(17) for d in (-1, 0, 1)})
    source = np.array([[value for pair in ((low, high), (high, low)) for value in pair] for low in edges for high in edges], np.uint16)
    np.testing.assert_array_equal(decode(encode(source, LOSSLESS), LOSSLESS), source)


def test_lossless_jpeg_limits_its_codes_to_sixteen_bits():
    """Frequencies that grow like Fibonacci's numbers would give longer codes; no stream may have those."""
    fibonacci = [1, 1]
    while len(fibonacci) < 17:
        fibonacci.append(sum(fibonacci[-2:]))
    steps = np.concatenate([np.full(count, 0 if category == 0 else 1 << (category - 1)) for category, count in enumerate(fibonacci[::-1])])
    source = np.cumsum(steps).astype(np.uint16)[np.newaxis]
    np.testing.assert_array_equal(decode(encode(source, LOSSLESS), LOSSLESS), source)


def test_real_images_come_back_exactly(color_screen, ct_slice):
    for fmt in EXACT:
        for source in (color_screen, color_screen[..., 1], color_screen[1:, 1:-2], ct_slice):
            np.testing.assert_array_equal(decode(encode(source, fmt), fmt), source)


def test_jpeg_is_close_on_a_real_screen_and_the_error_is_measured(color_screen):
    for source in (color_screen, color_screen[..., 0]):
        written = decode(encode(source, JPEG), JPEG)
        assert written.shape == source.shape
        assert 0 < largest_error(source, written) <= 4
        assert largest_error(source, source) == 0


@given(frame=frames(depths=(8,)))
def test_jpeg_is_never_far_off_whatever_the_frame(frame):
    """Quantization by 1 in every coefficient and 8-bit YCbCr cost a few levels, also in noise at full contrast."""
    source = frame[1]
    assert largest_error(source, decode(encode(source, JPEG), JPEG)) <= (2 if source.ndim == 2 else 6)


def test_largest_error_is_not_fooled_by_unsigned_arithmetic():
    low, high = np.array([[0, 7]], np.uint16), np.array([[65535, 7]], np.uint16)
    assert largest_error(low, high) == largest_error(high, low) == 65535


def test_jpeg_is_baseline_without_chroma_subsampling_at_the_finest_quantization(color_screen):
    data = encode(color_screen, JPEG)
    assert jpeg_header(data) == ("SOF0", 8, *color_screen.shape)
    with Image.open(io.BytesIO(data)) as image:
        assert all(set(table) == {1} for table in image.quantization.values())
        assert {(h, v) for _, h, v, _ in image.layer} == {(1, 1)}


@pytest.mark.parametrize("channels", [(), (3,)], ids=["grey", "color"])
@pytest.mark.parametrize("fmt", FORMATS.values(), ids=FORMATS)
def test_files_hold_pixels_and_nothing_else(fmt, channels):
    data = encode(speckle(31, 17, channels, 8), fmt)
    if fmt is PNG:
        assert set(png_chunks(data)) == {"IHDR", "IDAT", "IEND"}
    else:
        segments = dict(jpeg_segments(data))
        assert set(segments) <= JPEG_SEGMENTS
        assert segments.get("APP0", b"JFIF\0")[:5] == b"JFIF\0" and segments.get("APP0", b"\0\0")[-2:] == b"\0\0"  # no thumbnail
        assert segments.get("APP14", b"Adobe")[:5] == b"Adobe"


@pytest.mark.parametrize("fmt", FORMATS.values(), ids=FORMATS)
def test_the_same_frame_gives_the_same_bytes(fmt, color_screen):
    assert encode(color_screen, fmt) == encode(color_screen.copy(), fmt)


@pytest.mark.parametrize("fmt", FORMATS.values(), ids=FORMATS)
def test_a_frame_that_is_only_a_view_is_written_alike_and_left_alone(fmt, color_screen):
    view = color_screen[::2, ::-1]
    view.flags.writeable = False
    before = view.copy()
    assert encode(view, fmt) == encode(np.ascontiguousarray(view), fmt)
    np.testing.assert_array_equal(view, before)


def test_common_programs_read_what_was_written(color_screen, ct_slice):
    for fmt, source in ((JPEG, color_screen), (PNG, color_screen), (PNG, ct_slice)):
        data = encode(source, fmt)
        expected = decode(data, fmt)
        with Image.open(io.BytesIO(data)) as image:
            assert np.array_equal(np.asarray(image), expected)
        opened = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
        assert np.array_equal(opened if opened.ndim == 2 else opened[..., ::-1], expected)


def test_a_file_under_a_name_with_spaces_and_other_scripts_is_read_back(tmp_path, color_screen):
    path = tmp_path / "mit Leerzeichen – 超音波.png"
    path.write_bytes(encode(color_screen, PNG))
    np.testing.assert_array_equal(decode(path, PNG), color_screen)


@pytest.mark.parametrize("fmt", FORMATS.values(), ids=FORMATS)
def test_a_file_cut_short_is_an_error_that_names_no_file(fmt, tmp_path, color_screen):
    data = encode(color_screen, fmt)
    path = tmp_path / f"DOE_JANE{fmt.suffix}"
    for length in (0, 1, 20, len(data) // 2, len(data) - 1):
        path.write_bytes(data[:length])
        with pytest.raises(VerificationFailed) as caught:
            decode(path, fmt)
        assert "DOE" not in str(caught.value)


@pytest.mark.parametrize("fmt", FORMATS.values(), ids=FORMATS)
def test_content_of_another_kind_is_an_error(fmt):
    with pytest.raises(VerificationFailed):
        decode(b"not an image" + fmt.ending, fmt)


@pytest.mark.parametrize("fmt", FORMATS.values(), ids=FORMATS)
@given(data=st.data())
def test_a_damaged_file_is_an_error_or_other_pixels_never_a_crash(fmt, data):
    content = bytearray(encode(speckle(20, 31, data.draw(st.sampled_from([(), (3,)])), 8), fmt))
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, len(content) - 1 - len(fmt.ending)))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(VerificationFailed):
        assert decode(bytes(content), fmt).ndim in (2, 3)


@pytest.mark.parametrize("channels", [(), (3,)], ids=["grey", "color"])
def test_every_damaged_byte_of_a_lossless_jpeg_header_is_noticed(channels):
    source = speckle(20, 31, channels, 12)
    content = encode(source, LOSSLESS, 12)
    header = content.index(b"\xff\xda") + 8 + 2 * (len(channels) * 2 + 1)
    for position in range(header):
        damaged = bytearray(content)
        damaged[position] ^= 0x11
        try:
            assert not np.array_equal(decode(bytes(damaged), LOSSLESS), source)
        except VerificationFailed:
            continue


@pytest.mark.parametrize(
    ("fmt", "frame"),
    [
        (JPEG, np.zeros((4, 4), np.uint16)),
        (PNG, np.zeros((4, 4), np.int16)),
        (LOSSLESS, np.zeros((4, 4), np.float32)),
        (LOSSLESS, np.zeros((4, 4, 4), np.uint8)),
        (PNG, np.zeros((0, 4), np.uint8)),
        (LOSSLESS, np.zeros((1, 65536), np.uint8)),
        (JPEG, np.zeros(4, np.uint8)),
    ],
    ids=lambda value: value.name if hasattr(value, "name") else f"{value.shape} {value.dtype}",
)
def test_what_a_format_cannot_hold_is_refused_not_converted(fmt, frame):
    with pytest.raises(ValueError, match=fmt.name):
        encode(frame, fmt)


def test_values_above_the_declared_bits_are_refused():
    with pytest.raises(ValueError, match="12 bits"):
        encode(np.full((2, 2), 4096, np.uint16), LOSSLESS, 12)


def jpeg_segments(data: bytes) -> list[tuple[str, bytes]]:
    """Name and content of each segment before the entropy-coded scan."""
    assert data[:2] == b"\xff\xd8"
    position, segments = 2, []
    while not segments or segments[-1][0] != "SOS":
        marker, length = struct.unpack_from(">xBH", data, position)
        segments.append((MARKER_NAMES[marker], data[position + 4 : position + 2 + length]))
        position += 2 + length
    scan = data[position:]
    assert scan.endswith(b"\xff\xd9") and scan[:-2].replace(b"\xff\x00", b"").count(b"\xff") == 0, "something follows the scan"
    return segments


def jpeg_header(data: bytes) -> tuple[str, int, int, int, int]:
    """Kind of frame, precision, rows, columns, components."""
    name, content = next((name, content) for name, content in jpeg_segments(data) if name.startswith("SOF"))
    return name, *struct.unpack_from(">BHHB", content)


def png_chunks(data: bytes) -> list[str]:
    position, names = 8, []
    while position < len(data):
        (length,) = struct.unpack_from(">I", data, position)
        names.append(data[position + 4 : position + 8].decode("ascii"))
        position += 12 + length
    return names
