"""Content sniffing: the kind of a file, from its first bytes and never from its name.

Signatures: DICOM PS3.10 section 7.1, the PNG, JPEG, TIFF, BMP, GIF, WebP, RIFF, ISO BMFF, Matroska, ASF and MPEG-PS
specifications, nifti1.h and nifti2.h, and the NRRD and MetaImage format descriptions.
"""

from __future__ import annotations

import re
import struct
import zlib
from pathlib import Path
from typing import Literal

from ..core.errors import UnreadableInput

Kind = Literal["dicom", "dicomdir", "still", "tiff", "video", "volume"]

# Bytes at the start of a file that suffice to detect its kind.
_HEAD_BYTES = 4096
_DICOMDIR_UID = re.compile(rb"1\.2\.840\.10008\.1\.3\.10(?![.\d])")
_STILL_SIGNATURES = (
    b"\x89PNG\r\n\x1a\n",
    b"\xff\xd8\xff",
    b"GIF87a",
    b"GIF89a",
    b"\0\0\0\x0cjP  \r\n\x87\n",
    b"\xff\x4f\xff\x51",
)
_TIFF_SIGNATURES = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
JPEG_XL_SIGNATURES = (b"\xff\x0a", b"\0\0\0\x0cJXL \r\n\x87\n")
_VIDEO_SIGNATURES = (b"\x1a\x45\xdf\xa3", b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", b"\0\0\x01\xba", b"\0\0\x01\xb3", b"FLV\x01")
_STILL_BRANDS = (b"avif", b"avis", b"heic", b"heix", b"mif1", b"msf1")
_NETPBM_SIGNATURES = (b"P1", b"P2", b"P3", b"P4", b"P5", b"P6")


def kind_of(path: Path) -> Kind:
    """The kind of the file at ``path``.

    Raises
    ------
    UnreadableInput
        The file is missing, not readable, empty, or holds no kind of image known here.
    """
    try:
        with open(path, "rb") as file:
            head = file.read(_HEAD_BYTES)
    except FileNotFoundError:
        raise UnreadableInput("the file does not exist: a DICOMDIR or a link refers to something that is not there") from None
    except OSError as error:
        raise UnreadableInput(f"the file cannot be opened ({type(error).__name__}): check its permissions") from None
    if not head:
        raise UnreadableInput("the file is empty")
    kind = kind_of_bytes(head)
    if kind is None:
        raise UnreadableInput("not an image: its content is none of the known image, video and volume formats")
    return kind


def kind_of_bytes(head: bytes) -> Kind | None:
    """The kind of a file that starts with ``head`` (4 KiB suffice), or None where it is no known kind of image."""
    if head[128:132] == b"DICM":
        return "dicomdir" if _DICOMDIR_UID.search(head[132:1024]) else "dicom"
    if head.startswith(_TIFF_SIGNATURES):
        return "tiff"
    if head.startswith((*_STILL_SIGNATURES, *JPEG_XL_SIGNATURES)) or _is_bmp(head) or (head[:4] == b"RIFF" and head[8:12] == b"WEBP"):
        return "still"
    if head.startswith(_NETPBM_SIGNATURES) and head[2:3].isspace():
        return "still"
    if head[4:8] == b"ftyp":
        return "still" if head[8:12] in _STILL_BRANDS else "video"
    if (
        head.startswith(_VIDEO_SIGNATURES)
        or (head[:4] == b"RIFF" and head[8:12] == b"AVI ")
        or head[4:8] in (b"moov", b"mdat", b"wide", b"free")
    ):
        return "video"
    if volume_format(head) is not None:
        return "volume"
    return "dicom" if _is_bare_dataset(head) else None


def volume_format(head: bytes) -> str | None:
    """SimpleITK's name of the reader for a volume file that starts with ``head``; None where it is no volume."""
    if head.startswith(b"\x1f\x8b"):
        return "NiftiImageIO" if _is_nifti(_gunzip_head(head)) else None
    if _is_nifti(head):
        return "NiftiImageIO"
    if head.startswith(b"NRRD0"):
        return "NrrdImageIO"
    return "MetaImageIO" if _is_metaimage(head) else None


def _is_bmp(head: bytes) -> bool:
    return head[:2] == b"BM" and len(head) > 26 and struct.unpack("<I", head[14:18])[0] in (12, 40, 52, 56, 64, 108, 124)


def _is_nifti(head: bytes) -> bool:
    first = head[:4]
    if first in (struct.pack("<i", 348), struct.pack(">i", 348)):
        return head[344:348] in (b"n+1\0", b"ni1\0")
    return first in (struct.pack("<i", 540), struct.pack(">i", 540)) and head[4:8] in (b"n+2\0", b"ni2\0")


def _gunzip_head(head: bytes) -> bytes:
    """The first 1024 bytes of a gzip stream, decompressed; empty where it is damaged."""
    try:
        return zlib.decompressobj(wbits=31).decompress(head, 1024)
    except zlib.error:
        return b""


def _is_metaimage(head: bytes) -> bool:
    keys = {line.split(b"=")[0].strip() for line in head.split(b"\n")[:40] if b"=" in line}
    return b"NDims" in keys and bool(keys & {b"ObjectType", b"DimSize"})


def _is_bare_dataset(head: bytes) -> bool:
    """Whether this is DICOM without preamble: it starts with an element of the file meta information (group 0002) or of group 0008."""
    if len(head) < 12:
        return False
    for order in "<>":
        group, element, length = struct.unpack(order + "HHI", head[:8])
        explicit = head[4:6] in (b"UL", b"UI", b"CS", b"OB", b"DA", b"SH")
        if group in (0x0002, 0x0008) and element <= 0x0100 and (explicit or length <= 256):
            return True
    return False
