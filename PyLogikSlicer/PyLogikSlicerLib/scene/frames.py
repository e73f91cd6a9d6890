"""Frames of a node: the slices k of a volume, the items of a sequence, or the slices of all items where these are volumes.

Frame ``item * slices + k`` is slice ``k`` of an item. A frame's array is ``(rows, columns[, 3])``, with row j and column i for the voxel
(i, j, k). The engine counts x and y from the edge of the first pixel, the scene i and j from its center: x = i + 0.5.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import slicer
import vtk

from ..core.errors import UsageError
from ..core.geometry import CENTER_TO_EDGE, to_pixel_centers
from ..core.stack import Display


def isSequence(node) -> bool:
    return node.IsA("vtkMRMLSequenceNode")


def browserOf(node):
    """The first browser node that plays a sequence; None for a volume, and where no browser plays it."""
    if not isSequence(node):
        return None
    browsers = slicer.util.getNodesByClass("vtkMRMLSequenceBrowserNode")
    return next((browser for browser in browsers if browser.IsSynchronizedSequenceNode(node, True)), None)


def sequenceOf(node):
    """The sequence that a proxy node shows; any other node itself."""
    for browser in slicer.util.getNodesByClass("vtkMRMLSequenceBrowserNode"):
        if browser.IsProxyNode(node.GetID()):
            return browser.GetSequenceNode(node)
    return node


def requireInScene(node):
    """The node, or the sequence that it is the proxy of. Raises UsageError where it is None or was removed from the scene."""
    if node is None:
        raise UsageError("there is no image: choose a volume, or a sequence of volumes")
    if node.GetScene() is None:
        raise UsageError("the image was removed from the scene: load it again")
    return sequenceOf(node)


def dataNodes(node) -> list:
    """The nodes of a sequence's items, in order; any other node alone."""
    return [node.GetNthDataNode(item) for item in range(node.GetNumberOfDataNodes())] if isSequence(node) else [node]


def volumes(node) -> list:
    """The volume, or the volumes of a sequence's items, in order.

    Raises UsageError where there is no image, or where the items are not volumes of one size and type.
    """
    items = dataNodes(node)
    for volume in items:
        if volume is None or not volume.IsA("vtkMRMLScalarVolumeNode") or not _voxelCount(volume):
            raise UsageError("there is no image in this node: choose a volume, or a sequence of volumes")
    if len({_layout(volume) for volume in items}) != 1:
        raise UsageError("the images of this sequence are not of one size and type" if items else "this sequence is empty: choose another")
    if _layout(items[0])[1] not in (1, 3):
        raise UsageError("this volume is neither gray nor RGB: choose another")
    return items


def _voxelCount(volume) -> int:
    image = volume.GetImageData()
    return image.GetNumberOfPoints() if image else 0


def _layout(volume) -> tuple:
    """(dimensions, components, scalar type)"""
    image = volume.GetImageData()
    return image.GetDimensions(), image.GetNumberOfScalarComponents(), image.GetScalarType()


def shape(node) -> tuple[int, int, int, int]:
    """(frames, rows, columns, slices of an item)"""
    items = volumes(node)
    columns, rows, slices = items[0].GetImageData().GetDimensions()
    return len(items) * slices, rows, columns, slices


def displayedVolume(node):
    """The node that the slice views show: the proxy of a sequence (without one, its first item), any other node itself."""
    if not isSequence(node):
        return node
    browser = browserOf(node)
    return (browser and browser.GetProxyNode(node)) or node.GetNthDataNode(0)


def ensureProxy(sequence):
    """The proxy by which the slice views show a sequence. Its browser and the proxy are made where they do not exist (any more)."""
    browser = browserOf(sequence)
    if browser is None:
        browser = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSequenceBrowserNode", f"{sequence.GetName()} browser")
        browser.SetAndObserveMasterSequenceNodeID(sequence.GetID())
    if browser.GetProxyNode(sequence) is None:
        slicer.modules.sequences.logic().UpdateProxyNodesFromSequences(browser)
    return browser.GetProxyNode(sequence)


def currentItem(node) -> int:
    """The item that the browser of a sequence shows; 0 for a volume, and without a browser."""
    browser = browserOf(node)
    return max(browser.GetSelectedItemNumber(), 0) if browser else 0


def itemNode(node, item: int):
    """The node of an item of a sequence; a volume itself."""
    return node.GetNthDataNode(item) if isSequence(node) else node


def voxels(volume) -> np.ndarray:
    """A view of a volume's voxels, ``(slices, rows, columns[, 3])``."""
    return slicer.util.arrayFromVolume(volume)


def iterFrames(node) -> Iterator[np.ndarray]:
    """Views of all frames, in order."""
    for volume in volumes(node):
        yield from voxels(volume)


def frameArray(node, number: int) -> np.ndarray:
    """A view of one frame."""
    slices = shape(node)[3]
    return voxels(itemNode(node, number // slices))[number % slices]


def displayWindow(node) -> tuple[float, float] | None:
    """The values (low, high) that are shown as black and white; None for color and for 8 bits, which are shown as they are."""
    volume = displayedVolume(node)
    display = volume.GetDisplayNode() or volumes(node)[0].GetDisplayNode()
    array = voxels(volume)
    if array.dtype == np.uint8 or array.ndim == 4 or display is None or not display.IsA("vtkMRMLScalarVolumeDisplayNode"):
        return None
    low, high = display.GetLevel() - display.GetWindow() / 2, display.GetLevel() + display.GetWindow() / 2
    return (low, high) if high > low else None


def displayOf(node) -> Display:
    """How the engine shows the frames of a node."""
    return Display(window=displayWindow(node))


class PixelGrid:
    """Converts between pixels of a node's frames and positions in the scene, with the transforms above the node."""

    def __init__(self, node) -> None:
        self.frameCount, self.rows, self.columns, self.slices = shape(node)
        self._node = node

    def toRas(self, pixels: Sequence[Sequence[float]] | np.ndarray, frame: int) -> list[list[float]]:
        """The positions (RAS, mm) of points (x, y) of a frame, pixel edges at integers."""
        volume = itemNode(self._node, frame // self.slices)
        matrix, transform = vtk.vtkMatrix4x4(), _parentTransform(displayedVolume(self._node), toWorld=True)
        volume.GetIJKToRASMatrix(matrix)
        points = (matrix.MultiplyPoint((i, j, frame % self.slices, 1))[:3] for i, j in to_pixel_centers(pixels).tolist())
        return [list(transform.TransformPoint(point)) for point in points]

    def toPixel(self, ras: Sequence[float], item: int = 0) -> tuple[float, float, int]:
        """The point (x, y) and the slice of an item at a position; the slice is the nearest one, and may lie outside the item."""
        volume = itemNode(self._node, item)
        matrix, transform = vtk.vtkMatrix4x4(), _parentTransform(displayedVolume(self._node), toWorld=False)
        volume.GetRASToIJKMatrix(matrix)
        i, j, k, _ = matrix.MultiplyPoint((*transform.TransformPoint(ras), 1))
        return i + CENTER_TO_EDGE, j + CENTER_TO_EDGE, int(round(k))

    def contains(self, x: float, y: float, k: int) -> bool:
        """Whether a point lies on a pixel of a slice of the item."""
        return 0 <= x < self.columns and 0 <= y < self.rows and 0 <= k < self.slices


def _parentTransform(volume, toWorld: bool) -> vtk.vtkGeneralTransform:
    """The transform from the volume's parent transform node to the world, or back; the identity where there is none."""
    transform = vtk.vtkGeneralTransform()
    parent = volume.GetParentTransformNode()
    if parent is not None:
        (parent.GetTransformToWorld if toWorld else parent.GetTransformFromWorld)(transform)
    return transform
