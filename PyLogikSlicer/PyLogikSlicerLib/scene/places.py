"""Places: from positions in the slice views to regions, and back. Positions are RAS in millimeters, lists of three floats."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import slicer
import vtk

from ..core.errors import UsageError
from . import frames
from .handles import dragged, handlesOf
from .study import Study

Ras = Sequence[float]


def showPlace(ras: Ras) -> None:
    """Let all slice views show the slices through a place. A view moves over the image only if the place is out of its sight."""
    for node in slicer.util.getNodesByClass("vtkMRMLSliceNode"):
        node.JumpSliceByOffsetting(*ras)
        toView = vtk.vtkMatrix4x4()
        vtk.vtkMatrix4x4.Invert(node.GetXYToRAS(), toView)
        position = toView.MultiplyPoint((*ras, 1))[:2]
        if not all(0 < at < size for at, size in zip(position, node.GetDimensions()[:2], strict=True)):
            node.JumpSliceByCentering(*ras)


def currentFrame(study: Study, ras: Ras | None = None) -> int:
    """The frame that the browser shows, and of a volume the slice at ``ras``, else the one asked for last."""
    grid = frames.Grid(study.node)
    item = frames.currentItem(study.node)
    if ras is not None:
        k = grid.toPixel(ras, item)[2]
    elif grid.slices > 1:
        k = study.frame % grid.slices
    else:
        k = 0
    return item * grid.slices + min(max(k, 0), grid.slices - 1)


def regionAt(study: Study, ras: Ras) -> int | None:
    """The index of the smallest region there, on the frame there."""
    x, y, number = _pixel(study, ras)
    return None if number is None else study.review.region_at(x, y, number)


def rasOf(study: Study, index: int) -> tuple[list[float], int]:
    """The center of a region and the frame to look at: the current one where the region is on it, else its middle one."""
    region = study.review.regions[index]
    x0, y0, x1, y1 = region.box
    number = _frameFor(study, region)
    return frames.Grid(study.node).toRas([((x0 + x1) / 2, (y0 + y1) / 2)], number)[0], number


def addRegion(study: Study, corners: Sequence[Ras], everyFrame: bool) -> int:
    """Draw a region around two opposite corners or more, on the frame of the first or on all; its index."""
    number = currentFrame(study, corners[0])
    points = _pixels(study, corners)
    first, last = (0, study.review.frame_count - 1) if everyFrame else (number, number)
    return study.review.add(_rectangle(*points) if len(points) == 2 else points, first, last)


def regionHandles(study: Study, index: int) -> list[list[float]]:
    """The corners of a region, on the frame that :func:`rasOf` names."""
    region = study.review.regions[index]
    return frames.Grid(study.node).toRas(region.polygon, _frameFor(study, region))


def moveRegion(study: Study, index: int, points: Sequence[Ras]) -> None:
    """Give a region these corners; its frames stay."""
    study.review.move(index, _pixels(study, points))


def roiHandles(study: Study) -> list[list[list[float]]]:
    """For each polygon of the region of interest a few points on it, on the current frame."""
    roi, number = study.review.roi, currentFrame(study)
    if roi is None:
        return []
    grid = frames.Grid(study.node)
    # Its vertices are centers of pixels, and centers lie half a pixel from the edges that Grid counts from.
    return [grid.toRas(polygon[indices] + 0.5, number) for polygon, indices in zip(roi.polygons, handlesOf(roi), strict=True)]


def moveRoi(study: Study, points: Sequence[Sequence[Ras]]) -> None:
    """Give the region of interest the outline that these handles stand for."""
    if study.review.roi is None:
        raise UsageError("the whole frame is kept: there is no region of interest to move")
    places = [np.array(_pixels(study, polygon), float).reshape(-1, 2) - 0.5 for polygon in points]
    study.review.set_roi(dragged(study.review.roi, places))


def pickThreshold(node, ras: Ras) -> int:
    """The 8-bit level that the engine sees at a point of a volume, or of a sequence's current item."""
    grid = frames.Grid(node)
    item = frames.currentItem(node)
    x, y, k = grid.toPixel(ras, item)
    if not grid.holds(x, y, k):
        raise UsageError("this point is not on the image: click on its background")
    shown = frames.display(node).show(frames.frame(node, item * grid.slices + k))
    return int(shown[int(y), int(x)].max())


def _pixel(study: Study, ras: Ras) -> tuple[float, float, int | None]:
    """(x, y, frame) at a position; no frame where it lies outside the image."""
    grid = frames.Grid(study.node)
    item = frames.currentItem(study.node)
    x, y, k = grid.toPixel(ras, item)
    return x, y, item * grid.slices + k if grid.holds(x, y, k) else None


def _pixels(study: Study, points: Sequence[Ras]) -> list[tuple[float, float]]:
    """(x, y) of positions, to a hundredth of a pixel: what comes back from a slice view is not exact."""
    grid = frames.Grid(study.node)
    item = frames.currentItem(study.node)
    return [(round(x, 2), round(y, 2)) for x, y, _ in (grid.toPixel(point, item) for point in points)]


def _rectangle(a: tuple[float, float], b: tuple[float, float]) -> list[tuple[float, float]]:
    (x0, x1), (y0, y1) = sorted((a[0], b[0])), sorted((a[1], b[1]))
    return [(x0, y0), (x1, y0), (x1, y1), (x0, y1)]


def _frameFor(study: Study, region) -> int:
    current = currentFrame(study)
    # Spans begin before the text is seen for the first time; in their middle it is there.
    return current if region.covers(current) else (region.frame_first + region.frame_last) // 2
