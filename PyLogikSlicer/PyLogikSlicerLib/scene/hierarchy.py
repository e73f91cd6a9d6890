"""Where nodes stand in the subject hierarchy: what was made of a volume is put beside it, under its study."""

from __future__ import annotations

import slicer

from . import frames

# The attribute by which a folder of this module is known.
MADE = "PyLogikSlicer.made"


def placeBeside(node, made) -> None:
    """Put the node ``made`` under the same parent, the study where there is one, as ``node`` (or its sequence's proxy)."""
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    hierarchy.SetItemParent(_itemOf(hierarchy, made), _parentOf(hierarchy, node))


def _parentOf(hierarchy, node) -> int:
    return next((parent for parent in _parents(hierarchy, node) if parent != hierarchy.GetSceneItemID()), hierarchy.GetSceneItemID())


def _parents(hierarchy, node):
    for candidate in (node, frames.shownVolume(node)):
        if candidate.GetScene() is slicer.mrmlScene:
            yield hierarchy.GetItemParent(_itemOf(hierarchy, candidate))


def _itemOf(hierarchy, node) -> int:
    """Slicer makes the items itself; a scene without Slicer's plug-ins leaves that to us."""
    return hierarchy.GetItemByDataNode(node) or hierarchy.CreateItem(hierarchy.GetSceneItemID(), node)


def folderBeside(node, name: str, made) -> int:
    """The folder that holds one of the nodes ``made``; where there is none, a new one under the parent of ``node``."""
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    held = next((folder for folder in map(_folderOf, made) if folder), 0)
    if not held:
        held = hierarchy.CreateFolderItem(_parentOf(hierarchy, node), name)
        hierarchy.SetItemAttribute(held, MADE, "folder")
    return held


def placeIn(folder: int, made) -> None:
    """Put a node into a folder."""
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    hierarchy.SetItemParent(_itemOf(hierarchy, made), folder)


def removeMade(made) -> None:
    """Remove a node with its place, its display nodes, and the folder that it is in where that is left empty."""
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    folder, item = _folderOf(made), _itemOf(hierarchy, made)
    displays = (
        [made.GetNthDisplayNode(index) for index in range(made.GetNumberOfDisplayNodes())] if made.IsA("vtkMRMLDisplayableNode") else []
    )
    # The item last, where it is left: a node in the scene has one, or Slicer complains. Slicer removes some of these by itself.
    for node in (*displays, made):
        if node.GetScene() is slicer.mrmlScene:
            slicer.mrmlScene.RemoveNode(node)
    if hierarchy.GetItemByDataNode(made):
        hierarchy.RemoveItem(item, False, True)
    if folder and not hierarchy.GetNumberOfItemChildren(folder):
        hierarchy.RemoveItem(folder, False, False)


def _folderOf(made) -> int:
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    parent = hierarchy.GetItemParent(_itemOf(hierarchy, made))
    return parent if parent and hierarchy.GetItemAttribute(parent, MADE) else 0
