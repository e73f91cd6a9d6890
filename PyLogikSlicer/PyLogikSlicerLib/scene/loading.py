"""Loads files and folders into the scene with the engine's reader, so that the image shown is the image that is worked on.

A still image or a single-frame instance becomes a volume, a cine or a video a sequence with its browser, the slices of a series one
volume, and a volume file whatever it contains. The files of each node are remembered (:func:`.sources.rememberSource`).
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
from .sources import rememberSource

if TYPE_CHECKING:
    from ..core.stack import Display, ImageStack

# IJK to RAS of a picture without geometry, so that an axial view shows it upright: columns to the left of the patient, rows to the back.
UPRIGHT = np.diag([-1.0, -1.0, 1.0, 1.0])
# DICOM's patient coordinates to Slicer's.
LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
# mm; positions are written with few digits, and the distances of equally spaced slices differ by less than this.
SPACING_TOLERANCE = 0.02
# Decimals of direction cosines that have to be the same for slices of one volume.
ORIENTATION_DIGITS = 4


@dataclass(frozen=True)
class _Image:
    """An image to load. ``slices`` successive frames are one volume, ``matrix`` is IJK to RAS, ``(4, 4)``, and ``joined`` tells whether
    the files together are one image."""

    stack: ImageStack
    files: tuple[str, ...]
    slices: int
    matrix: np.ndarray
    joined: bool = False


def load(paths: Sequence[str]) -> list:
    """Load all images in files and folders, and return their nodes: volumes, and sequences where there are several frames.

    Raises UsageError when a path does not exist, or when nothing can be read; the message is the first reason.
    """
    from ..reading import find_inputs

    files = find_inputs([Path(path) for path in paths])
    nodes, reasons = [], []
    for group in _groups(files):
        try:
            nodes += [_makeNode(image) for image in _images(group)]
        except UnreadableInput as error:
            reasons.append(str(error))
    if not nodes:
        raise UsageError(f"nothing could be loaded: {reasons[0] if reasons else 'the folder is empty'}")
    if reasons:
        logging.warning("PyLogikSlicer: %d of %d files hold no image that can be read", len(reasons), len(files))
    return nodes


def loadCine(file: str) -> list:
    """Load a DICOM cine of color frames with the libraries that Slicer brings, before any package is installed: the sample study."""
    import SimpleITK as sitk

    from ..core.stack import ImageStack

    array = sitk.GetArrayFromImage(sitk.ReadImage(file))
    count, rows, columns, channels = array.shape
    path = Path(file)
    stack = ImageStack(path, path.stem, count, rows, columns, channels, array.dtype, lambda: iter(array))
    return [_makeNode(_Image(stack, (file,), 1, UPRIGHT))]


def _images(files: Sequence[Path]) -> list[_Image]:
    """The images of a group of files: one of the slices of a series, or those of a single file."""
    from ..reading import open_stacks
    from ..reading.concatenation import concatenate_stacks

    if len(files) > 1:
        stack = concatenate_stacks([open_stacks(file)[0] for file in files], files[0].parent.name or files[0].stem)
        slices = [place for place in map(_readSlice, files) if place is not None]
        return [_Image(stack, tuple(map(str, files)), len(files), _seriesMatrix(slices), joined=True)]
    (file,) = files
    stacks = open_stacks(file)
    if stacks[0].grid is not None:
        return [_Image(stacks[0], (str(file),), stacks[0].grid.slices, LPS_TO_RAS @ stacks[0].grid.affine)]
    return [_Image(stack, (str(file),), 1, UPRIGHT) for stack in stacks]


def _makeNode(image: _Image):
    """A volume, or a sequence of volumes where the image has more frames than one volume."""
    stack = image.stack
    items = np.stack(list(stack.frames())).reshape(-1, image.slices, *_frameShape(stack))
    node = _makeSequence(image, items) if len(items) > 1 else slicer.mrmlScene.AddNode(_makeVolume(image, items[0], stack.name))
    if len(items) == 1:
        _setDisplay(node, stack.display)
    rememberSource(node, Source(image.files, stack=image.joined))
    return node


def _frameShape(stack: ImageStack) -> tuple[int, ...]:
    return (stack.rows, stack.columns, 3) if stack.channels == 3 else (stack.rows, stack.columns)


def _makeVolume(image: _Image, array: np.ndarray, name: str):
    node = slicer.vtkMRMLVectorVolumeNode() if array.ndim == 4 else slicer.vtkMRMLScalarVolumeNode()
    node.SetName(name)
    matrix = vtk.vtkMatrix4x4()
    matrix.DeepCopy(image.matrix.ravel().tolist())
    node.SetIJKToRASMatrix(matrix)
    slicer.util.updateVolumeFromArray(node, array)
    return node


def _makeSequence(image: _Image, items: np.ndarray):
    name = image.stack.name
    sequence = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSequenceNode", name)
    sequence.SetIndexName("frame")
    sequence.SetIndexUnit("")
    for number, array in enumerate(items):
        sequence.SetDataNodeAtValue(_makeVolume(image, array, f"{name} {number}"), str(number))
    _setDisplay(frames.ensureProxy(sequence), image.stack.display)
    return sequence


def _setDisplay(volume, display: Display) -> None:
    """Show a volume with the window and the polarity that its file asks for."""
    volume.CreateDefaultDisplayNodes()
    own = volume.GetDisplayNode()
    if not own.IsA("vtkMRMLScalarVolumeDisplayNode") or volume.IsA("vtkMRMLVectorVolumeNode"):
        return
    low, high = _displayedRange(display, slicer.util.arrayFromVolume(volume))
    if high > low:
        own.SetAutoWindowLevel(False)
        own.SetWindowLevel(high - low, (high + low) / 2)
    if display.inverted:
        own.SetAndObserveColorNodeID("vtkMRMLColorTableNodeInvertedGrey")


def _displayedRange(display: Display, array: np.ndarray) -> tuple[float, float]:
    """The values that are shown as black and as white; two equal ones where a lookup table has only these two levels."""
    if display.table is not None:
        between = np.flatnonzero((display.table > 0) & (display.table < 255))
        return (display.first + between[0] - 1, display.first + between[-1] + 1) if between.size else (0.0, 0.0)
    if display.window is not None:
        return display.window
    return (0.0, 255.0) if array.dtype == np.uint8 else (float(np.nanmin(array)), float(np.nanmax(array)))


@dataclass(frozen=True)
class _Slice:
    """A single-frame instance and its place in space (DICOM PS3.3 C.7.6.2).

    ``position`` (LPS, mm) is that of the first pixel, ``axes`` are the steps to the next column and to the next row (mm), and slices of
    one volume have the same ``key``.
    """

    file: Path
    position: np.ndarray
    axes: np.ndarray
    key: tuple


def _readSlice(file: Path) -> _Slice | None:
    """The place of a single-frame instance; None for other files, and where the header names no place."""
    from pydicom import dcmread

    try:
        header = dcmread(file, stop_before_pixels=True)
        if int(header.get("NumberOfFrames") or 1) > 1:
            return None
        across, down = np.array(header.ImageOrientationPatient, float).reshape(2, 3)
        between_rows, between_columns = map(float, header.PixelSpacing)
        position = np.array(header.ImagePositionPatient, float)
        orientation = tuple(np.round([*across, *down], ORIENTATION_DIGITS))
        key = (str(header.SeriesInstanceUID), int(header.Rows), int(header.Columns), between_rows, between_columns, orientation)
    except Exception:
        return None  # opening the file says what is wrong with it, if anything is
    return _Slice(file, position, np.stack([across * between_columns, down * between_rows]), key)


def _groups(files: Sequence[Path]) -> list[list[Path]]:
    """The slices of each series together, sorted along their normal, where they are equally spaced; every other file alone."""
    series: dict[object, list[_Slice]] = defaultdict(list)
    for file in files:
        place = _readSlice(file)
        series[place.key if place else file].append(place or _Slice(file, np.zeros(3), np.zeros((2, 3)), ()))
    groups: list[list[Path]] = []
    for slices in series.values():
        ordered = [one.file for one in _sortAlongNormal(slices)]
        groups += [ordered] if _areEquallySpaced(slices) else [[file] for file in ordered]
    return groups


def _sortAlongNormal(slices: Sequence[_Slice]) -> list[_Slice]:
    normal = np.cross(*slices[0].axes)
    return sorted(slices, key=lambda one: float(one.position @ normal))


def _areEquallySpaced(slices: Sequence[_Slice]) -> bool:
    steps = np.diff([one.position for one in _sortAlongNormal(slices)], axis=0)
    return len(slices) > 1 and bool(np.abs(steps - steps.mean(axis=0)).max() < SPACING_TOLERANCE) and bool(np.linalg.norm(steps[0]) > 0)


def _seriesMatrix(slices: Sequence[_Slice]) -> np.ndarray:
    """IJK to RAS, ``(4, 4)``, of the volume of at least two sorted slices."""
    matrix = np.eye(4)
    matrix[:3, :2] = slices[0].axes.T
    matrix[:3, 2] = (slices[-1].position - slices[0].position) / (len(slices) - 1)
    matrix[:3, 3] = slices[0].position
    return LPS_TO_RAS @ matrix
