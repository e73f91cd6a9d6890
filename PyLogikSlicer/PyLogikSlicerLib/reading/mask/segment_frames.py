"""The description of each frame in the header of a DICOM segmentation (PS3.3 A.51, C.7.6.16, C.8.20)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from pydicom.dataset import Dataset

from ...core.errors import UnreadableInput
from ...core.segment_names import printable_name

# Frame numbers above this are taken for damage.
_MOST_FRAMES = 1_000_000
# Tag of ReferencedSegmentNumber, the dimension whose index numbers segments and not positions.
_SEGMENT_DIMENSION = 0x0062000B


@dataclass(frozen=True, eq=False)
class SegmentFrame:
    """The segment and the position of one frame. All but ``segment`` may be missing.

    Parameters
    ----------
    segment
        Number of the segment; None in a label map, whose pixel values are the numbers.
    position
        Center of the first pixel ``(3,)``, mm, LPS.
    orientation
        Direction cosines of rows and of columns ``(6,)``.
    pixel_spacing
        mm between rows and between columns.
    between
        SpacingBetweenSlices, mm.
    thickness
        SliceThickness, mm.
    sources
        The images on which the frame was drawn: SOP Instance UID and frame number, which is 0 for a single-frame image.
    indices
        DimensionIndexValues without that of segments.
    tile
        Row and column of the first pixel in the total pixel matrix, from 0 on.
    """

    segment: int | None
    position: np.ndarray | None = None
    orientation: np.ndarray | None = None
    pixel_spacing: tuple[float, float] | None = None
    between: float | None = None
    thickness: float | None = None
    sources: tuple[tuple[str, int], ...] = ()
    indices: tuple[int, ...] = ()
    tile: tuple[int, int] | None = None


def segment_frames(header: Dataset, count: int, is_label_map: bool) -> list[SegmentFrame]:
    """The description of each of ``count`` frames.

    Raises
    ------
    UnreadableInput
        The header does not describe each frame, or an attribute is invalid; the message names it.
    """
    shared = _first_item(header, "SharedFunctionalGroupsSequence")
    groups = list(header.get("PerFrameFunctionalGroupsSequence") or [])
    if not groups and (count == 1 or header.get("DimensionOrganizationType") == "TILED_FULL"):
        groups = [Dataset()] * count
    if len(groups) < count:
        raise UnreadableInput(
            f"PerFrameFunctionalGroupsSequence of the DICOM segmentation describes {len(groups)} of {count} frames: the file is damaged"
        )
    groups = groups[:count]
    numbers = [None] * count if is_label_map else _segment_numbers(header, shared, groups)
    kept = _dimensions(header)
    return [_describe_frame(number, shared, own, kept) for number, own in zip(numbers, groups, strict=True)]


def segment_numbers(header: Dataset) -> list[int]:
    """The numbers of the segments that the header describes, in their order."""
    return [int(segment.SegmentNumber) for segment in header.get("SegmentSequence") or [] if segment.get("SegmentNumber") is not None]


def segment_names(header: Dataset) -> dict[int, str]:
    """The name of each segment: its label, else its description, else the meaning of the code of its type."""
    names = {}
    for segment in header.get("SegmentSequence") or []:
        name = segment.get("SegmentLabel") or segment.get("SegmentDescription") or _coded_name(segment)
        if name and segment.get("SegmentNumber"):
            names[int(segment.SegmentNumber)] = printable_name(str(name))
    return names


def referred_instances(header: Dataset) -> list[str]:
    """The SOP Instance UIDs of the images that the segmentation refers to, in its order."""
    series = header.get("ReferencedSeriesSequence") or []
    return [str(instance.get("ReferencedSOPInstanceUID", "")) for one in series for instance in one.get("ReferencedInstanceSequence") or []]


def _coded_name(segment: Dataset) -> str:
    """The meaning of the codes of type and modifier, for example "Kidney, Left"; else that of the category."""
    kind = _first_item(segment, "SegmentedPropertyTypeCodeSequence")
    modifier = _first_item(kind, "SegmentedPropertyTypeModifierCodeSequence") or _first_item(
        segment, "SegmentedPropertyTypeModifierCodeSequence"
    )
    words = [str(code.get("CodeMeaning") or "") for code in (kind, modifier)]
    return ", ".join(word for word in words if word) or str(
        _first_item(segment, "SegmentedPropertyCategoryCodeSequence").get("CodeMeaning") or ""
    )


def _first_item(dataset: Dataset, keyword: str) -> Dataset:
    """The first item of a sequence; an empty data set where there is none."""
    sequence = dataset.get(keyword)
    return sequence[0] if sequence else Dataset()


def _segment_numbers(header: Dataset, shared: Dataset, groups: Sequence[Dataset]) -> list[int | None]:
    """The number of the segment of each frame."""
    described = segment_numbers(header)
    if header.get("DimensionOrganizationType") == "TILED_FULL" and described and not any(map(len, groups)):
        # The tiles of a segment, then those of the next (C.7.6.17.3).
        tiles, left = divmod(len(groups), len(described))
        if left:
            raise UnreadableInput("NumberOfFrames of the DICOM segmentation is no multiple of its segments: the file is damaged")
        return [number for number in described for _ in range(tiles)]
    numbers: list[int | None] = []
    for own in groups:
        declared = _functional_group(shared, own, "SegmentIdentificationSequence").get("ReferencedSegmentNumber")
        if declared is None and len(described) != 1:
            raise UnreadableInput("ReferencedSegmentNumber of a frame is missing from the DICOM segmentation: the file is damaged")
        numbers.append(described[0] if declared is None else int(np.atleast_1d(declared)[0]))
    return numbers


def _dimensions(header: Dataset) -> list[int]:
    """The indices of the DimensionIndexValues that describe a position: all but that of segments."""
    dimensions = header.get("DimensionIndexSequence") or []
    return [index for index, one in enumerate(dimensions) if one.get("DimensionIndexPointer") != _SEGMENT_DIMENSION]


def _describe_frame(number: int | None, shared: Dataset, own: Dataset, kept: Sequence[int]) -> SegmentFrame:
    """The description of one frame from its functional groups; ``kept`` are the dimensions that describe a position."""
    measures = _functional_group(shared, own, "PixelMeasuresSequence")
    spacing = _numbers(measures, "PixelSpacing", 2)
    indices = np.atleast_1d(_functional_group(shared, own, "FrameContentSequence").get("DimensionIndexValues") or []).tolist()
    tile = _functional_group(shared, own, "PlanePositionSlideSequence")
    row, column = tile.get("RowPositionInTotalImagePixelMatrix"), tile.get("ColumnPositionInTotalImagePixelMatrix")
    return SegmentFrame(
        segment=number,
        position=_numbers(_functional_group(shared, own, "PlanePositionSequence"), "ImagePositionPatient", 3),
        orientation=_numbers(_functional_group(shared, own, "PlaneOrientationSequence"), "ImageOrientationPatient", 6),
        pixel_spacing=(float(spacing[0]), float(spacing[1])) if spacing is not None and (spacing > 0).all() else None,
        between=_length(measures, "SpacingBetweenSlices"),
        thickness=_length(measures, "SliceThickness"),
        sources=_sources(_functional_group(shared, own, "DerivationImageSequence")),
        indices=tuple(int(indices[index]) for index in kept if index < len(indices)),
        tile=None if row is None or column is None else (int(row) - 1, int(column) - 1),
    )


def _functional_group(shared: Dataset, own: Dataset, keyword: str) -> Dataset:
    """A functional group of a frame: from the frame's own groups, else from the shared ones."""
    return _first_item(own, keyword) or _first_item(shared, keyword)


def _numbers(group: Dataset, keyword: str, count: int) -> np.ndarray | None:
    """The ``count`` numbers of an attribute; None where it is absent. Raises UnreadableInput where it holds anything else."""
    try:
        value = group.get(keyword)
        if value is None or value == "":
            return None
        numbers = np.array([float(number) for number in np.atleast_1d(value)])
    except (TypeError, ValueError):
        numbers = np.empty(0)
    if numbers.shape != (count,) or not np.isfinite(numbers).all():
        raise UnreadableInput(f"{keyword} of the DICOM segmentation does not hold {count} numbers: the file is damaged")
    return numbers


def _length(group: Dataset, keyword: str) -> float | None:
    """A length in mm, without its sign, which has no meaning here; None where it is absent or 0."""
    numbers = _numbers(group, keyword, 1)
    return abs(float(numbers[0])) or None if numbers is not None else None


def _sources(derivation: Dataset) -> tuple[tuple[str, int], ...]:
    """The first image that a frame was derived from: its SOP Instance UID with each referenced frame number, 0 where there is none."""
    image = _first_item(derivation, "SourceImageSequence")
    instance = image.get("ReferencedSOPInstanceUID")
    if not instance:
        return ()
    numbers = [int(number) for number in np.atleast_1d(image.get("ReferencedFrameNumber") or 0).tolist()]
    if not all(0 <= number <= _MOST_FRAMES for number in numbers):
        raise UnreadableInput("ReferencedFrameNumber of the DICOM segmentation is no frame number: the file is damaged")
    return tuple((str(instance), number) for number in numbers)
