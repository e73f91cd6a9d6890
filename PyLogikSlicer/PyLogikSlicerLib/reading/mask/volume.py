"""Reads masks in NIfTI, NRRD and MetaImage volumes, and segmentations of 3D Slicer (.seg.nrrd) with the names of their segments."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...core.errors import UnreadableInput
from ...core.label_mask import Mask
from ...core.segment_names import printable_name
from ...core.voxel_grid import VoxelGrid, grid_from_affine
from ..decoding.limits import declare_size
from ..volume.header import VolumeHeader
from ..volume.image import component_count, read_volume_header, read_voxels
from .integer_labels import to_integer_labels
from .label_codes import LabelCodes

# Bytes of the largest type in which a label is held while it is computed from a value.
_LABEL_BYTES = 8


def volume_mask(path: Path) -> Mask:
    """The labels of a volume: its values, scaled by slope and intercept of the header.

    Raises
    ------
    UnreadableInput
        The file is damaged, or its values are no labels: they are fractional, or a voxel has several.
    """
    header = read_volume_header(path)
    if component_count(header) != 1 or header.data.dtype.kind not in "uif":
        raise UnreadableInput("the volume has several values in a voxel: export the segments as one label map without overlaps")
    values = read_voxels(header)
    declare_size(_LABEL_BYTES * math.prod(values.shape[-2:]), math.prod(values.shape[:-2]), in_one_piece=True)
    labels = to_integer_labels(values, header.slope, header.intercept)
    grid = _grid(header, labels.shape[1:])
    if header.fields:
        return _segments(labels, grid, header.fields)
    return Mask(labels.reshape(labels.shape[-_dimensions(header) :] if len(labels) == 1 else labels.shape), grid)


def _dimensions(header: VolumeHeader) -> int:
    """The number of axes of one volume's array, which is 2 for a single image."""
    return min(header.kinds.count("space"), 3)


def _grid(header: VolumeHeader, shape: tuple[int, ...]) -> VoxelGrid | None:
    """The grid of an array ``shape``, whose order of axes is the reverse of the header's; None where its affine cannot be inverted."""
    affine = header.affine.copy()
    affine[:, :3] = affine[:, 2::-1]
    return grid_from_affine(shape, affine)


@dataclass(frozen=True)
class _Segment:
    """A segment: ``values`` of its pixels in the array ``layer``, and its ``label``."""

    name: str
    layer: int
    values: tuple[int, ...]
    label: int


def _segments(layers: np.ndarray, grid: VoxelGrid | None, fields: Mapping[str, str]) -> Mask:
    """The mask of a segmentation of 3D Slicer. A segment is a value in a layer; segments of different layers may overlap.

    Values without a described segment are segments without a name. Where two segments in different layers have the same label, all are
    numbered from 1 on, as Slicer does when it exports them. Everything outside the grid is background: Slicer can store only
    the part of its image that holds the segments.
    """
    present = [tuple(int(value) for value in np.unique(layer) if value) for layer in layers]
    segments = _read_segments(fields, present)
    described = {(one.layer, value) for one in segments for value in one.values}
    segments += [
        _Segment("", layer, (value,), value) for layer, values in enumerate(present) for value in values if (layer, value) not in described
    ]
    labels = [one.label for one in segments]
    if len(labels) != len(set(labels)):
        labels = list(range(1, len(segments) + 1))
    names = {label: printable_name(one.name) for label, one in zip(labels, segments, strict=True) if one.name}
    if len(layers) == 1 and all(set(one.values) <= {label} for label, one in zip(labels, segments, strict=True)):
        return Mask(layers[0], grid, sparse=True, names=names)
    codes = LabelCodes(layers.shape[1:], labels)
    for label, one in zip(labels, segments, strict=True):
        for value in one.values:
            codes.draw(slice(None), layers[one.layer] == value, label)
    return Mask(codes.labels, grid, sparse=True, names=names, overlaps=codes.overlaps)


def _read_segments(fields: Mapping[str, str], present: list[tuple[int, ...]]) -> list[_Segment]:
    """The segments that the header describes, in their order.

    Before Slicer 4.11 a segment had no label, but a layer of its own, all values of which belong to it. A segment without a label in a
    layer with other segments is left out, because its value is not known.

    Parameters
    ----------
    fields
        The key/value pairs of the header.
    present
        For each layer its values other than 0.

    Raises
    ------
    UnreadableInput
        Layer or LabelValue of a segment is no number, or there is no such layer.
    """
    numbers = sorted({int(found[1]) for key in fields if (found := re.match(r"Segment(\d{1,6})_", key))})
    entries = [{key: fields.get(f"Segment{number}_{key}", "") for key in ("ID", "Name", "Layer", "LabelValue")} for number in numbers]
    try:
        layers = [int(one["Layer"] or (number if len(present) > 1 else 0)) for number, one in zip(numbers, entries, strict=True)]
        labels = [int(one["LabelValue"]) if one["LabelValue"] else None for one in entries]
    except ValueError:
        raise UnreadableInput("Layer or LabelValue of a segment in the header is no number: the file is damaged") from None
    segments: dict[tuple, _Segment] = {}
    for one, layer, label in zip(entries, layers, labels, strict=True):
        if not 0 <= layer < len(present):
            raise UnreadableInput(f"Layer of a segment in the header is {layer}, but there are {len(present)} layers: the file is damaged")
        name = one["Name"] or one["ID"]
        if label is not None:
            segments.setdefault((layer, label), _Segment(name, layer, (label,), label))
        elif layers.count(layer) == 1:
            segments[layer, None] = _Segment(name, layer, present[layer], present[layer][0] if len(present[layer]) == 1 else 1)
    return list(segments.values())
