"""What the slice views show: the original, the result, or both side by side in linked views."""

from __future__ import annotations

import qt
import slicer
import vtk

from ..scene import frames

# What is shown of a study.
ORIGINAL = "original"
RESULT = "result"
BOTH = "both"
# Names of the slice views that are side by side.
LEFT = "Red"
RIGHT = "Yellow"


class SliceDisplay:
    """Shows a study in the slice views. After side by side the layout and the planes of before are restored.

    ``mode`` is :data:`ORIGINAL`, :data:`RESULT` or :data:`BOTH`.
    """

    def __init__(self) -> None:
        self.mode = ORIGINAL
        self._layoutBefore: int | None = None
        self._planesBefore: dict[str, vtk.vtkMatrix4x4] = {}

    def show(self, mode: str, original, result=None) -> list[str]:
        """Show the original, the result (needed in the modes RESULT and BOTH), or both.

        Returns the IDs of the views that overlays are to be drawn in; an empty list stands for all views.
        """
        self.mode = mode
        if mode == BOTH:
            return self._showSideBySide(original, result)
        self._restoreLayout()
        slicer.util.setSliceViewerLayers(background=original if mode == ORIGINAL else result)
        return []

    def reset(self) -> None:
        """Go back to the mode ORIGINAL; what the views show is left to the caller."""
        self.mode = ORIGINAL
        self._restoreLayout()

    def _showSideBySide(self, original, result) -> list[str]:
        manager = slicer.app.layoutManager()
        if self._layoutBefore is None:
            self._layoutBefore = manager.layout
            self._planesBefore = {name: _copyMatrix(manager.sliceWidget(name).mrmlSliceNode().GetSliceToRAS()) for name in (LEFT, RIGHT)}
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


def _copyMatrix(matrix) -> vtk.vtkMatrix4x4:
    copy = vtk.vtkMatrix4x4()
    copy.DeepCopy(matrix)
    return copy


def _fitWhenLaidOut() -> None:
    """Fit the slices to the views once Qt has laid out the views, which happens after the layout was set; fitted earlier, they would be
    cut off."""
    qt.QTimer.singleShot(0, slicer.util.resetSliceViews)


def showInput(node) -> None:
    """Show a node in all slice views, in its own planes, and the tool bar that plays a sequence. Without a main window there are none."""
    if not slicer.app.layoutManager():
        return
    browser = frames.browserOf(node)
    volume = browser.GetProxyNode(node) if browser else None if frames.isSequence(node) else node
    if volume:
        slicer.util.setSliceViewerLayers(background=volume, fit=True, rotateToVolumePlane=True)
        if browser:
            slicer.modules.sequences.showSequenceBrowser(browser)
