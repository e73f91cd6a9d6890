"""The decoding process: started by :mod:`.client`, it reads requests from standard input and writes answers to standard output.

Requests are answered one after the other. The process prints nothing else, makes no files, and ends when its input ends. A thread of
its own reads the input, so that the process ends even while a decoder is at work, when the client is gone.
"""

from __future__ import annotations

import logging
import os
import queue
import sys
import threading
import warnings
from collections import OrderedDict
from collections.abc import Generator
from io import BufferedReader
from pathlib import Path
from typing import Any, BinaryIO

from ...core.errors import UnreadableInput, where
from ...core.processes import take_standard_pipes
from ...core.stack import ImageStack
from ..opening import open_file
from .limits import DeclaredSize, Limits, SizeListener, size_limits
from .messages import Message, path_from_text, path_to_text, read_message, stack_to_message, write_message

# Number of files whose headers are kept, so that several passes over an image parse its header once.
_MOST_OPEN_FILES = 8


class _Server:
    """The files that were opened last, and the streams of their frames."""

    def __init__(self) -> None:
        self._limits = Limits()
        self._opened: OrderedDict[tuple, tuple[list[ImageStack], DeclaredSize]] = OrderedDict()
        self._streams: dict[int, Generator[Message, None, None]] = {}
        self._last = 0

    def answer(self, request: dict[str, Any], on_declared: SizeListener) -> Message | None:
        """Do what a request asks for and return the answer; None for requests that have none.

        ``on_declared`` is called with the size that a header declares, before its image is decoded.
        """
        sizes = request.get("limits")
        if sizes:
            self._limits = Limits(frame_bytes=int(sizes["frame_bytes"]), image_bytes=int(sizes["image_bytes"]))
        with size_limits(self._limits, on_declared):
            if request["do"] == "open":
                return self._open(path_from_text(request["path"]), on_declared)
            if request["do"] == "dicomdir":
                return _referenced_files_message(path_from_text(request["path"]))
            if request["do"] == "mask":
                return _mask_message(path_from_text(request["path"]))
            if request["do"] in ("frames", "frames again"):
                stack = self._stacks(path_from_text(request["path"]), on_declared)[0][int(request["image"])]
                self._last += 1
                self._streams[self._last] = _frame_messages(stack) if request["do"] == "frames" else _frame_again_messages(stack)
                return Message({"stream": self._last})
            if request["do"] == "next":
                return next(self._streams[int(request["stream"])], Message({"end": True}))
            self._streams.pop(int(request["stream"])).close()
            return None

    def _open(self, path: Path, on_declared: SizeListener) -> Message:
        """The answer to a request to open a file: its images without their frames, and the size that its header declares."""
        stacks, declared = self._stacks(path, on_declared)
        messages = [stack_to_message(stack) for stack in stacks]
        sizes = {"frame_bytes": declared.frame_bytes, "piece_bytes": declared.piece_bytes}
        contents = [{**message.content, **sizes, "tables": len(message.arrays)} for message in messages]
        return Message({"stacks": contents}, tuple(table for message in messages for table in message.arrays))

    def _stacks(self, path: Path, on_declared: SizeListener) -> tuple[list[ImageStack], DeclaredSize]:
        """The images in a file and the size that its header declares; not parsed again where the file has not changed."""
        key = path, *_file_state(path)
        if key not in self._opened:
            declared_sizes = [DeclaredSize()]

            def remember(declared: DeclaredSize) -> None:
                declared_sizes.append(declared)
                on_declared(declared)

            with size_limits(self._limits, remember):
                stacks = open_file(path)
            self._opened[key] = stacks, declared_sizes[-1]
            if len(self._opened) > _MOST_OPEN_FILES:
                self._opened.popitem(last=False)
        self._opened.move_to_end(key)
        return self._opened[key]


def _file_state(path: Path) -> tuple[int, ...]:
    """Size, time of change and inode of a file, which change with its content; empty where the file does not exist."""
    try:
        status = path.stat()
    except OSError:
        return ()
    return status.st_size, status.st_mtime_ns, status.st_ino


def _frame_messages(stack: ImageStack) -> Generator[Message, None, None]:
    for frame in stack.frames():
        yield Message({}, (frame,))


def _frame_again_messages(stack: ImageStack) -> Generator[Message, None, None]:
    for again in stack.decode_again():
        yield Message({"number": again.number, "lossy": again.lossy}, (again.frame,))


def _referenced_files_message(path: Path) -> Message:
    from ..dicom.dicomdir import referenced_files

    return Message({"files": [path_to_text(file) for file in referenced_files(path)]})


def _mask_message(path: Path) -> Message:
    from ..mask.messages import mask_to_message
    from ..mask.opening import open_mask

    return mask_to_message(open_mask(path))


def serve(requests: BufferedReader, answers: BinaryIO) -> None:
    """Answer requests until they end, and then end the process. Only to be called in the decoding process itself."""
    waiting: queue.Queue[dict[str, Any]] = queue.Queue()
    threading.Thread(target=_receive_requests, args=(requests, waiting), daemon=True).start()
    server = _Server()
    while True:
        request = waiting.get()
        number = request["id"]

        def on_declared(declared: DeclaredSize, number: int = number) -> None:
            write_message(answers, Message({"id": number, "declared": [declared.frame_bytes, declared.piece_bytes]}))

        try:
            answer = server.answer(request, on_declared)
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


def _receive_requests(requests: BufferedReader, waiting: queue.Queue[dict[str, Any]]) -> None:
    while (message := read_message(requests)) is not None:
        waiting.put(dict(message.content))
    os._exit(0)


def _die_with_parent() -> None:
    """On Linux, let the kernel kill this process when the client ends: a decoder may hang while it holds Python's global lock."""
    if sys.platform == "linux":
        import ctypes
        import signal

        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def main() -> None:
    """Run the decoding process."""
    requests, answers = take_standard_pipes()
    _die_with_parent()
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    try:
        serve(requests, answers)
    except BaseException:
        os._exit(1)  # no traceback, since its last line may hold a path


if __name__ == "__main__":
    main()
