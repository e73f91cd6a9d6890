"""The overlays of a study: a segmentation of what is redacted, of what is kept, and of the region of interest."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import slicer

from ..core.text_map import Decision
from . import frames
from .hierarchy import placeBeside
from .labelmaps import cropOrEmpty, matrixOf, setLabelmap
from .study import Study

# Names and IDs of the segments.
REDACTED = "redacted"
KEPT = "kept"
ROI = "ROI"
# RGB, 0 to 1; people who confuse red and green can tell these apart.
COLORS = {REDACTED: (0.84, 0.12, 0.16), KEPT: (0.95, 0.9, 0.25), ROI: (0.2, 0.55, 0.95)}
# Opacity of the filled segments at first.
DEFAULT_OPACITY = 0.5
# Share of the opacity that the region of interest is filled with: people look at the image in it.
ROI_OPACITY_SHARE = 0.25


def makeOverlays(study: Study) -> None:
    """Make the study's segmentation node, empty, beside its volume."""
    volume = frames.displayedVolume(study.node)
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", f"{study.node.GetName()} text")
    study.segmentation = node
    node.CreateDefaultDisplayNodes()
    if volume.GetScene() is slicer.mrmlScene:
        node.SetReferenceImageGeometryParameterFromVolumeNode(volume)
    _addMissingSegments(node.GetSegmentation())
    setAppearance(study, DEFAULT_OPACITY, outline=False)
    placeBeside(study.node, node)


def _addMissingSegments(segmentation) -> None:
    """Make the segments that do not exist yet, or that a person removed."""
    for name, color in COLORS.items():
        if segmentation.GetSegment(name) is None:
            segment = slicer.vtkSegment()
            segment.SetName(name)
            segment.SetColor(*color)
            segmentation.AddSegment(segment, name)


def drawOverlays(study: Study) -> None:
    """Draw the review of the volume, or of the sequence's current item."""
    item = frames.currentItem(study.node)
    segmentation = study.segmentation.GetSegmentation()
    _addMissingSegments(segmentation)
    study.segmentation.SetAndObserveTransformNodeID(frames.displayedVolume(study.node).GetTransformNodeID())
    matrix = matrixOf(frames.itemNode(study.node, item).GetIJKToRASMatrix)
    for name, mask in overlayMasks(study, item, frames.PixelGrid(study.node)).items():
        setLabelmap(segmentation.GetSegment(name), cropOrEmpty(mask, (0, 0, 0), matrix))
    study.segmentation.Modified()


def overlayMasks(study: Study, item: int, grid: frames.PixelGrid) -> dict[str, np.ndarray]:
    """The masks of an item by the names of the segments: bool ``(slices, rows, columns)``."""
    return {
        REDACTED: _decisionMask(study, "redact", item, grid),
        KEPT: _decisionMask(study, "keep", item, grid),
        ROI: _roiMask(study, grid),
    }


def setAppearance(study: Study, opacity: float, outline: bool) -> None:
    """Fill the segments with this opacity, or show their outlines only. The region of interest is filled more faintly."""
    display = study.segmentation.GetDisplayNode()
    display.SetVisibility(opacity > 0)
    display.SetOpacity2DFill(opacity)
    display.SetOpacity2DOutline(1.0 if outline else opacity)
    for name in COLORS:
        display.SetSegmentVisibility2DFill(name, not outline)
        display.SetSegmentVisibility2DOutline(name, True)
        display.SetSegmentOpacity2DFill(name, ROI_OPACITY_SHARE if name == ROI else 1.0)


def restrictToViews(study: Study, viewIDs: Sequence[str]) -> None:
    """Draw the overlays in these slice views only; in all of them where ``viewIDs`` is empty."""
    display = study.segmentation.GetDisplayNode()
    display.RemoveAllViewNodeIDs()
    for viewID in viewIDs:
        display.AddViewNodeID(viewID)


def _decisionMask(study: Study, decision: Decision, item: int, grid: frames.PixelGrid) -> np.ndarray:
    """The regions with this decision on the frames of an item."""
    from ..core.masking import region_mask

    mask = np.zeros((grid.slices, grid.rows, grid.columns), bool)
    for k in range(grid.slices):
        frame = item * grid.slices + k
        regions = [region for region in study.review.regions if region.decision == decision and region.covers(frame)]
        if regions:
            mask[k] = region_mask(regions, grid.rows, grid.columns)
    return mask


def _roiMask(study: Study, grid: frames.PixelGrid) -> np.ndarray:
    """The region of interest on each slice of an item; empty where the whole frame is kept."""
    shape = grid.slices, grid.rows, grid.columns
    return np.broadcast_to(study.review.roi.mask(), shape) if study.review.roi else np.zeros(shape, bool)
