"""Distances between the surfaces of two masks.

Computed with SciPy's k-d tree and not with SimpleITK's HausdorffDistanceImageFilter, which has no percentiles, no sheared axes, and
needs distance maps of the size of the volume.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import nan

import numpy as np
from scipy.ndimage import binary_erosion
from scipy.spatial import KDTree

# Number of surface pixels from which the search uses several threads; starting them takes longer than searching fewer.
_WORTH_THREADS = 20_000

# The distance of each surface pixel of the prediction to the truth, and of each of the truth to the prediction.
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
    box = _bounding_slices(pred | true)
    points = [_surface_indices(mask[box]) @ steps for mask in (pred, true)]
    # Points of a grid are spread evenly: trees that are not balanced cost less to build and no more to search.
    trees = [KDTree(cloud, balanced_tree=False, compact_nodes=False) for cloud in points]
    workers = -1 if len(points[0]) + len(points[1]) > _WORTH_THREADS else 1
    return trees[1].query(points[0], workers=workers)[0], trees[0].query(points[1], workers=workers)[0]


def summarize(parts: Iterable[Directed]) -> Distances:
    """The distances over the surface pixels of several images together; images with an empty mask have none."""
    parts = list(parts)
    to_truth, to_prediction = (np.concatenate([part[side] for part in parts]) if parts else np.empty(0) for side in (0, 1))
    if not to_truth.size:
        return Distances()
    return Distances(
        hausdorff=float(max(to_truth.max(), to_prediction.max())),
        hausdorff95=float(max(np.percentile(to_truth, 95), np.percentile(to_prediction, 95))),
        mean=float((to_truth.sum() + to_prediction.sum()) / (to_truth.size + to_prediction.size)),
    )


def _surface_indices(mask: np.ndarray) -> np.ndarray:
    """The indices ``(n, axes)`` of the surface pixels. Pixels at the edge of the array are among them, so a mask may be cropped tightly."""
    return np.argwhere(mask & ~binary_erosion(mask))


def _bounding_slices(mask: np.ndarray) -> tuple[slice, ...]:
    """The slices of the smallest box that contains all True pixels of a mask (not empty)."""
    axes = range(mask.ndim)
    filled = [np.flatnonzero(mask.any(axis=tuple(other for other in axes if other != axis))) for axis in axes]
    return tuple(slice(int(indices[0]), int(indices[-1]) + 1) for indices in filled)
