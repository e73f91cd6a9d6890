"""Opens DICOM images of every kind as an ImageStack."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset

from ...core.errors import UnreadableInput
from ...core.stack import Display, ImageStack, Reread
from ..codestreams import DecodedFrame
from ..decode_errors import as_unreadable_input
from ..decoding.limits import declare_size
from ..naming import image_name
from ..stacks import stack_of
from .color import has_supplemental_palette, palette_colors, read_palette, rgb_from_samples, supplemental_palette_colors
from .file import DicomFile, read_dicom_file
from .frames import FrameSource, open_frames
from .grayscale import grey_displays
from .header import identifying_header
from .image_pixel import ImagePixel, read_image_pixel


def open_dicom(path: Path) -> list[ImageStack]:
    """The frames of a DICOM instance, as one stack.

    Colour and palette images are RGB (uint8, or uint16 over its full range). Grey images are stored values in the smallest type
    that holds BitsStored, signed or unsigned, with their display. The first frame is decoded here, so that a file that cannot be
    decoded at all is reported when it is opened.

    Raises
    ------
    UnreadableInput
        There are no pixel data, the transfer syntax is not supported, or the file is truncated or damaged.
    """
    file = read_dicom_file(path)
    with as_unreadable_input("the DICOM image cannot be read"):
        pixel = read_image_pixel(file.header, file.keyword)
        frames = open_frames(file, pixel)
        declare_size(pixel.frame_bytes, frames.count)
        first = _decode_first(frames.decode)
        conversion = _choose_conversion(file.header, pixel, first, frames.count)
        first_frame = conversion.convert(first)
        header = identifying_header(file.header, pixel.rows, pixel.columns)
        dropped = tuple(_unread_content(file, pixel, frames.excess))

    def decode() -> Iterator[np.ndarray]:
        for decoded in frames.decode():
            with as_unreadable_input("a frame cannot be converted"):
                frame = conversion.convert(decoded)
            yield frame

    def decode_again() -> Iterator[Reread]:
        for number, decoded in frames.decode_again():
            with as_unreadable_input("a frame cannot be converted"):
                again = Reread(number, conversion.convert(decoded), frames.lossy)
            yield again

    stack = stack_of(path, image_name(path), first_frame, frames.count, decode, decode_again)
    return [
        replace(
            stack,
            display=conversion.displays[0],
            frame_displays=conversion.displays if len(conversion.displays) > 1 else (),
            header=header,
            dropped=dropped,
            bits=conversion.bits,
            whole=not (pixel.samples == 3 and pixel.stored > 16),
        )
    ]


def _decode_first(decode: FrameSource) -> DecodedFrame:
    """The first frame. Raises UnreadableInput where there is none."""
    frames = decode()
    try:
        return next(frames)
    except StopIteration:
        raise UnreadableInput("no frame can be decoded: the file is truncated or damaged") from None
    finally:
        frames.close()


@dataclass(frozen=True)
class _Conversion:
    """How decoded samples become a frame of the stack.

    ``displays``: one, or one for each frame where they differ. ``bits``: how many bits of the frame's values are used.
    """

    convert: Callable[[DecodedFrame], np.ndarray]
    displays: tuple[Display, ...]
    bits: int


def _choose_conversion(header: Dataset, pixel: ImagePixel, first: DecodedFrame, frame_count: int) -> _Conversion:
    """The conversion of colour, palette, floating point, and grey frames; ``first`` is the first decoded frame."""
    if first.samples.ndim == 3:
        bits = 8 if first.bits <= 8 else 16
        return _Conversion(
            lambda decoded: rgb_from_samples(_stored_values(decoded, False), decoded.photometric, decoded.bits), (Display(),), bits
        )
    if pixel.photometric == "PALETTE COLOR":
        palette, start = read_palette(header)
        colors = palette_colors(palette, start, min(first.bits, 16), pixel.signed)
        return _Conversion(lambda decoded: np.take(colors, _stored_values(decoded, False), axis=0), (Display(),), 8 * palette.itemsize)
    if pixel.dtype == "f":
        return _Conversion(lambda decoded: decoded.samples, grey_displays(header, pixel, pixel.allocated, frame_count), pixel.allocated)
    displays = grey_displays(header, pixel, first.bits, frame_count)
    if has_supplemental_palette(header) and first.bits <= 16:
        colors = supplemental_palette_colors(header, displays[0], first.bits, pixel.signed)
        return _Conversion(lambda decoded: np.take(colors, _stored_values(decoded, False), axis=0), (Display(),), 8)
    return _Conversion(lambda decoded: _stored_values(decoded, pixel.signed), displays, first.bits)


def _stored_values(decoded: DecodedFrame, signed: bool) -> np.ndarray:
    """The values of the samples, sign-extended where ``signed``, in the smallest type that holds ``decoded.bits`` bits.

    The bits above may hold overlays or anything else, and are set to 0 (PS3.5 8.1.1).
    """
    samples, bits = decoded.samples, decoded.bits
    container = 8 * samples.itemsize
    unsigned = samples.view(np.dtype(f"u{samples.itemsize}")) if samples.dtype.kind == "i" else samples
    if bits < container:
        unsigned = unsigned & np.array((1 << bits) - 1, unsigned.dtype)
    size = 1 if bits <= 8 else 2 if bits <= 16 else 4
    if not signed:
        return unsigned.astype(f"u{size}", copy=False)
    sign = 1 << (bits - 1)
    if bits == container:
        return unsigned.view(f"i{size}")
    return ((unsigned.astype(np.int64) ^ sign) - sign).astype(f"i{size}")


def _unread_content(file: DicomFile, pixel: ImagePixel, excess: int) -> Iterator[str]:
    """The kinds of image content in the file that are not read, without identifying text."""
    groups = {tag >> 16 for tag in file.header.keys()}  # noqa: SIM118  a data set iterates over elements, not tags
    for group in sorted(groups & set(range(0x6000, 0x6100, 2))):
        yield f"overlay plane {group:04X}"
    if "IconImageSequence" in file.header:
        yield "icon image"
    if pixel.dtype == "i" and pixel.allocated > pixel.stored:
        yield "bits above BitsStored"
    if pixel.samples == 3 and pixel.stored > 16:
        yield "colour bits below the upper 16"
    if excess > 0:
        yield f"frames beyond NumberOfFrames ({excess})"
