"""The files that a node of the scene was loaded from. They are preferred to its voxels: they have the stored values, the colors and all
frames."""

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

# The attribute in which Slicer's DICOM plug-ins store the SOP instance UIDs of a node, separated by spaces.
INSTANCES = "DICOM.instanceUIDs"

# By the ID of a node, together with the node itself, since a new scene gives the same IDs to other nodes.
_loadedSources: dict[str, tuple[vtk.vtkWeakReference, Source]] = {}


def rememberSource(node, source: Source) -> None:
    """Remember that this module loaded a node from these files. The scene does not store it, since paths may name the patient."""
    reference = vtk.vtkWeakReference()
    reference.Set(node)
    _loadedSources[node.GetID()] = reference, source


def sourceOf(node, database=None) -> Source:
    """The files of a volume or sequence, in the order of its frames; a source without files where there are none.

    The worker checks whether the files show the frames of the node. ``database`` has the methods
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
        write_array(path, np.stack(list(frames.iterFrames(node))), frames.displayWindow(node))
    except OSError as error:
        raise PyLogikSlicerError(f"the volume cannot be handed to the worker ({error.strerror}): make room for temporary files") from None
    return Source(array=str(path), name=name)


def _loadedFrom(node) -> Sequence[str]:
    reference, source = _loadedSources.get(node.GetID(), (vtk.vtkWeakReference(), Source()))
    return source.files if reference.Get() is node else ()


def _instanceFiles(node, database) -> list[str]:
    """The files of the DICOM instances that the node, its proxy, its items or its item in the subject hierarchy name."""
    if database is None:
        return []
    uids = next((found for found in _instanceUids(node) if found), "").split()
    if uids:
        found = [database.fileForInstance(uid) for uid in uids]
    else:
        series = _hierarchyUid(node, slicer.vtkMRMLSubjectHierarchyConstants.GetDICOMUIDName())
        found = list(database.filesForSeries(series)) if series else []
    files = [file for file in found if file]
    return _sortBySlice(node, files) if len(found) > 1 else files


def _instanceUids(node) -> Iterator[str]:
    """SOP instance UIDs from each place that may have them, the most certain first; UIDs are separated by spaces."""
    yield node.GetAttribute(INSTANCES) or ""
    if frames.isSequence(node):
        yield frames.displayedVolume(node).GetAttribute(INSTANCES) or ""
        yield " ".join(dict.fromkeys(filter(None, (volume.GetAttribute(INSTANCES) for volume in frames.volumes(node)))))
    yield _hierarchyUid(node, slicer.vtkMRMLSubjectHierarchyConstants.GetDICOMInstanceUIDName())


def _hierarchyUid(node, name: str) -> str:
    """The UID of this kind of the subject hierarchy item of a node, or of its proxy; empty where there is none."""
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    for candidate in (node, frames.displayedVolume(node)):
        item = hierarchy.GetItemByDataNode(candidate) if hierarchy and candidate.GetScene() is slicer.mrmlScene else 0
        uid = hierarchy.GetItemUID(item, name) if item else ""
        if uid:
            return uid
    return ""


def _sortBySlice(node, files: list[str]) -> list[str]:
    """The instances of a volume sorted by the slice that their position is on; none where there is not exactly one for each slice.

    The files of a sequence stay in their order. Headers are read with the pydicom that Slicer brings.
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
            return []  # without a position in each header the order is unknown
        bySlice[round(matrix.MultiplyPoint((-x, -y, z, 1))[2])] = file  # DICOM's x and y axes point to the left and to the back
    return [bySlice[k] for k in sorted(bySlice)] if sorted(bySlice) == list(range(frames.shape(node)[0])) else []


def _storedFiles(node) -> list[str]:
    """The files that the storage node of a node names, as full paths."""
    storage = node.GetStorageNode()
    if storage is None or not storage.GetFileName():
        return []
    names = [storage.GetFileName(), *(storage.GetNthFileName(index) for index in range(storage.GetNumberOfFileNames()))]
    return list(
        dict.fromkeys(storage.GetFullNameFromFileName() if name == names[0] else _pathBeside(storage, name) for name in names if name)
    )


def _pathBeside(storage, name: str) -> str:
    """The full path of a further file of a storage node, which is in the folder of the first one."""
    return name if os.path.isabs(name) else os.path.join(os.path.dirname(storage.GetFullNameFromFileName()), os.path.basename(name))
