"""From stored values to the pixels of an output format: exactly where the format allows it, with what it takes to go back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..core.stack import Display, ImageStack


@dataclass(frozen=True)
class Rendering:
    """How stored grey values become output pixels. Color and values of 8 bits stay as they are.

    ``exact``: the stored value follows from the output pixel, which is ``(value - offset) << shift`` (``(offset - value) << shift`` where
    the image is shown inverted): values are spread over 16 bits so that a viewer shows something. Otherwise the output is the 8-bit image
    that a person sees (``shown``) or, for a range that 16 bits do not hold, the nearest of 65,536 steps of ``step``. ``displays``: one for
    all frames, or one for each.
    """

    displays: tuple[Display, ...]
    exact: bool
    shown: bool
    color: bool
    inverted: bool = False
    offset: float = 0
    shift: int = 0
    step: float = 1.0
    eight_bit: bool = False

    def render(self, frame: np.ndarray, number: int = 0) -> np.ndarray:
        """Frame ``number`` in output pixels, uint8 or uint16, without masks; a new array, or the frame itself."""
        if self.shown:
            return self.displays[number if len(self.displays) > 1 else 0].show(frame)
        if self.color:
            return frame
        if frame.dtype.kind == "f" or self.step != 1.0:
            steps = (frame.astype(np.float64) - self.offset) / (-self.step if self.inverted else self.step)
            return np.clip(np.rint(np.nan_to_num(steps)), 0, 65535).astype(np.uint16)
        values = frame.astype(np.int64) - int(self.offset)
        values = -values if self.inverted else values
        return values.astype(np.uint8) if self.eight_bit else (values << self.shift).astype(np.uint16)

    @property
    def report(self) -> dict:
        """The entry of report.json that tells how to get from output pixels back to stored values."""
        if self.shown or self.color:
            return {"exact": self.exact}
        return {"exact": self.exact, "offset": self.offset, "shift": self.shift, "step": self.step, "inverted": self.inverted}


def rendering_for(stack: ImageStack, value_range: tuple[float, float], shown: bool) -> Rendering:
    """The rendering of a stack whose values lie in ``value_range`` (low, high); ``shown``: for formats of 8 bits, what a person sees."""
    color, displays = stack.channels == 3, stack.frame_displays or (stack.display,)
    if shown:
        exact = stack.whole and stack.dtype == np.uint8 and all(_is_identity(stack, display) for display in displays)
        return Rendering(displays, exact=exact, shown=True, color=color)
    if color:
        return Rendering(displays, exact=stack.whole, shown=False, color=True)
    low, high = value_range if np.isfinite(value_range[0]) else (0.0, 0.0)
    inverted = displays[0].inverted
    if stack.dtype == np.uint8:
        return Rendering(displays, stack.whole, False, False, inverted, offset=255 if inverted else 0, eight_bit=True)
    offset, span = (high if inverted else low), high - low
    if stack.dtype.kind != "f" and span <= 65535:
        shift = 16 - max(int(span).bit_length(), 1)
        return Rendering(displays, stack.whole, False, False, inverted, offset=int(offset), shift=shift)
    return Rendering(displays, False, False, False, inverted, offset=offset, step=span / 65535 or 1.0)


def _is_identity(stack: ImageStack, display: Display) -> bool:
    """Whether 8-bit pixels are shown as they are."""
    levels = np.arange(256, dtype=np.uint8)[None]
    return stack.channels == 3 or bool((display.show(levels) == levels).all())
