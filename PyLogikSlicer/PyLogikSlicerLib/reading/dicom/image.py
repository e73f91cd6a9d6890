"""DICOM images of every kind to an ImageStack."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset

from ...core.errors import UnreadableInput
from ...core.stack import Display, ImageStack, Reread
from ..codestreams import Decoded
from ..decoding.limits import promise
from ..faults import reported
from ..naming import name_of
from .color import colors_of_all_values, has_supplemental_palette, palette_of, rgb_from_samples, supplemented_colors
from .file import DicomFile, read_dicom_file
from .frames import frames_of
from .grayscale import grey_displays
from .header import header_of
from .image_pixel import ImagePixel, image_pixel


def open_dicom(path: Path) -> list[ImageStack]:
    """The frames of a DICOM instance.

    Colour and palettes come as RGB (uint8, or uint16 over its full range), grey as stored values in the smallest type
    that holds BitsStored, signed or not, with the display beside them. The first frame is decoded at once, so that
    what cannot be decoded at all is known now.

    Raises
    ------
    UnreadableInput
        There are no pixel data, the transfer syntax is not supported, or the file is truncated or damaged.
    """
    file = read_dicom_file(path)
    with reported("the DICOM image cannot be read"):
        pixel = image_pixel(file.header, file.keyword)
        frames = frames_of(file, pixel)
        promise(pixel.frame_bytes, frames.count)
        first = _first(frames.decode)
        conversion = _conversion(file.header, pixel, first, frames.count)
        shown = conversion.convert(first)
        header = header_of(file.header, pixel.rows, pixel.columns)
        dropped = tuple(_dropped(file, pixel, frames.excess))

    def decode() -> Iterator[np.ndarray]:
        for decoded in frames.decode():
            with reported("a frame cannot be converted"):
                frame = conversion.convert(decoded)
            yield frame

    def decode_again() -> Iterator[Reread]:
        for number, decoded in frames.decode_again():
            with reported("a frame cannot be converted"):
                again = Reread(number, conversion.convert(decoded), frames.lossy)
            yield again

    stack = ImageStack(
        source=path,
        name=name_of(path),
        frame_count=frames.count,
        rows=pixel.rows,
        columns=pixel.columns,
        channels=shown.shape[2] if shown.ndim == 3 else 1,
        dtype=shown.dtype,
        decode=decode,
        decode_again=decode_again,
        display=conversion.displays[0],
        frame_displays=conversion.displays if len(conversion.displays) > 1 else (),
        header=header,
        sources=(path,),
        dropped=dropped,
        bits=conversion.bits,
        whole=not (pixel.samples == 3 and pixel.stored > 16),
    )
    return [stack]


def _first(encoded: Callable[[], Iterator[Decoded]]) -> Decoded:
    frames = encoded()
    try:
        return next(frames)
    except StopIteration:
        raise UnreadableInput("no frame can be decoded: the file is truncated or damaged") from None
    finally:
        frames.close()  # type: ignore[attr-defined]


@dataclass(frozen=True)
class _Conversion:
    """What turns decoded samples into a frame, how frames are shown (one display, or one for each), and their meaningful bits."""

    convert: Callable[[Decoded], np.ndarray]
    displays: tuple[Display, ...]
    bits: int


def _conversion(header: Dataset, pixel: ImagePixel, first: Decoded, frame_count: int) -> _Conversion:
    if first.samples.ndim == 3:
        bits = 8 if first.bits <= 8 else 16
        return _Conversion(lambda decoded: rgb_from_samples(_stored(decoded, False), decoded.photometric, decoded.bits), (Display(),), bits)
    if pixel.photometric == "PALETTE COLOR":
        palette, start = palette_of(header)
        colors = colors_of_all_values(palette, start, min(first.bits, 16), pixel.signed)
        return _Conversion(lambda decoded: np.take(colors, _stored(decoded, False), axis=0), (Display(),), 8 * palette.itemsize)
    if pixel.dtype == "f":
        return _Conversion(lambda decoded: decoded.samples, grey_displays(header, pixel, pixel.allocated, frame_count), pixel.allocated)
    displays = grey_displays(header, pixel, first.bits, frame_count)
    if has_supplemental_palette(header) and first.bits <= 16:
        colors = supplemented_colors(header, displays[0], first.bits, pixel.signed)
        return _Conversion(lambda decoded: np.take(colors, _stored(decoded, False), axis=0), (Display(),), 8)
    return _Conversion(lambda decoded: _stored(decoded, pixel.signed), displays, first.bits)


def _stored(decoded: Decoded, signed: bool) -> np.ndarray:
    """The ``decoded.bits`` that are meant of each sample, sign-extended, in the smallest type that holds them.

    Bits above them may carry overlays, or anything: they are masked away (PS3.5 8.1.1).
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


def _dropped(file: DicomFile, pixel: ImagePixel, excess: int) -> Iterator[str]:
    """What the file carries beside its frames, without saying what is in it."""
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
