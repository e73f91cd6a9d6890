"""Original, result, or both side by side in the slice views, linked."""

from __future__ import annotations

import slicer

ORIGINAL, RESULT, BOTH = "original", "result", "both"
LEFT, RIGHT = "Red", "Yellow"


class CompareViews:
    """What the slice views show of a study. The layout that was there before side by side comes back after it."""

    def __init__(self) -> None:
        self._layoutBefore: int | None = None

    def show(self, study, how: str, result=None) -> None:
        """``result``: the node of the masked image; not needed for the original."""
        if how == BOTH:
            self._sideBySide(study, result)
            return
        self._restoreLayout()
        node = shown(study.node) if how == ORIGINAL else result
        slicer.util.setSliceViewerLayers(background=node)
        self._overlays(study, visible=how == ORIGINAL)

    def reset(self) -> None:
        """Leave side by side; the study is gone."""
        self._restoreLayout()

    def _sideBySide(self, study, result) -> None:
        manager = slicer.app.layoutManager()
        if self._layoutBefore is None:
            self._layoutBefore = manager.layout
        manager.setLayout(slicer.vtkMRMLLayoutNode.SlicerLayoutSideBySideView)
        original = shown(study.node)
        for name, node in ((LEFT, original), (RIGHT, result)):
            widget = manager.sliceWidget(name)
            composite = widget.mrmlSliceCompositeNode()
            composite.SetLinkedControl(True)
            composite.SetHotLinkedControl(True)
            composite.SetBackgroundVolumeID(node.GetID())
            widget.mrmlSliceNode().RotateToVolumePlane(original)
            widget.fitSliceToBackground()
        self._overlays(study, visible=True, only=manager.sliceWidget(LEFT).mrmlSliceNode())

    def _restoreLayout(self) -> None:
        if self._layoutBefore is not None:
            slicer.app.layoutManager().setLayout(self._layoutBefore)
            self._layoutBefore = None

    @staticmethod
    def _overlays(study, visible: bool, only=None) -> None:
        display = study.segmentation.GetDisplayNode() if study.segmentation else None
        if display:
            display.SetVisibility(visible)
            display.SetViewNodeIDs([only.GetID()] if only else [])


def shown(node):
    """The volume that stands for a node in the slice views: a sequence is shown by the proxy of its browser."""
    if not node.IsA("vtkMRMLSequenceNode"):
        return node
    browser = slicer.modules.sequences.logic().GetFirstBrowserNodeForSequenceNode(node)
    return browser.GetProxyNode(node) if browser else None


def showInput(node) -> None:
    """Show a node in all slice views, in its own planes."""
    volume = shown(node)
    if volume:
        slicer.util.setSliceViewerLayers(background=volume, fit=True, rotateToVolumePlane=True)
