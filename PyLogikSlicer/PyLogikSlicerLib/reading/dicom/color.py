"""Colour to RGB, exactly once: YBR in all its DICOM kinds, and palettes (PS3.3 C.7.6.3.1.2 and C.7.9)."""

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
        ``(rows, columns, 3)`` unsigned, ``bits`` of each are meant.
    photometric
        The colour space that the samples are in.

    Returns
    -------
    numpy.ndarray
        RGB, uint8 for up to 8 bits, else uint16 over its full range: fewer than 16 bits are scaled up by repeating the
        upper bits below, of 32 bits the upper 16 remain.
    """
    full = _full_range(samples, bits)
    if photometric in ("RGB", "YBR_ICT", "YBR_RCT"):
        # ICT and RCT exist only inside JPEG 2000, and its decoder has undone them.
        return full
    if photometric in ("YBR_FULL", "YBR_FULL_422"):
        crossed = np.empty(full.shape, full.dtype)
        cv2.mixChannels([np.ascontiguousarray(full)], [crossed], [0, 0, 1, 2, 2, 1])  # OpenCV has Cr before Cb
        return cv2.cvtColor(crossed, cv2.COLOR_YCrCb2RGB)
    if photometric in ("YBR_PARTIAL_422", "YBR_PARTIAL_420"):
        return _rgb_from_partial(full)
    raise UnreadableInput("this PhotometricInterpretation is not supported: convert the image to RGB")


def upsampled_422(flat: np.ndarray, rows: int, columns: int) -> np.ndarray:
    """Y Y Cb Cr pairs of a native frame as ``(rows, columns, 3)``; each chrominance sample serves two pixels."""
    pairs = flat.reshape(rows, columns // 2, 4)
    samples = np.empty((rows, columns, 3), flat.dtype)
    samples[:, 0::2, 0], samples[:, 1::2, 0] = pairs[..., 0], pairs[..., 1]
    samples[:, 0::2, 1:], samples[:, 1::2, 1:] = pairs[..., 2:], pairs[..., 2:]
    return samples


def palette_of(header: Dataset) -> tuple[np.ndarray, int]:
    """The palette ``(entries, 3)`` and the stored value of its first entry.

    uint8 where 16-bit entries carry no more than 8 bits (in their upper or lower byte), else uint16.

    Raises
    ------
    UnreadableInput
        The palette is missing or its parts do not fit together.
    """
    try:
        descriptors = [_descriptor(header, color) for color in _COLORS]
        tables = [_entries(header, color, *descriptor) for color, descriptor in zip(_COLORS, descriptors, strict=True)]
    except (KeyError, ValueError, TypeError, IndexError):
        raise UnreadableInput("the colour palette is missing or damaged") from None
    length = max(len(table) for table in tables)
    palette = np.stack([np.pad(table, (0, length - len(table)), mode="edge") for table in tables], axis=-1)
    return _eight_bits_if_no_more(palette, descriptors[0][2]), descriptors[0][1]


def colors_of_all_values(palette: np.ndarray, first: int, bits: int, signed: bool) -> np.ndarray:
    """The colour of each stored value in the order of its bit pattern; beyond the palette's ends that of the end."""
    values = np.arange(1 << bits, dtype=np.int64)
    if signed:
        values -= (values >> (bits - 1)) << bits
    return palette[np.clip(values - first, 0, len(palette) - 1)]


def has_supplemental_palette(header: Dataset) -> bool:
    """Whether grey values from some one on are shown in color (PS3.3 C.7.6.19, color range)."""
    return "RedPaletteColorLookupTableDescriptor" in header and str(header.get("PixelPresentation") or "").strip().upper() != "MONOCHROME"


def supplemented_colors(header: Dataset, display: Display, bits: int, signed: bool) -> np.ndarray:
    """uint8 RGB of each stored value in the order of its bit pattern: grey as ``display`` shows it, from the palette's first value on
    the palette's colors.

    Raises
    ------
    UnreadableInput
        The palette is damaged.
    """
    palette, start = palette_of(header)
    if palette.dtype != np.uint8:
        palette = (palette >> 8).astype(np.uint8)
    values = np.arange(1 << bits, dtype=np.int64)
    if signed:
        values -= (values >> (bits - 1)) << bits
    grey = display.show(values.astype(np.int32)[None])[0]
    colors = np.repeat(grey[:, None], 3, axis=1)
    supplemental = (values >= start) & (values < start + len(palette))
    colors[supplemental] = palette[values[supplemental] - start]
    return colors


def _full_range(samples: np.ndarray, bits: int) -> np.ndarray:
    if bits <= 8:
        values = samples.astype(np.uint8, copy=False)
        return values if bits == 8 else (values.astype(np.uint16) * 255 // (2**bits - 1)).astype(np.uint8)
    if bits <= 16:
        values = samples.astype(np.uint16, copy=False)
        return values if bits == 16 else (values << (16 - bits)) | (values >> (2 * bits - 16))
    return (samples.astype(np.uint32, copy=False) >> (bits - 16)).astype(np.uint16)


def _rgb_from_partial(full: np.ndarray) -> np.ndarray:
    """CCIR 601 (studio range): black is 16 and white 235 of 255."""
    top = np.float32(np.iinfo(full.dtype).max)
    y, cb, cr = np.moveaxis(full.astype(np.float32) * (255 / top), -1, 0)
    y, cb, cr = 1.164384 * (y - 16), cb - 128, cr - 128
    rgb = np.stack([y + 1.596027 * cr, y - 0.391762 * cb - 0.812968 * cr, y + 2.017232 * cb], axis=-1)
    return np.clip(np.rint(rgb * (top / 255)), 0, top).astype(full.dtype)


def _descriptor(header: Dataset, color: str) -> tuple[int, int, int]:
    entries, first, bits = (int(value) for value in header[f"{color}PaletteColorLookupTableDescriptor"].value)
    entries = entries % 65536 or 65536  # 0 stands for 65536, which does not fit the element; read as SS it may be negative
    if bits not in (8, 16):
        raise ValueError("a palette has 8 or 16 bits")
    return entries, first, bits


def _entries(header: Dataset, color: str, entries: int, first: int, bits: int) -> np.ndarray:
    order = "<" if header.original_encoding[1] is not False else ">"
    if f"{color}PaletteColorLookupTableData" in header:
        data = bytes(header[f"{color}PaletteColorLookupTableData"].value)
        # 8-bit entries come packed two to a word, or, against the standard, one to a word.
        wide = bits == 16 or len(data) >= 2 * entries
        table = np.frombuffer(data[: len(data) // 2 * 2], f"{order}u2") if wide else _packed(data, order)
    else:
        data = bytes(header[f"Segmented{color}PaletteColorLookupTableData"].value)
        words = np.frombuffer(data, f"{order}u2") if bits == 16 else np.frombuffer(data, np.uint8)
        table = np.array(_expanded_segments([int(word) for word in words], bits), np.uint16)
    if len(table) == 0:
        raise ValueError("empty palette")
    return table[:entries].astype(np.uint16)


def _packed(data: bytes, order: str) -> np.ndarray:
    table = np.frombuffer(data, np.uint8)
    return table.reshape(-1, 2)[:, ::-1].ravel() if order == ">" and len(table) % 2 == 0 else table


def _expanded_segments(words: list[int], bits: int) -> list[int]:
    """Segmented palette data (PS3.3 C.7.9.2): discrete, linear and indirect segments.

    An indirect segment repeats earlier ones: its offset counts bytes from the start of the data.
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


def _eight_bits_if_no_more(palette: np.ndarray, bits: int) -> np.ndarray:
    if bits == 8 or palette.max() <= 255:
        # Declared as 8 bits but filled in the upper byte happens too.
        return (palette >> 8 if palette.max() > 255 else palette).astype(np.uint8)
    return reduce_to_eight_bits(palette)


def reduce_to_eight_bits(palette: np.ndarray) -> np.ndarray:
    """A uint16 palette as uint8 where its lower bytes say nothing of their own, else as it is."""
    low, high = palette & 0xFF, palette >> 8
    return high.astype(np.uint8) if not low.any() or (low == high).all() else palette
