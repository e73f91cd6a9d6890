"""Aligns two masks without resampling: axes in another order are reordered, missing slices are filled in, other grids are refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import product

import numpy as np

from ..core.errors import UsageError
from ..core.label_mask import Mask
from ..core.slice_numbers import slice_numbers
from ..core.voxel_grid import Spacing, VoxelGrid, grid_from_steps, spacing_from_steps

# Tolerance for equal positions, in voxels: headers are rounded, some to a hundredth of a millimeter.
_TOLERANCE = 0.05
# Relative tolerance for equal lengths.
_SAME_LENGTH = 1e-3


def align_masks(pred: Mask, true: Mask) -> tuple[np.ndarray, np.ndarray, Spacing | None]:
    """Both masks as arrays of one shape whose equal indices are equal positions, and the spacing of their axes, mm.

    Where both masks have a grid, axes in another order or direction are put into that of the prediction,
    and a mask outside of which all is background (a segmentation) is padded to the other's extent. Where both refer to the source
    images of their frames, equal indices are frames of one image. A leading axis of size 1 is dropped, so that an image and a volume
    of one slice can be compared. A region of interest, which is valid for all frames of its image, is compared with each frame of a
    stack.

    Raises
    ------
    UsageError
        The masks differ in shape, or their grids in spacing, origin or direction. The message states both.
    """
    if pred.geometry and true.geometry:
        pred, true = _align_in_space(pred, true)
    else:
        pred, true = _align_frames(pred, true)
    predicted, expected = _squeeze(pred.labels), _squeeze(true.labels)
    predicted, expected = _repeat_frames(predicted, pred.frames, expected), _repeat_frames(expected, true.frames, predicted)
    if predicted.shape != expected.shape:
        raise UsageError(f"the masks differ in shape: the prediction has {predicted.shape}, the truth has {expected.shape}")
    return predicted, expected, _spacing(pred, true, predicted.ndim)


# --- masks with a position in space ---------------------------------------------------------------------------------------------


def _grid(mask: Mask) -> VoxelGrid:
    """The grid of a mask, which all masks have that the functions of this section are called with."""
    assert mask.geometry is not None
    return mask.geometry


def _align_in_space(pred: Mask, true: Mask) -> tuple[Mask, Mask]:
    """Two masks with grids, put on one grid. Raises UsageError where that would need resampling."""
    pred, true = _as_volume(pred), _as_volume(true)
    axis = 0 if pred.guessed_spacing else int(np.abs(_axis_projections(_grid(pred), _grid(true))[:, 0]).argmax())
    true = _reorder_axes(true, _grid(pred))
    pred, true = _align_slices(pred, true, axis)
    pred, true = _pad_to_extent(pred, _grid(true)), _pad_to_extent(true, _grid(pred))
    if not _is_same_grid(_grid(pred), _grid(true)):
        raise UsageError(
            f"the masks differ in geometry: the prediction has {_describe_grid(_grid(pred))}; the truth has {_describe_grid(_grid(true))}: "
            "resample one to the grid of the other first"
        )
    return pred, true


def _as_volume(mask: Mask) -> Mask:
    """The mask with three axes: a single image is a volume of one slice."""
    return replace(mask, labels=mask.labels[np.newaxis]) if mask.labels.ndim == 2 else mask


def _axis_projections(grid: VoxelGrid, other: VoxelGrid) -> np.ndarray:
    """The components ``(3, 3)`` of unit steps along the axes of ``other`` along the axes of ``grid``; a column for each step."""
    return np.linalg.inv(grid.direction) @ other.direction


def _reorder_axes(mask: Mask, like: VoxelGrid) -> Mask:
    """The mask with its axes in the order and direction of another grid; unchanged where its axes are not parallel to those."""
    projections = np.rint(_axis_projections(like, _grid(mask)))
    if not np.array_equal(np.abs(projections) @ np.abs(projections).T, np.eye(3)):
        return mask
    order = np.abs(projections).argmax(axis=1)
    flipped = projections[np.arange(3), order] < 0
    if np.array_equal(order, np.arange(3)) and not flipped.any():
        return mask
    leading = mask.labels.ndim - 3  # axes before the three in space
    labels = mask.labels.transpose([*range(leading), *(leading + order)])
    labels = np.flip(labels, tuple(leading + np.flatnonzero(flipped)))
    return replace(mask, labels=labels, geometry=_grid(mask).reorder(order.tolist(), flipped.tolist()))


def _align_slices(pred: Mask, true: Mask, axis: int) -> tuple[Mask, Mask]:
    """Both masks with their slices, along ``axis``, on one lattice.

    A mask whose slice distance was only guessed is moved to the slices of the other mask. Where both distances were guessed, a common
    one is computed from the slices of both masks.
    """
    if pred.guessed_spacing and true.guessed_spacing:
        grid = _common_grid(pred, true, axis)
        return _move_to_lattice(pred, grid, axis), _move_to_lattice(true, grid, axis)
    if true.guessed_spacing:
        return pred, _move_to_lattice(true, _grid(pred), axis)
    return (_move_to_lattice(pred, _grid(true), axis), true) if pred.guessed_spacing else (pred, true)


def _common_grid(pred: Mask, true: Mask, axis: int) -> VoxelGrid:
    """A grid whose slices include those of both masks; the grid of the prediction where no distance of slices fits both."""
    grid = _grid(pred)
    indices = np.concatenate([grid.to_indices(_positions_of_filled_slices(mask, axis))[:, axis] for mask in (pred, true)])
    found = slice_numbers(indices, _TOLERANCE) if np.ptp(indices) > _TOLERANCE else None
    if found is None:
        return grid
    steps, first = grid.steps.copy(), np.zeros(3)
    steps[axis] *= found[1]
    first[axis] = indices.min()
    return grid_from_steps(grid.shape, steps, grid.to_space(first[np.newaxis])[0])


def _positions_of_filled_slices(mask: Mask, axis: int) -> np.ndarray:
    """The positions ``(n, 3)``, mm, of the first voxels of the slices along ``axis`` that are not all background."""
    return _grid(mask).to_space(np.eye(3)[axis] * _filled_indices(mask.labels, axis)[:, np.newaxis])


def _move_to_lattice(mask: Mask, grid: VoxelGrid, axis: int) -> Mask:
    """The mask with its slices along ``axis`` numbered as in another grid; unchanged where one lies between two slices of that."""
    own = _grid(mask)
    indices = grid.to_indices(_positions_of_filled_slices(mask, axis))[:, axis]
    numbers = np.rint(indices).astype(int)
    if np.abs(indices - numbers).max() > _TOLERANCE or len(set(numbers.tolist())) < len(numbers):
        return mask
    shape = list(mask.labels.shape)
    shape[axis] = numbers.max() - numbers.min() + 1
    labels = np.zeros(shape, mask.labels.dtype)
    np.moveaxis(labels, axis, 0)[numbers - numbers.min()] = np.moveaxis(mask.labels, axis, 0)[_filled_indices(mask.labels, axis)]
    steps, start = own.steps.copy(), grid.to_indices(np.array([own.origin]))[0]
    steps[axis], start[axis] = grid.steps[axis], numbers.min()
    return replace(mask, labels=labels, geometry=grid_from_steps(shape, steps, grid.to_space(start[np.newaxis])[0]))


def _filled_indices(labels: np.ndarray, axis: int) -> np.ndarray:
    """The indices along an axis of the slices that are not all background; 0 where all slices are."""
    filled = np.flatnonzero(labels.any(axis=tuple(other for other in range(3) if other != axis)))
    return filled if filled.size else np.zeros(1, int)


def _pad_to_extent(mask: Mask, other: VoxelGrid) -> Mask:
    """A sparse mask padded with background to also cover another grid on the same lattice; any other mask unchanged."""
    own = _grid(mask)
    offset = own.to_indices(np.array([other.origin]))[0]
    start = np.rint(offset).astype(int)
    if not mask.sparse or np.abs(offset - start).max() > _TOLERANCE or not _same_lengths(own, other):
        return mask
    before = np.maximum(-start, 0)
    after = np.maximum(start + other.shape - own.shape, 0)
    if not before.any() and not after.any():
        return mask
    leading = [(0, 0)] * (mask.labels.ndim - 3)
    labels = np.pad(mask.labels, [*leading, *zip(before.tolist(), after.tolist(), strict=True)])
    slices, rows, columns = labels.shape[-3:]
    return replace(mask, labels=labels, geometry=own.with_origin_at(-before, (slices, rows, columns)))


def _is_same_grid(first: VoxelGrid, second: VoxelGrid) -> bool:
    """Whether both have one shape and equal positions of their corners, and so of all voxels."""
    if first.shape != second.shape:
        return False
    corners = np.array(list(product(*((0, size - 1) for size in first.shape))))
    difference = np.abs(first.to_space(corners) - second.to_space(corners)).max()
    return bool(difference <= _TOLERANCE * min(first.spacing)) and _same_lengths(first, second)


def _same_lengths(first: VoxelGrid, second: VoxelGrid) -> bool:
    """Whether both have the same spacing."""
    return bool(np.allclose(first.spacing, second.spacing, rtol=_SAME_LENGTH))


def _describe_grid(grid: VoxelGrid) -> str:
    """The grid as an error message states it, in the axis order of ITK and Slicer: x, y, z."""
    spacing, origin = (" ".join(f"{value:.6g}" for value in values) for values in (grid.spacing[::-1], grid.origin))
    direction = " ".join(f"{value + 0:.4g}" for value in np.round(grid.direction[:, ::-1], 6).ravel())
    size = " x ".join(str(size) for size in grid.shape[::-1])
    return f"{size} voxels, spacing {spacing} mm, origin {origin}, direction {direction}"


# --- masks without a position in space ------------------------------------------------------------------------------------------


def _align_frames(pred: Mask, true: Mask) -> tuple[Mask, Mask]:
    """Two masks with the same number of frames: equal indices are frames of one source image, or else equal frame numbers.

    Frames that a mask does not store are background. Raises UsageError where the slices of one are scattered in space and the masks
    have no source image in common.
    """
    if set(pred.sources) & set(true.sources):
        sources = list(dict.fromkeys((*pred.sources, *true.sources)))
        return _reorder_by_source(pred, sources), _reorder_by_source(true, sources)
    if pred.scattered or true.scattered:
        raise UsageError(
            "the slices of a DICOM segmentation are not parallel and equally spaced, so it is compared only with one that refers to the "
            "same images"
        )
    return _pad_frames(pred, true), _pad_frames(true, pred)


def _reorder_by_source(mask: Mask, sources: Sequence[str]) -> Mask:
    """The mask with one frame for each of ``sources``, in their order."""
    if list(mask.sources) == list(sources):
        return mask
    labels = np.zeros((len(sources), *mask.labels.shape[1:]), mask.labels.dtype)
    places = {source: place for place, source in enumerate(sources)}
    labels[[places[source] for source in mask.sources]] = mask.labels
    return replace(mask, labels=labels, sources=tuple(sources))


def _pad_frames(mask: Mask, other: Mask) -> Mask:
    """A segmentation padded with background frames to the number of frames of another mask."""
    if not mask.sparse or mask.geometry or mask.labels.ndim != 3:
        return mask
    shape = other.labels.shape if other.sparse else _squeeze(other.labels).shape
    missing = (shape[0] if len(shape) == 3 else other.frames) - len(mask.labels)
    if missing <= 0:
        return mask
    return replace(mask, labels=np.pad(mask.labels, ((0, missing), (0, 0), (0, 0))))


# --- shape and spacing of the result --------------------------------------------------------------------------------------------


def _spacing(pred: Mask, true: Mask, dimensions: int) -> Spacing | None:
    """The spacing of all axes, or of rows and columns where the frames are separate images; None where neither file states one.

    Raises UsageError where the pixel spacings differ.
    """
    known = [mask.pixel_spacing for mask in (pred, true) if mask.geometry is None and mask.pixel_spacing]
    if len(known) == 2 and not np.allclose(known[0], known[1], rtol=_SAME_LENGTH):
        raise UsageError(f"the pixels of the masks differ in size: {known[0]} mm in the prediction, {known[1]} mm in the truth")
    grid = pred.geometry or true.geometry
    if known or grid is None:
        return known[0] if known else None
    axes = 2 if dimensions == 2 or grid.shape[0] == 1 else 3
    return spacing_from_steps(grid.steps[-axes:])


def _squeeze(labels: np.ndarray) -> np.ndarray:
    """The labels without leading axes of size 1, and without the axis of slices of a series of single images."""
    while labels.ndim > 2 and labels.shape[0] == 1:
        labels = labels[0]
    return labels[:, 0] if labels.ndim == 4 and labels.shape[1] == 1 else labels


def _repeat_frames(labels: np.ndarray, frames: int, other: np.ndarray) -> np.ndarray:
    """A single image that is valid for ``frames`` frames, repeated that often where the other mask has so many; a view, not a copy."""
    if frames > 1 and labels.ndim == 2 and other.ndim == 3 and len(other) == frames:
        return np.broadcast_to(labels, (frames, *labels.shape))
    return labels
