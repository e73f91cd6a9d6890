"""Opens PNG, JPEG, BMP, GIF, WebP, JPEG 2000, JPEG XL and other still images; every step of an animation is a frame.

Pillow decodes most of them, because it clears memory before it decodes into it and refuses truncated files. Color of more than 8 bits,
which Pillow would reduce to 8, is decoded by imagecodecs. imagecodecs is also the second decoder of the files that Pillow decodes.

Netpbm color of 16 bits (P6) is parsed here: Pillow reduces it to 8 bits, and imagecodecs has no decoder for it.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import cv2
import imagecodecs
import numpy as np
from PIL import ExifTags, Image, ImageOps

from ..core.errors import UnreadableInput
from ..core.stack import Header, ImageStack, Reread
from .codestreams import read_siz
from .decode_errors import as_unreadable_input
from .decoding.limits import declare_size
from .dicom.color import rgb_from_samples
from .metadata_text import is_identifying_length, text_of_tag
from .naming import image_name
from .orientation import apply_orientation
from .png_header import GREY_WITH_ALPHA, RGB, RGB_WITH_ALPHA, depth_and_color_type
from .sniff import JPEG_XL_SIGNATURES
from .stacks import stack_of

# Pillow's limit is switched off, since declare_size checks the limits of this package for every format alike.
Image.MAX_IMAGE_PIXELS = None

# Pillow's names of the formats whose frames may have different modes although they are of one animation.
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
_UNDECODED = "the image cannot be decoded"

# Decodes the bytes of a whole file to ``(rows, columns[, 3])``.
DecodeFile = Callable[[bytes], np.ndarray]


def open_stills(path: Path) -> list[ImageStack]:
    """The frames of a still image or animation: one stack, or one for each size and type where the frames differ.

    The orientation in the EXIF data is applied. Alpha is dropped, and reported in ``dropped``; the colors below it are unchanged, so
    that text hidden by alpha is found too. Samples of up to 16 bits are unchanged; palettes, CMYK and 1-bit images are converted.

    Raises
    ------
    UnreadableInput
        The file is damaged, truncated, or of a kind that no decoder here reads.
    """
    with as_unreadable_input(_UNDECODED):
        with open(path, "rb") as file:
            head = file.read(4096)
        if head.startswith(JPEG_XL_SIGNATURES):
            return [_single_frame_stack(path, _decode_jpeg_xl, Header(), ())]
        image = Image.open(path)
    with as_unreadable_input(_UNDECODED), image:
        declare_size(4 * image.width * image.height)  # before anything else, since Pillow decodes a PNG to look for its EXIF data
        header = Header(identifying=_identifying_values(image))
        dropped = ("alpha",) if _has_alpha(image, head) else ()
        decode_whole = _decoder_beyond_8_bits(image, head)
        if decode_whole is not None:
            declare_size(image.width * image.height * 6)
            image.load()  # raises where the file is truncated, which imagecodecs does not notice
            return [_single_frame_stack(path, decode_whole, header, dropped, int(image.getexif().get(ExifTags.Base.Orientation, 1)))]
        groups = _group_frames(image)
        whole = not _loses_bits_in_pillow(image, path)
    name = image_name(path)
    return [
        _stack(path, name if number == 1 else f"{name}-{number}", indices, header, dropped, whole)
        for number, indices in enumerate(groups, start=1)
    ]


def _stack(path: Path, name: str, indices: list[int], header: Header, dropped: tuple[str, ...], whole: bool) -> ImageStack:
    """The stack of the frames with these indices."""

    def decode() -> Iterator[np.ndarray]:
        return _decode_frames(path, indices)

    stack = stack_of(path, name, next(decode()), len(indices), decode, lambda: _frame_by_imagecodecs(path, indices))
    return replace(stack, header=header, dropped=dropped, whole=whole)


def _single_frame_stack(path: Path, decode: DecodeFile, header: Header, dropped: tuple[str, ...], orientation: int = 1) -> ImageStack:
    """The stack of a file with one frame, for which ``decode`` takes the bytes of the whole file."""

    def frame() -> np.ndarray:
        with as_unreadable_input(_UNDECODED):
            return apply_orientation(decode(path.read_bytes()), orientation)

    first = frame()
    dimensions = first.ndim
    stack = stack_of(path, image_name(path), first, 1, lambda: iter([frame()]), lambda: _frame_by_opencv(path, dimensions, orientation))
    return replace(stack, header=header, dropped=dropped)


def _decode_frames(path: Path, indices: list[int]) -> Iterator[np.ndarray]:
    """The frames with these indices, decoded by Pillow."""
    with as_unreadable_input(_UNDECODED):
        image = Image.open(path)
    with image:
        for index in indices:
            with as_unreadable_input(_UNDECODED):
                image.seek(index)
                frame = _to_array(image)
            yield frame


def _to_array(image: Image.Image) -> np.ndarray:
    """The current frame of the image as uint8, uint16, int32 or float32, ``(rows, columns[, 3])``, upright."""
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


def _decoder_beyond_8_bits(image: Image.Image, head: bytes) -> DecodeFile | None:
    """The function that decodes the file, where Pillow would reduce its samples to 8 bits; else None."""
    if image.format == "PNG":
        depth, color_type = depth_and_color_type(head)
        is_reduced = depth == 16 and color_type in (RGB, GREY_WITH_ALPHA, RGB_WITH_ALPHA)
        return _decode_png if is_reduced and not getattr(image, "is_animated", False) else None
    if image.format == "JPEG2000":
        return _decode_jpeg_2000 if read_siz(head).precision > 8 else None
    if image.format == "PPM":
        return _decode_netpbm if re.match(rb"P6\s", head) and _read_netpbm_header(head)[2] > 255 else None
    return None


def _decode_png(data: bytes) -> np.ndarray:
    return _drop_alpha(imagecodecs.png_decode(data))


def _decode_jpeg_2000(data: bytes) -> np.ndarray:
    precision = read_siz(data).precision
    samples = _drop_alpha(imagecodecs.jpeg2k_decode(data))
    return rgb_from_samples(samples, "RGB", precision) if samples.ndim == 3 else samples


def _decode_jpeg_xl(data: bytes) -> np.ndarray:
    samples = _drop_alpha(imagecodecs.jpegxl_decode(data))
    if samples.ndim not in (2, 3) or samples.dtype.kind not in "uf":
        raise UnreadableInput("an animation in JPEG XL is not supported: save its frames one by one")
    return samples


def _decode_netpbm(data: bytes) -> np.ndarray:
    """The samples of a PPM file of 16 bits (P6), scaled to the full range of uint16."""
    columns, rows, largest, start = _read_netpbm_header(data)
    if len(data) < start + 6 * rows * columns:
        raise UnreadableInput("the image is shorter than its header says: the file is truncated or damaged")
    samples = np.frombuffer(data, ">u2", count=3 * rows * columns, offset=start).reshape(rows, columns, 3)
    return rgb_from_samples(samples.astype(np.uint16), "RGB", largest.bit_length())


def _read_netpbm_header(data: bytes) -> tuple[int, int, int, int]:
    """Columns, rows, largest value, and where the samples begin (netpbm.sourceforge.net/doc/ppm.html)."""
    gap = rb"(?:\s|#[^\n]*\n)+"
    found = re.match(rb"P6" + gap + rb"(\d+)" + gap + rb"(\d+)" + gap + rb"(\d+)\s", data)
    if found is None:
        raise UnreadableInput("the Netpbm header is damaged")
    return int(found[1]), int(found[2]), int(found[3]), found.end()


def _drop_alpha(samples: np.ndarray) -> np.ndarray:
    """The samples without an alpha channel, as ``(rows, columns)`` or ``(rows, columns, 3)``."""
    if samples.ndim == 3 and samples.shape[2] <= 2:
        return np.ascontiguousarray(samples[..., 0])
    return np.ascontiguousarray(samples[..., :3]) if samples.ndim == 3 else samples


def _loses_bits_in_pillow(image: Image.Image, path: Path) -> bool:
    """Whether Pillow gives fewer bits of a sample than the file has: AVIF of 10 or 12 bits (av1C, byte 2, bit 6)."""
    if image.format != "AVIF":
        return False
    with open(path, "rb") as file:
        boxes = file.read(65536)
    at = boxes.find(b"av1C")
    return at < 0 or bool(boxes[at + 6] & 0x40)


# --- second decoders ------------------------------------------------------------------------------------------------------------


def _frame_by_imagecodecs(path: Path, indices: list[int]) -> Iterator[Reread]:
    """The first frame decoded by imagecodecs; nothing where it cannot decode the file, or converts its colors otherwise than Pillow."""
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
        samples = apply_orientation(_drop_alpha(decode(path.read_bytes())), orientation)
    except Exception:
        return  # a failure of the second decoder does not show that the first one was wrong
    if (samples.ndim == 3) == color:
        yield Reread(0, samples, lossy)


def _frame_by_opencv(path: Path, dimensions: int, orientation: int) -> Iterator[Reread]:
    """The frame of a PNG with 16-bit color, decoded by OpenCV; nothing for other files.

    ``dimensions`` is that of the frame, 2 or 3.
    """
    flags = cv2.IMREAD_UNCHANGED | cv2.IMREAD_IGNORE_ORIENTATION
    samples = cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), flags)
    if samples is None or samples.dtype != np.uint16 or not path.read_bytes().startswith(b"\x89PNG"):
        return
    if samples.ndim == 3 and dimensions == 3:
        yield Reread(0, apply_orientation(np.ascontiguousarray(samples[..., 2::-1]), orientation))


# --- metadata -------------------------------------------------------------------------------------------------------------------


def _group_frames(image: Image.Image) -> list[list[int]]:
    """Indices of the frames, grouped by their size and mode; the groups in the order of their first frames."""
    count = getattr(image, "n_frames", 1)
    kinds: dict[tuple, list[int]] = defaultdict(list)
    for index in range(count):
        image.seek(index)
        declare_size(4 * image.width * image.height, count)
        kinds[(image.size, image.format not in _ANIMATED_FORMATS and image.mode)].append(index)
    image.seek(0)
    return list(kinds.values())


def _has_alpha(image: Image.Image, head: bytes) -> bool:
    # Pillow's mode for a PNG with 16-bit samples does not show its alpha channel.
    is_png_with_alpha = image.format == "PNG" and depth_and_color_type(head)[1] in (GREY_WITH_ALPHA, RGB_WITH_ALPHA)
    return is_png_with_alpha or image.mode in ("LA", "La", "RGBA", "RGBa", "PA") or "transparency" in image.info


def _identifying_values(image: Image.Image) -> MappingProxyType[str, tuple[str, ...]]:
    """The values of EXIF tags and text chunks that may also be burned into the picture."""
    exif = image.getexif()
    tags = {**exif, **exif.get_ifd(ExifTags.IFD.Exif)}
    found = {name: text_of_tag(tags[tag]) for tag, name in _IDENTIFYING_TAGS.items() if tag in tags}
    # The comment of a JPEG or GIF file is bytes, the text chunks of a PNG file are text.
    found |= {
        key: text_of_tag(value)
        for key, value in image.info.items()
        if isinstance(key, str) and (isinstance(value, str) or key == "comment")
    }
    texts = {key: value.strip() for key, value in found.items()}
    return MappingProxyType({key: (text,) for key, text in texts.items() if is_identifying_length(text)})
