"""Verifying: the written bytes are read back and compared, and text is looked for again, with other eyes than before."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from .detection.boxes import area, overlap
from .detection.examine import Examination, examine
from .detection.looks import VERIFICATION
from .detection.reader import TextReader
from .detection.tracks import LEAD
from .errors import VerificationFailed
from .masking import polygon_mask
from .rendering import Rendering
from .stack import Display, ImageStack
from .text_map import Box, Region
from .writing.formats import Format, decode, largest_error

# The most that JPEG at quality 100 without subsampling changes a sample: rounding in the transform and in the colour
# conversion; measured 8 on noise (test_formats.py). More means that the file is not what was written.
LARGEST_JPEG_ERROR = 16
# A place that is masked already for the most part is the mask's own edge, unless what is left has contrast.
VISIBLE_SHARE, VISIBLE_CONTRAST = 0.25, 25
READABLE = 0.8
ATTENTION_HALO = 48

ExpectedFrames = Callable[[], Iterator[tuple[np.ndarray, np.ndarray]]]


@dataclass(frozen=True)
class Verification:
    """The verdict on one image's files. ``residues``: text found in them, as regions of the source frame."""

    frames: int
    residues: tuple[Region, ...]
    largest_error: int
    coverage: tuple[str, ...] = field(default=())

    @property
    def readable(self) -> tuple[Region, ...]:
        """Residues in which a reader reads more than a letter: these fail the image; others may be texture that looks like ink."""
        return tuple(region for region in self.residues if region.confidence >= READABLE and _tells_something(region.text))


@dataclass(frozen=True)
class Written:
    """What was written for one image: the files of its frames, how to get from their pixels to stored values, the part of
    the source frame they show, and what they must be: ``expected()`` yields (pixels, mask) of each frame."""

    files: Sequence[Path]
    fmt: Format
    rendering: Rendering
    crop: Box
    expected: ExpectedFrames


def verify(
    stack: ImageStack,
    written: Written,
    kept: Sequence[Region],
    readers: Sequence[TextReader],
    changed: Sequence[Region] | None,
    on_progress: Callable[[int, int], None],
) -> Verification:
    """Read the files of ``written`` back, compare every pixel, and look for text in them.

    ``kept``: regions of the source that were kept on purpose; text found there is no residue. ``changed``: where masks
    were added since the last verification, which found nothing else anywhere; None looks everywhere. Raises
    :class:`VerificationFailed` when a file is missing, cannot be decoded, or is not what it must be.
    """
    if len(written.files) != stack.frame_count:
        raise VerificationFailed(f"{len(written.files)} files stand for {stack.frame_count} frames")
    comparison = _Comparison(written)
    x0, y0, x1, y1 = written.crop
    reread = replace(
        stack,
        rows=y1 - y0,
        columns=x1 - x0,
        decode=lambda: comparison.frames(stack.dtype),
        display=Display() if written.rendering.shown else stack.display,
        dtype=np.dtype(np.uint8) if written.rendering.shown else stack.dtype,
    )
    attention = None if changed is None else lambda frame: _boxes_around(changed, frame, written.crop)
    examination = examine(reread, readers, on_progress, VERIFICATION, attention)
    residues = _residues(examination, comparison, kept, written.crop)
    return Verification(stack.frame_count, residues, comparison.largest_error, examination.text_map.coverage)


def _tells_something(text: str) -> bool:
    """Whether two letters or digits stand together. A lone one is masked as any residue is; that one is still there after the
    last round fails nothing, for it tells of nobody, and the edges of masks over bright echo look like letters."""
    return any(sum(map(str.isalnum, read)) > 1 for read in text.split(" | "))


class _Comparison:
    """Reads the files back one by one, compares each with what it must be, and remembers their masks, each once and packed."""

    def __init__(self, written: Written) -> None:
        self._written = written
        self._shape = written.crop[3] - written.crop[1], written.crop[2] - written.crop[0]
        self._masks: list[bytes] = []
        self._distinct: dict[bytes, bytes] = {}
        self.largest_error = 0

    def frames(self, dtype: np.dtype) -> Iterator[np.ndarray]:
        fmt = self._written.fmt
        for number, (path, (expected, mask)) in enumerate(zip(self._written.files, self._written.expected(), strict=True)):
            try:
                pixels = decode(path, fmt)
            except OSError:
                raise VerificationFailed(f"the file of frame {number} cannot be read back") from None
            self._compare(pixels, expected, number)
            packed = np.packbits(mask).tobytes()
            self._masks.append(self._distinct.setdefault(packed, packed))
            yield pixels if self._written.rendering.shown else self._written.rendering.restore(pixels, dtype)

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
        if self._written.fmt.exact:
            if not np.array_equal(pixels, expected):
                raise VerificationFailed(f"frame {number} does not read back as it was written")
            return
        error = largest_error(expected, pixels)
        if error > LARGEST_JPEG_ERROR:
            raise VerificationFailed(f"frame {number} reads back with an error of {error} grey levels, more than JPEG at quality 100 makes")
        self.largest_error = max(self.largest_error, error)


def _residues(examination: Examination, comparison: _Comparison, kept: Sequence[Region], crop: Box) -> tuple[Region, ...]:
    over_time = examination.composites.maximum.astype(np.int16) - examination.composites.minimum
    found = []
    for region in examination.text_map.regions:
        moved = replace(region, polygon=tuple((x + crop[0], y + crop[1]) for x, y in region.polygon), reason="found by verification")
        if any(_mostly_inside(moved, keeper) for keeper in kept):
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


def _mostly_inside(region: Region, keeper: Region) -> bool:
    a, b = region.box, keeper.box
    return overlap(a, b) > 0.5 * area(a) and region.frame_first <= keeper.frame_last and keeper.frame_first <= region.frame_last


def _boxes_around(regions: Sequence[Region], frame: int, crop: Box) -> list[Box]:
    x, y = crop[:2]
    boxes = (region.box for region in regions if region.covers(frame))
    return [(b[0] - x - ATTENTION_HALO, b[1] - y - ATTENTION_HALO, b[2] - x + ATTENTION_HALO, b[3] - y + ATTENTION_HALO) for b in boxes]
