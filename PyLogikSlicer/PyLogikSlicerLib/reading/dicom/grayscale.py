"""How stored grey values are displayed: modality LUT, VOI window or LUT, and MONOCHROME1, combined to one table.

Not pydicom's ``apply_voi_lut``: it converts frames, while :class:`~PyLogikSlicerLib.core.stack.Display` needs a table of all stored
values, and it reads neither functional groups nor damaged attributes.

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
    """WindowCenter, WindowWidth and VOILUTFunction, in the unit of the output of the modality LUT."""

    center: float
    width: float
    function: str

    @property
    def ends(self) -> tuple[float, float]:
        """The values shown black and white, between which the display is linear; for a sigmoid those of a line of the same width."""
        if self.function == "LINEAR":
            half = (self.width - 1) / 2
            return self.center - 0.5 - half, self.center - 0.5 + half
        return self.center - self.width / 2, self.center + self.width / 2

    def levels(self, values: np.ndarray) -> np.ndarray:
        """The grey levels 0 to 255 of ``values``, not rounded."""
        if self.function == "SIGMOID":
            return 255 / (1 + np.exp(np.clip(-4 * (values - self.center) / self.width, -50, 50)))
        low, high = self.ends
        if high <= low:
            return np.where(values > low, 255.0, 0.0)
        return np.clip((values - low) * (255 / (high - low)), 0, 255)


def grey_displays(header: Dataset, pixel: ImagePixel, bits: int, frame_count: int) -> tuple[Display, ...]:
    """The displays of grey frames whose stored values have ``bits`` bits: one, or one for each frame where they differ.

    A display is a table over all possible stored values, or a linear window for more than 16 bits and floating point. Where the header
    has neither window nor LUT, 8-bit values are shown unchanged, and others over the frame's own range without padding and outliers.

    The first of several windows is used, and a VOI LUT in preference to a window. Enhanced images have them in the functional groups of
    each frame or in the shared ones. Invalid values in the header are ignored, since they affect only how the image is shown.
    """
    frames = _functional_groups(header, frame_count)
    settings = [_read_settings(header, groups) for groups in frames]
    distinct: list[tuple[_Settings, Display]] = []
    displays = []
    for frame_settings in settings:
        known = next((display for other, display in distinct if other == frame_settings), None)
        if known is None:
            known = _display(frame_settings, pixel, bits, _read_padding(header))
            distinct.append((frame_settings, known))
        displays.append(known)
    return tuple(displays) if len(distinct) > 1 else (displays[0],)


@dataclass(frozen=True)
class _Settings:
    """The values of the header that determine how a frame is displayed.

    ``inverted``: MONOCHROME1 or PresentationLUTShape INVERSE. ``slope`` and ``intercept``: RescaleSlope and RescaleIntercept.
    """

    inverted: bool
    slope: float
    intercept: float
    modality_lut: _Lut | None
    voi_lut: _Lut | None
    window: Window | None


def _read_settings(header: Dataset, groups: Sequence[Dataset]) -> _Settings:
    """The settings of a frame, from the header and the frame's functional groups."""
    rescale = _dataset_with(header, groups, "RescaleSlope", "PixelValueTransformationSequence")
    photometric = str(header.get("PhotometricInterpretation") or "").strip().upper()
    return _Settings(
        inverted=photometric == "MONOCHROME1" or _read_text(header, "PresentationLUTShape") == "INVERSE",
        slope=_read_number(rescale, "RescaleSlope") or 1.0,
        intercept=_read_number(rescale, "RescaleIntercept") or 0.0,
        modality_lut=_read_lut(header, _dataset_with(header, groups, "ModalityLUTSequence", "FrameVOILUTSequence"), "ModalityLUTSequence"),
        voi_lut=_read_lut(header, _dataset_with(header, groups, "VOILUTSequence", "FrameVOILUTSequence"), "VOILUTSequence"),
        window=_read_window(_dataset_with(header, groups, "WindowCenter", "FrameVOILUTSequence")),
    )


def _display(settings: _Settings, pixel: ImagePixel, bits: int, padding: tuple[float, float] | None) -> Display:
    """The display for settings: a table of all stored values, or a linear window."""
    inverted = settings.inverted != (settings.slope < 0)
    if pixel.dtype == "f" or bits > 16:
        return _linear_display(settings, inverted, padding)
    first = -(1 << (bits - 1)) if pixel.signed else 0
    values = np.arange(first, first + (1 << bits), dtype=np.float64)
    values = settings.modality_lut.values(values) if settings.modality_lut else values * settings.slope + settings.intercept
    if settings.voi_lut:
        levels = settings.voi_lut.levels(values)
    elif settings.window:
        levels = settings.window.levels(values)
    elif bits > 8 and not settings.modality_lut:
        return Display(inverted=inverted, padding=padding)
    else:
        levels = (values - values.min()) * (255 / max(np.ptp(values), 1e-12))
    table = np.rint(levels).astype(np.uint8)
    return Display(table=255 - table if settings.inverted else table, first=first, inverted=inverted, padding=padding)


def _linear_display(settings: _Settings, inverted: bool, padding: tuple[float, float] | None) -> Display:
    if settings.window is None:
        return Display(inverted=inverted, padding=padding)
    low, high = ((end - settings.intercept) / settings.slope for end in settings.window.ends)
    return Display(window=(min(low, high), max(low, high)), inverted=inverted, padding=padding)


def _read_padding(header: Dataset) -> tuple[float, float] | None:
    """The lowest and highest stored value that is padding and no image (PS3.3 C.7.5.1.1.2)."""
    value = _read_number(header, "PixelPaddingValue")
    if value is None:
        return None
    limit = _read_number(header, "PixelPaddingRangeLimit")
    return (value, value) if limit is None else (min(value, limit), max(value, limit))


def _functional_groups(header: Dataset, frame_count: int) -> list[list[Dataset]]:
    """For each frame its functional groups and the shared ones; a single entry where the frames have none of their own."""
    shared = list(header.get("SharedFunctionalGroupsSequence") or [])[:1]
    settings = list(header.get("PerFrameFunctionalGroupsSequence") or [])
    if len(settings) != frame_count:
        return [[*settings[:1], *shared]]
    return [[groups, *shared] for groups in settings]


def _dataset_with(header: Dataset, groups: Sequence[Dataset], keyword: str, macro: str) -> Dataset:
    """The data set that holds ``keyword``: the header itself, or else the first item of the sequence ``macro`` of a functional group."""
    if keyword in header:
        return header
    for group in groups:
        for item in (group.get(macro) or [])[:1]:
            if keyword in item:
                return item
    return header


@dataclass(frozen=True)
class _Lut:
    """A table of output values for the inputs from ``first`` on; inputs beyond its ends have the output at the end."""

    table: tuple[float, ...]
    first: int

    def values(self, inputs: np.ndarray) -> np.ndarray:
        """The output values of ``inputs``."""
        index = np.clip(np.rint(inputs).astype(np.int64) - self.first, 0, len(self.table) - 1)
        return np.array(self.table)[index]

    def levels(self, inputs: np.ndarray) -> np.ndarray:
        """The grey levels 0 to 255 of ``inputs``, not rounded.

        The range of the table's values is stretched to 0 to 255: many tables do not use all the bits that they declare, and text would
        be too dark to be found.
        """
        low, high = min(self.table), max(self.table)
        return (self.values(inputs) - low) * (255 / max(high - low, 1))


def _read_lut(header: Dataset, source: Dataset, keyword: str) -> _Lut | None:
    """The first item of a LUT sequence; None where there is none or it is damaged."""
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
        return None  # pydicom raises many kinds of exceptions; without the table, a window or the full range is shown


def _read_window(source: Dataset) -> Window | None:
    """The window in a data set; None where there is none or it is invalid."""
    function = _read_text(source, "VOILUTFunction") or "LINEAR"
    center, width = _read_number(source, "WindowCenter"), _read_number(source, "WindowWidth")
    if center is None or width is None or width <= 0 or (function == "LINEAR" and width < 1):
        return None
    return Window(center, width, function if function in ("LINEAR_EXACT", "SIGMOID") else "LINEAR")


def _read_number(source: Dataset, keyword: str) -> float | None:
    """The first number of an attribute; None where it is absent, invalid or not finite."""
    try:
        value = source.get(keyword)
        number = float(value if isinstance(value, (int, float, str)) else value[0])
        return number if np.isfinite(number) else None
    except Exception:
        return None  # a value that cannot be parsed is treated as absent


def _read_text(source: Dataset, keyword: str) -> str:
    try:
        return str(source.get(keyword) or "").strip().upper()
    except Exception:
        return ""  # a value that cannot be parsed is treated as absent
