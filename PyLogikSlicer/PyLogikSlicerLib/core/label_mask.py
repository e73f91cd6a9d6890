"""Mask: labels, what they are called, and where they lie."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np

from .voxel_grid import VoxelGrid


@dataclass(frozen=True, eq=False)
class Mask:
    """Labels and where they lie.

    Parameters
    ----------
    labels
        Integers or booleans, ``(rows, columns)``, ``(slices, rows, columns)`` or ``(times, slices, rows, columns)``; without
        ``geometry`` also ``(frames, rows, columns)``. 0 is background.
    geometry
        The grid of the last three axes (of a single image: a grid of one slice); None where the file tells none.
    sparse
        Whether all that lies outside the grid is background too: segmentations need not store empty slices.
    frames
        For how many frames the image holds; more than one only for a region of interest.
    names
        What labels are called; empty where the file does not tell. A label that is named need not be there.
    overlaps
        Labels that stand for pixels of several segments at once, and the labels of these.
    pixel_spacing
        mm between rows and between columns, where there is no grid but that is known.
    sources
        The image that each frame without a place in space was made on, as a key that is the same for the same image.
    scattered
        Whether the frames have no order of their own, so that only masks on the same ``sources`` can be compared.
    guessed_spacing
        Whether the distance of the slices is only derived from the positions of those that are stored.
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
        """What the pixels of a label hold: the label itself, and what stands for it and others at once."""
        return (label, *(value for value, labels in self.overlaps.items() if label in labels))

    def labels_of(self, values: Iterable[int]) -> set[int]:
        """The labels that these values of pixels stand for, without background."""
        return {label for value in values for label in self.overlaps.get(value, (value,)) if label}
