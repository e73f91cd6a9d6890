"""A DICOM file: its header without the pixel data, and where in the file the pixel data lie."""

from __future__ import annotations

import io
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.filereader import read_dataset, read_file_meta_info
from pydicom.uid import UID, DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from ...core.errors import UnreadableInput
from ..decode_errors import as_unreadable_input

_KEYWORDS = {0x7FE00008: "FloatPixelData", 0x7FE00009: "DoubleFloatPixelData", 0x7FE00010: "PixelData"}
# The value length that stands for "undefined" (PS3.5 7.1.1).
_UNDEFINED = 0xFFFFFFFF
# Tag of an item, and of the delimiter that ends a sequence of items (PS3.5 7.5).
_ITEM = 0xFFFEE000
_DELIMITER = 0xFFFEE0DD
# Bytes; the values of larger elements are not read: no name is that long, and vendors keep whole volumes in private elements.
_DEFER_BYTES = 1 << 20


@dataclass(frozen=True)
class DicomFile:
    """A DICOM file that holds pixel data.

    Parameters
    ----------
    path
        The file.
    header
        The data set without the pixel data.
    syntax
        Transfer syntax.
    keyword
        PixelData, FloatPixelData or DoubleFloatPixelData.
    vr
        Value representation of the pixel data element.
    offset, length
        Where its value lies in the stream that :meth:`open` gives, in bytes. ``length`` is None for encapsulated pixel data.
    deflated_from
        The offset in the file at which the deflated data set begins; None where it is not deflated.
    """

    path: Path
    header: Dataset
    syntax: UID
    keyword: str
    vr: str
    offset: int
    length: int | None
    deflated_from: int | None = None

    @property
    def little_endian(self) -> bool:
        return self.syntax != ExplicitVRBigEndian

    def open(self) -> BinaryIO:
        """A stream of the file's bytes; of a deflated file, of the inflated data set."""
        return _open_stream(self.path, self.deflated_from)


def read_dicom_file(path: Path) -> DicomFile:
    """Read the header of a DICOM file, with or without preamble and file meta information.

    Raises
    ------
    UnreadableInput
        The file is no DICOM file, is damaged, or holds no pixel data.
    """
    with as_unreadable_input("the DICOM header cannot be read"):
        meta = read_file_meta_info(path) if _has_preamble(path) else Dataset()
        deflated_from = _deflated_from(meta)
        with _open_stream(path, deflated_from) as stream:
            header = _read_header(stream, deflated_from is not None)
            found = _read_pixel_element(stream, header)
        syntax = _transfer_syntax(meta, header)
    if found is None:
        raise UnreadableInput("no pixel data: this DICOM object holds no image")
    keyword, vr, offset, length = found
    return DicomFile(path, header, syntax, keyword, vr, offset, length, deflated_from)


def read_fragments(file: DicomFile) -> tuple[list[tuple[int, int]], list[int]]:
    """(offset, length) of each fragment of encapsulated pixel data, in bytes, and the Basic Offset Table (PS3.5 annex A.4).

    Only the headers of the items are read, so that a file of many gigabytes takes no memory, which pydicom's parser would.

    Raises
    ------
    UnreadableInput
        A fragment is cut short, or the sequence of fragments is damaged.
    """
    fragments: list[tuple[int, int]] = []
    with file.open() as stream:
        size = stream.seek(0, io.SEEK_END)
        position = stream.seek(file.offset)
        while True:
            head = stream.read(8)
            if len(head) < 8:
                # Some writers leave the delimiter out. A fragment that is cut short is noticed below.
                break
            group, element, length = struct.unpack("<HHI", head)
            tag = group << 16 | element
            if tag == _DELIMITER:
                break
            if tag != _ITEM or length == _UNDEFINED or position + 8 + length > size:
                raise UnreadableInput("the encapsulated pixel data end early: the file is truncated or damaged")
            fragments.append((position + 8, length))
            position = stream.seek(position + 8 + length)
        if not fragments:
            raise UnreadableInput("the encapsulated pixel data are empty: the file is truncated or damaged")
        start, length = fragments.pop(0)
        stream.seek(start)
        table = stream.read(length // 4 * 4)
    return fragments, list(struct.unpack(f"<{len(table) // 4}I", table))


def _has_preamble(path: Path) -> bool:
    with open(path, "rb") as file:
        return file.read(132)[128:] == b"DICM"


def _deflated_from(meta: Dataset) -> int | None:
    """The offset in the file at which the deflated data set begins; None where it is not deflated."""
    if meta.get("TransferSyntaxUID") != DeflatedExplicitVRLittleEndian:
        return None
    return 144 + int(meta.FileMetaInformationGroupLength)


def _open_stream(path: Path, deflated_from: int | None) -> BinaryIO:
    if deflated_from is None:
        return open(path, "rb")
    return io.BufferedReader(_InflatedStream(path, deflated_from), 1 << 20)


def _read_header(stream: BinaryIO, inflated: bool) -> Dataset:
    """The header; the stream is left at the pixel data element, or at its end."""
    if inflated:
        return read_dataset(stream, is_implicit_VR=False, is_little_endian=True, stop_when=lambda tag, vr, length: tag in _KEYWORDS)
    return dcmread(stream, stop_before_pixels=True, force=True, defer_size=_DEFER_BYTES)


def _read_pixel_element(stream: BinaryIO, header: Dataset) -> tuple[str, str, int, int | None] | None:
    """Keyword, value representation, offset and length of the pixel data element at which the stream is; None where there is none."""
    head = stream.read(12)
    if len(head) < 8:
        return None
    order = "<" if header.original_encoding[1] is not False else ">"
    group, element = struct.unpack(order + "HH", head[:4])
    keyword = _KEYWORDS.get(group << 16 | element)
    if keyword is None:
        return None
    # Whether the element has an explicit VR is detected from its own bytes, because some files declare it wrongly. Implicit VR has a
    # length here; these letters, read as a length, would be odd numbers, and lengths are even.
    if head[4:6] in (b"OB", b"OW", b"OF", b"OD", b"UN"):
        vr, (length,), behind = head[4:6].decode("ascii"), struct.unpack(order + "I", head[8:12]), 0
    else:
        vr, (length,), behind = "OW", struct.unpack(order + "I", head[4:8]), len(head) - 8
    return keyword, vr, stream.tell() - behind, None if length == _UNDEFINED else length


def _transfer_syntax(meta: Dataset, header: Dataset) -> UID:
    """The declared transfer syntax; without file meta information the one with which pydicom could parse the header."""
    declared = meta.get("TransferSyntaxUID") or getattr(header, "file_meta", Dataset()).get("TransferSyntaxUID")
    if declared:
        return UID(declared)
    implicit, little = header.original_encoding
    if implicit:
        return ImplicitVRLittleEndian
    return ExplicitVRLittleEndian if little is not False else ExplicitVRBigEndian


class _InflatedStream(io.RawIOBase):
    """The inflated bytes of a file from ``start`` on. Seeking backward inflates again from the start, as in :mod:`gzip`.

    :class:`gzip.GzipFile` itself needs the header of a gzip stream, which DICOM's deflated data sets do not have (PS3.5 annex A.5).
    """

    def __init__(self, path: Path, start: int) -> None:
        self._file = open(path, "rb")  # noqa: SIM115  closed by close()
        self._start = start
        self._restart()

    def _restart(self) -> None:
        self._file.seek(self._start)
        self._inflater = zlib.decompressobj(wbits=-zlib.MAX_WBITS)
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def readinto(self, buffer: Any) -> int:
        data = b""
        while not data and not self._inflater.eof:
            deflated = self._inflater.unconsumed_tail or self._file.read(1 << 16)
            data = self._inflater.decompress(deflated, len(buffer))
            if not deflated and not data:
                break
        buffer[: len(data)] = data
        self._position += len(data)
        return len(data)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        if whence == io.SEEK_END:
            raise io.UnsupportedOperation("the inflated size is not known")
        target = offset + (self._position if whence == io.SEEK_CUR else 0)
        if target < self._position:
            self._restart()
        scratch = memoryview(bytearray(1 << 16))
        while self._position < target:
            if not self.readinto(scratch[: min(len(scratch), target - self._position)]):
                break
        return self._position

    def close(self) -> None:
        self._file.close()
        super().close()
