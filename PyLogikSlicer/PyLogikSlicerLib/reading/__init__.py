"""Reading image files of every kind as :class:`~PyLogikSlicerLib.core.stack.ImageStack`.

The kind of a file is detected from its content, never from its name. Files are opened for reading only, and decoded in a separate
process (:mod:`.decoding.client`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from ..core.errors import UnreadableInput
from ..core.stack import ImageStack
from .concatenation import concatenate_stacks
from .decoding.client import shared_decoder
from .decoding.limits import DEFAULT_LIMITS, Limits
from .inputs import find_inputs
from .naming import natural_key
from .sniff import kind_of

__all__ = ["Limits", "find_inputs", "is_still", "open_stacks", "stack_stills"]


def open_stacks(path: Path, limits: Limits = DEFAULT_LIMITS) -> list[ImageStack]:
    """The images in a file: one, or several where the pages of a still differ in size or type.

    Parameters
    ----------
    path
        A DICOM instance, a still, a video or a volume, whatever its name.
    limits
        Limits of size, memory and time for decoding it.

    Returns
    -------
    list[ImageStack]
        Not empty. The first frame of each has been decoded once, to see that it can be; ``frames()`` decodes all of them.

    Raises
    ------
    UnreadableInput
        The file is no image or cannot be read; the message says why, without identifying text.
    DecoderFailed
        Decoding the file crashed, or took more than the limits allow.
    """
    return shared_decoder().open(Path(path), limits)


def stack_stills(paths: Sequence[Path], limits: Limits = DEFAULT_LIMITS) -> list[ImageStack]:
    """One stack for each folder of ``paths``, whose frames are the folder's stills in natural order; it is named after the folder.

    Raises
    ------
    UnreadableInput
        A file cannot be read as a still, or the stills of a folder differ in size or type.
    """
    folders: dict[Path, list[Path]] = defaultdict(list)
    for path in paths:
        folders[Path(path).parent].append(Path(path))
    return [
        _concatenate_folder(folder, sorted(files, key=lambda file: natural_key(file.name)), limits) for folder, files in folders.items()
    ]


def is_still(path: Path) -> bool:
    """Whether the content of a file is a still image (PNG, JPEG, TIFF ...); False also where the file cannot be read."""
    try:
        return kind_of(path) in ("still", "tiff")
    except UnreadableInput:
        return False


def _concatenate_folder(folder: Path, files: list[Path], limits: Limits) -> ImageStack:
    """The stack of the stills in one folder, which are in the order of their frames."""
    stacks = []
    for file in files:
        if not is_still(file):
            raise UnreadableInput("the stills of a folder cannot be one stack: one of its files is no still; run without --stack")
        stacks += open_stacks(file, limits)
    try:
        return concatenate_stacks(stacks, folder.resolve().name or stacks[0].name)
    except UnreadableInput as error:
        raise UnreadableInput(
            f"the stills of a folder cannot be one stack: {error}; run without --stack, or sort them into folders"
        ) from None
