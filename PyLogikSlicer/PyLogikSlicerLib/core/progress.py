"""Progress: how far one stage of the work on one image has come, and the callback that reports it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Progress:
    """``done`` of ``total`` frames of a stage are finished.

    The stages of an image are "examine", "write" and "verify". The stage "compare" of a comparison counts steps instead of frames.
    """

    stage: str
    done: int
    total: int


# May raise to cancel the work.
OnProgress = Callable[[Progress], None]


def ignore_progress(progress: Progress) -> None:
    """The callback of a caller that does not show progress."""
