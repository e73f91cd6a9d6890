"""The reference geometry of a comparison: the voxels on which two masks are compared, and resampling masks to it in memory."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np
import slicer
import vtk
from vtk.util.numpy_support import vtk_to_numpy

from ..labelmaps import Extent, Labelmap, extentOf, matrixOf, orientedImage

# Voxels by which a center may lie beyond the edge of a geometry and still belong to it: half a voxel, and what rounding in files adds.
EDGE_TOLERANCE = 0.501
# Voxels by which the corners of a labelmap are moved outward, from the centers of its first and last voxels to their outer edges.
HALF_VOXEL = 0.5


@dataclass(frozen=True)
class ReferenceGeometry:
    """Voxels (i, j, k) within ``extent``; ``matrix``, 4 x 4, converts them to RAS (mm) below the transform node ``transform``."""

    extent: Extent
    matrix: np.ndarray
    transform: Any = None

    @property
    def start(self) -> tuple[int, int, int]:
        """The first voxel (i, j, k)."""
        return self.extent[0], self.extent[2], self.extent[4]

    @property
    def shape(self) -> tuple[int, int, int]:
        """(slices, rows, columns)"""
        i0, i1, j0, j1, k0, k1 = self.extent
        return k1 - k0 + 1, j1 - j0 + 1, i1 - i0 + 1

    @property
    def steps(self) -> np.ndarray:
        """The vectors in the world (mm) from a slice, a row and a column to the next one, ``(3, 3)``; taken in the middle of the
        geometry, since a transform may scale differently elsewhere."""
        middle = np.array(self.shape[::-1]) // 2
        origin = np.array(self.toRas(middle))
        return np.array([np.array(self.toRas(middle + step)) - origin for step in np.eye(3, dtype=int)[::-1]])

    def toRas(self, index: Sequence[int] | np.ndarray) -> list[float]:
        """The position in the world (RAS, mm) of a voxel (i, j, k), counted from the first one."""
        point = self.matrix @ [*(np.asarray(index) + self.start), 1]
        return list(_transformBetween(self.transform, None).TransformPoint(point[:3]))

    def serialize(self) -> str:
        """The text by which a segmentation stores a reference geometry."""
        return slicer.vtkSegmentationConverter.SerializeImageGeometry(slicer.util.vtkMatrixFromArray(self.matrix), self.extent)


def geometryOfVolume(volume) -> ReferenceGeometry:
    """The voxels of a volume node."""
    columns, rows, slices = volume.GetImageData().GetDimensions()
    extent = (0, columns - 1, 0, rows - 1, 0, slices - 1)
    return ReferenceGeometry(extent, matrixOf(volume.GetIJKToRASMatrix), volume.GetParentTransformNode())


def parseGeometry(text: str, transform) -> ReferenceGeometry | None:
    """The geometry in the text of :meth:`ReferenceGeometry.serialize`; None where it has no voxels."""
    image = slicer.vtkOrientedImageData()
    if not text or not slicer.vtkSegmentationConverter.DeserializeImageGeometry(text, image, False):
        return None
    geometry = ReferenceGeometry(image.GetExtent(), matrixOf(image.GetImageToWorldMatrix), transform)
    return geometry if min(geometry.shape) > 0 else None


def extendToHold(geometry: ReferenceGeometry, labelmaps: Iterable[tuple[Labelmap, Any]]) -> ReferenceGeometry:
    """The geometry with as many more voxels as hold all labelmaps, each given with the transform node above it."""
    first, last = np.array(geometry.extent[::2]), np.array(geometry.extent[1::2])
    for labelmap, transform in labelmaps:
        corners = np.rint(_toGeometry(_corners(labelmap.extent), labelmap, transform, geometry)).astype(int)
        first, last = np.minimum(first, corners.min(axis=0)), np.maximum(last, corners.max(axis=0))
    return replace(geometry, extent=extentOf(first, last))


def resample(labelmap: Labelmap | None, transform, geometry: ReferenceGeometry) -> np.ndarray:
    """A labelmap on the voxels of a geometry, by nearest neighbor.

    Parameters
    ----------
    labelmap
        It is not changed; None is an empty one.
    transform
        The transform node above the labelmap, or None.
    geometry
        The voxels of the result.

    Returns
    -------
    np.ndarray
        bool ``(slices, rows, columns)``
    """
    mask = np.zeros(geometry.shape, bool)
    extent = _reachedExtent(labelmap, transform, geometry) if labelmap else None
    if labelmap is None or extent is None:
        return mask
    out = slicer.vtkOrientedImageData()
    source, target = orientedImage(labelmap.extent, labelmap.matrix, labelmap.mask), orientedImage(extent, geometry.matrix)
    between = _transformBetween(transform, geometry.transform)
    slicer.vtkOrientedImageDataResample.ResampleOrientedImageToReferenceOrientedImage(source, target, out, False, False, between)
    i0, i1, j0, j1, k0, k1 = (int(edge - first) for edge, first in zip(extent, np.repeat(geometry.start, 2), strict=True))
    part = mask[k0 : k1 + 1, j0 : j1 + 1, i0 : i1 + 1]
    part[...] = vtk_to_numpy(out.GetPointData().GetScalars()).reshape(part.shape) > 0
    return mask


def countOutside(labelmap: Labelmap | None, transform, geometry: ReferenceGeometry) -> int:
    """How many voxels of a labelmap have their centers outside of a geometry; 0 under a non-linear transform, where they are not
    counted."""
    if labelmap is None:
        return 0
    matrix = _linearToGeometry(labelmap, transform, geometry)
    if matrix is None or _isInside(geometry, *_toGeometry(_corners(labelmap.extent), labelmap, transform, geometry).T).all():
        return 0
    columns, rows = (np.arange(size) + first for size, first in zip(labelmap.mask.shape[:0:-1], labelmap.start, strict=False))
    # Plane by plane, from the sums of what each axis contributes: the points of all voxels at once would take gigabytes.
    inPlane = matrix[:3, 0, None, None] * columns + matrix[:3, 1, None, None] * rows[:, None] + matrix[:3, 3, None, None]
    planes = enumerate(labelmap.mask, start=labelmap.start[2])
    return sum(int((plane & ~_isInside(geometry, *(inPlane + k * matrix[:3, 2, None, None]))).sum()) for k, plane in planes)


def _reachedExtent(labelmap: Labelmap, transform, geometry: ReferenceGeometry) -> Extent | None:
    """The part of a geometry that a labelmap can reach, None where they do not meet; all of it under a non-linear transform."""
    if _linearToGeometry(labelmap, transform, geometry) is None:
        return geometry.extent
    corners = _toGeometry(_corners(labelmap.extent, HALF_VOXEL), labelmap, transform, geometry)
    first = np.maximum(np.floor(corners.min(axis=0)).astype(int) - 1, geometry.extent[::2])
    last = np.minimum(np.ceil(corners.max(axis=0)).astype(int) + 1, geometry.extent[1::2])
    return None if (first > last).any() else extentOf(first, last)


def _corners(extent: Extent, margin: float = 0) -> np.ndarray:
    """The eight corners (i, j, k) of an extent, moved outward by ``margin`` voxels; ``(8, 3)``."""
    edges = [(first - margin, last + margin) for first, last in zip(extent[::2], extent[1::2], strict=True)]
    return np.array(list(product(*edges)))


def _toGeometry(voxels: np.ndarray, labelmap: Labelmap, transform, geometry: ReferenceGeometry) -> np.ndarray:
    """Voxels (i, j, k) of a labelmap in voxels of a geometry; float ``(n, 3)``."""
    points = np.hstack([voxels, np.ones((len(voxels), 1))])
    matrix = _linearToGeometry(labelmap, transform, geometry)
    if matrix is not None:
        return (points @ matrix.T)[:, :3]
    between = _transformBetween(transform, geometry.transform)
    points[:, :3] = [between.TransformPoint(point[:3]) for point in points @ labelmap.matrix.T]
    return (points @ np.linalg.inv(geometry.matrix).T)[:, :3]


def _linearToGeometry(labelmap: Labelmap, transform, geometry: ReferenceGeometry) -> np.ndarray | None:
    """The matrix, 4 x 4, from voxels of a labelmap to voxels of a geometry; None where a transform between them is not linear."""
    linear = vtk.vtkTransform()
    if not slicer.vtkMRMLTransformNode.IsGeneralTransformLinear(_transformBetween(transform, geometry.transform), linear):
        return None
    return np.linalg.inv(geometry.matrix) @ slicer.util.arrayFromVTKMatrix(linear.GetMatrix()) @ labelmap.matrix


def _isInside(geometry: ReferenceGeometry, i: np.ndarray, j: np.ndarray, k: np.ndarray) -> np.ndarray:
    """For each voxel position whether it lies in a geometry."""
    inside = np.ones(i.shape, bool)
    for axis, first, last in zip((i, j, k), geometry.extent[::2], geometry.extent[1::2], strict=True):
        inside &= (axis >= first - EDGE_TOLERANCE) & (axis <= last + EDGE_TOLERANCE)
    return inside


def _transformBetween(source, target) -> vtk.vtkGeneralTransform:
    """From below one transform node to below another one; None is the world."""
    transform = vtk.vtkGeneralTransform()
    slicer.vtkMRMLTransformNode.GetTransformBetweenNodes(source, target, transform)
    return transform
