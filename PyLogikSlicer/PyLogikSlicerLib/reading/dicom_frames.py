"""The frames of a DICOM file, one at a time: native, encapsulated, and video."""

from __future__ import annotations

import math
import os
import struct
import tempfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from pydicom.uid import UID

from ..errors import UnreadableInput
from .codestreams import Decoded, decode_codestream, decode_rle, starts_codestream
from .color import upsampled_422
from .dicom_file import DicomFile, fragments_of
from .image_pixel import ImagePixel
from .video import frames_of_video

_NATIVE = {"1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.2"}
_ENCAPSULATED_NATIVE = "1.2.840.10008.1.2.1.98"
_DEFLATED_FRAMES = "1.2.840.10008.1.2.8.1"
_RLE = "1.2.840.10008.1.2.5"
_JPEG = {f"1.2.840.10008.1.2.4.{number}" for number in [*range(50, 67), 70, 80, 81]}
_JPEG_2000 = {f"1.2.840.10008.1.2.4.{number}" for number in (90, 91, 92, 93, 201, 202, 203)}
_JPEG_XL = {f"1.2.840.10008.1.2.4.{number}" for number in (110, 111, 112)}
_VIDEO = {f"1.2.840.10008.1.2.4.{number}{suffix}" for number in range(100, 109) for suffix in ("", ".1")}

FrameSource = Callable[[], Iterator[Decoded]]


def frame_source(file: DicomFile, pixel: ImagePixel) -> tuple[FrameSource, int]:
    """A source that decodes the frames anew each time, one in memory at a time, and the number of frames beyond
    NumberOfFrames that the file holds too.

    Raises
    ------
    UnreadableInput
        The transfer syntax is not supported, or the file holds fewer frames than the header says.
    """
    syntax = str(file.syntax)
    if syntax in _NATIVE:
        return _native_source(file, pixel)
    if file.length is not None:
        raise UnreadableInput("a compressed transfer syntax, but the pixel data are not encapsulated: the file is damaged")
    if syntax in _VIDEO:
        return _video_source(file), 0
    decoders = {_RLE: decode_rle, _ENCAPSULATED_NATIVE: _decode_native, _DEFLATED_FRAMES: _decode_deflated}
    if syntax in _JPEG | _JPEG_2000 | _JPEG_XL:
        return _encapsulated_source(file, pixel, decode_codestream)
    if syntax in decoders:
        return _encapsulated_source(file, pixel, decoders[syntax])
    raise UnreadableInput(f"the transfer syntax {_name(file.syntax)} is not supported: convert the file to another one")


def _name(syntax: UID) -> str:
    """Private transfer syntaxes have no name in the standard; their UID is the vendor's and not the patient's."""
    return syntax.name if syntax.name != syntax else f"with UID {syntax}" if syntax.is_valid else "given in the header"


def _native_source(file: DicomFile, pixel: ImagePixel) -> tuple[FrameSource, int]:
    if file.length is None:
        raise UnreadableInput("an uncompressed transfer syntax, but the pixel data are encapsulated: the file is damaged")
    pixel = _as_it_fits(file.length, pixel)
    held = 8 * file.length // pixel.frame_bits
    if held < pixel.frame_count or _bytes_missing(file, pixel):
        raise UnreadableInput(
            f"the pixel data are too short for {pixel.frame_count} frames of {pixel.rows} x {pixel.columns}: "
            "the file is truncated or damaged"
        )

    def frames() -> Iterator[Decoded]:
        with file.open() as stream:
            for index in range(pixel.frame_count):
                yield _native_frame(_frame_bytes(stream, file, pixel, index), file, pixel, index)

    return frames, held - pixel.frame_count


def _as_it_fits(length: int, pixel: ImagePixel) -> ImagePixel:
    """YBR_FULL_422 is half the chrominance by definition; data long enough for all of it was never subsampled."""
    if pixel.is_subsampled and length >= pixel.frame_count * pixel.frame_bytes:
        return replace(pixel, photometric="YBR_FULL" if pixel.photometric == "YBR_FULL_422" else "YBR_PARTIAL_420")
    if pixel.is_subsampled and pixel.columns % 2:
        raise UnreadableInput("subsampled colour needs an even number of columns: the file is damaged")
    return pixel


def _bytes_missing(file: DicomFile, pixel: ImagePixel) -> bool:
    """Whether the file ends before its last frame does; a deflated file shows that only when it is inflated."""
    if file.deflated_from is not None:
        return False
    return file.path.stat().st_size < file.offset + math.ceil(pixel.frame_count * pixel.frame_bits / 8)


def _frame_bytes(stream, file: DicomFile, pixel: ImagePixel, index: int) -> bytes:
    """The bytes that hold a frame; with one bit per pixel it may start and end within a byte."""
    start, end = index * pixel.frame_bits // 8, math.ceil((index + 1) * pixel.frame_bits / 8)
    swapped = _is_swapped(file, pixel)
    if swapped:
        start, end = start - start % 2, end + end % 2
    stream.seek(file.offset + start)
    data = stream.read(end - start)
    if swapped:
        data = np.frombuffer(data[: len(data) // 2 * 2], ">u2").astype("<u2").tobytes()
        odd = index * pixel.frame_bits // 8 % 2
        data = data[odd : odd + pixel.frame_bits // 8]
    return data


def _is_swapped(file: DicomFile, pixel: ImagePixel) -> bool:
    """8-bit samples written as 16-bit words in big endian stand in pairs the wrong way round (PS3.5 8.1.1 and annex A)."""
    return not file.little_endian and pixel.allocated <= 8 and file.vr == "OW"


def _native_frame(data: bytes, file: DicomFile, pixel: ImagePixel, index: int) -> Decoded:
    if 8 * len(data) < pixel.frame_bits:
        raise UnreadableInput("a frame is cut short: the file is truncated or damaged")
    order = "<" if file.little_endian else ">"
    if pixel.allocated == 1:
        first = index * pixel.frame_bits % 8
        bits = np.unpackbits(np.frombuffer(data, np.uint8), bitorder="little")[first : first + pixel.frame_bits]
        return Decoded(_shaped(bits, pixel), 1, pixel.photometric)
    return _native_samples(data, pixel, order)


def _native_samples(data: bytes, pixel: ImagePixel, order: str) -> Decoded:
    kind = "f" if pixel.dtype == "f" else "u"
    flat = np.frombuffer(data, f"{order}{kind}{pixel.allocated // 8}", count=pixel.frame_bits // pixel.allocated)
    samples = _shaped(flat.astype(flat.dtype.newbyteorder("="), copy=False), pixel)
    return Decoded(samples >> pixel.low_bit if pixel.low_bit else samples, pixel.stored, pixel.photometric)


def _shaped(flat: np.ndarray, pixel: ImagePixel) -> np.ndarray:
    if pixel.is_subsampled:
        return upsampled_422(flat, pixel.rows, pixel.columns)
    if pixel.samples == 1:
        return flat.reshape(pixel.rows, pixel.columns)
    if pixel.planar == 1:
        return flat.reshape(pixel.samples, pixel.rows, pixel.columns).transpose(1, 2, 0)
    return flat.reshape(pixel.rows, pixel.columns, pixel.samples)


def _encapsulated_source(file: DicomFile, pixel: ImagePixel, decode: Callable) -> tuple[FrameSource, int]:
    groups = _frames_of_fragments(file, pixel)
    if len(groups) < pixel.frame_count:
        raise UnreadableInput(f"the file holds {len(groups)} of {pixel.frame_count} frames: it is truncated or damaged")

    def frames() -> Iterator[Decoded]:
        with file.open() as stream:
            for group in groups[: pixel.frame_count]:
                encoded = b"".join(_read_at(stream, *fragment) for fragment in group)
                yield decode(encoded, pixel)

    return frames, len(groups) - pixel.frame_count


def _frames_of_fragments(file: DicomFile, pixel: ImagePixel) -> list[list[tuple[int, int]]]:
    """The fragments of each frame.

    As many fragments as frames: one each, whatever the offset tables say. Otherwise the tables count where they point
    to one fragment for each frame, and else a frame starts where a codestream does.
    """
    fragments, basic_offsets = fragments_of(file)
    if len(fragments) == pixel.frame_count or str(file.syntax) in (_RLE, _ENCAPSULATED_NATIVE, _DEFLATED_FRAMES):
        return [[fragment] for fragment in fragments]
    first = fragments[0][0] if fragments else 0
    index_at = {offset - first: index for index, (offset, _) in enumerate(fragments)}
    offsets = _extended_offsets(file) or basic_offsets
    if len(offsets) == pixel.frame_count and all(offset in index_at for offset in offsets):
        starts = sorted(index_at[offset] for offset in offsets)
    else:
        with file.open() as stream:
            starts = [index for index, (offset, _) in enumerate(fragments) if starts_codestream(_read_at(stream, offset, 12))]
    ends = [*starts[1:], len(fragments)]
    return [fragments[start:end] for start, end in zip(starts, ends, strict=True)]


def _extended_offsets(file: DicomFile) -> list[int]:
    try:
        table = bytes(file.header["ExtendedOffsetTable"].value)
        return list(struct.unpack(f"<{len(table) // 8}Q", table[: len(table) // 8 * 8]))
    except Exception:
        return []  # without a table the fragments are counted, and a wrong count of frames is an error


def _read_at(stream, offset: int, length: int) -> bytes:
    stream.seek(offset)
    return stream.read(length)


def _decode_native(data: bytes, pixel: ImagePixel) -> Decoded:
    if 8 * len(data) < pixel.frame_bits or pixel.allocated == 1:
        raise UnreadableInput("a frame is cut short: the file is truncated or damaged")
    return _native_samples(data, pixel, "<")


def _decode_deflated(data: bytes, pixel: ImagePixel) -> Decoded:
    try:
        return _decode_native(zlib.decompressobj(wbits=-zlib.MAX_WBITS).decompress(data, math.ceil(pixel.frame_bits / 8)), pixel)
    except zlib.error:
        raise UnreadableInput("a frame cannot be inflated: the file is damaged") from None


def _video_source(file: DicomFile) -> FrameSource:
    fragments, _ = fragments_of(file)

    def frames() -> Iterator[Decoded]:
        # FFmpeg wants a file. The folder is the user's alone (0700), the file too, and both go when the pass ends.
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "stream"
            with file.open() as source, os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as target:
                for offset, length in fragments:
                    target.write(_read_at(source, offset, length))
            for frame in frames_of_video(path):
                yield Decoded(frame, 8, "RGB")

    return frames
