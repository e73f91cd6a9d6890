"""Decoder: the caller's side of the process that decodes files, so that a file can harm nothing but itself.

Image libraries crash, hang, and take all memory on some files, and what they print may name the patient. So files are decoded in a
process of their own: it stays ready for the next file, says nothing, and is ended when it takes more memory or time than the header
of the file gives reason for (:mod:`.limits`). What it was decoding then fails, with a reason; what comes after is not touched.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import os
import queue
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from ...core.errors import DecoderFailed, PyLogikSlicerError, UnreadableInput
from ...core.label_mask import Mask
from ...core.processes import python_command
from ...core.stack import ImageStack, Reread
from ..mask.messages import mask_from_message
from .limits import DEFAULT_LIMITS, GIB, NOTHING_PROMISED, Limits, Promise
from .messages import Message, path_from_text, path_to_text, read_message, stack_from_message, write_message

# How often the memory of the process is looked at while it is waited for, in seconds: a bomb grows by some 100 MB meanwhile.
_POLL_SECONDS = 0.05
# Starting Python and importing the libraries, on a slow disk.
_START_SECONDS = 60.0
# Bytes of a file per second, at least, while it is opened: the frames of a video are counted by decoding them all once. Still, a
# small file does not get the time to claim a million frames.
_SLOWEST_SCAN = 200_000


class Decoder:
    """Starts the decoding process with the first request (or :meth:`start`) and again after it was ended. Safe for threads.

    ``python``: the interpreter, by default this one, or Slicer's.
    """

    def __init__(self, python: str | None = None) -> None:
        self._python = python
        self._lock = threading.RLock()
        self._process: _Process | None = None

    def start(self) -> None:
        """Let the process start now, so that it is ready when it is needed; does not wait for it."""
        with self._lock:
            self._started()

    def open(self, path: Path, limits: Limits = DEFAULT_LIMITS) -> list[ImageStack]:
        """The images in a file, whose frames come from the process each time they are asked for.

        Raises
        ------
        UnreadableInput
            The file is no image or cannot be read; the message says why, without identifying text. :class:`DecoderFailed` where it
            brought the process down.
        """
        source = path_to_text(path)
        answer = self._ask({"do": "open", "path": source}, limits, file=path)
        stacks, tables = answer.content["stacks"], answer.arrays
        images = []
        for index, content in enumerate(stacks):
            count = int(content["tables"])
            own, tables = tables[:count], tables[count:]
            promised = Promise(int(content["frame_bytes"]), int(content["piece_bytes"]))
            asked = {"path": source, "image": index}
            images.append(
                stack_from_message(
                    content,
                    own,
                    path,
                    decode=functools.partial(self._frames, {"do": "frames", **asked}, limits, promised),
                    decode_again=functools.partial(self._frames_again, {"do": "frames again", **asked}, limits, promised),
                )
            )
        return images

    def referenced_files(self, dicomdir: Path, limits: Limits = DEFAULT_LIMITS) -> list[Path]:
        """The files that a DICOMDIR refers to, in its order. Raises UnreadableInput when it is damaged."""
        answer = self._ask({"do": "dicomdir", "path": path_to_text(dicomdir)}, limits)
        return [path_from_text(text) for text in answer.content["files"]]

    def mask(self, path: Path, limits: Limits = DEFAULT_LIMITS) -> Mask:
        """The labels in a mask file. Raises as :meth:`open` does."""
        return mask_from_message(self._ask({"do": "mask", "path": path_to_text(path)}, limits, file=path))

    def close(self) -> None:
        """End the process."""
        with self._lock:
            if self._process is not None:
                self._process.end()
                self._process = None

    def _frames(self, request: dict[str, Any], limits: Limits, promised: Promise) -> Iterator[np.ndarray]:
        for answer in self._stream(request, limits, promised):
            yield answer.arrays[0]

    def _frames_again(self, request: dict[str, Any], limits: Limits, promised: Promise) -> Iterator[Reread]:
        for answer in self._stream(request, limits, promised):
            yield Reread(int(answer.content["number"]), answer.arrays[0], bool(answer.content["lossy"]))

    def _stream(self, request: dict[str, Any], limits: Limits, promised: Promise) -> Iterator[Message]:
        """The answers of a stream, each asked for while the one before is worked on."""
        process = None
        try:
            with self._lock:
                opened = self._ask(request, limits, promised)
                process, ask = self._started(), {"do": "next", "stream": opened.content["stream"]}
                number = process.send(ask)
            while True:
                with self._lock:
                    answer = self._answer(process, number, limits, promised)
                    if answer.content.get("end"):
                        return
                    number = process.send(ask)
                yield answer
        finally:
            if process is not None:
                with self._lock:
                    process.forget(number)
                    process.send({"do": "close", "stream": opened.content["stream"]}, wanted=False)

    def _ask(self, request: dict[str, Any], limits: Limits, promised: Promise = NOTHING_PROMISED, file: Path | None = None) -> Message:
        """The answer to a request. ``file``: it is read to its end for that, which takes time in proportion to its size."""
        if file is not None:
            limits = replace(limits, seconds=limits.seconds + _size(file) / _SLOWEST_SCAN)
        with self._lock:
            process = self._started()
            sizes = {"frame_bytes": limits.frame_bytes, "image_bytes": limits.image_bytes}
            return self._answer(process, process.send({**request, "limits": sizes}), limits, promised)

    def _answer(self, process: _Process, number: int, limits: Limits, promised: Promise) -> Message:
        try:
            answer = process.wait(number, limits, promised)
        except DecoderFailed:
            process.end()
            if self._process is process:
                self._process = None
            raise
        if "unreadable" in answer.content:
            raise UnreadableInput(str(answer.content["unreadable"]))
        return answer

    def _started(self) -> _Process:
        if self._process is not None and not self._process.is_usable:
            self._process.end()
            self._process = None
        if self._process is None:
            self._process = _Process(self._python)
        return self._process


class _Process:
    """One decoding process, and the thread that takes its answers from the pipe."""

    def __init__(self, python: str | None) -> None:
        try:
            self._process = subprocess.Popen(
                python_command(f"{__package__}.server", python),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )
        except OSError as error:
            raise PyLogikSlicerError(f"the decoding process cannot be started ({error.strerror}): is Python where it was?") from None
        self._owner = os.getpid()
        self._watched = psutil.Process(self._process.pid)
        self._last = 0
        self._wanted: set[int] = set()
        self._arrived: dict[int, Message] = {}
        self._answers: queue.Queue[Message | None] = queue.Queue()
        threading.Thread(target=self._take_answers, daemon=True).start()

    @property
    def is_usable(self) -> bool:
        """Whether it runs, and is this process's own: after a fork the pipes would be shared."""
        return self._owner == os.getpid() and self._process.poll() is None

    def send(self, request: dict[str, Any], wanted: bool = True) -> int:
        """Send a request and return the number that its answer bears. That the process has died is noticed by :meth:`wait`."""
        self._last += 1
        if wanted:
            self._wanted.add(self._last)
        with contextlib.suppress(OSError, ValueError):
            write_message(self._process.stdin, Message({**request, "id": self._last}))  # type: ignore[arg-type]
        return self._last

    def forget(self, number: int) -> None:
        """Drop the answer of this number, whether it is there already or comes later."""
        self._wanted.discard(number)
        self._arrived.pop(number, None)

    def wait(self, number: int, limits: Limits, promised: Promise) -> Message:
        """The answer of this number. Raises DecoderFailed when the process dies, or takes more memory or time than allowed."""
        start = time.monotonic()
        while number not in self._arrived:
            try:
                message = self._answers.get(timeout=_POLL_SECONDS)
            except queue.Empty:
                self._check(time.monotonic() - start, limits, promised)
                continue
            if message is None:
                raise DecoderFailed(f"the decoder crashed on this file ({self._exit()})")
            identity = message.content["id"]
            if "promise" in message.content and identity == number:
                promised = Promise(*map(int, message.content["promise"]))
                start = time.monotonic()
            elif "promise" not in message.content and identity in self._wanted:
                self._arrived[identity] = message
        self._wanted.discard(number)
        return self._arrived.pop(number)

    def end(self) -> None:
        """End the process at once, unless it belongs to the parent of a fork."""
        if self._owner != os.getpid():
            return
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(OSError, ValueError):
                pipe.close()  # type: ignore[union-attr]

    def _check(self, waited: float, limits: Limits, promised: Promise) -> None:
        allowed = promised.seconds(limits) + (0 if self._last > 1 else _START_SECONDS)
        if waited > allowed:
            raise DecoderFailed(f"decoding took longer than {allowed:.0f} s: if the file is good, raise --time-limit")
        memory = promised.memory(limits)
        try:
            taken = self._watched.memory_info().rss
        except psutil.Error:
            return  # it has just ended, which the end of its answers tells
        if taken > memory:
            raise DecoderFailed(f"decoding took more than {memory / GIB:.1f} GiB of memory: if the file is good, raise --memory-limit")

    def _exit(self) -> str:
        code = self._process.wait()
        return f"signal {-code}" if code < 0 else f"status {code}"

    def _take_answers(self) -> None:
        """Runs in a thread of its own, since a pipe cannot be waited for with a limit of time on Windows."""
        with contextlib.suppress(OSError, ValueError):
            while (message := read_message(self._process.stdout)) is not None:  # type: ignore[arg-type]
                self._answers.put(message)
        self._answers.put(None)


def _size(file: Path) -> int:
    """Bytes; 0 where there is no such file, which opening it will tell."""
    try:
        return file.stat().st_size
    except OSError:
        return 0


@functools.cache
def shared_decoder() -> Decoder:
    """The decoder of this process, which ends with it."""
    decoder = Decoder()
    atexit.register(decoder.close)
    return decoder
