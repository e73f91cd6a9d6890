"""How a viewer shows stored grey values: modality LUT, VOI window or LUT, and MONOCHROME1, as one table.

Sources: PS3.3 C.11.1 (modality), C.11.2 (VOI LUT and windows, LINEAR, LINEAR_EXACT and SIGMOID), C.11.4 and C.11.6
(presentation), C.7.6.16.2.9 and C.7.6.16.2.10 (the same in functional groups of enhanced multi-frame images).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from pydicom.dataset import Dataset

from ...core.stack import Display
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


def grey_displays(header: Dataset, pixel: ImagePixel, bits: int, frame_count: int) -> tuple[Display, ...]:
    """The displays of grey frames whose stored values have ``bits`` bits: one, or one for each frame where they differ.

    One table over all possible stored values; for more than 16 bits and floating point a linear window; and where the
    header has neither window nor LUT, 8-bit values are shown as they are and others over the frame's own range without
    padding and outliers. The first of several windows counts, a VOI LUT comes before a window, and enhanced images take
    each frame's own, or else what all share. What in the header makes no sense is ignored: the display only serves to look.
    """
    frames = _functional_groups(header, frame_count)
    settings = [_settings(header, groups) for groups in frames]
    distinct: list[tuple[_Settings, Display]] = []
    displays = []
    for own in settings:
        known = next((display for other, display in distinct if other == own), None)
        if known is None:
            known = _display(own, pixel, bits, _padding(header))
            distinct.append((own, known))
        displays.append(known)
    return tuple(displays) if len(distinct) > 1 else (displays[0],)


@dataclass(frozen=True)
class _Settings:
    """What of the header decides how a frame is shown. ``inverted`` is MONOCHROME1's, ``slope`` and ``intercept`` the rescale's."""

    inverted: bool
    slope: float
    intercept: float
    modality_lut: _Lut | None
    voi_lut: _Lut | None
    window: Window | None


def _settings(header: Dataset, groups: Sequence[Dataset]) -> _Settings:
    rescale = _where(header, groups, "RescaleSlope", "PixelValueTransformationSequence")
    photometric = str(header.get("PhotometricInterpretation") or "").strip().upper()
    return _Settings(
        inverted=photometric == "MONOCHROME1" or _text(header, "PresentationLUTShape") == "INVERSE",
        slope=_number(rescale, "RescaleSlope") or 1.0,
        intercept=_number(rescale, "RescaleIntercept") or 0.0,
        modality_lut=_lut(header, _where(header, groups, "ModalityLUTSequence", "FrameVOILUTSequence"), "ModalityLUTSequence"),
        voi_lut=_lut(header, _where(header, groups, "VOILUTSequence", "FrameVOILUTSequence"), "VOILUTSequence"),
        window=_window(_where(header, groups, "WindowCenter", "FrameVOILUTSequence")),
    )


def _display(own: _Settings, pixel: ImagePixel, bits: int, padding: tuple[float, float] | None) -> Display:
    inverted = own.inverted != (own.slope < 0)
    if pixel.dtype == "f" or bits > 16:
        return _ramp(own, inverted, padding)
    first = -(1 << (bits - 1)) if pixel.signed else 0
    values = np.arange(first, first + (1 << bits), dtype=np.float64)
    values = own.modality_lut.values(values) if own.modality_lut else values * own.slope + own.intercept
    if own.voi_lut:
        levels = own.voi_lut.levels(values)
    elif own.window:
        levels = own.window.levels(values)
    elif bits > 8 and not own.modality_lut:
        return Display(inverted=inverted, padding=padding)
    else:
        levels = (values - values.min()) * (255 / max(np.ptp(values), 1e-12))
    table = np.rint(levels).astype(np.uint8)
    return Display(table=255 - table if own.inverted else table, first=first, inverted=inverted, padding=padding)


def _ramp(own: _Settings, inverted: bool, padding: tuple[float, float] | None) -> Display:
    if own.window is None:
        return Display(inverted=inverted, padding=padding)
    low, high = ((end - own.intercept) / own.slope for end in own.window.ends)
    return Display(window=(min(low, high), max(low, high)), inverted=inverted, padding=padding)


def _padding(header: Dataset) -> tuple[float, float] | None:
    """The stored values that stand for no image (PS3.3 C.7.5.1.1.2), lowest and highest."""
    value = _number(header, "PixelPaddingValue")
    if value is None:
        return None
    limit = _number(header, "PixelPaddingRangeLimit")
    return (value, value) if limit is None else (min(value, limit), max(value, limit))


def _functional_groups(header: Dataset, frame_count: int) -> list[list[Dataset]]:
    """Of each frame its own functional groups and those that all share; one entry where no frame has its own."""
    shared = list(header.get("SharedFunctionalGroupsSequence") or [])[:1]
    own = list(header.get("PerFrameFunctionalGroupsSequence") or [])
    if len(own) != frame_count:
        return [[*own[:1], *shared]]
    return [[groups, *shared] for groups in own]


def _where(header: Dataset, groups: Sequence[Dataset], keyword: str, macro: str) -> Dataset:
    """The data set that holds ``keyword``: the header itself, or the macro of the first functional group that has it."""
    if keyword in header:
        return header
    for group in groups:
        for item in (group.get(macro) or [])[:1]:
            if keyword in item:
                return item
    return header


@dataclass(frozen=True)
class _Lut:
    """A table of values, the first one for the input ``first``; inputs beyond its ends take the value of the end."""

    table: tuple[float, ...]
    first: int

    def values(self, inputs: np.ndarray) -> np.ndarray:
        index = np.clip(np.rint(inputs).astype(np.int64) - self.first, 0, len(self.table) - 1)
        return np.array(self.table)[index]

    def levels(self, inputs: np.ndarray) -> np.ndarray:
        """Over the LUT's own range: what it says of its bits is often more than it fills, and dark text is overlooked."""
        low, high = min(self.table), max(self.table)
        return (self.values(inputs) - low) * (255 / max(high - low, 1))


def _lut(header: Dataset, source: Dataset, keyword: str) -> _Lut | None:
    """The first item of a LUT sequence, or None where there is none that makes sense."""
    try:
        item = source[keyword].value[0]
        entries, first, _ = (int(value) for value in item["LUTDescriptor"].value)
        entries = entries % 65536 or 65536
        data = item["LUTData"].value
        if isinstance(data, bytes):
            order = "<" if header.original_encoding[1] is not False else ">"
            data = np.frombuffer(data, np.uint8 if len(data) < 2 * entries else f"{order}u2")
        table = np.asarray(data, np.float64).ravel()[:entries]
        return _Lut(tuple(table.tolist()), first) if len(table) else None
    except Exception:
        return None  # pydicom raises all kinds; without the table a window or the full range is shown, and all else is examined too


def _window(source: Dataset) -> Window | None:
    function = _text(source, "VOILUTFunction") or "LINEAR"
    center, width = _number(source, "WindowCenter"), _number(source, "WindowWidth")
    if center is None or width is None or width <= 0 or (function == "LINEAR" and width < 1):
        return None
    return Window(center, width, function if function in ("LINEAR_EXACT", "SIGMOID") else "LINEAR")


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
