"""One encoded frame to its samples: JPEG, JPEG-LS, JPEG 2000, HTJ2K, JPEG XL and RLE.

Except for RLE, the decoder is chosen by the codestream's own signature; the transfer syntax only says that there is one.
Decoders: Pillow (libjpeg-turbo), GDCM (lossless and 12-bit JPEG), CharLS (pyjpegls), OpenJPEG (pylibjpeg-openjpeg),
pydicom (RLE), libjxl (imagecodecs, optional).
"""

from __future__ import annotations

import io
from dataclasses import dataclass

import gdcm
import jpeg_ls
import numpy as np
import openjpeg
from PIL import Image
from pydicom.encaps import encapsulate
from pydicom.pixels import get_decoder
from pydicom.uid import JPEGExtended12Bit, JPEGLossless, RLELossless

from ..errors import UnreadableInput
from .faults import reported
from .image_pixel import ImagePixel
from .jpeg import JpegHeader, holds_ycbcr, read_header, with_declared_color
from .jpeg_validity import require_well_formed

_J2K, _JP2 = b"\xff\x4f\xff\x51", b"\0\0\0\x0cjP  "
_JXL, _JXL_BOX = b"\xff\x0a", b"\0\0\0\x0cJXL "
_CODESTREAM_STARTS = (b"\xff\xd8\xff", _J2K, _JP2, _JXL, _JXL_BOX)


@dataclass(frozen=True)
class Decoded:
    """``samples``: ``(rows, columns[, 3])``, not yet sign-extended; ``bits`` of them are meant; ``photometric`` says what
    colour space they are in now, which is not what the header says where the decoder undid a colour transform."""

    samples: np.ndarray
    bits: int
    photometric: str


def starts_codestream(fragment: bytes) -> bool:
    """Whether a fragment is the first of a frame (not for RLE, where every fragment is)."""
    return fragment.startswith(_CODESTREAM_STARTS)


def decode_codestream(codestream: bytes, pixel: ImagePixel) -> Decoded:
    """Decode one frame.

    Raises
    ------
    UnreadableInput
        The codestream is of an unknown kind, has another size than the header says, or is damaged.
    """
    with reported("a frame cannot be decoded"):
        if codestream.startswith(b"\xff\xd8\xff"):
            return _jpeg(codestream, pixel)
        if codestream.startswith((_J2K, _JP2)):
            return _jpeg2000(codestream, pixel)
        if codestream.startswith((_JXL, _JXL_BOX)):
            return _jpeg_xl(codestream, pixel)
    raise UnreadableInput("a frame holds no codestream of a known kind: the file is damaged")


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


def _jpeg(codestream: bytes, pixel: ImagePixel) -> Decoded:
    header = read_header(codestream)
    _require_size(pixel, header.rows, header.columns, len(header.component_ids))
    ycbcr = holds_ycbcr(header, pixel.photometric)
    if pixel.samples == 3 and not header.is_jpeg_ls:
        codestream = with_declared_color(codestream, header, ycbcr)
    if header.is_dct and header.precision == 8:
        samples = np.asarray(Image.open(io.BytesIO(codestream), formats=("JPEG",)))
        return Decoded(samples, 8, "RGB" if pixel.samples == 3 else pixel.photometric)
    photometric = pixel.photometric if pixel.samples == 1 else "YBR_FULL" if ycbcr else "RGB"
    if header.is_jpeg_ls:
        samples = _by_planes(*_jpeg_ls_samples(codestream), pixel)
        return Decoded(samples, max(header.precision, pixel.stored), photometric)
    if header.is_lossless or (header.is_extended and header.precision == 12):
        require_well_formed(codestream)
        return _jpeg_by_gdcm(codestream, header, pixel, photometric)
    raise UnreadableInput("a frame is encoded with a JPEG process that no decoder here supports: convert it to another transfer syntax")


def _jpeg_ls_samples(codestream: bytes) -> tuple[np.ndarray, bool]:
    buffer, info = jpeg_ls.decode_pixel_data(codestream)
    dtype = np.uint8 if info["bits_per_sample"] <= 8 else np.uint16
    return np.frombuffer(buffer, dtype), info["components"] > 1 and info["interleave_mode"] == 0


def _jpeg_by_gdcm(codestream: bytes, header: JpegHeader, pixel: ImagePixel, photometric: str) -> Decoded:
    """JPEG lossless and JPEG with 12-bit samples; GDCM leaves the colour space as it is encoded."""
    allocated = 8 if header.precision <= 8 else 16
    fragment = gdcm.Fragment()
    fragment.SetByteStringValue(codestream)
    fragments = gdcm.SequenceOfFragments.New()
    fragments.AddFragment(fragment)
    element = gdcm.DataElement(gdcm.Tag(0x7FE0, 0x0010))
    element.SetValue(fragments.__ref__())
    image = gdcm.Image()
    image.SetNumberOfDimensions(2)
    image.SetDimensions((pixel.columns, pixel.rows, 1))
    image.SetDataElement(element)
    kind = gdcm.PhotometricInterpretation.GetPIType("MONOCHROME2" if pixel.samples == 1 else photometric)
    image.SetPhotometricInterpretation(gdcm.PhotometricInterpretation(kind))
    if pixel.samples > 1:
        image.SetPlanarConfiguration(0)
    syntax = JPEGLossless if header.is_lossless else JPEGExtended12Bit
    image.SetTransferSyntax(gdcm.TransferSyntax(gdcm.TransferSyntax.GetTSType(str(syntax))))
    image.SetPixelFormat(gdcm.PixelFormat(pixel.samples, allocated, header.precision, header.precision - 1, 0))
    buffer = image.GetBuffer()
    if buffer is None:
        raise ValueError("GDCM cannot decode the frame")
    # GDCM's Python binding hands bytes over as str with surrogates.
    samples = np.frombuffer(buffer.encode("utf-8", "surrogateescape"), f"u{allocated // 8}")
    bits = min(pixel.stored, allocated) if header.is_lossless else header.precision
    return Decoded(_by_planes(samples, False, pixel), bits, photometric)


def _jpeg2000(codestream: bytes, pixel: ImagePixel) -> Decoded:
    box = 2 if codestream.startswith(_JP2) else 0
    info = openjpeg.get_parameters(codestream, box)
    _require_size(pixel, info["rows"], info["columns"], info["samples_per_pixel"])
    samples = openjpeg.decode(codestream, box)
    # OpenJPEG undoes a multiple component transform, whatever the header calls it.
    rgb = pixel.samples == 3 and (_has_component_transform(codestream) or pixel.photometric in ("YBR_ICT", "YBR_RCT"))
    # Values that the header calls signed are often encoded as unsigned (old GDCM): their sign is the codestream's top bit.
    mistaken = pixel.signed and not info["is_signed"]
    bits = info["precision"] if mistaken else max(info["precision"], pixel.stored)
    return Decoded(samples, bits, "RGB" if rgb else pixel.photometric)


def _has_component_transform(codestream: bytes) -> bool:
    """SGcod's last byte in the COD marker segment (ITU-T T.800 A.6.1)."""
    cod = codestream.find(b"\xff\x52")
    return cod >= 0 and codestream[cod + 8 : cod + 9] == b"\x01"


def _jpeg_xl(codestream: bytes, pixel: ImagePixel) -> Decoded:
    try:
        from imagecodecs import jpegxl_decode
    except ImportError:
        raise UnreadableInput("JPEG XL needs the package imagecodecs: install it and run again") from None
    samples = jpegxl_decode(codestream)
    _require_size(pixel, *samples.shape[:2], samples.shape[2] if samples.ndim == 3 else 1)
    bits = min(pixel.stored, 8 * samples.itemsize)
    return Decoded(samples, bits, "RGB" if pixel.samples == 3 else pixel.photometric)


def _by_planes(samples: np.ndarray, planar: bool, pixel: ImagePixel) -> np.ndarray:
    if pixel.samples == 1:
        return samples.reshape(pixel.rows, pixel.columns)
    if planar:
        return samples.reshape(pixel.samples, pixel.rows, pixel.columns).transpose(1, 2, 0)
    return samples.reshape(pixel.rows, pixel.columns, pixel.samples)


def _require_size(pixel: ImagePixel, rows: int, columns: int, samples: int) -> None:
    if (rows, columns, samples) != (pixel.rows, pixel.columns, pixel.samples):
        raise UnreadableInput(
            f"a frame is encoded as {rows} x {columns} x {samples}, the header says {pixel.rows} x {pixel.columns} x {pixel.samples}: "
            "the file is damaged"
        )
