"""Masks to and from the labelmaps of segments: arrays ``(slices, rows, columns)`` on one side, vtkOrientedImageData on the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
import slicer
import vtk
from vtk.util.numpy_support import numpy_to_vtk, vtk_to_numpy

# (i0, i1, j0, j1, k0, k1) of voxels, all included, as VTK counts them.
Extent = tuple[int, int, int, int, int, int]


@dataclass(frozen=True)
class Labelmap:
    """A mask without empty borders, and its place.

    ``mask`` is bool ``(k, j, i)``, True inside; its first voxel is (i, j, k) = ``start``. ``matrix``, 4 x 4, converts (i, j, k) to RAS
    (mm), below the transform nodes above the node that the mask comes from.
    """

    mask: np.ndarray
    start: tuple[int, int, int]
    matrix: np.ndarray

    @property
    def extent(self) -> Extent:
        last = [first + size - 1 for first, size in zip(self.start, self.mask.shape[::-1], strict=True)]
        return extentOf(self.start, last)


def extentOf(first: Sequence[int] | np.ndarray, last: Sequence[int] | np.ndarray) -> Extent:
    """The extent from the first to the last voxel (i, j, k)."""
    return cast(Extent, tuple(int(edge) for pair in zip(first, last, strict=True) for edge in pair))


def crop(mask: np.ndarray, start: Sequence[int], matrix: np.ndarray) -> Labelmap | None:
    """The smallest part of a mask that holds all its True voxels; None where it has none.

    ``start`` is (i, j, k) of the first voxel of the mask.
    """
    if not mask.any():
        return None
    edges = []
    for axis in (2, 1, 0):
        inside = np.flatnonzero(mask.any(axis=tuple(other for other in (0, 1, 2) if other != axis)))
        edges.append((int(inside[0]), int(inside[-1]) + 1))
    (i0, i1), (j0, j1), (k0, k1) = edges
    i, j, k = start
    return Labelmap(mask[k0:k1, j0:j1, i0:i1], (i + i0, j + j0, k + k0), matrix)


def cropOrEmpty(mask: np.ndarray, start: tuple[int, int, int], matrix: np.ndarray) -> Labelmap:
    """:func:`crop`; where the mask is empty one voxel that is False, since a segment needs a labelmap."""
    return crop(mask, start, matrix) or Labelmap(np.zeros((1, 1, 1), bool), start, matrix)


def labelmapOf(segment) -> Labelmap | None:
    """The labelmap of a segment that has one, also where it shares it with others; None where it is empty."""
    image = segment.GetRepresentation(slicer.vtkSegmentationConverter.GetSegmentationBinaryLabelmapRepresentationName())
    scalars = image.GetPointData().GetScalars() if image else None
    if scalars is None or not scalars.GetNumberOfTuples():
        return None
    i0, i1, j0, j1, k0, k1 = image.GetExtent()
    labels = vtk_to_numpy(scalars).reshape(k1 - k0 + 1, j1 - j0 + 1, i1 - i0 + 1)
    return crop(labels == segment.GetLabelValue(), (i0, j0, k0), matrixOf(image.GetImageToWorldMatrix))


def setLabelmap(segment, labelmap: Labelmap) -> None:
    """Give a segment a labelmap of its own."""
    segment.SetLabelValue(1)
    name = slicer.vtkSegmentationConverter.GetSegmentationBinaryLabelmapRepresentationName()
    segment.AddRepresentation(name, orientedImage(labelmap.extent, labelmap.matrix, labelmap.mask))


def orientedImage(extent: Extent, matrix: np.ndarray, mask: np.ndarray | None = None):
    """A vtkOrientedImageData with this extent and geometry; its voxels are those of the mask, and without one it has none."""
    image = slicer.vtkOrientedImageData()
    image.SetExtent(*extent)
    if mask is not None:
        values = np.ascontiguousarray(mask, np.uint8).ravel()
        image.GetPointData().SetScalars(numpy_to_vtk(values, deep=True, array_type=vtk.VTK_UNSIGNED_CHAR))
    image.SetGeometryFromImageToWorldMatrix(slicer.util.vtkMatrixFromArray(matrix))
    return image


def matrixOf(getter: Callable[[vtk.vtkMatrix4x4], object]) -> np.ndarray:
    """The 4 x 4 array of the matrix that a getter such as ``volume.GetIJKToRASMatrix`` fills in."""
    matrix = vtk.vtkMatrix4x4()
    getter(matrix)
    return slicer.util.arrayFromVTKMatrix(matrix)
