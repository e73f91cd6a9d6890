"""Is a JPEG codestream well-formed enough for a decoder that ends the whole process where it is not?

GDCM, which decodes lossless and 12-bit JPEG, throws through its Python binding, or reads out of bounds, on damaged
markers. They are checked here first, after ITU-T T.81 annex B; damaged entropy-coded data GDCM survives.
"""

from __future__ import annotations

import re
import struct

_EOI, _SOS, _DHT, _DQT, _DRI, _COM = 0xD9, 0xDA, 0xC4, 0xDB, 0xDD, 0xFE
_LOSSLESS, _EXTENDED = 0xC3, 0xC1
_MARKER_IN_SCAN = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")


def require_well_formed(codestream: bytes) -> None:
    """Check every marker segment of a lossless (SOF3) or extended sequential (SOF1) codestream.

    Raises
    ------
    ValueError
        A segment is damaged, refers to what was not defined, or is not known here.
    """
    frame: _Frame | None = None
    tables: set[tuple[str, int]] = set()
    coded: set[int] = set()
    position = 2
    while codestream[position : position + 2] != bytes([0xFF, _EOI]):
        marker, body, position = _segment(codestream, position)
        if marker in (_LOSSLESS, _EXTENDED):
            _require(frame is None, "two frame headers")
            frame = _Frame(marker, body)
        elif marker == _DHT:
            tables |= _huffman_tables(body)
        elif marker == _DQT:
            tables |= _quantization_tables(body)
        elif marker == _SOS:
            _require(frame is not None, "a scan before the frame header")
            coded |= frame.check_scan(body, tables)  # type: ignore[union-attr]
            position = _end_of_scan(codestream, position)
        elif marker == _DRI:
            _require(len(body) == 2, "restart interval")
        else:
            _require(0xE0 <= marker <= 0xEF or marker == _COM, "an unknown marker")
    _require(frame is not None and coded == set(frame.components), "a component without a scan")


class _Frame:
    """The frame header: SOF marker, precision, and for each component its quantization table."""

    def __init__(self, marker: int, body: bytes) -> None:
        self.lossless = marker == _LOSSLESS
        _require(len(body) >= 6, "frame header")
        self.precision, count = body[0], body[5]
        _require(len(body) == 6 + 3 * count and count in (1, 3), "number of components")
        _require(2 <= self.precision <= 16 if self.lossless else self.precision in (8, 12), "precision")
        self.components: dict[int, int] = {}
        for identifier, sampling, table in struct.iter_unpack("3B", body[6:]):
            high, low = sampling >> 4, sampling & 15
            _require(sampling == 0x11 if self.lossless else high in (1, 2, 4) and low in (1, 2, 4), "sampling factors")
            self.components[identifier] = table
        _require(len(self.components) == count, "component identifiers")

    def check_scan(self, body: bytes, tables: set[tuple[str, int]]) -> set[int]:
        """The components that a scan codes."""
        _require(len(body) >= 1 and len(body) == 4 + 2 * body[0] and body[0] in (1, len(self.components)), "scan header")
        coded = set()
        for identifier, selectors in struct.iter_unpack("2B", body[1:-3]):
            _require(identifier in self.components and identifier not in coded, "scan component")
            coded.add(identifier)
            needed = {("DC", selectors >> 4)}
            if not self.lossless:
                needed |= {("AC", selectors & 15), ("Q", self.components[identifier])}
            _require(needed <= tables, "a table that was not defined")
        start, end, approximation = body[-3:]
        # Sequential scans have fixed values here, which writers get wrong and decoders pass over.
        _require(not self.lossless or (1 <= start <= 7 and end == 0 and approximation < self.precision), "predictor")
        return coded


def _segment(codestream: bytes, position: int) -> tuple[int, bytes, int]:
    """Marker, content and end of the segment at ``position``; fill bytes are passed over."""
    while codestream[position : position + 2] == b"\xff\xff":
        position += 1
    head = codestream[position : position + 4]
    _require(len(head) == 4 and head[0] == 0xFF, "marker")
    (length,) = struct.unpack(">H", head[2:])
    end = position + 2 + length
    _require(length >= 2 and end <= len(codestream), "segment length")
    return head[1], codestream[position + 4 : end], end


def _end_of_scan(codestream: bytes, position: int) -> int:
    marker = _MARKER_IN_SCAN.search(codestream, position)
    _require(marker is not None, "no end of image")
    return marker.start()  # type: ignore[union-attr]


def _huffman_tables(body: bytes) -> set[tuple[str, int]]:
    tables = set()
    while body:
        kind, number, counts = body[0] >> 4, body[0] & 15, body[1:17]
        total = sum(counts)
        codes = sum(count << (16 - length) for length, count in enumerate(counts, start=1))
        _require(kind <= 1 and number <= 3 and len(counts) == 16, "Huffman table")
        _require(0 < total <= 256 and codes <= 1 << 16 and len(body) >= 17 + total, "Huffman table")
        _require(kind == 1 or max(body[17 : 17 + total]) <= 16, "Huffman table")
        tables.add(("AC" if kind else "DC", number))
        body = body[17 + total :]
    return tables


def _quantization_tables(body: bytes) -> set[tuple[str, int]]:
    tables = set()
    while body:
        size = 128 if body[0] >> 4 else 64
        _require(body[0] >> 4 <= 1 and body[0] & 15 <= 3 and len(body) >= 1 + size, "quantization table")
        tables.add(("Q", body[0] & 15))
        body = body[1 + size :]
    return tables


def _require(condition: bool, what: str) -> None:
    if not condition:
        raise ValueError(f"damaged JPEG codestream: {what}")
