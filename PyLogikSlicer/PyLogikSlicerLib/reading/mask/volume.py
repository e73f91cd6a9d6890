"""Masks in NIfTI, NRRD and MetaImage volumes, and the segmentations of 3D Slicer (.seg.nrrd) with the names of their segments."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...core.errors import UnreadableInput
from ...core.label_mask import Mask
from ...core.segment_names import shown
from ...core.voxel_grid import VoxelGrid, grid_of
from ..decoding.limits import promise
from ..volume.header import VolumeHeader
from ..volume.image import components_of, read_volume_header, read_voxels
from .label_codes import LabelCodes
from .whole_labels import whole_labels

# What labels take at most while they are made of values, bytes for each.
_LABEL_BYTES = 8


def volume_mask(path: Path) -> Mask:
    """The labels of a volume: its values, as the scale of its header makes them.

    Raises
    ------
    UnreadableInput
        The file is damaged, or its values are no labels: fractions, or several in a voxel.
    """
    header = read_volume_header(path)
    if components_of(header) != 1 or header.data.dtype.kind not in "uif":
        raise UnreadableInput("the volume has several values in a voxel: export the segments as one label map without overlaps")
    values = read_voxels(header)
    promise(_LABEL_BYTES * math.prod(values.shape[-2:]), math.prod(values.shape[:-2]), in_one_piece=True)
    labels = whole_labels(values, header.slope, header.intercept)
    grid = _grid(header, labels.shape[1:])
    if header.fields:
        return _segments(labels, grid, header.fields)
    return Mask(labels.reshape(labels.shape[-_dimensions(header) :] if len(labels) == 1 else labels.shape), grid)


def _dimensions(header: VolumeHeader) -> int:
    """How many axes the array of one volume has: a single image has no slices."""
    return min(header.kinds.count("space"), 3)


def _grid(header: VolumeHeader, shape: tuple[int, ...]) -> VoxelGrid | None:
    """The header counts columns first, an array slices."""
    affine = header.affine.copy()
    affine[:, :3] = affine[:, 2::-1]
    return grid_of(shape, affine)


@dataclass(frozen=True)
class _Segment:
    """``values`` of the pixels in its layer, and the ``label`` that the file gives it."""

    name: str
    layer: int
    values: tuple[int, ...]
    label: int


def _segments(layers: np.ndarray, grid: VoxelGrid | None, fields: Mapping[str, str]) -> Mask:
    """The segments of 3D Slicer: each is a value in a layer, and those of different layers may overlap.

    Where two have the same label, in different layers, all are numbered from 1 on, as when Slicer exports them. What lies outside
    of the file is background: Slicer stores the part of its image that holds the segments, if it is asked to.
    """
    held = [tuple(int(value) for value in np.unique(layer) if value) for layer in layers]
    segments = _described(fields, held)
    taken = {(one.layer, value) for one in segments for value in one.values}
    segments += [
        _Segment("", layer, (value,), value) for layer, values in enumerate(held) for value in values if (layer, value) not in taken
    ]
    labels = [one.label for one in segments]
    if len(labels) != len(set(labels)):
        labels = list(range(1, len(segments) + 1))
    names = {label: shown(one.name) for label, one in zip(labels, segments, strict=True) if one.name}
    if len(layers) == 1 and all(set(one.values) <= {label} for label, one in zip(labels, segments, strict=True)):
        return Mask(layers[0], grid, sparse=True, names=names)
    codes = LabelCodes(layers.shape[1:], labels)
    for label, one in zip(labels, segments, strict=True):
        for value in one.values:
            codes.draw(slice(None), layers[one.layer] == value, label)
    return Mask(codes.labels, grid, sparse=True, names=names, overlaps=codes.overlaps)


def _described(fields: Mapping[str, str], held: list[tuple[int, ...]]) -> list[_Segment]:
    """The segments that the header describes, in their order; ``held``: the values in each layer.

    Before Slicer 4.11 each segment had a layer of its own, all of it, and no label. One without a label that shares its layer is
    left out: nothing tells which value is its own.
    """
    numbers = sorted({int(found[1]) for key in fields if (found := re.match(r"Segment(\d{1,6})_", key))})
    entries = [{key: fields.get(f"Segment{number}_{key}", "") for key in ("ID", "Name", "Layer", "LabelValue")} for number in numbers]
    try:
        layers = [int(one["Layer"] or (number if len(held) > 1 else 0)) for number, one in zip(numbers, entries, strict=True)]
        labels = [int(one["LabelValue"]) if one["LabelValue"] else None for one in entries]
    except ValueError:
        raise UnreadableInput("Layer or LabelValue of a segment in the header is no number: the file is damaged") from None
    segments: dict[tuple, _Segment] = {}
    for one, layer, label in zip(entries, layers, labels, strict=True):
        if not 0 <= layer < len(held):
            raise UnreadableInput(f"Layer of a segment in the header is {layer}, but there are {len(held)} layers: the file is damaged")
        name = one["Name"] or one["ID"]
        if label is not None:
            segments.setdefault((layer, label), _Segment(name, layer, (label,), label))
        elif layers.count(layer) == 1:
            segments[layer, None] = _Segment(name, layer, held[layer], held[layer][0] if len(held[layer]) == 1 else 1)
    return list(segments.values())
