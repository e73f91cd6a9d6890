"""Finding the region of interest: the pixels of a stack that show anatomy, the same for all frames."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np

from ..core.errors import NoRegionFound
from ..core.projections import Composites
from ..core.stack import Header
from .objects import find_objects
from .region import Roi, make_roi
from .ultrasound import find_ultrasound_region

__all__ = ["ROI_FINDERS", "Roi", "find_roi", "make_roi"]

# Arguments and results as of find_roi.
RoiFinder = Callable[[Composites, np.ndarray, int, Header], Roi]


def _find_largest_object(composites: Composites, text: np.ndarray, threshold: int, header: Header) -> Roi:
    return find_objects(composites, text, threshold, only_largest=True)


def _find_large_objects(composites: Composites, text: np.ndarray, threshold: int, header: Header) -> Roi:
    return find_objects(composites, text, threshold, only_largest=False)


# By variant (PyLogikSlicerLib.core.options.VARIANTS); variants that are not here keep the whole image.
ROI_FINDERS: Mapping[str, RoiFinder] = MappingProxyType(
    {
        "deid-us": find_ultrasound_region,
        "deid-one": _find_largest_object,
        "deid-clean": _find_large_objects,
    }
)

# Number of neighboring pixels from which their correlation is meaningful.
_FEWEST_NEIGHBORS = 100
# Correlation of neighboring pixels below which an image is noise; every displayed image is smoother.
_NOISE_CORRELATION = 0.2


def find_roi(composites: Composites, text: np.ndarray, variant: str, threshold: int = 0, header: Header | None = None) -> Roi:
    """The region of interest of a stack.

    Parameters
    ----------
    composites
        Temporal composites over all frames, arrays ``(rows, columns)``.
    text
        Bool ``(rows, columns)``; True where there is text, whose pixels are ignored.
    variant
        One of :data:`ROI_FINDERS`. ``deid-us``: the displayed ultrasound data; ``deid-one``: the largest object; ``deid-clean``: all
        large objects.
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
    return ROI_FINDERS[variant](composites, text, threshold, header or Header())


def is_noise(composites: Composites, text: np.ndarray) -> bool:
    """Whether neighboring pixels are uncorrelated, both along rows and along columns; ``text`` is ignored."""
    level = composites.mean.astype(np.float64)
    level = np.where(text, np.median(level[~text]), level)
    pairs = ((level[:, 1:], level[:, :-1]), (level[1:], level[:-1]))
    return all(
        first.size > _FEWEST_NEIGHBORS and np.corrcoef(first.ravel(), second.ravel())[0, 1] < _NOISE_CORRELATION for first, second in pairs
    )
