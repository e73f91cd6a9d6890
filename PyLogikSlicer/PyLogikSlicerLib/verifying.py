"""Verifying: the written bytes are read back and compared, and text is looked for again, with other eyes than before."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import cv2
import numpy as np

from .core.errors import VerificationFailed
from .core.geometry import Box, translate_polygon
from .core.masking import polygon_mask
from .core.progress import OnProgress
from .core.stack import ImageStack
from .core.text_map import Coverage, Region
from .detection.examine import Examination, examine
from .detection.passes import VERIFICATION
from .detection.reader import TextReader
from .detection.tracks import LEAD
from .writing.formats import largest_error
from .writing.frame_writer import FrameWriter

# The most that JPEG at quality 100 without subsampling changes a sample: rounding in the transform and in the colour
# conversion; measured 8 on noise (test_formats.py). More means that the file is not what was written.
LARGEST_JPEG_ERROR = 16
# A place that is masked already for the most part is the mask's own edge, unless what is left has contrast.
VISIBLE_SHARE, VISIBLE_CONTRAST = 0.25, 25
READABLE = 0.8
ATTENTION_HALO = 48

# How much of a residue lies in a region that was kept on purpose if it is that region's text.
KEPT_SHARE = 0.9
# Two decoders of a lossy codec differ by rounding, and where chroma changes by how they interpolate it; in the mean over a cell of so
# many pixels by no more than so many of 255 grey levels. What one of them did not write differs by far more.
CELL = 8
LARGEST_DECODER_ERROR = 20

ExpectedFrames = Callable[[], Iterator[tuple[np.ndarray, np.ndarray]]]
# Whether text that verification found may stay in a region that was kept: (residue, kept region).
MayStay = Callable[[Region, Region], bool]


@dataclass(frozen=True)
class Verification:
    """The verdict on one image's files. ``residues``: text found in them, as regions of the source frame."""

    frames: int
    residues: tuple[Region, ...]
    largest_error: int
    coverage: tuple[Coverage, ...] = field(default=())

    @property
    def readable(self) -> tuple[Region, ...]:
        """Residues in which a reader reads more than a letter: these fail the image; others may be texture that looks like ink."""
        return tuple(region for region in self.residues if region.confidence >= READABLE and _tells_something(region))


@dataclass(frozen=True)
class Written:
    """What was written for one image.

    ``crop``: the part of the source frame that the files show. ``expected()`` yields (pixels, mask) of each frame as they must be.
    """

    writer: FrameWriter
    crop: Box
    expected: ExpectedFrames


def verify(
    stack: ImageStack,
    written: Written,
    kept: Sequence[Region],
    may_stay: MayStay,
    readers: Sequence[TextReader],
    changed: Sequence[Region] | None,
    on_progress: OnProgress,
) -> Verification:
    """Read the files of ``written`` back, compare every pixel, and look for text in them.

    The files are looked at as any recipient gets them, without what the source's header says of how it is shown. ``kept``: regions of
    the source that were kept on purpose; text that lies in one of them is a residue unless ``may_stay`` allows it. ``changed``: where
    masks were added since the last verification, which found nothing else anywhere; None looks everywhere. Raises
    :class:`VerificationFailed` when a file is missing, cannot be decoded, or is not what it must be, or when a frame was not examined.
    """
    if written.writer.frame_count != stack.frame_count:
        raise VerificationFailed(f"{written.writer.frame_count} frames were written of {stack.frame_count}")
    comparison = _Comparison(written)
    first = comparison.first()
    reread = ImageStack(
        source=stack.source,
        name=stack.name,
        frame_count=stack.frame_count,
        rows=written.crop.height,
        columns=written.crop.width,
        channels=3 if first.ndim == 3 else 1,
        dtype=first.dtype,
        decode=comparison.frames,
    )
    restrict_to = None if changed is None else lambda frame: _boxes_around(changed, frame, written.crop)
    examination = examine(reread, readers, on_progress, VERIFICATION, restrict_to, "verify")
    if examination.text_map.frames_examined != stack.frame_count:
        raise VerificationFailed(f"{examination.text_map.frames_examined} of {stack.frame_count} frames were examined again")
    residues = _residues(examination, comparison, kept, may_stay, written.crop)
    return Verification(stack.frame_count, residues, comparison.largest_error, examination.text_map.coverage)


def confirm_source(stack: ImageStack) -> int:
    """Compare frames of the source with what another decoder makes of them; return how many there were.

    A decoder that leaves memory as it was, or takes one color space for another, would otherwise confirm itself. Raises
    :class:`VerificationFailed` when they differ by more than decoders may.
    """
    count, frames = 0, enumerate(stack.frames())
    for again in stack.decode_again():
        frame = next((frame for number, frame in frames if number == again.number), None)
        if frame is None or frame.shape != again.frame.shape or _decoders_differ(frame, again.frame, again.lossy):
            raise VerificationFailed(f"two decoders disagree about frame {again.number}: the file is damaged, or one of them errs")
        count += 1
    return count


def _decoders_differ(one: np.ndarray, other: np.ndarray, lossy: bool) -> bool:
    if not lossy:
        return not np.array_equal(one, other, equal_nan=one.dtype.kind == "f")
    scale = 255 / np.iinfo(one.dtype).max if one.dtype.kind == "u" else 1.0
    error = cv2.absdiff(one.astype(np.float32), other.astype(np.float32)) * np.float32(scale)
    cells = max(one.shape[1] // CELL, 1), max(one.shape[0] // CELL, 1)
    means = cv2.resize(one.astype(np.float32) - other.astype(np.float32), cells, interpolation=cv2.INTER_AREA) * np.float32(scale)
    return bool(np.abs(means).max() > LARGEST_DECODER_ERROR) or bool(error.mean() > LARGEST_DECODER_ERROR / 4)


def _tells_something(region: Region) -> bool:
    """Whether two letters or digits stand together. A lone one is masked as any residue is; that one is still there after the
    last round fails nothing, for it tells of nobody, and the edges of masks over bright echo look like letters."""
    return any(sum(map(str.isalnum, reading)) > 1 for reading in region.readings)


class _Comparison:
    """Reads the files back one by one, compares each with what it must be, and remembers their masks, each once and packed."""

    def __init__(self, written: Written) -> None:
        self._written = written
        self._shape = written.crop.height, written.crop.width
        self._masks: list[bytes] = []
        self._distinct: dict[bytes, bytes] = {}
        self.largest_error = 0

    def first(self) -> np.ndarray:
        """The pixels of the first file."""
        return self._read(0)

    def frames(self) -> Iterator[np.ndarray]:
        """The pixels of each file, once they are known to be what they must be."""
        before: tuple[np.ndarray, np.ndarray] | None = None
        for number, (expected, mask) in enumerate(self._written.expected()):
            pixels = self._read(number)
            self._compare(pixels, expected, number)
            if before is not None and not self._written.writer.format.exact:
                _require_own_frames(before, (pixels, expected), number)
            before = pixels, expected
            packed = np.packbits(mask).tobytes()
            self._masks.append(self._distinct.setdefault(packed, packed))
            yield pixels

    def _read(self, number: int) -> np.ndarray:
        return self._written.writer.read(number)

    def masks_during(self, region: Region) -> list[np.ndarray]:
        """The different masks on the frames where the text of ``region`` was seen (its span without the lead at both ends)."""
        first, last = region.frame_first + LEAD, region.frame_last - LEAD
        span = self._masks[first : last + 1] or self._masks[region.frame_first : region.frame_last + 1]
        size = self._shape[0] * self._shape[1]
        return [np.unpackbits(np.frombuffer(mask, np.uint8), count=size).reshape(self._shape).astype(bool) for mask in dict.fromkeys(span)]

    def _compare(self, pixels: np.ndarray, expected: np.ndarray, number: int) -> None:
        if pixels.shape != expected.shape or pixels.dtype != expected.dtype:
            raise VerificationFailed(
                f"frame {number} was written as {expected.shape} {expected.dtype} and reads as {pixels.shape} {pixels.dtype}"
            )
        if self._written.writer.format.exact:
            if not np.array_equal(pixels, expected):
                raise VerificationFailed(f"frame {number} does not read back as it was written")
            return
        error = largest_error(expected, pixels)
        if error > LARGEST_JPEG_ERROR:
            raise VerificationFailed(f"frame {number} reads back with an error of {error} grey levels, more than JPEG at quality 100 makes")
        self.largest_error = max(self.largest_error, error)


def _require_own_frames(before: tuple[np.ndarray, np.ndarray], now: tuple[np.ndarray, np.ndarray], number: int) -> None:
    """Frames of a cine can be alike within the error of JPEG: then each file must still be nearer to its own frame than to its
    neighbor's. ``before`` and ``now``: (pixels, expected) of frames ``number - 1`` and ``number``."""
    for (pixels, own), (_, other), held, shown in ((now, before, number, number - 1), (before, now, number - 1, number)):
        if _squared_error(pixels, other) < _squared_error(pixels, own):
            raise VerificationFailed(f"the file of frame {held} shows frame {shown}")


def _squared_error(one: np.ndarray, other: np.ndarray) -> float:
    return float(cv2.norm(one, other, cv2.NORM_L2SQR))


def _residues(
    examination: Examination, comparison: _Comparison, kept: Sequence[Region], may_stay: MayStay, crop: Box
) -> tuple[Region, ...]:
    over_time = examination.composites.maximum.astype(np.int16) - examination.composites.minimum
    found = []
    for region in examination.text_map.regions:
        moved = replace(region, polygon=translate_polygon(region.polygon, crop.x0, crop.y0), reason="found by verification")
        if any(_is_inside(moved, keeper) and may_stay(moved, keeper) for keeper in kept):
            continue
        own = polygon_mask([region.polygon], *over_time.shape)
        visible = [own & ~mask for mask in comparison.masks_during(region)]
        if any(v.sum() >= VISIBLE_SHARE * own.sum() and _has_contrast(examination, over_time, v) for v in visible):
            found.append(moved)
    return tuple(found)


def _has_contrast(examination: Examination, over_time: np.ndarray, visible: np.ndarray) -> bool:
    """Ink differs from its surroundings, in space or in time; a flat rest beside a mask holds none."""
    maximum = examination.composites.maximum[visible]
    return bool(maximum.size) and (int(np.ptp(maximum)) > VISIBLE_CONTRAST or int(over_time[visible].max()) > VISIBLE_CONTRAST)


def _is_inside(region: Region, keeper: Region) -> bool:
    a, b = region.box, keeper.box
    return a.overlap(b) >= KEPT_SHARE * a.area and region.frame_first <= keeper.frame_last and keeper.frame_first <= region.frame_last


def _boxes_around(regions: Sequence[Region], frame: int, crop: Box) -> list[Box]:
    """The boxes, with a halo and in pixels of the crop, of the regions that a frame shows; they may reach beyond the crop."""
    return [region.box.translate(-crop.x0, -crop.y0).enlarge(ATTENTION_HALO) for region in regions if region.covers(frame)]
