"""ImageStack: the frames of one image as decoded, what a viewer does to show them, and what its header says.

Arrays are ``(rows, columns)`` or ``(rows, columns, 3)`` RGB. Coordinates are pixels of the stored frame, x right, y down;
pixel ``(x, y)`` covers ``[x, x + 1) x [y, y + 1)``, and boxes ``(x0, y0, x1, y1)`` are half-open.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

import numpy as np

from .geometry import Box

# Percent of the values at either end that may be outliers.
_OUTLIER_PERCENT = 1.0
# Distance of an outlier from the other values, in multiples of their range.
_OUTLIER_DISTANCE = 1.0


@dataclass(frozen=True)
class Display:
    """How stored grey values are shown, kept beside the pixels (DICOM PS3.3 C.11.1, C.11.2, C.7.6.3.1.2).

    ``table`` holds the 8-bit grey level of each integer value from ``first`` on: modality LUT, VOI window or LUT and
    MONOCHROME1 in one. Values beyond its ends take the level of the end. Where there is no table (floating point,
    more than 16 bits), ``window`` = (low, high) maps linearly to 0..255, and ``None`` takes the frame's own range without its
    outliers. ``padding`` = (low, high): values from low to high stand for no image at all (PixelPaddingValue) and do not count for
    that range. Color is shown as it is, by its upper 8 bits.
    """

    table: np.ndarray | None = None
    first: int = 0
    window: tuple[float, float] | None = None
    inverted: bool = False
    padding: tuple[float, float] | None = None

    def show(self, frame: np.ndarray) -> np.ndarray:
        """The frame as a person sees it: uint8, same rows and columns; the input is not changed."""
        if frame.ndim == 3:
            return _upper_byte(frame)
        if self.table is not None:
            index = np.clip(frame.astype(np.int64) - self.first, 0, len(self.table) - 1)
            return self.table[index]
        if self.window is None and frame.dtype == np.uint8:
            return 255 - frame if self.inverted else frame
        low, high = self.window or _range_without_outliers(frame, self.padding)
        return _linear(frame, low, high, self.inverted)


@dataclass(frozen=True)
class UltrasoundRegion:
    """One item of SequenceOfUltrasoundRegions (0018,6011): evidence of what is shown where, not proof.

    ``box`` is half-open in pixels of the frame; ``spatial_format`` and ``data_type`` are RegionSpatialFormat (1 = 2D,
    2 = M-mode, 3 = spectral ...) and RegionDataType (1 = tissue, 2 = colour flow ...).
    """

    box: Box
    spatial_format: int
    data_type: int


@dataclass(frozen=True)
class Grid:
    """Where the frames of a volume lie in space. ``slices``: how many frames, one behind the other, are one volume. ``affine``:
    ``(4, 4)``, from (column, row, slice) indices of voxel centers to mm, x to the patient's left, y to the back, z up (LPS)."""

    slices: int
    affine: np.ndarray


@dataclass(frozen=True)
class Reread:
    """A frame as another decoder gives it. ``lossy``: the codec leaves decoders some freedom, so that samples may differ a little."""

    number: int
    frame: np.ndarray
    lossy: bool = False


@dataclass(frozen=True)
class WrittenName:
    """A person's name in DICOM's notation, ``Family^Given^Middle=ideographic=phonetic``.

    ``readings``: first the name in the character set that the file declares, then, where its bytes can be letters in others, what
    it would be there. ``certain``: the first one is no guess.
    """

    readings: tuple[str, ...]
    certain: bool = True


@dataclass(frozen=True)
class Header:
    """What the source says about itself. ``identifying`` maps a DICOM keyword to the values that could be burned in, ``persons``
    those of them that are persons to their whole names."""

    identifying: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    persons: Mapping[str, tuple[WrittenName, ...]] = field(default_factory=lambda: MappingProxyType({}))
    modality: str = ""
    manufacturer: str = ""
    model: str = ""
    ultrasound_regions: tuple[UltrasoundRegion, ...] = ()


@dataclass(frozen=True)
class ImageStack:
    """One image: how to decode its frames, anew each time and one at a time, and what is known about them.

    ``decode()`` yields ``frame_count`` arrays of ``(rows, columns[, 3])`` and ``dtype``; it raises
    :class:`~PyLogikSlicerLib.core.errors.UnreadableInput` when a frame cannot be decoded, and it never yields fewer.
    ``source`` is the file the frames come from (the first one of several), for the crosswalk only. ``sources`` are all
    files. ``dropped`` names what the source carries beside its pixels and is never written: overlay planes, bits above
    BitsStored, alpha. ``decode_again()`` yields some of the frames (of a video all) as another decoder gives them, so that a
    decoder's fault does not confirm itself; nothing where there is no other one. ``frame_displays``: one display for each frame
    where they differ. ``whole``: whether the frames hold all bits of the source's samples.
    """

    source: Path
    name: str
    frame_count: int
    rows: int
    columns: int
    channels: int
    dtype: np.dtype
    decode: Callable[[], Iterator[np.ndarray]]
    display: Display = Display()
    header: Header = Header()
    sources: tuple[Path, ...] = ()
    dropped: tuple[str, ...] = ()
    bits: int = 8
    decode_again: Callable[[], Iterator[Reread]] = lambda: iter(())
    frame_displays: tuple[Display, ...] = ()
    whole: bool = True
    grid: Grid | None = None

    def display_of(self, number: int) -> Display:
        """How frame ``number`` is shown."""
        return self.frame_displays[number] if self.frame_displays else self.display

    def frames(self) -> Iterator[np.ndarray]:
        """Decode all frames in order. Shape, type and count are checked; the arrays may be read-only."""
        from .errors import UnreadableInput

        expected = (self.rows, self.columns, 3) if self.channels == 3 else (self.rows, self.columns)
        count = 0
        for frame in self.decode():
            if frame.shape != expected or frame.dtype != self.dtype:
                raise UnreadableInput(
                    f"frame {count} decodes to {frame.shape} {frame.dtype}, the header says {expected} {self.dtype}: the file is damaged"
                )
            yield frame
            count += 1
        if count != self.frame_count:
            raise UnreadableInput(f"{count} of {self.frame_count} frames could be decoded: the file is truncated or damaged")


def _upper_byte(frame: np.ndarray) -> np.ndarray:
    return frame if frame.dtype == np.uint8 else (frame >> 8).astype(np.uint8)


def _finite_range(frame: np.ndarray) -> tuple[float, float]:
    if frame.dtype.kind != "f":
        return float(frame.min()), float(frame.max())
    finite = frame[np.isfinite(frame)]
    return (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)


def _range_without_outliers(frame: np.ndarray, padding: tuple[float, float] | None) -> tuple[float, float]:
    """(low, high) of the values that stand for an image, without outliers.

    One hot pixel, or padding that the header does not declare, would otherwise leave a few grey levels for all other values.
    """
    values = frame[np.isfinite(frame)] if frame.dtype.kind == "f" else frame.ravel()
    if padding is not None:
        values = values[(values < padding[0]) | (values > padding[1])]
    if not values.size:
        return _finite_range(frame)
    low, high = float(values.min()), float(values.max())
    lower, upper = (float(value) for value in np.percentile(values, (_OUTLIER_PERCENT, 100 - _OUTLIER_PERCENT)))
    margin = _OUTLIER_DISTANCE * max(upper - lower, 1.0)
    return max(low, lower - margin), min(high, upper + margin)


def _linear(frame: np.ndarray, low: float, high: float, inverted: bool) -> np.ndarray:
    scaled = (np.nan_to_num(frame.astype(np.float32), nan=low) - low) * (255.0 / max(high - low, 1e-12))
    level = np.clip(np.rint(scaled), 0, 255).astype(np.uint8)
    return 255 - level if inverted else level
