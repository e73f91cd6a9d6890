"""NIfTI, NRRD and MetaImage volumes through SimpleITK.

Frames are the slices along the last axes, the third axis fastest: frame ``t * slices + z`` of a 4-D volume is slice ``z`` at
time ``t``. Rows are the second stored axis (y) and columns the first (x), as stored: no reorientation.
"""

from __future__ import annotations

import gzip
import math
import re
import shutil
import struct
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import BinaryIO

import numpy as np
import SimpleITK as sitk

from ..errors import UnreadableInput
from ..stack import Display, Header, ImageStack
from .color import rgb_from_samples
from .faults import reported
from .naming import name_of
from .sniff import volume_format

_ROBUST_PERCENTILES = (0.5, 99.5)
_SAMPLES = 1_000_000
_MAX_IDENTIFYING_LENGTH = 200
_MAX_DEFLATE_RATIO = 1032
_UNREAD = "the volume cannot be read, or its data file is missing"
# What ITK adds about geometry and conversion.
_TECHNICAL_KEYS = re.compile(r"ITK_|NRRD_|qfac|.*(_name|_xyz)$")
_DETACHED_DATA = re.compile(rb"^\s*(?:ElementDataFile\s*=|data ?file:)\s*([^\r\n]+?)\s*$", re.MULTILINE | re.IGNORECASE)


def open_volume(path: Path) -> list[ImageStack]:
    """The slices of a 2-D to 5-D volume.

    Three- and four-component 8- and 16-bit pixels are colour (a fourth component is alpha, dropped); other vectors are
    not images to look at. Grey values of other than 8 bits are shown by a window from the 0.5th to the 99.5th percentile
    of the volume. The volume is read whole for each pass.

    Raises
    ------
    UnreadableInput
        The file is truncated or damaged, or its pixels are vectors, tensors or complex numbers.
    """
    with reported(_UNREAD), reader_of(path) as reader:
        reader.ReadImageInformation()
        if reader.GetImageIO() == "NiftiImageIO":
            _require_whole_nifti(path)
        _require_plausible_size(path, reader)
        components = _components(reader)
        identifying = _identifying(reader)
        frames = _slices(reader, components)
        display = _display(frames)
    first = frames[0]
    stack = ImageStack(
        source=path,
        name=name_of(path),
        frame_count=len(frames),
        rows=first.shape[0],
        columns=first.shape[1],
        channels=3 if first.ndim == 3 else 1,
        dtype=first.dtype,
        decode=lambda: _decoded(path, components),
        display=display,
        header=Header(identifying=identifying),
        sources=(path,),
        dropped=("alpha",) if components == 4 else (),
        bits=8 * first.itemsize,
    )
    return [stack]


def detached_data(path: Path) -> list[Path]:
    """The data files that a volume's header refers to (.mhd, .nhdr, and .img of .hdr): no inputs of their own."""
    with open(path, "rb") as file:
        head = file.read(65536)
    if volume_format(head) == "NiftiImageIO":
        return [path.with_suffix(".img")] if path.suffix.lower() == ".hdr" else []
    names = [match.decode("utf-8", "replace") for match in _DETACHED_DATA.findall(head.split(b"\n\n")[0])]
    return [path.parent / name for name in names if name.upper() not in ("LOCAL", "LIST")]


@contextmanager
def reader_of(path: Path) -> Iterator[sitk.ImageFileReader]:
    """ITK's reader for the content of the file, whatever its name.

    ITK reads NIfTI only from files that are called so. Another name is read through a copy in a folder that is the user's
    alone (0700) and goes when the reading is done.
    """
    with open(path, "rb") as file:
        head = file.read(4096)
    reader = sitk.ImageFileReader()
    reader.SetImageIO(volume_format(head) or "")
    suffix = ".nii.gz" if head.startswith(b"\x1f\x8b") else ".nii"
    if reader.GetImageIO() != "NiftiImageIO" or path.name.lower().endswith((suffix, ".hdr")):
        reader.SetFileName(str(path))
        yield reader
        return
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / f"volume{suffix}"
        shutil.copyfile(path, copy)
        reader.SetFileName(str(copy))
        yield reader


def _require_plausible_size(path: Path, reader: sitk.ImageFileReader) -> None:
    """Refuse a header that claims far more than its file can hold, before memory is taken for it."""
    claimed = math.prod(reader.GetSize()) * reader.GetNumberOfComponents()
    # MetaImage and NRRD headers may leave the values to another file beside them.
    files = path.parent.iterdir() if path.suffix.lower() in (".mhd", ".nhdr", ".hdr") else [path]
    held = sum(file.stat().st_size for file in files if file.is_file())
    if claimed > _MAX_DEFLATE_RATIO * held:
        raise UnreadableInput("the volume's header claims more than its file holds: the file is truncated or damaged")


def _require_whole_nifti(path: Path) -> None:
    """ITK fills what is missing of a NIfTI file with zeros, so its length is compared with its header here."""
    with _inflated(path) as file:
        header = file.read(540)
    # Values beside their header (.hdr and .img) have a magic number of their own.
    data = path.with_suffix(".img") if b"ni1\0" in header[344:348] or b"ni2\0" in header[4:8] else path
    with _inflated(data) as file:
        held = sum(len(piece) for piece in iter(lambda: file.read(1 << 20), b""))
    if held < _nifti_length(header):
        raise UnreadableInput("the volume is shorter than its header says: the file is truncated or damaged")


def _inflated(path: Path) -> BinaryIO:
    with open(path, "rb") as file:
        compressed = file.read(2) == b"\x1f\x8b"
    return gzip.open(path) if compressed else open(path, "rb")  # type: ignore[return-value]


def _nifti_length(header: bytes) -> int:
    """Bytes up to the last value: vox_offset, and dim times bitpix (nifti1.h, nifti2.h)."""
    order = "<" if header[:4] in (struct.pack("<i", 348), struct.pack("<i", 540)) else ">"
    (size,) = struct.unpack_from(order + "i", header)
    places = (("8h", 40), ("h", 72), ("f", 108)) if size == 348 else (("8q", 16), ("h", 14), ("q", 168))
    dim, (bits,), (offset,) = (struct.unpack_from(order + layout, header, at) for layout, at in places)
    return int(offset) + math.prod(dim[1 : 1 + dim[0]]) * bits // 8


def _components(reader: sitk.ImageFileReader) -> int:
    components, pixel_type = reader.GetNumberOfComponents(), reader.GetPixelID()
    colour = components in (3, 4) and pixel_type in (sitk.sitkVectorUInt8, sitk.sitkVectorUInt16)
    if pixel_type in (sitk.sitkComplexFloat32, sitk.sitkComplexFloat64) or (components != 1 and not colour):
        raise UnreadableInput("the pixels are vectors, tensors or complex numbers: no image to look at")
    if reader.GetDimension() < 2:
        raise UnreadableInput("the volume has one dimension: no image to look at")
    return components


def _identifying(reader: sitk.ImageFileReader) -> MappingProxyType[str, tuple[str, ...]]:
    """Free text of the header, and not the numbers and codes that describe the geometry."""
    texts = {key: reader.GetMetaData(key).strip() for key in reader.GetMetaDataKeys() if not _TECHNICAL_KEYS.match(key)}
    kept = {key: (text,) for key, text in texts.items() if 1 < len(text) <= _MAX_IDENTIFYING_LENGTH and re.search("[a-zA-Z]", text)}
    return MappingProxyType(kept)


def _decoded(path: Path, components: int) -> Iterator[np.ndarray]:
    with reported(_UNREAD), reader_of(path) as reader:
        frames = _slices(reader, components)
    yield from frames


def _slices(reader: sitk.ImageFileReader, components: int) -> np.ndarray:
    """``(slices, rows, columns[, 3])``."""
    volume = sitk.GetArrayFromImage(reader.Execute())
    if components == 1:
        return volume.reshape(-1, *volume.shape[-2:])
    return rgb_from_samples(volume.reshape(-1, *volume.shape[-3:])[..., :3], "RGB", 8 * volume.itemsize)


def _display(frames: np.ndarray) -> Display:
    if frames.ndim == 4 or frames.dtype == np.uint8:
        return Display()
    values = frames.ravel()[:: max(1, frames.size // _SAMPLES)].astype(np.float64)
    values = values[np.isfinite(values)]
    if not values.size:
        return Display()
    low, high = np.percentile(values, _ROBUST_PERCENTILES)
    if high <= low:
        low, high = values.min(), values.max()
    return Display(window=(float(low), float(high)))
