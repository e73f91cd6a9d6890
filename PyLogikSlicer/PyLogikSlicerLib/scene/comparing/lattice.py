"""Lattice: the voxels on which two masks are compared, and masks from elsewhere resampled onto them, in memory."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np
import slicer
import vtk
from vtk.util.numpy_support import vtk_to_numpy

from ..labelmaps import Extent, Labelmap, matrixOf, orientedImage, vtkMatrix


@dataclass(frozen=True)
class Lattice:
    """Voxels (i, j, k) within ``extent``; ``matrix``, 4 x 4, takes them to RAS, mm, below the transform node ``transform``."""

    extent: Extent
    matrix: np.ndarray
    transform: Any = None

    @property
    def start(self) -> tuple[int, int, int]:
        """The first (i, j, k)."""
        return self.extent[0], self.extent[2], self.extent[4]

    @property
    def shape(self) -> tuple[int, int, int]:
        """(slices, rows, columns)."""
        i0, i1, j0, j1, k0, k1 = self.extent
        return k1 - k0 + 1, j1 - j0 + 1, i1 - i0 + 1

    @property
    def steps(self) -> np.ndarray:
        """``(3, 3)``: in the world from a slice, row and column to the next, mm, in the middle of the lattice: transforms may scale."""
        middle = np.array(self.shape[::-1]) // 2
        here = np.array(self.toRas(middle))
        return np.array([np.array(self.toRas(middle + step)) - here for step in np.eye(3, dtype=int)[::-1]])

    def toRas(self, index: Sequence[int]) -> list[float]:
        """The position in the world of voxel (i, j, k), counted from the first."""
        point = self.matrix @ [*(np.asarray(index) + self.start), 1]
        return list(_between(self.transform, None).TransformPoint(point[:3]))


def ofVolume(volume) -> Lattice:
    """The voxels of a volume node."""
    columns, rows, slices = volume.GetImageData().GetDimensions()
    return Lattice((0, columns - 1, 0, rows - 1, 0, slices - 1), matrixOf(volume.GetIJKToRASMatrix), volume.GetParentTransformNode())


def ofGeometry(text: str, transform) -> Lattice | None:
    """Voxels as a segmentation writes them down, for example its reference geometry; None where there are none."""
    image = slicer.vtkOrientedImageData()
    if not text or not slicer.vtkSegmentationConverter.DeserializeImageGeometry(text, image, False):
        return None
    lattice = Lattice(image.GetExtent(), matrixOf(image.GetImageToWorldMatrix), transform)
    return lattice if min(lattice.shape) > 0 else None


def enlarged(lattice: Lattice, labelmaps: Iterable[tuple[Labelmap, Any]]) -> Lattice:
    """The same voxels and as many more as hold all of the labelmaps, each given with the transform node above it."""
    low, high = np.array(lattice.extent[::2]), np.array(lattice.extent[1::2])
    for labelmap, transform in labelmaps:
        corners = np.rint(_indices(_corners(labelmap.extent), labelmap, transform, lattice)).astype(int)
        low, high = np.minimum(low, corners.min(axis=0)), np.maximum(high, corners.max(axis=0))
    return replace(lattice, extent=tuple(int(edge) for pair in zip(low, high, strict=True) for edge in pair))


def resampled(labelmap: Labelmap | None, transform, lattice: Lattice) -> np.ndarray:
    """A mask on the voxels of a lattice, by nearest neighbor; bool ``(slices, rows, columns)``. The labelmap is not changed."""
    mask = np.zeros(lattice.shape, bool)
    extent = _met(labelmap, transform, lattice) if labelmap else None
    if extent is None:
        return mask
    out = slicer.vtkOrientedImageData()
    source, target = orientedImage(labelmap.extent, labelmap.matrix, labelmap.mask), orientedImage(extent, lattice.matrix)
    way = _between(transform, lattice.transform)
    slicer.vtkOrientedImageDataResample.ResampleOrientedImageToReferenceOrientedImage(source, target, out, False, False, way)
    i0, i1, j0, j1, k0, k1 = (int(edge - first) for edge, first in zip(extent, np.repeat(lattice.start, 2), strict=True))
    part = mask[k0 : k1 + 1, j0 : j1 + 1, i0 : i1 + 1]
    part[...] = vtk_to_numpy(out.GetPointData().GetScalars()).reshape(part.shape) > 0
    return mask


def outside(labelmap: Labelmap | None, transform, lattice: Lattice) -> int:
    """How many voxels of a labelmap have their centers outside of a lattice; under a transform that bends none are counted."""
    way = None if labelmap is None else _linear(labelmap, transform, lattice)
    if way is None or _holds(lattice, *_indices(_corners(labelmap.extent), labelmap, transform, lattice).T).all():
        return 0
    columns, rows = (np.arange(size) + first for size, first in zip(labelmap.mask.shape[:0:-1], labelmap.start, strict=False))
    # Plane by plane, from sums of what each axis adds: the points of all voxels would take gigabytes.
    planar = way[:3, 0, None, None] * columns + way[:3, 1, None, None] * rows[:, None] + way[:3, 3, None, None]
    planes = enumerate(labelmap.mask, start=labelmap.start[2])
    return sum(int((plane & ~_holds(lattice, *(planar + k * way[:3, 2, None, None]))).sum()) for k, plane in planes)


def _met(labelmap: Labelmap, transform, lattice: Lattice) -> Extent | None:
    """The part of the lattice that a labelmap can reach; all of it under a transform that bends."""
    if _linear(labelmap, transform, lattice) is None:
        return lattice.extent
    corners = _indices(_corners(labelmap.extent, margin=0.5), labelmap, transform, lattice)
    low = np.maximum(np.floor(corners.min(axis=0)).astype(int) - 1, lattice.extent[::2])
    high = np.minimum(np.ceil(corners.max(axis=0)).astype(int) + 1, lattice.extent[1::2])
    if (low > high).any():
        return None
    return tuple(int(edge) for pair in zip(low, high, strict=True) for edge in pair)  # type: ignore[return-value]


def _corners(extent: Extent, margin: float = 0) -> np.ndarray:
    edges = [(first - margin, last + margin) for first, last in zip(extent[::2], extent[1::2], strict=True)]
    return np.array(list(product(*edges)))


def _indices(voxels: np.ndarray, labelmap: Labelmap, transform, lattice: Lattice) -> np.ndarray:
    """Where voxels (i, j, k) of a labelmap lie among those of a lattice; floats ``(n, 3)``."""
    points = np.hstack([voxels, np.ones((len(voxels), 1))])
    way = _linear(labelmap, transform, lattice)
    if way is not None:
        return (points @ way.T)[:, :3]
    bent = _between(transform, lattice.transform)
    points[:, :3] = [bent.TransformPoint(point[:3]) for point in points @ labelmap.matrix.T]
    return (points @ np.linalg.inv(lattice.matrix).T)[:, :3]


def _linear(labelmap: Labelmap, transform, lattice: Lattice) -> np.ndarray | None:
    """From voxels of a labelmap to those of a lattice, 4 x 4; None where a transform between them bends."""
    linear = vtk.vtkTransform()
    if not slicer.vtkMRMLTransformNode.IsGeneralTransformLinear(_between(transform, lattice.transform), linear):
        return None
    return np.linalg.inv(lattice.matrix) @ slicer.util.arrayFromVTKMatrix(linear.GetMatrix()) @ labelmap.matrix


def _holds(lattice: Lattice, i: np.ndarray, j: np.ndarray, k: np.ndarray) -> np.ndarray:
    inside = np.ones(i.shape, bool)
    for axis, first, last in zip((i, j, k), lattice.extent[::2], lattice.extent[1::2], strict=True):
        # Positions are rounded in files: what lies on the very edge is inside.
        inside &= (axis >= first - 0.501) & (axis <= last + 0.501)
    return inside


def _between(source, target) -> vtk.vtkGeneralTransform:
    transform = vtk.vtkGeneralTransform()
    slicer.vtkMRMLTransformNode.GetTransformBetweenNodes(source, target, transform)
    return transform


def serialized(lattice: Lattice) -> str:
    """As a segmentation writes it down."""
    return slicer.vtkSegmentationConverter.SerializeImageGeometry(vtkMatrix(lattice.matrix), lattice.extent)
