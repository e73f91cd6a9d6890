"""From a node of the scene to the files that it was loaded from, which are preferred: true pixels, colors, all frames."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import slicer
import vtk

from ..core.errors import PyLogikSlicerError
from ..worker.array_file import write_array
from ..worker.messages import Source
from . import frames

INSTANCES = "DICOM.instanceUIDs"

# By the ID of a node, and the node itself: a new scene gives the same IDs to other nodes.
_remembered: dict[str, tuple[vtk.vtkWeakReference, Source]] = {}


def remember(node, source: Source) -> None:
    """This module loaded the node from these files; the scene does not store that, since paths can tell who it is."""
    reference = vtk.vtkWeakReference()
    reference.Set(node)
    _remembered[node.GetID()] = reference, source


def sourceOf(node, database=None) -> Source:
    """The files behind a volume or sequence, in the order of its frames; a source without files where there are none.

    Whether the files show the very frames of the node is for the worker to check. ``database`` has the methods
    ``fileForInstance(uid)`` and ``filesForSeries(uid)`` of ``slicer.dicomDatabase``, which is the default.
    """
    name = f"scene: {node.GetName()}"
    database = database or getattr(slicer, "dicomDatabase", None)
    for files in (_loadedFrom(node), _instanceFiles(node, database), _storedFiles(node)):
        if files and all(os.path.isfile(file) for file in files):
            return Source(tuple(files), stack=len(files) > 1, name=name)
    return Source(name=name)


def arraySource(node, folder: str, name: str) -> Source:
    """The frames of a node written to a file in a private folder, with the window that they are displayed with.

    Raises PyLogikSlicerError when there is no room for it.
    """
    path = Path(folder) / "frames.npz"
    try:
        write_array(path, np.stack(list(frames.frames(node))), frames.window(node))
    except OSError as error:
        raise PyLogikSlicerError(f"the volume cannot be handed to the worker ({error.strerror}): make room for temporary files") from None
    return Source(array=str(path), name=name)


def _loadedFrom(node) -> Sequence[str]:
    reference, source = _remembered.get(node.GetID(), (None, None))
    return source.files if source and reference.Get() is node else ()


def _instanceFiles(node, database) -> list[str]:
    """Files of the DICOM instances that the node, its proxy, its items or its place in the subject hierarchy name."""
    if database is None:
        return []
    uids = next((found for found in _instanceUids(node) if found), "").split()
    files = [database.fileForInstance(uid) for uid in uids]
    if not uids:
        series = _hierarchyUid(node, slicer.vtkMRMLSubjectHierarchyConstants.GetDICOMUIDName())
        files = list(database.filesForSeries(series)) if series else []
    return _inSliceOrder(node, [file for file in files if file]) if len(files) > 1 else [file for file in files if file]


def _instanceUids(node) -> Iterator[str]:
    """What may name the instances, most certain first; UIDs with spaces between them."""
    yield node.GetAttribute(INSTANCES) or ""
    if frames.isSequence(node):
        yield frames.shownVolume(node).GetAttribute(INSTANCES) or ""
        yield " ".join(dict.fromkeys(filter(None, (volume.GetAttribute(INSTANCES) for volume in frames.volumes(node)))))
    yield _hierarchyUid(node, slicer.vtkMRMLSubjectHierarchyConstants.GetDICOMInstanceUIDName())


def _hierarchyUid(node, name: str) -> str:
    """A UID that the place of the node, or of its proxy, in the subject hierarchy bears."""
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    for candidate in (node, frames.shownVolume(node)):
        item = hierarchy.GetItemByDataNode(candidate) if hierarchy and candidate.GetScene() is slicer.mrmlScene else 0
        uid = hierarchy.GetItemUID(item, name) if item else ""
        if uid:
            return uid
    return ""


def _inSliceOrder(node, files: list[str]) -> list[str]:
    """The instances of a volume by the slice on which their position lies; none where they are not one for each slice.

    A sequence's files stay in their order. Headers are read by the pydicom that Slicer brings.
    """
    if frames.isSequence(node):
        return files
    from pydicom import dcmread

    matrix = vtk.vtkMatrix4x4()
    node.GetRASToIJKMatrix(matrix)
    bySlice: dict[int, str] = {}
    for file in files:
        try:
            x, y, z = map(float, dcmread(file, stop_before_pixels=True, specific_tags=["ImagePositionPatient"]).ImagePositionPatient)
        except Exception:
            return []  # whatever is wrong with the header, the worker could not use the order either
        bySlice[round(matrix.MultiplyPoint((-x, -y, z, 1))[2])] = file  # DICOM's axes point to the left and back
    return [bySlice[k] for k in sorted(bySlice)] if sorted(bySlice) == list(range(frames.shape(node)[0])) else []


def _storedFiles(node) -> list[str]:
    storage = node.GetStorageNode()
    if storage is None or not storage.GetFileName():
        return []
    names = [storage.GetFileName(), *(storage.GetNthFileName(index) for index in range(storage.GetNumberOfFileNames()))]
    return list(dict.fromkeys(storage.GetFullNameFromFileName() if name == names[0] else _beside(storage, name) for name in names if name))


def _beside(storage, name: str) -> str:
    return name if os.path.isabs(name) else os.path.join(os.path.dirname(storage.GetFullNameFromFileName()), os.path.basename(name))
