"""Small files that claim, or inflate to, gigabytes."""

from __future__ import annotations

import gzip
import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import Image
from pydicom.uid import DeflatedExplicitVRLittleEndian, RLELossless
from reading_samples import ct_image, write_dicom


def bomb_of_deflated_elements(path: Path, size: int) -> Path:
    """A deflated DICOM file of some hundred kilobytes with a private element of ``size`` bytes before its pixels."""
    image = ct_image()
    write_dicom(path, image.tobytes(), image, DeflatedExplicitVRLittleEndian)
    content = path.read_bytes()
    start = 144 + struct.unpack("<I", content[140:144])[0]
    data_set = zlib.decompress(content[start:], -zlib.MAX_WBITS)
    at = data_set.index(struct.pack("<HH", 0x0028, 0x0002))
    element = struct.pack("<HH2sHI", 0x0009, 0x1001, b"OB", 0, size)
    deflater = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    with open(path, "wb") as file:
        file.write(content[:start] + deflater.compress(data_set[:at] + element))
        for _ in range(size >> 20):
            file.write(deflater.compress(bytes(1 << 20)))
        file.write(deflater.compress(data_set[at:]) + deflater.flush())
    return path


def bomb_of_png(path: Path, side: int) -> Path:
    """A PNG of black, ``side`` x ``side``, in a few hundred kilobytes."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    deflater = zlib.compressobj(9)
    rows = b"".join(deflater.compress(bytes(1 + 3 * side)) for _ in range(side)) + deflater.flush()
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b""))
    return path


def bomb_of_gif(path: Path, frames: int) -> Path:
    """An animation whose every frame repeats the same few bytes."""
    first, second = Image.new("P", (2000, 2000), 0), Image.new("P", (2000, 2000), 0)
    first.save(path, save_all=True, append_images=[second], optimize=False, disposal=2)
    content = path.read_bytes()
    at = content.rindex(b"\x21\xf9\x04")
    path.write_bytes(content[:at] + content[at:-1] * frames + b";")
    return path


def gzip_with_a_tail(path: Path, size: int) -> Path:
    """A small NIfTI volume, and behind it ``size`` bytes of nothing."""
    import nibabel

    volume = nibabel.Nifti1Image(np.arange(60 * 50 * 4, dtype=np.int16).reshape(60, 50, 4), np.eye(4))
    with gzip.open(path, "wb", compresslevel=9) as file:
        file.write(volume.to_bytes())
        for _ in range(size >> 20):
            file.write(bytes(1 << 20))
    return path


def rle_bomb(path: Path) -> Path:
    """An RLE frame of 30,000 x 30,000 x 3 that consists of runs."""
    side = 30_000
    segment = b"\x81\x00" * (side * side // 128 + 1)
    header = struct.pack("<16I", 3, 64, 64 + len(segment), 64 + 2 * len(segment), *[0] * 12)
    like = np.zeros((1, 1, 3), np.uint8)
    return write_dicom(path, [header + segment * 3], like, RLELossless, Rows=side, Columns=side)
