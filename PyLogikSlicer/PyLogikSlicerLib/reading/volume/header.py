"""The header of a volume file of any format: where its values are stored, what its axes are, and where it lies in space."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

import numpy as np

from .voxel_data import VoxelData

AxisKind = Literal["space", "list", "component"]

# Millimeters in each unit of length that headers use. Any other word, such as "pixel", is taken for mm, as ITK does.
MILLIMETERS: Mapping[str, float] = MappingProxyType(
    {"m": 1000.0, "meter": 1000.0, "cm": 10.0, "mm": 1.0, "um": 1e-3, "µm": 1e-3, "micron": 1e-3, "micrometer": 1e-3, "nm": 1e-6}
)


# Bytes of the longest line of a text header (NRRD, MetaImage); a longer one is not of a header.
LONGEST_LINE = 1 << 20
# Lines of the longest text header.
MOST_LINES = 1_000_000


@dataclass(frozen=True)
class VolumeHeader:
    """The header of a volume file.

    Parameters
    ----------
    data
        Where the values are stored; ``data.shape`` has the slowest axis first.
    kinds
        The kind of each axis, fastest axis first: ``space`` axes are columns, rows and slices, ``list`` axes count volumes (time, the
        items of a sequence), and the ``component`` axis holds the components of one value.
    affine
        ``(4, 4)``, from (column, row, slice) indices of voxel centers to mm in LPS.
    identifying
        Free text of the header that may also be burned into the pixels.
    slope, intercept
        ``slope * stored + intercept`` is the value that a stored value stands for.
    dropped
        Content of the file that is not read.
    fields
        The key/value pairs that describe segments.
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
    def is_scaled(self) -> bool:
        """Whether there is a slope or intercept that changes the stored values."""
        return (self.slope, self.intercept) != (1.0, 0.0)

    @property
    def is_inverted(self) -> bool:
        """Whether the largest stored value stands for the smallest one."""
        return self.slope < 0
