"""VoxelGrid: where the voxels of an array lie in space, and how far apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

# Cosine of the angle between two axes, below which they count as at right angles: headers hold seven digits, some only four.
_RIGHT_ANGLE = 1e-4

# mm along each axis; of axes that are not at right angles the vectors of the steps along them.
Spacing = tuple[float, ...] | tuple[tuple[float, ...], ...]


@dataclass(frozen=True, eq=False)
class VoxelGrid:
    """The places of an array ``(slices, rows, columns)``.

    Parameters
    ----------
    shape
        Of the array.
    affine
        ``(4, 4)``, from the indices (slice, row, column) of voxel centers to mm, x to the patient's left, y to the back, z up
        (LPS, as in DICOM). The axes may be sheared. It can be inverted: :func:`grid_of` gives no grid where it cannot.
    """

    shape: tuple[int, int, int]
    affine: np.ndarray

    @property
    def steps(self) -> np.ndarray:
        """``(3, 3)``: from a voxel to the next along each axis, mm; a row for each axis."""
        return self.affine[:3, :3].T

    @property
    def spacing(self) -> tuple[float, ...]:
        """How long these steps are, mm."""
        return tuple(float(length) for length in np.linalg.norm(self.steps, axis=1))

    @property
    def direction(self) -> np.ndarray:
        """``(3, 3)``: the unit vectors of these steps, a column for each axis."""
        return self.affine[:3, :3] / self.spacing

    @property
    def origin(self) -> tuple[float, ...]:
        """Where the first voxel is, mm."""
        return tuple(float(place) for place in self.affine[:3, 3])

    def to_space(self, indices: np.ndarray) -> np.ndarray:
        """Indices ``(n, 3)`` to mm."""
        return np.asarray(indices, float) @ self.steps + self.affine[:3, 3]

    def to_indices(self, places: np.ndarray) -> np.ndarray:
        """Places ``(n, 3)`` in mm to indices, which need not be whole numbers."""
        return (np.asarray(places, float) - self.affine[:3, 3]) @ np.linalg.inv(self.steps)

    def reordered(self, order: Sequence[int], flipped: Sequence[bool]) -> VoxelGrid:
        """That of the array with its axes in another order, some of them then in the other direction."""
        first = np.zeros((1, 3))
        for axis, turned in zip(order, flipped, strict=True):
            first[0, axis] = (self.shape[axis] - 1) * turned
        steps = np.where(np.asarray(flipped)[:, None], -1, 1) * self.steps[list(order)]
        return grid_from([self.shape[axis] for axis in order], steps, self.to_space(first)[0])

    def moved(self, start: Sequence[int], shape: tuple[int, int, int]) -> VoxelGrid:
        """That of an array of another shape whose first voxel has the index ``start`` here."""
        return grid_from(shape, self.steps, self.to_space(np.asarray([start]))[0])


def spacing_of(steps: np.ndarray) -> Spacing:
    """How long steps ``(axes, 3)`` are, mm; where they are not at right angles the steps themselves, which that would not tell."""
    lengths = np.linalg.norm(steps, axis=1)
    cosines = (steps @ steps.T) / np.outer(lengths, lengths)
    if np.abs(cosines - np.eye(len(steps))).max() < _RIGHT_ANGLE:
        return tuple(lengths.tolist())
    return tuple(map(tuple, np.asarray(steps, float).tolist()))


def grid_from(shape: Sequence[int], steps: np.ndarray, origin: Sequence[float]) -> VoxelGrid:
    """The grid of these steps, a row for each axis, mm."""
    affine = np.eye(4)
    affine[:3, :3], affine[:3, 3] = np.asarray(steps, float).T, origin
    return VoxelGrid((int(shape[0]), int(shape[1]), int(shape[2])), affine)


def grid_of(shape: Sequence[int], affine: np.ndarray) -> VoxelGrid | None:
    """The grid of an affine as :class:`VoxelGrid` has it; None where its axes do not span the space."""
    steps = np.asarray(affine, float)[:3, :3]
    lengths = np.linalg.norm(steps, axis=0)
    if not np.isfinite(affine).all() or not lengths.all() or abs(np.linalg.det(steps / lengths)) < _RIGHT_ANGLE:
        return None
    return grid_from(shape, steps.T, np.asarray(affine, float)[:3, 3])
