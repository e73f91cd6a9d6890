"""The overlays of a study: a segmentation with what is redacted, what is kept, and the region of interest."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import slicer

from . import frames
from .hierarchy import placeBeside
from .labelmaps import Labelmap, cropped, matrixOf, setLabelmap
from .study import Study

# Segments by name, with colors that people who confuse red and green tell apart.
REDACTED, KEPT, ROI = "redacted", "kept", "ROI"
COLORS = {REDACTED: (0.84, 0.12, 0.16), KEPT: (0.95, 0.9, 0.25), ROI: (0.2, 0.55, 0.95)}
ROI_SHARE = 0.25  # of the opacity: what lies in the region of interest is what people look at


def makeOverlays(study: Study) -> None:
    """Make the study's segmentation node, empty, beside its volume."""
    volume = frames.shownVolume(study.node)
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", f"{study.node.GetName()} text")
    study.segmentation = node
    node.CreateDefaultDisplayNodes()
    if volume.GetScene() is slicer.mrmlScene:
        node.SetReferenceImageGeometryParameterFromVolumeNode(volume)
    _makeSegments(node.GetSegmentation())
    setAppearance(study, opacity=0.5, outline=False)
    placeBeside(study.node, node)


def _makeSegments(segmentation) -> None:
    """Make the segments that are not there, or that a person removed."""
    for name, color in COLORS.items():
        if segmentation.GetSegment(name) is None:
            segment = slicer.vtkSegment()
            segment.SetName(name)
            segment.SetColor(*color)
            segmentation.AddSegment(segment, name)


def drawOverlays(study: Study) -> None:
    """Draw what the review says of the volume, or of the sequence's current item."""
    item = frames.currentItem(study.node)
    _makeSegments(study.segmentation.GetSegmentation())
    study.segmentation.SetAndObserveTransformNodeID(frames.shownVolume(study.node).GetTransformNodeID())
    masks = overlayMasks(study, item, frames.Grid(study.node))
    for name, mask in masks.items():
        _fill(study.segmentation, name, mask, study.node, item)
    study.segmentation.Modified()


def overlayMasks(study: Study, item: int, grid: frames.Grid) -> dict[str, np.ndarray]:
    """What the review says of an item, by the names of the segments: bool ``(slices, rows, columns)``."""
    first = item * grid.slices
    return {REDACTED: masksOf(study, "redact", first, grid), KEPT: masksOf(study, "keep", first, grid), ROI: _roiMask(study, grid)}


def masksOf(study: Study, decision: str, first: int, grid: frames.Grid) -> np.ndarray:
    """The regions with this decision on the frames of an item, from frame ``first``: bool ``(slices, rows, columns)``."""
    from ..core.masking import region_mask

    mask = np.zeros((grid.slices, grid.rows, grid.columns), bool)
    for k in range(grid.slices):
        regions = [region for region in study.review.regions if region.decision == decision and region.covers(first + k)]
        if regions:
            mask[k] = region_mask(regions, grid.rows, grid.columns)
    return mask


def setAppearance(study: Study, opacity: float, outline: bool) -> None:
    """Fill the segments with this opacity, or show their outlines only. The region of interest is always a fainter fill."""
    display = study.segmentation.GetDisplayNode()
    display.SetVisibility(opacity > 0)
    display.SetOpacity2DFill(opacity)
    display.SetOpacity2DOutline(1.0 if outline else opacity)
    for name in COLORS:
        display.SetSegmentVisibility2DFill(name, not outline)
        display.SetSegmentVisibility2DOutline(name, True)
        display.SetSegmentOpacity2DFill(name, ROI_SHARE if name == ROI else 1.0)


def showIn(study: Study, viewIDs: Sequence[str]) -> None:
    """Draw the overlays in these slice views only; none means all."""
    display = study.segmentation.GetDisplayNode()
    display.RemoveAllViewNodeIDs()
    for viewID in viewIDs:
        display.AddViewNodeID(viewID)


def _roiMask(study: Study, grid: frames.Grid) -> np.ndarray:
    shape = grid.slices, grid.rows, grid.columns
    return np.broadcast_to(study.review.roi.mask(), shape) if study.review.roi else np.zeros(shape, bool)


def _fill(segmentation, name: str, mask: np.ndarray, node, item: int) -> None:
    """Give a segment a labelmap of its own on the voxels of the item, cut to where the mask is; one empty voxel where it is empty."""
    volume = node.GetNthDataNode(item) if frames.isSequence(node) else node
    matrix = matrixOf(volume.GetIJKToRASMatrix)
    labelmap = cropped(mask, (0, 0, 0), matrix) or Labelmap(np.zeros((1, 1, 1), bool), (0, 0, 0), matrix)
    setLabelmap(segmentation.GetSegmentation().GetSegment(name), labelmap)
