"""Two masks on one grid, without resampling: what is the same grid in another order is put in order, what is another is refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import product

import numpy as np

from ..core.errors import UsageError
from ..core.label_mask import Mask
from ..core.slice_numbers import slice_numbers
from ..core.voxel_grid import Spacing, VoxelGrid, grid_from_steps, spacing_from_steps

# How far apart two positions may be that are the same, in voxels: headers are rounded, some to a hundredth of a millimeter.
_TOLERANCE = 0.05
# Relative, of two lengths that are the same.
_SAME_LENGTH = 1e-3


def aligned(pred: Mask, true: Mask) -> tuple[np.ndarray, np.ndarray, Spacing | None]:
    """Both masks as arrays of one shape whose equal indices lie in equal places, and the spacing of their axes, mm.

    Where both know their place in space: axes stored in another order or direction are put into that of the prediction,
    and a mask outside of which all is background (a segmentation) is enlarged to the other's extent. Where both know which images
    their frames were made on, equal indices are frames of one image. A leading axis of one is dropped, so that an image and a volume
    of one slice can be compared. A region of interest, which holds for all frames of its image, is held against each frame of a
    stack.

    Raises
    ------
    UsageError
        The grids differ in shape, spacing, origin or direction. The message tells both.
    """
    if pred.geometry and true.geometry:
        pred, true = _on_one_grid(pred, true)
    else:
        pred, true = _frame_by_frame(pred, true)
    labels = [_without_axes_of_one(mask.labels) for mask in (pred, true)]
    labels = [_repeated(own, mask.frames, other) for own, mask, other in zip(labels, (pred, true), labels[::-1], strict=True)]
    if labels[0].shape != labels[1].shape:
        raise UsageError(f"the masks differ in shape: the prediction has {labels[0].shape}, the truth has {labels[1].shape}")
    return *labels, _spacing(pred, true, labels[0].ndim)


# Grids


def _on_one_grid(pred: Mask, true: Mask) -> tuple[Mask, Mask]:
    pred, true = _as_volume(pred), _as_volume(true)
    axis = 0 if pred.guessed_spacing else int(np.abs(_seen_from(pred.geometry, true.geometry)[:, 0]).argmax())
    true = _reordered(true, pred.geometry)
    pred, true = _on_one_lattice(pred, true, axis)
    pred, true = _enlarged(pred, true.geometry), _enlarged(true, pred.geometry)
    if not _is_same(pred.geometry, true.geometry):
        raise UsageError(
            f"the masks differ in geometry: the prediction has {_told(pred.geometry)}; the truth has {_told(true.geometry)}: "
            "resample one to the grid of the other first"
        )
    return pred, true


def _as_volume(mask: Mask) -> Mask:
    return replace(mask, labels=mask.labels[np.newaxis]) if mask.labels.ndim == 2 else mask


def _seen_from(grid: VoxelGrid, other: VoxelGrid) -> np.ndarray:
    """``(3, 3)``: how far a step of length 1 along each axis of another grid goes along the axes of this one; a column for each."""
    return np.linalg.inv(grid.direction) @ other.direction


def _reordered(mask: Mask, like: VoxelGrid) -> Mask:
    """With its axes in the order and direction of another grid; as it is, where no axis is along one of the other."""
    turned = np.rint(_seen_from(like, mask.geometry))
    if not np.array_equal(np.abs(turned) @ np.abs(turned).T, np.eye(3)):
        return mask
    order = np.abs(turned).argmax(axis=1)
    flipped = turned[np.arange(3), order] < 0
    if np.array_equal(order, np.arange(3)) and not flipped.any():
        return mask
    before = mask.labels.ndim - 3
    labels = mask.labels.transpose([*range(before), *(before + order)])
    labels = np.flip(labels, tuple(before + np.flatnonzero(flipped)))
    return replace(mask, labels=labels, geometry=mask.geometry.reorder(order.tolist(), flipped.tolist()))


def _on_one_lattice(pred: Mask, true: Mask, axis: int) -> tuple[Mask, Mask]:
    """Where the distance of slices, along ``axis``, was only guessed, they are put where the other mask has its own, if it has them
    there; where both were, the slices of both together tell it."""
    if pred.guessed_spacing and true.guessed_spacing:
        grid = _joint(pred, true, axis)
        return _restepped(pred, grid, axis), _restepped(true, grid, axis)
    if true.guessed_spacing:
        return pred, _restepped(true, pred.geometry, axis)
    return (_restepped(pred, true.geometry, axis), true) if pred.guessed_spacing else (pred, true)


def _joint(pred: Mask, true: Mask, axis: int) -> VoxelGrid:
    """The grid of the prediction with the slices of both masks among its own; as it is, where they fit no distance."""
    own = pred.geometry
    places = np.concatenate([own.to_indices(_slices_held(mask, axis))[:, axis] for mask in (pred, true)])
    found = slice_numbers(places, _TOLERANCE) if np.ptp(places) > _TOLERANCE else None
    if found is None:
        return own
    steps, first = own.steps.copy(), np.zeros(3)
    steps[axis] *= found[1]
    first[axis] = places.min()
    return grid_from_steps(own.shape, steps, own.to_space(first[np.newaxis])[0])


def _slices_held(mask: Mask, axis: int) -> np.ndarray:
    """Where the slices are that hold something, mm ``(n, 3)``."""
    return mask.geometry.to_space(np.eye(3)[axis] * _held(mask.labels, axis)[:, np.newaxis])


def _restepped(mask: Mask, grid: VoxelGrid, axis: int) -> Mask:
    """With its slices among those of another grid; as it is, where one lies between two of these."""
    own = mask.geometry
    there = grid.to_indices(_slices_held(mask, axis))[:, axis]
    numbers = np.rint(there).astype(int)
    if np.abs(there - numbers).max() > _TOLERANCE or len(set(numbers.tolist())) < len(numbers):
        return mask
    shape = list(mask.labels.shape)
    shape[axis] = numbers.max() - numbers.min() + 1
    labels = np.zeros(shape, mask.labels.dtype)
    np.moveaxis(labels, axis, 0)[numbers - numbers.min()] = np.moveaxis(mask.labels, axis, 0)[_held(mask.labels, axis)]
    steps, start = own.steps.copy(), grid.to_indices([own.origin])[0]
    steps[axis], start[axis] = grid.steps[axis], numbers.min()
    return replace(mask, labels=labels, geometry=grid_from_steps(shape, steps, grid.to_space(start[np.newaxis])[0]))


def _held(labels: np.ndarray, axis: int) -> np.ndarray:
    """The indices along an axis at which there is something; the first one, where there is nothing at all."""
    held = np.flatnonzero(labels.any(axis=tuple(other for other in range(3) if other != axis)))
    return held if held.size else np.zeros(1, int)


def _enlarged(mask: Mask, other: VoxelGrid) -> Mask:
    """A sparse mask as large as it and another grid together, if both lie on one lattice; any other as it is."""
    own = mask.geometry
    offset = own.to_indices([other.origin])[0]
    start = np.rint(offset).astype(int)
    if not mask.sparse or np.abs(offset - start).max() > _TOLERANCE or not _same_lengths(own, other):
        return mask
    before = np.maximum(-start, 0)
    after = np.maximum(start + other.shape - own.shape, 0)
    if not before.any() and not after.any():
        return mask
    times = [(0, 0)] * (mask.labels.ndim - 3)
    labels = np.pad(mask.labels, [*times, *zip(before.tolist(), after.tolist(), strict=True)])
    return replace(mask, labels=labels, geometry=own.with_origin_at(-before, labels.shape[-3:]))


def _is_same(one: VoxelGrid, other: VoxelGrid) -> bool:
    """Whether the corners of both lie at the same places, so no voxel between them is elsewhere either."""
    if one.shape != other.shape:
        return False
    corners = np.array(list(product(*((0, size - 1) for size in one.shape))))
    apart = np.abs(one.to_space(corners) - other.to_space(corners)).max()
    return bool(apart <= _TOLERANCE * min(one.spacing)) and _same_lengths(one, other)


def _same_lengths(one: VoxelGrid, other: VoxelGrid) -> bool:
    return bool(np.allclose(one.spacing, other.spacing, rtol=_SAME_LENGTH))


def _told(grid: VoxelGrid) -> str:
    """In the order of ITK and Slicer: x, y, z."""
    spacing, origin = (" ".join(f"{value:.6g}" for value in values) for values in (grid.spacing[::-1], grid.origin))
    direction = " ".join(f"{value + 0:.4g}" for value in np.round(grid.direction[:, ::-1], 6).ravel())
    size = " x ".join(str(size) for size in grid.shape[::-1])
    return f"{size} voxels, spacing {spacing} mm, origin {origin}, direction {direction}"


# Frames of their own


def _frame_by_frame(pred: Mask, true: Mask) -> tuple[Mask, Mask]:
    """Frames without a place in space: those of one image together, and what one of them does not store is background there."""
    if set(pred.sources) & set(true.sources):
        sources = list(dict.fromkeys((*pred.sources, *true.sources)))
        return _on_sources(pred, sources), _on_sources(true, sources)
    if pred.scattered or true.scattered:
        raise UsageError(
            "the slices of a DICOM segmentation are not parallel and equally spaced, so it is compared only with one that refers to the "
            "same images"
        )
    return _as_long_as(pred, true), _as_long_as(true, pred)


def _on_sources(mask: Mask, sources: Sequence[str]) -> Mask:
    if list(mask.sources) == list(sources):
        return mask
    labels = np.zeros((len(sources), *mask.labels.shape[1:]), mask.labels.dtype)
    places = {source: place for place, source in enumerate(sources)}
    labels[[places[source] for source in mask.sources]] = mask.labels
    return replace(mask, labels=labels, sources=tuple(sources))


def _as_long_as(mask: Mask, other: Mask) -> Mask:
    """Frames behind the last one that a segmentation stores are background."""
    if not mask.sparse or mask.geometry or mask.labels.ndim != 3:
        return mask
    shape = other.labels.shape if other.sparse else _without_axes_of_one(other.labels).shape
    missing = (shape[0] if len(shape) == 3 else other.frames) - len(mask.labels)
    if missing <= 0:
        return mask
    return replace(mask, labels=np.pad(mask.labels, ((0, missing), (0, 0), (0, 0))))


# What the engine takes


def _spacing(pred: Mask, true: Mask, dimensions: int) -> Spacing | None:
    """Of frames that are images of their own, that of rows and columns; None where no file tells one."""
    told = [mask.pixel_spacing for mask in (pred, true) if mask.geometry is None and mask.pixel_spacing]
    if len(told) == 2 and not np.allclose(*told, rtol=_SAME_LENGTH):
        raise UsageError(f"the pixels of the masks differ in size: {told[0]} mm in the prediction, {told[1]} mm in the truth")
    grid = pred.geometry or true.geometry
    if told or grid is None:
        return told[0] if told else None
    axes = 2 if dimensions == 2 or grid.shape[0] == 1 else 3
    return spacing_from_steps(grid.steps[-axes:])


def _without_axes_of_one(labels: np.ndarray) -> np.ndarray:
    """Without leading axes of one item, and without the slices of a series of single images."""
    while labels.ndim > 2 and labels.shape[0] == 1:
        labels = labels[0]
    return labels[:, 0] if labels.ndim == 4 and labels.shape[1] == 1 else labels


def _repeated(labels: np.ndarray, frames: int, other: np.ndarray) -> np.ndarray:
    """An image that holds for all of ``frames`` frames, as that many where the other mask has as many; no pixel is copied."""
    if frames > 1 and labels.ndim == 2 and other.ndim == 3 and len(other) == frames:
        return np.broadcast_to(labels, (frames, *labels.shape))
    return labels
