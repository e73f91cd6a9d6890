"""How a viewer shows stored grey values: modality LUT, VOI window or LUT, and MONOCHROME1, as one table.

Sources: PS3.3 C.11.1 (modality), C.11.2 (VOI LUT and windows, LINEAR, LINEAR_EXACT and SIGMOID), C.11.4 and C.11.6
(presentation), C.7.6.16.2.9 and C.7.6.16.2.10 (the same in functional groups of enhanced multi-frame images).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from pydicom.dataset import Dataset

from ..stack import Display
from .image_pixel import ImagePixel


@dataclass(frozen=True)
class Window:
    """WindowCenter, WindowWidth and VOILUTFunction, in the units that the modality LUT gives."""

    center: float
    width: float
    function: str

    @property
    def ends(self) -> tuple[float, float]:
        """Where the ramp starts and ends; a sigmoid is taken as the ramp of the same width."""
        if self.function == "LINEAR":
            half = (self.width - 1) / 2
            return self.center - 0.5 - half, self.center - 0.5 + half
        return self.center - self.width / 2, self.center + self.width / 2

    def levels(self, values: np.ndarray) -> np.ndarray:
        """Grey levels 0..255, not yet rounded."""
        if self.function == "SIGMOID":
            return 255 / (1 + np.exp(np.clip(-4 * (values - self.center) / self.width, -50, 50)))
        low, high = self.ends
        if high <= low:
            return np.where(values > low, 255.0, 0.0)
        return np.clip((values - low) * (255 / (high - low)), 0, 255)


def grey_display(header: Dataset, pixel: ImagePixel, bits: int) -> Display:
    """The display of grey frames whose stored values have ``bits`` bits.

    One table over all possible stored values; for more than 16 bits and floating point a linear window; and where the
    header has neither window nor LUT, 8-bit values are shown as they are and others over the frame's own range. The
    first of several windows counts, a VOI LUT comes before a window, and enhanced images take the shared or else the
    first frame's. What in the header makes no sense is ignored: the display only serves to look.
    """
    inverted = pixel.photometric == "MONOCHROME1" or _text(header, "PresentationLUTShape") == "INVERSE"
    slope, intercept = _rescale(header)
    modality_lut, voi_lut, window = _lut(header, "ModalityLUTSequence"), _lut(header, "VOILUTSequence"), _window(header)
    if pixel.dtype == "f" or bits > 16:
        return _ramp(window, slope, intercept, inverted)
    first = -(1 << (bits - 1)) if pixel.signed else 0
    values = np.arange(first, first + (1 << bits), dtype=np.float64)
    values = modality_lut.values(values) if modality_lut else values * slope + intercept
    if voi_lut:
        levels = voi_lut.levels(values)
    elif window:
        levels = window.levels(values)
    elif bits > 8 and not modality_lut:
        return Display(inverted=inverted != (slope < 0))
    else:
        levels = (values - values.min()) * (255 / max(np.ptp(values), 1e-12))
    table = np.rint(levels).astype(np.uint8)
    return Display(table=255 - table if inverted else table, first=first, inverted=inverted != (slope < 0))


def _ramp(window: Window | None, slope: float, intercept: float, inverted: bool) -> Display:
    if window is None:
        return Display(inverted=inverted != (slope < 0))
    low, high = ((end - intercept) / slope for end in window.ends)
    return Display(window=(min(low, high), max(low, high)), inverted=inverted != (slope < 0))


@dataclass(frozen=True)
class _Lut:
    table: np.ndarray
    first: int

    def values(self, inputs: np.ndarray) -> np.ndarray:
        index = np.clip(np.rint(inputs).astype(np.int64) - self.first, 0, len(self.table) - 1)
        return self.table[index]

    def levels(self, inputs: np.ndarray) -> np.ndarray:
        """Over the LUT's own range: what it says of its bits is often more than it fills, and dark text is overlooked."""
        low, high = self.table.min(), self.table.max()
        return (self.values(inputs) - low) * (255 / max(high - low, 1))


def _lut(header: Dataset, keyword: str) -> _Lut | None:
    """The first item of a LUT sequence, or None where there is none that makes sense."""
    try:
        item = _with_functional_groups(header, keyword, "FrameVOILUTSequence")[keyword].value[0]
        entries, first, _ = (int(value) for value in item["LUTDescriptor"].value)
        entries = entries % 65536 or 65536
        data = item["LUTData"].value
        if isinstance(data, bytes):
            order = "<" if header.original_encoding[1] is not False else ">"
            data = np.frombuffer(data, np.uint8 if len(data) < 2 * entries else f"{order}u2")
        table = np.asarray(data, np.float64).ravel()[:entries]
        return _Lut(table, first) if len(table) else None
    except Exception:
        return None  # pydicom raises all kinds; without the table a window or the full range is shown, and what it clips is examined too


def _window(header: Dataset) -> Window | None:
    source = _with_functional_groups(header, "WindowCenter", "FrameVOILUTSequence")
    function = _text(source, "VOILUTFunction") or "LINEAR"
    center, width = _number(source, "WindowCenter"), _number(source, "WindowWidth")
    if center is None or width is None or width <= 0 or (function == "LINEAR" and width < 1):
        return None
    return Window(center, width, function if function in ("LINEAR_EXACT", "SIGMOID") else "LINEAR")


def _rescale(header: Dataset) -> tuple[float, float]:
    source = _with_functional_groups(header, "RescaleSlope", "PixelValueTransformationSequence")
    return _number(source, "RescaleSlope") or 1.0, _number(source, "RescaleIntercept") or 0.0


def _with_functional_groups(header: Dataset, keyword: str, group: str) -> Dataset:
    """Where ``keyword`` is: the header itself, or the shared or first frame's functional group."""
    if keyword in header:
        return header
    for sequence in ("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"):
        for item in (header.get(sequence) or [])[:1]:
            for macro in (item.get(group) or [])[:1]:
                if keyword in macro:
                    return macro
    return header


def _number(source: Dataset, keyword: str) -> float | None:
    try:
        value = source.get(keyword)
        number = float(value if isinstance(value, (int, float, str)) else value[0])
        return number if np.isfinite(number) else None
    except Exception:
        return None  # as if it were absent: a window that nobody can parse is none, and the full range is shown


def _text(source: Dataset, keyword: str) -> str:
    try:
        return str(source.get(keyword) or "").strip().upper()
    except Exception:
        return ""  # as if it were absent
