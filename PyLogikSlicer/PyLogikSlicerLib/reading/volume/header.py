"""What the header of a volume file says, whatever its format: where the values are, what its axes are, and where it lies in space."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

import numpy as np

from .voxel_data import VoxelData

AxisKind = Literal["space", "list", "component"]

# Millimeters in the units of length that headers name; another word, such as "pixel", is taken for mm as ITK does.
MILLIMETERS: Mapping[str, float] = MappingProxyType(
    {"m": 1000.0, "meter": 1000.0, "cm": 10.0, "mm": 1.0, "um": 1e-3, "µm": 1e-3, "micron": 1e-3, "micrometer": 1e-3, "nm": 1e-6}
)


@dataclass(frozen=True)
class VolumeHeader:
    """``data.shape`` has the slowest axis first, ``kinds`` the fastest: ``space`` axes are columns, rows and slices, ``list`` axes
    count volumes (time, the items of a sequence), and the ``component`` axis holds the components of one value.

    ``affine``: ``(4, 4)``, from (column, row, slice) indices of voxel centers to mm in LPS. ``identifying``: free text that could
    also stand in the pixels. ``slope`` and ``intercept``: what stored values are multiplied with, and what is added then, to be what
    they stand for. ``dropped``: what is not read. ``fields``: what is said of segments, in the words of the format.
    """

    data: VoxelData
    kinds: tuple[AxisKind, ...]
    affine: np.ndarray
    identifying: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    slope: float = 1.0
    intercept: float = 0.0
    dropped: tuple[str, ...] = ()
    fields: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def scaled(self) -> bool:
        """Whether the values stand for others than are stored."""
        return (self.slope, self.intercept) != (1.0, 0.0)

    @property
    def inverted(self) -> bool:
        """Whether the largest stored value stands for the smallest one."""
        return self.slope < 0
