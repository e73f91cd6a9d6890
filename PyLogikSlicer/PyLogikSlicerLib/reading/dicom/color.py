"""Conversion of colour samples and palettes to RGB (PS3.3 C.7.6.3.1.2 and C.7.9)."""

from __future__ import annotations

import cv2
import numpy as np
from pydicom.dataset import Dataset

from ...core.errors import UnreadableInput
from ...core.stack import Display

_COLORS = ("Red", "Green", "Blue")


def rgb_from_samples(samples: np.ndarray, photometric: str, bits: int) -> np.ndarray:
    """Three-component samples as RGB.

    Parameters
    ----------
    samples
        ``(rows, columns, 3)``, unsigned.
    photometric
        The colour space of the samples, a value of PhotometricInterpretation.
    bits
        The number of low bits of each sample that hold its value.

    Returns
    -------
    numpy.ndarray
        RGB ``(rows, columns, 3)``: uint8 for up to 8 bits, else uint16 over its full range. Fewer than 16 bits are scaled up by
        repeating the upper bits below; of more than 16 bits the upper 16 remain.

    Raises
    ------
    UnreadableInput
        The colour space is not supported.
    """
    full = _scale_to_full_range(samples, bits)
    if photometric in ("RGB", "YBR_ICT", "YBR_RCT"):
        # ICT and RCT exist only within JPEG 2000, and its decoder has undone them.
        return full
    if photometric in ("YBR_FULL", "YBR_FULL_422"):
        crossed = np.empty(full.shape, full.dtype)
        cv2.mixChannels([np.ascontiguousarray(full)], [crossed], [0, 0, 1, 2, 2, 1])  # OpenCV has Cr before Cb
        return cv2.cvtColor(crossed, cv2.COLOR_YCrCb2RGB)
    if photometric in ("YBR_PARTIAL_422", "YBR_PARTIAL_420"):
        return _rgb_from_partial(full)
    raise UnreadableInput("this PhotometricInterpretation is not supported: convert the image to RGB")


def upsample_422(flat: np.ndarray, rows: int, columns: int) -> np.ndarray:
    """The samples of a native frame, stored as Y Y Cb Cr, as ``(rows, columns, 3)``: each Cb and Cr is used for two pixels."""
    pairs = flat.reshape(rows, columns // 2, 4)
    samples = np.empty((rows, columns, 3), flat.dtype)
    samples[:, 0::2, 0], samples[:, 1::2, 0] = pairs[..., 0], pairs[..., 1]
    samples[:, 0::2, 1:], samples[:, 1::2, 1:] = pairs[..., 2:], pairs[..., 2:]
    return samples


def read_palette(header: Dataset) -> tuple[np.ndarray, int]:
    """The palette ``(entries, 3)``, and the stored value to which its first entry belongs.

    The palette is uint8 where its 16-bit entries use only 8 bits (in their upper or lower byte), else uint16.

    Raises
    ------
    UnreadableInput
        The palette is missing or damaged.
    """
    try:
        descriptors = [_read_descriptor(header, color) for color in _COLORS]
        tables = [_read_entries(header, color, *descriptor) for color, descriptor in zip(_COLORS, descriptors, strict=True)]
    except (KeyError, ValueError, TypeError, IndexError):
        raise UnreadableInput("the colour palette is missing or damaged") from None
    length = max(len(table) for table in tables)
    palette = np.stack([np.pad(table, (0, length - len(table)), mode="edge") for table in tables], axis=-1)
    return _shrink_palette(palette, descriptors[0][2]), descriptors[0][1]


def palette_colors(palette: np.ndarray, first: int, bits: int, signed: bool) -> np.ndarray:
    """The colours ``(2 ** bits, 3)`` of all stored values, indexed by their bit pattern.

    Values below the ``first`` one of the palette have the colour of its first entry, values above the last one that of its last entry.
    """
    return palette[np.clip(_values_by_pattern(bits, signed) - first, 0, len(palette) - 1)]


def has_supplemental_palette(header: Dataset) -> bool:
    """Whether grey values from a certain one on are shown in color (PS3.3 C.7.6.19, color range)."""
    return "RedPaletteColorLookupTableDescriptor" in header and str(header.get("PixelPresentation") or "").strip().upper() != "MONOCHROME"


def supplemental_palette_colors(header: Dataset, display: Display, bits: int, signed: bool) -> np.ndarray:
    """The colors ``(2 ** bits, 3)``, uint8, of all stored values, indexed by their bit pattern.

    Values that the supplemental palette covers have its colors; the others are grey, as ``display`` shows them.

    Raises
    ------
    UnreadableInput
        The palette is damaged.
    """
    palette, start = read_palette(header)
    if palette.dtype != np.uint8:
        palette = (palette >> 8).astype(np.uint8)
    values = _values_by_pattern(bits, signed)
    grey = display.show(values.astype(np.int32)[None])[0]
    colors = np.repeat(grey[:, None], 3, axis=1)
    supplemental = (values >= start) & (values < start + len(palette))
    colors[supplemental] = palette[values[supplemental] - start]
    return colors


def _values_by_pattern(bits: int, signed: bool) -> np.ndarray:
    """The value, int64, of each bit pattern from 0 to ``2 ** bits - 1``: two's complement where ``signed``."""
    values = np.arange(1 << bits, dtype=np.int64)
    if signed:
        values -= (values >> (bits - 1)) << bits
    return values


def _scale_to_full_range(samples: np.ndarray, bits: int) -> np.ndarray:
    """Samples of ``bits`` bits as uint8 or uint16 whose whole range they use."""
    if bits <= 8:
        values = samples.astype(np.uint8, copy=False)
        return values if bits == 8 else (values.astype(np.uint16) * 255 // (2**bits - 1)).astype(np.uint8)
    if bits <= 16:
        values = samples.astype(np.uint16, copy=False)
        return values if bits == 16 else (values << (16 - bits)) | (values >> (2 * bits - 16))
    return (samples.astype(np.uint32, copy=False) >> (bits - 16)).astype(np.uint16)


def _rgb_from_partial(full: np.ndarray) -> np.ndarray:
    """RGB from YCbCr in the studio range of CCIR 601, in which black is 16 and white 235 of 255."""
    top = np.float32(np.iinfo(full.dtype).max)
    y, cb, cr = np.moveaxis(full.astype(np.float32) * (255 / top), -1, 0)
    y, cb, cr = 1.164384 * (y - 16), cb - 128, cr - 128
    rgb = np.stack([y + 1.596027 * cr, y - 0.391762 * cb - 0.812968 * cr, y + 2.017232 * cb], axis=-1)
    return np.clip(np.rint(rgb * (top / 255)), 0, top).astype(full.dtype)


def _read_descriptor(header: Dataset, color: str) -> tuple[int, int, int]:
    """Number of entries, value of the first one, and bits of an entry, of the palette of one color."""
    entries, first, bits = (int(value) for value in header[f"{color}PaletteColorLookupTableDescriptor"].value)
    entries = entries % 65536 or 65536  # 0 stands for 65536, which does not fit the element; read as SS it may be negative
    if bits not in (8, 16):
        raise ValueError("a palette has 8 or 16 bits")
    return entries, first, bits


def _read_entries(header: Dataset, color: str, entries: int, first: int, bits: int) -> np.ndarray:
    """The entries of the palette of one color, uint16."""
    order = "<" if header.original_encoding[1] is not False else ">"
    if f"{color}PaletteColorLookupTableData" in header:
        data = bytes(header[f"{color}PaletteColorLookupTableData"].value)
        # 8-bit entries come packed two to a word, or, against the standard, one to a word.
        wide = bits == 16 or len(data) >= 2 * entries
        table = np.frombuffer(data[: len(data) // 2 * 2], f"{order}u2") if wide else _unpack_8_bit_entries(data, order)
    else:
        data = bytes(header[f"Segmented{color}PaletteColorLookupTableData"].value)
        words = np.frombuffer(data, f"{order}u2") if bits == 16 else np.frombuffer(data, np.uint8)
        table = np.array(_expand_segments([int(word) for word in words], bits), np.uint16)
    if len(table) == 0:
        raise ValueError("empty palette")
    return table[:entries].astype(np.uint16)


def _unpack_8_bit_entries(data: bytes, order: str) -> np.ndarray:
    """Entries of 8 bits that are stored two to a word, whose bytes are swapped in big endian."""
    table = np.frombuffer(data, np.uint8)
    return table.reshape(-1, 2)[:, ::-1].ravel() if order == ">" and len(table) % 2 == 0 else table


def _expand_segments(words: list[int], bits: int) -> list[int]:
    """The entries that segmented palette data stand for (PS3.3 C.7.9.2): discrete, linear and indirect segments.

    An indirect segment repeats earlier segments, found by an offset in bytes from the start of the data.
    """
    table: list[int] = []

    def expand(position: int, segments: int | None) -> None:
        while position < len(words) - 1 and segments != 0 and len(table) <= 65536:
            opcode, length = words[position], words[position + 1]
            body = words[position + 2 : position + 2 + max(length, 4)]
            if opcode == 0:
                table.extend(body[:length])
                position += 2 + length
            elif opcode == 1:
                start, end = table[-1], body[0]
                table.extend(round(start + (end - start) * step / length) for step in range(1, length + 1))
                position += 3
            elif opcode == 2 and segments is None:
                if bits == 16:
                    offset = (body[0] | body[1] << 16) // 2
                    used = 2
                else:
                    offset = body[0] | body[1] << 8 | body[2] << 16 | body[3] << 24
                    used = 4
                expand(offset, length)
                position += 2 + used
            else:
                raise ValueError("unknown segment")
            segments = None if segments is None else segments - 1

    expand(0, None)
    return table


def _shrink_palette(palette: np.ndarray, bits: int) -> np.ndarray:
    """The palette as uint8 where its entries use only 8 bits."""
    if bits == 8 or palette.max() <= 255:
        # Some files declare 8 bits and store them in the upper byte.
        return (palette >> 8 if palette.max() > 255 else palette).astype(np.uint8)
    return reduce_to_eight_bits(palette)


def reduce_to_eight_bits(palette: np.ndarray) -> np.ndarray:
    """A uint16 palette as uint8 where its lower bytes are 0 or repeat the upper ones, else unchanged."""
    low, high = palette & 0xFF, palette >> 8
    return high.astype(np.uint8) if not low.any() or (low == high).all() else palette
