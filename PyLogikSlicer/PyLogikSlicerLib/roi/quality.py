"""How well a candidate agrees with all that is known of a screen, as one number that was fitted to simulated screens.

The weights are in models/region_quality.json; Testing/Training/fit_region_quality.py writes them.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources

import cv2
import numpy as np

from ..core.projections import Composites
from . import evidence
from .candidates import Candidate
from .fit import FitTarget, implausibility, outline_support, prepare_target
from .polish import agreement

# The file of the weights in roi/models.
WEIGHTS = "region_quality.json"
# The largest distance of an outline from the border of the echo that supports it, pixels.
_SLACK = 2.5
# The features of :func:`measure` that are shares.
_SHARES = [0, 1, 2, 3, 4, 5, 6, 10, 11]


@dataclass(frozen=True)
class Witnesses:
    """What candidates are judged by. All arrays are ``(rows, columns)``.

    Parameters
    ----------
    probability
        Float32: of the region network, that a pixel is displayed data.
    echo
        Bool: the echo as its grey level tells it.
    moving
        Bool: large areas that clearly change over time.
    target
        The border of ``echo``; None where there is no echo.
    """

    probability: np.ndarray
    echo: np.ndarray
    moving: np.ndarray
    target: FitTarget | None


def call_witnesses(probability: np.ndarray, composites: Composites, text: np.ndarray, moving: np.ndarray, threshold: int) -> Witnesses:
    """The witnesses of a stack; the parameters are those of :func:`PyLogikSlicerLib.roi.find_roi`."""
    unknown = cv2.dilate(text.astype(np.uint8), np.ones((5, 5), np.uint8)).astype(bool)
    seen = next(evidence.evidence_from_level(composites.maximum, text, threshold))
    target = prepare_target(seen.echo, unknown, seen.unit, _SLACK) if seen.echo.any() else None
    return Witnesses(probability, seen.echo, moving, target)


def measure(candidates: Sequence[Candidate], witnesses: Witnesses) -> np.ndarray:
    """The features of each candidate, ``(candidates, features)``: shares from 0, the best, to 1.

    In order: disagreement with the region network; its region that the candidate loses; what the candidate adds to it; echo that it loses;
    moving pixels that it loses; the share of the outline without a border of the echo; the doubt about a fit to the echo; implausibility of
    the shapes; number of further fields; whether the region network proposed it; and, the same for all candidates: doubt of the region
    network, and how far the candidates are apart. Square roots of the shares follow, since small shares matter more than their size.
    """
    rows, columns = witnesses.probability.shape
    masks = [candidate.mask(rows, columns) for candidate in candidates]
    probability = witnesses.probability
    doubt = float((probability * (1 - probability)).sum() / max(float(probability.sum()), 1.0))
    apart = max((1 - agreement(masks[0], mask) for mask in masks[1:]), default=1.0)
    values = []
    for candidate, mask in zip(candidates, masks, strict=True):
        area = max(int(np.count_nonzero(mask)), 1)
        values.append(
            (
                1 - agreement(mask, probability),
                1 - float(probability[mask].sum()) / max(float(probability.sum()), 1.0),
                1 - float(probability[mask].sum()) / area,
                lost_share(witnesses.echo, mask),
                lost_share(witnesses.moving, mask),
                _unsupported(candidate, witnesses.target),
                candidate.doubt,
                max(implausibility(field) for field in candidate.fields),
                len(candidate.fields) - 1,
                float(candidate.from_network),
                doubt,
                apart,
            )
        )
    shares = np.array(values, float)
    return np.hstack([shares, np.sqrt(np.clip(shares[:, _SHARES], 0, 1))])


def predict_quality(features: np.ndarray) -> np.ndarray:
    """For each row of :func:`measure` the expected mean of Dice and of the share of the true region that is kept."""
    weights, _ = load_weights()
    return features @ weights[:-1] + weights[-1]


@functools.cache
def load_weights() -> tuple[np.ndarray, float]:
    """The weights of the features, the constant being the last; and the quality below which a region is uncertain."""
    file = json.loads((resources.files(__package__) / "models" / WEIGHTS).read_text(encoding="utf-8"))
    return np.array(file["weights"]), float(file["uncertain_below"])


def lost_share(what: np.ndarray, mask: np.ndarray) -> float:
    """The share of a mask's pixels outside of another one; 0 where it has none."""
    count = int(np.count_nonzero(what))
    return int(np.count_nonzero(what & ~mask)) / count if count else 0.0


def _unsupported(candidate: Candidate, target: FitTarget | None) -> float:
    """The share of the outlines without a border of the echo, mean over the fields by their area."""
    if target is None:
        return 1.0
    outlines = [outline for field in candidate.fields if len(outline := field.outline()) > 2]
    if not outlines:
        return 1.0
    supported = [outline_support(target, outline, target.unknown)[1] for outline in outlines]
    return 1 - float(np.average(supported, weights=[cv2.contourArea(outline.astype(np.float32)) + 1 for outline in outlines]))
