"""PNG, JPEG, TIFF, BMP, GIF, WebP and what else Pillow reads; every page or animation step is a frame."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import MappingProxyType

import cv2
import numpy as np
from PIL import ExifTags, Image, ImageOps

from ..errors import UnreadableInput
from ..stack import Display, Header, ImageStack
from .faults import reported
from .joining import joined
from .naming import name_of, natural_key

_ANIMATED_FORMATS = ("GIF", "PNG", "WEBP")
_IDENTIFYING_TAGS = {
    tag: tag.name
    for tag in (
        ExifTags.Base.Artist,
        ExifTags.Base.ImageDescription,
        ExifTags.Base.DateTime,
        ExifTags.Base.DateTimeOriginal,
        ExifTags.Base.DateTimeDigitized,
        ExifTags.Base.HostComputer,
        ExifTags.Base.CameraOwnerName,
        ExifTags.Base.BodySerialNumber,
        ExifTags.Base.XPAuthor,
        ExifTags.Base.XPTitle,
        ExifTags.Base.XPSubject,
        ExifTags.Base.XPComment,
        ExifTags.Base.DocumentName,
        ExifTags.Base.Copyright,
    )
}
_MAX_IDENTIFYING_LENGTH = 200
_UNDECODED = "the image cannot be decoded"


def open_stills(path: Path) -> list[ImageStack]:
    """The pages of a still image as frames: one stack, or one for each size and type where the pages differ.

    A rotation in the EXIF data is applied. Alpha is dropped and said to be; the colours under it stay as they are, so that
    text which alpha hides is found too. 16-bit samples stay 16-bit, palettes, CMYK and 1-bit are converted.

    Raises
    ------
    UnreadableInput
        The file is damaged, truncated, or of a kind that no decoder here knows.
    """
    with reported(_UNDECODED), Image.open(path) as image:
        pages = _pages_by_kind(image)
        header = Header(identifying=_identifying(image))
        dropped = ("alpha",) if _has_alpha(image) else ()
        inverted = image.format == "TIFF" and image.mode.startswith("I;16") and image.tag_v2.get(262) == 0  # type: ignore[attr-defined]
    name = name_of(path)
    return [
        _stack(path, name if number == 1 else f"{name}-{number}", indices, header, dropped, Display(inverted=inverted))
        for number, indices in enumerate(pages, start=1)
    ]


def stack_stills(paths: Sequence[Path]) -> list[ImageStack]:
    """The stills of each folder as the frames of one stack, in natural order, named after the folder.

    Raises
    ------
    UnreadableInput
        A file cannot be read as a still, or the stills of a folder differ in size or type.
    """
    folders: dict[Path, list[Path]] = defaultdict(list)
    for path in paths:
        folders[Path(path).parent].append(Path(path))
    return [_joined(folder, sorted(files, key=lambda file: natural_key(file.name))) for folder, files in folders.items()]


def _joined(folder: Path, files: list[Path]) -> ImageStack:
    stacks = [stack for file in files for stack in open_stills(file)]
    try:
        return joined(stacks, folder.resolve().name or stacks[0].name)
    except UnreadableInput as error:
        raise UnreadableInput(
            f"the stills of a folder cannot be one stack: {error}; run without --stack, or sort them into folders"
        ) from None


def _stack(path: Path, name: str, indices: list[int], header: Header, dropped: tuple[str, ...], display: Display) -> ImageStack:
    first = next(_frames(path, indices))
    return ImageStack(
        source=path,
        name=name,
        frame_count=len(indices),
        rows=first.shape[0],
        columns=first.shape[1],
        channels=3 if first.ndim == 3 else 1,
        dtype=first.dtype,
        decode=lambda: _frames(path, indices),
        display=display,
        header=header,
        sources=(path,),
        dropped=dropped,
        bits=8 * first.itemsize,
    )


def _frames(path: Path, indices: list[int]) -> Iterator[np.ndarray]:
    with reported(_UNDECODED):
        image = Image.open(path)
        deep = _deep_color_pages(path, image)
    with image:
        for index in indices:
            with reported(_UNDECODED):
                image.seek(index)
                frame = _deep_page(image, deep[index]) if deep is not None else _page(image)
            yield frame


def _page(image: Image.Image) -> np.ndarray:
    """One page as uint8, uint16, int32 or float32, grey or RGB, upright."""
    animated = image.format in _ANIMATED_FORMATS and getattr(image, "is_animated", False)
    upright = ImageOps.exif_transpose(image)
    if upright.mode in ("1", "L") and not animated:
        return np.asarray(upright.convert("L"))
    if upright.mode in ("LA", "La") and not animated:
        return np.asarray(upright)[..., 0]
    if upright.mode.startswith("I;16"):
        return np.asarray(upright).astype(np.uint16, copy=False)
    if upright.mode in ("I", "F"):
        return np.asarray(upright)
    if upright.mode in ("RGBA", "RGBX", "RGB"):
        return np.ascontiguousarray(np.asarray(upright)[..., :3])
    return np.asarray(upright.convert("RGB"))


def _deep_color_pages(path: Path, image: Image.Image) -> list[np.ndarray] | None:
    """All pages where they are colour of 16 bits, which Pillow cuts down to 8; else None."""
    if not _has_deep_color(image):
        return None
    image.load()  # Pillow notices a truncated file, OpenCV pads it
    flags = cv2.IMREAD_COLOR | cv2.IMREAD_ANYDEPTH | cv2.IMREAD_IGNORE_ORIENTATION
    read, pages = cv2.imdecodemulti(np.frombuffer(path.read_bytes(), np.uint8), flags)
    if not read or len(pages) != getattr(image, "n_frames", 1):
        raise ValueError("OpenCV cannot decode the pages")
    return [cv2.cvtColor(page, cv2.COLOR_BGR2RGB) for page in pages]


def _has_deep_color(image: Image.Image) -> bool:
    if image.format == "PNG":
        with open(image.filename, "rb") as file:  # type: ignore[attr-defined]
            ihdr = file.read(26)
        return ihdr[24] == 16 and ihdr[25] in (2, 6)
    if image.format == "TIFF":
        return len(bits := image.tag_v2.get(258, ())) >= 3 and bits[0] == 16  # type: ignore[attr-defined]
    return False


def _deep_page(image: Image.Image, page: np.ndarray) -> np.ndarray:
    turn = _TURNS.get(image.getexif().get(ExifTags.Base.Orientation, 1)) if image.format == "PNG" else None
    return np.ascontiguousarray(turn(page)) if turn else page


_TURNS: dict[int, Callable[[np.ndarray], np.ndarray]] = {
    2: np.fliplr,
    3: lambda page: np.rot90(page, 2),
    4: np.flipud,
    5: lambda page: page.transpose(1, 0, 2),
    6: lambda page: np.rot90(page, -1),
    7: lambda page: np.rot90(page.transpose(1, 0, 2), 2),
    8: np.rot90,
}


def _pages_by_kind(image: Image.Image) -> list[list[int]]:
    """Indices of the pages that agree in size and type, in the order in which each kind comes first."""
    kinds: dict[tuple, list[int]] = defaultdict(list)
    for index in range(getattr(image, "n_frames", 1)):
        image.seek(index)
        kinds[(image.size, image.format not in _ANIMATED_FORMATS and image.mode)].append(index)
    image.seek(0)
    return list(kinds.values())


def _has_alpha(image: Image.Image) -> bool:
    return image.mode in ("LA", "La", "RGBA", "RGBa", "PA") or "transparency" in image.info


def _identifying(image: Image.Image) -> MappingProxyType[str, tuple[str, ...]]:
    """Values of EXIF and of text chunks that could also stand in the picture."""
    exif = image.getexif()
    tags = {**exif, **exif.get_ifd(ExifTags.IFD.Exif)}
    found = {name: _text(tags[tag]) for tag, name in _IDENTIFYING_TAGS.items() if tag in tags}
    # The comment of a JPEG or GIF file is bytes, the text chunks of a PNG file are text.
    found |= {
        key: _text(value) for key, value in image.info.items() if isinstance(key, str) and (isinstance(value, str) or key == "comment")
    }
    kept = {key: (value.strip(),) for key, value in found.items() if 1 < len(value.strip()) <= _MAX_IDENTIFYING_LENGTH}
    return MappingProxyType(kept)


def _text(value: object) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-16-le" if value[1:2] == b"\0" else "utf-8", "ignore").strip("\0")
    return str(value)
