"""Original, result, or both side by side in the slice views, linked."""

from __future__ import annotations

import qt
import slicer
import vtk

ORIGINAL, RESULT, BOTH = "original", "result", "both"
LEFT, RIGHT = "Red", "Yellow"


class CompareViews:
    """What the slice views show of a study. The layout and planes that were there before side by side come back after it."""

    def __init__(self) -> None:
        self.how = ORIGINAL
        self._layoutBefore: int | None = None
        self._planesBefore: dict[str, vtk.vtkMatrix4x4] = {}

    def show(self, how: str, original, result=None) -> list[str]:
        """Show these volumes, the masked one only where it is asked for; the IDs of the views that overlays belong in, none for all."""
        self.how = how
        if how == BOTH:
            return self._sideBySide(original, result)
        self._restoreLayout()
        slicer.util.setSliceViewerLayers(background=original if how == ORIGINAL else result)
        return []

    def reset(self) -> None:
        """The study is gone: leave its result, and side by side."""
        self.how = ORIGINAL
        self._restoreLayout()

    def _sideBySide(self, original, result) -> list[str]:
        manager = slicer.app.layoutManager()
        if self._layoutBefore is None:
            self._layoutBefore = manager.layout
            self._planesBefore = {name: _copied(manager.sliceWidget(name).mrmlSliceNode().GetSliceToRAS()) for name in (LEFT, RIGHT)}
        manager.setLayout(slicer.vtkMRMLLayoutNode.SlicerLayoutSideBySideView)
        left, right = manager.sliceWidget(LEFT), manager.sliceWidget(RIGHT)
        left.mrmlSliceNode().RotateToVolumePlane(original)
        for widget, node in ((left, original), (right, result)):
            composite = widget.mrmlSliceCompositeNode()
            composite.SetLinkedControl(True)
            composite.SetHotLinkedControl(True)
            composite.SetBackgroundVolumeID(node.GetID())
            widget.mrmlSliceNode().GetSliceToRAS().DeepCopy(left.mrmlSliceNode().GetSliceToRAS())
            widget.mrmlSliceNode().UpdateMatrices()
        _fitWhenLaidOut()
        return [left.mrmlSliceNode().GetID()]

    def _restoreLayout(self) -> None:
        if self._layoutBefore is None:
            return
        manager = slicer.app.layoutManager()
        manager.setLayout(self._layoutBefore)
        self._layoutBefore = None
        for name, plane in self._planesBefore.items():
            widget = manager.sliceWidget(name)
            widget.mrmlSliceCompositeNode().SetHotLinkedControl(False)
            widget.mrmlSliceCompositeNode().SetLinkedControl(False)
            widget.mrmlSliceNode().GetSliceToRAS().DeepCopy(plane)
            widget.mrmlSliceNode().UpdateMatrices()
        _fitWhenLaidOut()


def _copied(matrix) -> vtk.vtkMatrix4x4:
    copy = vtk.vtkMatrix4x4()
    copy.DeepCopy(matrix)
    return copy


def _fitWhenLaidOut() -> None:
    """Views take their sizes after the layout was set, when Qt comes to it; what is fitted before is cut off then."""
    qt.QTimer.singleShot(0, slicer.util.resetSliceViews)


def shown(node):
    """The volume that stands for a node in the slice views: a sequence is shown by the proxy of its browser."""
    if not node.IsA("vtkMRMLSequenceNode"):
        return node
    browser = slicer.modules.sequences.logic().GetFirstBrowserNodeForSequenceNode(node)
    return browser.GetProxyNode(node) if browser else None


def showInput(node) -> None:
    """Show a node in all slice views, in its own planes, and a sequence in the tool bar that plays it; without a main window there
    are none."""
    volume = shown(node)
    if volume and slicer.app.layoutManager():
        slicer.util.setSliceViewerLayers(background=volume, fit=True, rotateToVolumePlane=True)
        if volume is not node:
            slicer.modules.sequences.showSequenceBrowser(slicer.modules.sequences.logic().GetFirstBrowserNodeForSequenceNode(node))
