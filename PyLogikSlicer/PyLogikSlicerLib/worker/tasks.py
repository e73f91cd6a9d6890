"""What the worker does when it is asked: analyse an image, export it as reviewed, tell the GPU. Imports the whole engine."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from ..batch import Input, export_reviewed, limits_of
from ..core.errors import PyLogikSlicerError, UnreadableInput, UsageError
from ..core.options import Options
from ..core.stack import ImageStack
from ..detection.devices import gpu
from ..detection.engines import Engine, choose_engine
from ..pipeline import OnStage, analyse
from ..reading import open_stacks
from ..reading.concatenation import concatenate_stacks
from ..roi.templates import propose, remember
from ..writing.output_folder import file_sha256
from .array_file import open_array
from .frame_fingerprint import are_alike, cells_of
from .messages import Source, analysis_from_json, analysis_to_json, options_from_json, source_from_json

# A region of interest belongs to a scanner only where it is the scanner's display, not an object in it.
TEMPLATE_VARIANT = "deid-us"

Answer = dict[str, Any]


def open_source(source: Source, options: Options = Options()) -> ImageStack:  # noqa: B008  frozen
    """The one image that a source is; ``options`` limit what decoding it may take. Raises UnreadableInput when it is none, or
    several."""
    if source.array is not None:
        return open_array(Path(source.array))
    limits = limits_of(options)
    stacks = [stack for file in source.files for stack in open_stacks(Path(file), limits)]
    if source.stack:
        return concatenate_stacks(stacks, stacks[0].name)
    if len(stacks) != 1:
        raise UnreadableInput(f"the source holds {len(stacks)} images of different size or type: open them one by one")
    return stacks[0]


def _analyse(request: Answer, on_stage: OnStage) -> Answer:
    options = options_from_json(request.get("options", {}))
    stack = open_source(source_from_json(request.get("source", {})), options)
    if "cells" in request and not are_alike(np.array(request["cells"], float), cells_of(stack.frames())):
        raise UnreadableInput("the files show other frames than the volume: work on the volume itself")
    engine = _engine(options)
    analysis = analyse(stack, options, engine, on_stage)
    templates = request.get("templates")
    if templates and analysis.roi and options.variant == TEMPLATE_VARIANT:
        analysis = replace(analysis, roi=propose(Path(templates), stack.header, analysis.roi) or analysis.roi)
    return {
        "analysis": analysis_to_json(analysis),
        "rows": stack.rows,
        "columns": stack.columns,
        "frames": stack.frame_count,
        "engine": engine.description,
        "notes": list(engine.notes),
    }


def _export(request: Answer, on_stage: OnStage) -> Answer:
    options = options_from_json(request.get("options", {}))
    source = source_from_json(request.get("source", {}))
    analysis = analysis_from_json(request.get("analysis", {}))
    output = request.get("output")
    if not output or not isinstance(output, str):
        raise UsageError("no output folder is named: choose one")
    stack = open_source(source, options)
    item = _array_input(source) if source.array else Input(1, tuple(map(Path, source.files)))
    (status, reason), image = export_reviewed(item, stack, analysis, Path(output), options, _engine(options), on_stage)
    if status != "done":
        raise _Refused(reason)
    templates = request.get("templates")
    if templates and analysis.roi and options.variant == TEMPLATE_VARIANT:
        remember(Path(templates), stack.header, analysis.roi)
    # After the count of frames the log has what else a person should know.
    return {"image": image, "remark": reason.partition("; ")[2]}


def _array_input(source: Source) -> Input:
    """Volumes of one name are many: the log tells them apart by their content, so that none takes the place of another."""
    path = Path(source.array)
    return Input(1, (path,), f"{source.name} {file_sha256(path)[:12]}")


class _Refused(PyLogikSlicerError):
    """The image was not published; the message is the reason in the log."""


def _devices(request: Answer, on_stage: OnStage) -> Answer:
    name, reason = gpu()
    return {"gpu": name, "reason": reason}


TASKS: Mapping[str, Callable[[Answer, OnStage], Answer]] = {"analyse": _analyse, "export": _export, "devices": _devices}


def _engine(options: Options) -> Engine:
    return _started(options.engine, options.device, options.models, options.download)


@lru_cache(maxsize=1)
def _started(engine: str, device: str, models: Path | None, download: bool) -> Engine:
    return choose_engine(engine, device, models, download)
