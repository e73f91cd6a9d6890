"""What the markers of a JPEG or JPEG-LS codestream say: its kind, size, precision and colour space.

Sources: ITU-T T.81 annex B, ITU-T T.87 annex C, JFIF 1.02, Adobe technical note 5116 (APP14).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

_SOF = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC} | {0xF7}
_STANDALONE = frozenset(range(0xD0, 0xD9)) | {0x01}
_SOS, _APP0, _APP14 = 0xDA, 0xE0, 0xEE
_LIBJPEG_PROCESSES = frozenset({0xC0, 0xC1, 0xC2, 0xC9, 0xCA})
_RGB_IDS = (b"RGB", b"rgb")


@dataclass(frozen=True)
class JpegHeader:
    """``process`` is the SOF marker's second byte: C0 baseline, C1 extended, C2 progressive, C3 lossless, F7 JPEG-LS.

    ``adobe_transform`` is None without an Adobe marker; ``color_markers`` says whether there is a JFIF or an Adobe segment;
    ``subsampled`` whether some component has fewer samples than another.
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
    def is_dct(self) -> bool:
        return self.process in _LIBJPEG_PROCESSES

    @property
    def is_extended(self) -> bool:
        return self.process == 0xC1

    @property
    def is_jpeg_ls(self) -> bool:
        return self.process == 0xF7

    @property
    def is_lossless(self) -> bool:
        return self.process == 0xC3


def read_header(codestream: bytes) -> JpegHeader:
    """Read the markers before the first scan.

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
            # A marker too short for its last byte says nothing (libjpeg ignores it too).
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

    What the codestream says wins, because the encoder that made the samples wrote it: component IDs "RGB", then a JFIF
    marker (always YCbCr), then Adobe's transform flag, then subsampling (nobody subsamples RGB); only a codestream that is
    silent about all that is as PhotometricInterpretation says. pydicom 3 decides alike but does not look at Adobe's flag;
    dcmtk believes PhotometricInterpretation by default and gives purple and green images where it lies (RGB declared, JFIF
    inside, is a common fault).
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
    """(position, marker, end) of the next marker segment at or after ``position``, fill bytes and lone markers skipped."""
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
