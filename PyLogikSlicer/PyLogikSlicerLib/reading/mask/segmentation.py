"""Reads DICOM segmentations (PS3.3 A.51 and C.8.20): binary ones, label maps, and fractional ones whose values are all 0 or 1."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset
from pydicom.uid import UID, SegmentationStorage

from ...core.errors import UnreadableInput
from ...core.label_mask import Mask
from ..decoding.limits import declare_size
from ..dicom.file import read_dicom_file
from ..dicom.frames import Frames, open_frames
from ..dicom.image_pixel import ImagePixel, read_image_pixel
from .frame_locations import FrameLocations, locate_frames
from .label_codes import LabelCodes
from .segment_frames import SegmentFrame, segment_frames, segment_names, segment_numbers

# Label Map Segmentation Storage, which pydicom has no constant for.
_LABEL_MAP_SEGMENTATION = UID("1.2.840.10008.5.1.4.1.1.66.7")


def segmentation_mask(path: Path) -> Mask:
    """The segments of a DICOM segmentation; their numbers are the labels.

    Raises
    ------
    UnreadableInput
        The file is no segmentation, is damaged, has fractions, or lacks an attribute that determines the locations of its frames; the
        message names it.
    """
    file = read_dicom_file(path)
    header = file.header
    kind = _segmentation_type(header)
    pixel = read_image_pixel(header, file.keyword)
    if pixel.samples != 1:
        raise UnreadableInput(f"SamplesPerPixel of the DICOM segmentation is {pixel.samples}: the file is damaged")
    frames = open_frames(file, pixel)
    described = segment_frames(header, frames.count, kind == "LABELMAP")
    locations = locate_frames(header, described, pixel.rows, pixel.columns)
    size = max(pixel.allocated // 8, 1) * pixel.rows * pixel.columns
    declare_size(size, -(-int(np.prod(locations.shape, dtype=object)) // (pixel.rows * pixel.columns)), in_one_piece=True)
    overlaps: dict[int, tuple[int, ...]] = {}
    if kind == "LABELMAP":
        labels = _label_map(header, frames, pixel, locations)
    else:
        labels, overlaps = _draw_segments(header, frames, described, locations, kind == "FRACTIONAL")
    return Mask(
        labels,
        locations.geometry,
        sparse=True,
        names=segment_names(header),
        overlaps=overlaps,
        pixel_spacing=locations.pixel_spacing,
        sources=locations.sources,
        scattered=locations.scattered,
        guessed_spacing=locations.guessed_spacing,
    )


def _segmentation_type(header: Dataset) -> str:
    """BINARY, LABELMAP or FRACTIONAL. Raises UnreadableInput for files that are no segmentation."""
    class_ = header.get("SOPClassUID")
    if class_ not in (SegmentationStorage, _LABEL_MAP_SEGMENTATION):
        named = f"but {UID(class_).name}" if class_ else "since SOPClassUID is missing"
        raise UnreadableInput(f"the DICOM file is no segmentation {named}")
    kind = header.get("SegmentationType") or ("LABELMAP" if class_ == _LABEL_MAP_SEGMENTATION else "")
    if kind not in ("BINARY", "LABELMAP", "FRACTIONAL"):
        raise UnreadableInput("SegmentationType of the DICOM segmentation is missing, or none that is known: the file is damaged")
    return kind


def _label_map(header: Dataset, frames: Frames, pixel: ImagePixel, locations: FrameLocations) -> np.ndarray:
    """The label array of a label map: its values are segment numbers; PixelPaddingValue, if not 0, is background."""
    padding = header.get("PixelPaddingValue") or 0
    if padding and 0 in segment_numbers(header):
        raise UnreadableInput("the DICOM segmentation has a segment 0 beside its background (PixelPaddingValue): renumber it")
    labels = np.zeros(locations.shape, np.uint8 if pixel.stored <= 8 else np.uint16 if pixel.stored <= 16 else np.uint32)
    for samples, own in zip(_stored_samples(frames, pixel), locations.indices, strict=True):
        for index in own:
            part = labels[index]
            part[...] = _crop_to(np.where(samples == padding, 0, samples) if padding else samples, part)
    return labels


def _draw_segments(
    header: Dataset, frames: Frames, described: list[SegmentFrame], locations: FrameLocations, is_fractional: bool
) -> tuple[np.ndarray, dict[int, tuple[int, ...]]]:
    """The label array of a binary segmentation, and its overlaps: pixels of a frame that are not 0 belong to the frame's segment."""
    largest = int(header.get("MaximumFractionalValue") or 0)
    codes = LabelCodes(locations.shape, {one.segment for one in described if one.segment is not None})
    for decoded, one, own in zip(frames.decode(), described, locations.indices, strict=True):
        samples = decoded.samples
        if is_fractional and not np.isin(samples, (0, largest)).all():
            raise UnreadableInput("the DICOM segmentation is fractional, so it is no label map: it has to be thresholded first")
        for index in own:
            codes.draw(index, _crop_to(samples != 0, codes.labels[index]), int(one.segment or 0))
    return codes.labels, codes.overlaps


def _stored_samples(frames: Frames, pixel: ImagePixel) -> Iterator[np.ndarray]:
    """The samples of each frame, without the bits above BitsStored."""
    for decoded in frames.decode():
        yield (
            decoded.samples & np.array((1 << decoded.bits) - 1, decoded.samples.dtype)
            if decoded.bits < pixel.allocated
            else decoded.samples
        )


def _crop_to(samples: np.ndarray, place: np.ndarray) -> np.ndarray:
    """The part of a tile that lies within the total pixel matrix, where it has the shape of ``place``."""
    return samples[: place.shape[0], : place.shape[1]]
