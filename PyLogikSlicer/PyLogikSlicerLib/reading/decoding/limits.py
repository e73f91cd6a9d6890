"""What decoding one input may cost: memory, time and size, and how an opener promises what a header says before it decodes.

A file of some kilobytes can claim gigabytes. Every opener tells here how large the frames are that its header promises. What is
over the limits is refused before memory is taken for it; for what is within them, the process that waits for the frames
(:mod:`.client`) derives from the promise how much memory and time the decoding process may take.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from ...core.errors import UnreadableInput

GIB = 1 << 30
# Bytes per second that the slowest decoder here (JPEG 2000 of 16 bits on one busy core) gives at least.
SLOWEST_DECODER = 4_000_000
# How often the bytes of a frame are in memory at once while it is decoded, converted and sent: six, and two in reserve.
COPIES_OF_A_FRAME = 8
# The same of an image that is held as a whole (volumes).
COPIES_OF_AN_IMAGE = 3


@dataclass(frozen=True)
class Limits:
    """The limits of one run.

    ``memory``: bytes that the decoding process may take beyond the copies of what the header promises. ``seconds``: for each
    answer, beyond what decoding the promised bytes takes at the slowest rate. ``frame_bytes`` and ``image_bytes``: the largest
    decoded frame, and the largest decoded image, that are accepted at all.
    """

    memory: int = 2 * GIB
    seconds: float = 60.0
    frame_bytes: int = 1 * GIB
    image_bytes: int = 256 * GIB


@dataclass(frozen=True)
class Promise:
    """What a header says: the bytes of one decoded frame, and those that are decoded in one piece (a frame, or a whole volume)."""

    frame_bytes: int = 0
    piece_bytes: int = 0

    def memory(self, limits: Limits) -> int:
        """Bytes that decoding this may take."""
        return limits.memory + COPIES_OF_A_FRAME * self.frame_bytes + COPIES_OF_AN_IMAGE * self.piece_bytes

    def seconds(self, limits: Limits) -> float:
        """How long an answer may take."""
        return limits.seconds + self.piece_bytes / SLOWEST_DECODER


DEFAULT_LIMITS = Limits()
NOTHING_PROMISED = Promise()

OnPromise = Callable[[Promise], None]

_limits = DEFAULT_LIMITS
_on_promise: OnPromise = lambda promise: None  # noqa: E731


@contextmanager
def applied(limits: Limits, on_promise: OnPromise) -> Iterator[None]:
    """Within this context, :func:`promise` checks against ``limits`` and tells ``on_promise``. Not for several threads at once."""
    global _limits, _on_promise
    before = _limits, _on_promise
    _limits, _on_promise = limits, on_promise
    try:
        yield
    finally:
        _limits, _on_promise = before


def promise(frame_bytes: int, frames: int = 1, in_one_piece: bool = False) -> None:
    """Tell what a header promises, before any of it is decoded.

    Parameters
    ----------
    frame_bytes
        Of one decoded frame.
    frames
        How many there are.
    in_one_piece
        Whether the whole image is decoded at once.

    Raises
    ------
    UnreadableInput
        A frame or the image is larger than the limits allow.
    """
    if frame_bytes > _limits.frame_bytes:
        raise UnreadableInput(
            f"a frame of {_in_gib(frame_bytes)} when decoded is more than the limit of {_in_gib(_limits.frame_bytes)}: "
            "if the size is right, raise --frame-limit"
        )
    if frame_bytes * frames > _limits.image_bytes:
        raise UnreadableInput(
            f"an image of {_in_gib(frame_bytes * frames)} when decoded is more than the limit of {_in_gib(_limits.image_bytes)}: "
            "if the size is right, cut it into parts"
        )
    _on_promise(Promise(frame_bytes, frame_bytes * frames if in_one_piece else frame_bytes))


def _in_gib(size: int) -> str:
    return f"{size / GIB:.1f} GiB"
