"""The road of one image: examine, decide, find the region of interest, mask and write, verify; the Result of it all."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import MappingProxyType

import numpy as np

from .core.analysis import Analysis
from .core.errors import VerificationFailed
from .core.masking import filled, region_mask
from .core.options import Options
from .core.progress import OnProgress, Progress, ignore_progress
from .core.result import Result
from .core.stack import ImageStack
from .core.text_map import Box, Region, TextMap, polygon_of_box
from .detection.boxes import clip
from .detection.engines import Engine
from .detection.examine import examine
from .policy.decisions import decide, may_stay
from .roi import Roi, find_roi
from .verifying import Written, confirm_source, verify
from .writing import prefetch as ahead
from .writing.formats import FORMATS, Format, encode
from .writing.output_folder import file_sha256
from .writing.rendering import Rendering, rendering_for

ROUNDS = 3
WIDER = 4  # pixels
# Share of the frames (what several frames together show counts for some twelve); how sure a reader is of what it has read, and how many
# letters that is: speckle is a letter or two, rarely a word.
BRIEF, READ, WORD = 0.2, 0.9, 3


def process(
    stack: ImageStack, name: str, folder: Path, options: Options, engine: Engine, on_progress: OnProgress = ignore_progress
) -> Result:
    """De-identify one image into ``folder`` (empty, private until verified): :func:`analyse`, then :func:`publish`.

    ``on_progress`` may raise to cancel. Raises UnreadableInput, NoRegionFound or
    VerificationFailed: then nothing in ``folder`` may be published.
    """
    return publish(stack, name, folder, analyse(stack, options, engine, on_progress), options, engine, on_progress)


def analyse(stack: ImageStack, options: Options, engine: Engine, on_progress: OnProgress = ignore_progress) -> Analysis:
    """Examine every frame, decide about each region, and outline the region of interest that ``options.variant`` asks for.

    Raises UnreadableInput when a frame cannot be decoded, VerificationFailed when one was not examined, and NoRegionFound
    when there is nothing to outline.
    """
    clock = _Clock()
    with clock("examine"):
        examination = examine(stack, engine.readers, on_progress)
    _require_coverage(examination.text_map, stack)
    text_map = decide(examination.text_map, stack.header, options.keep)
    roi = None
    if options.variant not in ("deid", "find-txt"):
        with clock("roi"):
            hiding = [region for region in text_map.regions if hides_echo(region, stack.frame_count)]
            masked = region_mask(hiding, stack.rows, stack.columns)
            roi = find_roi(examination.composites, masked, options.variant, options.threshold, stack.header)
    return Analysis(text_map, roi, examination.value_range, clock.seconds)


def hides_echo(region: Region, frame_count: int) -> bool:
    """Whether what is seen over time at a region must not count as echo. A place where no word could be read, on a few frames, was
    speckle more likely than text, and what is there on all the other frames may be the edge of the sector."""
    frames = region.frame_last - region.frame_first + 1
    is_word = any(sum(map(str.isalnum, reading)) >= WORD for reading in region.text.split("|"))
    return frames >= BRIEF * frame_count or (region.confidence >= READ and is_word)


def publish(
    stack: ImageStack,
    name: str,
    folder: Path,
    analysis: Analysis,
    options: Options,
    engine: Engine,
    on_progress: OnProgress = ignore_progress,
) -> Result:
    """Write the image as ``analysis`` says into ``folder``, as ``<name>_0000.<suffix>`` and so on, and verify it.

    The variant find-txt writes nothing: its result is the text. Raises VerificationFailed when a frame was not examined, a
    file is not what it must be, or text stays readable.
    """
    _require_coverage(analysis.text_map, stack)
    if options.variant == "find-txt":
        return Result(analysis.text_map, seconds=analysis.seconds)
    fmt = FORMATS[options.format]
    writer = _Writer(stack, analysis.roi, rendering_for(stack, analysis.value_range, shown=not fmt.exact), fmt, folder, name)
    clock = _Clock(analysis.seconds)
    with clock("verify"):
        confirmed = confirm_source(stack)
    return replace(_write_until_clean(writer, analysis.text_map, engine, on_progress, clock), confirmed=confirmed)


def _require_coverage(text_map: TextMap, stack: ImageStack) -> None:
    if text_map.frames_examined != stack.frame_count:
        raise VerificationFailed(f"{text_map.frames_examined} of {stack.frame_count} frames were examined")


def _write_until_clean(writer: _Writer, text_map: TextMap, engine: Engine, on_progress: OnProgress, clock: _Clock) -> Result:
    """Write, verify, mask what verification found, and again: three rounds at most; then what is still readable fails the image."""
    kept = [region for region in text_map.regions if region.decision == "keep"]
    changed: Sequence[Region] | None = None
    for rounds in range(1, ROUNDS + 1):
        with clock("write"):
            writer.write(text_map, changed, on_progress)
        with clock("verify"):
            written = Written(writer.files, writer.fmt, writer.crop, partial(writer.frames, text_map))
            judge = partial(may_stay, header=writer.stack.header)
            verification = verify(writer.stack, written, kept, judge, engine.readers, changed, on_progress)
        # Unreadable residues of the last round are texture that no two looks agree on; readable ones are leaks.
        if not verification.residues or (rounds == ROUNDS and not verification.readable):
            break
        if rounds == ROUNDS:
            raise VerificationFailed(f"text is still readable in {len(verification.readable)} places after {ROUNDS} rounds")
        # A mask that only just covers a residue leaves edges that look like strokes: each round takes more of what is around.
        changed = [_widened(region.decided("redact"), rounds * WIDER, writer.stack) for region in verification.residues]
        text_map = text_map.with_regions((*text_map.regions, *changed))
    files = {path.name: file_sha256(path) for path in writer.files}
    size = sum(path.stat().st_size for path in writer.files)
    return Result(text_map, writer.roi, writer.rendering, verification, rounds, files, size, clock.seconds)


def _widened(region: Region, margin: int, stack: ImageStack) -> Region:
    x0, y0, x1, y1 = region.box
    box = clip((x0 - margin, y0 - margin, x1 + margin, y1 + margin), stack.rows, stack.columns)
    return replace(region, polygon=polygon_of_box(box)) if box else region


class _Writer:
    """Makes the output frames of a stack and writes them; all frames the first time, later those whose mask grew."""

    def __init__(self, stack: ImageStack, roi: Roi | None, rendering: Rendering, fmt: Format, folder: Path, name: str) -> None:
        self.stack, self.roi, self.rendering, self.fmt = stack, roi, rendering, fmt
        self.crop: Box = roi.crop if roi else (0, 0, stack.columns, stack.rows)
        self._outside = ~roi.mask() if roi else np.zeros((stack.rows, stack.columns), bool)
        digits = max(4, len(str(stack.frame_count - 1)))
        self.files = [folder / f"{name}_{number:0{digits}d}{fmt.suffix}" for number in range(stack.frame_count)]

    def frames(self, text_map: TextMap) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """(pixels, mask) of each frame as they have to be, cropped; mask is True where the fill is, text or outside the ROI."""
        x0, y0, x1, y1 = self.crop
        before: tuple[Region, ...] | None = None
        mask = self._outside
        for number, frame in enumerate(self.stack.frames()):
            regions = text_map.on_frame(number)
            if regions != before:
                mask, before = self._outside | region_mask(regions, self.stack.rows, self.stack.columns), regions
            pixels = filled(self.rendering.render(frame, number), mask)
            yield np.ascontiguousarray(pixels[y0:y1, x0:x1]), mask[y0:y1, x0:x1]

    def write(self, text_map: TextMap, changed: Sequence[Region] | None, on_progress: OnProgress) -> None:
        def is_due(number: int) -> bool:
            return changed is None or any(region.covers(number) for region in changed)

        due = ((number, pixels) for number, (pixels, _) in enumerate(self.frames(text_map)) if is_due(number))
        with closing(ahead.each(self._save, due)) as saved:  # before the folder is removed, nobody writes to it any more
            for number in saved:
                on_progress(Progress("write", number + 1, len(self.files)))

    def _save(self, frame: tuple[int, np.ndarray]) -> int:
        number, pixels = frame
        try:
            self.files[number].write_bytes(encode(pixels, self.fmt))
        except OSError as error:
            raise VerificationFailed(f"frame {number} could not be written ({error.strerror}): nothing is published") from None
        return number


class _Clock:
    """Seconds spent per stage, added up over rounds."""

    def __init__(self, seconds: Mapping[str, float] = MappingProxyType({})) -> None:
        self.seconds = dict(seconds)

    @contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        start = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[stage] = round(self.seconds.get(stage, 0.0) + time.perf_counter() - start, 3)
