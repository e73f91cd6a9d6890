"""deid-us: the outline of the displayed ultrasound data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from ..core.errors import NoRegionFound
from ..core.projections import Composites
from ..core.stack import Header
from ..core.text_map import Box
from . import evidence
from .arrangement import Arrangement, Part, Picture, arrange, arrange_within, fitted
from .depth import extended
from .geometry import Field
from .region import Roi, make_roi, rasterize

COARSE = 550  # diagonal in pixels to which a frame is reduced for the search
WITHIN = 0.1  # difference of scores up to which the second best explanation is looked at closely
TRUST = 0.05  # what the header's word is worth, in units of the score
DISPLAYS = (1, 2, 3)  # RegionSpatialFormat (0018,6012): 2D, M-mode, spectral
SPECK = 0.01  # share of the echo below which a part gets no hull of its own
ENOUGH = 0.9  # share of the echo, or of what moves, that the fitted shape has to hold


def find_sector(composites: Composites, text: np.ndarray, threshold: int, header: Header) -> Roi:
    """Outline the displayed ultrasound data of a stack; see :func:`PyLogikSlicerLib.roi.find_roi`."""
    moving = evidence.moving_echo(composites, text)
    return as_roi(explain(composites, text, moving, threshold, declared(header, text.shape)), moving)


def declared(header: Header, shape: tuple[int, int]) -> list[Box]:
    """The boxes in which the header says that echo is displayed, without those inside another one."""
    frame = (0, 0, shape[1], shape[0])
    boxes = [intersection(item.box, frame) for item in header.ultrasound_regions if item.spatial_format in DISPLAYS]
    boxes = [box for box in boxes if extent(box) > 0.01 * extent(frame)]
    boxes = sorted(set(boxes), key=extent, reverse=True)
    return [box for i, box in enumerate(boxes) if all(extent(intersection(box, other)) < 0.2 * extent(box) for other in boxes[:i])]


def intersection(first: Box, second: Box) -> Box:
    return max(first[0], second[0]), max(first[1], second[1]), min(first[2], second[2]), min(first[3], second[3])


def extent(box: Box) -> int:
    return max(box[2] - box[0], 0) * max(box[3] - box[1], 0)


@dataclass(frozen=True)
class Explanation:
    """Evidence and the fields that explain it; ``score`` is higher for better and less doubtful ones."""

    seen: evidence.Evidence
    picture: Picture
    arrangement: Arrangement

    @property
    def score(self) -> float:
        return self.arrangement.score - self.seen.doubt


def explain(composites: Composites, text: np.ndarray, moving: np.ndarray, threshold: int, boxes: Sequence[Box]) -> Explanation:
    """The best of all kinds of evidence: searched at low resolution, the two most promising ones fitted at full.

    ``boxes`` are where the header claims displays; they are tried, and trusted a little more than what was found.
    """
    factor = max(1, round(float(np.hypot(*text.shape)) / COARSE))
    unknown = cv2.dilate(text.astype(np.uint8), np.ones((5, 5), np.uint8)).astype(bool)
    found = []
    for seen in evidence.gather(composites, text, threshold):
        picture = Picture(seen.echo, unknown, composites.maximum, moving, seen.unit, 2.5)
        small = picture.reduced(factor)
        arrangement = arrange(small)
        if arrangement:
            found.append(Explanation(seen, picture, arrangement))
        claimed = arrange_within(small, [shrunk(box, factor, small.echo.shape) for box in boxes]) if boxes else None
        if claimed:
            found.append(Explanation(replace(seen, doubt=seen.doubt - TRUST), picture, claimed))
    if not found:
        raise NoRegionFound("no region found: there is no large area of echo apart from text and screen furniture")
    found.sort(key=lambda item: -item.score)
    promising = [item for item in found[:2] if item.score > found[0].score - WITHIN]
    best = max((settled(item, factor) for item in promising), key=lambda item: item.score)
    parts = [replace(part, fit=replace(part.fit, field=extended_within(part, best.seen.faint))) for part in best.arrangement.parts]
    return replace(best, arrangement=replace(best.arrangement, parts=tuple(parts)))


def extended_within(part: Part, faint: np.ndarray) -> Field:
    """The field of a part, followed to where faint echo ends, at most to the end of the part's box."""
    x0, y0, x1, y1 = part.box
    return extended(part.fit.field.moved(-x0, -y0), faint[y0:y1, x0:x1], part.echo).moved(x0, y0)


def settled(found: Explanation, factor: int) -> Explanation:
    """The same fields, fitted at full resolution."""
    parts = []
    for part in found.arrangement.parts:
        picture = found.picture
        box = enlarged(part.box, factor, picture.echo.shape)
        rows, columns = box[3] - box[1], box[2] - box[0]
        near = cv2.dilate(part.echo.astype(np.uint8), np.ones((3, 3), np.uint8))
        near = cv2.resize(near, (columns, rows), interpolation=cv2.INTER_NEAREST).astype(bool)
        echo = np.zeros_like(picture.echo)
        echo[box[1] : box[3], box[0] : box[2]] = near
        parts.append(fitted(replace(picture, echo=picture.echo & echo), box))
    return replace(found, arrangement=replace(found.arrangement, parts=tuple(parts)))


def shrunk(box: Box, factor: int, shape: tuple[int, int]) -> Box:
    """A box of the full frame in the reduced one."""
    return intersection((box[0] // factor, box[1] // factor, -(-box[2] // factor), -(-box[3] // factor)), (0, 0, shape[1], shape[0]))


def enlarged(box: Box, factor: int, shape: tuple[int, int]) -> Box:
    """A box of the reduced frame in the full one; what ends at the edge of the frame still does."""
    rows, columns = shape
    x0, y0, x1, y1 = (factor * value for value in box)
    right, bottom = columns // factor * factor, rows // factor * factor
    return x0, y0, columns if x1 == right else x1, rows if y1 == bottom else y1


def as_roi(found: Explanation, moving: np.ndarray) -> Roi:
    """The fitted shapes as a region, or the hull of the echo where they leave too much of it, or of what moves, out."""
    rows, columns = found.picture.echo.shape
    parts = found.arrangement.parts
    echo = np.zeros((rows, columns), bool)
    for part in parts:
        x0, y0, x1, y1 = part.box
        echo[y0:y1, x0:x1] |= part.echo
    fits = [part.fit for part in parts]
    outlines = [fit.field.outline() for fit in fits]
    kept = rasterize(outlines, rows, columns)
    source = f"echo from {found.seen.source}"
    for what, mask in (("displayed echo", echo), ("moving pixels", moving)):
        share = float((kept & mask).sum() / max(int(mask.sum()), 1))
        if mask.any() and share < ENOUGH:
            note = f"hull of the echo: the fitted shape holds only {share:.0%} of the {what}"
            outlines = hulls(echo | moving)
            shape = {"kind": "hull", "corners": [outline.tolist() for outline in outlines]}
            return make_roi("hull", shape, outlines, rows, columns, (source, note))
    notes = tuple(f"{fit.field.kind}: {fit.support:.0%} of the outline on a border, residual {fit.residual:.1f} px" for fit in fits)
    shapes = [fit.field.as_json() for fit in fits]
    shape = shapes[0] if len(shapes) == 1 else {"kind": "multiple", "fields": shapes}
    return make_roi(shape["kind"], shape, outlines, rows, columns, (source, *notes))


def hulls(mask: np.ndarray) -> list[np.ndarray]:
    """The convex hull of each connected part; specks below a hundredth of the whole are left out."""
    contours, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    large = [contour for contour in contours if cv2.contourArea(contour) >= SPECK * mask.sum()]
    return [cv2.convexHull(contour)[:, 0].astype(float) for contour in large or contours]
