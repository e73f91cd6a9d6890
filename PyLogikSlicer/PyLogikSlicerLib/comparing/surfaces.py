"""How far apart the surfaces of two masks are."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import nan

import numpy as np
from scipy.ndimage import binary_erosion
from scipy.spatial import KDTree

# Surface pixels; of fewer, starting threads takes longer than the search.
_WORTH_THREADS = 20_000

Directed = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Distances:
    """Distances between two surfaces, all in the unit of the steps between pixels; NaN where one of the two masks is empty, or both.

    Parameters
    ----------
    hausdorff
        The largest distance of a surface pixel of either mask to the other surface.
    hausdorff95
        The 95th percentile of these distances, for each direction, the larger of the two.
    mean
        The mean of these distances, over the surface pixels of both (average symmetric surface distance).

    References
    ----------
    A. Reinke et al., "Understanding metric-related pitfalls in image analysis validation", Nature Methods 21 (2024), 182-194,
    and L. Maier-Hein et al., "Metrics reloaded", ibid., 195-212, whose definitions these are.
    """

    hausdorff: float = nan
    hausdorff95: float = nan
    mean: float = nan


def directed_distances(pred: np.ndarray, true: np.ndarray, steps: np.ndarray) -> Directed:
    """Distance of each surface pixel of ``pred`` to the surface of ``true``, and the other way round.

    A surface pixel belongs to the mask and has a neighbor (4 in an image, 6 in a volume) that does not, or lies at the
    edge of the array. Distances run between pixel centers.

    Parameters
    ----------
    pred, true
        Bool arrays of one shape, 2-D or 3-D.
    steps
        ``(axes, n)``: the vector from a pixel to the next along each axis, in a space of ``n`` dimensions.

    Returns
    -------
    tuple of numpy.ndarray
        float64; both empty where one of the masks is.
    """
    if not pred.any() or not true.any():
        return np.empty(0), np.empty(0)
    box = _box(pred | true)
    points = [_surface(mask[box]) @ steps for mask in (pred, true)]
    # Points of a grid are spread evenly: trees that are not balanced cost less to build and no more to search.
    trees = [KDTree(cloud, balanced_tree=False, compact_nodes=False) for cloud in points]
    workers = -1 if len(points[0]) + len(points[1]) > _WORTH_THREADS else 1
    return trees[1].query(points[0], workers=workers)[0], trees[0].query(points[1], workers=workers)[0]


def summarized(parts: Iterable[Directed]) -> Distances:
    """The distances of several images as those of one: their surface pixels are pooled; images with an empty mask add none."""
    parts = list(parts)
    there, back = (np.concatenate([part[way] for part in parts]) if parts else np.empty(0) for way in (0, 1))
    if not there.size:
        return Distances()
    return Distances(
        hausdorff=float(max(there.max(), back.max())),
        hausdorff95=float(max(np.percentile(there, 95), np.percentile(back, 95))),
        mean=float((there.sum() + back.sum()) / (there.size + back.size)),
    )


def _surface(mask: np.ndarray) -> np.ndarray:
    """Indices of the surface pixels, ``(n, axes)``. The mask ends where the array does, so cropping it tightly changes nothing."""
    return np.argwhere(mask & ~binary_erosion(mask))


def _box(mask: np.ndarray) -> tuple[slice, ...]:
    """The smallest box that holds all True pixels of a mask that has some."""
    axes = range(mask.ndim)
    held = [np.flatnonzero(mask.any(axis=tuple(other for other in axes if other != axis))) for axis in axes]
    return tuple(slice(int(indices[0]), int(indices[-1]) + 1) for indices in held)
