"""The table of output formats, and the codecs of those that hold one frame: a frame to bytes, and back to pixels for verification.

Frames are ``(rows, columns)`` or ``(rows, columns, 3)`` RGB, uint8 or uint16. The bytes hold the pixels and nothing else: no
EXIF, text, time or thumbnail; the same frame always gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import cv2
import imagecodecs
import numpy as np

from ..core.errors import VerificationFailed
from ..reading.jpeg import segments

if TYPE_CHECKING:
    from .frame_writer import FrameWriter

# Chosen on ultrasound screens of 800 x 600 to 1928 x 1080: level 1 is a quarter faster and 15 % larger, level 6 takes
# twice the time to save 10 %. A color frame of 1024 x 768 takes 20 ms, a grey one of 800 x 600 takes 6 ms.
_PNG = (cv2.IMWRITE_PNG_COMPRESSION, 3)
# Optimized Huffman tables save 5 to 8 % of the size; the same color frame takes 6 ms instead of 3.
_JPEG = (
    *(cv2.IMWRITE_JPEG_QUALITY, 100),
    *(cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444),
    *(cv2.IMWRITE_JPEG_OPTIMIZE, 1),
)
# Pixels: the sizes of JPEG are numbers of 16 bits (ITU-T T.81, B.2.2).
_LONGEST_SIDE = 65535
# Markers of JPEG segments (ITU-T T.81, table B.1), and Adobe's segment, which says that three components are RGB.
_LOSSLESS_FRAME = 0xC3
_HUFFMAN_TABLE = 0xC4
_ADOBE_SEGMENT = 0xEE


@dataclass(frozen=True)
class Format:
    """One way to write an image.

    ``exact``: whether reading gives every pixel back as it was. ``bits``: how many bits of a sample it can hold. ``ending``: the last bytes
    of a whole file. ``writer`` opens the :class:`~.frame_writer.FrameWriter` of a format that is not one file for each frame.
    """

    name: str
    suffix: str
    exact: bool
    bits: int
    ending: bytes
    to_bytes: Callable[[np.ndarray, int], bytes]
    from_bytes: Callable[[bytes], np.ndarray]
    writer: Callable[[Format, Path, str, int], FrameWriter] | None = None


def encode(frame: np.ndarray, fmt: Format, bits: int | None = None) -> bytes:
    """The content of the file that holds this frame.

    Parameters
    ----------
    frame : numpy.ndarray
        uint8 or uint16, ``(rows, columns)`` or ``(rows, columns, 3)`` RGB.
    fmt : Format
        One of :data:`FORMATS`.
    bits : int, optional
        How many bits of a sample are in use, e.g. 12 in uint16; all bits of the type if not given. ``jpeg-lossless``
        declares it as the precision of the image (at least 8); the other formats have no place for it.

    Raises
    ------
    ValueError
        The format cannot hold this frame: its type, its shape, or a value that needs more than ``bits``.
    """
    if frame.dtype not in (np.uint8, np.uint16) or frame.dtype.itemsize * 8 > fmt.bits:
        raise ValueError(f"{fmt.name} holds unsigned samples of up to {fmt.bits} bits, not {frame.dtype}")
    if not (frame.ndim == 2 or frame.ndim == 3 and frame.shape[2] == 3) or not all(0 < side <= _LONGEST_SIDE for side in frame.shape[:2]):
        raise ValueError(f"{fmt.name} holds (rows, columns) or (rows, columns, 3) with sides of 1 to {_LONGEST_SIDE}, not {frame.shape}")
    in_use = frame.dtype.itemsize * 8 if bits is None else bits
    if int(frame.max()) >> in_use:
        raise ValueError(f"the frame has values that need more than {in_use} bits")
    return fmt.to_bytes(frame, in_use)


def decode(source: bytes | Path, fmt: Format) -> np.ndarray:
    """The frame in a file of this format, or in its content: dtype and shape as they were written.

    Raises
    ------
    VerificationFailed
        The file is cut short, or cannot be decoded.
    OSError
        The file cannot be read.
    """
    data = source.read_bytes() if isinstance(source, Path) else source
    if not data.endswith(fmt.ending):
        raise VerificationFailed(f"a written {fmt.name} file is cut short: is the disk full?")
    try:
        return fmt.from_bytes(data)
    except (ValueError, RuntimeError, ArithmeticError, cv2.error) as error:
        raise VerificationFailed(f"a written {fmt.name} file cannot be decoded ({type(error).__name__})") from error


def largest_error(source: np.ndarray, written: np.ndarray) -> int:
    """The largest difference of a sample between two frames of one shape, in grey levels.

    Raises
    ------
    ValueError
        The shapes differ.
    """
    if source.shape != written.shape:
        raise ValueError(f"the frames differ in shape: {source.shape} and {written.shape}")
    return int(np.max(np.maximum(source, written) - np.minimum(source, written)))


def _opencv_bytes(suffix: str, parameters: tuple[int, ...]) -> Callable[[np.ndarray, int], bytes]:
    def to_bytes(frame: np.ndarray, bits: int) -> bytes:
        done, data = cv2.imencode(suffix, frame if frame.ndim == 2 else cv2.cvtColor(frame, cv2.COLOR_RGB2BGR), parameters)
        if not done:
            raise ValueError(f"OpenCV cannot write {frame.shape} {frame.dtype} as {suffix}")
        return data.tobytes()

    return to_bytes


def _opencv_pixels(data: bytes) -> np.ndarray:
    frame = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if frame is None:
        raise ValueError("OpenCV cannot decode the content")
    return frame if frame.ndim == 2 else cv2.cvtColor(frame, cv2.COLOR_BGR2RGB)


def _lossless_bytes(frame: np.ndarray, bits: int) -> bytes:
    """Lossless JPEG (ITU-T T.81, process 14) of selection value 1, the one that DICOM prefers; color as RGB, without conversion."""
    space = _color_space(frame.ndim == 3)
    pixels, precision = np.ascontiguousarray(frame), max(bits, 8)
    encoded = imagecodecs.jpeg8_encode(pixels, lossless=True, predictor=1, bitspersample=precision, colorspace=space, outcolorspace=space)
    return bytes(encoded)


def _lossless_pixels(data: bytes) -> np.ndarray:
    """The frame; raises ValueError where the segments before the pixels are not those of :func:`_lossless_bytes`: what this decoder
    ignores, another may take for something else."""
    found = dict(segments(data))
    space = _color_space(_ADOBE_SEGMENT in found)
    frame = imagecodecs.jpeg8_decode(data, colorspace=space, outcolorspace=space)
    (bits, size) = found[_LOSSLESS_FRAME][0], found[_LOSSLESS_FRAME][1:5]
    expected = dict(segments(_lossless_bytes(np.zeros((1, 1, *frame.shape[2:]), frame.dtype), bits)))
    expected[_LOSSLESS_FRAME] = expected[_LOSSLESS_FRAME][:1] + size + expected[_LOSSLESS_FRAME][5:]
    expected[_HUFFMAN_TABLE] = found.get(_HUFFMAN_TABLE, b"")  # it depends on the pixels
    if found != expected:
        raise ValueError("the headers of the lossless JPEG stream are damaged")
    return frame


def _color_space(is_color: bool) -> str | None:
    """The color space of the samples, within and without the stream: RGB is not converted; of grey images nothing is said."""
    return "RGB" if is_color else None


_END_OF_JPEG = b"\xff\xd9"
_END_OF_PNG = b"\x00\x00\x00\x00IEND\xaeB`\x82"

FORMATS: Mapping[str, Format] = MappingProxyType(
    {
        fmt.name: fmt
        for fmt in (
            Format("jpeg", ".jpg", False, 8, _END_OF_JPEG, _opencv_bytes(".jpg", _JPEG), _opencv_pixels),
            Format("jpeg-lossless", ".jpg", True, 16, _END_OF_JPEG, _lossless_bytes, _lossless_pixels),
            Format("png", ".png", True, 16, _END_OF_PNG, _opencv_bytes(".png", _PNG), _opencv_pixels),
        )
    }
)
