"""De-identification of one image: examine, decide, find the region of interest, mask and write, verify.

:func:`analyse` finds and decides, :func:`publish` writes and verifies; between the two a person may change what was decided.
"""

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
from .core.geometry import Box, box_of_image
from .core.masking import fill_masked, region_mask
from .core.options import Options
from .core.progress import OnProgress, Progress, ignore_progress
from .core.result import Result
from .core.stack import ImageStack
from .core.text_map import Region, TextMap
from .detection.engines import Engine
from .detection.examine import Examination, examine
from .policy.decisions import decide, may_stay
from .roi import ROI_FINDERS, Roi, find_roi
from .roi.given import given_region
from .roi.templates import propose
from .verifying import Written, confirm_source, verify
from .writing.formats import FORMATS
from .writing.frame_writer import FrameWriter, open_writer
from .writing.output_folder import file_sha256
from .writing.prefetch import map_ahead
from .writing.rendering import Rendering, rendering_for

# Rounds of writing and verifying at most; a residue of text that is left after them fails the image.
ROUNDS = 3
# Pixels by which the mask of a residue grows in each round: a mask that only just covers it leaves edges that look like strokes.
GROWTH = 4
# Share of the frames from which on a region counts as text for the region of interest (a text that several frames together show counts
# for some twelve frames).
LASTING_SHARE = 0.2
# Confidence from which on a word on few frames counts as text there too.
LEGIBLE_CONFIDENCE = 0.9
# Letters and digits of a word: speckle is read as one or two of them, rarely as three.
WORD_LENGTH = 3


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
    when there is nothing to outline, or ``options.roi`` lies outside of the image.
    """
    # A region that lies outside of the image fails it before its frames are examined.
    roi = given_region(options.roi, stack.rows, stack.columns) if isinstance(options.roi, tuple) else None
    clock = _Clock()
    with clock("examine"):
        examination = examine(stack, engine.readers, on_progress)
    _require_coverage(examination.text_map, stack)
    text_map = decide(examination.text_map, stack.header, options.keep)
    if options.variant in ROI_FINDERS and options.roi is None:
        with clock("roi"):
            roi = _find_region(stack, examination, text_map, options)
    return Analysis(text_map, roi, examination.value_range, clock.seconds)


def _find_region(stack: ImageStack, examination: Examination, text_map: TextMap, options: Options) -> Roi:
    """The region of interest that the image shows, or the template of its scanner that agrees with it. Raises NoRegionFound."""
    text = [region for region in text_map.regions if hides_echo(region, stack.frame_count)]
    masked = region_mask(text, stack.rows, stack.columns)
    found = find_roi(examination.composites, masked, options.variant, options.threshold, stack.header)
    template = propose(options.template, stack.header, found) if options.template else None
    return template or found


def hides_echo(region: Region, frame_count: int) -> bool:
    """Whether the pixels of a region are text for the search of the region of interest, so that they are no echo there.

    A region on few frames in which no word could be read was speckle more likely than text, and excluding it from the echo could cut off
    the edge of the sector.
    """
    frames = region.frame_last - region.frame_first + 1
    is_word = any(sum(map(str.isalnum, reading)) >= WORD_LENGTH for reading in region.readings)
    return frames >= LASTING_SHARE * frame_count or (region.confidence >= LEGIBLE_CONFIDENCE and is_word)


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

    Without ``options.images`` nothing is written: the result is the text. Raises VerificationFailed when a frame was not examined, a
    file is not what it must be, or text stays readable.
    """
    _require_coverage(analysis.text_map, stack)
    if not options.images:
        return Result(analysis.text_map, seconds=analysis.seconds)
    fmt = FORMATS[options.format]
    writer = open_writer(fmt, folder, name, stack.frame_count)
    frames = _OutputFrames(stack, analysis.roi, rendering_for(stack, analysis.value_range, shown=not fmt.exact))
    clock = _Clock(analysis.seconds)
    with clock("verify"):
        confirmed = confirm_source(stack)
    return replace(_write_until_clean(frames, writer, analysis.text_map, engine, on_progress, clock), confirmed=confirmed)


def _require_coverage(text_map: TextMap, stack: ImageStack) -> None:
    if text_map.frames_examined != stack.frame_count:
        raise VerificationFailed(f"{text_map.frames_examined} of {stack.frame_count} frames were examined")


def _write_until_clean(
    frames: _OutputFrames, writer: FrameWriter, text_map: TextMap, engine: Engine, on_progress: OnProgress, clock: _Clock
) -> Result:
    """Write and verify, mask the text that verification found, and repeat: at most ``ROUNDS`` times.

    Raises VerificationFailed when text is still readable then. Residues that no reader can read are texture by then, and stay.
    """
    stack = frames.stack
    kept = [region for region in text_map.regions if region.decision == "keep"]
    judge = partial(may_stay, header=stack.header)
    changed: Sequence[Region] | None = None
    for rounds in range(1, ROUNDS + 1):
        with clock("write"):
            _write(frames, writer, text_map, changed, on_progress)
        with clock("verify"):
            written = Written(writer, frames.crop, partial(frames.of, text_map))
            verification = verify(stack, written, kept, judge, engine.readers, changed, on_progress)
        if not verification.residues or (rounds == ROUNDS and not verification.readable):
            break
        if rounds == ROUNDS:
            raise VerificationFailed(f"text is still readable in {len(verification.readable)} places after {ROUNDS} rounds")
        changed = [_enlarge(region.decided("redact"), rounds * GROWTH, stack) for region in verification.residues]
        text_map = text_map.with_regions((*text_map.regions, *changed))
    files = {path.name: file_sha256(path) for path in writer.files}
    size = sum(path.stat().st_size for path in writer.files)
    return Result(text_map, frames.roi, frames.rendering, verification, rounds, files, size, clock.seconds)


def _write(
    frames: _OutputFrames,
    writer: FrameWriter,
    text_map: TextMap,
    changed: Sequence[Region] | None,
    on_progress: OnProgress,
) -> None:
    """Write the frames: all of them where ``changed`` is None, else those that show a changed region."""

    def is_due(number: int) -> bool:
        return changed is None or not writer.rewrites_single_frames or any(region.covers(number) for region in changed)

    def save(frame: tuple[int, np.ndarray]) -> int:
        writer.write(*frame)
        return frame[0]

    due = ((number, pixels) for number, (pixels, _) in enumerate(frames.of(text_map)) if is_due(number))
    # Closed before the folder is removed, so that no thread writes to it any more.
    with closing(map_ahead(save, due)) as saved:
        for number in saved:
            on_progress(Progress("write", number + 1, frames.stack.frame_count))
    writer.close()


def _enlarge(region: Region, margin: int, stack: ImageStack) -> Region:
    """The box of a region with ``margin`` pixels on each side, clipped to the frame, as a region."""
    box = region.box.enlarge(margin).clip(stack.rows, stack.columns)
    return replace(region, polygon=box.polygon) if box else region


class _OutputFrames:
    """The frames of a stack as they have to be in the output: rendered, masked, and cropped to the region of interest."""

    def __init__(self, stack: ImageStack, roi: Roi | None, rendering: Rendering) -> None:
        self.stack, self.roi, self.rendering = stack, roi, rendering
        self.crop: Box = roi.crop if roi else box_of_image(stack.rows, stack.columns)
        self._outside = ~roi.mask() if roi else np.zeros((stack.rows, stack.columns), bool)

    def of(self, text_map: TextMap) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """(pixels, mask) of each frame; mask is True where the fill is: redacted text, or outside the region of interest."""
        before: tuple[Region, ...] | None = None
        mask = self._outside
        for number, frame in enumerate(self.stack.frames()):
            regions = text_map.on_frame(number)
            if regions != before:
                mask, before = self._outside | region_mask(regions, self.stack.rows, self.stack.columns), regions
            pixels = fill_masked(self.rendering.render(frame, number), mask)
            yield np.ascontiguousarray(pixels[self.crop.slices]), mask[self.crop.slices]


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
