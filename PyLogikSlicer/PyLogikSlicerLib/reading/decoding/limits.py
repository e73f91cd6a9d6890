"""Limits on what decoding one input may cost: size, memory and time.

A file of some kilobytes can claim gigabytes. So every opener calls :func:`declare_size` with the size that the header declares, before
it decodes anything. A size above the limits is refused before memory is taken for it. From a size within them, the process that waits
for the frames (:mod:`.client`) computes how much memory and time the decoding process may take.

:func:`declare_size` is called from deep inside the openers. The limits in force and the listener that reports the size to the client
are therefore a context variable, which :func:`size_limits` sets for a ``with`` block, rather than a parameter of every opener.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from ...core.errors import UnreadableInput

# Bytes in a gibibyte.
GIB = 1 << 30
# Bytes per second that the slowest decoder here (JPEG 2000 of 16 bits on one busy core) gives at least.
SLOWEST_DECODER = 4_000_000
# How many times a frame is in memory at once while it is decoded, converted and sent: six times, and two in reserve.
COPIES_OF_A_FRAME = 8
# The same for an image that is decoded as a whole (a volume).
COPIES_OF_AN_IMAGE = 3


@dataclass(frozen=True)
class Limits:
    """The limits of one run.

    Parameters
    ----------
    memory
        Bytes that the decoding process may take beyond the copies of the declared size.
    seconds
        Time for each answer, beyond the time that decoding the declared bytes takes at the slowest rate.
    frame_bytes
        Size of the largest decoded frame that is accepted.
    image_bytes
        Size of the largest decoded image (all its frames) that is accepted.
    """

    memory: int = 2 * GIB
    seconds: float = 60.0
    frame_bytes: int = 1 * GIB
    image_bytes: int = 256 * GIB


@dataclass(frozen=True)
class DeclaredSize:
    """The size that a header declares, in bytes: of one decoded frame, and of what is decoded at once (a frame, or a whole volume)."""

    frame_bytes: int = 0
    piece_bytes: int = 0

    def memory(self, limits: Limits) -> int:
        """Bytes of memory that decoding an image of this size may take."""
        return limits.memory + COPIES_OF_A_FRAME * self.frame_bytes + COPIES_OF_AN_IMAGE * self.piece_bytes

    def seconds(self, limits: Limits) -> float:
        """Seconds that one answer of the decoding process may take."""
        return limits.seconds + self.piece_bytes / SLOWEST_DECODER


DEFAULT_LIMITS = Limits()
NOTHING_DECLARED = DeclaredSize()

SizeListener = Callable[[DeclaredSize], None]


def _ignore(declared: DeclaredSize) -> None:
    """The listener where nobody waits for the size, as in a test that calls an opener directly."""


_limits: ContextVar[Limits] = ContextVar("limits", default=DEFAULT_LIMITS)
_on_declared: ContextVar[SizeListener] = ContextVar("on_declared", default=_ignore)


@contextmanager
def size_limits(limits: Limits, on_declared: SizeListener) -> Iterator[None]:
    """Within this context, :func:`declare_size` checks against ``limits`` and calls ``on_declared`` with each accepted size."""
    limits_token, listener_token = _limits.set(limits), _on_declared.set(on_declared)
    try:
        yield
    finally:
        _limits.reset(limits_token)
        _on_declared.reset(listener_token)


def declare_size(frame_bytes: int, frames: int = 1, in_one_piece: bool = False) -> None:
    """Check the size that a header declares against the limits, and report it to the listener, before anything is decoded.

    Parameters
    ----------
    frame_bytes
        Bytes of one decoded frame.
    frames
        Number of frames.
    in_one_piece
        Whether the whole image is decoded at once.

    Raises
    ------
    UnreadableInput
        A frame or the image is larger than the limits allow.
    """
    limits = _limits.get()
    image_bytes = frame_bytes * frames
    if frame_bytes > limits.frame_bytes:
        raise UnreadableInput(
            f"a frame of {_in_gib(frame_bytes)} when decoded is more than the limit of {_in_gib(limits.frame_bytes)}: "
            "if the size is right, raise --frame-limit"
        )
    if image_bytes > limits.image_bytes:
        raise UnreadableInput(
            f"an image of {_in_gib(image_bytes)} when decoded is more than the limit of {_in_gib(limits.image_bytes)}: "
            "if the size is right, cut it into parts"
        )
    _on_declared.get()(DeclaredSize(frame_bytes, image_bytes if in_one_piece else frame_bytes))


def _in_gib(size: int) -> str:
    """Bytes as text in GiB."""
    return f"{size / GIB:.1f} GiB"
