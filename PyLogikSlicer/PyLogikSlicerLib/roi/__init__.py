"""The region of interest: which pixels of a stack show anatomy, computed once for all frames."""

from __future__ import annotations

from typing import Literal

import numpy as np

from ..core.errors import NoRegionFound
from ..core.projections import Composites
from ..core.stack import Header
from .objects import find_objects
from .region import Roi, make_roi
from .ultrasound import find_sector

__all__ = ["Roi", "Variant", "find_roi", "make_roi"]

Variant = Literal["deid-us", "deid-one", "deid-clean"]


def find_roi(composites: Composites, text: np.ndarray, variant: Variant, threshold: int = 0, header: Header | None = None) -> Roi:
    """Outline the region of interest of a stack.

    Parameters
    ----------
    composites
        Temporal composites over all frames, arrays ``(rows, columns)``.
    text
        Bool ``(rows, columns)``; True where text keeps what is seen from counting.
    variant
        ``deid-us``: the displayed ultrasound data; ``deid-one``: the largest object; ``deid-clean``: all large objects.
    threshold
        Grey levels at or below it are background.
    header
        What the source says about itself; its ultrasound regions are evidence, not proof.

    Returns
    -------
    Roi
        It holds for every frame of the stack.

    Raises
    ------
    NoRegionFound
        When the stack shows nothing but background, text, furniture or noise.
    """
    level = composites.maximum
    if text.shape != level.shape:
        raise ValueError(f"text is {text.shape}, the composites are {level.shape}")
    visible = level[~text]
    if visible.size == 0:
        raise NoRegionFound("no region found: text covers the whole image")
    if visible.max() == visible.min() and composites.frame_count and visible.max() == composites.minimum[~text].min():
        raise NoRegionFound("no region found: apart from text the image is empty")
    if is_noise(composites, text):
        raise NoRegionFound("no region found: the image is noise, neighboring pixels are unrelated")
    if variant == "deid-us":
        return find_sector(composites, text, threshold, header or Header())
    return find_objects(composites, text, threshold, only_largest=variant == "deid-one")


def is_noise(composites: Composites, text: np.ndarray) -> bool:
    """Whether neighbors in a row and in a column are uncorrelated: every displayed image is smoother than that."""
    level = composites.mean.astype(np.float64)
    level = np.where(text, np.median(level[~text]), level)
    pairs = ((level[:, 1:], level[:, :-1]), (level[1:], level[:-1]))
    return all(a.size > 100 and np.corrcoef(a.ravel(), b.ravel())[0, 1] < 0.2 for a, b in pairs)
