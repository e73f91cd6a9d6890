"""One real colour and one real 16-bit image in every transfer syntax, photometric interpretation and depth give the same pixels."""

from __future__ import annotations

import io
import zlib

import cv2
import imagecodecs
import jpeg_ls
import numpy as np
import pytest
from PIL import Image
from pydicom.pixels import get_encoder
from pydicom.uid import RLELossless
from reading_samples import color_image, ct_image, gray_12_bit_image, write_dicom

from PyLogikSlicerLib.reading import open_stacks

IMPLICIT, EXPLICIT, DEFLATED, BIG_ENDIAN = "1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.2"
ENCAPSULATED, DEFLATED_FRAMES, RLE = "1.2.840.10008.1.2.1.98", "1.2.840.10008.1.2.8.1", "1.2.840.10008.1.2.5"
JPEG = "1.2.840.10008.1.2.4."


def _deflate(data: bytes) -> bytes:
    deflater = zlib.compressobj(wbits=-15)
    return deflater.compress(data) + deflater.flush()


def _pillow_jpeg(image: np.ndarray, subsampling: int, keep_rgb: bool = False) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=100, subsampling=subsampling, keep_rgb=keep_rgb)
    return buffer.getvalue()


def _called_ycbcr(jpeg: bytes) -> bytes:
    """The codestream with its Adobe marker (and RGB component IDs) saying YCbCr, its samples as they are."""
    return (
        jpeg.replace(b"Adobe\0\x64\0\0\0\0\0", b"Adobe\0\x64\0\0\0\0\1")
        .replace(b"R\x11\0G\x11\0B\x11\0", b"\1\x11\0\2\x11\0\3\x11\0")
        .replace(b"\3R\0G\0B\0", b"\3\1\0\2\0\3\0")
    )


def _opencv(jpeg: bytes) -> np.ndarray:
    """Another decoder's opinion, where subsampling has lost what the original had."""
    return cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)[..., ::-1]


def _rle(image: np.ndarray) -> bytes:
    shape = image.shape
    return get_encoder(RLELossless).encode(
        image.tobytes(),
        rows=shape[0],
        columns=shape[1],
        number_of_frames=1,
        samples_per_pixel=3 if image.ndim == 3 else 1,
        photometric_interpretation="RGB" if image.ndim == 3 else "MONOCHROME2",
        planar_configuration=0,
        bits_allocated=8 * image.itemsize,
        bits_stored=8 * image.itemsize,
        pixel_representation=int(image.dtype.kind == "i"),
        encoding_plugin="pydicom",
    )


def _htj2k(image: np.ndarray) -> list[bytes] | None:
    """None where imagecodecs is too old for it (before Python 3.11)."""
    return [imagecodecs.htj2k_encode(image, reversible=True)] if hasattr(imagecodecs, "htj2k_encode") else None


def _require_encoder(data: object) -> None:
    if data is None:
        pytest.skip("this imagecodecs cannot write HTJ2K, so that reading it is not tested here")


def _jpeg_ls(image: np.ndarray, interleave: int | None = None, error: int = 0) -> bytes:
    if interleave == 0:
        image = image.transpose(2, 0, 1)
    return bytes(jpeg_ls.encode_array(np.ascontiguousarray(image), lossy_error=error, interleave_mode=interleave))


def _ybr(image: np.ndarray) -> np.ndarray:
    """YBR_FULL by the standard's formula (PS3.3 C.7.6.3.1.2), in floating point."""
    r, g, b = np.moveaxis(image.astype(float), -1, 0)
    y = 0.299 * r + 0.587 * g + 0.114 * b
    cb, cr = 128 - 0.168736 * r - 0.331264 * g + 0.5 * b, 128 + 0.5 * r - 0.418688 * g - 0.081312 * b
    return np.clip(np.rint(np.stack([y, cb, cr], axis=-1)), 0, 255).astype(np.uint8)


def _partial(image: np.ndarray) -> np.ndarray:
    """YBR_PARTIAL: CCIR 601, black 16 and white 235."""
    r, g, b = np.moveaxis(image.astype(float), -1, 0)
    y = 16 + 0.256788 * r + 0.504129 * g + 0.097906 * b
    cb, cr = 128 - 0.148223 * r - 0.290993 * g + 0.439216 * b, 128 + 0.439216 * r - 0.367788 * g - 0.071427 * b
    return np.clip(np.rint(np.stack([y, cb, cr], axis=-1)), 0, 255).astype(np.uint8)


def _subsampled(ybr: np.ndarray) -> bytes:
    """Y Y Cb Cr."""
    chroma = ybr[:, 0::2, 1:]
    return np.concatenate([ybr[:, 0::2, :1], ybr[:, 1::2, :1], chroma], axis=2).tobytes()


def _smooth_pairs(image: np.ndarray) -> np.ndarray:
    """The image with the colours of each horizontal pair made equal, so that 4:2:2 loses nothing."""
    return np.repeat(image[:, 0::2], 2, axis=1)


def _planes(image: np.ndarray) -> bytes:
    return np.ascontiguousarray(image.transpose(2, 0, 1)).tobytes()


RGB = color_image()
PAIRS = _smooth_pairs(RGB)
YBR = _ybr(RGB)

# name: (expected frame, transfer syntax, pixel data or frames, attributes, largest difference)
COLOR = {
    "implicit RGB": (RGB, IMPLICIT, RGB.tobytes(), {}, 0),
    "explicit RGB": (RGB, EXPLICIT, RGB.tobytes(), {}, 0),
    "explicit RGB planar": (RGB, EXPLICIT, _planes(RGB), {"PlanarConfiguration": 1}, 0),
    "deflated RGB": (RGB, DEFLATED, RGB.tobytes(), {}, 0),
    "big endian RGB": (RGB, BIG_ENDIAN, RGB.tobytes(), {}, 0),
    "big endian RGB planar": (RGB, BIG_ENDIAN, _planes(RGB), {"PlanarConfiguration": 1}, 0),
    "encapsulated uncompressed RGB": (RGB, ENCAPSULATED, [RGB.tobytes()], {}, 0),
    "deflated frames RGB": (RGB, DEFLATED_FRAMES, [_deflate(RGB.tobytes())], {}, 0),
    "explicit YBR_FULL": (RGB, EXPLICIT, YBR.tobytes(), {"PhotometricInterpretation": "YBR_FULL"}, 2),
    "explicit YBR_FULL planar": (RGB, EXPLICIT, _planes(YBR), {"PhotometricInterpretation": "YBR_FULL", "PlanarConfiguration": 1}, 2),
    "explicit YBR_FULL_422": (PAIRS, EXPLICIT, _subsampled(_ybr(PAIRS)), {"PhotometricInterpretation": "YBR_FULL_422"}, 2),
    "explicit YBR_FULL_422 that is not subsampled": (RGB, EXPLICIT, YBR.tobytes(), {"PhotometricInterpretation": "YBR_FULL_422"}, 2),
    "explicit YBR_PARTIAL_422": (PAIRS, EXPLICIT, _subsampled(_partial(PAIRS)), {"PhotometricInterpretation": "YBR_PARTIAL_422"}, 3),
    "RLE RGB": (RGB, RLE, [_rle(RGB)], {}, 0),
    "RLE YBR_FULL": (RGB, RLE, [_rle(YBR)], {"PhotometricInterpretation": "YBR_FULL"}, 2),
    "JPEG baseline YBR_FULL_422": (RGB, JPEG + "50", [_pillow_jpeg(RGB, 0)], {"PhotometricInterpretation": "YBR_FULL_422"}, 4),
    "JPEG baseline 4:2:2": (
        _opencv(_pillow_jpeg(RGB, 1)),
        JPEG + "50",
        [_pillow_jpeg(RGB, 1)],
        {"PhotometricInterpretation": "YBR_FULL_422"},
        3,
    ),
    "JPEG baseline RGB": (RGB, JPEG + "50", [_pillow_jpeg(RGB, 0, keep_rgb=True)], {}, 3),
    "JPEG baseline that says RGB and is YCbCr": (RGB, JPEG + "50", [_pillow_jpeg(RGB, 0)], {}, 4),
    "JPEG baseline that says YBR and is RGB": (
        RGB,
        JPEG + "50",
        [_pillow_jpeg(RGB, 0, keep_rgb=True)],
        {"PhotometricInterpretation": "YBR_FULL_422"},
        3,
    ),
    "JPEG lossless RGB": (RGB, JPEG + "57", [imagecodecs.jpeg8_encode(RGB, lossless=True)], {}, 0),
    "JPEG lossless YBR_FULL": (RGB, JPEG + "57", [_called_ycbcr(imagecodecs.jpeg8_encode(YBR, lossless=True))], {}, 2),
    "JPEG lossless first order RGB": (RGB, JPEG + "70", [imagecodecs.jpeg8_encode(RGB, lossless=True)], {}, 0),
    "JPEG-LS RGB by sample": (RGB, JPEG + "80", [_jpeg_ls(RGB, 2)], {}, 0),
    "JPEG-LS RGB by line": (RGB, JPEG + "80", [_jpeg_ls(RGB, 1)], {}, 0),
    "JPEG-LS RGB by plane": (RGB, JPEG + "80", [_jpeg_ls(RGB, 0)], {}, 0),
    "JPEG-LS near lossless RGB": (RGB, JPEG + "81", [_jpeg_ls(RGB, 2, error=2)], {}, 2),
    "JPEG-LS YBR_FULL": (RGB, JPEG + "80", [_jpeg_ls(YBR, 2)], {"PhotometricInterpretation": "YBR_FULL"}, 2),
    "JPEG 2000 YBR_RCT": (
        RGB,
        JPEG + "90",
        [imagecodecs.jpeg2k_encode(RGB, codecformat="j2k", reversible=True, mct=True)],
        {"PhotometricInterpretation": "YBR_RCT"},
        0,
    ),
    "JPEG 2000 that says RGB and is YBR_RCT": (
        RGB,
        JPEG + "90",
        [imagecodecs.jpeg2k_encode(RGB, codecformat="j2k", reversible=True, mct=True)],
        {},
        0,
    ),
    "JPEG 2000 RGB": (RGB, JPEG + "90", [imagecodecs.jpeg2k_encode(RGB, codecformat="j2k", reversible=True, mct=False)], {}, 0),
    "JPEG 2000 YBR_FULL": (
        RGB,
        JPEG + "90",
        [imagecodecs.jpeg2k_encode(YBR, codecformat="j2k", reversible=True, mct=False)],
        {"PhotometricInterpretation": "YBR_FULL"},
        2,
    ),
    "JPEG 2000 YBR_ICT": (
        RGB,
        JPEG + "91",
        [imagecodecs.jpeg2k_encode(RGB, codecformat="j2k", level=90, mct=True)],
        {"PhotometricInterpretation": "YBR_ICT"},
        3,
    ),
    "HTJ2K lossless": (RGB, JPEG + "201", _htj2k(RGB), {"PhotometricInterpretation": "YBR_RCT"}, 0),
    "HTJ2K lossless RPCL": (
        RGB,
        JPEG + "202",
        _htj2k(RGB),
        {"PhotometricInterpretation": "YBR_RCT"},
        0,
    ),
    "JPEG XL lossless": (RGB, JPEG + "110", [imagecodecs.jpegxl_encode(RGB, lossless=True)], {}, 0),
    "JPEG XL recompressed JPEG": (
        RGB,
        JPEG + "111",
        [imagecodecs.jpegxl_encode_jpeg(_pillow_jpeg(RGB, 0))],
        {"PhotometricInterpretation": "YBR_FULL_422"},
        4,
    ),
    "JPEG XL": (RGB, JPEG + "112", [imagecodecs.jpegxl_encode(RGB, lossless=True)], {}, 0),
}


@pytest.mark.parametrize("case", COLOR)
def test_a_color_image_reads_the_same_in_every_encoding(tmp_path, case):
    expected, syntax, data, attributes, tolerance = COLOR[case]
    _require_encoder(data)
    path = write_dicom(tmp_path / "image.dcm", data, RGB, syntax, **attributes)
    (stack,) = open_stacks(path)
    (frame,) = stack.frames()
    assert (frame.dtype, frame.shape) == (np.uint8, RGB.shape)
    difference = np.abs(frame.astype(int) - expected)
    assert difference.max() <= tolerance
    # A colour fault moves whole areas: the mean catches what a generous largest difference would let through.
    assert difference.mean() <= min(tolerance, 1)


CT = ct_image()
CT_UNSIGNED = (CT.astype(np.int32) + 1024).astype(np.uint16)
TWELVE = gray_12_bit_image()
EIGHT = np.ascontiguousarray(color_image()[..., 0])
SIGNED_12 = (TWELVE.astype(np.int16) - 500).astype(np.int16)

GRAY = {
    "implicit signed 16": (CT, IMPLICIT, CT.tobytes(), {}),
    "explicit signed 16": (CT, EXPLICIT, CT.tobytes(), {}),
    "deflated signed 16": (CT, DEFLATED, CT.tobytes(), {}),
    "big endian signed 16": (CT, BIG_ENDIAN, CT.astype(">i2").tobytes(), {}),
    "encapsulated uncompressed signed 16": (CT, ENCAPSULATED, [CT.tobytes()], {}),
    "deflated frames signed 16": (CT, DEFLATED_FRAMES, [_deflate(CT.tobytes())], {}),
    "RLE signed 16": (CT, RLE, [_rle(CT)], {}),
    "JPEG lossless signed 16": (CT, JPEG + "57", [imagecodecs.jpeg8_encode(CT.view(np.uint16), lossless=True, bitspersample=16)], {}),
    "JPEG lossless SOF3 unsigned 16": (CT_UNSIGNED, JPEG + "70", [imagecodecs.ljpeg_encode(CT_UNSIGNED)], {}),
    "JPEG lossless unsigned 12": (
        TWELVE,
        JPEG + "70",
        [imagecodecs.jpeg8_encode(TWELVE, lossless=True, bitspersample=12)],
        {"BitsStored": 12},
    ),
    "JPEG-LS signed 16": (CT, JPEG + "80", [_jpeg_ls(CT.view(np.uint16))], {}),
    "JPEG-LS unsigned 12": (TWELVE, JPEG + "80", [_jpeg_ls(TWELVE)], {"BitsStored": 12}),
    "JPEG 2000 signed 16": (CT, JPEG + "90", [imagecodecs.jpeg2k_encode(CT, codecformat="j2k", reversible=True)], {}),
    "JPEG 2000 unsigned 12": (
        TWELVE,
        JPEG + "90",
        [imagecodecs.jpeg2k_encode(TWELVE, codecformat="j2k", reversible=True, bitspersample=12)],
        {"BitsStored": 12},
    ),
    "HTJ2K signed 16": (CT, JPEG + "201", _htj2k(CT), {}),
    "JPEG XL unsigned 16": (CT_UNSIGNED, JPEG + "110", [imagecodecs.jpegxl_encode(CT_UNSIGNED, lossless=True)], {}),
    "explicit unsigned 8": (EIGHT, EXPLICIT, EIGHT.tobytes(), {}),
    "big endian unsigned 8": (EIGHT, BIG_ENDIAN, EIGHT.tobytes(), {}),
    "RLE unsigned 8": (EIGHT, RLE, [_rle(EIGHT)], {}),
    "JPEG-LS unsigned 8": (EIGHT, JPEG + "80", [_jpeg_ls(EIGHT)], {}),
    "explicit unsigned 12 of 16": (TWELVE, EXPLICIT, TWELVE.tobytes(), {"BitsStored": 12}),
    "explicit signed 12 of 16": (SIGNED_12, EXPLICIT, SIGNED_12.tobytes(), {"BitsStored": 12}),
    "RLE signed 12 of 16": (SIGNED_12, RLE, [_rle(SIGNED_12)], {"BitsStored": 12}),
    "explicit unsigned 12 in the upper bits": (TWELVE, EXPLICIT, (TWELVE << 4).tobytes(), {"BitsStored": 12, "HighBit": 15}),
    "explicit 8 bits of 16": (EIGHT, EXPLICIT, EIGHT.astype(np.uint16).tobytes(), {"BitsAllocated": 16, "BitsStored": 8}),
    "explicit unsigned 32": (CT_UNSIGNED.astype(np.uint32) * 65537, EXPLICIT, (CT_UNSIGNED.astype(np.uint32) * 65537).tobytes(), {}),
    "explicit signed 32": (CT.astype(np.int32) * 65536, EXPLICIT, (CT.astype(np.int32) * 65536).tobytes(), {}),
    "explicit float": (CT.astype(np.float32) / 7, EXPLICIT, (CT.astype(np.float32) / 7).tobytes(), {}),
    "big endian float": (CT.astype(np.float32) / 7, BIG_ENDIAN, (CT.astype(np.float32) / 7).astype(">f4").tobytes(), {}),
    "explicit double": (CT.astype(np.float64) / 7, EXPLICIT, (CT.astype(np.float64) / 7).tobytes(), {}),
}


@pytest.mark.parametrize("case", GRAY)
def test_a_gray_image_reads_bit_for_bit_in_every_lossless_encoding(tmp_path, case):
    expected, syntax, data, attributes = GRAY[case]
    _require_encoder(data)
    path = write_dicom(tmp_path / "image.dcm", data, expected, syntax, **attributes)
    (stack,) = open_stacks(path)
    (frame,) = stack.frames()
    assert frame.dtype == expected.dtype
    np.testing.assert_array_equal(frame, expected)
    assert stack.bits == attributes.get("BitsStored", 8 * expected.itemsize)


@pytest.mark.parametrize("syntax", [JPEG + "51", JPEG + "50"])
def test_lossy_gray_jpeg_of_8_and_12_bits_stays_close(tmp_path, syntax):
    twelve = syntax.endswith("51")
    image = TWELVE if twelve else EIGHT
    encoded = imagecodecs.jpeg8_encode(image, level=100, bitspersample=12 if twelve else 8)
    path = write_dicom(tmp_path / "image.dcm", [encoded], image, syntax, BitsStored=12 if twelve else 8)
    (stack,) = open_stacks(path)
    (frame,) = stack.frames()
    assert frame.dtype == image.dtype
    assert np.abs(frame.astype(int) - image).max() <= 4


@pytest.mark.parametrize("syntax", [EXPLICIT, DEFLATED, BIG_ENDIAN])
@pytest.mark.parametrize("columns", [16, 13])
def test_one_bit_frames_that_end_within_a_byte_stay_apart(tmp_path, syntax, columns):
    masks = (np.stack([TWELVE[:11, :columns], TWELVE[100:111, 100 : 100 + columns], TWELVE[50:61, :columns]]) % 2).astype(np.uint8)
    packed = np.packbits(masks.ravel(), bitorder="little").tobytes()
    path = write_dicom(tmp_path / "seg.dcm", packed, masks[0], syntax, BitsAllocated=1, BitsStored=1, HighBit=0, NumberOfFrames=3)
    (stack,) = open_stacks(path)
    np.testing.assert_array_equal(np.stack(list(stack.frames())), masks)
    assert set(np.unique(stack.display.show(masks[0]))) <= {0, 255}


def test_color_of_16_bits_keeps_them(tmp_path):
    deep = RGB.astype(np.uint16) * 257 - (RGB // 2)
    (stack,) = open_stacks(write_dicom(tmp_path / "deep.dcm", deep.tobytes(), deep))
    (frame,) = stack.frames()
    np.testing.assert_array_equal(frame, deep)


def test_color_of_12_bits_is_scaled_to_its_full_range(tmp_path):
    deep = RGB.astype(np.uint16) * 16 + RGB // 16
    (stack,) = open_stacks(write_dicom(tmp_path / "deep.dcm", deep.tobytes(), deep, BitsStored=12))
    (frame,) = stack.frames()
    np.testing.assert_array_equal(frame >> 4, deep)
    assert frame.max() == 65535


def _palette_attributes(palette: np.ndarray, bits: int, data: bool = True) -> dict:
    attributes: dict = {"PhotometricInterpretation": "PALETTE COLOR"}
    for channel, color in enumerate(("Red", "Green", "Blue")):
        attributes[f"{color}PaletteColorLookupTableDescriptor"] = [len(palette) % 65536, 0, bits]
        if data:
            attributes[f"{color}PaletteColorLookupTableData"] = np.ascontiguousarray(palette[:, channel]).tobytes()
    return attributes


@pytest.mark.parametrize("kind", ["8 bit", "16 bit, upper byte", "16 bit, repeated byte", "16 bit, lower byte"])
def test_a_palette_that_carries_8_bits_gives_8_bit_rgb(tmp_path, kind):
    palette = cv2.applyColorMap(np.arange(256, dtype=np.uint8)[:, None], cv2.COLORMAP_JET)[:, 0, ::-1]
    wide = palette.astype("<u2")
    stored = {
        "8 bit": palette,
        "16 bit, upper byte": wide << 8,
        "16 bit, repeated byte": wide * 257,
        "16 bit, lower byte": wide,
    }[kind]
    attributes = _palette_attributes(stored.astype("u1" if kind == "8 bit" else "<u2"), 8 if kind == "8 bit" else 16)
    (stack,) = open_stacks(write_dicom(tmp_path / "palette.dcm", EIGHT.tobytes(), EIGHT, **attributes))
    (frame,) = stack.frames()
    assert frame.dtype == np.uint8
    np.testing.assert_array_equal(frame, palette[EIGHT])


def test_a_palette_of_true_16_bits_gives_16_bit_rgb_and_ends_where_its_entries_do(tmp_path):
    palette = np.stack([np.arange(200) * 301, 60000 - np.arange(200) * 299, np.arange(200) * 7], axis=1).astype("<u2")
    (stack,) = open_stacks(write_dicom(tmp_path / "palette.dcm", EIGHT.tobytes(), EIGHT, **_palette_attributes(palette, 16)))
    (frame,) = stack.frames()
    assert frame.dtype == np.uint16
    np.testing.assert_array_equal(frame, palette[np.minimum(EIGHT, 199)])


@pytest.mark.parametrize("signed", [False, True])
def test_a_palette_maps_values_from_its_first_one_on_and_ends_with_its_ends(tmp_path, signed):
    palette = cv2.applyColorMap(np.arange(256, dtype=np.uint8)[:, None], cv2.COLORMAP_JET)[:, 0, ::-1]
    index = (CT if signed else CT_UNSIGNED) - 1200
    index = index.astype(np.int16 if signed else np.uint16)
    attributes = _palette_attributes(palette, 8)
    for color in ("Red", "Green", "Blue"):
        attributes[f"{color}PaletteColorLookupTableDescriptor"] = [256, -100 if signed else 60, 8]
    (stack,) = open_stacks(write_dicom(tmp_path / "palette.dcm", index.tobytes(), index, **attributes))
    expected = palette[np.clip(index.astype(int) - (-100 if signed else 60), 0, 255)]
    np.testing.assert_array_equal(next(stack.frames()), expected)


def test_a_segmented_palette_is_expanded(tmp_path):
    """Discrete, linear and indirect segments of PS3.3 C.7.9.2."""
    ramp = [0, 2, 0, 0, 1, 126, 126 * 256]
    segments = np.array([*ramp, 2, 2, 0, 0], "<u2").tobytes()
    # 0, 0, then 126 steps to 126 * 256; then the first two segments again: 128 more.
    once = np.concatenate([[0, 0], np.arange(1, 127) * 256])
    expected = np.concatenate([once, once]) >> 8
    attributes = _palette_attributes(np.zeros((256, 3)), 16, data=False)
    attributes |= {f"Segmented{color}PaletteColorLookupTableData": segments for color in ("Red", "Green", "Blue")}
    (stack,) = open_stacks(write_dicom(tmp_path / "palette.dcm", EIGHT.tobytes(), EIGHT, **attributes))
    (frame,) = stack.frames()
    np.testing.assert_array_equal(frame[..., 0], expected[EIGHT])


@pytest.mark.parametrize("syntax", [EXPLICIT, RLE, JPEG + "80", JPEG + "90"])
def test_a_cine_keeps_its_frames_in_order_and_can_be_decoded_again(tmp_path, syntax):
    frames = [np.roll(EIGHT, 7 * index, axis=1) for index in range(5)]
    encode = {
        RLE: _rle,
        JPEG + "80": _jpeg_ls,
        JPEG + "90": lambda frame: imagecodecs.jpeg2k_encode(frame, codecformat="j2k", reversible=True),
    }
    data = b"".join(frame.tobytes() for frame in frames) if syntax == EXPLICIT else [encode[syntax](frame) for frame in frames]
    (stack,) = open_stacks(write_dicom(tmp_path / "cine.dcm", data, EIGHT, syntax, NumberOfFrames=5))
    for _ in range(2):
        np.testing.assert_array_equal(np.stack(list(stack.frames())), np.stack(frames))


def test_frames_in_several_fragments_are_put_together(tmp_path):
    from pydicom.encaps import encapsulate

    frames = [np.roll(EIGHT, 7 * index, axis=1) for index in range(3)]
    encoded = [_jpeg_ls(frame) for frame in frames]
    for name, has_table in (("without.dcm", False), ("with.dcm", True)):
        path = write_dicom(tmp_path / name, [b"\0\0"], EIGHT, JPEG + "80", NumberOfFrames=3)
        from pydicom import dcmread

        dataset = dcmread(path)
        dataset.PixelData = encapsulate(encoded, fragments_per_frame=4, has_bot=has_table)
        dataset.save_as(path)
        (stack,) = open_stacks(path)
        np.testing.assert_array_equal(np.stack(list(stack.frames())), np.stack(frames))


def test_an_h264_video_in_dicom_has_the_frames_of_its_file(tmp_path, corpus):
    source = corpus / "text" / "video" / "us_butterfly_ocular_video.mp4"
    (video,) = open_stacks(source)
    like = np.zeros((video.rows, video.columns, 3), np.uint8)
    path = write_dicom(tmp_path / "video.dcm", [source.read_bytes()], like, JPEG + "102", NumberOfFrames=video.frame_count)
    (stack,) = open_stacks(path)
    for frame, original in zip(stack.frames(), video.frames(), strict=True):
        np.testing.assert_array_equal(frame[::16], original[::16])


def _mpeg2_in_dicom(tmp_path):
    """A DICOM file with MPEG-2, the only video codec of DICOM that OpenCV can write, and its frames."""
    shift = [np.roll(RGB, 4 * index, axis=1) for index in range(12)]
    writer = cv2.VideoWriter(str(tmp_path / "video.ts"), cv2.VideoWriter_fourcc(*"MPG2"), 25, (320, 240))
    for frame in shift:
        writer.write(frame[..., ::-1])
    writer.release()
    path = write_dicom(
        tmp_path / "video.dcm",
        [(tmp_path / "video.ts").read_bytes()],
        RGB,
        JPEG + "100",
        NumberOfFrames=12,
        PhotometricInterpretation="YBR_PARTIAL_420",
    )
    return path, shift


def test_a_video_in_dicom_is_decoded_to_its_frames(tmp_path):
    path, shift = _mpeg2_in_dicom(tmp_path)
    (stack,) = open_stacks(path)
    frames = list(stack.frames())
    assert len(frames) == 12
    for frame, original in zip(frames, shift, strict=True):
        assert np.abs(frame.astype(int) - original).mean() < 12
