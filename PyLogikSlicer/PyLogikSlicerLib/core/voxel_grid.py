"""VoxelGrid: where the voxels of an array lie in space, and how far apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

# Cosine of the angle between two axes below which they are taken to be at right angles: headers have seven digits, some only four.
_RIGHT_ANGLE = 1e-4

# The spacing of each axis, mm; for axes that are not at right angles, the vector from a voxel to the next along each axis, mm.
Spacing = tuple[float, ...] | tuple[tuple[float, ...], ...]


@dataclass(frozen=True, eq=False)
class VoxelGrid:
    """The position in space of each voxel of an array ``(slices, rows, columns)``.

    Parameters
    ----------
    shape
        Shape of the array.
    affine
        ``(4, 4)``, from the indices (slice, row, column) of voxel centers to mm, x to the patient's left, y to the back, z up
        (LPS, as in DICOM). The axes may be sheared. It is invertible: :func:`grid_from_affine` makes no grid of another.
    """

    shape: tuple[int, int, int]
    affine: np.ndarray

    @property
    def steps(self) -> np.ndarray:
        """The vectors ``(3, 3)`` from a voxel to the next along each axis, mm; a row for each axis."""
        return self.affine[:3, :3].T

    @property
    def spacing(self) -> tuple[float, ...]:
        """The lengths of the steps, mm."""
        return tuple(float(length) for length in np.linalg.norm(self.steps, axis=1))

    @property
    def direction(self) -> np.ndarray:
        """The unit vectors ``(3, 3)`` of the steps, a column for each axis."""
        return self.affine[:3, :3] / self.spacing

    @property
    def origin(self) -> tuple[float, ...]:
        """The position of the center of the first voxel, mm."""
        return tuple(float(coordinate) for coordinate in self.affine[:3, 3])

    def to_space(self, indices: np.ndarray) -> np.ndarray:
        """The positions ``(n, 3)``, mm, of indices ``(n, 3)``."""
        return np.asarray(indices, float) @ self.steps + self.affine[:3, 3]

    def to_indices(self, positions: np.ndarray) -> np.ndarray:
        """The indices ``(n, 3)``, not rounded, of positions ``(n, 3)`` in mm."""
        return (np.asarray(positions, float) - self.affine[:3, 3]) @ np.linalg.inv(self.steps)

    def reorder(self, order: Sequence[int], flipped: Sequence[bool]) -> VoxelGrid:
        """The grid of the transposed and flipped array.

        ``order`` are the old axes in their new order, as in :func:`numpy.transpose`; ``flipped`` tells which of the new axes are reversed.
        """
        first = np.zeros((1, 3))
        for axis, is_flipped in zip(order, flipped, strict=True):
            first[0, axis] = (self.shape[axis] - 1) * is_flipped
        steps = np.where(np.asarray(flipped)[:, None], -1, 1) * self.steps[list(order)]
        return grid_from_steps([self.shape[axis] for axis in order], steps, self.to_space(first)[0])

    def with_origin_at(self, start: Sequence[int], shape: tuple[int, int, int]) -> VoxelGrid:
        """The grid of an array ``shape`` on the same lattice, whose first voxel has the index ``start`` in this grid."""
        return grid_from_steps(shape, self.steps, self.to_space(np.asarray([start]))[0])


def spacing_from_steps(steps: np.ndarray) -> Spacing:
    """The lengths, mm, of steps ``(axes, 3)``; the steps themselves where they are not at right angles, so that their angles are kept."""
    lengths = np.linalg.norm(steps, axis=1)
    cosines = (steps @ steps.T) / np.outer(lengths, lengths)
    if np.abs(cosines - np.eye(len(steps))).max() < _RIGHT_ANGLE:
        return tuple(lengths.tolist())
    return tuple(map(tuple, np.asarray(steps, float).tolist()))


def grid_from_steps(shape: Sequence[int], steps: np.ndarray, origin: Sequence[float] | np.ndarray) -> VoxelGrid:
    """The grid with these steps ``(3, 3)``, a row for each axis, and this position of the first voxel ``(3,)``, mm."""
    affine = np.eye(4)
    affine[:3, :3], affine[:3, 3] = np.asarray(steps, float).T, origin
    return VoxelGrid((int(shape[0]), int(shape[1]), int(shape[2])), affine)


def grid_from_affine(shape: Sequence[int], affine: np.ndarray) -> VoxelGrid | None:
    """The grid with an affine as :class:`VoxelGrid` defines it; None where the affine is not finite or not invertible."""
    steps = np.asarray(affine, float)[:3, :3]
    lengths = np.linalg.norm(steps, axis=0)
    if not np.isfinite(affine).all() or not lengths.all() or abs(np.linalg.det(steps / lengths)) < _RIGHT_ANGLE:
        return None
    return grid_from_steps(shape, steps.T, np.asarray(affine, float)[:3, 3])
