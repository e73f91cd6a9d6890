"""Where the frames of a DICOM segmentation belong: on a lattice of slices, among the frames of their source, or in a large matrix."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from pydicom.dataset import Dataset

from ...core.errors import UnreadableInput
from ...core.slice_numbers import slice_numbers
from ...core.voxel_grid import VoxelGrid, grid_from
from .segment_frames import SegmentFrame, referred_instances

# How far apart two positions or slices may be that are the same, in pixels, and in distances of slices: headers are rounded.
_SAME_PLACE = 0.05
# Cosines that differ less are those of one direction.
_SAME_DIRECTION = 1e-3

Index = int | tuple[slice, slice]


@dataclass(frozen=True, eq=False)
class Places:
    """``shape`` of all labels, and for each frame the indices of its labels there. The others are as in
    :class:`~PyLogikSlicerLib.core.label_mask.Mask`."""

    shape: tuple[int, ...]
    indices: tuple[tuple[Index, ...], ...]
    geometry: VoxelGrid | None = None
    pixel_spacing: tuple[float, float] | None = None
    sources: tuple[str, ...] = ()
    scattered: bool = False
    guessed_spacing: bool = False


def places_of(header: Dataset, frames: Sequence[SegmentFrame], rows: int, columns: int) -> Places:
    """Where the frames belong.

    Raises
    ------
    UnreadableInput
        Nothing in the header tells; the message names what is missing.
    """
    if str(header.get("DimensionOrganizationType", "")).startswith("TILED") or "TotalPixelMatrixRows" in header:
        return _in_a_matrix(header, frames, rows, columns)
    return _on_a_lattice(frames, rows, columns) or _among_sources(header, frames, rows, columns)


# Slices


def _on_a_lattice(frames: Sequence[SegmentFrame], rows: int, columns: int) -> Places | None:
    """None where the slices are not parallel and equally spaced, or one place holds a segment twice (a cine, a time series)."""
    first = frames[0]
    positions, orientations = [one.position for one in frames], [one.orientation for one in frames]
    if first.pixel_spacing is None or any(one is None for one in (*positions, *orientations)):
        return None
    if any(one.pixel_spacing is None or not np.allclose(one.pixel_spacing, first.pixel_spacing, rtol=1e-3) for one in frames):
        return None
    if any(np.abs(one - first.orientation).max() > _SAME_DIRECTION for one in orientations):
        return None
    right, down = _directions(first.orientation)
    slices = _slices(np.array(positions), np.cross(right, down), first)
    if slices is None:
        return None
    numbers, step, origin, is_guessed = slices
    if len({(one.segment, number) for one, number in zip(frames, numbers, strict=True)}) < len(frames):
        return None
    shape = (max(numbers) + 1, rows, columns)
    steps = np.array([step, down * first.pixel_spacing[0], right * first.pixel_spacing[1]])
    return Places(shape, tuple((number,) for number in numbers), grid_from(shape, steps, origin), guessed_spacing=is_guessed)


def _directions(orientation: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of a row and of a column, unit vectors."""
    right, down = orientation[:3], orientation[3:]
    lengths = np.linalg.norm(right), np.linalg.norm(down)
    if min(lengths) < 0.5 or abs(right @ down) > 0.01 * lengths[0] * lengths[1]:
        raise UnreadableInput(
            "ImageOrientationPatient of the DICOM segmentation is no pair of directions at right angles: the file is damaged"
        )
    return right / lengths[0], down / lengths[1]


def _slices(positions: np.ndarray, normal: np.ndarray, first: SegmentFrame) -> tuple[list[int], np.ndarray, np.ndarray, bool] | None:
    """The number of the slice of each frame, counted along the normal; the step from one to the next; where the first one is; and
    whether that step is only derived from the positions. The step need not be along the normal, where a gantry was tilted."""
    tolerance = _SAME_PLACE * min(first.pixel_spacing)
    depths = positions @ normal
    order = np.argsort(depths, kind="stable")
    lowest, highest = positions[order[0]], positions[order[-1]]
    reach = float(depths[order[-1]] - depths[order[0]])
    if reach <= tolerance:
        # One slice: no other one is there to confirm what the header says of the step to the next.
        is_one = np.abs(positions - lowest).max() <= tolerance
        return ([0] * len(positions), normal * (first.between or first.thickness or 1.0), lowest, True) if is_one else None
    along = (highest - lowest) / reach
    ahead = depths - depths[order[0]]
    if np.abs(positions - lowest - np.outer(ahead, along)).max() > tolerance:
        return None
    told = _as_told(ahead, first.between) if first.between else None
    found = told or slice_numbers(ahead, tolerance, [first.thickness] if first.thickness else [])
    return found and (found[0].tolist(), along * found[1], lowest, told is None)


def _as_told(ahead: np.ndarray, distance: float) -> tuple[np.ndarray, float] | None:
    """As SpacingBetweenSlices says; None where the positions contradict it, as they do in archives."""
    numbers = np.rint(ahead / distance)
    return (numbers.astype(int), distance) if np.abs(ahead - numbers * distance).max() <= _SAME_PLACE * distance else None


# Frames without a place in space


def _among_sources(header: Dataset, frames: Sequence[SegmentFrame], rows: int, columns: int) -> Places:
    """Frame by frame, as the segmentation refers to the images it was made on, or else as it counts or stores its frames."""
    spacings = {one.pixel_spacing for one in frames}
    spacing = next(iter(spacings)) if len(spacings) == 1 else None
    scattered = _differ([one.position for one in frames], _SAME_PLACE * min(spacing or (1.0, 1.0)))
    scattered = scattered or _differ([one.orientation for one in frames], _SAME_DIRECTION)
    by_source = _source_numbers(header, frames)
    if by_source is not None:
        numbers, sources = by_source
        return Places((len(sources), rows, columns), numbers, None, spacing, sources, scattered)
    if scattered:
        raise UnreadableInput(
            "the slices of the DICOM segmentation are not parallel and equally spaced (ImagePositionPatient, ImageOrientationPatient), "
            "and DerivationImageSequence does not tell which image each belongs to"
        )
    numbers = _ranks([one.indices for one in frames]) if all(one.indices for one in frames) else None
    if numbers is None or _twice(frames, numbers):
        numbers = _in_their_order(frames)
    return Places((max(max(own) for own in numbers) + 1, rows, columns), numbers, None, spacing)


def _differ(vectors: Sequence[np.ndarray | None], tolerance: float) -> bool:
    told = [vector for vector in vectors if vector is not None]
    return bool(told) and bool(np.ptp(told, axis=0).max() > tolerance)


def _source_numbers(header: Dataset, frames: Sequence[SegmentFrame]) -> tuple[tuple[tuple[int, ...], ...], tuple[str, ...]] | None:
    """The numbers of each frame among all source frames, and the keys of these; None where the sources do not tell them apart."""
    if not all(one.sources for one in frames):
        return None
    last: dict[str, int] = dict.fromkeys(referred_instances(header), 0)
    for instance, number in (source for one in frames for source in one.sources):
        last[instance] = max(last.get(instance, 0), number)
    used = {instance for one in frames for instance, _ in one.sources}
    if any(last[instance] for instance in used):
        # Of an image with several frames: one that is named without a frame of it does not tell.
        keys = [(instance, number) for instance in last if instance in used for number in range(1, last[instance] + 1)]
    else:
        keys = [(instance, 0) for instance in last]
    places = {key: place for place, key in enumerate(keys)}
    if any(source not in places for one in frames for source in one.sources):
        return None
    numbers = tuple(tuple(places[source] for source in one.sources) for one in frames)
    return None if _twice(frames, numbers) else (numbers, tuple(f"{instance} {number}" for instance, number in keys))


def _ranks(keys: Sequence[tuple[int, ...]]) -> tuple[tuple[int, ...], ...]:
    ranks = {key: rank for rank, key in enumerate(sorted(set(keys)))}
    return tuple((ranks[key],) for key in keys)


def _in_their_order(frames: Sequence[SegmentFrame]) -> tuple[tuple[int, ...], ...]:
    counts: dict[int | None, int] = {}
    numbers = []
    for one in frames:
        numbers.append((counts.setdefault(one.segment, 0),))
        counts[one.segment] += 1
    if len(set(counts.values())) > 1:
        raise UnreadableInput(
            "nothing in the DICOM segmentation tells which frame is of which image: ImagePositionPatient, ReferencedFrameNumber in "
            "DerivationImageSequence or DimensionIndexValues have to"
        )
    return tuple(numbers)


def _twice(frames: Sequence[SegmentFrame], numbers: Iterable[tuple[int, ...]]) -> bool:
    """Whether a segment has two frames in one place."""
    pairs = [(one.segment, number) for one, own in zip(frames, numbers, strict=True) for number in own]
    return len(pairs) > len(set(pairs))


# Tiles


def _in_a_matrix(header: Dataset, frames: Sequence[SegmentFrame], rows: int, columns: int) -> Places:
    """The tiles of a slide microscopy image (C.7.6.17.3)."""
    total = [header.get(keyword) for keyword in ("TotalPixelMatrixRows", "TotalPixelMatrixColumns")]
    if not all(isinstance(size, int) and size > 0 for size in total):
        raise UnreadableInput("TotalPixelMatrixRows or TotalPixelMatrixColumns is missing from the DICOM segmentation: the file is damaged")
    if (header.get("TotalPixelMatrixFocalPlanes") or 1) != 1:
        raise UnreadableInput("the DICOM segmentation has several focal planes (TotalPixelMatrixFocalPlanes): export one of them")
    down, across = (-(-size // side) for size, side in zip(total, (rows, columns), strict=True))
    indices = []
    for number, one in enumerate(frames):
        # In TILED_FULL, row by row; each segment has all tiles.
        place = number % (down * across)
        row, column = one.tile or (place // across * rows, place % across * columns)
        if one.tile is None and header.get("DimensionOrganizationType") != "TILED_FULL":
            raise UnreadableInput(
                "RowPositionInTotalImagePixelMatrix of a frame is missing from the DICOM segmentation: the file is damaged"
            )
        if not (0 <= row < total[0] and 0 <= column < total[1]):
            raise UnreadableInput("RowPositionInTotalImagePixelMatrix of a frame lies outside of the matrix: the file is damaged")
        indices.append(((slice(row, min(row + rows, total[0])), slice(column, min(column + columns, total[1]))),))
    spacings = {one.pixel_spacing for one in frames}
    return Places((total[0], total[1]), tuple(indices), pixel_spacing=next(iter(spacings)) if len(spacings) == 1 else None)
