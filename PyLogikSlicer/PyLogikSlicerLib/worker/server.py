"""The worker: ``python -m PyLogikSlicerLib.worker.server`` does the long work of a program that must not wait.

Messages (:mod:`.messages`) are JSON objects, one a line. Requests come on stdin and are carried out one after the other; the text engine
stays ready in between:

    {"id": n, "do": "analyse", "source": {...}, "options": {...}, "fingerprint": [...] or null, "templates": file or null}
    {"id": n, "do": "export", "source": {...}, "options": {...}, "analysis": {...}, "output": folder, "templates": file or null}
    {"id": n, "do": "devices"}

Events go to stdout: any number of ``{"id": n, "event": "progress", "stage", "done", "total"}``, then one of
``{"id": n, "event": "done", "result": {...}}`` and ``{"id": n, "event": "failed", "reason": text, "unreadable": bool}``. Identifying text
is in results only; nothing is written to stderr. The end of stdin ends the worker. SIGTERM ends it too, in the middle of work: what was
being written is removed, as on the command line.
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

from ..core.errors import EngineUnavailable, UnreadableInput, UsageError, failure_reason
from ..core.private_folders import own_folder, remove_abandoned
from ..core.processes import take_standard_pipes
from ..core.progress import OnProgress, Progress
from .messages import Done, Failed, Message, TaskResult, request_from_json

# Seconds between two progress events: nobody sees more, and each of them wakes the other side.
PROGRESS_SECONDS = 0.1

Send = Callable[[Message], None]


def serve(requests: BinaryIO, send: Send) -> None:
    """Carry out the requests, line by line, and ``send`` the messages that answer them, until the requests end."""
    for line in requests:
        number = None
        try:
            data = _json_object(line)
            number = data.get("id")
            send(Message(number, Done(_carry_out(data, _limit_rate(number, send)))))
        except BrokenPipeError:
            return  # nobody listens any more
        except Exception as error:
            send(Message(number, Failed(failure_reason(error, "a file cannot be read"), isinstance(error, UnreadableInput))))


def _carry_out(data: dict[str, Any], on_progress: OnProgress) -> TaskResult:
    """The result of a request. The engine is imported only now, since before that the other side would wait for its request to be
    read."""
    try:
        from .tasks import run_task

        request = request_from_json(data)
    except ModuleNotFoundError as error:
        raise EngineUnavailable(f"the Python package {error.name} is not installed: install what PyLogikSlicer needs") from None
    return run_task(request, on_progress)


def _json_object(line: bytes) -> dict[str, Any]:
    try:
        data = json.loads(line)
    except ValueError:
        data = None
    if not isinstance(data, dict):
        raise UsageError("a request to the worker is no JSON object: please report this")
    return data


def _limit_rate(number: Any, send: Send) -> OnProgress:
    """A callback that sends the progress of a request every :data:`PROGRESS_SECONDS`, and always the end of a stage."""
    last = 0.0

    def on_progress(progress: Progress) -> None:
        nonlocal last
        now = time.monotonic()
        if progress.done == progress.total or now - last >= PROGRESS_SECONDS:
            last = now
            send(Message(number, progress))

    return on_progress


def _interrupt(*_) -> NoReturn:
    raise KeyboardInterrupt


def main() -> int:
    requests, events = take_standard_pipes()

    def send(message: Message) -> None:
        events.write(json.dumps(message.to_json()).encode() + b"\n")
        events.flush()

    signal.signal(signal.SIGTERM, _interrupt)
    remove_abandoned()
    with contextlib.suppress(KeyboardInterrupt, BrokenPipeError):
        serve(requests, send)
    own_folder().remove()
    # Without waiting for the threads of libraries; nobody reads what the pipes still hold.
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main())
