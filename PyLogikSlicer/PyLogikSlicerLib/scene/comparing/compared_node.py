"""A node that is compared: the segments of a segmentation or labelmap volume, or of a sequence of these, item by item."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property

import numpy as np
import slicer

from ...core.errors import UsageError
from .. import frames
from ..labelmaps import Labelmap, crop, labelmapOf, matrixOf
from ..overlays import overlayMasks
from ..study import Study
from .reference_geometry import ReferenceGeometry, geometryOfVolume, parseGeometry


class ComparedNode:
    """Reads the segments of a node, and never writes to it.

    Segments are known by a key: the ID of a segment, or the label of a labelmap volume as text. In a sequence, a segment with another
    ID but the same name as one of an earlier item is the same segment.

    Parameters
    ----------
    node
        A segmentation, a labelmap volume, a sequence of either, or the proxy of such a sequence.
    role
        The name of the node in errors, "prediction" or "truth": its own name may be a patient's.

    Raises
    ------
    UsageError
        The node has no segment.
    """

    def __init__(self, node, role: str) -> None:
        if node is None:
            raise UsageError("two segmentations are compared: choose both")
        self.role = role
        self.node = frames.sequenceOf(node)
        self.isSequence = frames.isSequence(self.node)
        self.items = frames.dataNodes(self.node)
        if not self.items or not all(_hasMasks(item) for item in self.items):
            raise UsageError(f"the {role} is no segmentation: choose a segmentation, a labelmap volume or a sequence of these")
        self.transform = frames.displayedVolume(self.node).GetParentTransformNode()
        if not self.segments:
            raise UsageError(f"the {role} has no segment: draw one, or choose another")

    @property
    def sequence(self):
        """The sequence whose browser plays the items; None where there is only one item."""
        return self.node if self.isSequence else None

    @property
    def indexValues(self) -> list[str]:
        """The index values of the items of a sequence."""
        return [self.node.GetNthIndexValue(item) for item in range(len(self.items))]

    @cached_property
    def segments(self) -> dict[str, str]:
        """The names of the segments by their keys, in order."""
        found: dict[str, str] = {}
        # Item by item: two segments of one item may have the same name, and are two nevertheless.
        for item in self._segmentsOfItems:
            found.update({key: name for key, name in item.items() if key not in found and name not in found.values()})
        return found

    def labelmap(self, item: int, key: str) -> Labelmap | None:
        """The mask of a segment in an item; None where the item does not have the segment."""
        own = self._segmentsOfItems[item]
        if key not in own:
            key = next((other for other, name in own.items() if name == self.segments[key]), "")
        if not key:
            return None
        node = self.items[item]
        if node.IsA("vtkMRMLLabelMapVolumeNode"):
            return crop(frames.voxels(node) == int(key), (0, 0, 0), matrixOf(node.GetIJKToRASMatrix))
        return labelmapOf(self._segmentationWithLabelmaps(item).GetSegment(key))

    @property
    def image(self):
        """The volume node that was segmented; None where the node names none."""
        displayed = frames.displayedVolume(self.node)
        if displayed.IsA("vtkMRMLSegmentationNode"):
            return displayed.GetNodeReference(slicer.vtkMRMLSegmentationNode.GetReferenceImageGeometryReferenceRole())
        return None

    def imageGeometry(self, item: int) -> ReferenceGeometry | None:
        """The voxels of the image that was segmented, or those of a labelmap volume; None where the node does not tell them."""
        node = self.items[item]
        if node.IsA("vtkMRMLLabelMapVolumeNode"):
            return replace(geometryOfVolume(node), transform=self.transform)
        if self.image is not None and self.image.GetImageData():
            return geometryOfVolume(self.image)
        name = slicer.vtkSegmentationConverter.GetReferenceImageGeometryParameterName()
        return parseGeometry(node.GetSegmentation().GetConversionParameter(name), self.transform)

    def labelmapGeometry(self, item: int) -> ReferenceGeometry | None:
        """The voxels in which the segments of an item are stored; None where there are none."""
        segmentation = self._segmentationWithLabelmaps(item)
        text = segmentation.DetermineCommonLabelmapGeometry(segmentation.EXTENT_UNION_OF_EFFECTIVE_SEGMENTS, None)
        return parseGeometry(text, self.transform)

    @cached_property
    def _segmentsOfItems(self) -> list[dict[str, str]]:
        return [
            _labelNames(item) if item.IsA("vtkMRMLLabelMapVolumeNode") else _segmentNames(item.GetSegmentation()) for item in self.items
        ]

    @cached_property
    def _convertedCopies(self) -> dict[int, object]:
        return {}

    def _segmentationWithLabelmaps(self, item: int):
        """The segmentation of an item; where it has only surfaces, a copy with labelmaps."""
        own = self.items[item].GetSegmentation()
        name = slicer.vtkSegmentationConverter.GetSegmentationBinaryLabelmapRepresentationName()
        if own.ContainsRepresentation(name):
            return own
        if item not in self._convertedCopies:
            copy = slicer.vtkSegmentation()
            copy.DeepCopy(own)
            if not copy.CreateRepresentation(name):
                raise UsageError(f"the surfaces of the {self.role} cannot be made a labelmap: see whether they are closed")
            self._convertedCopies[item] = copy
        return self._convertedCopies[item]


class ComparedStudy(ComparedNode):
    """The overlays of a study of a sequence. The scene has only those of the frame that is shown; the review has those of all."""

    def __init__(self, study: Study, role: str) -> None:
        self.node, self.role, self._study = study.segmentation, role, study
        self.isSequence = True
        self.items = frames.volumes(study.node)
        self.transform = self.image.GetParentTransformNode()
        self._grid = frames.PixelGrid(study.node)

    @property
    def sequence(self):
        return self._study.node

    @property
    def indexValues(self) -> list[str]:
        return [self.sequence.GetNthIndexValue(item) for item in range(len(self.items))]

    @cached_property
    def segments(self) -> dict[str, str]:
        return _segmentNames(self.node.GetSegmentation())

    def labelmap(self, item: int, key: str) -> Labelmap | None:
        mask = overlayMasks(self._study, item, self._grid)[key]
        return crop(mask, (0, 0, 0), matrixOf(self.items[item].GetIJKToRASMatrix))

    @property
    def image(self):
        return frames.displayedVolume(self._study.node)

    def imageGeometry(self, item: int) -> ReferenceGeometry:
        return replace(geometryOfVolume(self.items[item]), transform=self.transform)

    def labelmapGeometry(self, item: int) -> ReferenceGeometry:
        return self.imageGeometry(item)


def _hasMasks(node) -> bool:
    if node is not None and node.IsA("vtkMRMLLabelMapVolumeNode"):
        return node.GetImageData() is not None
    return node is not None and node.IsA("vtkMRMLSegmentationNode")


def _segmentNames(segmentation) -> dict[str, str]:
    """The names of the segments of a segmentation by their IDs."""
    keys = [segmentation.GetNthSegmentID(index) for index in range(segmentation.GetNumberOfSegments())]
    return {key: segmentation.GetSegment(key).GetName() for key in keys}


def _labelNames(volume) -> dict[str, str]:
    """The names of the labels of a labelmap volume, without 0, in its color table; the labels themselves where it has none."""
    colors = volume.GetDisplayNode().GetColorNode() if volume.GetDisplayNode() else None
    labels = [int(label) for label in np.unique(frames.voxels(volume)) if label]
    return {str(label): (colors and colors.GetColorName(label)) or str(label) for label in labels}
