"""DICOM segmentations (PS3.3 A.51 and C.8.20): binary, label map, and fractional ones that have no fractions."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset
from pydicom.uid import UID, SegmentationStorage

from ...core.errors import UnreadableInput
from ...core.label_mask import Mask
from ..decoding.limits import promise
from ..dicom.file import read_dicom_file
from ..dicom.frames import Frames, frames_of
from ..dicom.image_pixel import ImagePixel, image_pixel
from .label_codes import LabelCodes
from .segment_frames import SegmentFrame, segment_frames, segment_names, segment_numbers
from .segment_places import Places, places_of

# Not yet among pydicom's constants.
_LABEL_MAP_SEGMENTATION = UID("1.2.840.10008.5.1.4.1.1.66.7")


def segmentation_mask(path: Path) -> Mask:
    """The segments of a DICOM segmentation; their numbers are the labels.

    Raises
    ------
    UnreadableInput
        It is none, is damaged, has fractions, or lacks an attribute without which its frames have no place; the message names it.
    """
    file = read_dicom_file(path)
    header = file.header
    kind = _kind(header)
    pixel = image_pixel(header, file.keyword)
    if pixel.samples != 1:
        raise UnreadableInput(f"SamplesPerPixel of the DICOM segmentation is {pixel.samples}: the file is damaged")
    frames = frames_of(file, pixel)
    described = segment_frames(header, frames.count, kind == "LABELMAP")
    places = places_of(header, described, pixel.rows, pixel.columns)
    size = max(pixel.allocated // 8, 1) * pixel.rows * pixel.columns
    promise(size, -(-int(np.prod(places.shape, dtype=object)) // (pixel.rows * pixel.columns)), in_one_piece=True)
    if kind == "LABELMAP":
        labels, overlaps = _label_map(header, frames, pixel, places), {}
    else:
        labels, overlaps = _segments(header, frames, described, places, kind == "FRACTIONAL")
    return Mask(
        labels,
        places.geometry,
        sparse=True,
        names=segment_names(header),
        overlaps=overlaps,
        pixel_spacing=places.pixel_spacing,
        sources=places.sources,
        scattered=places.scattered,
        guessed_spacing=places.guessed_spacing,
    )


def _kind(header: Dataset) -> str:
    class_ = header.get("SOPClassUID")
    if class_ not in (SegmentationStorage, _LABEL_MAP_SEGMENTATION):
        named = f"but {UID(class_).name}" if class_ else "since SOPClassUID is missing"
        raise UnreadableInput(f"the DICOM file is no segmentation {named}")
    kind = header.get("SegmentationType") or ("LABELMAP" if class_ == _LABEL_MAP_SEGMENTATION else "")
    if kind not in ("BINARY", "LABELMAP", "FRACTIONAL"):
        raise UnreadableInput("SegmentationType of the DICOM segmentation is missing, or none that is known: the file is damaged")
    return kind


def _label_map(header: Dataset, frames: Frames, pixel: ImagePixel, places: Places) -> np.ndarray:
    """Values are segment numbers, and PixelPaddingValue is background, where it is not 0."""
    padding = header.get("PixelPaddingValue") or 0
    if padding and 0 in segment_numbers(header):
        raise UnreadableInput("the DICOM segmentation has a segment 0 beside its background (PixelPaddingValue): renumber it")
    labels = np.zeros(places.shape, np.uint8 if pixel.stored <= 8 else np.uint16 if pixel.stored <= 16 else np.uint32)
    for samples, own in zip(_samples(frames, pixel), places.indices, strict=True):
        for index in own:
            part = labels[index]
            part[...] = _fitting(np.where(samples == padding, 0, samples) if padding else samples, part)
    return labels


def _segments(
    header: Dataset, frames: Frames, described: list[SegmentFrame], places: Places, is_fractional: bool
) -> tuple[np.ndarray, dict[int, tuple[int, ...]]]:
    """Of a frame of a binary segmentation every pixel that is not 0 belongs to the segment of the frame."""
    largest = int(header.get("MaximumFractionalValue") or 0)
    codes = LabelCodes(places.shape, {one.segment for one in described if one.segment is not None})
    for decoded, one, own in zip(frames.decode(), described, places.indices, strict=True):
        samples = decoded.samples
        if is_fractional and not np.isin(samples, (0, largest)).all():
            raise UnreadableInput("the DICOM segmentation is fractional, so it is no label map: it has to be thresholded first")
        for index in own:
            codes.draw(index, _fitting(samples != 0, codes.labels[index]), int(one.segment or 0))
    return codes.labels, codes.overlaps


def _samples(frames: Frames, pixel: ImagePixel) -> Iterator[np.ndarray]:
    """Without the bits above BitsStored."""
    for decoded in frames.decode():
        yield (
            decoded.samples & np.array((1 << decoded.bits) - 1, decoded.samples.dtype)
            if decoded.bits < pixel.allocated
            else decoded.samples
        )


def _fitting(samples: np.ndarray, place: np.ndarray) -> np.ndarray:
    """The part of a tile that lies within the matrix."""
    return samples[: place.shape[0], : place.shape[1]]
