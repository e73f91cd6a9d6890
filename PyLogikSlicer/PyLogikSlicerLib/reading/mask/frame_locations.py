"""The location of each frame of a DICOM segmentation in one label array.

A frame is a slice of a regular lattice in space, or it belongs to a frame of the source images, or it is a tile of a total pixel matrix.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from pydicom.dataset import Dataset

from ...core.errors import UnreadableInput
from ...core.slice_numbers import slice_numbers
from ...core.voxel_grid import VoxelGrid, grid_from_steps
from .segment_frames import SegmentFrame, referred_instances

# Tolerance for equal positions, as a share of the pixel spacing, and for equal slices, as a share of their distance: headers are rounded.
_SAME_POSITION = 0.05
# Tolerance for the cosines of equal directions.
_SAME_DIRECTION = 1e-3
# Relative tolerance for equal pixel spacings.
_SAME_SPACING = 1e-3
# The least length of a direction vector, which should be 1; a shorter one is damage.
_SHORTEST_DIRECTION = 0.5
# The largest cosine of the angle between rows and columns, which should be 0.
_RIGHT_ANGLE = 0.01
# mm between slices, where there is one slice and the header states neither a spacing nor a thickness.
_DEFAULT_SPACING = 1.0

# A slice or frame number, or the rows and columns of a tile.
Index = int | tuple[slice, slice]


@dataclass(frozen=True, eq=False)
class FrameLocations:
    """The shape of the label array, and for each frame the indices at which its labels are drawn (several for several sources).

    The other attributes are those of :class:`~PyLogikSlicerLib.core.label_mask.Mask`.
    """

    shape: tuple[int, ...]
    indices: tuple[tuple[Index, ...], ...]
    geometry: VoxelGrid | None = None
    pixel_spacing: tuple[float, float] | None = None
    sources: tuple[str, ...] = ()
    scattered: bool = False
    guessed_spacing: bool = False


def locate_frames(header: Dataset, frames: Sequence[SegmentFrame], rows: int, columns: int) -> FrameLocations:
    """The location of each frame.

    Raises
    ------
    UnreadableInput
        The header does not determine the locations; the message names the missing attribute.
    """
    if str(header.get("DimensionOrganizationType", "")).startswith("TILED") or "TotalPixelMatrixRows" in header:
        return _locate_in_total_matrix(header, frames, rows, columns)
    return _locate_on_lattice(frames, rows, columns) or _locate_by_sources(header, frames, rows, columns)


# --- slices of a lattice in space -----------------------------------------------------------------------------------------------


def _locate_on_lattice(frames: Sequence[SegmentFrame], rows: int, columns: int) -> FrameLocations | None:
    """The slice of each frame on a regular lattice.

    None where the slices are not parallel and equally spaced, or one slice has a segment twice (a cine, a time series).
    """
    first = frames[0]
    positions = [one.position for one in frames if one.position is not None]
    orientations = [one.orientation for one in frames if one.orientation is not None]
    if first.pixel_spacing is None or len(positions) < len(frames) or len(orientations) < len(frames):
        return None
    if any(one.pixel_spacing is None or not np.allclose(one.pixel_spacing, first.pixel_spacing, rtol=_SAME_SPACING) for one in frames):
        return None
    if any(np.abs(orientation - orientations[0]).max() > _SAME_DIRECTION for orientation in orientations):
        return None
    right, down = _row_and_column_direction(orientations[0])
    slices = _number_slices(np.array(positions), np.cross(right, down), first)
    if slices is None:
        return None
    numbers, step, origin, is_guessed = slices
    if len({(one.segment, number) for one, number in zip(frames, numbers, strict=True)}) < len(frames):
        return None
    shape = (max(numbers) + 1, rows, columns)
    steps = np.array([step, down * first.pixel_spacing[0], right * first.pixel_spacing[1]])
    return FrameLocations(shape, tuple((number,) for number in numbers), grid_from_steps(shape, steps, origin), guessed_spacing=is_guessed)


def _row_and_column_direction(orientation: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The unit vectors along a row and along a column. Raises UnreadableInput where these are not at right angles."""
    right, down = orientation[:3], orientation[3:]
    lengths = np.linalg.norm(right), np.linalg.norm(down)
    if min(lengths) < _SHORTEST_DIRECTION or abs(right @ down) > _RIGHT_ANGLE * lengths[0] * lengths[1]:
        raise UnreadableInput(
            "ImageOrientationPatient of the DICOM segmentation is no pair of directions at right angles: the file is damaged"
        )
    return right / lengths[0], down / lengths[1]


def _number_slices(positions: np.ndarray, normal: np.ndarray, first: SegmentFrame) -> tuple[list[int], np.ndarray, np.ndarray, bool] | None:
    """Distribute the frames over equally spaced slices.

    Parameters
    ----------
    positions
        Of the first pixel of each frame ``(n, 3)``, mm.
    normal
        The unit vector at right angles to the slices.
    first
        The first frame; its pixel spacing is not None.

    Returns
    -------
    tuple or None
        The number of the slice of each frame, counted along the normal; the step from a slice to the next, mm, which is not along the
        normal where the gantry was tilted; the position of the first slice, mm; and whether the step is only derived from the
        positions. None where the slices are not equally spaced.
    """
    assert first.pixel_spacing is not None
    tolerance = _SAME_POSITION * min(first.pixel_spacing)
    depths = positions @ normal
    order = np.argsort(depths, kind="stable")
    lowest, highest = positions[order[0]], positions[order[-1]]
    reach = float(depths[order[-1]] - depths[order[0]])
    if reach <= tolerance:
        # A single slice: the spacing in the header cannot be confirmed by the position of another one.
        is_one = np.abs(positions - lowest).max() <= tolerance
        spacing = first.between or first.thickness or _DEFAULT_SPACING
        return ([0] * len(positions), normal * spacing, lowest, True) if is_one else None
    along = (highest - lowest) / reach
    ahead = depths - depths[order[0]]
    if np.abs(positions - lowest - np.outer(ahead, along)).max() > tolerance:
        return None
    declared = _slices_as_declared(ahead, first.between) if first.between else None
    found = declared or slice_numbers(ahead, tolerance, [first.thickness] if first.thickness else [])
    return found and (found[0].tolist(), along * found[1], lowest, declared is None)


def _slices_as_declared(ahead: np.ndarray, distance: float) -> tuple[np.ndarray, float] | None:
    """The numbers of the slices at these depths and their spacing, as SpacingBetweenSlices states it.

    None where the positions contradict it, as they do in files of public archives.
    """
    numbers = np.rint(ahead / distance)
    return (numbers.astype(int), distance) if np.abs(ahead - numbers * distance).max() <= _SAME_POSITION * distance else None


# --- frames of the source images ------------------------------------------------------------------------------------------------


def _locate_by_sources(header: Dataset, frames: Sequence[SegmentFrame], rows: int, columns: int) -> FrameLocations:
    """The number of each frame among the frames of the source images.

    By the images that the segmentation refers to, else by its dimension indices, else by the order of its frames.
    """
    spacing = _common_spacing(frames)
    scattered = _exceeds_tolerance([one.position for one in frames], _SAME_POSITION * min(spacing or (1.0, 1.0)))
    scattered = scattered or _exceeds_tolerance([one.orientation for one in frames], _SAME_DIRECTION)
    by_source = _source_numbers(header, frames)
    if by_source is not None:
        numbers, sources = by_source
        return FrameLocations((len(sources), rows, columns), numbers, None, spacing, sources, scattered)
    if scattered:
        raise UnreadableInput(
            "the slices of the DICOM segmentation are not parallel and equally spaced (ImagePositionPatient, ImageOrientationPatient), "
            "and DerivationImageSequence does not tell which image each belongs to"
        )
    numbers = _rank_keys([one.indices for one in frames])
    if not all(one.indices for one in frames) or _has_duplicates(frames, numbers):
        numbers = _in_stored_order(frames)
    return FrameLocations((max(max(own) for own in numbers) + 1, rows, columns), numbers, None, spacing)


def _exceeds_tolerance(vectors: Sequence[np.ndarray | None], tolerance: float) -> bool:
    """Whether any component of the vectors that are not None varies by more than ``tolerance``."""
    known = [vector for vector in vectors if vector is not None]
    return bool(known) and bool(np.ptp(known, axis=0).max() > tolerance)


def _source_numbers(header: Dataset, frames: Sequence[SegmentFrame]) -> tuple[tuple[tuple[int, ...], ...], tuple[str, ...]] | None:
    """The numbers of each frame among all source frames, and a key for each source frame; None where two frames of a segment have the
    same source frame, or some have none."""
    if not all(one.sources for one in frames):
        return None
    last: dict[str, int] = dict.fromkeys(referred_instances(header), 0)
    for instance, number in (source for one in frames for source in one.sources):
        last[instance] = max(last.get(instance, 0), number)
    used = {instance for one in frames for instance, _ in one.sources}
    if any(last[instance] for instance in used):
        # Source images with several frames. A reference to such an image without a frame number is not among the keys.
        keys = [(instance, number) for instance in last if instance in used for number in range(1, last[instance] + 1)]
    else:
        keys = [(instance, 0) for instance in last]
    locations = {key: place for place, key in enumerate(keys)}
    if any(source not in locations for one in frames for source in one.sources):
        return None
    numbers = tuple(tuple(locations[source] for source in one.sources) for one in frames)
    return None if _has_duplicates(frames, numbers) else (numbers, tuple(f"{instance} {number}" for instance, number in keys))


def _rank_keys(keys: Sequence[tuple[int, ...]]) -> tuple[tuple[int, ...], ...]:
    """The rank of each key among the distinct keys."""
    ranks = {key: rank for rank, key in enumerate(sorted(set(keys)))}
    return tuple((ranks[key],) for key in keys)


def _in_stored_order(frames: Sequence[SegmentFrame]) -> tuple[tuple[int, ...], ...]:
    """The number of each frame among those of its segment. Raises UnreadableInput where the segments differ in number of frames."""
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


def _has_duplicates(frames: Sequence[SegmentFrame], numbers: Iterable[tuple[int, ...]]) -> bool:
    """Whether two frames of one segment have the same number."""
    pairs = [(one.segment, number) for one, own in zip(frames, numbers, strict=True) for number in own]
    return len(pairs) > len(set(pairs))


# --- tiles of a total pixel matrix ----------------------------------------------------------------------------------------------


def _locate_in_total_matrix(header: Dataset, frames: Sequence[SegmentFrame], rows: int, columns: int) -> FrameLocations:
    """The place of each tile of a slide microscopy image in the total pixel matrix (C.7.6.17.3)."""
    total = [header.get(keyword) for keyword in ("TotalPixelMatrixRows", "TotalPixelMatrixColumns")]
    if not all(isinstance(size, int) and size > 0 for size in total):
        raise UnreadableInput("TotalPixelMatrixRows or TotalPixelMatrixColumns is missing from the DICOM segmentation: the file is damaged")
    if (header.get("TotalPixelMatrixFocalPlanes") or 1) != 1:
        raise UnreadableInput("the DICOM segmentation has several focal planes (TotalPixelMatrixFocalPlanes): export one of them")
    down, across = (-(-size // side) for size, side in zip(total, (rows, columns), strict=True))
    indices = []
    for number, one in enumerate(frames):
        # In TILED_FULL, tiles follow row by row, and each segment has all of them.
        place = number % (down * across)
        row, column = one.tile or (place // across * rows, place % across * columns)
        if one.tile is None and header.get("DimensionOrganizationType") != "TILED_FULL":
            raise UnreadableInput(
                "RowPositionInTotalImagePixelMatrix of a frame is missing from the DICOM segmentation: the file is damaged"
            )
        if not (0 <= row < total[0] and 0 <= column < total[1]):
            raise UnreadableInput("RowPositionInTotalImagePixelMatrix of a frame lies outside of the matrix: the file is damaged")
        indices.append(((slice(row, min(row + rows, total[0])), slice(column, min(column + columns, total[1]))),))
    return FrameLocations((total[0], total[1]), tuple(indices), pixel_spacing=_common_spacing(frames))


def _common_spacing(frames: Sequence[SegmentFrame]) -> tuple[float, float] | None:
    """The pixel spacing of all frames; None where they differ or have none."""
    spacings = {one.pixel_spacing for one in frames}
    return next(iter(spacings)) if len(spacings) == 1 else None
