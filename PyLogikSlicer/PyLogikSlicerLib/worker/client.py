"""The caller's side of the worker: starts a process for long work, so that the caller's window stays responsive, and can end it at once."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import IO

from ..core.errors import PyLogikSlicerError, UsageError
from ..core.processes import start_module
from ..writing.output_folder import OutputFolder
from .messages import ExportRequest, Failed, Message, Progress, Request, request_to_json

# Seconds for the worker to remove what it was writing before it is killed; together they stay within a second.
TERMINATION_SECONDS = 0.6
# Bytes that are read from a pipe at a time.
READ_BYTES = 1 << 20


class WorkerProcess:
    """Starts the worker with the first request and keeps it for the next ones.

    Not for several threads, and it uses none itself: Slicer's event loop lets no other Python thread run.

    Parameters
    ----------
    python
        The interpreter that runs the worker; by default PythonSlicer in Slicer, and elsewhere the interpreter of this process.
    """

    def __init__(self, python: str | None = None) -> None:
        self._python = python
        self._running: _Running | None = None
        self._pending: dict[int, Request] = {}
        self._last_id = 0

    @property
    def busy(self) -> bool:
        """Whether a request was sent whose last event was not yet returned by :meth:`poll`."""
        return bool(self._pending)

    @property
    def process(self) -> subprocess.Popen | None:
        """The worker's process; None before the first request and after it ended."""
        return self._running.process if self._running else None

    def send(self, request: Request) -> int:
        """Send a request to the worker and return the ``id`` of the messages that will answer it.

        Raises PyLogikSlicerError when the worker cannot be started.
        """
        self._last_id += 1
        if self._running is None:
            self._running = _Running(self._python)
        self._pending[self._last_id] = request
        self._running.write(json.dumps({**request_to_json(request), "id": self._last_id}).encode() + b"\n")
        return self._last_id

    def poll(self) -> list[Message]:
        """The messages that came since the last call, in order; never waits. Where the worker died, all requests have failed."""
        if self._running is None:
            return []
        lines, ended = self._running.read_lines()
        messages = [message for message in map(self._message, lines) if message.id in self._pending]
        for message in messages:
            if message.id is not None and not isinstance(message.event, Progress):
                del self._pending[message.id]
        return messages + self._fail_all(self._running) if ended else messages

    def cancel(self) -> None:
        """End all work within a second, without further messages; files that were half written are removed."""
        if self.busy:
            self.close()

    def close(self) -> None:
        """End the worker, even in the middle of work."""
        running, requests = self._running, self._pending
        self._running, self._pending = None, {}
        if running is not None:
            running.end()
            _remove_unfinished(requests.values())

    @staticmethod
    def _message(line: bytes) -> Message:
        data = json.loads(line)
        try:
            return Message.from_json(data)
        except UsageError as error:
            return Message(data["id"], Failed(str(error)))

    def _fail_all(self, running: _Running) -> list[Message]:
        """The worker died: forget it, remove what it left, and return a failure for each request."""
        status = running.wait()
        requests, self._running, self._pending = self._pending, None, {}
        _remove_unfinished(requests.values())
        failure = Failed(f"the worker process ended unexpectedly (status {status}): is there enough memory?")
        return [Message(number, failure) for number in requests]


class _Running:
    """A worker process and its two pipes. Raises PyLogikSlicerError when it cannot be started."""

    def __init__(self, python: str | None) -> None:
        self.process = start_module(f"{__package__}.server", "worker", python)
        assert self.process.stdin is not None and self.process.stdout is not None  # both are pipes
        self._requests: IO[bytes] = self.process.stdin
        self._events: IO[bytes] = self.process.stdout
        self._incomplete = b""
        if os.name != "nt":
            os.set_blocking(self._events.fileno(), False)

    def write(self, line: bytes) -> None:
        # A worker that has just died is noticed by the end of its events.
        with contextlib.suppress(OSError):
            self._requests.write(line)
            self._requests.flush()

    def read_lines(self) -> tuple[list[bytes], bool]:
        """The complete lines that have come, and whether the worker has closed its pipe."""
        arrived, ended = _read_available(self._events)
        *lines, self._incomplete = (self._incomplete + arrived).split(b"\n")
        return lines, ended

    def wait(self) -> int:
        """Wait for the process to end, and return its exit status."""
        status = self.process.wait()
        for pipe in (self._requests, self._events):
            with contextlib.suppress(OSError):
                pipe.close()
        return status

    def end(self) -> None:
        """Ask the process to end, and kill it where it does not."""
        self.process.terminate()
        try:
            self.process.wait(TERMINATION_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
        self.wait()


def _read_available(pipe: IO[bytes]) -> tuple[bytes, bool]:
    """What can be read now without waiting, and whether the pipe has ended."""
    data = b""
    while True:
        try:
            if sys.platform == "win32" and not _available_bytes(pipe):
                return data, False
            piece = os.read(pipe.fileno(), READ_BYTES)
        except BlockingIOError:
            return data, False
        except OSError:
            return data, True
        if not piece:
            return data, True
        data += piece


if sys.platform == "win32":
    import _winapi  # as multiprocessing does
    import msvcrt

    def _available_bytes(pipe: IO[bytes]) -> int:
        """How many bytes can be read on Windows, where a pipe always blocks. Raises OSError at its end."""
        return _winapi.PeekNamedPipe(msvcrt.get_osfhandle(pipe.fileno()), 0)[0]


def _remove_unfinished(requests: Iterable[Request]) -> None:
    """Remove what a worker was writing that could not do so itself; entering an output folder removes it."""
    for request in requests:
        if isinstance(request, ExportRequest) and os.path.isdir(request.output):
            with contextlib.suppress(PyLogikSlicerError), OutputFolder(Path(request.output)):
                pass
