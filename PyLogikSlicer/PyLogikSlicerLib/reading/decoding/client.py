"""Decoder: the client of the decoding process.

Image libraries crash, hang, and take all memory on some files, and what they print may name the patient. So files are decoded in a
separate process. It stays ready for the next file, prints nothing, and is killed when it takes more memory or time than the size in
the file's header justifies (:mod:`.limits`). Then only the file that it was decoding fails, with a reason.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import os
import queue
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from io import BufferedReader
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np
import psutil

from ...core.errors import DecoderFailed, UnreadableInput
from ...core.label_mask import Mask
from ...core.processes import start_module
from ...core.stack import ImageStack, Reread
from ..mask.messages import mask_from_message
from .limits import DEFAULT_LIMITS, GIB, NOTHING_DECLARED, DeclaredSize, Limits
from .messages import Message, path_from_text, path_to_text, read_message, stack_from_message, write_message

# Seconds between two checks of the process's memory while waiting for an answer: a decompression bomb grows by some 100 MB meanwhile.
_POLL_SECONDS = 0.05
# Additional seconds for the first answer: starting Python and importing the libraries takes that long on a slow disk.
_START_SECONDS = 60.0
# Bytes of a file that are read per second, at least, while it is opened. Opening may read the whole file: the frames of a video are
# counted by decoding them all once. In proportion to the file's size, so that a small file gets no time for a claimed million frames.
_SLOWEST_SCAN = 200_000


class Decoder:
    """The client of one decoding process. Thread-safe.

    The process is started by the first request (or by :meth:`start`), and again by the next request after it ended.

    Parameters
    ----------
    python
        Path of the Python interpreter; by default the one that runs this, in Slicer PythonSlicer.
    """

    def __init__(self, python: str | None = None) -> None:
        self._python = python
        self._lock = threading.RLock()
        self._process: _Process | None = None

    def start(self) -> None:
        """Start the process now, without waiting for it, so that it is ready when it is needed."""
        with self._lock:
            self._running_process()

    def open(self, path: Path, limits: Limits = DEFAULT_LIMITS) -> list[ImageStack]:
        """The images in a file. Their frames are decoded by the process each time they are iterated over.

        Raises
        ------
        UnreadableInput
            The file is no image or cannot be read; the message says why, without identifying text.
        DecoderFailed
            The process crashed while decoding the file, or exceeded the limits.
        """
        source = path_to_text(path)
        answer = self._ask({"do": "open", "path": source}, limits, file=path)
        stacks, tables = answer.content["stacks"], answer.arrays
        images = []
        for index, content in enumerate(stacks):
            count = int(content["tables"])
            stack_tables, tables = tables[:count], tables[count:]
            declared = DeclaredSize(int(content["frame_bytes"]), int(content["piece_bytes"]))
            request = {"path": source, "image": index}
            images.append(
                stack_from_message(
                    content,
                    stack_tables,
                    path,
                    decode=functools.partial(self._frames, {"do": "frames", **request}, limits, declared),
                    decode_again=functools.partial(self._frames_again, {"do": "frames again", **request}, limits, declared),
                )
            )
        return images

    def referenced_files(self, dicomdir: Path, limits: Limits = DEFAULT_LIMITS) -> list[Path]:
        """The files that a DICOMDIR refers to, in its order. Raises UnreadableInput when it is damaged."""
        answer = self._ask({"do": "dicomdir", "path": path_to_text(dicomdir)}, limits)
        return [path_from_text(text) for text in answer.content["files"]]

    def mask(self, path: Path, limits: Limits = DEFAULT_LIMITS) -> Mask:
        """The label mask in a file. Raises the same errors as :meth:`open`."""
        return mask_from_message(self._ask({"do": "mask", "path": path_to_text(path)}, limits, file=path))

    def close(self) -> None:
        """End the process."""
        with self._lock:
            if self._process is not None:
                self._process.end()
                self._process = None

    def _frames(self, request: dict[str, Any], limits: Limits, declared: DeclaredSize) -> Iterator[np.ndarray]:
        for answer in self._stream(request, limits, declared):
            yield answer.arrays[0]

    def _frames_again(self, request: dict[str, Any], limits: Limits, declared: DeclaredSize) -> Iterator[Reread]:
        for answer in self._stream(request, limits, declared):
            yield Reread(int(answer.content["number"]), answer.arrays[0], bool(answer.content["lossy"]))

    def _stream(self, request: dict[str, Any], limits: Limits, declared: DeclaredSize) -> Iterator[Message]:
        """The answers to a request that opens a stream of frames.

        The next frame is requested before the current one is yielded, so that it is decoded while the caller works on the current one.
        """
        process = None
        try:
            with self._lock:
                opened = self._ask(request, limits, declared)
                process, ask = self._running_process(), {"do": "next", "stream": opened.content["stream"]}
                number = process.send(ask)
            while True:
                with self._lock:
                    answer = self._wait_for_answer(process, number, limits, declared)
                    if answer.content.get("end"):
                        return
                    number = process.send(ask)
                yield answer
        finally:
            if process is not None:
                with self._lock:
                    process.forget(number)
                    process.send({"do": "close", "stream": opened.content["stream"]}, expect_answer=False)

    def _ask(self, request: dict[str, Any], limits: Limits, declared: DeclaredSize = NOTHING_DECLARED, file: Path | None = None) -> Message:
        """Send a request and return its answer.

        Parameters
        ----------
        request
            The command and its arguments, as JSON.
        limits
            The limits that the process must keep to.
        declared
            The size that the header of the image declared, where it is known; memory and time are granted in proportion to it.
        file
            A file that may have to be read to its end for the answer; time is granted in proportion to its size.
        """
        if file is not None:
            limits = replace(limits, seconds=limits.seconds + _file_size(file) / _SLOWEST_SCAN)
        with self._lock:
            process = self._running_process()
            sizes = {"frame_bytes": limits.frame_bytes, "image_bytes": limits.image_bytes}
            return self._wait_for_answer(process, process.send({**request, "limits": sizes}), limits, declared)

    def _wait_for_answer(self, process: _Process, number: int, limits: Limits, declared: DeclaredSize) -> Message:
        """The answer with this number. Raises UnreadableInput where the process reports one, DecoderFailed where it died."""
        try:
            answer = process.wait(number, limits, declared)
        except DecoderFailed:
            process.end()
            if self._process is process:
                self._process = None
            raise
        if "unreadable" in answer.content:
            raise UnreadableInput(str(answer.content["unreadable"]))
        return answer

    def _running_process(self) -> _Process:
        """The process, started if it does not run."""
        if self._process is not None and not self._process.is_usable:
            self._process.end()
            self._process = None
        if self._process is None:
            self._process = _Process(self._python)
        return self._process


class _Process:
    """One decoding process, and the thread that receives its answers from the pipe."""

    def __init__(self, python: str | None) -> None:
        self._process = start_module(f"{__package__}.server", "decoding", python)
        self._to_process = cast(BinaryIO, self._process.stdin)
        self._from_process = cast(BufferedReader, self._process.stdout)
        self._owner = os.getpid()
        self._usage = psutil.Process(self._process.pid)
        self._last = 0  # number of the last request
        self._expected: set[int] = set()  # numbers of the requests whose answers have not been taken by wait()
        self._arrived: dict[int, Message] = {}
        self._answers: queue.Queue[Message | None] = queue.Queue()
        threading.Thread(target=self._receive_answers, daemon=True).start()

    @property
    def is_usable(self) -> bool:
        """Whether it runs and was started by this very process: after a fork, parent and child would share the pipes."""
        return self._owner == os.getpid() and self._process.poll() is None

    def send(self, request: dict[str, Any], expect_answer: bool = True) -> int:
        """Send a request and return the number under which its answer arrives. :meth:`wait` notices if the process has died."""
        self._last += 1
        if expect_answer:
            self._expected.add(self._last)
        with contextlib.suppress(OSError, ValueError):
            write_message(self._to_process, Message({**request, "id": self._last}))
        return self._last

    def forget(self, number: int) -> None:
        """Discard the answer with this number, whether it has arrived already or arrives later."""
        self._expected.discard(number)
        self._arrived.pop(number, None)

    def wait(self, number: int, limits: Limits, declared: DeclaredSize) -> Message:
        """The answer with this number. Raises DecoderFailed when the process dies, or takes more memory or time than allowed."""
        start = time.monotonic()
        while number not in self._arrived:
            try:
                message = self._answers.get(timeout=_POLL_SECONDS)
            except queue.Empty:
                self._check_limits(time.monotonic() - start, limits, declared)
                continue
            if message is None:
                raise DecoderFailed(f"the decoder crashed on this file ({self._exit_reason()})")
            identity = message.content["id"]
            if "declared" in message.content and identity == number:
                declared = DeclaredSize(*map(int, message.content["declared"]))
                start = time.monotonic()
            elif "declared" not in message.content and identity in self._expected:
                self._arrived[identity] = message
        self._expected.discard(number)
        return self._arrived.pop(number)

    def end(self) -> None:
        """Kill the process, unless it was started before a fork and so belongs to the parent."""
        if self._owner != os.getpid():
            return
        self._process.kill()
        self._process.wait()
        for pipe in (self._to_process, self._from_process):
            with contextlib.suppress(OSError, ValueError):
                pipe.close()

    def _check_limits(self, waited: float, limits: Limits, declared: DeclaredSize) -> None:
        """Raise DecoderFailed where the process took more time (``waited``, seconds) or memory than allowed."""
        allowed_seconds = declared.seconds(limits) + (0 if self._last > 1 else _START_SECONDS)
        if waited > allowed_seconds:
            raise DecoderFailed(f"decoding took longer than {allowed_seconds:.0f} s: if the file is good, raise --time-limit")
        allowed_memory = declared.memory(limits)
        try:
            resident = self._usage.memory_info().rss
        except psutil.Error:
            return  # the process has just ended; _receive_answers reports that
        if resident > allowed_memory:
            raise DecoderFailed(
                f"decoding took more than {allowed_memory / GIB:.1f} GiB of memory: if the file is good, raise --memory-limit"
            )

    def _exit_reason(self) -> str:
        """The signal or exit status with which the process ended."""
        code = self._process.wait()
        return f"signal {-code}" if code < 0 else f"status {code}"

    def _receive_answers(self) -> None:
        """Put the answers from the pipe into a queue; None at their end.

        This runs in its own thread, because on Windows reading from a pipe has no timeout.
        """
        with contextlib.suppress(OSError, ValueError):
            while (message := read_message(self._from_process)) is not None:
                self._answers.put(message)
        self._answers.put(None)


def _file_size(file: Path) -> int:
    """Bytes of a file; 0 where it does not exist, which opening it will report."""
    try:
        return file.stat().st_size
    except OSError:
        return 0


@functools.cache
def shared_decoder() -> Decoder:
    """The decoder that all of this process uses; it is closed at the exit of the process."""
    decoder = Decoder()
    atexit.register(decoder.close)
    return decoder
