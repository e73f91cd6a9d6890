"""The frames of a DICOM file, one at a time: native, encapsulated, and video.

Not read by pydicom's ``iter_pixels``: it chooses the decoder by the transfer syntax and divides fragments by the offset tables, also
where these are wrong, and has no decoder for video. It serves as the second decoder of native frames.
"""

from __future__ import annotations

import io
import math
import struct
import zlib
from bisect import bisect_right
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, BinaryIO

import numpy as np
from pydicom.pixels import pixel_array
from pydicom.uid import UID

from ...core.errors import UnreadableInput
from ..codestreams import (
    DecodedFrame,
    decode_codestream,
    decode_codestream_again,
    decode_rle,
    decode_rle_again,
    native_samples,
    starts_codestream,
    starts_rle_frame,
)
from ..video import count_frames, frames_of_video, frames_of_video_again
from .color import upsample_422
from .file import DicomFile, read_fragments
from .image_pixel import ImagePixel

# The transfer syntaxes (PS3.6 table A-1). Native: implicit VR, explicit VR, deflated, and big endian.
_NATIVE = {"1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.2"}
# Encapsulated uncompressed explicit VR.
_ENCAPSULATED_NATIVE = "1.2.840.10008.1.2.1.98"
# Deflated image frame compression.
_DEFLATED_FRAMES = "1.2.840.10008.1.2.8.1"
_RLE = "1.2.840.10008.1.2.5"
_JPEG = {f"1.2.840.10008.1.2.4.{number}" for number in [*range(50, 67), 70, 80, 81]}
_JPEG_2000 = {f"1.2.840.10008.1.2.4.{number}" for number in (90, 91, 92, 93, 201, 202, 203)}
_JPEG_XL = {f"1.2.840.10008.1.2.4.{number}" for number in (110, 111, 112)}
# The lossless ones of JPEG, JPEG-LS, JPEG 2000, HTJ2K and JPEG XL; RLE, and samples that are only wrapped or deflated.
_LOSSLESS = {f"1.2.840.10008.1.2.4.{number}" for number in (57, 70, 80, 90, 92, 110, 201, 202)} | {
    _RLE,
    _ENCAPSULATED_NATIVE,
    _DEFLATED_FRAMES,
}
_VIDEO = {f"1.2.840.10008.1.2.4.{number}{suffix}" for number in range(100, 109) for suffix in ("", ".1")}

FrameSource = Callable[[], Generator[DecodedFrame, None, None]]
# Frames with their numbers, from a second decoder.
SecondSource = Callable[[], Iterator[tuple[int, DecodedFrame]]]
# Decodes one frame; the second kind gives None where it cannot.
DecodeEncoded = Callable[[bytes, ImagePixel], DecodedFrame]
DecodeEncodedAgain = Callable[[bytes, ImagePixel], DecodedFrame | None]


@dataclass(frozen=True)
class Frames:
    """How to decode the frames of a file.

    Parameters
    ----------
    decode
        Each call gives an iterator over all frames, which holds one frame in memory at a time.
    count
        The number of frames.
    excess
        The number of frames in the file beyond NumberOfFrames, which are not decoded.
    decode_again
        Each call gives an iterator over some of the frames (of a video all) with their numbers, from a second decoder.
    lossy
        Whether the codec allows decoders to differ a little.
    """

    decode: FrameSource
    count: int
    excess: int = 0
    decode_again: SecondSource = lambda: iter(())
    lossy: bool = False


def open_frames(file: DicomFile, pixel: ImagePixel) -> Frames:
    """The frames of the file's pixel data; as many as the pixel data hold where NumberOfFrames is absent.

    Raises
    ------
    UnreadableInput
        The transfer syntax is not supported, or the file holds fewer frames than the header says.
    """
    syntax = str(file.syntax)
    if syntax in _NATIVE:
        return _native_frames(file, pixel)
    if file.length is not None:
        raise UnreadableInput("a compressed transfer syntax, but the pixel data are not encapsulated: the file is damaged")
    if syntax in _VIDEO:
        return _video_frames(file, pixel)
    if syntax in _JPEG | _JPEG_2000 | _JPEG_XL:
        return _encapsulated_frames(file, pixel, decode_codestream, decode_codestream_again)
    if syntax == _RLE:
        return _encapsulated_frames(file, pixel, decode_rle, decode_rle_again)
    if syntax in _ENCAPSULATED_SAMPLES:
        return _encapsulated_frames(file, pixel, _ENCAPSULATED_SAMPLES[syntax], _no_other_decoder)
    raise UnreadableInput(f"the transfer syntax {_syntax_name(file.syntax)} is not supported: convert the file to another one")


def _no_other_decoder(encoded: bytes, pixel: ImagePixel) -> None:
    """The second decoder of encodings that have none."""
    return None


def _syntax_name(syntax: UID) -> str:
    """A transfer syntax as a message names it: a private one has only a UID, which is the vendor's and does not identify a patient."""
    return syntax.name if syntax.name != syntax else f"with UID {syntax}" if syntax.is_valid else "given in the header"


def _native_frames(file: DicomFile, pixel: ImagePixel) -> Frames:
    """The frames of native pixel data. Raises UnreadableInput where they are too short."""
    if file.length is None:
        raise UnreadableInput("an uncompressed transfer syntax, but the pixel data are encapsulated: the file is damaged")
    if pixel.frame_count is None:
        pixel = replace(pixel, frame_count=max(8 * file.length // pixel.frame_bits, 1))
    count = pixel.frame_count or 1
    pixel = _correct_subsampling(file.length, pixel, count)
    held = 8 * file.length // pixel.frame_bits
    if held < count or _bytes_missing(file, pixel, count):
        raise UnreadableInput(
            f"the pixel data are too short for {count} frames of {pixel.rows} x {pixel.columns}: the file is truncated or damaged"
        )

    def frames() -> Generator[DecodedFrame, None, None]:
        with file.open() as stream:
            for index in range(count):
                yield _decode_native_frame(_read_native_frame(stream, file, pixel, index), file, pixel, index)

    def frames_again() -> Iterator[tuple[int, DecodedFrame]]:
        middle = count // 2
        samples = _native_frame_by_pydicom(file, pixel, middle)
        if samples is not None:
            yield middle, native_samples(samples, pixel)

    return Frames(frames, count, held - count, frames_again)


def _native_frame_by_pydicom(file: DicomFile, pixel: ImagePixel, number: int) -> np.ndarray | None:
    """The samples of a frame as pydicom reads them, unsigned; None where it cannot read them, or does not give them as stored."""
    if pixel.allocated == 1 or pixel.is_subsampled:
        return None
    try:
        samples = pixel_array(file.path, index=number, raw=True)
    except Exception:
        return None  # a failure of the second decoder does not show that the first one was wrong
    samples = samples.astype(samples.dtype.newbyteorder("="), copy=False)
    return samples.view(f"u{samples.itemsize}") if samples.dtype.kind == "i" else samples


def _correct_subsampling(length: int, pixel: ImagePixel, count: int) -> ImagePixel:
    """The pixel description, without subsampling where the data are long enough for full chrominance, whatever the header states.

    Raises UnreadableInput for an odd number of columns, which cannot be subsampled.
    """
    if pixel.is_subsampled and length >= count * pixel.frame_bytes:
        return replace(pixel, photometric="YBR_FULL" if pixel.photometric == "YBR_FULL_422" else "YBR_PARTIAL_420")
    if pixel.is_subsampled and pixel.columns % 2:
        raise UnreadableInput("subsampled colour needs an even number of columns: the file is damaged")
    return pixel


def _bytes_missing(file: DicomFile, pixel: ImagePixel, count: int) -> bool:
    """Whether the file ends before its last frame does; False for a deflated file, where that is noticed while inflating it."""
    if file.deflated_from is not None:
        return False
    return file.path.stat().st_size < file.offset + math.ceil(count * pixel.frame_bits / 8)


def _read_native_frame(stream: BinaryIO, file: DicomFile, pixel: ImagePixel, index: int) -> bytes:
    """The bytes that hold a frame, in little endian order of words; with one bit per pixel it may start and end within a byte."""
    start, end = index * pixel.frame_bits // 8, math.ceil((index + 1) * pixel.frame_bits / 8)
    swapped = _is_byte_swapped(file, pixel)
    if swapped:
        start, end = start - start % 2, end + end % 2
    stream.seek(file.offset + start)
    data = stream.read(end - start)
    if swapped:
        data = np.frombuffer(data[: len(data) // 2 * 2], ">u2").astype("<u2").tobytes()
        odd = index * pixel.frame_bits // 8 % 2
        data = data[odd : odd + pixel.frame_bits // 8]
    return data


def _is_byte_swapped(file: DicomFile, pixel: ImagePixel) -> bool:
    """Whether neighboring 8-bit samples are swapped, being written as 16-bit words in big endian (PS3.5 8.1.1 and annex A)."""
    return not file.little_endian and pixel.allocated <= 8 and file.vr == "OW"


def _decode_native_frame(data: bytes, file: DicomFile, pixel: ImagePixel, index: int) -> DecodedFrame:
    """The frame number ``index`` from the bytes that hold it, which with one bit per pixel may begin within a byte."""
    if 8 * len(data) < pixel.frame_bits:
        raise UnreadableInput("a frame is cut short: the file is truncated or damaged")
    order = "<" if file.little_endian else ">"
    if pixel.allocated == 1:
        first = index * pixel.frame_bits % 8
        bits = np.unpackbits(np.frombuffer(data, np.uint8), bitorder="little")[first : first + pixel.frame_bits]
        return DecodedFrame(_to_image_shape(bits, pixel), 1, pixel.photometric)
    return _decode_native_samples(data, pixel, order)


def _decode_native_samples(data: bytes, pixel: ImagePixel, order: str) -> DecodedFrame:
    kind = "f" if pixel.dtype == "f" else "u"
    flat = np.frombuffer(data, f"{order}{kind}{pixel.allocated // 8}", count=pixel.frame_bits // pixel.allocated)
    samples = _to_image_shape(flat.astype(flat.dtype.newbyteorder("="), copy=False), pixel)
    return native_samples(samples, pixel)


def _to_image_shape(flat: np.ndarray, pixel: ImagePixel) -> np.ndarray:
    """The samples of a native frame as ``(rows, columns[, 3])``, whether stored by pixel, by plane or subsampled."""
    if pixel.is_subsampled:
        return upsample_422(flat, pixel.rows, pixel.columns)
    if pixel.samples == 1:
        return flat.reshape(pixel.rows, pixel.columns)
    if pixel.planar == 1:
        return flat.reshape(pixel.samples, pixel.rows, pixel.columns).transpose(1, 2, 0)
    return flat.reshape(pixel.rows, pixel.columns, pixel.samples)


def _encapsulated_frames(file: DicomFile, pixel: ImagePixel, decode: DecodeEncoded, decode_again: DecodeEncodedAgain) -> Frames:
    """The frames of encapsulated pixel data, each decoded from its fragments. Raises UnreadableInput where there are too few."""
    groups = _group_fragments(file, pixel)
    count = len(groups) if pixel.frame_count is None else pixel.frame_count
    if len(groups) < count:
        raise UnreadableInput(f"the file holds {len(groups)} of {count} frames: it is truncated or damaged")

    def read_encoded(number: int, stream: BinaryIO) -> bytes:
        return b"".join(_read_at(stream, *fragment) for fragment in groups[number])

    def frames() -> Generator[DecodedFrame, None, None]:
        with file.open() as stream:
            for number in range(count):
                yield decode(read_encoded(number, stream), pixel)

    def frames_again() -> Iterator[tuple[int, DecodedFrame]]:
        middle = count // 2
        with file.open() as stream:
            decoded = _decode_or_none(decode_again, read_encoded(middle, stream), pixel)
        if decoded is not None:
            yield middle, decoded

    return Frames(frames, count, len(groups) - count, frames_again, str(file.syntax) not in _LOSSLESS)


def _decode_or_none(decode: DecodeEncodedAgain, encoded: bytes, pixel: ImagePixel) -> DecodedFrame | None:
    try:
        return decode(encoded, pixel)
    except Exception:
        return None  # a failure of the second decoder does not show that the first one was wrong


def _group_fragments(file: DicomFile, pixel: ImagePixel) -> list[list[tuple[int, int]]]:
    """For each frame, the offset and length of its fragments.

    Where there are as many fragments as frames, each is a frame, whatever the offset tables say. Otherwise the extended or basic offset
    table divides them, if it points to the start of a fragment for each frame. If not, a frame starts with each fragment that begins
    with the signature of a codestream, or with the header of an RLE frame.
    """
    fragments, basic_offsets = read_fragments(file)
    if len(fragments) == pixel.frame_count or str(file.syntax) in _ENCAPSULATED_SAMPLES:
        return [[fragment] for fragment in fragments]
    first = fragments[0][0] if fragments else 0
    index_at = {offset - first: index for index, (offset, _) in enumerate(fragments)}
    offsets = _extended_offsets(file) or basic_offsets
    expected = pixel.frame_count or len(offsets)
    if offsets and len(offsets) == expected and all(offset in index_at for offset in offsets):
        starts = sorted(index_at[offset] for offset in offsets)
    else:
        with file.open() as stream:
            heads = [_read_at(stream, offset, 64) for offset, _ in fragments]
        is_rle = str(file.syntax) == _RLE
        starts = [index for index, head in enumerate(heads) if (starts_rle_frame(head, pixel) if is_rle else starts_codestream(head))]
    ends = [*starts[1:], len(fragments)]
    return [fragments[start:end] for start, end in zip(starts, ends, strict=True)]


def _extended_offsets(file: DicomFile) -> list[int]:
    """The Extended Offset Table (PS3.3 C.7.6.3.1.8); empty where there is none."""
    try:
        table = bytes(file.header["ExtendedOffsetTable"].value)
        return list(struct.unpack(f"<{len(table) // 8}Q", table[: len(table) // 8 * 8]))
    except Exception:
        return []  # then the fragments are divided without a table, and a wrong number of frames is an error


def _read_at(stream: BinaryIO, offset: int, length: int) -> bytes:
    stream.seek(offset)
    return stream.read(length)


def _decode_encapsulated_native(data: bytes, pixel: ImagePixel) -> DecodedFrame:
    if 8 * len(data) < pixel.frame_bits or pixel.allocated == 1:
        raise UnreadableInput("a frame is cut short: the file is truncated or damaged")
    return _decode_native_samples(data, pixel, "<")


def _decode_deflated(data: bytes, pixel: ImagePixel) -> DecodedFrame:
    """Decode one frame of deflated samples."""
    try:
        return _decode_encapsulated_native(
            zlib.decompressobj(wbits=-zlib.MAX_WBITS).decompress(data, math.ceil(pixel.frame_bits / 8)), pixel
        )
    except zlib.error:
        raise UnreadableInput("a frame cannot be inflated: the file is damaged") from None


_ENCAPSULATED_SAMPLES = {_ENCAPSULATED_NATIVE: _decode_encapsulated_native, _DEFLATED_FRAMES: _decode_deflated}


def _video_frames(file: DicomFile, pixel: ImagePixel) -> Frames:
    """The frames of a video in encapsulated pixel data. Raises UnreadableInput where size or number differ from the header."""
    fragments, _ = read_fragments(file)

    def stream() -> BinaryIO:
        return io.BufferedReader(_FragmentStream(file, fragments), 1 << 16)

    count, shape = count_frames(stream)
    if pixel.frame_count is not None and count < pixel.frame_count:
        raise UnreadableInput(f"{count} of {pixel.frame_count} frames could be decoded: the video is truncated or damaged")
    if shape != (pixel.rows, pixel.columns):
        raise UnreadableInput(
            f"the video has frames of {shape[0]} x {shape[1]}, the header says {pixel.rows} x {pixel.columns}: the file is damaged"
        )
    shown = count if pixel.frame_count is None else pixel.frame_count

    def frames() -> Generator[DecodedFrame, None, None]:
        for number, frame in enumerate(frames_of_video(stream)):
            if number < shown:
                yield DecodedFrame(frame, 8, "RGB")

    def frames_again() -> Iterator[tuple[int, DecodedFrame]]:
        for again in frames_of_video_again(stream):
            if again.number < shown:
                yield again.number, DecodedFrame(again.frame, 8, "RGB")

    return Frames(frames, shown, count - shown, frames_again, lossy=True)


class _FragmentStream(io.RawIOBase):
    """The fragments of encapsulated pixel data as one seekable stream, so that a video is not held in memory."""

    def __init__(self, file: DicomFile, fragments: Sequence[tuple[int, int]]) -> None:
        self._file, self._fragments = file.open(), fragments
        self._starts = [0]
        for _, length in fragments:
            self._starts.append(self._starts[-1] + length)
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._starts[-1]}[whence]
        self._position = max(base + offset, 0)
        return self._position

    def tell(self) -> int:
        return self._position

    def readinto(self, buffer: Any) -> int:
        index = bisect_right(self._starts, self._position) - 1
        if index >= len(self._fragments):
            return 0
        offset, length = self._fragments[index]
        within = self._position - self._starts[index]
        data = _read_at(self._file, offset + within, min(len(buffer), length - within))
        buffer[: len(data)] = data
        self._position += len(data)
        return len(data)

    def close(self) -> None:
        if not self.closed:
            self._file.close()
        super().close()
