"""What the worker does for a request: analyse an image, export it as reviewed, or name the GPU. Imports the whole engine."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from ..batch import Input, export_reviewed, limits_of
from ..core.errors import PyLogikSlicerError, UnreadableInput
from ..core.options import Options
from ..core.progress import OnProgress
from ..core.stack import ImageStack
from ..detection.devices import gpu
from ..detection.engines import Engine, choose_engine
from ..pipeline import analyse
from ..reading import open_stacks
from ..reading.concatenation import concatenate_stacks
from ..roi.region import UNCERTAIN_NOTE
from ..roi.templates import propose, remember
from ..writing.output_folder import file_sha256
from .array_file import open_array
from .frame_fingerprint import fingerprint_of, fingerprints_match
from .messages import AnalyseRequest, AnalysisResult, DevicesResult, ExportRequest, ExportResult, Request, Source, TaskResult

# The variant whose region of interest is the scanner's display, the same in all images of a scanner, and not an object in one of them.
TEMPLATE_VARIANT = "deid-us"


def run_task(request: Request, on_progress: OnProgress) -> TaskResult:
    """Carry out a request. Raises PyLogikSlicerError where that cannot be done; ``on_progress`` may raise to cancel."""
    if isinstance(request, AnalyseRequest):
        return _analyse(request, on_progress)
    if isinstance(request, ExportRequest):
        return _export(request, on_progress)
    name, reason = gpu()
    return DevicesResult(name, reason)


def open_source(source: Source, options: Options = Options()) -> ImageStack:  # noqa: B008  frozen
    """The one image that a source stands for; ``options`` limit what decoding it may take.

    Raises UnreadableInput when there is no image, or several.
    """
    if source.array is not None:
        return open_array(Path(source.array))
    limits = limits_of(options)
    stacks = [stack for file in source.files for stack in open_stacks(Path(file), limits)]
    if source.stack:
        return concatenate_stacks(stacks, stacks[0].name)
    if len(stacks) != 1:
        raise UnreadableInput(f"the source holds {len(stacks)} images of different size or type: open them one by one")
    return stacks[0]


def _analyse(request: AnalyseRequest, on_progress: OnProgress) -> AnalysisResult:
    options = request.options
    stack = open_source(request.source, options)
    if request.fingerprint is not None:
        expected = np.array(request.fingerprint, float)
        if not fingerprints_match(expected, fingerprint_of(stack.frames())):
            raise UnreadableInput("the files show other frames than the volume: work on the volume itself")
    engine = _engine_for(options)
    analysis = analyse(stack, options, engine, on_progress)
    if request.templates and analysis.roi and options.variant == TEMPLATE_VARIANT:
        analysis = replace(analysis, roi=propose(Path(request.templates), stack.header, analysis.roi) or analysis.roi)
    notes = (*engine.notes, *((UNCERTAIN_NOTE,) if analysis.roi and analysis.roi.is_uncertain else ()))
    return AnalysisResult(analysis, stack.rows, stack.columns, stack.frame_count, engine.description, notes)


def _export(request: ExportRequest, on_progress: OnProgress) -> ExportResult:
    options, source, analysis = request.options, request.source, request.analysis
    stack = open_source(source, options)
    item = Input(1, tuple(map(Path, source.files))) if source.array is None else _array_input(source.array, source.name)
    engine = _engine_for(options)
    (status, reason), image = export_reviewed(item, stack, analysis, Path(request.output), options, engine, on_progress)
    if status != "done":
        raise _Refused(reason)
    if request.templates and analysis.roi and options.variant == TEMPLATE_VARIANT:
        remember(Path(request.templates), stack.header, analysis.roi)
    # The log's text is the count of frames, and after the first semicolon what else a person should know.
    return ExportResult(image, reason.partition("; ")[2])


def _array_input(array: str, name: str) -> Input:
    """The input of an image without files. Several volumes may have one name: the log tells them apart by their content, so that none
    takes the place of another."""
    path = Path(array)
    return Input(1, (path,), f"{name} {file_sha256(path)[:12]}")


class _Refused(PyLogikSlicerError):
    """The image was not published; the message is the reason in the log."""


def _engine_for(options: Options) -> Engine:
    return _start_engine(options.engine, options.device, options.models, options.download)


@lru_cache(maxsize=1)
def _start_engine(engine: str, device: str, models: Path | None, download: bool) -> Engine:
    """The text engine; the last one stays ready for the next request with the same options."""
    return choose_engine(engine, device, models, download)
