"""The result in the scene: the frames as they would be exported, masked but not cropped, on the geometry of the original."""

from __future__ import annotations

from collections.abc import Hashable

import numpy as np
import slicer
import vtk

from . import frames
from .hierarchy import placeBeside
from .study import Study


def makeResult(study: Study):
    """Make the study's result node, or bring it up to date; the volume that shows it (of a sequence the proxy)."""
    if study.result is None:
        study.result = _sequence(study.node) if frames.isSequence(study.node) else _copy(study.node, slicer.mrmlScene, study.node)
        study.drawn = [None] * study.review.frame_count
        placeBeside(study.node, study.result)
    shown = _played(study) if frames.isSequence(study.node) else study.result
    drawResult(study)
    return shown


def drawResult(study: Study) -> None:
    """Mask the frames of the result anew on which something changed since they were masked last."""
    from ..core.masking import fill_masked, region_mask

    rows, columns = study.review.rows, study.review.columns
    roi = study.review.roi
    outside = ~roi.mask() if roi else np.zeros((rows, columns), bool)
    fill = _fillOf(study.node)
    changed = set()
    for number, (source, target) in enumerate(zip(frames.frames(study.node), frames.frames(study.result), strict=True)):
        regions = tuple(region for region in study.review.regions if region.decision == "redact" and region.covers(number))
        state: Hashable = (tuple(region.polygon for region in regions), id(roi))
        if state != study.drawn[number]:
            mask = outside | region_mask(regions, rows, columns)
            target[...] = fill_masked(source, mask, fill)
            study.drawn[number] = state
            changed.add(number)
    slices = frames.shape(study.node)[3]
    for item in {number // slices for number in changed}:
        slicer.util.arrayFromVolumeModified(study.result.GetNthDataNode(item) if frames.isSequence(study.result) else study.result)
    browser = frames.browserOf(study.result) if frames.isSequence(study.result) and changed else None
    if browser:
        slicer.modules.sequences.logic().UpdateProxyNodesFromSequences(browser)


def _fillOf(node) -> float:
    """What shows as black: 0 in 8 bits and color, elsewhere the smallest value of all frames."""
    first = next(frames.frames(node))
    if first.dtype == np.uint8 or first.ndim == 3:
        return 0
    return min(np.nanmin(frame) for frame in frames.frames(node))


def _copy(volume, scene, named):
    """A volume of the same kind, geometry and look in ``scene`` (None: in none), with voxels of its own.

    Nothing else is taken over: attributes name DICOM instances, and a storage node would name the source's file.
    """
    name = f"{named.GetName()} result"
    if scene is None:
        copy = getattr(slicer, volume.GetClassName())()
        copy.SetName(name)
    else:
        copy = scene.AddNewNodeByClass(volume.GetClassName(), name)
    image = vtk.vtkImageData()
    image.DeepCopy(volume.GetImageData())
    copy.SetAndObserveImageData(image)
    matrix = vtk.vtkMatrix4x4()
    volume.GetIJKToRASMatrix(matrix)
    copy.SetIJKToRASMatrix(matrix)
    if scene is not None:
        copy.SetAndObserveTransformNodeID(volume.GetTransformNodeID())
        _showAlike(volume, copy)
    return copy


def _showAlike(volume, copy) -> None:
    copy.CreateDefaultDisplayNodes()
    own, display = copy.GetDisplayNode(), volume.GetDisplayNode()
    if display and own and display.IsA("vtkMRMLScalarVolumeDisplayNode"):
        own.SetAutoWindowLevel(False)
        own.SetWindowLevel(display.GetWindow(), display.GetLevel())
        if display.GetColorNodeID():
            own.SetAndObserveColorNodeID(display.GetColorNodeID())
        own.SetInterpolate(display.GetInterpolate())


def _sequence(original):
    """A sequence of copies."""
    sequence = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSequenceNode", f"{original.GetName()} result")
    sequence.SetIndexName(original.GetIndexName())
    sequence.SetIndexUnit(original.GetIndexUnit())
    sequence.SetIndexType(original.GetIndexType())
    for item, volume in enumerate(frames.volumes(original)):
        sequence.SetDataNodeAtValue(_copy(volume, None, original), original.GetNthIndexValue(item))
    return sequence


def _played(study: Study):
    """The proxy of the result, in the browser that plays the original."""
    original = frames.played(study.node)
    browser = frames.browserOf(study.node)
    if not browser.IsSynchronizedSequenceNode(study.result, True):
        browser.AddSynchronizedSequenceNode(study.result)
    if browser.GetProxyNode(study.result) is None:
        slicer.modules.sequences.logic().UpdateProxyNodesFromSequences(browser)
        proxy = browser.GetProxyNode(study.result)
        proxy.SetAndObserveTransformNodeID(original.GetTransformNodeID())
        _showAlike(original, proxy)
    return browser.GetProxyNode(study.result)
