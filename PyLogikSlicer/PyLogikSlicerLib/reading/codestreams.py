"""Decodes one encoded frame: JPEG, JPEG-LS, JPEG 2000, HTJ2K, JPEG XL and RLE.

Except for RLE, the decoder is chosen by the signature of the codestream, not by the transfer syntax, because some files declare the wrong
one. The decoders come with imagecodecs: libjpeg-turbo (every DCT and lossless process, 2 to 16 bits), CharLS, OpenJPEG, libjxl. Where
another implementation is available (Pillow, jpegsof3, OpenJPH), :func:`decode_codestream_again` decodes the frame with it.

pydicom's own decoders are not used, except for RLE: its choice follows the transfer syntax, its JPEG plugins do not cover all
processes, and its color space decision ignores the Adobe segment. The second RLE decoder unpacks the segments by imagecodecs' PackBits.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import imagecodecs
import numpy as np
from PIL import Image
from pydicom.encaps import encapsulate
from pydicom.pixels import get_decoder
from pydicom.uid import RLELossless

from ..core.errors import UnreadableInput
from .decode_errors import as_unreadable_input
from .dicom.image_pixel import ImagePixel
from .jpeg import JpegHeader, holds_ycbcr, read_header

# First bytes of JPEG and JPEG-LS: SOI and the first byte of the next marker.
_JPEG = b"\xff\xd8\xff"
# First bytes of a JPEG 2000 codestream: SOC and SIZ.
_J2K = b"\xff\x4f\xff\x51"
# First bytes of a JP2 file, the signature box.
_JP2 = b"\0\0\0\x0cjP  "
# First bytes of a JPEG XL codestream.
_JXL = b"\xff\x0a"
# First bytes of a JPEG XL file, the signature box.
_JXL_BOX = b"\0\0\0\x0cJXL "
_CODESTREAM_STARTS = (_JPEG, _J2K, _JP2, _JXL, _JXL_BOX)
# The JPEG marker EOI.
_END_OF_IMAGE = b"\xff\xd9"
# Bytes at the end of a codestream in which EOI is searched: writers fill up behind it.
_TAIL_BYTES = 1024
# Bytes of each of the two fillings that are decoded in place of a missing end.
_FILLING_BYTES = 512
_CUT_SHORT = "a JPEG frame has no end marker and is cut short: the file is truncated or damaged"


@dataclass(frozen=True)
class DecodedFrame:
    """The samples of one frame.

    Parameters
    ----------
    samples
        ``(rows, columns[, 3])``, not yet sign-extended.
    bits
        The number of low bits of each sample that hold its value.
    photometric
        The color space of the samples. It differs from PhotometricInterpretation where the decoder undid a color transform.
    """

    samples: np.ndarray
    bits: int
    photometric: str


def starts_codestream(fragment: bytes) -> bool:
    """Whether a fragment begins with the signature of a codestream, and so is the first of a frame (not for RLE)."""
    return fragment.startswith(_CODESTREAM_STARTS)


def starts_rle_frame(fragment: bytes, pixel: ImagePixel) -> bool:
    """Whether a fragment begins with the header of an RLE frame: the number and the offsets of its segments (PS3.5 annex G.5)."""
    if len(fragment) < 64:
        return False
    count, *offsets = struct.unpack("<16I", fragment[:64])
    used, rest = offsets[:count], offsets[count:]
    expected = pixel.samples * pixel.allocated // 8
    return count == expected and used[:1] == [64] and sorted(set(used)) == used and not any(rest)


def decode_codestream(codestream: bytes, pixel: ImagePixel) -> DecodedFrame:
    """Decode one frame.

    Raises
    ------
    UnreadableInput
        The codestream is of an unknown kind, differs in size from the header, is cut short or damaged.
    """
    with as_unreadable_input("a frame cannot be decoded"):
        if codestream.startswith(_JPEG):
            return _decode_jpeg(codestream, pixel)
        if codestream.startswith((_J2K, _JP2)):
            return _decode_jpeg2000(codestream, pixel, imagecodecs.jpeg2k_decode)
        if codestream.startswith((_JXL, _JXL_BOX)):
            return _decode_jpeg_xl(codestream, pixel)
    raise UnreadableInput("a frame holds no codestream of a known kind: the file is damaged")


def decode_codestream_again(codestream: bytes, pixel: ImagePixel) -> DecodedFrame | None:
    """Decode one frame with another library than :func:`decode_codestream`; None where there is none for its kind."""
    if codestream.startswith(_JPEG):
        header = read_header(codestream)
        if header.is_jpeg_ls:
            return None
        ycbcr = holds_ycbcr(header, pixel.photometric)
        if header.is_lossless:
            samples = np.asarray(imagecodecs.jpegsof3_decode(codestream))
            return DecodedFrame(samples, _bits_of_lossless(header, pixel), _photometric_of_lossless(pixel, ycbcr))
        # Pillow converts colors by the markers of the stream alone: without such markers it may decide otherwise than holds_ycbcr.
        if header.precision != 8 or (pixel.samples == 3 and not header.color_markers and not ycbcr):
            return None
        samples = np.asarray(Image.open(io.BytesIO(codestream), formats=("JPEG",)))
        return DecodedFrame(samples, 8, "RGB" if pixel.samples == 3 else pixel.photometric)
    if codestream.startswith(_J2K):
        return _decode_jpeg2000(codestream, pixel, _decode_htj2k) if read_siz(codestream).is_high_throughput else None
    return None


def decode_rle(segments: bytes, pixel: ImagePixel) -> DecodedFrame:
    """Decode one frame of RLE Lossless (PS3.5 annex G).

    Raises
    ------
    UnreadableInput
        The frame is damaged.
    """
    # A run of two bytes stands for at most 128: a larger frame is refused before memory is taken for it.
    if pixel.frame_bytes > 64 * len(segments):
        raise UnreadableInput("an RLE frame is shorter than its size needs: the file is truncated or damaged")
    options: dict[str, Any] = {
        "rows": pixel.rows,
        "columns": pixel.columns,
        "number_of_frames": 1,
        "samples_per_pixel": pixel.samples,
        "photometric_interpretation": pixel.photometric,
        "planar_configuration": pixel.planar,
        "bits_allocated": pixel.allocated,
        "bits_stored": pixel.allocated,
        "pixel_representation": 0,
    }
    with as_unreadable_input("an RLE frame cannot be decoded"):
        samples, _ = get_decoder(RLELossless).as_array(encapsulate([segments], has_bot=False), raw=True, **options)
    return native_samples(samples, pixel)


def decode_rle_again(segments: bytes, pixel: ImagePixel) -> DecodedFrame:
    """Decode one frame of RLE Lossless with imagecodecs' PackBits decoder.

    Each segment holds one byte of each sample: of the first component the most significant bytes, then the next ones, and so on.
    """
    count, *offsets = struct.unpack("<16I", segments[:64])
    ends = [*offsets[1:count], len(segments)]
    size, width = pixel.rows * pixel.columns, pixel.allocated // 8
    planes = [
        np.frombuffer(imagecodecs.packbits_decode(segments[start:end]), np.uint8)[:size] for start, end in zip(offsets, ends, strict=False)
    ]
    words = np.stack(planes, axis=-1).reshape(pixel.rows, pixel.columns, pixel.samples, width)
    samples = words.copy().view(f">u{width}")[..., 0].astype(f"u{width}")
    return native_samples(samples[..., 0] if pixel.samples == 1 else samples, pixel)


def native_samples(samples: np.ndarray, pixel: ImagePixel) -> DecodedFrame:
    """A frame whose samples are stored as the header describes them: BitsStored bits up to HighBit."""
    return DecodedFrame(samples >> pixel.low_bit if pixel.low_bit else samples, pixel.stored, pixel.photometric)


# --- JPEG and JPEG-LS -----------------------------------------------------------------------------------------------------------


def _decode_jpeg(codestream: bytes, pixel: ImagePixel) -> DecodedFrame:
    """Decode JPEG or JPEG-LS, in RGB where the samples are known to be YCbCr and the process allows it."""
    header = read_header(codestream)
    _require_size(pixel, header.rows, header.columns, len(header.component_ids))
    if header.is_jpeg_ls:
        samples = _decode_jpeg_ls(codestream)
        photometric = pixel.photometric if pixel.samples == 1 else "YBR_FULL" if holds_ycbcr(header, pixel.photometric) else "RGB"
        return DecodedFrame(_samples_last(samples, pixel), max(header.precision, pixel.stored), photometric)
    ycbcr = holds_ycbcr(header, pixel.photometric)
    decode = (
        _decode_grey if pixel.samples == 1 else _decode_ycbcr_to_rgb if ycbcr and not header.is_lossless else _decode_without_conversion
    )
    samples = _decode_whole(codestream, decode)
    if header.is_lossless:
        return DecodedFrame(samples, _bits_of_lossless(header, pixel), _photometric_of_lossless(pixel, ycbcr))
    return DecodedFrame(samples, header.precision, "RGB" if pixel.samples == 3 else pixel.photometric)


def _decode_grey(codestream: bytes) -> np.ndarray:
    return imagecodecs.jpeg8_decode(codestream)


def _decode_ycbcr_to_rgb(codestream: bytes) -> np.ndarray:
    return imagecodecs.jpeg8_decode(codestream, colorspace="YCBCR", outcolorspace="RGB")


def _decode_without_conversion(codestream: bytes) -> np.ndarray:
    """Three components as they are encoded: libjpeg does not convert between RGB and RGB, whatever the samples really are."""
    return imagecodecs.jpeg8_decode(codestream, colorspace="RGB", outcolorspace="RGB")


def _decode_whole(codestream: bytes, decode: Callable[[bytes], np.ndarray]) -> np.ndarray:
    """The samples of a DCT or lossless codestream; raises UnreadableInput where it is cut short.

    libjpeg invents samples for what is missing at the end. A codestream with an end marker is taken to be complete. One without (some
    scanners leave it out) is decoded twice, followed by different bytes: if both results are equal, no sample depends on these bytes,
    and the codestream is complete too.
    """
    if _END_OF_IMAGE in codestream[-_TAIL_BYTES:]:
        return decode(codestream)
    first, second = (decode(codestream + filling * _FILLING_BYTES + _END_OF_IMAGE) for filling in (b"\x00", b"\xaa"))
    if not np.array_equal(first, second):
        raise UnreadableInput(_CUT_SHORT)
    return first


def _bits_of_lossless(header: JpegHeader, pixel: ImagePixel) -> int:
    return min(pixel.stored, 8 if header.precision <= 8 else 16)


def _photometric_of_lossless(pixel: ImagePixel, ycbcr: bool) -> str:
    return pixel.photometric if pixel.samples == 1 else "YBR_FULL" if ycbcr else "RGB"


def _decode_jpeg_ls(codestream: bytes) -> np.ndarray:
    """The samples of a JPEG-LS codestream.

    Some writers pad to an even length with zero bytes before the end marker, which CharLS refuses; these are removed then.
    """
    end = codestream.rfind(_END_OF_IMAGE)
    unpadded = codestream[:end].rstrip(b"\0") + _END_OF_IMAGE if end > 0 and codestream[end - 1] == 0 else codestream
    try:
        return imagecodecs.jpegls_decode(codestream)
    except imagecodecs.JpeglsError:
        if unpadded == codestream:
            raise
        return imagecodecs.jpegls_decode(unpadded)


# --- JPEG 2000 and JPEG XL ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class SizSegment:
    """The SIZ marker segment of JPEG 2000 (ITU-T T.800 A.5.1): size, components, bits and sign, and whether it is HTJ2K (T.814)."""

    rows: int
    columns: int
    components: int
    precision: int
    signed: bool
    is_high_throughput: bool


def read_siz(codestream: bytes) -> SizSegment:
    """The SIZ segment of a JPEG 2000 codestream or file. Raises ValueError where there is none."""
    start = codestream.find(_J2K)
    if start < 0 or len(codestream) < start + 43:
        raise ValueError("no SIZ marker segment")
    capabilities, columns, rows, left, top = struct.unpack_from(">HIIII", codestream, start + 6)
    (components,) = struct.unpack_from(">H", codestream, start + 40)
    depth = codestream[start + 42]
    return SizSegment(rows - top, columns - left, components, (depth & 0x7F) + 1, bool(depth & 0x80), bool(capabilities & 0x4000))


def _decode_jpeg2000(codestream: bytes, pixel: ImagePixel, decode: Callable[[bytes], np.ndarray]) -> DecodedFrame:
    """Decode JPEG 2000 or HTJ2K with ``decode``."""
    siz = read_siz(codestream)
    _require_size(pixel, siz.rows, siz.columns, siz.components)
    samples = np.asarray(decode(codestream))
    # OpenJPEG undoes a multiple component transform, so that the samples are RGB whatever PhotometricInterpretation says.
    rgb = pixel.samples == 3 and (_has_component_transform(codestream) or pixel.photometric in ("YBR_ICT", "YBR_RCT"))
    # Values that the header calls signed are often encoded as unsigned (old GDCM): their sign is the top bit of the encoded precision.
    encoded_unsigned = pixel.signed and not siz.signed
    bits = siz.precision if encoded_unsigned else max(siz.precision, pixel.stored)
    return DecodedFrame(samples, min(bits, 8 * samples.itemsize), "RGB" if rgb else pixel.photometric)


def _decode_htj2k(codestream: bytes) -> np.ndarray:
    return imagecodecs.htj2k_decode(codestream, planar=False)


def _has_component_transform(codestream: bytes) -> bool:
    """Whether the COD marker segment (last byte of SGcod, ITU-T T.800 A.6.1) declares a multiple component transform."""
    cod = codestream.find(b"\xff\x52")
    return cod >= 0 and codestream[cod + 8 : cod + 9] == b"\x01"


def _decode_jpeg_xl(codestream: bytes, pixel: ImagePixel) -> DecodedFrame:
    samples = imagecodecs.jpegxl_decode(codestream)
    _require_size(pixel, samples.shape[0], samples.shape[1], samples.shape[2] if samples.ndim == 3 else 1)
    bits = min(pixel.stored, 8 * samples.itemsize)
    return DecodedFrame(samples, bits, "RGB" if pixel.samples == 3 else pixel.photometric)


# --- shapes ---------------------------------------------------------------------------------------------------------------------


def _samples_last(samples: np.ndarray, pixel: ImagePixel) -> np.ndarray:
    """Decoded samples as ``(rows, columns[, samples])``; CharLS gives those stored plane by plane as ``(samples, rows, columns)``."""
    if pixel.samples > 1 and samples.shape == (pixel.samples, pixel.rows, pixel.columns):
        return np.ascontiguousarray(samples.transpose(1, 2, 0))
    return samples


def _require_size(pixel: ImagePixel, rows: int, columns: int, samples: int) -> None:
    """Raise UnreadableInput where an encoded frame differs in size from the header."""
    if (rows, columns, samples) != (pixel.rows, pixel.columns, pixel.samples):
        raise UnreadableInput(
            f"a frame is encoded as {rows} x {columns} x {samples}, the header says {pixel.rows} x {pixel.columns} x {pixel.samples}: "
            "the file is damaged"
        )
