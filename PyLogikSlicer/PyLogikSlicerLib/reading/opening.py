"""Opens an image file of any kind in the calling process: the decoding process calls this, and tests of single openers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from ..core.errors import UnreadableInput
from ..core.stack import ImageStack
from .sniff import Kind, kind_of


def open_file(path: Path) -> list[ImageStack]:
    """The images in a file: one, or several where the pages of a still differ in size or type.

    Raises
    ------
    UnreadableInput
        The file is no image or cannot be read; the message says why, without identifying text.
    """
    kind = kind_of(path)
    if kind == "dicomdir":
        raise UnreadableInput("a DICOMDIR that refers to no image: name the folder of its images instead")
    stacks = _OPENERS[kind](path)
    if not stacks:
        raise UnreadableInput("the file holds no image: it is truncated or damaged")
    return stacks


# Each opener is imported when the first file of its kind is opened: most runs need only one of the decoding libraries.
def _open_dicom(path: Path) -> list[ImageStack]:
    from .dicom.image import open_dicom

    return open_dicom(path)


def _open_stills(path: Path) -> list[ImageStack]:
    from .stills import open_stills

    return open_stills(path)


def _open_tiff(path: Path) -> list[ImageStack]:
    from .tiff import open_tiff

    return open_tiff(path)


def _open_video(path: Path) -> list[ImageStack]:
    from .video import open_video

    return open_video(path)


def _open_volume(path: Path) -> list[ImageStack]:
    from .volume.image import open_volume

    return open_volume(path)


_OPENERS: Mapping[Kind, Callable[[Path], list[ImageStack]]] = {
    "dicom": _open_dicom,
    "still": _open_stills,
    "tiff": _open_tiff,
    "video": _open_video,
    "volume": _open_volume,
}
