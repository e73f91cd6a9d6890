"""One encoded frame to its samples: JPEG, JPEG-LS, JPEG 2000, HTJ2K, JPEG XL and RLE.

Except for RLE, the decoder is chosen by the codestream's own signature; the transfer syntax only says that there is one. All come
with imagecodecs: libjpeg-turbo (every DCT and lossless process, 2 to 16 bits), CharLS, OpenJPEG, libjxl. Where another
implementation is at hand, :func:`decode_codestream_again` decodes the frame with it: Pillow, jpegsof3, OpenJPH.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from dataclasses import dataclass

import imagecodecs
import numpy as np
from PIL import Image
from pydicom.encaps import encapsulate
from pydicom.pixels import get_decoder
from pydicom.uid import RLELossless

from ..core.errors import UnreadableInput
from .dicom.image_pixel import ImagePixel
from .faults import reported
from .jpeg import JpegHeader, holds_ycbcr, read_header

_JPEG = b"\xff\xd8\xff"
_J2K, _JP2 = b"\xff\x4f\xff\x51", b"\0\0\0\x0cjP  "
_JXL, _JXL_BOX = b"\xff\x0a", b"\0\0\0\x0cJXL "
_CODESTREAM_STARTS = (_JPEG, _J2K, _JP2, _JXL, _JXL_BOX)
_END_OF_IMAGE = b"\xff\xd9"
_CUT_SHORT = "a JPEG frame has no end marker and is cut short: the file is truncated or damaged"


@dataclass(frozen=True)
class Decoded:
    """``samples``: ``(rows, columns[, 3])``, not yet sign-extended; ``bits`` of them are meant; ``photometric`` says what
    color space they are in now, which is not what the header says where the decoder undid a color transform."""

    samples: np.ndarray
    bits: int
    photometric: str


def starts_codestream(fragment: bytes) -> bool:
    """Whether a fragment is the first of a frame (not for RLE)."""
    return fragment.startswith(_CODESTREAM_STARTS)


def starts_rle_frame(fragment: bytes, pixel: ImagePixel) -> bool:
    """Whether a fragment begins with the header of an RLE frame: number and offsets of its segments (PS3.5 annex G.5)."""
    if len(fragment) < 64:
        return False
    count, *offsets = struct.unpack("<16I", fragment[:64])
    used, rest = offsets[:count], offsets[count:]
    expected = pixel.samples * pixel.allocated // 8
    return count == expected and used[:1] == [64] and sorted(set(used)) == used and not any(rest)


def decode_codestream(codestream: bytes, pixel: ImagePixel) -> Decoded:
    """Decode one frame.

    Raises
    ------
    UnreadableInput
        The codestream is of an unknown kind, has another size than the header says, is cut short or damaged.
    """
    with reported("a frame cannot be decoded"):
        if codestream.startswith(_JPEG):
            return _jpeg(codestream, pixel)
        if codestream.startswith((_J2K, _JP2)):
            return _jpeg2000(codestream, pixel, imagecodecs.jpeg2k_decode)
        if codestream.startswith((_JXL, _JXL_BOX)):
            return _jpeg_xl(codestream, pixel)
    raise UnreadableInput("a frame holds no codestream of a known kind: the file is damaged")


def decode_codestream_again(codestream: bytes, pixel: ImagePixel) -> Decoded | None:
    """The same frame from another decoder; None where there is none for its kind."""
    if codestream.startswith(_JPEG):
        header = read_header(codestream)
        if header.is_jpeg_ls:
            return None
        ycbcr = holds_ycbcr(header, pixel.photometric)
        if header.is_lossless:
            samples = np.asarray(imagecodecs.jpegsof3_decode(codestream))
            return Decoded(samples, _bits_of_lossless(header, pixel), _photometric_of_lossless(pixel, ycbcr))
        # Pillow follows the markers of the stream: where the header of the file decides, it may decide otherwise.
        if header.precision != 8 or (pixel.samples == 3 and not header.color_markers and not ycbcr):
            return None
        samples = np.asarray(Image.open(io.BytesIO(codestream), formats=("JPEG",)))
        return Decoded(samples, 8, "RGB" if pixel.samples == 3 else pixel.photometric)
    if codestream.startswith(_J2K):
        return _jpeg2000(codestream, pixel, _decode_htj2k) if siz_of(codestream).is_high_throughput else None
    return None


def decode_rle(segments: bytes, pixel: ImagePixel) -> Decoded:
    """Decode one frame of RLE Lossless (PS3.5 annex G).

    Raises
    ------
    UnreadableInput
        The frame is damaged.
    """
    # Two bytes make at most 128: what claims more is refused before memory is taken for it.
    if pixel.frame_bytes > 64 * len(segments):
        raise UnreadableInput("an RLE frame is shorter than its size needs: the file is truncated or damaged")
    with reported("an RLE frame cannot be decoded"):
        samples, _ = get_decoder(RLELossless).as_array(
            encapsulate([segments], has_bot=False),
            raw=True,
            rows=pixel.rows,
            columns=pixel.columns,
            number_of_frames=1,
            samples_per_pixel=pixel.samples,
            photometric_interpretation=pixel.photometric,
            planar_configuration=pixel.planar,
            bits_allocated=pixel.allocated,
            bits_stored=pixel.allocated,
            pixel_representation=0,
        )
    return Decoded(samples >> pixel.low_bit if pixel.low_bit else samples, pixel.stored, pixel.photometric)


def decode_rle_again(segments: bytes, pixel: ImagePixel) -> Decoded:
    """The same frame by imagecodecs' PackBits decoder; its segments are the bytes of the samples, most significant first."""
    count, *offsets = struct.unpack("<16I", segments[:64])
    ends = [*offsets[1:count], len(segments)]
    size, width = pixel.rows * pixel.columns, pixel.allocated // 8
    planes = [
        np.frombuffer(imagecodecs.packbits_decode(segments[start:end]), np.uint8)[:size] for start, end in zip(offsets, ends, strict=False)
    ]
    words = np.stack(planes, axis=-1).reshape(pixel.rows, pixel.columns, pixel.samples, width)
    samples = words.copy().view(f">u{width}")[..., 0].astype(f"u{width}")
    samples = samples[..., 0] if pixel.samples == 1 else samples
    return Decoded(samples >> pixel.low_bit if pixel.low_bit else samples, pixel.stored, pixel.photometric)


# --- JPEG and JPEG-LS -----------------------------------------------------------------------------------------------------------


def _jpeg(codestream: bytes, pixel: ImagePixel) -> Decoded:
    header = read_header(codestream)
    _require_size(pixel, header.rows, header.columns, len(header.component_ids))
    if header.is_jpeg_ls:
        samples = _jpeg_ls(codestream)
        photometric = pixel.photometric if pixel.samples == 1 else "YBR_FULL" if holds_ycbcr(header, pixel.photometric) else "RGB"
        return Decoded(_by_planes(samples, pixel), max(header.precision, pixel.stored), photometric)
    ycbcr = holds_ycbcr(header, pixel.photometric)
    decode = _from_one_component if pixel.samples == 1 else _from_ycbcr if ycbcr and not header.is_lossless else _without_conversion
    samples = _complete(codestream, decode)
    if header.is_lossless:
        return Decoded(samples, _bits_of_lossless(header, pixel), _photometric_of_lossless(pixel, ycbcr))
    return Decoded(samples, header.precision, "RGB" if pixel.samples == 3 else pixel.photometric)


def _from_one_component(codestream: bytes) -> np.ndarray:
    return imagecodecs.jpeg8_decode(codestream)


def _from_ycbcr(codestream: bytes) -> np.ndarray:
    return imagecodecs.jpeg8_decode(codestream, colorspace="YCBCR", outcolorspace="RGB")


def _without_conversion(codestream: bytes) -> np.ndarray:
    """libjpeg does not convert between a color space and itself, whatever the samples really are."""
    return imagecodecs.jpeg8_decode(codestream, colorspace="RGB", outcolorspace="RGB")


def _complete(codestream: bytes, decode: Callable[[bytes], np.ndarray]) -> np.ndarray:
    """The samples of a DCT or lossless codestream that has all of them.

    libjpeg makes up what is missing at the end. A codestream with its end marker is taken to be whole. One without (some scanners
    leave it out) is decoded with two different endings: only if both give the same samples, these come from the codestream alone.
    """
    if _END_OF_IMAGE in codestream[-1024:]:
        return decode(codestream)
    one, other = (decode(codestream + filling * 512 + _END_OF_IMAGE) for filling in (b"\x00", b"\xaa"))
    if not np.array_equal(one, other):
        raise UnreadableInput(_CUT_SHORT)
    return one


def _bits_of_lossless(header: JpegHeader, pixel: ImagePixel) -> int:
    return min(pixel.stored, 8 if header.precision <= 8 else 16)


def _photometric_of_lossless(pixel: ImagePixel, ycbcr: bool) -> str:
    return pixel.photometric if pixel.samples == 1 else "YBR_FULL" if ycbcr else "RGB"


def _jpeg_ls(codestream: bytes) -> np.ndarray:
    """Zero bytes before the end marker, with which some writers fill up to an even length, are not a part of the stream."""
    end = codestream.rfind(_END_OF_IMAGE)
    whole = codestream[:end].rstrip(b"\0") + _END_OF_IMAGE if end > 0 and codestream[end - 1] == 0 else codestream
    try:
        return imagecodecs.jpegls_decode(codestream)
    except imagecodecs.JpeglsError:
        if whole == codestream:
            raise
        return imagecodecs.jpegls_decode(whole)


# --- JPEG 2000 and JPEG XL ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Siz:
    """What the SIZ marker segment says (ITU-T T.800 A.5.1), and whether the codestream is HTJ2K (T.814)."""

    rows: int
    columns: int
    components: int
    precision: int
    signed: bool
    is_high_throughput: bool


def siz_of(codestream: bytes) -> Siz:
    """The SIZ segment of a JPEG 2000 codestream or file. Raises ValueError where there is none."""
    start = codestream.find(_J2K)
    if start < 0 or len(codestream) < start + 43:
        raise ValueError("no SIZ marker segment")
    capabilities, columns, rows, left, top = struct.unpack_from(">HIIII", codestream, start + 6)
    (components,) = struct.unpack_from(">H", codestream, start + 40)
    depth = codestream[start + 42]
    return Siz(rows - top, columns - left, components, (depth & 0x7F) + 1, bool(depth & 0x80), bool(capabilities & 0x4000))


def _jpeg2000(codestream: bytes, pixel: ImagePixel, decode: Callable[[bytes], np.ndarray]) -> Decoded:
    siz = siz_of(codestream)
    _require_size(pixel, siz.rows, siz.columns, siz.components)
    samples = np.asarray(decode(codestream))
    # OpenJPEG undoes a multiple component transform, whatever the header calls it.
    rgb = pixel.samples == 3 and (_has_component_transform(codestream) or pixel.photometric in ("YBR_ICT", "YBR_RCT"))
    # Values that the header calls signed are often encoded as unsigned (old GDCM): their sign is the codestream's top bit.
    mistaken = pixel.signed and not siz.signed
    bits = siz.precision if mistaken else max(siz.precision, pixel.stored)
    return Decoded(samples, min(bits, 8 * samples.itemsize), "RGB" if rgb else pixel.photometric)


def _decode_htj2k(codestream: bytes) -> np.ndarray:
    return imagecodecs.htj2k_decode(codestream, planar=False)


def _has_component_transform(codestream: bytes) -> bool:
    """SGcod's last byte in the COD marker segment (ITU-T T.800 A.6.1)."""
    cod = codestream.find(b"\xff\x52")
    return cod >= 0 and codestream[cod + 8 : cod + 9] == b"\x01"


def _jpeg_xl(codestream: bytes, pixel: ImagePixel) -> Decoded:
    samples = imagecodecs.jpegxl_decode(codestream)
    _require_size(pixel, *samples.shape[:2], samples.shape[2] if samples.ndim == 3 else 1)
    bits = min(pixel.stored, 8 * samples.itemsize)
    return Decoded(samples, bits, "RGB" if pixel.samples == 3 else pixel.photometric)


# --- sizes ----------------------------------------------------------------------------------------------------------------------


def _by_planes(samples: np.ndarray, pixel: ImagePixel) -> np.ndarray:
    """``(rows, columns[, samples])``; what is stored plane by plane comes as ``(samples, rows, columns)``."""
    if pixel.samples > 1 and samples.shape == (pixel.samples, pixel.rows, pixel.columns):
        return np.ascontiguousarray(samples.transpose(1, 2, 0))
    return samples


def _require_size(pixel: ImagePixel, rows: int, columns: int, samples: int) -> None:
    if (rows, columns, samples) != (pixel.rows, pixel.columns, pixel.samples):
        raise UnreadableInput(
            f"a frame is encoded as {rows} x {columns} x {samples}, the header says {pixel.rows} x {pixel.columns} x {pixel.samples}: "
            "the file is damaged"
        )
