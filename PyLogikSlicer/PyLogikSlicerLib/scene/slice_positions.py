"""From positions in the slice views to frames and regions, and back.

Positions are RAS in millimeters, lists of three floats. Points (x, y) are in pixels of the frame: x right, y down, pixel edges at
integers.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import slicer
import vtk

from ..core.errors import UsageError
from ..core.text_map import Region
from . import frames
from .roi_control_points import controlPointIndices, moveControlPoints
from .study import Study

Ras = Sequence[float]

# Decimals of a pixel to which a position from a slice view is rounded: it is not exact.
PIXEL_DIGITS = 2


def showPosition(ras: Ras) -> None:
    """Let all slice views show the slice through a position; a view pans only if the position is out of its sight."""
    for node in slicer.util.getNodesByClass("vtkMRMLSliceNode"):
        node.JumpSliceByOffsetting(*ras)
        toView = vtk.vtkMatrix4x4()
        vtk.vtkMatrix4x4.Invert(node.GetXYToRAS(), toView)
        position = toView.MultiplyPoint((*ras, 1))[:2]
        if not all(0 < coordinate < size for coordinate, size in zip(position, node.GetDimensions()[:2], strict=True)):
            node.JumpSliceByCentering(*ras)


def currentFrame(study: Study, ras: Ras | None = None) -> int:
    """The frame that the browser shows; of a volume the slice at ``ras``, or without it the one that was shown last."""
    grid = frames.PixelGrid(study.node)
    item = frames.currentItem(study.node)
    if ras is not None:
        k = grid.toPixel(ras, item)[2]
    elif grid.slices > 1:
        k = study.frame % grid.slices
    else:
        k = 0
    return item * grid.slices + min(max(k, 0), grid.slices - 1)


def regionAt(study: Study, ras: Ras) -> int | None:
    """The index of the smallest region at a position, on the frame there; None where there is none."""
    grid = frames.PixelGrid(study.node)
    item = frames.currentItem(study.node)
    x, y, k = grid.toPixel(ras, item)
    return study.review.region_at(x, y, item * grid.slices + k) if grid.contains(x, y, k) else None


def regionCenter(study: Study, index: int) -> tuple[list[float], int]:
    """The position of a region's center, and the frame to show: the current one where the region is on it, else its middle one."""
    region = study.review.regions[index]
    x0, y0, x1, y1 = region.box
    frame = _frameToShow(study, region)
    return frames.PixelGrid(study.node).toRas([((x0 + x1) / 2, (y0 + y1) / 2)], frame)[0], frame


def addRegion(study: Study, corners: Sequence[Ras], everyFrame: bool) -> int:
    """Draw a region between two opposite corners, or around more, on the frame of the first corner or on all; returns its index.

    Raises UsageError when it lies outside the image.
    """
    frame = currentFrame(study, corners[0])
    points = _toPixels(study, corners)
    first, last = (0, study.review.frame_count - 1) if everyFrame else (frame, frame)
    return study.review.add(_rectangle(*points) if len(points) == 2 else points, first, last)


def regionCorners(study: Study, index: int) -> list[list[float]]:
    """The positions of a region's corners, on the frame that :func:`regionCenter` returns."""
    region = study.review.regions[index]
    return frames.PixelGrid(study.node).toRas(region.polygon, _frameToShow(study, region))


def moveRegion(study: Study, index: int, corners: Sequence[Ras]) -> None:
    """Move the corners of a region; its frames stay. Raises UsageError when it would lie outside the image."""
    study.review.move(index, _toPixels(study, corners))


def roiControlPoints(study: Study) -> list[list[list[float]]]:
    """For each polygon of the region of interest the positions of its control points, on the current frame; none without one."""
    roi, frame = study.review.roi, currentFrame(study)
    if roi is None:
        return []
    grid = frames.PixelGrid(study.node)
    indices = controlPointIndices(roi)
    return [grid.toRas(polygon[chosen], frame) for polygon, chosen in zip(roi.polygons, indices, strict=True)]


def moveRoi(study: Study, polygons: Sequence[Sequence[Ras]]) -> None:
    """Move the control points of the region of interest to these positions; its outline follows.

    Raises UsageError when they are not as many as there are, and NoRegionFound when they enclose nothing of the image.
    """
    if study.review.roi is None:
        raise UsageError("the whole frame is kept: there is no region of interest to move")
    points = [np.array(_toPixels(study, polygon), float).reshape(-1, 2) for polygon in polygons]
    study.review.set_roi(moveControlPoints(study.review.roi, points))


def pickThreshold(node, ras: Ras) -> int:
    """The 8-bit level (0 to 255) that the engine sees at a position of a volume, or of a sequence's current item.

    Raises UsageError when the position lies outside the image.
    """
    grid = frames.PixelGrid(node)
    item = frames.currentItem(node)
    x, y, k = grid.toPixel(ras, item)
    if not grid.contains(x, y, k):
        raise UsageError("this point is not on the image: click on its background")
    shown = frames.displayOf(node).show(frames.frameArray(node, item * grid.slices + k))
    return int(shown[int(y), int(x)].max())


def _toPixels(study: Study, positions: Sequence[Ras]) -> list[tuple[float, float]]:
    """The points (x, y) of positions on the current item."""
    grid = frames.PixelGrid(study.node)
    item = frames.currentItem(study.node)
    points = (grid.toPixel(position, item) for position in positions)
    return [(round(x, PIXEL_DIGITS), round(y, PIXEL_DIGITS)) for x, y, _ in points]


def _rectangle(a: tuple[float, float], b: tuple[float, float]) -> list[tuple[float, float]]:
    """The corners of the rectangle between two opposite ones, clockwise from the upper left."""
    (x0, x1), (y0, y1) = sorted((a[0], b[0])), sorted((a[1], b[1]))
    return [(x0, y0), (x1, y0), (x1, y1), (x0, y1)]


def _frameToShow(study: Study, region: Region) -> int:
    """The current frame where a region is on it, else the region's middle one: the span of a region begins before its text is seen for
    the first time."""
    current = currentFrame(study)
    return current if region.covers(current) else (region.frame_first + region.frame_last) // 2
