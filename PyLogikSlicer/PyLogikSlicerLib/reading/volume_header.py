"""What the header of a volume file says, whatever its format: where the values are, what its axes are, and where it lies in space."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

import numpy as np

from .voxel_data import VoxelData

AxisKind = Literal["space", "list", "component"]


@dataclass(frozen=True)
class VolumeHeader:
    """``data.shape`` has the slowest axis first, ``kinds`` the fastest: ``space`` axes are columns, rows and slices, ``list`` axes
    count volumes (time, the items of a sequence), and the ``component`` axis holds the components of one value.

    ``affine``: ``(4, 4)``, from (column, row, slice) indices of voxel centers to mm in LPS. ``identifying``: free text that could
    also stand in the pixels. ``scaled``: whether the header scales the stored values. ``dropped``: what is not read. ``fields``:
    the names of segments, in the words of the format.
    """

    data: VoxelData
    kinds: tuple[AxisKind, ...]
    affine: np.ndarray
    identifying: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    inverted: bool = False
    scaled: bool = False
    dropped: tuple[str, ...] = ()
    fields: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
