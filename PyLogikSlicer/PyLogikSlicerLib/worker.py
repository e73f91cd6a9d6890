"""The worker: ``python -m PyLogikSlicerLib.worker`` does the long work for a program that must not wait.

One JSON object a line. Requests come on stdin and are done one after the other, with the text engine kept ready in between:

    {"id": n, "do": "analyse", "source": {...}, "options": {...}[, "cells": [...]][, "templates": file]}
    {"id": n, "do": "export", "source": {...}, "options": {...}, "analysis": {...}, "output": folder[, "templates": file]}
    {"id": n, "do": "devices"}

Events go to stdout: any number of ``{"id": n, "event": "progress", "stage", "done", "total"}``, then one of
``{"id": n, "event": "done", "result": {...}}`` and ``{"id": n, "event": "failed", "reason": text, "unreadable": bool}``. With
``cells`` (:mod:`.likeness`) an image that is not the one expected counts as unreadable. What identifies anybody is in results
only; nothing is written to stderr. The end of stdin ends the worker. SIGTERM ends it too, in the middle of work: what
was being written is removed, as on the command line.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

import numpy as np

from .array_file import open_array
from .batch import Input, export_reviewed, failure_reason
from .detection.devices import gpu
from .detection.engines import Engine, choose_engine
from .errors import PyLogikSlicerError, UnreadableInput, UsageError
from .exchange import Source, analysis_from_json, analysis_to_json, options_from_json, source_from_json
from .likeness import are_alike, cells_of
from .options import Options
from .pipeline import OnStage, analyse
from .reading import open_stacks
from .reading.joining import joined
from .roi.templates import propose, remember
from .stack import ImageStack

# More often nobody sees it, and every event wakes the other side.
PROGRESS_SECONDS = 0.1
# A region of interest belongs to a scanner only where it is the scanner's display, not an object in it.
TEMPLATE_VARIANT = "deid-us"

Answer = dict[str, Any]


def serve(requests: BinaryIO, send: Callable[[Answer], None]) -> None:
    """Do what ``requests`` ask for, line by line, and ``send`` the events, until the requests end."""
    for line in requests:
        number = None
        try:
            request = _parsed(line)
            number = request.get("id")
            do = _TASKS.get(request.get("do"))
            if do is None:
                raise UsageError("the worker does not know what is asked for: please report this")
            send({"id": number, "event": "done", "result": do(request, _progress(number, send))})
        except BrokenPipeError:
            return  # nobody listens any more
        except Exception as error:
            reason, unreadable = failure_reason(error, "a file cannot be read"), isinstance(error, UnreadableInput)
            send({"id": number, "event": "failed", "reason": reason, "unreadable": unreadable})


def open_source(source: Source) -> ImageStack:
    """The one image that a source is. Raises UnreadableInput when it is none, or several."""
    if source.array is not None:
        return open_array(Path(source.array))
    stacks = [stack for file in source.files for stack in open_stacks(Path(file))]
    if source.stack:
        return joined(stacks, stacks[0].name)
    if len(stacks) != 1:
        raise UnreadableInput(f"the source holds {len(stacks)} images of different size or type: open them one by one")
    return stacks[0]


def _analyse(request: Answer, on_stage: OnStage) -> Answer:
    options = options_from_json(request.get("options", {}))
    stack = open_source(source_from_json(request.get("source", {})))
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
    stack = open_source(source)
    item = Input(1, (Path(source.array),), source.name or stack.name) if source.array else Input(1, tuple(map(Path, source.files)))
    (status, reason), image = export_reviewed(item, stack, analysis, Path(output), options, _engine(options), on_stage)
    if status != "done":
        raise _Refused(reason)
    templates = request.get("templates")
    if templates and analysis.roi and options.variant == TEMPLATE_VARIANT:
        remember(Path(templates), stack.header, analysis.roi)
    return {"image": image, "verdict": _verdict(image)}


class _Refused(PyLogikSlicerError):
    """The image was not published; the message is the reason in the log."""


def _verdict(image: Answer) -> str:
    verification = image.get("verification", {})
    unreadable = verification.get("unreadable_residues", 0) - verification.get("readable_residues", 0)
    specks = f" ({unreadable} that nobody can read)" if unreadable else ""
    residues = f"{verification.get('unreadable_residues', 0)} residues{specks}"
    return f"{image['frames_examined']}/{image['frames']} frames examined, {residues}, {len(image['files'])} files"


def _devices(request: Answer, on_stage: OnStage) -> Answer:
    name, reason = gpu()
    return {"gpu": name, "reason": reason}


_TASKS: dict[Any, Callable[[Answer, OnStage], Answer]] = {"analyse": _analyse, "export": _export, "devices": _devices}


def _engine(options: Options) -> Engine:
    return _started(options.engine, options.device, options.models, options.download)


@lru_cache(maxsize=1)
def _started(engine: str, device: str, models: Path | None, download: bool) -> Engine:
    return choose_engine(engine, device, models, download)  # type: ignore[arg-type]


def _parsed(line: bytes) -> Answer:
    try:
        request = json.loads(line)
    except ValueError:
        request = None
    if not isinstance(request, dict):
        raise UsageError("a request to the worker is no JSON object: please report this")
    return request


def _progress(number: Any, send: Callable[[Answer], None]) -> OnStage:
    last = 0.0

    def on_stage(stage: str, done: int, total: int) -> None:
        nonlocal last
        now = time.monotonic()
        if done == total or now - last >= PROGRESS_SECONDS:
            last = now
            send({"id": number, "event": "progress", "stage": stage, "done": done, "total": total})

    return on_stage


def _pipes() -> tuple[BinaryIO, BinaryIO]:
    """The two pipes, and no way to them or to stderr for anybody else: libraries print, and some of them names and paths."""
    requests, events = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    os.close(nowhere)
    return requests, events


def _ended(*_) -> NoReturn:
    raise KeyboardInterrupt


def main() -> int:
    requests, events = _pipes()

    def send(event: Answer) -> None:
        events.write(json.dumps(event).encode() + b"\n")
        events.flush()

    signal.signal(signal.SIGTERM, _ended)
    with contextlib.suppress(KeyboardInterrupt, BrokenPipeError):
        serve(requests, send)
    # What the pipes still hold nobody reads, and nothing waits for a library's threads.
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main())
