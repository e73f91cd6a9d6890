"""TextLine: one line of text in one image, merged from the detections of several passes."""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace

from ..core.geometry import Box, Polygon, bounding_box, scale_polygon, translate_polygon


@dataclass(frozen=True)
class TextLine:
    """A line of text, or a candidate for one until it was accepted (:mod:`.acceptance`).

    Attributes
    ----------
    polygon
        As in :class:`~PyLogikSlicerLib.core.text_map.Region`, with padding around the ink.
    found_by
        Reader and pass of each detection, e.g. ``ppocr x2``, the one with the highest score first.
    conclusive
        One of the detections, or two that are certain but coarse, count as text without the others.
    by_word_reader
        A reader whose granularity is words is among those that detected it.
    """

    polygon: Polygon
    found_by: tuple[str, ...]
    conclusive: bool = False
    by_word_reader: bool = True

    @functools.cached_property
    def box(self) -> Box:
        """The smallest half-open box of whole pixels that holds the polygon."""
        return bounding_box(self.polygon)

    @property
    def is_box(self) -> bool:
        """Whether the polygon is an upright box of whole pixels."""
        return self.polygon == self.box.polygon

    def translate(self, x: int, y: int) -> TextLine:
        """The line moved to the right by ``x`` and down by ``y`` pixels."""
        return replace(self, polygon=translate_polygon(self.polygon, x, y))

    def scale(self, factor: float) -> TextLine:
        """The line in an image that is ``factor`` times as large."""
        return replace(self, polygon=scale_polygon(self.polygon, factor)) if factor != 1 else self
