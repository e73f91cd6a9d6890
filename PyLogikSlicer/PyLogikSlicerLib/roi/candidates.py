"""Candidates: the shapes that may be the region of displayed ultrasound data, from the echo and from the region network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from ..core.geometry import CENTER_TO_EDGE, Box
from ..core.projections import Composites
from . import evidence
from .arrangement import Arrangement, FitInput, Part, arrange, arrange_in_boxes, fit_part
from .depth import extend_depth
from .edges import Border
from .geometry import Field, Outline
from .polish import agreement, polish_field, snap_to_border
from .region import rasterize

# Diagonal in pixels to which a frame is reduced for the search in the echo.
_COARSE = 550
# The same for the search in the region network's mask, whose outline is smooth.
_COARSE_NETWORK = 300
# Pixels of the longer side of the frame in which fields are made to agree with the region network: twice its cells.
_POLISHED_SIDE = 320
# Score of a fit, and its agreement with the region network, from which no other segmentation of the echo is tried.
_CLEAR, _AGREED = 0.85, 0.96
# Difference of scores up to which the second best explanation is also fitted at full resolution.
_WITHIN = 0.1
# Bonus on the score of fields in the boxes that the header declares.
_TRUST = 0.05
# The largest distance of an outline from the border that supports it, pixels of the full frame.
_SLACK = 2.5
# Probability of the region network from which a pixel is displayed data.
DISPLAYED = 0.5
# The least share of the frame for a region from the network alone.
_LEAST_REGION = 0.01
# Share of the largest part of the network's region below which a part is left out.
_SPECK = 0.02
# Distance in pixels that the outline of the network's region may be off.
_OUTLINE_TOLERANCE = 1.0
# How far fields from the network are moved to borders of the echo, as a share of the frame's diagonal: about two cells of the network.
_REACH = 0.012
# The least Dice score of a field before and after it was moved to borders of the echo.
_SAME_SHAPE = 0.95


@dataclass(frozen=True)
class Candidate:
    """Fields that may be the region, in pixels of the frame.

    Parameters
    ----------
    fields
        Their union is the region.
    source
        What they were found in, for the report.
    doubt
        Of fields that were fitted to the echo: 1 minus the score of the fit, 0 to 1; 0 for those of the region network.
    from_network
        Whether they were fitted to the region network's mask.
    """

    fields: tuple[Field | Outline, ...]
    source: str
    doubt: float = 0.0
    from_network: bool = False

    def mask(self, rows: int, columns: int) -> np.ndarray:
        """The pixels of the fields, bool ``(rows, columns)``."""
        return rasterize([field.outline() for field in self.fields], rows, columns)


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


def candidates_from_echo(
    probability: np.ndarray, composites: Composites, text: np.ndarray, moving: np.ndarray, threshold: int, boxes: Sequence[Box]
) -> list[Candidate]:
    """The fields with the highest score of all segmentations of the echo; none where there is no large area of echo.

    All are fitted at low resolution, and the best two at full resolution. Fields are also fitted in ``boxes``, where the header declares
    displayed data; these get a bonus on their score. A segmentation is the last one that is tried where its fields fit well and agree with
    ``probability``, that of the region network.
    """
    factor = max(1, round(float(np.hypot(*text.shape)) / _COARSE))
    unknown = cv2.dilate(text.astype(np.uint8), np.ones((5, 5), np.uint8)).astype(bool)
    found: list[Explanation] = []
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
        if any(item.score > _CLEAR and agrees(item.arrangement, factor, probability) for item in found[-2:]):
            break
    if not found:
        return []
    found.sort(key=lambda item: -item.score)
    promising = [item for item in found[:2] if item.score > found[0].score - _WITHIN]
    best = max((fit_at_full_resolution(item, factor) for item in promising), key=lambda item: item.score)
    fields = [part.fit.field for part in best.arrangement.parts]
    extended = [extend_part(part, best.seen.faint) for part in best.arrangement.parts]
    source = f"echo from {best.seen.source}"
    doubt = float(np.clip(1 - best.score, 0, 1))
    return [Candidate(tuple(chosen), source, doubt) for chosen in ([extended] if fields == extended else [extended, fields])]


def agrees(arrangement: Arrangement, factor: int, probability: np.ndarray) -> bool:
    """Whether fields in a frame reduced by ``factor`` are those that the region network sees."""
    fields = [resize_field(part.fit.field, factor) for part in arrangement.parts]
    return agreement(rasterize([field.outline() for field in fields], *probability.shape), probability) > _AGREED


def candidates_from_network(probability: np.ndarray, composites: Composites, border: Border | None) -> list[Candidate]:
    """The fields that explain the region network's mask, as they are and moved to borders of the echo, and the outline of the mask itself.

    None where it sees no region. The outline is for displays that are no arrangement of fields.

    ``probability``: float32 ``(rows, columns)``, that a pixel is displayed data. ``border``: of the echo; None where there is no echo.
    """
    displayed = probability > DISPLAYED
    if displayed.mean() < _LEAST_REGION:
        return []
    outline = Candidate(mask_outlines(displayed), "outline of what the region network sees", from_network=True)
    nothing = np.zeros_like(displayed)
    factor = max(1, round(float(np.hypot(*displayed.shape)) / _COARSE_NETWORK))
    fit_input = FitInput(displayed, nothing, composites.maximum, nothing, evidence.unit_of(displayed.shape), _SLACK)
    arrangement = arrange(fit_input.downsample(factor))
    if arrangement is None:
        return [outline]
    rough = [resize_field(part.fit.field, factor) for part in arrangement.parts]
    fields = polish_fields(rough, probability)
    found = [Candidate(tuple(fields), "region network", from_network=True), outline]
    return found if border is None else [*found, snapped_to_echo(fields, border)]


def mask_outlines(displayed: np.ndarray) -> tuple[Outline, ...]:
    """The outlines of the large parts of a mask."""
    contours, _ = cv2.findContours(displayed.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    areas = [cv2.contourArea(contour) for contour in contours]
    large = [contour for contour, area in zip(contours, areas, strict=True) if area >= _SPECK * max(areas)]
    simple = [cv2.approxPolyDP(contour, _OUTLINE_TOLERANCE, True)[:, 0] for contour in large]
    return tuple(Outline(tuple((float(x), float(y)) for x, y in corners)) for corners in simple)


def snapped_to_echo(fields: Sequence[Field], border: Border) -> Candidate:
    """The fields with their outlines moved to the border of the echo where it is close by."""
    reach = max(round(_REACH * float(np.hypot(*border.shape))), 2)
    snapped = tuple(keep_shape(field, snap_to_border(field, border, reach), border.shape) for field in fields)
    return Candidate(snapped, "region network and borders of the echo", from_network=True)


def keep_shape(field: Field, moved: Field, shape: tuple[int, int]) -> Field:
    """``moved``, or ``field`` where it has become another shape: borders within the echo draw it there."""
    before, after = (rasterize([found.outline()], *shape) for found in (field, moved))
    return moved if agreement(after, before) >= _SAME_SHAPE else field


def polish_fields(fields: Sequence[Field], probability: np.ndarray) -> list[Field]:
    """The fields of one display, each changed so that all of them agree best with ``probability``."""
    scale = min(_POLISHED_SIDE / max(probability.shape), 1.0)
    size = (max(round(probability.shape[1] * scale), 1), max(round(probability.shape[0] * scale), 1))
    small = cv2.resize(probability, size, interpolation=cv2.INTER_AREA)
    polished = [resize_field(field, scale) for field in fields]
    for index in range(len(polished)):
        others = rasterize([field.outline() for field in polished[:index] + polished[index + 1 :]], *small.shape)
        polished[index] = polish_field(polished[index], small, others)
    return [resize_field(field, 1 / scale) for field in polished]


def resize_field(field: Field, factor: float) -> Field:
    """The field in a frame that is larger by ``factor``."""
    return field.translate(CENTER_TO_EDGE, CENTER_TO_EDGE).enlarge(factor).translate(-CENTER_TO_EDGE, -CENTER_TO_EDGE)


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
