"""The region of interest of the variant deid-us: the displayed ultrasound data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

import cv2
import numpy as np

from ..core.errors import NoRegionFound
from ..core.geometry import CENTER_TO_EDGE, Box, to_pixel_edges
from ..core.projections import Composites
from ..core.stack import Header
from . import evidence
from .candidates import DISPLAYED, Candidate, candidates_from_echo, candidates_from_network
from .polish import agreement
from .quality import Witnesses, call_witnesses, load_weights, lost_share, measure, predict_quality
from .region import UNCERTAIN_NOTE, Roi, make_roi
from .region_network import region_network

# RegionSpatialFormat (0018,6012) of regions with displayed data: 2D, M-mode, spectral.
_DISPLAYS = (1, 2, 3)
# Share of the kept area below which a component gets no hull.
_SPECK = 0.01
# Share of the moving pixels below which fields are no region, and of the echo below which a person must look.
_ENOUGH = 0.9
# The least area of a declared box, as a share of the frame.
_SMALLEST_BOX = 0.01
# The largest share of a declared box that may lie within a larger one.
_LARGEST_OVERLAP = 0.2
# Probability of the region network from which a pixel is kept where the region is uncertain.
_POSSIBLE = 0.3
# Probability from which the network is sure.
_SURE = 0.9
# The largest share of what the network is sure of that fields fitted to the echo may lose.
_MOST_SURE_LOST = 0.03
# Dice score of such fields and the network's region from which they agree; and from which they do where they also lose no echo.
_AGREED, _NEARLY_AGREED = 0.95, 0.86
# Share of the fields from which the network sees hardly any of them, where its region does not show it.
_UNSEEN = 0.75
# The largest share of the echo beside fields that fit.
_MOST_ECHO_LOST = 0.02
# Doubt about a fit (Candidate.doubt) up to which each part of the outline lies on a border.
_NO_DOUBT = 0.03


def find_ultrasound_region(composites: Composites, text: np.ndarray, threshold: int, header: Header) -> Roi:
    """The region of the displayed ultrasound data of a stack; see :func:`PyLogikSlicerLib.roi.find_roi`."""
    candidates, witnesses = gather(composites, text, threshold, header)
    if not candidates:
        raise NoRegionFound("no region found: there is no large area of echo apart from text and screen graphics")
    choice = choose(candidates, witnesses)
    if choice.verdict is Verdict.UNCERTAIN or _share(witnesses.moving, choice.candidate.mask(*text.shape)) < _ENOUGH:
        return safe_region(candidates, witnesses, choice.confidence)
    return to_roi(choice, witnesses)


class Verdict(Enum):
    """What speaks for the candidate that was chosen."""

    AGREED = "echo and region network agree"
    BEST = "the best of all candidates"
    ALONE = "echo within borders all around, of which the region network sees hardly any"
    UNCERTAIN = "nothing explains the display well"


@dataclass(frozen=True)
class Choice:
    """A candidate, what speaks for it, and how good it is likely to be, 0 to 1."""

    candidate: Candidate
    verdict: Verdict
    confidence: float


def choose(candidates: Sequence[Candidate], witnesses: Witnesses) -> Choice:
    """The candidate to keep.

    Fields that were fitted to the echo are exact to the pixel, so they are chosen where the region network agrees with them and they lose
    nothing of which it is sure; else the candidate of the best quality. Where the network sees hardly any of a display that has borders all
    around, it knows no such screen, and the echo decides.
    """
    qualities = predict_quality(measure(candidates, witnesses))
    probability = witnesses.probability
    for candidate, quality in zip(candidates, qualities, strict=True):
        if candidate.from_network:
            continue
        mask = candidate.mask(*probability.shape)
        agreed = agreement(mask, probability > DISPLAYED)
        fits = lost_share(witnesses.echo, mask) <= _MOST_ECHO_LOST
        unseen = lost_share(mask, probability > DISPLAYED) > _UNSEEN
        if unseen and fits and candidate.doubt <= _NO_DOUBT:
            return Choice(candidate, Verdict.ALONE, float(np.clip(quality, 0, 1)))
        loses_nothing_sure = lost_share(probability > _SURE, mask) <= _MOST_SURE_LOST
        if loses_nothing_sure and (agreed >= _AGREED or (agreed >= _NEARLY_AGREED and fits)):
            return Choice(candidate, Verdict.AGREED, float(np.clip(max(agreed, quality), 0, 1)))
    best = int(qualities.argmax())
    confidence = float(np.clip(qualities[best], 0, 1))
    return Choice(candidates[best], Verdict.BEST if confidence >= load_weights()[1] else Verdict.UNCERTAIN, confidence)


def gather(composites: Composites, text: np.ndarray, threshold: int, header: Header) -> tuple[list[Candidate], Witnesses]:
    """All candidates for the region, those from the echo first, and what they are judged by."""
    moving = evidence.moving_echo(composites, text)
    probability = region_network().probability(composites, text)
    witnesses = call_witnesses(probability, composites, text, moving, threshold)
    candidates = candidates_from_echo(probability, composites, text, moving, threshold, declared_boxes(header, text.shape))
    candidates += candidates_from_network(probability, composites, witnesses.target.border if witnesses.target else None)
    return candidates, witnesses


def declared_boxes(header: Header, shape: tuple[int, int]) -> list[Box]:
    """The boxes of the header's ultrasound regions with displayed data, without small ones and those that overlap a larger one."""
    rows, columns = shape
    clipped = (item.box.clip(rows, columns) for item in header.ultrasound_regions if item.spatial_format in _DISPLAYS)
    boxes = {box for box in clipped if box is not None and box.area > _SMALLEST_BOX * rows * columns}
    largest_first = sorted(boxes, key=lambda box: box.area, reverse=True)
    return [
        box for i, box in enumerate(largest_first) if all(box.overlap(other) < _LARGEST_OVERLAP * box.area for other in largest_first[:i])
    ]


def to_roi(choice: Choice, witnesses: Witnesses) -> Roi:
    """The chosen candidate as a region."""
    rows, columns = witnesses.probability.shape
    fields = choice.candidate.fields
    shapes = [field.translate(CENTER_TO_EDGE, CENTER_TO_EDGE).as_json() for field in fields]
    shape: Mapping[str, Any] = shapes[0] if len(shapes) == 1 else {"kind": "multiple", "fields": shapes}
    outlines = [to_pixel_edges(field.outline()) for field in fields]
    kept = choice.candidate.mask(rows, columns)
    # Echo that is left out is a panel on most screens, and anatomy on some: a person must look.
    is_doubtful = choice.verdict is Verdict.ALONE or _share(witnesses.echo, kept) < _ENOUGH
    doubts = (UNCERTAIN_NOTE,) if is_doubtful else ()
    shares = _shares(kept, witnesses)
    notes = (*doubts, f"{choice.candidate.source}: {choice.verdict.value}", *shares)
    return make_roi(str(shape["kind"]), shape, outlines, rows, columns, notes, choice.confidence)


def safe_region(candidates: list[Candidate], witnesses: Witnesses, confidence: float) -> Roi:
    """The convex hull of each part of all candidates, of moving pixels and of what the region network holds possible, together."""
    rows, columns = witnesses.probability.shape
    kept = witnesses.moving | (witnesses.probability > _POSSIBLE)
    for candidate in candidates:
        kept |= candidate.mask(rows, columns)
    polygons = [to_pixel_edges(outline) for outline in hulls(kept)]
    hull = {"kind": "hull", "corners": [polygon.tolist() for polygon in polygons]}
    sources = dict.fromkeys(candidate.source for candidate in candidates)
    notes = (UNCERTAIN_NOTE, f"hull of all that may be displayed data: {', '.join(sources)}", *_shares(kept, witnesses))
    return make_roi("hull", hull, polygons, rows, columns, notes, confidence)


def hulls(mask: np.ndarray) -> list[np.ndarray]:
    """The convex hull of each connected component; those below a hundredth of the mask's area are left out."""
    contours, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    large = [contour for contour in contours if cv2.contourArea(contour) >= _SPECK * mask.sum()]
    return [cv2.convexHull(contour)[:, 0].astype(float) for contour in large or contours]


def _shares(kept: np.ndarray, witnesses: Witnesses) -> tuple[str, ...]:
    """How much of each kind of evidence a region holds, for the report."""
    what = {
        "displayed echo": witnesses.echo,
        "moving pixels": witnesses.moving,
        "region that the network sees": witnesses.probability > DISPLAYED,
    }
    return tuple(f"holds {_share(mask, kept):.0%} of the {name}" for name, mask in what.items() if mask.any())


def _share(what: np.ndarray, kept: np.ndarray) -> float:
    """The share of a mask's pixels that are kept; 1 where it has none."""
    return 1 - lost_share(what, kept)
