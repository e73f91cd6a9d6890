"""Analysis: what was found in one image and decided about it, between finding and writing."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..roi import Roi
    from .text_map import TextMap


@dataclass(frozen=True)
class Analysis:
    """What was found in one image, decided but not applied: a person may change decisions, regions and ROI before it is published.

    ``value_range``: smallest and largest finite stored value of all frames, which the exact formats are scaled by.
    """

    text_map: TextMap
    roi: Roi | None
    value_range: tuple[float, float]
    seconds: dict[str, float] = field(default_factory=dict)
