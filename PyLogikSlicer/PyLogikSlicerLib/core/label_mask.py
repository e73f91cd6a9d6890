"""Mask: an array of labels, their names, and where the array lies in space."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np

from .voxel_grid import VoxelGrid


@dataclass(frozen=True, eq=False)
class Mask:
    """An array of labels, their names, and where the array lies in space.

    Parameters
    ----------
    labels
        Integers or booleans, ``(rows, columns)``, ``(slices, rows, columns)`` or ``(times, slices, rows, columns)``; without
        ``geometry`` also ``(frames, rows, columns)``. 0 is background.
    geometry
        The grid of the last three axes (of a single image: a grid of one slice); None where the file states none.
    sparse
        Whether everything outside the array is background: segmentations need not store empty slices.
    frames
        The number of frames for which a single image is valid; more than one only for a region of interest.
    names
        The names of labels; empty where the file states none. A label with a name need not occur in the array.
    overlaps
        Labels that stand for pixels of several segments at once, and the labels of these segments.
    pixel_spacing
        mm between rows and between columns, where that is known without a grid.
    sources
        For each frame without a position in space, the image on which it was drawn, as a key that is equal for the same image.
    scattered
        Whether the frames have no order of their own, so that only masks with the same ``sources`` can be compared.
    guessed_spacing
        Whether the distance of the slices is only derived from the positions of the stored slices.
    """

    labels: np.ndarray
    geometry: VoxelGrid | None = None
    sparse: bool = False
    frames: int = 1
    names: Mapping[int, str] = field(default_factory=lambda: MappingProxyType({}))
    overlaps: Mapping[int, tuple[int, ...]] = field(default_factory=lambda: MappingProxyType({}))
    pixel_spacing: tuple[float, float] | None = None
    sources: tuple[str, ...] = ()
    scattered: bool = False
    guessed_spacing: bool = False

    def values_of(self, label: int) -> tuple[int, ...]:
        """The values of the pixels that belong to a label: the label itself, and those that stand for it and others at once."""
        return (label, *(value for value, labels in self.overlaps.items() if label in labels))

    def labels_of(self, values: Iterable[int]) -> set[int]:
        """The labels that these pixel values stand for, without background."""
        return {label for value in values for label in self.overlaps.get(value, (value,)) if label}
