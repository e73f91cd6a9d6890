"""Reading: from the paths a person names to :class:`~PyLogikSlicerLib.core.stack.ImageStack`.

The kind of a file is told by its content, never by its name. Sources are opened for reading only, and decoded in a process of
their own (:mod:`.decoding.client`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from ..core.errors import UnreadableInput
from ..core.stack import ImageStack
from .decoding.client import shared_decoder
from .decoding.limits import DEFAULT_LIMITS, Limits
from .inputs import find_inputs
from .joining import joined
from .naming import natural_key
from .sniff import kind_of

__all__ = ["Limits", "find_inputs", "is_still", "open_stacks", "stack_stills"]


def open_stacks(path: Path, limits: Limits = DEFAULT_LIMITS) -> list[ImageStack]:
    """The images in a file: one, or several where the pages of a still differ in size or type.

    Parameters
    ----------
    path
        A DICOM instance, a still, a video or a volume, whatever it is called.
    limits
        What decoding it may cost.

    Returns
    -------
    list[ImageStack]
        Not empty. The first frame of each was decoded; the others are when ``frames()`` comes to them.

    Raises
    ------
    UnreadableInput
        The file is no image or cannot be read; the message says why, without identifying text. :class:`DecoderFailed` where
        decoding it crashed, or took more than the limits allow.
    """
    return shared_decoder().open(Path(path), limits)


def stack_stills(paths: Sequence[Path], limits: Limits = DEFAULT_LIMITS) -> list[ImageStack]:
    """The stills of each folder as the frames of one stack, in natural order, named after the folder.

    Raises
    ------
    UnreadableInput
        A file cannot be read as a still, or the stills of a folder differ in size or type.
    """
    folders: dict[Path, list[Path]] = defaultdict(list)
    for path in paths:
        folders[Path(path).parent].append(Path(path))
    return [_joined(folder, sorted(files, key=lambda file: natural_key(file.name)), limits) for folder, files in folders.items()]


def is_still(path: Path) -> bool:
    """Whether the file is a still image (PNG, JPEG, TIFF ...), by its content; False where it cannot be told."""
    try:
        return kind_of(path) in ("still", "tiff")
    except UnreadableInput:
        return False


def _joined(folder: Path, files: list[Path], limits: Limits) -> ImageStack:
    stacks = []
    for file in files:
        if not is_still(file):
            raise UnreadableInput("the stills of a folder cannot be one stack: one of its files is no still; run without --stack")
        stacks += open_stacks(file, limits)
    try:
        return joined(stacks, folder.resolve().name or stacks[0].name)
    except UnreadableInput as error:
        raise UnreadableInput(
            f"the stills of a folder cannot be one stack: {error}; run without --stack, or sort them into folders"
        ) from None
