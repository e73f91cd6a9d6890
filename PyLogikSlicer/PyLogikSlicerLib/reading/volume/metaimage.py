"""Reads MetaImage headers (itk.org/Wiki/MetaIO).

Parsed here because no other library than ITK reads them, and ITK reads a file only with its values (:mod:`.voxel_data`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np

from ...core.errors import UnreadableInput
from .header import LONGEST_LINE, MILLIMETERS, MOST_LINES, AxisKind, VolumeHeader
from .voxel_data import DataPart, Encoding, VoxelData, data_file_beside, listed_data_files, numbered_data_files

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
# Keys whose values describe the image and not the patient.
_TECHNICAL = re.compile(
    r"ObjectType|ObjectSubType|TransformType|NDims|BinaryData.*|CompressedData.*|TransformMatrix|Offset|Origin|Position|CenterOfRotation"
    r"|ElementOrigin|ElementDirection|FileFormatVersion"
    r"|AnatomicalOrientation|ElementSpacing|ElementSize|DimSize|HeaderSize|HeaderSizePerSlice|Modality|SequenceID|ElementMin|ElementMax"
    r"|ElementNumberOfChannels|ElementType|ElementDataFile|ElementByteOrderMSB|ElementToIntensity.*|Orientation|Rotation|Color|ID|ParentID"
    r"|DistanceUnits|Kinds|.*(Transform|TransformStatus|Timestamp|FrameNumber)"
)


def read_metaimage(path: Path) -> VolumeHeader:
    """The header of an .mha or .mhd file. Raises UnreadableInput where it is damaged."""
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
    if len(sizes) != count or min(sizes, default=0) < 1 or channels < 1 or header_size < -1:
        raise UnreadableInput("the MetaImage header's sizes do not fit its dimension: the file is damaged")
    is_local = fields["ElementDataFile"].upper() == "LOCAL"
    files = (path,) if is_local else _files(path, fields["ElementDataFile"], names, sizes[-1])
    parts = tuple(DataPart(file, header_size or (start if is_local else 0)) for file in files)
    shape = tuple(sizes[::-1]) + ((channels,) if channels > 1 else ())
    kinds: list[AxisKind] = ["component"] if channels > 1 else []
    kinds += ["space" if axis < 3 else "list" for axis in range(count)]
    big = _is_true(fields, "BinaryDataByteOrderMSB") or _is_true(fields, "ElementByteOrderMSB")
    data = VoxelData(parts, _encoding(fields), np.dtype(f"{'>' if big else '<'}{code}"), shape)
    free = {key: _as_text(value) for key, value in fields.items() if not _TECHNICAL.fullmatch(key)}
    return VolumeHeader(data, tuple(kinds), _affine(fields, count), free)


def _fields(file: BinaryIO) -> tuple[dict[str, str], list[str]]:
    """The fields up to ElementDataFile, which is the last one, and the file names that follow where its value is LIST."""
    fields: dict[str, str] = {}
    for _ in range(MOST_LINES):
        line = file.readline(LONGEST_LINE)
        if not line:
            break
        key, found, value = line.decode("utf-8", "surrogateescape").partition("=")
        if found:
            fields[key.strip()] = value.strip()
        if key.strip() == "ElementDataFile":
            is_list = value.split()[:1] and value.split()[0].upper() == "LIST"
            return fields, file.read(LONGEST_LINE).decode("utf-8", "surrogateescape").splitlines() if is_list else []
    raise UnreadableInput("the MetaImage header does not say where its data are: the file is truncated or damaged")


def _as_text(value: str) -> str:
    """The value with replacement characters for bytes that are not UTF-8, since those cannot be displayed or written."""
    return value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _encoding(fields: dict[str, str]) -> Encoding:
    if not _is_true(fields, "BinaryData", "True"):
        return "text"
    return "zlib" if _is_true(fields, "CompressedData") else "raw"


def _files(path: Path, named: str, names: list[str], count: int) -> tuple[Path, ...]:
    """The data files of a header: a list of names, a pattern with numbers, or one name.

    ``count`` is the number of files of a pattern that does not state the last number: one for each index along the last axis.
    """
    if names:
        return listed_data_files(path, [name.strip() for name in names if name.strip()])
    # <pattern> [<first> [<last> [<step>]]]
    pattern = re.fullmatch(r"(.*%.*?)(?:\s+(\d+))?(?:\s+(\d+))?(?:\s+(\d+))?", named)
    if pattern is None:
        return (data_file_beside(path, named),)
    first = int(pattern[2] or 1)
    return numbered_data_files(path, pattern[1], first, int(pattern[3] or first + count - 1), int(pattern[4] or 1))


def _is_true(fields: dict[str, str], key: str, default: str = "False") -> bool:
    return fields.get(key, default).strip().upper() in ("TRUE", "T", "1", "YES")


def _affine(fields: dict[str, str], count: int) -> np.ndarray:
    """The affine of a volume with ``count`` axes, from indices to mm in LPS; the identity where its fields are damaged."""
    spatial = min(count, 3)
    affine = np.eye(4)
    try:
        spacing = np.array(_first(fields, ("ElementSpacing", "ElementSize"), "1 " * count).split(), float)[:spatial]
        origin = np.array(_first(fields, ("ElementOrigin", "Offset", "Origin", "Position"), "0 " * count).split(), float)[:spatial]
        matrix = _first(fields, ("ElementDirection", "TransformMatrix", "Orientation", "Rotation"), "")
        # Each row of the file is the direction of one axis.
        directions = np.array(matrix.split(), float).reshape(count, count).T if matrix else np.eye(count)
        affine[:spatial, :spatial] = directions[:spatial, :spatial] * spacing
        affine[:spatial, 3] = origin
    except ValueError:
        return np.eye(4)  # the position in space is not needed to read the values
    affine[:3] *= MILLIMETERS.get(fields.get("DistanceUnits", "mm").lower(), 1.0)
    return affine if np.isfinite(affine).all() else np.eye(4)


def _first(fields: dict[str, str], keys: Sequence[str], default: str) -> str:
    """The value of the first of these keys that is there."""
    return next((fields[key] for key in keys if key in fields), default)
