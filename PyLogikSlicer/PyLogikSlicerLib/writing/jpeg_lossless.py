"""Lossless JPEG (SOF3): an encoder for ITU-T T.81 process 14, selection value 1, and a decoder through pydicom and GDCM.

The libraries at hand either cannot write this format or fail on images with an odd number of bytes, which is what a crop
often gives. The encoder works on whole arrays: each sample becomes one code of at most 31 bits, and all codes are packed
at once.
"""

from __future__ import annotations

import heapq
import struct

import numpy as np
from pydicom.encaps import encapsulate
from pydicom.pixels import get_decoder
from pydicom.uid import JPEGLosslessSV1

# A difference between neighbors, modulo 2^16, is coded as its category (the number of its bits) and those bits (T.81, H.1.2.2).
_DIFFERENCE = np.arange(1 << 16, dtype=np.uint16).view(np.int16).astype(np.int32)
_CATEGORY = np.frexp(np.abs(_DIFFERENCE))[1].astype(np.uint8)
_EXTRA_LENGTH = np.where(_CATEGORY == 16, 0, _CATEGORY).astype(np.uint8)
_EXTRA_BITS = (np.where(_DIFFERENCE < 0, _DIFFERENCE - 1, _DIFFERENCE) & ((1 << _EXTRA_LENGTH.astype(np.int32)) - 1)).astype(np.uint64)
_CATEGORIES = 17


def encode(frame: np.ndarray, bits: int) -> bytes:
    """A JPEG stream with the exact pixels of the frame.

    Parameters
    ----------
    frame : numpy.ndarray
        uint8 or uint16, ``(rows, columns)`` or ``(rows, columns, 3)`` RGB; no side longer than 65535.
    bits : int
        The precision that the stream declares, 8 to 16; all samples are below ``2 ** bits``.
    """
    rows, columns = frame.shape[:2]
    difference = _differences(frame.reshape(rows, columns, -1), bits)
    used = np.bincount(difference, minlength=1 << 16)
    lengths = _code_lengths(np.bincount(_CATEGORY, weights=used, minlength=_CATEGORIES).astype(np.int64))
    codes = _canonical_codes(lengths)
    scan = _packed(difference, codes, lengths)
    return b"".join((_headers(rows, columns, bits, difference.size // (rows * columns), lengths), scan, b"\xff\xd9"))


def decode(data: bytes) -> np.ndarray:
    """The pixels of a stream that :func:`encode` made: uint8 at a precision of 8 bits, else uint16.

    Raises
    ------
    ValueError
        The headers are not what :func:`encode` writes. They are checked before the stream is decoded, as GDCM ends the
        whole process on some damaged ones.
    """
    rows, columns, bits, components = _checked_header(data)
    frame, _ = get_decoder(JPEGLosslessSV1).as_array(
        encapsulate([data]),
        index=0,
        raw=True,
        rows=rows,
        columns=columns,
        samples_per_pixel=components,
        planar_configuration=0,
        photometric_interpretation="RGB" if components == 3 else "MONOCHROME2",
        bits_allocated=8 if bits <= 8 else 16,
        bits_stored=bits,
        pixel_representation=0,
        number_of_frames=1,
        pixel_keyword="PixelData",
    )
    return frame


def _checked_header(data: bytes) -> tuple[int, int, int, int]:
    start = data.find(b"\xff\xc3") + 4
    table = start + 8 + 3 * data[start + 5] + 3 if 4 <= start < len(data) - 5 else len(data)
    counts = data[table : table + 16]
    categories = data[table + 16 : table + 16 + sum(counts)]
    if not categories or max(categories) >= _CATEGORIES:
        raise ValueError("not a lossless JPEG stream")
    lengths = np.zeros(_CATEGORIES, np.uint8)
    lengths[list(categories)] = np.repeat(np.arange(1, len(counts) + 1), list(counts))[: len(categories)]
    bits, rows, columns, components = struct.unpack_from(">BHHB", data, start)
    if not 8 <= bits <= 16 or not data.startswith(_headers(rows, columns, bits, components, lengths)):
        raise ValueError("the headers of the lossless JPEG stream are damaged")
    return rows, columns, bits, components


def _differences(frame: np.ndarray, bits: int) -> np.ndarray:
    """Each sample less its left neighbor (in the first column the one above), modulo 2^16, in the order of the scan."""
    samples = frame.astype(np.uint16)
    difference = np.empty_like(samples)
    np.subtract(samples[:, 1:], samples[:, :-1], out=difference[:, 1:])
    np.subtract(samples[1:, 0], samples[:-1, 0], out=difference[1:, 0])
    difference[0, 0] = samples[0, 0] - np.uint16(1 << (bits - 1))
    return difference.reshape(-1)


def _code_lengths(frequency: np.ndarray) -> np.ndarray:
    """Huffman code length of each category, at most 16; 0 for a category that does not occur.

    One more symbol of frequency 1 takes part and gets a longest code, so that no code in use consists of ones only
    (T.81, annex K.2).
    """
    heap = [(int(count), category, (category,)) for category, count in enumerate(frequency) if count]
    heap.append((1, _CATEGORIES, (_CATEGORIES,)))
    heapq.heapify(heap)
    lengths = np.zeros(_CATEGORIES + 1, np.uint8)
    while len(heap) > 1:
        (first, order, left), (second, _, right) = heapq.heappop(heap), heapq.heappop(heap)
        lengths[list(left + right)] += 1
        heapq.heappush(heap, (first + second, order, left + right))
    if lengths.max() > 16:
        return _code_lengths((frequency + 1) // 2)
    return _reserved_last(lengths)


def _reserved_last(lengths: np.ndarray) -> np.ndarray:
    """Drop the additional symbol, after giving it a code of the greatest length."""
    longest = int(lengths.argmax())
    lengths[longest] = lengths[_CATEGORIES]
    return lengths[:_CATEGORIES]


def _canonical_codes(lengths: np.ndarray) -> np.ndarray:
    """The code of each category: shorter codes first, then by category (T.81, annex C)."""
    codes = np.zeros(_CATEGORIES, np.uint64)
    code = previous = 0
    for category in _by_length(lengths):
        code <<= int(lengths[category]) - previous
        previous = int(lengths[category])
        codes[category] = code
        code += 1
    return codes


def _by_length(lengths: np.ndarray) -> list[int]:
    return sorted(np.flatnonzero(lengths).tolist(), key=lambda category: int(lengths[category]))


def _packed(difference: np.ndarray, codes: np.ndarray, lengths: np.ndarray) -> bytes:
    """The scan: every difference replaced by its code and its bits, filled up with ones, and 0xFF followed by 0x00."""
    pattern = (codes[_CATEGORY] << _EXTRA_LENGTH) | _EXTRA_BITS
    width = lengths[_CATEGORY] + _EXTRA_LENGTH
    sample_width = width[difference]
    end = np.cumsum(sample_width, dtype=np.int64)
    start = end - sample_width
    # A code lies in the 32-bit word where it starts and perhaps in the next one. As no code is longer than a word, there
    # is a start in every word, and as no two codes overlap, adding them up joins them.
    shift = (64 - (start & 31) - sample_width).astype(np.uint64)
    placed = pattern[difference] << shift
    word = start >> 5
    firsts = np.flatnonzero(np.diff(word, prepend=-1))
    words = np.zeros(len(firsts) + 1, np.uint64)
    words[:-1] += np.add.reduceat(placed >> np.uint64(32), firsts)
    words[1:] += np.add.reduceat(placed & np.uint64(0xFFFFFFFF), firsts)
    total = int(end[-1])
    stream = words.astype(">u4").view(np.uint8)[: (total + 7) // 8].copy()
    stream[-1] |= (1 << (-total % 8)) - 1
    return stream.tobytes().replace(b"\xff", b"\xff\x00")


def _headers(rows: int, columns: int, bits: int, components: int, lengths: np.ndarray) -> bytes:
    identifiers = b"RGB" if components == 3 else b"\x01"
    # The Adobe segment with transform 0 is how a JPEG stream says that its three components are RGB.
    color = _segment(0xEE, b"Adobe" + struct.pack(">HHHB", 100, 0, 0, 0)) if components == 3 else b""
    frame = _segment(0xC3, struct.pack(">BHHB", bits, rows, columns, components) + b"".join(bytes((i, 0x11, 0)) for i in identifiers))
    counts = np.bincount(lengths, minlength=17)[1:]
    table = _segment(0xC4, b"\x00" + bytes(counts.tolist()) + bytes(_by_length(lengths)))
    scan = _segment(0xDA, bytes((components,)) + b"".join(bytes((i, 0)) for i in identifiers) + b"\x01\x00\x00")
    return b"\xff\xd8" + color + frame + table + scan


def _segment(marker: int, payload: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(payload) + 2) + payload
