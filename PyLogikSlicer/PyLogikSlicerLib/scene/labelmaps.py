"""Masks to and from the labelmaps of segments: arrays ``(slices, rows, columns)`` on one side, vtkOrientedImageData on the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import slicer
import vtk
from vtk.util.numpy_support import numpy_to_vtk, vtk_to_numpy

Extent = tuple[int, int, int, int, int, int]


@dataclass(frozen=True)
class Labelmap:
    """A mask with no empty border, and where it is.

    ``mask`` is bool ``(k, j, i)`` and True inside; its first voxel is (i, j, k) = ``start``, and ``matrix``, 4 x 4, takes
    (i, j, k) to RAS, mm, below the transform nodes above the node that it comes from.
    """

    mask: np.ndarray
    start: tuple[int, int, int]
    matrix: np.ndarray

    @property
    def extent(self) -> Extent:
        """(i0, i1, j0, j1, k0, k1), all included."""
        ends = [first + size - 1 for first, size in zip(self.start, self.mask.shape[::-1], strict=True)]
        return tuple(edge for pair in zip(self.start, ends, strict=True) for edge in pair)  # type: ignore[return-value]


def cropped(mask: np.ndarray, start: Sequence[int], matrix: np.ndarray) -> Labelmap | None:
    """The part of a mask that holds all that is True; None where nothing is."""
    if not mask.any():
        return None
    edges = []
    for axis in (2, 1, 0):
        there = np.flatnonzero(mask.any(axis=tuple(other for other in (0, 1, 2) if other != axis)))
        edges.append((int(there[0]), int(there[-1]) + 1))
    (i0, i1), (j0, j1), (k0, k1) = edges
    i, j, k = start
    return Labelmap(mask[k0:k1, j0:j1, i0:i1], (i + i0, j + j0, k + k0), matrix)


def ofSegment(segment) -> Labelmap | None:
    """The labelmap of a segment that has one, also where it shares it with others; None where it is empty."""
    image = segment.GetRepresentation(slicer.vtkSegmentationConverter.GetSegmentationBinaryLabelmapRepresentationName())
    scalars = image.GetPointData().GetScalars() if image else None
    if scalars is None or not scalars.GetNumberOfTuples():
        return None
    i0, i1, j0, j1, k0, k1 = image.GetExtent()
    labels = vtk_to_numpy(scalars).reshape(k1 - k0 + 1, j1 - j0 + 1, i1 - i0 + 1)
    return cropped(labels == segment.GetLabelValue(), (i0, j0, k0), matrixOf(image.GetImageToWorldMatrix))


def setLabelmap(segment, labelmap: Labelmap) -> None:
    """Give a segment a labelmap of its own."""
    segment.SetLabelValue(1)
    name = slicer.vtkSegmentationConverter.GetSegmentationBinaryLabelmapRepresentationName()
    segment.AddRepresentation(name, orientedImage(labelmap.extent, labelmap.matrix, labelmap.mask))


def orientedImage(extent: Extent, matrix: np.ndarray, mask: np.ndarray | None = None):
    """A vtkOrientedImageData there; without a mask only its geometry."""
    image = slicer.vtkOrientedImageData()
    image.SetExtent(*extent)
    if mask is not None:
        values = np.ascontiguousarray(mask, np.uint8).ravel()
        image.GetPointData().SetScalars(numpy_to_vtk(values, deep=True, array_type=vtk.VTK_UNSIGNED_CHAR))
    image.SetGeometryFromImageToWorldMatrix(vtkMatrix(matrix))
    return image


def matrixOf(getter) -> np.ndarray:
    """What a getter like ``volume.GetIJKToRASMatrix`` writes into the matrix it is given; 4 x 4."""
    matrix = vtk.vtkMatrix4x4()
    getter(matrix)
    return slicer.util.arrayFromVTKMatrix(matrix)


def vtkMatrix(array: np.ndarray) -> vtk.vtkMatrix4x4:
    return slicer.util.vtkMatrixFromArray(array)
