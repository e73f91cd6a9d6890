"""MetaImage headers (itk.org/Wiki/MetaIO): parsed here, since ITK reads a file only by its name, and no other library reads them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import BinaryIO

import numpy as np

from ..errors import UnreadableInput
from .volume_header import AxisKind, VolumeHeader
from .voxel_data import Encoding, Part, VoxelData, beside, listed, numbered

_TYPES = {
    "MET_CHAR": "i1",
    "MET_UCHAR": "u1",
    "MET_SHORT": "i2",
    "MET_USHORT": "u2",
    "MET_INT": "i4",
    "MET_UINT": "u4",
    "MET_LONG": "i4",
    "MET_ULONG": "u4",
    "MET_LONG_LONG": "i8",
    "MET_ULONG_LONG": "u8",
    "MET_FLOAT": "f4",
    "MET_DOUBLE": "f8",
}
_TECHNICAL = re.compile(
    r"ObjectType|ObjectSubType|TransformType|NDims|BinaryData.*|CompressedData.*|TransformMatrix|Offset|Origin|Position|CenterOfRotation"
    r"|AnatomicalOrientation|ElementSpacing|ElementSize|DimSize|HeaderSize|HeaderSizePerSlice|Modality|SequenceID|ElementMin|ElementMax"
    r"|ElementNumberOfChannels|ElementType|ElementDataFile|ElementByteOrderMSB|ElementToIntensity.*|Orientation|Rotation|Color|ID|ParentID"
    r"|DistanceUnits|Kinds|.*(Transform|TransformStatus|Timestamp|FrameNumber)"
)
_MOST_LINES = 1_000_000


def read_metaimage(path: Path) -> VolumeHeader:
    """The header of an .mha or .mhd file. Raises UnreadableInput where it makes no sense."""
    with open(path, "rb") as file:
        fields, names = _fields(file)
        start = file.tell()
    try:
        count = int(fields["NDims"])
        sizes = [int(size) for size in fields["DimSize"].split()]
        channels = int(fields.get("ElementNumberOfChannels", "1"))
        code = _TYPES[fields["ElementType"].upper().removesuffix("_ARRAY")]
        header_size = int(fields.get("HeaderSize", "0"))
    except (KeyError, ValueError):
        raise UnreadableInput("the MetaImage header lacks what it must say, or says it wrongly: the file is damaged") from None
    if len(sizes) != count or min(sizes, default=0) < 1 or channels < 1:
        raise UnreadableInput("the MetaImage header's sizes do not fit its dimension: the file is damaged")
    big = _is_true(fields, "BinaryDataByteOrderMSB") or _is_true(fields, "ElementByteOrderMSB")
    files = _files(path, fields["ElementDataFile"], names)
    is_text = not _is_true(fields, "BinaryData", "True")
    encoding: Encoding = "text" if is_text else "zlib" if _is_true(fields, "CompressedData") else "raw"
    parts = tuple(Part(file, start if file == path and not names else -1 if header_size == -1 else header_size) for file in files)
    shape = tuple(sizes[::-1]) + ((channels,) if channels > 1 else ())
    kinds: list[AxisKind] = ["component"] if channels > 1 else []
    kinds += ["space" if axis < 3 else "list" for axis in range(count)]
    data = VoxelData(parts, encoding, np.dtype(f"{'>' if big else '<'}{code}"), shape)
    free = {key: value for key, value in fields.items() if not _TECHNICAL.fullmatch(key)}
    return VolumeHeader(data, tuple(kinds), _affine(fields, count), free)


def _fields(file: BinaryIO) -> tuple[dict[str, str], list[str]]:
    """The fields up to ElementDataFile, which is the last one, and the file names that follow where it says LIST."""
    fields: dict[str, str] = {}
    for _ in range(_MOST_LINES):
        line = file.readline(1 << 20)
        if not line:
            break
        key, found, value = line.decode("utf-8", "surrogateescape").partition("=")
        if found:
            fields[key.strip()] = value.strip()
        if key.strip() == "ElementDataFile":
            is_list = value.split()[:1] and value.split()[0].upper() == "LIST"
            return fields, [name.strip() for name in file.read().decode("utf-8", "surrogateescape").splitlines()] if is_list else []
    raise UnreadableInput("the MetaImage header does not say where its data are: the file is truncated or damaged")


def _files(path: Path, named: str, names: list[str]) -> tuple[Path, ...]:
    words = named.split()
    if named.upper() == "LOCAL":
        return (path,)
    if names:
        return listed(path, [name for name in names if name])
    if len(words) >= 3 and "%" in words[0] and all(re.fullmatch(r"-?\d+", word) for word in words[1:4]):
        first, last, step = (*map(int, words[1:4]), 1)[:3]
        return numbered(path, words[0], first, last, step)
    return (beside(path, named),)


def _is_true(fields: dict[str, str], key: str, default: str = "False") -> bool:
    return fields.get(key, default).strip().upper() in ("TRUE", "T", "1", "YES")


def _affine(fields: dict[str, str], count: int) -> np.ndarray:
    held = min(count, 3)
    affine = np.eye(4)
    try:
        spacing = [float(word) for word in fields.get("ElementSpacing", fields.get("ElementSize", "1 " * count)).split()][:held]
        origin = [float(word) for word in fields.get("Offset", fields.get("Origin", fields.get("Position", "0 " * count))).split()][:held]
        matrix = fields.get("TransformMatrix", fields.get("Orientation", fields.get("Rotation")))
        # Each row of the file is the direction of one axis.
        directions = np.eye(count) if matrix is None else np.array(matrix.split(), float).reshape(count, count).T
        affine[:held, :held] = directions[:held, :held] * spacing
        affine[:held, 3] = origin
    except ValueError:
        return np.eye(4)  # where it lies in space does not decide what is in it
    return affine if np.isfinite(affine).all() else np.eye(4)
