"""Finding the region of interest: the pixels of a stack that show anatomy, the same for all frames."""

from __future__ import annotations

from typing import Literal

import numpy as np

from ..core.errors import NoRegionFound
from ..core.projections import Composites
from ..core.stack import Header
from .objects import find_objects
from .region import Roi, make_roi
from .ultrasound import find_ultrasound_region

__all__ = ["Roi", "Variant", "find_roi", "make_roi"]

Variant = Literal["deid-us", "deid-one", "deid-clean"]

# Number of neighboring pixels from which their correlation is meaningful.
_FEWEST_NEIGHBORS = 100
# Correlation of neighboring pixels below which an image is noise; every displayed image is smoother.
_NOISE_CORRELATION = 0.2


def find_roi(composites: Composites, text: np.ndarray, variant: Variant, threshold: int = 0, header: Header | None = None) -> Roi:
    """The region of interest of a stack.

    Parameters
    ----------
    composites
        Temporal composites over all frames, arrays ``(rows, columns)``.
    text
        Bool ``(rows, columns)``; True where there is text, whose pixels are ignored.
    variant
        ``deid-us``: the displayed ultrasound data; ``deid-one``: the largest object; ``deid-clean``: all large objects.
    threshold
        Grey levels at or below it are background.
    header
        The header of the source. Its ultrasound regions are tried, but used only where they agree with the image.

    Returns
    -------
    Roi
        The region, which is valid for every frame of the stack.

    Raises
    ------
    NoRegionFound
        The stack shows nothing but background, text, screen graphics or noise.
    ValueError
        ``text`` and the composites differ in shape.
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
        return find_ultrasound_region(composites, text, threshold, header or Header())
    return find_objects(composites, text, threshold, only_largest=variant == "deid-one")


def is_noise(composites: Composites, text: np.ndarray) -> bool:
    """Whether neighboring pixels are uncorrelated, both along rows and along columns; ``text`` is ignored."""
    level = composites.mean.astype(np.float64)
    level = np.where(text, np.median(level[~text]), level)
    pairs = ((level[:, 1:], level[:, :-1]), (level[1:], level[:-1]))
    return all(
        first.size > _FEWEST_NEIGHBORS and np.corrcoef(first.ravel(), second.ravel())[0, 1] < _NOISE_CORRELATION for first, second in pairs
    )
