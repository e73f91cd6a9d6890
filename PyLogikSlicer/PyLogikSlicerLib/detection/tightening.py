"""Tightening: boxes of lines end where the visible content ends, so that masks hide the text and little else.

Detectors grow their boxes, or cut letters, and a pass at half the size takes several lines for one. Whatever a reader says,
a box first grows over letters that it cuts, then loses its flat margins, then what overlapping smaller lines hold already; a line of which
nothing is left is dropped.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np

from ..core.channels import max_channel
from ..core.geometry import Box, box_of_pixels, translate_polygon
from ..core.masking import polygon_mask
from .grouping import PADDING
from .text_line import TextLine

# Grey levels between neighboring pixels that nobody can see as a stroke: quantization, and the quiet parts of a JPEG.
FLAT = 8
# Largest side of a letter, in heights of the line; what is larger and crosses the edge of a box is no letter of the line.
MAX_LETTER_SIZE = 1.0
# Share of a letter that must lie in the box for the box to grow over the rest of it.
MIN_SHARE_INSIDE = 0.6


def tighten_lines(lines: Sequence[TextLine], view: np.ndarray) -> list[tuple[TextLine, TextLine]]:
    """Fit lines to what can be seen in them; pairs of (line given, line fitted), in the order given.

    A line is left out when it overlaps lines that are no larger and shows nothing outside them. ``view``: the image that the lines are in,
    uint8 ``(rows, columns[, 3])``.
    """
    content = local_contrast(view) > FLAT
    kept = [(line, _fit_to_content(line, content)) for line in lines]
    for pair in sorted(kept, key=lambda pair: -pair[1].box.area):
        given, fitted = pair
        smaller = [other for _, other in kept if other is not fitted and other.box.area <= fitted.box.area]
        overlapping = [other for other in smaller if other.box.overlap(fitted.box)]
        rest = _subtract(fitted, overlapping, content) if overlapping else fitted
        position = kept.index(pair)
        kept[position : position + 1] = [(given, rest)] if rest is not None else []
    return kept


def local_contrast(view: np.ndarray) -> np.ndarray:
    """By how many grey levels each pixel and its neighbors differ, in the channel where they differ most; uint8 ``(rows, columns)``."""
    window = np.ones((3, 3), np.uint8)
    return max_channel(cv2.subtract(cv2.dilate(view, window), cv2.erode(view, window)))


def _fit_to_content(line: TextLine, content: np.ndarray) -> TextLine:
    """The line's box, grown over letters that it cuts and without its flat margins; rotated and empty lines stay as they are.

    ``content``: bool ``(rows, columns)``, where there is something to see.
    """
    box = line.box.clip(*content.shape)
    if box is None or not line.is_box:
        return line
    return _crop_to_content(line, _grow_over_cut_letters(box, content), content) or line


def _crop_to_content(line: TextLine, box: Box, content: np.ndarray) -> TextLine | None:
    """The line with the smallest box within ``box`` that holds all content there, padded; None where there is no content."""
    inside = box_of_pixels(content[box.slices])
    if inside is None:
        return None
    cropped = inside.translate(box.x0, box.y0).enlarge(PADDING).intersection(box)
    return replace(line, polygon=cropped.polygon) if cropped else None


def _grow_over_cut_letters(box: Box, content: np.ndarray) -> Box:
    """The smallest box that holds ``box``, which lies in the image, and all of each letter that its edge cuts.

    A letter is a connected piece of content, no larger than the line is high, that lies mostly in the box and ends within one height of it.
    """
    around = box.enlarge(box.height).clip(*content.shape)
    assert around is not None, "the box lies in the image"
    inner = box.translate(-around.x0, -around.y0)
    _, _, stats, _ = cv2.connectedComponentsWithStats(content[around.slices].astype(np.uint8), connectivity=8)
    grown = inner
    for x, y, width, high, _ in stats[1:].tolist():
        piece = Box(x, y, x + width, y + high)
        ends_nearby = min(x, y) > 0 and piece.x1 < around.width and piece.y1 < around.height
        is_small = max(width, high) <= MAX_LETTER_SIZE * box.height
        if ends_nearby and is_small and piece.overlap(inner) >= MIN_SHARE_INSIDE * width * high:
            grown = grown.union(piece)
    return grown.translate(around.x0, around.y0)


def _subtract(line: TextLine, others: Sequence[TextLine], content: np.ndarray) -> TextLine | None:
    """The line's box around the content that only it holds, and not ``others``; None where there is none. A rotated line is not cut."""
    box = line.box.clip(*content.shape)
    if box is None:
        return None
    own, of_others = (
        polygon_mask([translate_polygon(one.polygon, -box.x0, -box.y0) for one in which], box.height, box.width)
        for which in ([line], others)
    )
    only_here = np.zeros(content.shape, bool)
    only_here[box.slices] = own & ~of_others & content[box.slices]
    if not line.is_box:
        return line if only_here.any() else None
    return _crop_to_content(line, box, only_here)
