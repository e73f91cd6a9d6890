"""The values of a volume out of its file or files: exactly as many as the header says, or none.

Not left to ITK: where compressed data are shorter than the header says, or damaged, it leaves memory as it was, the volume read
before for example, and reports success. Here every value comes from a byte that the file holds.
"""

from __future__ import annotations

import bz2
import math
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal

import numpy as np

from ..errors import UnreadableInput

Encoding = Literal["raw", "gzip", "zlib", "bzip2", "text"]

_BLOCK = 1 << 20
SHORT = "the volume's data are shorter than its header says: the file is truncated or damaged"


@dataclass(frozen=True)
class Part:
    """Where values lie: ``file`` from byte ``start`` on (from its end, where ``start`` is negative, as many as are needed);
    ``skip`` bytes are passed over after decompression."""

    file: Path
    start: int = 0
    skip: int = 0


@dataclass(frozen=True)
class VoxelData:
    """``shape``: slowest axis first. Each of ``parts`` holds the same number of values, one part after the other."""

    parts: tuple[Part, ...]
    encoding: Encoding
    dtype: np.dtype
    shape: tuple[int, ...]

    @property
    def size(self) -> int:
        """Bytes of all values."""
        return math.prod(self.shape) * self.dtype.itemsize

    def read(self) -> np.ndarray:
        """All values in the machine's byte order. Raises UnreadableInput where the files do not hold them all."""
        if math.prod(self.shape) % len(self.parts):
            raise UnreadableInput("the volume's header names more or fewer data files than its values fill: the file is damaged")
        if self.encoding == "text":
            values = np.concatenate([_numbers(part, self.dtype, math.prod(self.shape) // len(self.parts)) for part in self.parts])
        else:
            values = np.frombuffer(b"".join(_bytes(part, self.encoding, self.size // len(self.parts)) for part in self.parts), self.dtype)
        return values.astype(self.dtype.newbyteorder("="), copy=False).reshape(self.shape)


def _bytes(part: Part, encoding: Encoding, size: int) -> bytearray:
    """Exactly ``size`` bytes of a part; what follows them in the file is not read."""
    wanted = part.skip + size
    with open(part.file, "rb") as file:
        if part.start < 0:
            if encoding != "raw":
                raise UnreadableInput("compressed values cannot be found from the end of a file: the volume's header is damaged")
            end = file.seek(0, 2)
            if end < size:
                raise UnreadableInput(SHORT)
            file.seek(end - size)
        else:
            file.seek(part.start)
        held = bytearray()
        for piece in _inflated(file, encoding, wanted):
            held += piece
            if len(held) >= wanted:
                break
    if len(held) < wanted:
        raise UnreadableInput(SHORT)
    return held[part.skip : wanted]


def _inflated(file: BinaryIO, encoding: Encoding, wanted: int) -> Iterator[bytes]:
    """The bytes from here on, decompressed; at most a block more than ``wanted``."""
    if encoding == "raw":
        yield file.read(wanted)
        return
    # -1 in NRRD and MetaImage is a zlib stream with either header; gzip files may consist of several members.
    make: Callable = bz2.BZ2Decompressor if encoding == "bzip2" else lambda: zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)
    inflater, waiting = make(), b""
    try:
        while True:
            if inflater.eof:
                waiting = inflater.unused_data or file.read(_BLOCK)
                if not waiting.startswith((b"\x1f\x8b", b"BZh")):
                    return
                inflater = make()
            else:
                # zlib gives back what it has not looked at, bz2 keeps it.
                waiting = getattr(inflater, "unconsumed_tail", b"") or (
                    file.read(_BLOCK) if getattr(inflater, "needs_input", True) else b""
                )
                if not waiting and getattr(inflater, "needs_input", True):
                    return
            yield inflater.decompress(waiting, _BLOCK)
    except (zlib.error, OSError):
        raise UnreadableInput("the volume's compressed data are damaged") from None


def _numbers(part: Part, dtype: np.dtype, count: int) -> np.ndarray:
    """``count`` numbers written as text."""
    with open(part.file, "rb") as file:
        file.seek(max(part.start, 0))
        # No number that these types hold is written with more characters than 32.
        words = file.read(32 * count).replace(b",", b" ").split()
    if len(words) < count:
        raise UnreadableInput(SHORT)
    try:
        return np.array([float(word) if dtype.kind == "f" else int(word) for word in words[:count]]).astype(
            dtype, casting="same_kind" if dtype.kind == "f" else "unsafe"
        )
    except (ValueError, OverflowError):
        raise UnreadableInput("the volume's values are written as text that is no number: the file is damaged") from None


def beside(header: Path, name: str) -> Path:
    """The data file that a header names.

    Raises
    ------
    UnreadableInput
        It lies outside the folder of the header: a file that somebody sends must not name another patient's, or any other file.
    """
    relative = Path(name.replace("\\", "/"))
    if relative.is_absolute() or ".." in relative.parts:
        raise UnreadableInput("the volume's header names a data file outside its folder: put both into one folder")
    path = header.parent / relative
    if not path.is_file():
        raise UnreadableInput("the volume's data file is missing: it belongs beside its header")
    return path


def listed(header: Path, names: Sequence[str]) -> tuple[Path, ...]:
    """The data files of a header that names several."""
    return tuple(beside(header, name) for name in names)


def numbered(header: Path, pattern: str, first: int, last: int, step: int) -> tuple[Path, ...]:
    """The data files of a header that names them by a pattern with one number, such as ``slice%03d.raw``."""
    if step == 0 or pattern.count("%") != 1 or (last - first) // step > 100_000:
        raise UnreadableInput("the pattern of the volume's data files makes no sense: the header is damaged")
    try:
        return listed(header, [pattern % number for number in range(first, last + (1 if step > 0 else -1), step)])
    except (TypeError, ValueError):
        raise UnreadableInput("the pattern of the volume's data files makes no sense: the header is damaged") from None
