"""Reads the values of a volume from its file or files: exactly as many as the header declares.

Not read by ITK: where compressed data are damaged, or shorter than the header declares, it leaves memory uninitialized, for example with
the values of the volume read before, and reports success. Here every value comes from bytes of the file, or an error is raised.
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
# The largest number of data files that a header may name; a larger one is damage.
_MOST_FILES = 100_000
# A number in a printf pattern, with a width of at most two digits: ``slice%03d.raw``. A larger width would make endless names.
_NUMBER = re.compile(r"%0?\d{0,2}[diu]")
TRUNCATED = "the volume's data are shorter than its header says: the file is truncated or damaged"


@dataclass(frozen=True)
class DataPart:
    """The location of values in a file.

    Parameters
    ----------
    file
        The file.
    start
        Offset of the first byte; where negative, the values are the last bytes of the file.
    skip
        Bytes to skip after decompression.
    """

    file: Path
    start: int = 0
    skip: int = 0


@dataclass(frozen=True)
class VoxelData:
    """The location and type of all values of a volume.

    Each of ``parts`` holds the same number of values, one part after the other. ``shape`` has the slowest axis first.
    """

    parts: tuple[DataPart, ...]
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
            return np.concatenate([_read_text_values(part, self.dtype, count) for part in self.parts]).reshape(self.shape)
        buffer = bytearray()
        for part in self.parts:
            _append_part(buffer, part, self.encoding, count * self.dtype.itemsize)
        values = np.frombuffer(buffer, self.dtype)
        return values.astype(self.dtype.newbyteorder("="), copy=False).reshape(self.shape)


def _append_part(buffer: bytearray, part: DataPart, encoding: Encoding, size: int) -> None:
    """Append exactly ``size`` decoded bytes of a part to ``buffer``; further bytes in the file are ignored."""
    with open(part.file, "rb") as file:
        end = os.fstat(file.fileno()).st_size
        if part.start < 0 and encoding != "raw":
            raise UnreadableInput("compressed values cannot be found from the end of a file: the volume's header is damaged")
        start = end - size if part.start < 0 else part.start
        if start < 0 or (encoding == "raw" and start + part.skip + size > end):
            raise UnreadableInput(TRUNCATED)
        file.seek(start)
        _append_blocks(buffer, _decoded_blocks(file, encoding), part.skip, size)


def _append_blocks(buffer: bytearray, blocks: Iterator[bytes], skip: int, size: int) -> None:
    """Skip ``skip`` bytes of the blocks and append the next ``size`` bytes to ``buffer``.

    A compressed stream that holds no more is read to its end, so that its checksum is verified.
    """
    for block in blocks:
        if size <= 0 and block:
            return  # more bytes than the header declares, which makes no value wrong
        skipped = min(skip, len(block))
        taken = memoryview(block)[skipped : skipped + size]
        skip -= skipped
        size -= len(taken)
        buffer += taken
        if skipped + len(taken) < len(block):
            return
    if size > 0:
        raise UnreadableInput(TRUNCATED)


def _decoded_blocks(file: BinaryIO, encoding: Encoding) -> Iterator[bytes]:
    """The decoded bytes from the file position to the end, in blocks. Raises UnreadableInput where the stream is damaged or cut short."""
    if encoding in ("raw", "hex"):
        while block := file.read(_BLOCK):
            yield block if encoding == "raw" else _decode_hex(block, file)
        return
    try:
        yield from _decompress(file, encoding)
    except (zlib.error, OSError):
        raise UnreadableInput("the volume's compressed data are damaged") from None


def _decode_hex(block: bytes, file: BinaryIO) -> bytes:
    """The bytes that a block of hexadecimal digits stands for, with white space anywhere; an odd last digit is completed from ``file``."""
    digits = b"".join(block.split())
    while len(digits) % 2 and (more := file.read(1)):
        digits += more.strip()
    try:
        return binascii.unhexlify(digits)
    except binascii.Error:
        raise UnreadableInput("the volume's values are no hexadecimal digits: the file is damaged") from None


def _decompress(file: BinaryIO, encoding: Encoding) -> Iterator[bytes]:
    """The decompressed bytes of all streams that follow one another, which gzip and bzip2 define to be one, in blocks."""
    waiting = file.read(_BLOCK)
    while True:
        inflater = _decompressor(encoding)
        while not inflater.eof:
            needs_input = getattr(inflater, "needs_input", True)
            if not waiting and needs_input:
                waiting = file.read(_BLOCK)
                if not waiting:
                    raise UnreadableInput(TRUNCATED)
            yield inflater.decompress(waiting, _BLOCK)
            # zlib returns the input that it has not consumed, bz2 keeps it.
            waiting = getattr(inflater, "unconsumed_tail", b"")
        waiting = inflater.unused_data
        if len(waiting) < len(_MAGIC[1]):
            waiting += file.read(_BLOCK)
        if not waiting.startswith(_MAGIC):
            return


def _decompressor(encoding: Encoding) -> Any:
    # zlib and gzip streams are both accepted, because MetaImage and NRRD files have either where the other is declared.
    return bz2.BZ2Decompressor() if encoding == "bzip2" else zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)


def _read_text_values(part: DataPart, dtype: np.dtype, count: int) -> np.ndarray:
    """``count`` numbers that are written as text, with white space or commas between them."""
    values: list[np.ndarray] = []
    have = 0
    rest = b""  # the beginning of a number at the end of a block
    with open(part.file, "rb") as file:
        file.seek(max(part.start, 0))
        while have < count:
            block = file.read(_BLOCK)
            words = (rest + block).replace(b",", b" ").split()
            rest = words.pop() if block and words and not block[-1:].isspace() and block[-1:] != b"," else b""
            if len(rest) > _BLOCK or (not block and not words):
                raise UnreadableInput(TRUNCATED)
            values.append(_parse_numbers(words[: count - have], dtype))
            have += len(values[-1])
    return np.concatenate(values)


def _parse_numbers(words: Sequence[bytes], dtype: np.dtype) -> np.ndarray:
    """Numbers as an array. Raises UnreadableInput where a word is no number, or none of this type."""
    try:
        if dtype.kind == "f":
            return np.array([float(word) for word in words], dtype)
        return np.array([int(word) for word in words], dtype)
    except (ValueError, OverflowError):
        raise UnreadableInput(
            "the volume's values are written as text that is no number, or none that its type holds: the file is damaged"
        ) from None


def data_file_beside(header: Path, name: str) -> Path:
    """The path of a data file that a header names.

    Raises
    ------
    UnreadableInput
        The file is missing, or lies outside the folder of the header: a header from somebody else must not be able to name any file.
    """
    relative = Path(name.replace("\\", "/"))
    if relative.is_absolute() or relative.drive or ".." in relative.parts:
        raise UnreadableInput("the volume's header names a data file outside its folder: put both into one folder")
    path = header.parent / relative
    if not path.is_file():
        raise UnreadableInput("the volume's data file is missing: it belongs beside its header")
    return path


def listed_data_files(header: Path, names: Sequence[str]) -> tuple[Path, ...]:
    """The paths of the data files of a header that names several. Raises UnreadableInput as :func:`data_file_beside`."""
    if not 0 < len(names) <= _MOST_FILES:
        raise UnreadableInput("the volume's header names no data file, or far too many: the file is damaged")
    return tuple(data_file_beside(header, name) for name in names)


def numbered_data_files(header: Path, pattern: str, first: int, last: int, step: int) -> tuple[Path, ...]:
    """The paths of the data files of a header that names them by a pattern with one number, such as ``slice%03d.raw``.

    ``first`` and ``last`` are the first and the last number. Raises UnreadableInput as :func:`data_file_beside`.
    """
    if step == 0 or pattern.count("%") != 1 or not _NUMBER.search(pattern) or abs((last - first) // step) >= _MOST_FILES:
        raise UnreadableInput("the pattern of the volume's data files makes no sense: the header is damaged")
    return listed_data_files(header, [pattern % number for number in range(first, last + (1 if step > 0 else -1), step)])
