"""Two masks on one grid, without resampling: what is the same grid in another order is put in order, what is another is refused."""

from __future__ import annotations

from itertools import product

import numpy as np
from highdicom import Volume, VolumeGeometry

from ..errors import UsageError
from ..mask_files import Mask

# How far apart two positions may be that are the same, in voxels: headers are rounded, some to a hundredth of a millimeter.
_TOLERANCE = 0.05

Spacing = tuple[float, ...]


def aligned(pred: Mask, true: Mask) -> tuple[np.ndarray, np.ndarray, Spacing | None]:
    """Both masks as arrays of one shape whose equal indices lie in equal places, and the spacing of their axes, mm.

    Where both know their place in space: axes stored in another order or direction are put into that of the prediction,
    and a mask outside of which all is background (a DICOM segmentation) is enlarged to the other's extent. A leading axis
    of one is dropped, so that an image and a volume of one slice can be compared. A region of interest, which holds for all
    frames of its image, is held against each frame of a stack.

    Raises
    ------
    UsageError
        The grids differ in shape, spacing, origin or direction. The message tells both.
    """
    geometry = pred.geometry or true.geometry
    if pred.geometry and true.geometry:
        pred, true = _on_one_grid(pred, true)
        geometry = pred.geometry
    labels = [_without_leading_ones(mask.labels) for mask in (pred, true)]
    labels = [_repeated(own, mask.frames, other) for own, mask, other in zip(labels, (pred, true), labels[::-1], strict=True)]
    if labels[0].shape != labels[1].shape:
        raise UsageError(f"the masks differ in shape: the prediction has {labels[0].shape}, the truth has {labels[1].shape}")
    return *labels, geometry.spacing[-min(labels[0].ndim, 3) :] if geometry else None


def _on_one_grid(pred: Mask, true: Mask) -> tuple[Mask, Mask]:
    if pred.labels.ndim == true.labels.ndim == 3:
        volumes = [Volume(mask.labels, mask.geometry.affine, "PATIENT") for mask in (pred, true)]
        volumes[1] = volumes[1].match_orientation(volumes[0])
        volumes = _enlarged(volumes, (pred.sparse, true.sparse))
        pred, true = (Mask(volume.array, volume.get_geometry()) for volume in volumes)
    if not _same_grid(pred.geometry, true.geometry):
        raise UsageError(
            f"the masks differ in geometry: the prediction has {_told(pred.geometry)}; the truth has {_told(true.geometry)}: "
            "resample one to the grid of the other first"
        )
    return pred, true


def _enlarged(volumes: list[Volume], sparse: tuple[bool, bool]) -> list[Volume]:
    """Each that may be enlarged gets the extent of both, if they lie on one lattice; else all stay as they are."""
    offset = volumes[0].map_reference_to_indices(np.array([volumes[1].position]))[0]
    start = np.rint(offset).astype(int)
    if np.abs(offset - start).max() > _TOLERANCE or not np.allclose(volumes[0].spacing, volumes[1].spacing, rtol=1e-3):
        return volumes
    starts = np.array([np.zeros(3, int), start])
    ends = starts + [volume.spatial_shape for volume in volumes]
    before, after = starts - starts.min(axis=0), ends.max(axis=0) - ends
    widths = np.stack([before, after], axis=-1)
    return [
        volume.pad(width.tolist()) if enlarge and width.any() else volume
        for volume, width, enlarge in zip(volumes, widths, sparse, strict=True)
    ]


def _same_grid(one: VolumeGeometry, other: VolumeGeometry) -> bool:
    """Whether the corners of both lie at the same places, so no voxel between them is elsewhere either."""
    if one.spatial_shape != other.spatial_shape:
        return False
    corners = np.array(list(product(*((0, size - 1) for size in one.spatial_shape))))
    apart = np.abs(one.map_indices_to_reference(corners) - other.map_indices_to_reference(corners)).max()
    return bool(apart <= _TOLERANCE * min(one.spacing)) and np.allclose(one.spacing, other.spacing, rtol=1e-3)


def _told(geometry: VolumeGeometry) -> str:
    """In the order of ITK and Slicer: x, y, z."""
    spacing, origin = (" ".join(f"{value:.6g}" for value in values) for values in (geometry.spacing[::-1], geometry.position))
    direction = " ".join(f"{value + 0:.4g}" for value in np.round(geometry.direction[:, ::-1], 6).ravel())
    size = " x ".join(str(size) for size in geometry.spatial_shape[::-1])
    return f"{size} voxels, spacing {spacing} mm, origin {origin}, direction {direction}"


def _without_leading_ones(labels: np.ndarray) -> np.ndarray:
    while labels.ndim > 2 and labels.shape[0] == 1:
        labels = labels[0]
    return labels


def _repeated(labels: np.ndarray, frames: int, other: np.ndarray) -> np.ndarray:
    """An image that holds for all of ``frames`` frames, as that many where the other mask has as many; no pixel is copied."""
    if frames > 1 and labels.ndim == 2 and other.ndim == 3 and len(other) == frames:
        return np.broadcast_to(labels, (frames, *labels.shape))
    return labels
