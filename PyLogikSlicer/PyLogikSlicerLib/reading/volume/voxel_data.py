"""The values of a volume out of its file or files: exactly as many as the header says, or none.

Not left to ITK: where compressed data are shorter than the header says, or damaged, it leaves memory as it was, the volume read
before for example, and reports success. Here every value comes from a byte that the file holds.
"""

from __future__ import annotations

import binascii
import bz2
import math
import os
import re
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Literal

import numpy as np

from ...core.errors import UnreadableInput

Encoding = Literal["raw", "gzip", "zlib", "bzip2", "text", "hex"]

# Bytes that are read or decompressed at once.
_BLOCK = 1 << 20
# First bytes of a gzip and of a bzip2 stream.
_MAGIC = (b"\x1f\x8b", b"BZh")
# Files that a header may name: more would be a damaged number.
_MOST_FILES = 100_000
# A number in a printf pattern, of at most two digits of width: ``slice%03d.raw``.
_NUMBER = re.compile(r"%0?\d{0,2}[diu]")
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
        count, left = divmod(math.prod(self.shape), len(self.parts))
        if left:
            raise UnreadableInput("the volume's header names more or fewer data files than its values fill: the file is damaged")
        if self.encoding == "text":
            return np.concatenate([_numbers(part, self.dtype, count) for part in self.parts]).reshape(self.shape)
        held = bytearray()
        for part in self.parts:
            _append(held, part, self.encoding, count * self.dtype.itemsize)
        values = np.frombuffer(held, self.dtype)
        return values.astype(self.dtype.newbyteorder("="), copy=False).reshape(self.shape)


def _append(held: bytearray, part: Part, encoding: Encoding, size: int) -> None:
    """Add exactly ``size`` bytes of a part; what follows them in the file is not taken."""
    with open(part.file, "rb") as file:
        end = os.fstat(file.fileno()).st_size
        if part.start < 0 and encoding != "raw":
            raise UnreadableInput("compressed values cannot be found from the end of a file: the volume's header is damaged")
        start = end - size if part.start < 0 else part.start
        if start < 0 or (encoding == "raw" and start + part.skip + size > end):
            raise UnreadableInput(SHORT)
        file.seek(start)
        _append_bytes(held, _decoded(file, encoding), part.skip, size)


def _append_bytes(held: bytearray, pieces: Iterator[bytes], skip: int, size: int) -> None:
    for piece in pieces:
        if size <= 0 and piece:
            return  # there is more than the header says, which makes no value wrong
        passed = min(skip, len(piece))
        taken = memoryview(piece)[passed : passed + size]
        skip -= passed
        size -= len(taken)
        held += taken
        if passed + len(taken) < len(piece):
            return
    # A compressed stream was read to its end here, and with it its checksum.
    if size > 0:
        raise UnreadableInput(SHORT)


def _decoded(file: BinaryIO, encoding: Encoding) -> Iterator[bytes]:
    """The bytes from here to the end, decoded, some at a time. Raises UnreadableInput where the stream is damaged or cut."""
    if encoding in ("raw", "hex"):
        while block := file.read(_BLOCK):
            yield block if encoding == "raw" else _unhexed(block, file)
        return
    try:
        yield from _inflated(file, encoding)
    except (zlib.error, OSError):
        raise UnreadableInput("the volume's compressed data are damaged") from None


def _unhexed(block: bytes, file: BinaryIO) -> bytes:
    """Two hexadecimal digits for each byte, with white space anywhere."""
    digits = b"".join(block.split())
    while len(digits) % 2 and (more := file.read(1)):
        digits += more.strip()
    try:
        return binascii.unhexlify(digits)
    except binascii.Error:
        raise UnreadableInput("the volume's values are no hexadecimal digits: the file is damaged") from None


def _inflated(file: BinaryIO, encoding: Encoding) -> Iterator[bytes]:
    """Streams that follow each other are one, as gzip and bzip2 have it."""
    waiting = file.read(_BLOCK)
    while True:
        inflater = _inflater(encoding)
        while not inflater.eof:
            needs_input = getattr(inflater, "needs_input", True)
            if not waiting and needs_input:
                waiting = file.read(_BLOCK)
                if not waiting:
                    raise UnreadableInput(SHORT)
            yield inflater.decompress(waiting, _BLOCK)
            # zlib gives back what it has not looked at, bz2 keeps it.
            waiting = getattr(inflater, "unconsumed_tail", b"")
        waiting = inflater.unused_data
        if len(waiting) < len(_MAGIC[1]):
            waiting += file.read(_BLOCK)
        if not waiting.startswith(_MAGIC):
            return


def _inflater(encoding: Encoding) -> Any:
    # In MetaImage and NRRD files the streams of zlib and of gzip take each other's place.
    return bz2.BZ2Decompressor() if encoding == "bzip2" else zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)


def _numbers(part: Part, dtype: np.dtype, count: int) -> np.ndarray:
    """``count`` numbers written as text, with white space or commas between them."""
    values, have, rest = [], 0, b""
    with open(part.file, "rb") as file:
        file.seek(max(part.start, 0))
        while have < count:
            block = file.read(_BLOCK)
            words = (rest + block).replace(b",", b" ").split()
            rest = words.pop() if block and words and not block[-1:].isspace() and block[-1:] != b"," else b""
            if len(rest) > _BLOCK or (not block and not words):
                raise UnreadableInput(SHORT)
            values.append(_parsed(words[: count - have], dtype))
            have += len(values[-1])
    return np.concatenate(values)


def _parsed(words: Sequence[bytes], dtype: np.dtype) -> np.ndarray:
    try:
        if dtype.kind == "f":
            return np.array([float(word) for word in words], dtype)
        return np.array([int(word) for word in words], dtype)
    except (ValueError, OverflowError):
        raise UnreadableInput(
            "the volume's values are written as text that is no number, or none that its type holds: the file is damaged"
        ) from None


def beside(header: Path, name: str) -> Path:
    """The data file that a header names.

    Raises
    ------
    UnreadableInput
        It lies outside the folder of the header: a file that somebody sends must not name another patient's, or any other file.
    """
    relative = Path(name.replace("\\", "/"))
    if relative.is_absolute() or relative.drive or ".." in relative.parts:
        raise UnreadableInput("the volume's header names a data file outside its folder: put both into one folder")
    path = header.parent / relative
    if not path.is_file():
        raise UnreadableInput("the volume's data file is missing: it belongs beside its header")
    return path


def listed(header: Path, names: Sequence[str]) -> tuple[Path, ...]:
    """The data files of a header that names several."""
    if not 0 < len(names) <= _MOST_FILES:
        raise UnreadableInput("the volume's header names no data file, or far too many: the file is damaged")
    return tuple(beside(header, name) for name in names)


def numbered(header: Path, pattern: str, first: int, last: int, step: int) -> tuple[Path, ...]:
    """The data files of a header that names them by a pattern with one number, such as ``slice%03d.raw``."""
    if step == 0 or pattern.count("%") != 1 or not _NUMBER.search(pattern) or abs((last - first) // step) >= _MOST_FILES:
        raise UnreadableInput("the pattern of the volume's data files makes no sense: the header is damaged")
    return listed(header, [pattern % number for number in range(first, last + (1 if step > 0 else -1), step)])
