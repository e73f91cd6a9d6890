"""Files and folders into the scene through the engine's reader: what is shown is what will be worked on.

A still or an instance of one frame becomes a volume, a cine or a video a sequence with its browser, the slices of a series a
volume, and a volume file what it holds. The nodes know their files (:func:`.sources.remember`).
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import slicer
import vtk

from ..core.errors import UnreadableInput, UsageError
from ..worker.messages import Source
from . import frames
from .sources import remember

if TYPE_CHECKING:
    from ..core.stack import Display, ImageStack

# How a picture is shown upright in an axial view: columns to the left of the patient, rows to the back.
UPRIGHT = np.diag([-1.0, -1.0, 1.0, 1.0])
LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
# Positions are written with so few digits that slices of one distance differ by this much (mm).
SAME_DISTANCE = 0.02


@dataclass(frozen=True)
class _Image:
    """``slices``: how many frames, one behind the other, are one volume; ``matrix`` is IJK to RAS, ``(4, 4)``."""

    stack: ImageStack
    files: tuple[str, ...]
    slices: int
    matrix: np.ndarray
    joined: bool = False


def load(paths: Sequence[str]) -> list:
    """Load all images that files and folders hold, and return their nodes: volumes, and sequences of those with several frames.

    Raises UsageError when a path does not exist, or when nothing can be read, with the first reason.
    """
    from ..reading import find_inputs

    files = find_inputs([Path(path) for path in paths])
    nodes, reasons = [], []
    for group in _groups(files):
        try:
            nodes += [_node(image) for image in _images(group)]
        except UnreadableInput as error:
            reasons.append(str(error))
    if not nodes:
        raise UsageError(f"nothing could be loaded: {reasons[0] if reasons else 'the folder is empty'}")
    if reasons:
        logging.warning("PyLogikSlicer: %d of %d files hold no image that can be read", len(reasons), len(files))
    return nodes


def loadCine(file: str) -> list:
    """Load a cine of color frames with what Slicer brings, so that it is there before any package is: the sample study."""
    import SimpleITK as sitk

    from ..core.stack import ImageStack

    frames = sitk.GetArrayFromImage(sitk.ReadImage(file))
    count, rows, columns, channels = frames.shape
    path = Path(file)
    stack = ImageStack(path, path.stem, count, rows, columns, channels, frames.dtype, lambda: iter(frames))
    return [_node(_Image(stack, (file,), 1, UPRIGHT))]


def _images(files: Sequence[Path]) -> list[_Image]:
    from ..reading import open_stacks
    from ..reading.concatenation import concatenate_stacks

    if len(files) > 1:
        stack = concatenate_stacks([open_stacks(file)[0] for file in files], files[0].parent.name or files[0].stem)
        return [_Image(stack, tuple(map(str, files)), len(files), _seriesMatrix([_slice(file) for file in files]), joined=True)]
    (file,) = files
    stacks = open_stacks(file)
    if stacks[0].grid is not None:
        return [_Image(stacks[0], (str(file),), stacks[0].grid.slices, LPS_TO_RAS @ stacks[0].grid.affine)]
    return [_Image(stack, (str(file),), 1, UPRIGHT) for stack in stacks]


def _node(image: _Image):
    stack = image.stack
    items = np.stack(list(stack.frames())).reshape(-1, image.slices, *_shapeOf(stack))
    node = _sequence(image, items) if len(items) > 1 else slicer.mrmlScene.AddNode(_volume(image, items[0], stack.name))
    if len(items) == 1:
        _show(node, stack.display)
    remember(node, Source(image.files, stack=image.joined))
    return node


def _shapeOf(stack: ImageStack) -> tuple[int, ...]:
    return (stack.rows, stack.columns, 3) if stack.channels == 3 else (stack.rows, stack.columns)


def _volume(image: _Image, array: np.ndarray, name: str):
    node = slicer.vtkMRMLVectorVolumeNode() if array.ndim == 4 else slicer.vtkMRMLScalarVolumeNode()
    node.SetName(name)
    matrix = vtk.vtkMatrix4x4()
    matrix.DeepCopy(image.matrix.ravel().tolist())
    node.SetIJKToRASMatrix(matrix)
    slicer.util.updateVolumeFromArray(node, array)
    return node


def _sequence(image: _Image, items: np.ndarray):
    name = image.stack.name
    sequence = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSequenceNode", name)
    sequence.SetIndexName("frame")
    sequence.SetIndexUnit("")
    for number, array in enumerate(items):
        sequence.SetDataNodeAtValue(_volume(image, array, f"{name} {number}"), str(number))
    _show(frames.played(sequence), image.stack.display)
    return sequence


def _show(volume, display: Display) -> None:
    """Show a volume by the window that its file asks for."""
    volume.CreateDefaultDisplayNodes()
    own = volume.GetDisplayNode()
    if not own.IsA("vtkMRMLScalarVolumeDisplayNode") or volume.IsA("vtkMRMLVectorVolumeNode"):
        return
    low, high = _window(display, slicer.util.arrayFromVolume(volume))
    if high > low:
        own.SetAutoWindowLevel(False)
        own.SetWindowLevel(high - low, (high + low) / 2)
    if display.inverted:
        own.SetAndObserveColorNodeID("vtkMRMLColorTableNodeInvertedGrey")


def _window(display: Display, array: np.ndarray) -> tuple[float, float]:
    """The values that are shown as black and as white."""
    if display.table is not None:
        between = np.flatnonzero((display.table > 0) & (display.table < 255))
        return (display.first + between[0] - 1, display.first + between[-1] + 1) if between.size else (0.0, 0.0)
    if display.window is not None:
        return display.window
    return (0.0, 255.0) if array.dtype == np.uint8 else (float(np.nanmin(array)), float(np.nanmax(array)))


@dataclass(frozen=True)
class _Slice:
    """Where an instance of one frame lies (PS3.3 C.7.6.2): ``axes`` are the steps to the next column and the next row, in mm."""

    file: Path
    position: np.ndarray
    axes: np.ndarray
    key: tuple


def _slice(file: Path) -> _Slice | None:
    """None where an instance has several frames, no place in space, or is none."""
    from pydicom import dcmread

    try:
        header = dcmread(file, stop_before_pixels=True)
        if int(header.get("NumberOfFrames") or 1) > 1:
            return None
        across, down = np.array(header.ImageOrientationPatient, float).reshape(2, 3)
        between_rows, between_columns = map(float, header.PixelSpacing)
        position = np.array(header.ImagePositionPatient, float)
        orientation = tuple(np.round([*across, *down], 4))
        key = (str(header.SeriesInstanceUID), int(header.Rows), int(header.Columns), between_rows, between_columns, orientation)
    except Exception:
        return None  # opening it says what is wrong, if anything is
    return _Slice(file, position, np.stack([across * between_columns, down * between_rows]), key)


def _groups(files: Sequence[Path]) -> list[list[Path]]:
    """The slices of a series together, in the order in which they lie, where they lie at one distance; all else alone."""
    groups: dict[object, list[_Slice]] = defaultdict(list)
    for file in files:
        place = _slice(file)
        groups[place.key if place else file].append(place or _Slice(file, np.zeros(3), np.zeros((2, 3)), ()))
    found: list[list[Path]] = []
    for slices in groups.values():
        names = [one.file for one in _ordered(slices)]
        found += [names] if _regular(slices) else [[name] for name in names]
    return found


def _ordered(slices: Sequence[_Slice]) -> list[_Slice]:
    normal = np.cross(*slices[0].axes)
    return sorted(slices, key=lambda one: float(one.position @ normal))


def _regular(slices: Sequence[_Slice]) -> bool:
    steps = np.diff([one.position for one in _ordered(slices)], axis=0)
    return len(slices) > 1 and bool(np.abs(steps - steps.mean(axis=0)).max() < SAME_DISTANCE) and bool(np.linalg.norm(steps[0]) > 0)


def _seriesMatrix(slices: Sequence[_Slice]) -> np.ndarray:
    matrix = np.eye(4)
    matrix[:3, :2] = slices[0].axes.T
    matrix[:3, 2] = (slices[-1].position - slices[0].position) / (len(slices) - 1)
    matrix[:3, 3] = slices[0].position
    return LPS_TO_RAS @ matrix
