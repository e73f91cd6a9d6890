"""Volumes and sequences with text on them, on geometries that a scanner could have given them."""

from __future__ import annotations

import cv2
import numpy as np
import slicer
import vtk

OPTIONS = {"engine": "ppocr", "device": "cpu"}


def screen(text="JANE DOE", x=20, y=30, rows=120, columns=160, background=30, value=230) -> np.ndarray:
    """A dark screen with one line of text, its upper left corner at (x, y), 18 pixels high; uint8."""
    image = np.full((rows, columns), background, np.uint8)
    cv2.putText(image, text, (x, y + 18), cv2.FONT_HERSHEY_SIMPLEX, 0.7, value, 2, cv2.LINE_AA)
    return image


def ink(image: np.ndarray, background=30) -> np.ndarray:
    return image > background + 40


def matrix(kind: str) -> vtk.vtkMatrix4x4:
    """IJK to RAS: ``upright`` as Slicer loads a picture; ``oblique`` turned and anisotropic; ``flipped`` mirrored too."""
    axes = {
        "upright": np.diag([-1.0, -1.0, 1.0]),
        "oblique": turn(20, 35, 50) @ np.diag([-0.5, -0.8, 3.0]),
        "flipped": turn(-15, 10, 120) @ np.diag([0.7, -0.4, -2.0]),
    }[kind]
    result = vtk.vtkMatrix4x4()
    for row in range(3):
        for column in range(3):
            result.SetElement(row, column, axes[row, column])
        result.SetElement(row, 3, (12.5, -40.25, 7)[row])
    return result


def turn(*degrees: float) -> np.ndarray:
    """A rotation about x, then y, then z."""
    result = np.eye(3)
    for axis, angle in enumerate(np.radians(degrees)):
        a, b = [other for other in range(3) if other != axis]
        step = np.eye(3)
        step[a, a], step[a, b], step[b, a], step[b, b] = np.cos(angle), -np.sin(angle), np.sin(angle), np.cos(angle)
        result = step @ result
    return result


def addVolume(array: np.ndarray, kind="upright", name="sample", scene=True):
    """A volume of ``(slices, rows, columns[, 3])``."""
    color = array.ndim == 4
    node = (slicer.vtkMRMLVectorVolumeNode if color else slicer.vtkMRMLScalarVolumeNode)()
    node.SetName(name)
    if scene:
        node = slicer.mrmlScene.AddNode(node)
    node.SetIJKToRASMatrix(matrix(kind))
    slicer.util.updateVolumeFromArray(node, array.copy())
    if scene:
        node.CreateDefaultDisplayNodes()
        node.GetDisplayNode().SetAutoWindowLevel(False)
        node.GetDisplayNode().SetWindowLevel(
            *((255, 127.5) if array.dtype == np.uint8 else (np.ptp(array), (array.min() + array.max()) / 2))
        )
    return node


def addSequence(items, kind="upright", name="cine"):
    """A sequence of volumes with a browser, as Slicer's image sequence plug-in makes them; the sequence and its browser."""
    sequence = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSequenceNode", name)
    for number, item in enumerate(items):
        sequence.SetDataNodeAtValue(addVolume(item, kind, f"{name} {number}", scene=False), str(number))
    browser = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSequenceBrowserNode", f"{name} browser")
    browser.SetAndObserveMasterSequenceNodeID(sequence.GetID())
    slicer.modules.sequences.logic().UpdateProxyNodesFromSequences(browser)
    proxy = browser.GetProxyNode(sequence)
    proxy.CreateDefaultDisplayNodes()
    return sequence, browser


def segment(study, name: str) -> np.ndarray:
    """Where a segment is, resampled to the voxels of the volume that is shown: bool ``(slices, rows, columns)``."""
    from PyLogikSlicerLib.scene import frames

    volume = frames.displayedVolume(study.node)
    return slicer.util.arrayFromSegmentBinaryLabelmap(study.segmentation, name, volume).astype(bool)
