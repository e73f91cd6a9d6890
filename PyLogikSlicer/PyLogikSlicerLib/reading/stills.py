"""PNG, JPEG, BMP, GIF, WebP, JPEG 2000, JPEG XL and what else Pillow reads; every step of an animation is a frame.

Pillow clears an image before it decodes into it and refuses what is truncated. What it would cut down to 8 bits is decoded by
imagecodecs instead, and so is a frame of the other files once more, to confirm it.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from types import MappingProxyType

import cv2
import imagecodecs
import numpy as np
from PIL import ExifTags, Image, ImageOps

from ..core.errors import UnreadableInput
from ..core.stack import Header, ImageStack, Reread
from .codestreams import siz_of
from .decoding.limits import promise
from .dicom.color import rgb_from_samples
from .faults import reported
from .naming import name_of
from .orientation import turned_upright
from .sniff import JPEG_XL

# Limits of our own are checked, for every format alike.
Image.MAX_IMAGE_PIXELS = None

_ANIMATED_FORMATS = ("GIF", "PNG", "WEBP", "AVIF")
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
_PNG_COLOR_WITH_ALPHA = (4, 6)

DecodeDeep = Callable[[bytes], np.ndarray]


def open_stills(path: Path) -> list[ImageStack]:
    """The frames of a still image or animation: one stack, or one for each size and type where the frames differ.

    A rotation in the EXIF data is applied. Alpha is dropped and said to be; the colors under it stay as they are, so that text which
    alpha hides is found too. Samples of up to 16 bits stay as they are; palettes, CMYK and 1-bit are converted.

    Raises
    ------
    UnreadableInput
        The file is damaged, truncated, or of a kind that no decoder here knows.
    """
    with reported(_UNDECODED):
        with open(path, "rb") as file:
            head = file.read(4096)
        if head.startswith(JPEG_XL):
            return [_deep_stack(path, _jpeg_xl, Header(), ())]
        image = Image.open(path)
    with reported(_UNDECODED), image:
        promise(4 * image.width * image.height)  # first of all: to look for EXIF data in a PNG, Pillow decodes it
        header = Header(identifying=_identifying(image))
        dropped = ("alpha",) if _has_alpha(image, head) else ()
        decode_deep = _deep_decoder(image, head)
        if decode_deep is not None:
            promise(image.width * image.height * 6)
            image.load()  # Pillow notices what is truncated
            return [_deep_stack(path, decode_deep, header, dropped, int(image.getexif().get(ExifTags.Base.Orientation, 1)))]
        groups = _frames_by_kind(image)
        whole = not _is_cut_down(image, path)
    name = name_of(path)
    return [
        _stack(path, name if number == 1 else f"{name}-{number}", indices, header, dropped, whole)
        for number, indices in enumerate(groups, start=1)
    ]


def _stack(path: Path, name: str, indices: list[int], header: Header, dropped: tuple[str, ...], whole: bool) -> ImageStack:
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
        decode_again=lambda: _frame_by_imagecodecs(path, indices),
        header=header,
        sources=(path,),
        dropped=dropped,
        bits=8 * first.itemsize,
        whole=whole,
    )


def _deep_stack(path: Path, decode: DecodeDeep, header: Header, dropped: tuple[str, ...], orientation: int = 1) -> ImageStack:
    """The stack of a file that ``decode`` decodes as a whole, to one frame."""

    def frame() -> np.ndarray:
        with reported(_UNDECODED):
            return turned_upright(decode(path.read_bytes()), orientation)

    first = frame()
    return ImageStack(
        source=path,
        name=name_of(path),
        frame_count=1,
        rows=first.shape[0],
        columns=first.shape[1],
        channels=3 if first.ndim == 3 else 1,
        dtype=first.dtype,
        decode=lambda: iter([frame()]),
        decode_again=lambda: _frame_by_opencv(path, first.ndim, orientation),
        header=header,
        sources=(path,),
        dropped=dropped,
        bits=8 * first.itemsize,
    )


def _frames(path: Path, indices: list[int]) -> Iterator[np.ndarray]:
    with reported(_UNDECODED):
        image = Image.open(path)
    with image:
        for index in indices:
            with reported(_UNDECODED):
                image.seek(index)
                frame = _frame(image)
            yield frame


def _frame(image: Image.Image) -> np.ndarray:
    """The frame that the image is at, as uint8, uint16, int32 or float32, grey or RGB, upright."""
    animated = image.format in _ANIMATED_FORMATS and getattr(image, "is_animated", False)
    upright = ImageOps.exif_transpose(image)
    if upright.mode in ("1", "L") and not animated:
        return np.asarray(upright.convert("L"))
    if upright.mode in ("LA", "La") and not animated:
        return np.ascontiguousarray(np.asarray(upright)[..., 0])
    if upright.mode.startswith("I;16"):
        return np.asarray(upright).astype(np.uint16, copy=False)
    if upright.mode in ("I", "F"):
        return np.asarray(upright)
    if upright.mode in ("RGBA", "RGBX", "RGB"):
        return np.ascontiguousarray(np.asarray(upright)[..., :3])
    return np.asarray(upright.convert("RGB"))


# --- more than 8 bits -----------------------------------------------------------------------------------------------------------


def _deep_decoder(image: Image.Image, head: bytes) -> DecodeDeep | None:
    """What decodes the file where Pillow would cut its samples down to 8 bits; else None."""
    if image.format == "PNG":
        return _png if head[24] == 16 and head[25] in (2, 4, 6) and not getattr(image, "is_animated", False) else None
    if image.format == "JPEG2000":
        return _jpeg_2000 if siz_of(head).precision > 8 else None
    if image.format == "PPM":
        return _netpbm if re.match(rb"P6\s", head) and _netpbm_header(head)[2] > 255 else None
    return None


def _png(data: bytes) -> np.ndarray:
    return _without_alpha(imagecodecs.png_decode(data))


def _jpeg_2000(data: bytes) -> np.ndarray:
    precision = siz_of(data).precision
    samples = _without_alpha(imagecodecs.jpeg2k_decode(data))
    return rgb_from_samples(samples, "RGB", precision) if samples.ndim == 3 else samples


def _jpeg_xl(data: bytes) -> np.ndarray:
    samples = _without_alpha(imagecodecs.jpegxl_decode(data))
    if samples.ndim not in (2, 3) or samples.dtype.kind not in "uf":
        raise UnreadableInput("an animation in JPEG XL is not supported: save its frames one by one")
    return samples


def _netpbm(data: bytes) -> np.ndarray:
    columns, rows, largest, start = _netpbm_header(data)
    if len(data) < start + 6 * rows * columns:
        raise UnreadableInput("the image is shorter than its header says: the file is truncated or damaged")
    samples = np.frombuffer(data, ">u2", count=3 * rows * columns, offset=start).reshape(rows, columns, 3)
    return rgb_from_samples(samples.astype(np.uint16), "RGB", largest.bit_length())


def _netpbm_header(data: bytes) -> tuple[int, int, int, int]:
    """Columns, rows, largest value, and where the samples begin (netpbm.sourceforge.net/doc/ppm.html)."""
    gap = rb"(?:\s|#[^\n]*\n)+"
    found = re.match(rb"P6" + gap + rb"(\d+)" + gap + rb"(\d+)" + gap + rb"(\d+)\s", data)
    if found is None:
        raise UnreadableInput("the Netpbm header is damaged")
    return int(found[1]), int(found[2]), int(found[3]), found.end()


def _without_alpha(samples: np.ndarray) -> np.ndarray:
    """``(rows, columns)`` or ``(rows, columns, 3)``."""
    if samples.ndim == 3 and samples.shape[2] <= 2:
        return np.ascontiguousarray(samples[..., 0])
    return np.ascontiguousarray(samples[..., :3]) if samples.ndim == 3 else samples


def _is_cut_down(image: Image.Image, path: Path) -> bool:
    """Whether Pillow gives fewer bits of a sample than the file has: AVIF of 10 or 12 bits (av1C, byte 2, bit 6)."""
    if image.format != "AVIF":
        return False
    with open(path, "rb") as file:
        boxes = file.read(65536)
    at = boxes.find(b"av1C")
    return at < 0 or bool(boxes[at + 6] & 0x40)


# --- another decoder ------------------------------------------------------------------------------------------------------------


def _frame_by_imagecodecs(path: Path, indices: list[int]) -> Iterator[Reread]:
    """The first frame as another library decodes it, where it does not convert it otherwise; nothing where it cannot."""
    try:
        with Image.open(path) as image:
            decode = {
                "PNG": imagecodecs.png_decode,
                "JPEG": imagecodecs.jpeg8_decode,
                "WEBP": imagecodecs.webp_decode,
                "JPEG2000": imagecodecs.jpeg2k_decode,
                "BMP": imagecodecs.bmp_decode,
            }.get(image.format or "")
            if decode is None or indices != [0] or image.mode not in ("L", "RGB", "RGBA", "LA", "I;16"):
                return
            orientation, lossy = int(image.getexif().get(ExifTags.Base.Orientation, 1)), image.format in ("JPEG", "WEBP", "JPEG2000")
            color = image.mode in ("RGB", "RGBA")
        samples = turned_upright(_without_alpha(decode(path.read_bytes())), orientation)
    except Exception:
        return  # that another library cannot read it says nothing
    if (samples.ndim == 3) == color:
        yield Reread(0, samples, lossy)


def _frame_by_opencv(path: Path, dimensions: int, orientation: int) -> Iterator[Reread]:
    """The frame of a deep image as OpenCV decodes it; nothing where it cannot."""
    flags = cv2.IMREAD_UNCHANGED | cv2.IMREAD_IGNORE_ORIENTATION
    samples = cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), flags)
    if samples is None or samples.dtype != np.uint16 or not path.read_bytes().startswith(b"\x89PNG"):
        return
    if samples.ndim == 3 and dimensions == 3:
        yield Reread(0, turned_upright(np.ascontiguousarray(samples[..., 2::-1]), orientation))


# --- what the file says ---------------------------------------------------------------------------------------------------------


def _frames_by_kind(image: Image.Image) -> list[list[int]]:
    """Indices of the frames that agree in size and type, in the order in which each kind comes first."""
    count = getattr(image, "n_frames", 1)
    kinds: dict[tuple, list[int]] = defaultdict(list)
    for index in range(count):
        image.seek(index)
        promise(4 * image.width * image.height, count)
        kinds[(image.size, image.format not in _ANIMATED_FORMATS and image.mode)].append(index)
    image.seek(0)
    return list(kinds.values())


def _has_alpha(image: Image.Image, head: bytes) -> bool:
    is_deep_png = image.format == "PNG" and head[25] in _PNG_COLOR_WITH_ALPHA
    return is_deep_png or image.mode in ("LA", "La", "RGBA", "RGBa", "PA") or "transparency" in image.info


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
