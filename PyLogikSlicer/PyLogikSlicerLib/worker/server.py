"""The worker: ``python -m PyLogikSlicerLib.worker.server`` does the long work for a program that must not wait.

One JSON object a line. Requests come on stdin and are done one after the other, with the text engine kept ready in between:

    {"id": n, "do": "analyse", "source": {...}, "options": {...}[, "cells": [...]][, "templates": file]}
    {"id": n, "do": "export", "source": {...}, "options": {...}, "analysis": {...}, "output": folder[, "templates": file]}
    {"id": n, "do": "devices"}

Events go to stdout: any number of ``{"id": n, "event": "progress", "stage", "done", "total"}``, then one of
``{"id": n, "event": "done", "result": {...}}`` and ``{"id": n, "event": "failed", "reason": text, "unreadable": bool}``. With
``cells`` (:mod:`.frame_fingerprint`) an image that is not the one expected counts as unreadable. What identifies anybody is in results
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
from typing import Any, BinaryIO, NoReturn

from ..core.errors import EngineUnavailable, UnreadableInput, UsageError
from ..core.private_folders import own_folder, remove_abandoned
from ..core.reasons import failure_reason

# More often nobody sees it, and every event wakes the other side.
PROGRESS_SECONDS = 0.1

Answer = dict[str, Any]
OnStage = Callable[[str, int, int], None]


def serve(requests: BinaryIO, send: Callable[[Answer], None]) -> None:
    """Do what ``requests`` ask for, line by line, and ``send`` the events, until the requests end."""
    for line in requests:
        number = None
        try:
            request = _parsed(line)
            number = request.get("id")
            send({"id": number, "event": "done", "result": _done(request, _progress(number, send))})
        except BrokenPipeError:
            return  # nobody listens any more
        except Exception as error:
            reason = failure_reason(error, "a file cannot be read")
            send({"id": number, "event": "failed", "reason": reason, "unreadable": isinstance(error, UnreadableInput)})


def _done(request: Answer, on_stage: OnStage) -> Answer:
    """The result of a request. The engine is imported now: until then the other side would wait for its request to be read."""
    try:
        from .tasks import TASKS
    except ModuleNotFoundError as error:
        raise EngineUnavailable(f"the Python package {error.name} is not installed: install what PyLogikSlicer needs") from None
    task = TASKS.get(str(request.get("do")))
    if task is None:
        raise UsageError("the worker does not know what is asked for: please report this")
    return task(request, on_stage)


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
    remove_abandoned()
    with contextlib.suppress(KeyboardInterrupt, BrokenPipeError):
        serve(requests, send)
    own_folder().remove()
    # What the pipes still hold nobody reads, and nothing waits for a library's threads.
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main())
