"""Reading: from the paths a person names to :class:`~PyLogikSlicerLib.stack.ImageStack`.

The kind of a file is told by its content, never by its name. Sources are opened for reading only.
"""

from __future__ import annotations

from pathlib import Path

from ..errors import UnreadableInput
from ..stack import ImageStack
from .dicom import open_dicom
from .inputs import find_inputs
from .sniff import kind_of
from .stills import open_stills, stack_stills
from .video import open_video
from .volumes import open_volume

__all__ = ["find_inputs", "is_still", "open_stacks", "stack_stills"]


def open_stacks(path: Path) -> list[ImageStack]:
    """The images in a file: one, or several where the pages of a still differ in size or type.

    Parameters
    ----------
    path
        A DICOM instance, a still, a video or a volume, whatever it is called.

    Returns
    -------
    list[ImageStack]
        Not empty. The first frame of each was decoded; the others are when ``frames()`` comes to them.

    Raises
    ------
    UnreadableInput
        The file is no image or cannot be read; the message says why, without identifying text.
    """
    path = Path(path)
    kind = kind_of(path)
    if kind == "dicomdir":
        raise UnreadableInput("a DICOMDIR that refers to no image: name the folder of its images instead")
    openers = {"dicom": open_dicom, "still": open_stills, "video": open_video, "volume": open_volume}
    return openers[kind](path)


def is_still(path: Path) -> bool:
    """Whether the file is a still image (PNG, JPEG, TIFF ...), by its content; False where it cannot be told."""
    try:
        return kind_of(path) == "still"
    except UnreadableInput:
        return False
