"""Video files through OpenCV's FFmpeg, one frame at a time."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np

from ..errors import UnreadableInput
from ..stack import ImageStack
from .naming import name_of

# FFmpeg tells the standard error stream of damage, bytes of the file included; -8 is its level for nothing at all.
os.environ["OPENCV_FFMPEG_LOGLEVEL"] = "-8"

# What containers say of their length is often an estimate; this much less than said is a file cut short.
_SHARE_THAT_MUST_DECODE = 0.9


def open_video(path: Path) -> list[ImageStack]:
    """The frames of a video as one RGB stack; a rotation in the metadata is applied.

    The frames are counted by decoding them all once, because headers only estimate.

    Raises
    ------
    UnreadableInput
        FFmpeg finds no video, or far fewer frames than the file says.
    """
    declared = _declared_frame_count(path)
    count, shape = 0, None
    for frame in frames_of_video(path):
        shape = shape or frame.shape
        count += 1
    if shape is None or count < _SHARE_THAT_MUST_DECODE * declared:
        raise UnreadableInput(f"{count} of about {declared} frames could be decoded: the video is truncated or damaged")
    stack = ImageStack(
        source=path,
        name=name_of(path),
        frame_count=count,
        rows=shape[0],
        columns=shape[1],
        channels=3,
        dtype=np.dtype(np.uint8),
        decode=lambda: frames_of_video(path),
        sources=(path,),
    )
    return [stack]


def frames_of_video(path: Path) -> Iterator[np.ndarray]:
    """All frames in order, uint8 RGB ``(rows, columns, 3)``.

    Raises
    ------
    UnreadableInput
        FFmpeg cannot open the file.
    """
    capture = _opened(path)
    try:
        while True:
            read, frame = capture.read()
            if not read:
                return
            yield cv2.cvtColor(frame, cv2.COLOR_BGR2RGB)
    finally:
        capture.release()


def _declared_frame_count(path: Path) -> int:
    capture = _opened(path)
    try:
        # Streams without an index declare nothing, or nonsense.
        declared = capture.get(cv2.CAP_PROP_FRAME_COUNT)
        return int(declared) if 0 < declared < 1e8 else 0
    finally:
        capture.release()


def _opened(path: Path) -> cv2.VideoCapture:
    with _silent_opencv():
        capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
    if not capture.isOpened():
        raise UnreadableInput("the video cannot be opened: its codec is not supported, or the file is truncated or damaged")
    capture.set(cv2.CAP_PROP_ORIENTATION_AUTO, 1)
    return capture


@contextmanager
def _silent_opencv() -> Iterator[None]:
    """OpenCV names the file in the messages that it prints when it cannot open one."""
    log = cv2 if hasattr(cv2, "getLogLevel") else cv2.utils.logging  # OpenCV 5 moved it
    level = log.getLogLevel()
    log.setLogLevel(0)
    try:
        yield
    finally:
        log.setLogLevel(level)
