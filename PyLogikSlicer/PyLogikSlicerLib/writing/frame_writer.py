"""FrameWriter: writes the frames of one image in one format, and reads them back for verification.

A format of one file for each frame uses :class:`FileForEachFrame`. A format of one file for all frames is a class of its own with the same
methods.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np

from ..core.errors import VerificationFailed
from .formats import Format, decode, encode

# Digits of a frame's number in the name of its file, at least.
FRAME_DIGITS = 4


class FrameWriter(Protocol):
    """The pixels of an image on their way into files, and back.

    ``write`` is called from several threads at once, for each frame of the image in the first round and, where ``rewrites_single_frames``,
    for the changed ones alone in the later rounds; ``close`` is called after each round, and only then are frames read.
    """

    format: Format
    frame_count: int
    rewrites_single_frames: bool

    @property
    def files(self) -> Sequence[Path]:
        """All files of the image."""

    def write(self, number: int, pixels: np.ndarray) -> None:
        """Write frame ``number``, uint8 or uint16 ``(rows, columns[, 3])`` RGB. Raises VerificationFailed where that is impossible."""

    def close(self) -> None:
        """End a round of writing."""

    def read(self, number: int) -> np.ndarray:
        """Frame ``number`` as it stands in the files. Raises VerificationFailed where it cannot be read."""


class FileForEachFrame:
    """``<name>_0000.<suffix>`` and so on in a folder, one file for each frame."""

    rewrites_single_frames = True

    def __init__(self, fmt: Format, folder: Path, name: str, frame_count: int) -> None:
        self.format, self.frame_count = fmt, frame_count
        digits = max(FRAME_DIGITS, len(str(frame_count - 1)))
        self.files: Sequence[Path] = [folder / f"{name}_{number:0{digits}d}{fmt.suffix}" for number in range(frame_count)]

    def write(self, number: int, pixels: np.ndarray) -> None:
        try:
            self.files[number].write_bytes(encode(pixels, self.format))
        except OSError as error:
            raise VerificationFailed(f"frame {number} could not be written ({error.strerror}): nothing is published") from None

    def close(self) -> None:
        """Nothing is left open between frames."""

    def read(self, number: int) -> np.ndarray:
        try:
            return decode(self.files[number], self.format)
        except OSError:
            raise VerificationFailed(f"the file of frame {number} cannot be read back") from None


def open_writer(fmt: Format, folder: Path, name: str, frame_count: int) -> FrameWriter:
    """The writer of an image of ``frame_count`` frames in a format, into ``folder``."""
    return fmt.writer(fmt, folder, name, frame_count) if fmt.writer else FileForEachFrame(fmt, folder, name, frame_count)
