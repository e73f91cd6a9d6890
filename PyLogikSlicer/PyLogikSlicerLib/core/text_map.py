"""TextMap: the text regions of a stack, and the proof that every frame was examined."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Literal

from .geometry import Box, Polygon, bounding_box

Decision = Literal["redact", "keep"]


@dataclass(frozen=True)
class Region:
    """One piece of text: where it is, when, what it says, who found it, and what is to be done with it.

    ``polygon`` is a sequence of (x, y) corners in pixels of the source frame, x right, y down, pixel edges at integers:
    the half-open box (x0, y0, x1, y1) has the corners (x0, y0), (x1, y0), (x1, y1), (x0, y1). ``frame_first`` and
    ``frame_last`` are both included. ``readings`` are the different texts that were read there over time, none of them empty.
    ``engine`` names the reader and the detection pass, e.g. ``ppocr x2``.
    """

    polygon: Polygon
    frame_first: int
    frame_last: int
    readings: tuple[str, ...] = ()
    confidence: float = 0.0
    engine: str = ""
    reason: str = ""
    decision: Decision = "redact"

    @property
    def text(self) -> str:
        """All readings in one line, for people and tables; a reading may hold a bar itself, so this is never split again."""
        return " | ".join(self.readings)

    @property
    def box(self) -> Box:
        """The smallest half-open box of whole pixels that holds the polygon."""
        return bounding_box(self.polygon)

    def covers(self, frame: int) -> bool:
        return self.frame_first <= frame <= self.frame_last

    def decided(self, decision: Decision, reason: str | None = None) -> Region:
        return replace(self, decision=decision, reason=self.reason if reason is None else reason)


class CoverageKind(enum.Enum):
    """How much of a frame was examined; ``report.json`` counts frames by these values."""

    NONE = "none"
    WHOLE = "whole"
    CHANGED = "changed"
    UNCHANGED = "unchanged"


@dataclass(frozen=True)
class Coverage:
    """How a frame was examined: as a whole, where it differs from the frames before, or not at all since nothing in it changed.

    ``share`` is the part of the frame's area that was looked at, 0 to 1, in whole percent. :attr:`CoverageKind.NONE` is a frame that was
    left out, and must not be published.
    """

    kind: CoverageKind
    share: float = 0.0

    @classmethod
    def of_share(cls, share: float) -> Coverage:
        """The coverage of a frame of which this share was looked at; parts that overlap count twice, so that it may exceed 1."""
        if share >= 1:
            return cls(CoverageKind.WHOLE, 1.0)
        return cls(CoverageKind.CHANGED, round(share, 2)) if share > 0 else cls(CoverageKind.UNCHANGED)


@dataclass(frozen=True)
class TextMap:
    """Regions, and for every frame of the stack how it was examined."""

    regions: tuple[Region, ...] = ()
    coverage: tuple[Coverage, ...] = field(default_factory=tuple)

    @property
    def frames_examined(self) -> int:
        return sum(coverage.kind is not CoverageKind.NONE for coverage in self.coverage)

    def on_frame(self, frame: int, decision: Decision = "redact") -> tuple[Region, ...]:
        return tuple(region for region in self.regions if region.decision == decision and region.covers(frame))

    def with_regions(self, regions: Iterable[Region]) -> TextMap:
        return replace(self, regions=tuple(regions))
