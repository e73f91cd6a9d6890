"""Decodes video with FFmpeg (PyAV), one frame at a time: video files, and the streams within DICOM files.

OpenCV's reader is not used: it reports success for frames that it did not write (interlaced video; vllm-project/vllm issue
47853), and returns what was in memory before, for example another patient's image.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO

import av
import cv2
import numpy as np

from ..core.errors import UnreadableInput
from ..core.stack import ImageStack, Reread
from .decoding.limits import declare_size
from .naming import image_name

# FFmpeg prints messages about damage to standard error, and bytes of the file with them, so its log is switched off. PyAV's own log
# callback, which its set_level installs, is not used: it waits for Python's global lock in FFmpeg's threads while the thread that holds
# the lock waits for these to end, for example in a damaged H.264 stream. This module is imported only in the decoding process.
av.logging.restore_default_callback()
av.logging.set_libav_level(av.logging.PANIC)

OpenStream = Callable[[], BinaryIO]

_DAMAGED = "the video is truncated or damaged"
# Share of the frames declared by the container that must be decodable; with fewer the file was cut short. Not all of them, because some
# containers count a frame or two that cannot be shown.
_SHARE_THAT_MUST_DECODE = 0.9
# Luma weights of red and blue (ITU-R BT.709 and BT.2020), by FFmpeg's number of the color space.
_LUMA_WEIGHTS = {1: (0.2126, 0.0722), 9: (0.2627, 0.0593), 10: (0.2627, 0.0593)}
# Those of ITU-R BT.601, which is also assumed where the color space is not specified.
_BT601 = (0.299, 0.114)
# FFmpeg's pixel formats whose planes are converted to RGB here: 8-bit luma and chroma; "j" is JPEG's full range.
_PLANAR_YUV = frozenset(f"yuv{full}{kind}p" for full in ("", "j") for kind in ("420", "422", "444"))


def open_video(path: Path) -> list[ImageStack]:
    """The frames of a video as one RGB stack, rotated as its metadata require.

    The frames are counted by decoding them all once, because the counts in headers are only estimates.

    Raises
    ------
    UnreadableInput
        There is no video, FFmpeg cannot decode its codec, it is damaged, or it has far fewer frames than the file declares.
    """

    def stream() -> BinaryIO:
        return open(path, "rb")

    count, shape = count_frames(stream)
    stack = ImageStack(
        source=path,
        name=image_name(path),
        frame_count=count,
        rows=shape[0],
        columns=shape[1],
        channels=3,
        dtype=np.dtype(np.uint8),
        decode=lambda: frames_of_video(stream),
        decode_again=lambda: frames_of_video_again(stream),
        sources=(path,),
    )
    return [stack]


def count_frames(stream: OpenStream) -> tuple[int, tuple[int, int]]:
    """The number of frames of a video, and their size (rows, columns). Raises UnreadableInput as :func:`open_video`."""
    count, shape = 0, None
    with _open_container(stream) as (container, video):
        declared = video.frames
        for frame in _decode_frames(container, video):
            if shape is None:
                shape = _upright_shape(frame)
                declare_size(3 * shape[0] * shape[1], max(declared, 1))
            count += 1
    if shape is None:
        raise UnreadableInput(f"no frame could be decoded: {_DAMAGED}")
    if count < _SHARE_THAT_MUST_DECODE * declared and not _is_trimmed(stream):
        raise UnreadableInput(f"{count} of {declared} frames could be decoded: {_DAMAGED}")
    return count, shape


def frames_of_video(stream: OpenStream) -> Iterator[np.ndarray]:
    """All frames in order, uint8 RGB ``(rows, columns, 3)``. Raises UnreadableInput as :func:`open_video`."""
    with _open_container(stream) as (container, video):
        for frame in _decode_frames(container, video):
            yield _rotate_upright(frame.to_ndarray(format="rgb24"), frame.rotation)


def frames_of_video_again(stream: OpenStream) -> Iterator[Reread]:
    """All frames, decoded by one thread, and converted to RGB by this module instead of FFmpeg's scaler for 8-bit YUV."""
    with _open_container(stream) as (container, video):
        video.thread_type = "NONE"
        for number, frame in enumerate(_decode_frames(container, video)):
            rgb = _rgb_of_planes(frame) if frame.format.name in _PLANAR_YUV else frame.to_ndarray(format="rgb24")
            yield Reread(number, _rotate_upright(rgb, frame.rotation), lossy=True)


@contextmanager
def _open_container(stream: OpenStream) -> Iterator[tuple[av.container.InputContainer, av.VideoStream]]:
    """The container and its first video stream. Raises UnreadableInput where there is none."""
    with stream() as file:
        try:
            container = av.open(file, mode="r")
        except av.error.FFmpegError as error:
            raise UnreadableInput(f"the video cannot be opened ({_reason(error)})") from None
        with container:
            if not container.streams.video:
                raise UnreadableInput("the file holds no video, or one whose codec is not supported")
            video = container.streams.video[0]
            # Slice threads only. With frame threads, a damaged slice that is filled in from the frame before (FFV1) differs from one
            # reading to the next, because the threads race.
            video.thread_type = "SLICE"
            yield container, video


def _decode_frames(container: av.container.InputContainer, video: av.VideoStream) -> Iterator[av.VideoFrame]:
    """The frames of a video. Raises UnreadableInput for a frame with damaged parts, which FFmpeg fills with invented pixels."""
    shape = None
    frames = container.decode(video)
    while True:
        try:
            frame = next(frames)
        except StopIteration:
            return
        except av.error.FFmpegError as error:
            raise UnreadableInput(f"a frame cannot be decoded ({_reason(error)})") from None
        if frame.is_corrupt:
            raise UnreadableInput(f"a frame is damaged: {_DAMAGED}")
        if shape is not None and shape != (frame.height, frame.width, frame.rotation):
            raise UnreadableInput("the frames of the video change in size or rotation: cut it into parts of one size")
        shape = frame.height, frame.width, frame.rotation
        yield frame


def _reason(error: av.error.FFmpegError) -> str:
    """The meaning of FFmpeg's error. Its own message is not used, as it may hold the name of the file."""
    if isinstance(error, av.error.DecoderNotFoundError):
        return "its codec is not supported: convert it to H.264 or another common one"
    if isinstance(error, av.error.InvalidDataError | av.error.EOFError):
        return "it is truncated or damaged"
    if error.errno in (errno.ENOSYS, errno.ENOTSUP):
        return "FFmpeg does not support what it uses: convert it to H.264 or another common codec"
    return type(error).__name__


def _is_trimmed(stream: OpenStream) -> bool:
    """Whether an edit list leaves out some of the stored frames (ISO/IEC 14496-12, 8.6.6)."""
    with _open_container(stream) as (container, video):
        if "mov" not in container.format.name.split(","):
            return False
        stored = video.frames * Fraction(1) / video.average_rate if video.average_rate else None
        shown = video.duration * video.time_base if video.duration and video.time_base else None
    return stored is not None and shown is not None and shown < _SHARE_THAT_MUST_DECODE * stored


def _upright_shape(frame: av.VideoFrame) -> tuple[int, int]:
    """(rows, columns) of the frame after its rotation."""
    return (frame.width, frame.height) if frame.rotation % 180 else (frame.height, frame.width)


def _rotate_upright(rgb: np.ndarray, rotation: int) -> np.ndarray:
    """The frame rotated counterclockwise by ``rotation`` degrees, a multiple of 90 from the metadata."""
    return np.ascontiguousarray(np.rot90(rgb, rotation // 90)) if rotation else rgb


def _rgb_of_planes(frame: av.VideoFrame) -> np.ndarray:
    """The frame ``(rows, columns, 3)``, uint8 RGB, computed from its 8-bit planes of luma and chroma."""
    rows, columns = frame.height, frame.width
    planes = [_plane_array(plane) for plane in frame.planes]
    luma, blue, red = (
        plane if plane.shape == (rows, columns) else cv2.resize(plane, (columns, rows), interpolation=cv2.INTER_LINEAR) for plane in planes
    )
    full = frame.color_range == 2 or frame.format.name.startswith("yuvj")
    yuv = cv2.merge([luma, blue, red]).astype(np.float32)
    return np.clip(np.rint(cv2.transform(yuv, _yuv_to_rgb_matrix(int(frame.colorspace), full))), 0, 255).astype(np.uint8)


def _plane_array(plane: av.video.plane.VideoPlane) -> np.ndarray:
    """A plane ``(rows, columns)``, uint8, without the padding at the end of its lines."""
    lines = np.frombuffer(memoryview(plane), np.uint8, count=plane.line_size * plane.height).reshape(plane.height, plane.line_size)
    return np.ascontiguousarray(lines[:, : plane.width])


def _yuv_to_rgb_matrix(colorspace: int, full: bool) -> np.ndarray:
    """The matrix ``(3, 4)`` that multiplied with (Y, Cb, Cr, 1) gives RGB.

    ``colorspace`` is FFmpeg's number, which determines the luma weights. With ``full``, luma ranges from 0 to 255, else from 16 to 235.
    """
    red, blue = _LUMA_WEIGHTS.get(colorspace, _BT601)
    green = 1 - red - blue
    luma, chroma, black = (1.0, 1.0, 0.0) if full else (255 / 219, 255 / 224, 16.0)
    from_red, from_blue = 2 * (1 - red) * chroma, 2 * (1 - blue) * chroma
    rows = np.array(
        [
            (luma, 0, from_red),
            (luma, -from_blue * blue / green, -from_red * red / green),
            (luma, from_blue, 0),
        ]
    )
    return np.column_stack([rows, -rows @ (black, 128, 128)])
