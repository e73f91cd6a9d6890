"""The region of interest of the variant deid-us: the displayed ultrasound data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np

from ..core.errors import NoRegionFound
from ..core.geometry import CENTER_TO_EDGE, Box, to_pixel_edges
from ..core.projections import Composites
from ..core.stack import Header
from . import evidence
from .arrangement import Arrangement, FitInput, Part, arrange, arrange_in_boxes, fit_part
from .depth import extend_depth
from .geometry import Field
from .region import Roi, make_roi, rasterize

# Diagonal in pixels to which a frame is reduced for the search.
_COARSE = 550
# Difference of scores up to which the second best explanation is also fitted at full resolution.
_WITHIN = 0.1
# Bonus on the score of fields in the boxes that the header declares.
_TRUST = 0.05
# RegionSpatialFormat (0018,6012) of regions with displayed data: 2D, M-mode, spectral.
_DISPLAYS = (1, 2, 3)
# Share of the echo below which a component gets no hull.
_SPECK = 0.01
# Share of the echo, and of the moving pixels, that the fitted shapes must contain.
_ENOUGH = 0.9
# The least area of a declared box, as a share of the frame.
_SMALLEST_BOX = 0.01
# The largest share of a declared box that may lie within a larger one.
_LARGEST_OVERLAP = 0.2
# The largest distance of an outline from the border that supports it, pixels of the full frame.
_SLACK = 2.5


def find_ultrasound_region(composites: Composites, text: np.ndarray, threshold: int, header: Header) -> Roi:
    """The region of the displayed ultrasound data of a stack; see :func:`PyLogikSlicerLib.roi.find_roi`."""
    moving = evidence.moving_echo(composites, text)
    return to_roi(explain(composites, text, moving, threshold, declared_boxes(header, text.shape)), moving)


def declared_boxes(header: Header, shape: tuple[int, int]) -> list[Box]:
    """The boxes of the header's ultrasound regions with displayed data, without small ones and those that overlap a larger one."""
    rows, columns = shape
    clipped = (item.box.clip(rows, columns) for item in header.ultrasound_regions if item.spatial_format in _DISPLAYS)
    boxes = {box for box in clipped if box is not None and box.area > _SMALLEST_BOX * rows * columns}
    largest_first = sorted(boxes, key=lambda box: box.area, reverse=True)
    return [
        box for i, box in enumerate(largest_first) if all(box.overlap(other) < _LARGEST_OVERLAP * box.area for other in largest_first[:i])
    ]


@dataclass(frozen=True)
class Explanation:
    """A segmentation of the echo and the fields that were fitted to it."""

    seen: evidence.Evidence
    fit_input: FitInput
    arrangement: Arrangement

    @property
    def score(self) -> float:
        """The score of the fields, reduced by the doubt about the segmentation."""
        return self.arrangement.score - self.seen.doubt


def explain(composites: Composites, text: np.ndarray, moving: np.ndarray, threshold: int, boxes: Sequence[Box]) -> Explanation:
    """The explanation with the highest score of all segmentations of the echo.

    All are fitted at low resolution, and the best two at full resolution. Fields are also fitted in ``boxes``, where the header declares
    displayed data; these get a bonus on their score. Raises NoRegionFound where there is no echo.
    """
    factor = max(1, round(float(np.hypot(*text.shape)) / _COARSE))
    unknown = cv2.dilate(text.astype(np.uint8), np.ones((5, 5), np.uint8)).astype(bool)
    found = []
    for seen in evidence.segment_echo(composites, text, threshold):
        fit_input = FitInput(seen.echo, unknown, composites.maximum, moving, seen.unit, _SLACK)
        small = fit_input.downsample(factor)
        arrangement = arrange(small)
        if arrangement:
            found.append(Explanation(seen, fit_input, arrangement))
        reduced = [in_small for box in boxes if (in_small := downscale_box(box, factor, small.echo.shape)) is not None]
        claimed = arrange_in_boxes(small, reduced) if reduced else None
        if claimed:
            found.append(Explanation(replace(seen, doubt=seen.doubt - _TRUST), fit_input, claimed))
    if not found:
        raise NoRegionFound("no region found: there is no large area of echo apart from text and screen graphics")
    found.sort(key=lambda item: -item.score)
    promising = [item for item in found[:2] if item.score > found[0].score - _WITHIN]
    best = max((fit_at_full_resolution(item, factor) for item in promising), key=lambda item: item.score)
    parts = [replace(part, fit=replace(part.fit, field=extend_part(part, best.seen.faint))) for part in best.arrangement.parts]
    return replace(best, arrangement=replace(best.arrangement, parts=tuple(parts)))


def extend_part(part: Part, faint: np.ndarray) -> Field:
    """The field of a part, extended along faint echo, at most to the end of the part's box."""
    x0, y0 = part.box[:2]
    return extend_depth(part.fit.field.translate(-x0, -y0), faint[part.box.slices], part.echo).translate(x0, y0)


def fit_at_full_resolution(found: Explanation, factor: int) -> Explanation:
    """The same explanation with its fields fitted at full resolution; ``factor`` is that of the low resolution."""
    parts = []
    for part in found.arrangement.parts:
        fit_input = found.fit_input
        box = upscale_box(part.box, factor, fit_input.echo.shape)
        near = cv2.dilate(part.echo.astype(np.uint8), np.ones((3, 3), np.uint8))
        near = cv2.resize(near, (box.width, box.height), interpolation=cv2.INTER_NEAREST).astype(bool)
        echo = np.zeros_like(fit_input.echo)
        echo[box.slices] = near
        parts.append(fit_part(replace(fit_input, echo=fit_input.echo & echo), box))
    return replace(found, arrangement=replace(found.arrangement, parts=tuple(parts)))


def downscale_box(box: Box, factor: int, shape: tuple[int, int]) -> Box | None:
    """A box of the full frame in coordinates of the reduced one, whose (rows, columns) are ``shape``.

    None for a box in the last columns or rows, fewer than ``factor``, which the reduced frame leaves out.
    """
    return Box(box.x0 // factor, box.y0 // factor, -(-box.x1 // factor), -(-box.y1 // factor)).clip(*shape)


def upscale_box(box: Box, factor: int, shape: tuple[int, int]) -> Box:
    """A box of the reduced frame in coordinates of the full one, whose (rows, columns) are ``shape``.

    A box that ends at the edge of the reduced frame ends at that of the full frame, also where the factor does not divide its size.
    """
    rows, columns = shape
    x0, y0, x1, y1 = (factor * value for value in box)
    right, bottom = columns // factor * factor, rows // factor * factor
    return Box(x0, y0, columns if x1 == right else x1, rows if y1 == bottom else y1)


def to_roi(found: Explanation, moving: np.ndarray) -> Roi:
    """The fitted shapes as a region; the convex hulls of echo and moving pixels where the shapes contain too few of either."""
    rows, columns = found.fit_input.echo.shape
    parts = found.arrangement.parts
    echo = np.zeros((rows, columns), bool)
    for part in parts:
        echo[part.box.slices] |= part.echo
    fits = [part.fit for part in parts]
    outlines = [fit.field.outline() for fit in fits]
    kept = rasterize(outlines, rows, columns)
    source = f"echo from {found.seen.source}"
    for what, mask in (("displayed echo", echo), ("moving pixels", moving)):
        share = float((kept & mask).sum() / max(int(mask.sum()), 1))
        if mask.any() and share < _ENOUGH:
            note = f"hull of the echo: the fitted shape holds only {share:.0%} of the {what}"
            polygons = [to_pixel_edges(outline) for outline in hulls(echo | moving)]
            hull = {"kind": "hull", "corners": [polygon.tolist() for polygon in polygons]}
            return make_roi("hull", hull, polygons, rows, columns, (source, note))
    notes = tuple(f"{fit.field.kind}: {fit.support:.0%} of the outline on a border, residual {fit.residual:.1f} px" for fit in fits)
    shapes = [fit.field.translate(CENTER_TO_EDGE, CENTER_TO_EDGE).as_json() for fit in fits]
    shape: Mapping[str, Any] = shapes[0] if len(shapes) == 1 else {"kind": "multiple", "fields": shapes}
    return make_roi(str(shape["kind"]), shape, [to_pixel_edges(outline) for outline in outlines], rows, columns, (source, *notes))


def hulls(mask: np.ndarray) -> list[np.ndarray]:
    """The convex hull of each connected component; those below a hundredth of the mask's area are left out."""
    contours, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    large = [contour for contour in contours if cv2.contourArea(contour) >= _SPECK * mask.sum()]
    return [cv2.convexHull(contour)[:, 0].astype(float) for contour in large or contours]
