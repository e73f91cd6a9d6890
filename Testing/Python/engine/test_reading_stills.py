"""PNG, JPEG, TIFF, BMP, GIF and WebP: depth, alpha, orientation, pages."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from reading_samples import color_image, gray_12_bit_image

from PyLogikSlicerLib.core.errors import UnreadableInput
from PyLogikSlicerLib.reading import open_stacks

RGB = color_image()
GRAY = np.ascontiguousarray(RGB[..., 1])
DEEP = gray_12_bit_image() * 16
DEEP_RGB = RGB.astype(np.uint16) * 250 + 3


def _only_frame(path) -> np.ndarray:
    (stack,) = open_stacks(path)
    (frame,) = stack.frames()
    assert (stack.rows, stack.columns, stack.dtype) == (*frame.shape[:2], frame.dtype)
    return frame


@pytest.mark.parametrize("suffix", ["png", "bmp", "tif", "webp", "ppm", "jp2"])
def test_a_lossless_color_still_reads_as_it_is(tmp_path, suffix):
    Image.fromarray(RGB).save(tmp_path / f"still.{suffix}", **({"lossless": True} if suffix == "webp" else {}))
    np.testing.assert_array_equal(_only_frame(tmp_path / f"still.{suffix}"), RGB)


def test_a_jpeg_keeps_its_colors(tmp_path):
    Image.fromarray(RGB).save(tmp_path / "still.jpg", quality=100, subsampling=0)
    assert np.abs(_only_frame(tmp_path / "still.jpg").astype(int) - RGB).max() <= 4


@pytest.mark.parametrize("suffix", ["png", "bmp", "tif", "jpg"])
def test_a_gray_still_stays_gray(tmp_path, suffix):
    Image.fromarray(GRAY).save(tmp_path / f"still.{suffix}")
    assert _only_frame(tmp_path / f"still.{suffix}").ndim == 2


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_16_bit_gray_keeps_its_bits(tmp_path, suffix):
    cv2.imwrite(str(tmp_path / f"still.{suffix}"), DEEP)
    np.testing.assert_array_equal(_only_frame(tmp_path / f"still.{suffix}"), DEEP)


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_16_bit_color_keeps_its_bits_and_its_channels_in_order(tmp_path, suffix):
    cv2.imwrite(str(tmp_path / f"still.{suffix}"), DEEP_RGB[..., ::-1])
    np.testing.assert_array_equal(_only_frame(tmp_path / f"still.{suffix}"), DEEP_RGB)


def test_16_bit_color_with_alpha_loses_only_alpha(tmp_path):
    alpha = np.full((*DEEP_RGB.shape[:2], 1), 7, np.uint16)
    cv2.imwrite(str(tmp_path / "still.png"), np.concatenate([DEEP_RGB[..., ::-1], alpha], axis=2))
    np.testing.assert_array_equal(_only_frame(tmp_path / "still.png"), DEEP_RGB)
    assert open_stacks(tmp_path / "still.png")[0].dropped == ("alpha",)


def test_32_bit_and_float_tiff_keep_their_values(tmp_path):
    for values in (DEEP.astype(np.int32) * 3, DEEP.astype(np.float32) / 7):
        Image.fromarray(values).save(tmp_path / "still.tif")
        np.testing.assert_array_equal(_only_frame(tmp_path / "still.tif"), values)


def test_a_deep_tiff_where_white_is_zero_is_shown_inverted(tmp_path):
    Image.fromarray(DEEP).save(tmp_path / "still.tif", tiffinfo={262: 0})
    (stack,) = open_stacks(tmp_path / "still.tif")
    shown = stack.display.show(next(stack.frames()))
    assert shown[DEEP.argmax() // DEEP.shape[1], DEEP.argmax() % DEEP.shape[1]] == 0


def test_text_under_full_transparency_stays_in_the_pixels_and_alpha_is_reported(tmp_path):
    hidden = cv2.putText(RGB.copy(), "DOE", (40, 200), cv2.FONT_HERSHEY_SIMPLEX, 1, (255, 255, 0), 2)
    transparent = np.dstack([hidden, np.where((hidden != RGB).any(axis=2), 0, 255).astype(np.uint8)])
    for suffix in ("png", "tif"):
        Image.fromarray(transparent).save(tmp_path / f"still.{suffix}")
        np.testing.assert_array_equal(_only_frame(tmp_path / f"still.{suffix}"), hidden)
        assert open_stacks(tmp_path / f"still.{suffix}")[0].dropped == ("alpha",)
    Image.fromarray(transparent[..., [0, 3]], "LA").save(tmp_path / "gray.png")
    np.testing.assert_array_equal(_only_frame(tmp_path / "gray.png"), hidden[..., 0])


def test_palette_bilevel_and_cmyk_are_converted(tmp_path):
    palette = Image.fromarray(RGB).quantize(64)
    palette.save(tmp_path / "palette.png")
    np.testing.assert_array_equal(_only_frame(tmp_path / "palette.png"), np.asarray(palette.convert("RGB")))
    Image.fromarray(GRAY > 90).save(tmp_path / "bilevel.png")
    np.testing.assert_array_equal(_only_frame(tmp_path / "bilevel.png"), np.where(GRAY > 90, 255, 0))
    Image.fromarray(RGB).convert("CMYK").save(tmp_path / "cmyk.tif")
    assert np.abs(_only_frame(tmp_path / "cmyk.tif").astype(int) - RGB).max() <= 1


TURNED = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.transpose(1, 0, 2),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: np.rot90(a, 2).transpose(1, 0, 2),
    8: lambda a: np.rot90(a),
}


@pytest.mark.parametrize("orientation", TURNED)
def test_exif_orientation_is_honoured_at_every_depth(tmp_path, orientation):
    exif = Image.Exif()
    exif[274] = orientation
    Image.fromarray(RGB).save(tmp_path / "a.png", exif=exif)
    Image.fromarray(RGB).save(tmp_path / "a.tif", exif=exif)
    Image.fromarray(RGB).save(tmp_path / "a.jpg", exif=exif, quality=100, subsampling=0)
    for suffix in ("png", "tif", "jpg"):
        assert np.abs(_only_frame(tmp_path / f"a.{suffix}").astype(int) - TURNED[orientation](RGB)).max() <= 4
    _write_deep_png_with_exif(tmp_path / "deep.png", exif)
    np.testing.assert_array_equal(_only_frame(tmp_path / "deep.png"), TURNED[orientation](DEEP_RGB))


def _write_deep_png_with_exif(path, exif: Image.Exif) -> None:
    import struct
    import zlib

    cv2.imwrite(str(path), DEEP_RGB[..., ::-1])
    data, body = path.read_bytes(), exif.tobytes().removeprefix(b"Exif\0\0")
    chunk = struct.pack(">I", len(body)) + b"eXIf" + body + struct.pack(">I", zlib.crc32(b"eXIf" + body))
    path.write_bytes(data[:33] + chunk + data[33:])


@pytest.mark.parametrize("deep", [False, True])
def test_the_pages_of_a_tiff_are_frames(tmp_path, deep):
    source = DEEP_RGB if deep else RGB
    pages = [np.roll(source, 9 * index, axis=1) for index in range(4)]
    cv2.imwritemulti(str(tmp_path / "pages.tif"), [page[..., ::-1].copy() for page in pages])
    (stack,) = open_stacks(tmp_path / "pages.tif")
    assert stack.frame_count == 4
    for _ in range(2):
        np.testing.assert_array_equal(np.stack(list(stack.frames())), np.stack(pages))


def test_pages_of_several_sizes_become_a_stack_each(tmp_path):
    pages = [Image.fromarray(RGB), Image.fromarray(RGB[:60, :80].copy()), Image.fromarray(RGB[::-1].copy())]
    pages[0].save(tmp_path / "pyramid.tif", save_all=True, append_images=pages[1:])
    stacks = open_stacks(tmp_path / "pyramid.tif")
    assert [(stack.name, stack.frame_count, stack.rows) for stack in stacks] == [("pyramid", 2, 240), ("pyramid-2", 1, 60)]
    np.testing.assert_array_equal(list(stacks[0].frames())[1], RGB[::-1])


@pytest.mark.parametrize("suffix", ["gif", "png", "webp"])
def test_the_steps_of_an_animation_are_frames(tmp_path, suffix):
    steps = [Image.fromarray(np.roll(RGB, 30 * index, axis=1)) for index in range(5)]
    lossless = {"lossless": True} if suffix == "webp" else {}
    steps[0].save(tmp_path / f"steps.{suffix}", save_all=True, append_images=steps[1:], duration=40, **lossless)
    (stack,) = open_stacks(tmp_path / f"steps.{suffix}")
    frames = list(stack.frames())
    assert len(frames) == stack.frame_count == 5
    for frame, step in zip(frames, steps, strict=True):
        assert np.abs(frame.astype(int) - np.asarray(step)).mean() < (10 if suffix == "gif" else 0.01)


def test_identifying_text_of_exif_and_png_chunks_is_known(tmp_path):
    exif = Image.Exif()
    exif[315], exif[306], exif[270] = "Dr. Smith", "2024:02:29 10:15:30", "Jane Doe, liver"
    Image.fromarray(RGB).save(tmp_path / "a.jpg", exif=exif)
    found = open_stacks(tmp_path / "a.jpg")[0].header.identifying
    assert found["Artist"] == ("Dr. Smith",) and found["ImageDescription"] == ("Jane Doe, liver",)
    text = PngInfo()
    text.add_text("Author", "Dr. Smith")
    Image.fromarray(RGB).save(tmp_path / "a.png", pnginfo=text)
    assert open_stacks(tmp_path / "a.png")[0].header.identifying["Author"] == ("Dr. Smith",)


@pytest.mark.parametrize("suffix", ["png", "jpg", "tif", "bmp", "gif"])
def test_a_truncated_still_is_refused(tmp_path, suffix):
    path = tmp_path / f"DOE.{suffix}"
    Image.fromarray(RGB).save(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(UnreadableInput) as error:
        for stack in open_stacks(path):
            list(stack.frames())
    assert "DOE" not in str(error.value)


def test_truncated_16_bit_color_is_refused(tmp_path):
    for suffix in ("png", "tif"):
        path = tmp_path / f"deep.{suffix}"
        cv2.imwrite(str(path), DEEP_RGB[..., ::-1])
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
        with pytest.raises(UnreadableInput):
            open_stacks(path)


def test_a_still_of_the_wrong_extension_is_read_by_its_content(tmp_path):
    Image.fromarray(RGB).save(tmp_path / "still.png")
    (tmp_path / "still.png").rename(tmp_path / "still.dcm")
    np.testing.assert_array_equal(_only_frame(tmp_path / "still.dcm"), RGB)
