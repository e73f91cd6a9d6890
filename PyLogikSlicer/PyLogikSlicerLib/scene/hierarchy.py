"""Where nodes stand in the subject hierarchy: what was made of a volume is put beside it, under its study."""

from __future__ import annotations

import slicer

from . import frames


def placeBeside(node, made) -> None:
    """Put the node ``made`` under the same parent, the study where there is one, as ``node`` (or its sequence's proxy)."""
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    parent = next((parent for parent in _parents(hierarchy, node) if parent != hierarchy.GetSceneItemID()), hierarchy.GetSceneItemID())
    hierarchy.SetItemParent(_itemOf(hierarchy, made), parent)


def _parents(hierarchy, node):
    for candidate in (node, frames.shownVolume(node)):
        if candidate.GetScene() is slicer.mrmlScene:
            yield hierarchy.GetItemParent(_itemOf(hierarchy, candidate))


def _itemOf(hierarchy, node) -> int:
    """Slicer makes the items itself; a scene without Slicer's plug-ins leaves that to us."""
    return hierarchy.GetItemByDataNode(node) or hierarchy.CreateItem(hierarchy.GetSceneItemID(), node)
