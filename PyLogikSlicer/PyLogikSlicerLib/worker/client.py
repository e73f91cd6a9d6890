"""The caller's side of the worker: a process that works while the caller's window stays alive, and that can be ended at once."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import IO, Any

from ..core.errors import PyLogikSlicerError
from ..core.processes import python_command
from ..writing.output_folder import OutputFolder

# Long enough for the worker to remove what it was writing; with the kill that follows it stays within a second.
PATIENCE_SECONDS = 0.6

Message = dict[str, Any]


class WorkerProcess:
    """Starts the worker with the first request and keeps it for the next ones. Not for several threads, and without any:
    Slicer's event loop lets no other Python thread run.

    ``python``: the interpreter, by default this one, or Slicer's.
    """

    def __init__(self, python: str | None = None) -> None:
        self._python = python
        self._process: subprocess.Popen | None = None
        self._unread = b""
        self._pending: dict[int, Mapping[str, Any]] = {}
        self._last_id = 0

    @property
    def busy(self) -> bool:
        """Whether a request was sent whose end :meth:`poll` has not given yet."""
        return bool(self._pending)

    def send(self, request: Mapping[str, Any]) -> int:
        """Hand a request to the worker and return the ``id`` that its events bear.

        Raises PyLogikSlicerError when the worker cannot be started.
        """
        self._last_id += 1
        if self._process is None:
            self._start()
        self._pending[self._last_id] = request
        line = json.dumps({**request, "id": self._last_id}).encode() + b"\n"
        # A worker that has just died is noticed by the end of its events.
        with contextlib.suppress(OSError):
            self._process.stdin.write(line)
            self._process.stdin.flush()
        return self._last_id

    def poll(self) -> list[Message]:
        """The events since the last call, in order; never waits. A worker that died fails what it was asked for."""
        if self._process is None:
            return []
        arrived, ended = _arrived(self._process.stdout)
        *lines, self._unread = (self._unread + arrived).split(b"\n")
        events = [event for event in map(json.loads, lines) if event["id"] in self._pending]
        for event in events:
            if event["event"] != "progress":
                del self._pending[event["id"]]
        return events + self._died() if ended else events

    def cancel(self) -> None:
        """End all work within a second; no further event of it comes. What was being written is removed."""
        if self._process is not None and self.busy:
            self._end()

    def close(self) -> None:
        """End the worker, whatever it does."""
        if self._process is not None:
            self._end()

    def _start(self) -> None:
        try:
            self._process = subprocess.Popen(
                python_command(f"{__package__}.server", self._python),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )
        except OSError as error:
            raise PyLogikSlicerError(f"the worker process cannot be started ({error.strerror}): is Python where it was?") from None
        self._unread = b""
        if os.name != "nt":
            os.set_blocking(self._process.stdout.fileno(), False)

    def _died(self) -> list[Message]:
        code = self._process.wait()
        _close(self._process)
        requests, self._process, self._pending = self._pending, None, {}
        _clean_up(requests.values())
        reason = f"the worker process ended unexpectedly (status {code}): is there enough memory?"
        return [{"id": number, "event": "failed", "reason": reason} for number in requests]

    def _end(self) -> None:
        process, requests = self._process, self._pending
        self._process, self._pending = None, {}
        process.terminate()
        try:
            process.wait(PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        _close(process)
        _clean_up(requests.values())


def _arrived(pipe: IO[bytes]) -> tuple[bytes, bool]:
    """What can be read now without waiting, and whether the pipe has ended."""
    data = b""
    while True:
        try:
            if os.name == "nt" and not _waiting(pipe):
                return data, False
            piece = os.read(pipe.fileno(), 1 << 20)
        except BlockingIOError:
            return data, False
        except OSError:
            return data, True
        if not piece:
            return data, True
        data += piece


def _waiting(pipe: IO[bytes]) -> int:
    """How many bytes are there to be read, on Windows, where a pipe always blocks. Raises OSError at its end."""
    import _winapi  # as multiprocessing does
    import msvcrt

    return _winapi.PeekNamedPipe(msvcrt.get_osfhandle(pipe.fileno()), 0)[0]


def _close(process: subprocess.Popen) -> None:
    for pipe in (process.stdin, process.stdout):
        with contextlib.suppress(OSError):
            pipe.close()


def _clean_up(requests: Iterable[Mapping[str, Any]]) -> None:
    """Remove what a worker that could not do so itself was writing: entering an output folder does that."""
    for request in requests:
        if request.get("do") == "export" and os.path.isdir(request["output"]):
            with contextlib.suppress(PyLogikSlicerError), OutputFolder(Path(request["output"])):
                pass
