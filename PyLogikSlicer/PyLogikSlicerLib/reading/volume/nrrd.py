"""Reads NRRD headers (teem.sourceforge.net/nrrd/format.html).

pynrrd parses the fields. Before that, the lines are sorted here: pynrrd removes all letters that are not ASCII, does not distinguish
fields from key/value pairs, fails on a list of data files, and has no limit for the size of a header.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO

import nrrd
import numpy as np

from ...core.errors import UnreadableInput
from .header import LONGEST_LINE, MILLIMETERS, MOST_LINES, AxisKind, VolumeHeader
from .voxel_data import DataPart, Encoding, VoxelData, data_file_beside, listed_data_files, numbered_data_files

_ENCODINGS: dict[str, Encoding] = {
    "raw": "raw",
    "gz": "gzip",
    "gzip": "gzip",
    "bz2": "bzip2",
    "bzip2": "bzip2",
    "txt": "text",
    "text": "text",
    "ascii": "text",
    "hex": "hex",
}
_COLOR_KINDS = ("rgb-color", "rgba-color", "3-color", "4-color")
# The components of one value: vectors, tensors, complex numbers and the like.
_VALUE_KINDS = (
    "vector",
    "covariant-vector",
    "normal",
    "complex",
    "2-vector",
    "3-vector",
    "4-vector",
    "3-gradient",
    "3-normal",
    "quaternion",
)
_IN_SPACE = ("domain", "space")
# Signs of the axes of each named space in LPS (x to the patient's left, y to the back, z up). Any other space is LPS, or is taken for it,
# as ITK does. The spaces with time have a fourth component.
_TO_LPS = {
    "right-anterior-superior": (-1, -1, 1),
    "right-anterior-superior-time": (-1, -1, 1),
    "ras": (-1, -1, 1),
    "rast": (-1, -1, 1),
    "left-anterior-superior": (1, -1, 1),
    "left-anterior-superior-time": (1, -1, 1),
    "las": (1, -1, 1),
    "last": (1, -1, 1),
}
_MAGIC = re.compile(rb"NRRD0(00[1-6]|0\.01)")
_DATA_FILE = re.compile(r"\s*data ?file\s*", re.IGNORECASE)

# Fields whose values describe the image and not the patient.
_TECHNICAL = re.compile(
    r"type|dimension|space.*|sizes|endian|encoding|kinds|thicknesses|spacings|axis ?m(in|ax)s|center(s|ings)?|data ?file"
    r"|(line|byte) ?skip|measurement frame|units|number|block ?size|(old ?)?m(in|ax)|labels",
    re.IGNORECASE,
)


def read_nrrd(path: Path) -> VolumeHeader:
    """The header of an NRRD file, attached or detached. Raises UnreadableInput where it is damaged."""
    with open(path, "rb") as file:
        lines = _header_lines(file)
        start = file.tell()
    specified, pairs, files = _split_lines(lines)
    try:
        fields = nrrd.read_header(specified)
    except Exception as error:  # pynrrd raises ValueError, KeyError and others besides its own
        raise UnreadableInput(f"the NRRD header is damaged ({type(error).__name__})") from None
    sizes = [int(size) for size in np.atleast_1d(fields.get("sizes", []))]
    if not sizes or len(sizes) != int(fields.get("dimension", -1)) or min(sizes) < 1:
        raise UnreadableInput("the NRRD header has no sizes, or they do not fit its dimension: the file is damaged")
    dtype, encoding = _dtype(fields), _ENCODINGS.get(str(fields.get("encoding", "")).lower())
    if encoding is None:
        raise UnreadableInput("the NRRD file has an encoding that is not supported: save it raw or with gzip")
    data = VoxelData(_parts(path, fields, files, start, encoding), encoding, dtype, tuple(sizes[::-1]))
    kinds = _kinds(fields, len(sizes))
    return VolumeHeader(data, tuple(kinds), _affine(fields, kinds), _identifying(fields) | pairs, fields=_segments(pairs))


def _header_lines(file: BinaryIO) -> list[bytes]:
    """The lines up to the empty one that ends the header; the file position is then behind that."""
    lines: list[bytes] = []
    while (line := file.readline(LONGEST_LINE)).strip() and len(lines) < MOST_LINES:
        lines.append(line.strip())
    return lines


def _split_lines(lines: Sequence[bytes]) -> tuple[list[str], dict[str, str], list[str]]:
    """The lines of a header by their meaning: the magic and the fields, the key/value pairs, and the data files listed at the end.

    The identifiers of the fields are in lower case.
    """
    if not lines or not _MAGIC.fullmatch(lines[0]):
        raise UnreadableInput("the NRRD header starts with a version that is not known: the file is damaged")
    specified, pairs = ["NRRD0005"], {}
    for number, line in enumerate(lines[1:], start=2):
        field, colon, value = line.decode("utf-8", "replace").partition(":")
        if line.startswith(b"#"):
            continue
        if value.startswith("="):
            pairs[field.strip()] = _unescape(value[1:].strip())
            continue
        if _DATA_FILE.fullmatch(field):
            value = _as_file_name(line.partition(b":")[2])
        specified.append(f"{field.lower()}{colon}{value}")
        if _DATA_FILE.fullmatch(field) and value.split()[:1] == ["LIST"]:
            return specified, pairs, [_as_file_name(name) for name in lines[number:]]
    return specified, pairs, []


def _as_file_name(name: bytes) -> str:
    return name.decode("utf-8", "surrogateescape").strip()


def _unescape(value: str) -> str:
    return re.sub(r"\\([n\\])", lambda found: "\n" if found[1] == "n" else "\\", value)


def _dtype(fields: dict[str, Any]) -> np.dtype:
    """The type of the values, with their byte order. Raises UnreadableInput where it is missing or not supported."""
    try:
        dtype = np.dtype(nrrd.reader._TYPEMAP_NRRD2NUMPY[str(fields["type"]).lower()])
    except KeyError:
        raise UnreadableInput("the type of the NRRD file is missing, or none that is supported: save it as numbers") from None
    if dtype.itemsize == 1:
        return dtype
    endian = str(fields.get("endian", "")).lower()
    if endian not in ("little", "big") and _ENCODINGS.get(str(fields.get("encoding", "")).lower()) != "text":
        raise UnreadableInput("the NRRD header does not tell the order of bytes (endian): the file is damaged")
    return dtype.newbyteorder(">" if endian == "big" else "<")


def _parts(path: Path, fields: dict[str, Any], listed_files: Sequence[str], start: int, encoding: Encoding) -> tuple[DataPart, ...]:
    """Where the values are stored; ``start`` is the offset of the first byte behind the header, in bytes.

    Lines are skipped before decompression, bytes after it. A byte skip of -1 means that the values are the last bytes of the file.
    """
    line_skip = int(fields.get("line skip", fields.get("lineskip", 0)))
    byte_skip = int(fields.get("byte skip", fields.get("byteskip", 0)))
    named = fields.get("data file", fields.get("datafile"))
    files = (path,) if named is None else listed_data_files(path, listed_files) if listed_files else _files(path, str(named))
    if line_skip < 0 or byte_skip < -1:
        raise UnreadableInput("the NRRD header skips less than nothing: the file is damaged")
    parts = []
    for file in files:
        at = _offset_after_lines(file, start if named is None else 0, line_skip)
        if byte_skip == -1:
            parts.append(DataPart(file, -1))
        elif encoding in ("raw", "text", "hex"):
            parts.append(DataPart(file, at + byte_skip))
        else:
            parts.append(DataPart(file, at, byte_skip))
    return tuple(parts)


def _files(path: Path, named: str) -> tuple[Path, ...]:
    """The data files that the field "data file" names: one, or those of a pattern."""
    # <format> <min> <max> <step> [<subdim>]; how many axes lie in one file follows from the sizes.
    pattern = re.fullmatch(r"(.*%.*?)\s+(-?\d+)\s+(-?\d+)\s+(-?\d+)(?:\s+\d+)?", named)
    if pattern:
        return numbered_data_files(path, pattern[1], *(int(number) for number in pattern.groups()[1:]))
    return (data_file_beside(path, named),)


def _offset_after_lines(file: Path, start: int, count: int) -> int:
    """The offset behind ``count`` lines that begin at the offset ``start``, in bytes."""
    if not count:
        return start
    with open(file, "rb") as opened:
        opened.seek(start)
        for _ in range(count):
            if not opened.readline(LONGEST_LINE):
                break
        return opened.tell()


def _kinds(fields: dict[str, Any], dimension: int) -> list[AxisKind]:
    """The kind of each axis, fastest axis first.

    Without the field "kinds", a first axis of size 3 or 4 holds color components where there are three axes or more.
    """
    named = [str(kind).lower() for kind in fields.get("kinds", [])]
    if len(named) != dimension:
        named = ["domain"] * dimension
    directions = fields.get("space directions")
    kinds: list[AxisKind] = []
    for axis, kind in enumerate(named):
        has_no_direction = directions is not None and len(directions) == dimension and bool(np.isnan(np.atleast_1d(directions[axis])).all())
        if kind in _COLOR_KINDS or kind in _VALUE_KINDS or kind.endswith("matrix"):
            kinds.append("component")
        elif kind in _IN_SPACE and not has_no_direction and kinds.count("space") < 3:
            kinds.append("space")
        else:  # list, time, point, stub, scalar, or an unknown kind
            kinds.append("list")
    if "kinds" not in fields and dimension >= 3 and int(fields["sizes"][0]) in (3, 4) and directions is None:
        kinds[0] = "component"
    return kinds


def _affine(fields: dict[str, Any], kinds: Sequence[AxisKind]) -> np.ndarray:
    """The affine ``(4, 4)`` from indices to mm in LPS; the identity for what the header does not state."""
    axes = [axis for axis, kind in enumerate(kinds) if kind == "space"][:3]
    affine = np.eye(4)
    directions, spacings, origin = fields.get("space directions"), fields.get("spacings"), fields.get("space origin")
    to_space = _to_lps(fields)
    for column, axis in enumerate(axes):
        if directions is not None and len(directions) == len(kinds):
            direction = _three_components(directions[axis])
            if np.isfinite(direction).all() and direction.any():
                affine[:3, column] = to_space * direction
        elif spacings is not None and len(np.atleast_1d(spacings)) == len(kinds) and np.isfinite(spacings[axis]) and spacings[axis]:
            affine[column, column] = abs(float(spacings[axis])) * _millimeters(fields.get("units"), axis)
    if origin is not None and np.isfinite(origin).all():
        affine[:3, 3] = to_space * _three_components(origin)
    return affine


def _to_lps(fields: dict[str, Any]) -> np.ndarray:
    """The factors ``(3,)`` by which the components of a vector of the header are multiplied to be mm in LPS."""
    signs = _TO_LPS.get(str(fields.get("space", "")).lower(), (1, 1, 1))
    return np.array([sign * _millimeters(fields.get("space units"), axis) for axis, sign in enumerate(signs)])


def _millimeters(units: Sequence[str] | None, axis: int) -> float:
    """Millimeters in the unit of an axis; 1 where it has none."""
    return MILLIMETERS.get(str(units[axis]).lower(), 1.0) if units is not None and axis < len(units) else 1.0


def _three_components(vector: Sequence[float]) -> np.ndarray:
    """The first three components of a vector, filled up with 0."""
    return np.append(np.asarray(vector, float), np.zeros(3))[:3]


def _identifying(fields: dict[str, Any]) -> dict[str, str]:
    """The fields with free text, such as the content."""
    return {key: value for key, value in fields.items() if isinstance(value, str) and not _TECHNICAL.fullmatch(key)}


def _segments(pairs: dict[str, str]) -> dict[str, str]:
    """The key/value pairs in which 3D Slicer describes the segments of a segmentation."""
    return {key: value for key, value in pairs.items() if re.match(r"Segment\d+_", key)}
