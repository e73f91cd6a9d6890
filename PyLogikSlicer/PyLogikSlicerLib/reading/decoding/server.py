"""The process in which files are decoded: :mod:`.client` starts it, asks on its standard input and is answered on its standard output.

Requests are done one after the other. It writes nothing else anywhere, makes no files, and ends when its input ends: a thread waits
for that, so that it also ends in the middle of a decoder's work when the program that asked is gone.
"""

from __future__ import annotations

import logging
import os
import queue
import sys
import threading
import warnings
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from ...core.errors import UnreadableInput, where
from ...core.stack import ImageStack
from ..opening import open_file
from .limits import Limits, OnPromise, Promise, applied
from .messages import Message, path_from_text, path_to_text, read_message, stack_to_message, write_message

# Opened files that are kept, each a header and where its frames lie: the passes over an image open it once.
_KEPT = 8


class _Server:
    """Opened files and the streams of their frames."""

    def __init__(self) -> None:
        self._limits = Limits()
        self._opened: OrderedDict[tuple, tuple[list[ImageStack], Promise]] = OrderedDict()
        self._streams: dict[int, Iterator[Message]] = {}
        self._last = 0

    def answer(self, request: dict[str, Any], tell: OnPromise) -> Message | None:
        """What the request asks for; None where no answer is expected."""
        sizes = request.get("limits")
        if sizes:
            self._limits = Limits(frame_bytes=int(sizes["frame_bytes"]), image_bytes=int(sizes["image_bytes"]))
        with applied(self._limits, tell):
            if request["do"] == "open":
                return self._open(path_from_text(request["path"]), tell)
            if request["do"] == "dicomdir":
                return _referenced(path_from_text(request["path"]))
            if request["do"] == "mask":
                return _mask(path_from_text(request["path"]))
            if request["do"] in ("frames", "frames again"):
                stack = self._stacks(path_from_text(request["path"]), tell)[0][int(request["image"])]
                self._last += 1
                self._streams[self._last] = _frames(stack) if request["do"] == "frames" else _frames_again(stack)
                return Message({"stream": self._last})
            if request["do"] == "next":
                return next(self._streams[int(request["stream"])], Message({"end": True}))
            self._streams.pop(int(request["stream"])).close()  # type: ignore[attr-defined]
            return None

    def _open(self, path: Path, tell: OnPromise) -> Message:
        stacks, promised = self._stacks(path, tell)
        messages = [stack_to_message(stack) for stack in stacks]
        sizes = {"frame_bytes": promised.frame_bytes, "piece_bytes": promised.piece_bytes}
        contents = [{**message.content, **sizes, "tables": len(message.arrays)} for message in messages]
        return Message({"stacks": contents}, tuple(table for message in messages for table in message.arrays))

    def _stacks(self, path: Path, tell: OnPromise) -> tuple[list[ImageStack], Promise]:
        """The images in a file and what its header promised, from memory where the file is as it was."""
        key = path, *_identity(path)
        if key not in self._opened:
            promises = [Promise()]

            def remember(promised: Promise) -> None:
                promises.append(promised)
                tell(promised)

            with applied(self._limits, remember):
                stacks = open_file(path)
            self._opened[key] = stacks, promises[-1]
            if len(self._opened) > _KEPT:
                self._opened.popitem(last=False)
        self._opened.move_to_end(key)
        return self._opened[key]


def _identity(path: Path) -> tuple[int, ...]:
    """What changes with the content of a file; empty where there is none."""
    try:
        status = path.stat()
    except OSError:
        return ()
    return status.st_size, status.st_mtime_ns, status.st_ino


def _frames(stack: ImageStack) -> Iterator[Message]:
    for frame in stack.frames():
        yield Message({}, (frame,))


def _frames_again(stack: ImageStack) -> Iterator[Message]:
    for again in stack.decode_again():
        yield Message({"number": again.number, "lossy": again.lossy}, (again.frame,))


def _referenced(path: Path) -> Message:
    from ..dicom.dicomdir import referenced_files

    return Message({"files": [path_to_text(file) for file in referenced_files(path)]})


def _mask(path: Path) -> Message:
    from ..mask.messages import mask_to_message
    from ..mask.opening import open_mask

    return mask_to_message(open_mask(path))


def serve(requests: BinaryIO, answers: BinaryIO) -> None:
    """Answer requests until they end. Only to be called in the decoding process itself: its end ends the process."""
    waiting: queue.Queue[dict[str, Any]] = queue.Queue()
    threading.Thread(target=_take_requests, args=(requests, waiting), daemon=True).start()
    server = _Server()
    while True:
        request = waiting.get()
        number = request["id"]

        def tell(promised: Promise, number: int = number) -> None:
            write_message(answers, Message({"id": number, "promise": [promised.frame_bytes, promised.piece_bytes]}))

        try:
            answer = server.answer(request, tell)
        except UnreadableInput as error:
            answer = Message({"unreadable": str(error)})
        except MemoryError:
            answer = Message({"unreadable": "decoding the file needs more memory than there is"})
        except Exception as error:
            answer = Message(
                {"unreadable": f"the file cannot be decoded (unexpected {type(error).__name__} in {where(error)}): please report this"}
            )
        if answer is not None:
            write_message(answers, Message({**answer.content, "id": number}, answer.arrays))


def _take_requests(requests: BinaryIO, waiting: queue.Queue[dict[str, Any]]) -> None:
    while (message := read_message(requests)) is not None:
        waiting.put(dict(message.content))
    os._exit(0)


def _pipes() -> tuple[BinaryIO, BinaryIO]:
    """The two pipes, and no way to them or to stderr for anybody else: libraries print, and some of them names and paths."""
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    os.close(nowhere)
    return requests, answers


def _die_with_parent() -> None:
    """Linux only: a decoder that hangs while it holds Python's lock does not outlive the program that asked it."""
    if sys.platform == "linux":
        import ctypes
        import signal

        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def main() -> None:
    requests, answers = _pipes()
    _die_with_parent()
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    try:
        serve(requests, answers)
    except BaseException:
        os._exit(1)  # without a traceback, whose last line may hold a path


if __name__ == "__main__":
    main()
