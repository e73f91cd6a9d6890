"""The frames of an image that has no files, as one NumPy file in a private folder, which the worker reads."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..core.errors import UnreadableInput
from ..core.stack import Display, ImageStack

# The name of the image in an output folder: what a person calls a volume may be the patient's name.
NAME = "volume"


def write_array(path: Path, frames: np.ndarray, window: tuple[float, float] | None = None) -> None:
    """Store ``frames``, ``(frames, rows, columns[, 3])``, and the values (low, high) that are shown as black and white, if any."""
    np.savez(path, frames=frames, window=np.array([] if window is None else window, float))


def open_array(path: Path) -> ImageStack:
    """The image in a file of :func:`write_array`. Raises UnreadableInput when the file does not hold one."""
    try:
        with np.load(path) as content:
            frames, window = content["frames"], content["window"]
    except (OSError, ValueError, KeyError, EOFError) as error:
        raise UnreadableInput(f"the image cannot be taken from the scene ({type(error).__name__}): please report this") from None
    if frames.ndim not in (3, 4) or frames.shape[3:] not in ((), (3,)) or 0 in frames.shape or frames.dtype.kind not in "uif":
        raise UnreadableInput(f"an image of {frames.ndim} dimensions of {frames.dtype} is no stack of gray or color frames")
    if frames.ndim == 4 and frames.dtype not in (np.uint8, np.uint16):
        raise UnreadableInput(f"color of {frames.dtype} cannot be shown: convert the volume to 8 bits")
    return ImageStack(
        source=path,
        name=NAME,
        frame_count=frames.shape[0],
        rows=frames.shape[1],
        columns=frames.shape[2],
        channels=3 if frames.ndim == 4 else 1,
        dtype=frames.dtype,
        decode=lambda: iter(frames),
        display=Display(window=(float(window[0]), float(window[1])) if window.size else None),
        sources=(path,),
        bits=8 * frames.itemsize,
    )
