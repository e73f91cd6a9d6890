"""Segmentations of known shapes, on geometries that a person may have drawn them on."""

from __future__ import annotations

import numpy as np
import slicer
from scene_samples import matrix

from PyLogikSlicerLib.scene.labelmaps import crop, setLabelmap


def box(shape, k, j, i) -> np.ndarray:
    """True in the ranges (first, after last) of slices, rows and columns."""
    mask = np.zeros(shape, bool)
    mask[slice(*k), slice(*j), slice(*i)] = True
    return mask


def ball(shape, affine: np.ndarray, center, radius: float) -> np.ndarray:
    """Voxels ``(k, j, i)`` whose centers lie within ``radius`` mm of a position in RAS."""
    k, j, i = np.indices(shape)
    points = np.tensordot(affine[:3, :3], np.stack([i, j, k]), axes=1) + affine[:3, 3][:, None, None, None]
    return np.linalg.norm(points - np.reshape(center, (3, 1, 1, 1)), axis=0) <= radius


def affineOf(kind: str, spacing=(1, 1, 1)) -> np.ndarray:
    """IJK to RAS of :func:`scene_samples.matrix`, its voxels scaled."""
    affine = slicer.util.arrayFromVTKMatrix(matrix(kind)).copy()
    affine[:3, :3] *= spacing
    return affine


def addSegmentation(masks: dict, affine: np.ndarray, name="masks", volume=None, scene=True):
    """A segmentation of named masks ``(k, j, i)`` on voxels of their own; with ``volume`` as the image that was segmented."""
    node = slicer.vtkMRMLSegmentationNode()
    node.SetName(name)
    if scene:
        node = slicer.mrmlScene.AddNode(node)
        node.CreateDefaultDisplayNodes()
    if volume is not None:
        node.SetReferenceImageGeometryParameterFromVolumeNode(volume)
    for number, (title, mask) in enumerate(masks.items()):
        segment = slicer.vtkSegment()
        segment.SetName(title)
        segment.SetColor(0.2, 0.4 + 0.2 * (number % 3), 0.9)
        labelmap = crop(mask, (0, 0, 0), affine)
        if labelmap:
            setLabelmap(segment, labelmap)
        node.GetSegmentation().AddSegment(segment, f"{title} id")
    return node


def addSegmentations(items: list[dict], affine: np.ndarray, name: str, indexValues=None, browser=None):
    """A sequence of segmentations, played by ``browser`` or by one of its own; the sequence and its browser."""
    sequence = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSequenceNode", name)
    for number, masks in enumerate(items):
        value = str(number) if indexValues is None else indexValues[number]
        sequence.SetDataNodeAtValue(addSegmentation(masks, affine, f"{name} {number}", scene=False), value)
    if browser is None:
        browser = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSequenceBrowserNode", f"{name} browser")
        browser.SetAndObserveMasterSequenceNodeID(sequence.GetID())
    else:
        browser.AddSynchronizedSequenceNode(sequence)
    slicer.modules.sequences.logic().UpdateProxyNodesFromSequences(browser)
    browser.GetProxyNode(sequence).CreateDefaultDisplayNodes()
    return sequence, browser


def state(node) -> list:
    """All that a segmentation, or a sequence of some, holds, to see whether it was changed."""
    items = [node.GetNthDataNode(item) for item in range(node.GetNumberOfDataNodes())] if node.IsA("vtkMRMLSequenceNode") else [node]
    told = []
    for item in items:
        segmentation = item.GetSegmentation()
        names = []
        for index in range(segmentation.GetNumberOfSegments()):
            segment = segmentation.GetNthSegment(index)
            kinds = [segment.GetName()]
            for name in ("Binary labelmap", "Closed surface"):
                data = segment.GetRepresentation(name)
                kinds.append((name, data.GetMTime(), data.GetNumberOfPoints()) if data else None)
            names.append(kinds)
        told.append((names, segmentation.GetConversionParameter("Reference image geometry"), item.GetTransformNodeID(), item.GetName()))
    return told
