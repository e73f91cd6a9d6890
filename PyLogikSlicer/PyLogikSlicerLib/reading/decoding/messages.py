"""Messages between :mod:`.client` and the decoding process: a line of JSON, then the bytes of the arrays that it describes.

Not pickle: a decoder that a malicious file has taken over can send wrong pixels, but no code.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from types import MappingProxyType
from typing import Any, BinaryIO

import numpy as np

from ...core.geometry import Box
from ...core.stack import Display, Grid, Header, ImageStack, Reread, UltrasoundRegion, WrittenName

# Bytes of the longest JSON line that is read; this package writes none that is longer.
LONGEST_LINE = 1 << 26
# The kinds of NumPy types that are sent: unsigned, signed, floating point, bool.
_KINDS = "uifb"


@dataclass(frozen=True)
class Message:
    """``content`` can be written as JSON; ``arrays`` are sent after it as raw bytes."""

    content: Mapping[str, Any]
    arrays: tuple[np.ndarray, ...] = ()


def write_message(stream: BinaryIO, message: Message) -> None:
    """Write a message and flush. Raises OSError when the other process has closed the pipe."""
    described = [{"dtype": array.dtype.str, "shape": array.shape} for array in message.arrays]
    stream.write(json.dumps({**message.content, "arrays": described}).encode("ascii") + b"\n")
    for array in message.arrays:
        if array.size:
            stream.write(np.ascontiguousarray(array).data.cast("B"))
    stream.flush()


def read_message(stream: BufferedReader) -> Message | None:
    """The next message; None where the stream ends before or within it.

    Raises
    ------
    ValueError
        The other process sent something that is no message.
    """
    line = stream.readline(LONGEST_LINE)
    if not line.endswith(b"\n"):
        return None
    content = json.loads(line)
    arrays: list[np.ndarray] = []
    for described in content.pop("arrays"):
        array = _read_array(stream, described)
        if array is None:
            return None
        arrays.append(array)
    return Message(content, tuple(arrays))


def _read_array(stream: BufferedReader, described: Mapping[str, Any]) -> np.ndarray | None:
    """The array whose bytes come next in the stream; None where the stream ends within it."""
    dtype, shape = np.dtype(described["dtype"]), tuple(map(int, described["shape"]))
    if dtype.kind not in _KINDS or any(side < 0 for side in shape):
        raise ValueError("an array of a kind that is never sent")
    # The pipe writes straight into the memory of the array. Too few bytes mean that the other process has ended.
    buffer = bytearray(math.prod(shape) * dtype.itemsize)
    view, filled = memoryview(buffer), 0
    while filled < len(buffer):
        count = stream.readinto(view[filled:])
        if not count:
            return None
        filled += count
    return np.frombuffer(buffer, dtype).reshape(shape)


def path_to_text(path: Path) -> str:
    """The bytes of a path in hexadecimal digits, since file names need not be UTF-8 and JSON must be."""
    return os.fsencode(path).hex()


def path_from_text(text: str) -> Path:
    """The inverse of :func:`path_to_text`."""
    return Path(os.fsdecode(bytes.fromhex(text)))


def stack_to_message(stack: ImageStack) -> Message:
    """An image without its frames. ``source`` and ``sources`` are left out: the client knows the path that it sent."""
    tables: list[np.ndarray] = []
    content = {
        "name": stack.name,
        "frame_count": stack.frame_count,
        "rows": stack.rows,
        "columns": stack.columns,
        "channels": stack.channels,
        "dtype": stack.dtype.str,
        "bits": stack.bits,
        "whole": stack.whole,
        "dropped": list(stack.dropped),
        "display": _display_to_json(stack.display, tables),
        "frame_displays": [_display_to_json(display, tables) for display in stack.frame_displays],
        "header": _header_to_json(stack.header),
        "grid": stack.grid and {"slices": stack.grid.slices, "affine": np.asarray(stack.grid.affine).ravel().tolist()},
    }
    return Message(content, tuple(tables))


def stack_from_message(
    content: Mapping[str, Any],
    tables: Sequence[np.ndarray],
    path: Path,
    decode: Callable[[], Iterator[np.ndarray]],
    decode_again: Callable[[], Iterator[Reread]],
) -> ImageStack:
    """The image from the content of :func:`stack_to_message`; ``decode`` and ``decode_again`` give its frames.

    ``tables`` are the arrays of the message; its displays refer to them by index.
    """
    grid = content["grid"]
    return ImageStack(
        source=path,
        name=str(content["name"]),
        frame_count=int(content["frame_count"]),
        rows=int(content["rows"]),
        columns=int(content["columns"]),
        channels=int(content["channels"]),
        dtype=np.dtype(content["dtype"]),
        decode=decode,
        decode_again=decode_again,
        display=_display_from_json(content["display"], tables),
        frame_displays=tuple(_display_from_json(display, tables) for display in content["frame_displays"]),
        header=_header_from_json(content["header"]),
        sources=(path,),
        dropped=tuple(map(str, content["dropped"])),
        bits=int(content["bits"]),
        whole=bool(content["whole"]),
        grid=grid and Grid(int(grid["slices"]), np.reshape(grid["affine"], (4, 4))),
    )


def _display_to_json(display: Display, tables: list[np.ndarray]) -> dict:
    """A display as JSON; its table is appended to ``tables``, unless another display with the same table did so before."""
    index = None
    if display.table is not None:
        index = next((number for number, table in enumerate(tables) if table is display.table), len(tables))
        if index == len(tables):
            tables.append(display.table)
    return {
        "table": index,
        "first": display.first,
        "window": display.window and list(map(float, display.window)),
        "inverted": display.inverted,
        "padding": display.padding and list(map(float, display.padding)),
    }


def _display_from_json(data: Mapping[str, Any], tables: Sequence[np.ndarray]) -> Display:
    """The inverse of :func:`_display_to_json`."""
    return Display(
        table=None if data["table"] is None else tables[data["table"]],
        first=int(data["first"]),
        window=data["window"] and (float(data["window"][0]), float(data["window"][1])),
        inverted=bool(data["inverted"]),
        padding=data["padding"] and (float(data["padding"][0]), float(data["padding"][1])),
    )


def _header_to_json(header: Header) -> dict:
    """A header as JSON."""
    return {
        "identifying": {keyword: list(values) for keyword, values in header.identifying.items()},
        "persons": {keyword: [[list(name.readings), name.certain] for name in names] for keyword, names in header.persons.items()},
        "modality": header.modality,
        "manufacturer": header.manufacturer,
        "model": header.model,
        "ultrasound_regions": [[list(one.box), one.spatial_format, one.data_type] for one in header.ultrasound_regions],
    }


def _header_from_json(data: Mapping[str, Any]) -> Header:
    """The inverse of :func:`_header_to_json`."""
    regions = tuple(UltrasoundRegion(Box(box[0], box[1], box[2], box[3]), form, kind) for box, form, kind in data["ultrasound_regions"])
    identifying = {str(keyword): tuple(map(str, values)) for keyword, values in data["identifying"].items()}
    persons = {
        str(keyword): tuple(WrittenName(tuple(map(str, readings)), bool(certain)) for readings, certain in names)
        for keyword, names in data["persons"].items()
    }
    return Header(
        identifying=MappingProxyType(identifying),
        persons=MappingProxyType(persons),
        modality=str(data["modality"]),
        manufacturer=str(data["manufacturer"]),
        model=str(data["model"]),
        ultrasound_regions=regions,
    )
