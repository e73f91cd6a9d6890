"""Opens TIFF files with tifffile: every page, plane and slice is a frame.

Not with Pillow, which reads other stills: for a tile that is absent it takes whatever bytes lie in the file. Nor with OpenCV, which
leaves memory uninitialized for planar pages of 16 bits. tifffile clears the memory that it decodes into, and this module checks that
every segment lies within the file.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

import numpy as np
from PIL import Image
from tifffile import COMPRESSION, PHOTOMETRIC, SAMPLEFORMAT, TiffFile, TiffPage, TiffPageSeries

from ..core.errors import UnreadableInput
from ..core.stack import Display, Header, ImageStack, Reread
from .decode_errors import as_unreadable_input
from .decoding.limits import declare_size
from .dicom.color import reduce_to_eight_bits, rgb_from_samples
from .metadata_text import is_identifying_length, text_of_tag
from .naming import image_name
from .orientation import apply_orientation
from .stacks import stack_of

_UNDECODED = "the TIFF image cannot be decoded"
_GREY = (PHOTOMETRIC.MINISBLACK, PHOTOMETRIC.MINISWHITE)
_JPEG = (COMPRESSION.JPEG, COMPRESSION.OJPEG, COMPRESSION.ALT_JPEG, COMPRESSION.JPEG_LOSSY)
_IDENTIFYING_TAGS = {
    269: "DocumentName",
    270: "ImageDescription",
    285: "PageName",
    306: "DateTime",
    315: "Artist",
    316: "HostComputer",
    33432: "Copyright",
    40091: "XPTitle",
    40092: "XPComment",
    40093: "XPAuthor",
    40095: "XPSubject",
}
# The number of the Orientation tag.
_ORIENTATION = 274


@dataclass(frozen=True)
class _Kind:
    """The properties that must be equal for pages to be frames of one stack."""

    rows: int
    columns: int
    samples: int
    dtype: str
    photometric: int


def open_tiff(path: Path) -> list[ImageStack]:
    """The frames of a TIFF file: one stack, or one for each size and type where the pages differ.

    A series whose planes follow one another without directories of their own (ImageJ, MetaMorph) is one stack. Grey values are as
    stored (MINISWHITE is displayed inverted), palettes become RGB, alpha and further channels are dropped and reported in ``dropped``.

    Raises
    ------
    UnreadableInput
        The file is damaged or truncated, or of a kind that no decoder here reads.
    """
    with as_unreadable_input(_UNDECODED), _open(path) as tiff:
        pages = [page for page in tiff.pages if isinstance(page, TiffPage)]
        identifying = _identifying_header(pages)
        series = _series_beyond_pages(tiff, pages)
        # The key None stands for the series, which is decoded as a whole from its first page.
        groups = {None: [0]} if series is not None else _group_pages(pages)
    name = image_name(path)
    stacks = []
    for number, (kind, indices) in enumerate(groups.items(), start=1):
        with as_unreadable_input(_UNDECODED), _open(path) as tiff:
            page = _page(tiff, indices[0])
            frames = sum(_depth(_page(tiff, index), series) for index in indices)
            first = next(iter(_series_frames(tiff, page) if kind is None else _page_frames(path, page)))
        stacks.append(_stack(path, name if number == 1 else f"{name}-{number}", page, indices, kind is None, frames, first, identifying))
    return stacks


def _stack(
    path: Path, name: str, page: TiffPage, indices: Sequence[int], is_series: bool, count: int, first: np.ndarray, header: Header
) -> ImageStack:
    """The stack of the pages with these indices, of which ``page`` is the first."""

    def decode() -> Iterator[np.ndarray]:
        with as_unreadable_input(_UNDECODED):
            tiff = _open(path)
        with tiff:
            for index in indices:
                with as_unreadable_input(_UNDECODED):
                    page = _page(tiff, index)
                    frames = iter(_series_frames(tiff, page) if is_series else _page_frames(path, page))
                while True:
                    with as_unreadable_input(_UNDECODED):
                        frame = next(frames, None)
                    if frame is None:
                        break
                    yield frame

    return replace(
        stack_of(path, name, first, count, decode, lambda: _frame_by_pillow(path, indices, is_series)),
        display=Display(inverted=page.photometric == PHOTOMETRIC.MINISWHITE and first.ndim == 2),
        header=header,
        dropped=_unread_content(page),
        whole=not (first.ndim == 3 and page.bitspersample > 16),
    )


def _open(path: Path) -> TiffFile:
    # Without OME, because tifffile would open further files that an OME-TIFF file refers to.
    return TiffFile(path, is_ome=False)


def _page(tiff: TiffFile, index: int) -> TiffPage:
    """A page with all its tags; tifffile gives abridged ones only when asked to."""
    page = tiff.pages[index]
    assert isinstance(page, TiffPage)
    return page


def _group_pages(pages: Sequence[TiffPage]) -> dict[_Kind | None, list[int]]:
    """Indices of the pages, grouped by their kind; the groups in the order of their first pages."""
    kinds: dict[_Kind | None, list[int]] = defaultdict(list)
    for index, page in enumerate(pages):
        kinds[_Kind(page.imagelength, page.imagewidth, page.samplesperpixel, str(page.dtype), int(page.photometric))].append(index)
    return kinds


def _series_beyond_pages(tiff: TiffFile, pages: Sequence[TiffPage]) -> TiffPageSeries | None:
    """The only series of a file that holds more planes than its directories describe; None for other files."""
    series = tiff.series
    if len(series) != 1 or any(page.shape != pages[0].shape for page in pages):
        return None
    planes = math.prod(series[0].shape) // math.prod(pages[0].shape)
    return series[0] if planes > len(pages) else None


def _depth(page: TiffPage, series: TiffPageSeries | None) -> int:
    """The number of frames of a page, or of the whole series that begins with it."""
    return math.prod(series.shape) // math.prod(page.shape) if series is not None else page.imagedepth


def _series_frames(tiff: TiffFile, page: TiffPage) -> Iterator[np.ndarray]:
    """The frames of the only series of a file, which is decoded as a whole; ``page`` is its first page."""
    series = tiff.series[0]
    declare_size(page.nbytes, _depth(page, series), in_one_piece=True)
    if series.dataoffset is not None and series.dataoffset + series.nbytes > tiff.filehandle.size:
        raise UnreadableInput("the planes of the TIFF series end early: the file is truncated or damaged")
    planes = series.asarray(out=np.zeros(series.shape, series.dtype)).reshape(-1, *page.shaped)
    for plane in planes:
        yield from _frames_of_page(page, plane)


def _page_frames(path: Path, page: TiffPage) -> Iterator[np.ndarray]:
    """The frames of a page, several where it has depth."""
    declare_size(page.nbytes // max(page.imagedepth, 1), page.imagedepth)
    _require_segments(page)
    if _is_left_to_pillow(page):
        yield _page_by_pillow(path, page.index)
        return
    yield from _frames_of_page(page, page.asarray(squeeze=False, out=np.zeros(page.shaped, page.dtype)))


def _require_segments(page: TiffPage) -> None:
    """Raise UnreadableInput unless all strips or tiles of a page are listed and lie within the file.

    An offset and a size of 0 are accepted: in a sparse file they stand for pixels that are 0.
    """
    size = page.parent.filehandle.size
    expected = math.prod(page.chunked)
    if len(page.dataoffsets) < expected and not page.is_contiguous:
        raise UnreadableInput(f"{len(page.dataoffsets)} of {expected} strips or tiles are listed: the file is truncated or damaged")
    for offset, count in zip(page.dataoffsets, page.databytecounts, strict=False):
        if offset + count > size:
            raise UnreadableInput("a strip or tile ends behind the end of the file: the file is truncated or damaged")
    if page.is_contiguous and page.dataoffsets and page.dataoffsets[0] + page.nbytes > size:
        raise UnreadableInput("the pixels end behind the end of the file: the file is truncated or damaged")


def _is_left_to_pillow(page: TiffPage) -> bool:
    """Whether a page has a color space that tifffile does not convert and Pillow does."""
    if page.photometric == PHOTOMETRIC.YCBCR:
        return page.compression not in _JPEG
    return page.photometric not in (*_GREY, PHOTOMETRIC.RGB, PHOTOMETRIC.PALETTE, PHOTOMETRIC.MASK)


def _frames_of_page(page: TiffPage, shaped: np.ndarray) -> Iterator[np.ndarray]:
    """The frames of a decoded page of shape ``(planes, depth, rows, columns, samples)``."""
    samples = shaped[..., 0] if page.planarconfig == 2 and shaped.shape[0] > 1 else shaped[0].transpose(3, 0, 1, 2)
    orientation = page.tags.valueof(_ORIENTATION, 1)
    for number in range(samples.shape[1]):
        yield apply_orientation(_to_array(page, samples[:, number]), int(orientation))


def _to_array(page: TiffPage, planes: np.ndarray) -> np.ndarray:
    """The frame ``(rows, columns[, 3])`` of the decoded samples ``(samples, rows, columns)``."""
    if page.photometric == PHOTOMETRIC.PALETTE and page.colormap is not None:
        palette = reduce_to_eight_bits(np.asarray(page.colormap, np.uint16).T)
        return palette[planes[0]]
    if page.photometric in (PHOTOMETRIC.RGB, PHOTOMETRIC.YCBCR) and len(planes) >= 3:
        if planes.dtype.kind != "u":
            raise UnreadableInput(f"color of {planes.dtype} cannot be shown: convert the image to 8 or 16 bits")
        return rgb_from_samples(np.ascontiguousarray(planes[:3].transpose(1, 2, 0)), "RGB", _bits(page, planes))
    return _grey(page, planes[0])


def _bits(page: TiffPage, planes: np.ndarray) -> int:
    """Bits of a sample; those of its type where the components of the page differ."""
    return page.bitspersample if isinstance(page.bitspersample, int) else 8 * planes.itemsize


def _grey(page: TiffPage, plane: np.ndarray) -> np.ndarray:
    """The grey values ``(rows, columns)`` of a plane: as stored, but fewer than 8 bits are scaled to 8, float16 is float32."""
    if page.sampleformat in (SAMPLEFORMAT.COMPLEXIEEEFP, SAMPLEFORMAT.COMPLEXINT) or plane.dtype.kind not in "uifb":
        raise UnreadableInput(f"grey values of {plane.dtype} are not supported: convert the image to another type")
    if plane.dtype.kind == "b":
        plane = plane.astype(np.uint8)
    if plane.dtype.kind in "ui" and plane.itemsize == 8:
        raise UnreadableInput("grey values of 64 bits are not supported: convert the image to 32 bits or fewer")
    if plane.dtype == np.float16:
        return plane.astype(np.float32)
    if plane.dtype == np.uint8 and page.bitspersample < 8:
        return (plane.astype(np.uint16) * 255 // ((1 << page.bitspersample) - 1)).astype(np.uint8)
    return np.ascontiguousarray(plane)


def _page_by_pillow(path: Path, index: int) -> np.ndarray:
    """The RGB frame of a page in a color space that Pillow converts (CMYK, Lab, YCbCr)."""
    with Image.open(path, formats=("TIFF",)) as image:
        image.seek(index)
        rgb = np.asarray(image.convert("RGB"))
        return apply_orientation(rgb, int(image.getexif().get(_ORIENTATION, 1)))


def _frame_by_pillow(path: Path, indices: Sequence[int], is_series: bool) -> Iterator[Reread]:
    """The first page decoded by Pillow; nothing where Pillow cannot decode it, converts it otherwise, or a segment is absent."""
    try:
        with _open(path) as tiff:
            page = _page(tiff, indices[0])
            unlike = is_series or page.imagedepth > 1 or _is_left_to_pillow(page) or page.photometric == PHOTOMETRIC.MINISWHITE
            if unlike or 0 in page.databytecounts or page.bitspersample not in (8, 16):
                return
            lossy = page.compression in _JPEG
        with Image.open(path, formats=("TIFF",)) as image:
            image.seek(indices[0])
            if image.mode not in ("L", "RGB", "RGBA", "I;16", "I;16B") or (page.bitspersample == 16) != image.mode.startswith("I;16"):
                return
            values = np.asarray(image)
            values = values[..., :3] if values.ndim == 3 else values.astype(page.dtype, copy=False)
            values = apply_orientation(values, int(image.getexif().get(_ORIENTATION, 1)))
    except Exception:
        return  # a failure of the second decoder does not show that the first one was wrong
    yield Reread(0, np.ascontiguousarray(values), lossy)


def _unread_content(page: TiffPage) -> tuple[str, ...]:
    """The channels of a page that are not read."""
    used = 3 if page.photometric in (PHOTOMETRIC.RGB, PHOTOMETRIC.YCBCR) else 1
    if page.samplesperpixel <= used or _is_left_to_pillow(page):
        return ()
    is_alpha = any(int(extra) in (1, 2) for extra in page.extrasamples)
    return ("alpha",) if is_alpha else (f"{page.samplesperpixel - used} further channels",)


def _identifying_header(pages: Sequence[TiffPage]) -> Header:
    """The values of tags that may also be burned into the picture, of all pages."""
    found: dict[str, dict[str, None]] = defaultdict(dict)
    for page in pages:
        for tag, name in _IDENTIFYING_TAGS.items():
            text = text_of_tag(page.tags.valueof(tag)).strip()
            if is_identifying_length(text):
                found[name][text] = None
    return Header(identifying=MappingProxyType({name: tuple(texts) for name, texts in found.items()}))
