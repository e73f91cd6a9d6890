"""A side of a comparison: the segments of a segmentation or labelmap volume, or of a sequence of these, item by item."""

from __future__ import annotations

from functools import cached_property

import numpy as np
import slicer

from ...core.errors import UsageError
from .. import frames
from ..labelmaps import Labelmap, cropped, matrixOf, ofSegment
from ..overlays import overlayMasks
from ..study import Study
from .lattice import Lattice, ofGeometry, ofVolume


class Side:
    """Reads a node, never writes to it.

    ``node``: a segmentation, a labelmap volume, a sequence of either, or the proxy of one. Segments are known by a key: the
    ID of the segment, or the label of a labelmap volume. In a sequence, a segment with another ID but the same name as one of
    an earlier item is the same one.

    ``role`` is what errors call it, "prediction" or "truth": the name of a node may be a patient's.

    Raises UsageError where there is no segment.
    """

    def __init__(self, node, role: str) -> None:
        if node is None:
            raise UsageError("two segmentations are compared: choose both")
        self.role = role
        self.node = frames.sequenceOf(node)
        self.isSequence = frames.isSequence(self.node)
        count = self.node.GetNumberOfDataNodes() if self.isSequence else 1
        self.items = [self.node.GetNthDataNode(item) for item in range(count)] if self.isSequence else [self.node]
        if not self.items or not all(_isMask(item) for item in self.items):
            raise UsageError(f"the {role} is no segmentation: choose a segmentation, a labelmap volume or a sequence of these")
        self.transform = frames.shownVolume(self.node).GetParentTransformNode()
        if not self.segments:
            raise UsageError(f"the {role} has no segment: draw one, or choose another")

    @property
    def sequence(self):
        """The node whose browser plays the items; None where there is only one."""
        return self.node if self.isSequence else None

    @property
    def indexValues(self) -> list[str]:
        """Of the items of a sequence."""
        return [self.node.GetNthIndexValue(item) for item in range(len(self.items))]

    @cached_property
    def segments(self) -> dict[str, str]:
        """Names by key, in order."""
        found: dict[str, str] = {}
        for item in self._segments:  # two of one item may bear the same name
            found.update({key: name for key, name in item.items() if key not in found and name not in found.values()})
        return found

    def labelmap(self, item: int, key: str) -> Labelmap | None:
        """Where a segment is in an item; None where it is not there."""
        there = self._segments[item]
        if key not in there:
            key = next((other for other, name in there.items() if name == self.segments[key]), "")
        if not key:
            return None
        node = self.items[item]
        if node.IsA("vtkMRMLLabelMapVolumeNode"):
            return cropped(frames.array(node) == int(key), (0, 0, 0), matrixOf(node.GetIJKToRASMatrix))
        return ofSegment(self._segmentation(item).GetSegment(key))

    @property
    def image(self):
        """The volume node that was segmented, or None."""
        shown = frames.shownVolume(self.node)
        if shown.IsA("vtkMRMLSegmentationNode"):
            return shown.GetNodeReference(slicer.vtkMRMLSegmentationNode.GetReferenceImageGeometryReferenceRole())
        return None

    def imageLattice(self, item: int) -> Lattice | None:
        """The voxels of the image that was segmented, those of a labelmap volume; None where the node does not tell."""
        node = self.items[item]
        if node.IsA("vtkMRMLLabelMapVolumeNode"):
            lattice = ofVolume(node)
            return Lattice(lattice.extent, lattice.matrix, self.transform)
        if self.image is not None and self.image.GetImageData():
            return ofVolume(self.image)
        name = slicer.vtkSegmentationConverter.GetReferenceImageGeometryParameterName()
        return ofGeometry(node.GetSegmentation().GetConversionParameter(name), self.transform)

    def ownLattice(self, item: int) -> Lattice | None:
        """The voxels in which an item's segments are stored, as far as there are any."""
        segmentation = self._segmentation(item)
        return ofGeometry(
            segmentation.DetermineCommonLabelmapGeometry(segmentation.EXTENT_UNION_OF_EFFECTIVE_SEGMENTS, None), self.transform
        )

    @cached_property
    def _segments(self) -> list[dict[str, str]]:
        return [_labels(item) if item.IsA("vtkMRMLLabelMapVolumeNode") else _names(item.GetSegmentation()) for item in self.items]

    @cached_property
    def _converted(self) -> dict[int, object]:
        return {}

    def _segmentation(self, item: int):
        """With labelmaps: a segmentation that has only surfaces is converted as a copy."""
        own = self.items[item].GetSegmentation()
        name = slicer.vtkSegmentationConverter.GetSegmentationBinaryLabelmapRepresentationName()
        if own.ContainsRepresentation(name):
            return own
        if item not in self._converted:
            copy = slicer.vtkSegmentation()
            copy.DeepCopy(own)
            if not copy.CreateRepresentation(name):
                raise UsageError(f"the surfaces of the {self.role} cannot be made a labelmap: see whether they are closed")
            self._converted[item] = copy
        return self._converted[item]


class StudySide(Side):
    """The overlays of a study of a sequence: the scene holds those of one frame, the review those of all."""

    def __init__(self, study: Study, role: str) -> None:
        self.node, self.role, self._study = study.segmentation, role, study
        self.isSequence = True
        self.items = frames.volumes(study.node)
        self.transform = self.image.GetParentTransformNode()
        self._grid = frames.Grid(study.node)

    @property
    def sequence(self):
        return self._study.node

    @property
    def indexValues(self) -> list[str]:
        return [self.sequence.GetNthIndexValue(item) for item in range(len(self.items))]

    @property
    def segments(self) -> dict[str, str]:
        return _names(self.node.GetSegmentation())

    def labelmap(self, item: int, key: str) -> Labelmap | None:
        mask = overlayMasks(self._study, item, self._grid)[key]
        return cropped(mask, (0, 0, 0), matrixOf(self.items[item].GetIJKToRASMatrix))

    @property
    def image(self):
        return frames.shownVolume(self._study.node)

    def imageLattice(self, item: int) -> Lattice:
        lattice = ofVolume(self.items[item])
        return Lattice(lattice.extent, lattice.matrix, self.transform)

    def ownLattice(self, item: int) -> Lattice:
        return self.imageLattice(item)


def _isMask(node) -> bool:
    if node is not None and node.IsA("vtkMRMLLabelMapVolumeNode"):
        return node.GetImageData() is not None
    return node is not None and node.IsA("vtkMRMLSegmentationNode")


def _names(segmentation) -> dict[str, str]:
    keys = [segmentation.GetNthSegmentID(index) for index in range(segmentation.GetNumberOfSegments())]
    return {key: segmentation.GetSegment(key).GetName() for key in keys}


def _labels(volume) -> dict[str, str]:
    """The labels of a labelmap volume but 0, named as its color table names them."""
    colors = volume.GetDisplayNode().GetColorNode() if volume.GetDisplayNode() else None
    labels = [int(label) for label in np.unique(frames.array(volume)) if label]
    return {str(label): (colors and colors.GetColorName(label)) or str(label) for label in labels}
