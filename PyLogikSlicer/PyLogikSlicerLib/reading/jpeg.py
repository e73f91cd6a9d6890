"""The marker segments of a JPEG or JPEG-LS codestream: coding process, size, precision and colour space.

Parsed here because no library reports all of that: Pillow only reads 8-bit DCT streams, imagecodecs does not report markers, and
pydicom's parser is private, fails on fill bytes before a marker, and does not report sampling factors.

Sources: ITU-T T.81 annex B, ITU-T T.87 annex C, JFIF 1.02, Adobe technical note 5116 (APP14).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

# The second bytes of markers (T.81 table B.1; SOF55 in T.87). Start of frame:
_SOF = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC} | {0xF7}
# Markers without a segment: RSTm, SOI and TEM.
_STANDALONE = frozenset(range(0xD0, 0xD9)) | {0x01}
# Start of scan.
_SOS = 0xDA
# The application segment that JFIF uses.
_APP0 = 0xE0
# The application segment that Adobe uses.
_APP14 = 0xEE
# Component identifiers with which encoders mark RGB.
_RGB_IDS = (b"RGB", b"rgb")


@dataclass(frozen=True)
class JpegHeader:
    """The marker segments before the first scan.

    Parameters
    ----------
    process
        Second byte of the SOF marker: C0 baseline, C1 extended, C2 progressive, C3 lossless, F7 JPEG-LS.
    precision
        Bits of a sample.
    rows, columns
        Size of the image.
    component_ids
        One byte for each component.
    jfif
        Whether there is a JFIF segment.
    adobe_transform
        The transform flag of the Adobe segment; None without such a segment.
    color_markers
        Whether there is a JFIF or an Adobe segment.
    subsampled
        Whether the components differ in their sampling factors.
    """

    process: int
    precision: int
    rows: int
    columns: int
    component_ids: bytes
    jfif: bool
    adobe_transform: int | None
    color_markers: bool
    subsampled: bool

    @property
    def is_jpeg_ls(self) -> bool:
        return self.process == 0xF7

    @property
    def is_lossless(self) -> bool:
        return self.process == 0xC3


def read_header(codestream: bytes) -> JpegHeader:
    """Read the marker segments before the first scan.

    Raises
    ------
    ValueError
        This is no JPEG codestream, or it ends before its frame header.
    """
    frame: tuple[int, bytes] | None = None
    jfif, adobe, color_markers = False, None, False
    for marker, body in segments(codestream):
        if marker in _SOF and frame is None:
            frame = (marker, body)
        elif marker == _APP0 and body.startswith(b"JFIF\0"):
            jfif = color_markers = True
        elif marker == _APP14 and body.startswith(b"Adobe"):
            # A segment too short for the transform flag is ignored, as libjpeg does.
            adobe = body[11] if len(body) > 11 else adobe
            color_markers = True
    if frame is None or len(frame[1]) < 6 + 3 * frame[1][5]:
        raise ValueError("no frame header before the first scan")
    process, body = frame
    precision, rows, columns, components = struct.unpack(">BHHB", body[:6])
    ids, factors = body[6 : 6 + 3 * components : 3], body[7 : 6 + 3 * components : 3]
    return JpegHeader(process, precision, rows, columns, ids, jfif, adobe, color_markers, len(set(factors)) > 1)


def segments(codestream: bytes) -> Iterator[tuple[int, bytes]]:
    """(marker, content) of each segment up to the first scan header, which is the last one. Raises ValueError as :func:`read_header`."""
    position, marker = 2, 0
    while marker != _SOS:
        position, marker, end = _next_segment(codestream, position)
        yield marker, codestream[position + 4 : end]
        position = end


def holds_ycbcr(header: JpegHeader, photometric: str) -> bool:
    """Whether three-component samples are YCbCr, where codestream and PhotometricInterpretation may disagree.

    The codestream takes precedence, because the encoder that made the samples wrote it. In this order decide: component IDs "RGB", a
    JFIF segment (always YCbCr), Adobe's transform flag, subsampling (RGB is never subsampled), and only without any of these
    PhotometricInterpretation. pydicom 3 decides alike but ignores Adobe's flag. dcmtk uses PhotometricInterpretation by default and
    gives purple and green images where that is wrong, as in files that declare RGB and hold JFIF, a common fault.
    """
    if len(header.component_ids) != 3 or header.component_ids in _RGB_IDS:
        return False
    if header.jfif:
        return True
    if header.adobe_transform is not None:
        return header.adobe_transform != 0
    if header.subsampled:
        return True
    return photometric.startswith("YBR")


def _next_segment(codestream: bytes, position: int) -> tuple[int, int, int]:
    """Position, marker and end of the next marker segment at or after ``position``; fill bytes and markers without segment are skipped."""
    while True:
        if position + 4 > len(codestream) or codestream[position] != 0xFF:
            raise ValueError("not a JPEG codestream, or cut short")
        marker = codestream[position + 1]
        if marker == 0xFF:
            position += 1
        elif marker in _STANDALONE:
            position += 2
        else:
            (length,) = struct.unpack(">H", codestream[position + 2 : position + 4])
            return position, marker, position + 2 + length
