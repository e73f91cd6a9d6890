"""Places in the subject hierarchy: nodes that were made from a volume are put beside it, under its study."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import slicer

from . import frames

# The attribute by which folders that this module made are known.
FOLDER_ATTRIBUTE = "PyLogikSlicer.made"


def placeBeside(node, made) -> None:
    """Put the node ``made`` under the parent of ``node`` (or of its sequence's proxy), which is the study where there is one."""
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    hierarchy.SetItemParent(_ensureItem(hierarchy, made), _parentOf(hierarchy, node))


def ensureFolderBeside(node, name: str, made: Iterable) -> int:
    """The folder that holds one of the nodes ``made``; where there is none, a new one under the parent of ``node``."""
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    existing = next((folder for folder in map(_folderOf, made) if folder), 0)
    if existing:
        return existing
    folder = hierarchy.CreateFolderItem(_parentOf(hierarchy, node), name)
    hierarchy.SetItemAttribute(folder, FOLDER_ATTRIBUTE, "folder")
    return folder


def placeIn(folder: int, made) -> None:
    """Put a node into a folder."""
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    hierarchy.SetItemParent(_ensureItem(hierarchy, made), folder)


def removeNode(made) -> None:
    """Remove a node with its hierarchy item, its display nodes, and the folder that it is in where that becomes empty."""
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    folder, item = _folderOf(made), _ensureItem(hierarchy, made)
    displays = (
        [made.GetNthDisplayNode(index) for index in range(made.GetNumberOfDisplayNodes())] if made.IsA("vtkMRMLDisplayableNode") else []
    )
    # The item last: Slicer complains about a node in the scene that has none. Slicer removes some of these by itself.
    for node in (*displays, made):
        if node.GetScene() is slicer.mrmlScene:
            slicer.mrmlScene.RemoveNode(node)
    if hierarchy.GetItemByDataNode(made):
        hierarchy.RemoveItem(item, False, True)
    if folder and not hierarchy.GetNumberOfItemChildren(folder):
        hierarchy.RemoveItem(folder, False, False)


def _parentOf(hierarchy, node) -> int:
    """The parent item of a node, or of its proxy; the scene where neither has another one."""
    return next((parent for parent in _parents(hierarchy, node) if parent != hierarchy.GetSceneItemID()), hierarchy.GetSceneItemID())


def _parents(hierarchy, node) -> Iterator[int]:
    for candidate in (node, frames.displayedVolume(node)):
        if candidate.GetScene() is slicer.mrmlScene:
            yield hierarchy.GetItemParent(_ensureItem(hierarchy, candidate))


def _ensureItem(hierarchy, node) -> int:
    """The item of a node. Slicer makes items by itself; in a scene without Slicer's plug-ins it is made here."""
    return hierarchy.GetItemByDataNode(node) or hierarchy.CreateItem(hierarchy.GetSceneItemID(), node)


def _folderOf(made) -> int:
    """The folder of this module that a node is in; 0 where it is in none."""
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    parent = hierarchy.GetItemParent(_ensureItem(hierarchy, made))
    return parent if parent and hierarchy.GetItemAttribute(parent, FOLDER_ATTRIBUTE) else 0
