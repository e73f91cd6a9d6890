"""The Image Pixel module (PS3.3 C.7.6.3): the header's description of the samples, checked before any memory is taken for them."""

from __future__ import annotations

import math
from dataclasses import dataclass

from pydicom.dataset import Dataset

from ...core.errors import UnreadableInput
from ..decoding.limits import declare_size


@dataclass(frozen=True)
class ImagePixel:
    """The Image Pixel module.

    Parameters
    ----------
    rows, columns
        Size of a frame.
    samples
        SamplesPerPixel, 1 or 3.
    frame_count
        NumberOfFrames; None where it is absent.
    photometric
        PhotometricInterpretation.
    planar
        PlanarConfiguration.
    allocated, stored, high_bit
        BitsAllocated, BitsStored and HighBit.
    signed
        PixelRepresentation.
    dtype
        "i" for integer samples, "f" for FloatPixelData and DoubleFloatPixelData.
    """

    rows: int
    columns: int
    samples: int
    frame_count: int | None
    photometric: str
    planar: int
    allocated: int
    stored: int
    high_bit: int
    signed: bool
    dtype: str = "i"

    @property
    def is_subsampled(self) -> bool:
        """Whether two pixels share their chrominance samples, stored as Y Y Cb Cr (C.7.6.3.1.2)."""
        return self.photometric in ("YBR_FULL_422", "YBR_PARTIAL_422")

    @property
    def low_bit(self) -> int:
        """The lowest stored bit in a native sample: 0 unless HighBit lies higher than BitsStored needs."""
        return self.high_bit + 1 - self.stored

    @property
    def frame_bits(self) -> int:
        """Length of one native frame in bits."""
        return self.rows * self.columns * self.allocated * (2 if self.is_subsampled else self.samples)

    @property
    def frame_bytes(self) -> int:
        """Length of one decoded frame in bytes."""
        return math.ceil(self.rows * self.columns * self.samples * self.allocated / 8)


def read_image_pixel(header: Dataset, keyword: str) -> ImagePixel:
    """The Image Pixel module of ``header`` for the pixel data element ``keyword``.

    Raises
    ------
    UnreadableInput
        A value is missing or impossible; the message names it. Or a frame is larger than the limits allow.
    """
    rows, columns = _integer(header, "Rows"), _integer(header, "Columns")
    allocated = {"FloatPixelData": 32, "DoubleFloatPixelData": 64}.get(keyword) or _integer(header, "BitsAllocated")
    stored = _integer(header, "BitsStored", allocated) if keyword == "PixelData" else allocated
    samples = _integer(header, "SamplesPerPixel", 1)
    pixel = ImagePixel(
        rows=rows,
        columns=columns,
        samples=samples,
        frame_count=_integer(header, "NumberOfFrames", 0) or None,
        photometric=str(header.get("PhotometricInterpretation") or ("RGB" if samples == 3 else "MONOCHROME2")).strip().upper(),
        planar=_integer(header, "PlanarConfiguration", 0),
        allocated=allocated,
        stored=stored,
        high_bit=_integer(header, "HighBit", stored - 1) if keyword == "PixelData" else allocated - 1,
        signed=_integer(header, "PixelRepresentation", 0) == 1,
        dtype="i" if keyword == "PixelData" else "f",
    )
    _check(pixel)
    return pixel


def _integer(header: Dataset, keyword: str, default: int | None = None) -> int:
    """The whole number of an attribute, or ``default`` where it is absent. Raises UnreadableInput where it is absent without default."""
    try:
        value = header.get(keyword)
        if value is None or value == "":
            if default is None:
                raise UnreadableInput(f"{keyword} is missing from the header: the file is damaged")
            return default
        return int(value)
    except (TypeError, ValueError):
        raise UnreadableInput(f"{keyword} in the header is not a whole number: the file is damaged") from None


def _check(pixel: ImagePixel) -> None:
    """Raise UnreadableInput where values contradict each other, or a frame is larger than the limits allow."""
    if pixel.rows < 1 or pixel.columns < 1 or (pixel.frame_count or 1) < 1:
        raise UnreadableInput("Rows, Columns or NumberOfFrames in the header are not positive: the file is damaged")
    if pixel.samples not in (1, 3):
        raise UnreadableInput(f"{pixel.samples} samples per pixel are not supported, only 1 and 3: convert the image to RGB")
    if pixel.allocated not in (1, 8, 16, 32, 64) or (pixel.dtype == "i" and pixel.allocated == 64):
        raise UnreadableInput(f"{pixel.allocated} bits allocated are not supported, only 1, 8, 16 and 32")
    if not 1 <= pixel.stored <= pixel.high_bit + 1 <= pixel.allocated:
        raise UnreadableInput(
            f"BitsAllocated {pixel.allocated}, BitsStored {pixel.stored} and HighBit {pixel.high_bit} do not fit: the file is damaged"
        )
    if pixel.samples == 3 and pixel.photometric.startswith(("MONOCHROME", "PALETTE")):
        raise UnreadableInput("three samples per pixel with a one-sample PhotometricInterpretation: the file is damaged")
    if pixel.samples == 1 and not pixel.photometric.startswith(("MONOCHROME", "PALETTE")):
        raise UnreadableInput("one sample per pixel with a colour PhotometricInterpretation: the file is damaged")
    declare_size(pixel.frame_bytes)
