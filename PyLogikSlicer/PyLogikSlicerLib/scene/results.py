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
    """Make the study's result node, or update it; returns the volume that shows it, for a sequence its proxy."""
    if study.result is None:
        study.result = _copySequence(study.node) if frames.isSequence(study.node) else _copyVolume(study.node, slicer.mrmlScene, study.node)
        study.drawnStates = [None] * study.review.frame_count
        placeBeside(study.node, study.result)
    displayed = _resultProxy(study) if frames.isSequence(study.node) else study.result
    drawResult(study)
    return displayed


def drawResult(study: Study) -> None:
    """Mask those frames of the result again on which something changed since they were masked last."""
    from ..core.masking import fill_masked, region_mask

    rows, columns = study.review.rows, study.review.columns
    roi = study.review.roi
    outside = ~roi.mask() if roi else np.zeros((rows, columns), bool)
    fill = _fillValue(study.node)
    changed = set()
    pairs = zip(frames.iterFrames(study.node), frames.iterFrames(study.result), strict=True)
    for number, (source, target) in enumerate(pairs):
        regions = tuple(region for region in study.review.regions if region.decision == "redact" and region.covers(number))
        state: Hashable = (tuple(region.polygon for region in regions), id(roi))
        if state != study.drawnStates[number]:
            mask = outside | region_mask(regions, rows, columns)
            target[...] = fill_masked(source, mask, fill)
            study.drawnStates[number] = state
            changed.add(number)
    slices = frames.shape(study.node)[3]
    for item in {number // slices for number in changed}:
        slicer.util.arrayFromVolumeModified(frames.itemNode(study.result, item))
    browser = frames.browserOf(study.result) if changed else None
    if browser:
        slicer.modules.sequences.logic().UpdateProxyNodesFromSequences(browser)


def removeWithProxy(node) -> None:
    """Remove a node from the scene, and the proxy that shows it where it is a sequence."""
    browser = frames.browserOf(node)
    proxy = browser.GetProxyNode(node) if browser else None
    for removed in (proxy, node):
        if removed is not None:
            slicer.mrmlScene.RemoveNode(removed)


def _fillValue(node):
    """The value that is shown as black, of the type of the voxels: 0 for 8 bits and for color, else the smallest value of all frames."""
    first = next(frames.iterFrames(node))
    if first.dtype == np.uint8 or first.ndim == 3:
        return 0
    return min(np.nanmin(frame) for frame in frames.iterFrames(node))


def _copyVolume(volume, scene, original):
    """A volume of the same kind, geometry and display, with voxels of its own, named after ``original``; ``scene`` may be None.

    Nothing else is copied: attributes name DICOM instances, and a storage node would name the source's file.
    """
    name = f"{original.GetName()} result"
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
        _copyDisplay(volume, copy)
    return copy


def _copyDisplay(volume, copy) -> None:
    """Show the copy with the window, level, colors and interpolation of a volume."""
    copy.CreateDefaultDisplayNodes()
    target, display = copy.GetDisplayNode(), volume.GetDisplayNode()
    if display and target and display.IsA("vtkMRMLScalarVolumeDisplayNode"):
        target.SetAutoWindowLevel(False)
        target.SetWindowLevel(display.GetWindow(), display.GetLevel())
        if display.GetColorNodeID():
            target.SetAndObserveColorNodeID(display.GetColorNodeID())
        target.SetInterpolate(display.GetInterpolate())


def _copySequence(original):
    """A sequence of copies of the volumes of a sequence."""
    sequence = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSequenceNode", f"{original.GetName()} result")
    sequence.SetIndexName(original.GetIndexName())
    sequence.SetIndexUnit(original.GetIndexUnit())
    sequence.SetIndexType(original.GetIndexType())
    for item, volume in enumerate(frames.volumes(original)):
        sequence.SetDataNodeAtValue(_copyVolume(volume, None, original), original.GetNthIndexValue(item))
    return sequence


def _resultProxy(study: Study):
    """The proxy of the result in the browser that plays the original; made where it does not exist."""
    originalProxy = frames.ensureProxy(study.node)
    browser = frames.browserOf(study.node)
    if not browser.IsSynchronizedSequenceNode(study.result, True):
        browser.AddSynchronizedSequenceNode(study.result)
    if browser.GetProxyNode(study.result) is None:
        slicer.modules.sequences.logic().UpdateProxyNodesFromSequences(browser)
        proxy = browser.GetProxyNode(study.result)
        proxy.SetAndObserveTransformNodeID(originalProxy.GetTransformNodeID())
        _copyDisplay(originalProxy, proxy)
    return browser.GetProxyNode(study.result)
