"""Reads NIfTI-1 and NIfTI-2 headers with nibabel; the values are read as stored, as those of the other formats (:mod:`.voxel_data`)."""

from __future__ import annotations

import gzip
import io
import struct
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np
from nibabel.nifti1 import Nifti1Header, Nifti1PairHeader
from nibabel.nifti2 import Nifti2Header, Nifti2PairHeader

from ...core.errors import UnreadableInput
from .header import AxisKind, VolumeHeader
from .voxel_data import DataPart, VoxelData

# The datatype codes of color (nifti1.h).
_RGB = 128
_RGBA = 2304
# The intent codes of vectors (nifti1.h): symmetric matrix, displacement, vector, quaternion, RGB and RGBA vectors.
_VECTOR_INTENTS = (1005, 1006, 1007, 1011, 2003, 2004)
# Bytes of a NIfTI-1 header.
_FIRST_SIZE = 348
# Bytes of a NIfTI-2 header.
_SECOND_SIZE = 540
# The bits of xyzt_units that hold the unit of length.
_SPACE_UNIT = 0x07
# Millimeters in each unit: meters, mm, micrometers (nifti1.h).
_UNITS = {1: 1000.0, 2: 1.0, 3: 1e-3}
_RAS_TO_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
# Header fields with free text.
_TEXTS = ("descrip", "db_name", "aux_file", "intent_name", "data_type")


def read_nifti(path: Path) -> VolumeHeader:
    """The header of a NIfTI file (.nii, .nii.gz, .hdr with .img). Raises UnreadableInput where it is damaged."""
    with _open_uncompressed(path) as file:
        head = file.read(_SECOND_SIZE)
    second = head[:4] in (struct.pack("<i", _SECOND_SIZE), struct.pack(">i", _SECOND_SIZE))
    paired = head[4:8] == b"ni2\0" if second else head[344:348] == b"ni1\0"
    make = {(False, False): Nifti1Header, (True, False): Nifti1PairHeader, (False, True): Nifti2Header, (True, True): Nifti2PairHeader}
    try:
        header = make[paired, second].from_fileobj(io.BytesIO(head), check=False)
        shape = tuple(int(size) for size in header.get_data_shape())
        dtype, offset = header.get_data_dtype(), int(header["vox_offset"])
        slope, intercept = float(header["scl_slope"]), float(header["scl_inter"])
    except Exception as error:  # nibabel raises HeaderDataError, KeyError, ValueError and others
        raise UnreadableInput(f"the NIfTI header is damaged ({type(error).__name__})") from None
    if not shape or min(shape) < 1 or offset < 0:
        raise UnreadableInput("the NIfTI header's sizes make no sense: the file is damaged")
    # A smaller vox_offset stands for the end of the header, within which the values never start (nifti1.h).
    offset = offset if paired else max(offset, _SECOND_SIZE + 4 if second else _FIRST_SIZE + 4)
    kinds, stored, shape = _axes(shape, dtype, int(header["datatype"]), int(header["intent_code"]))
    part, is_compressed = _data_part(_find_image_file(path) if paired else path, offset)
    data = VoxelData((part,), "gzip" if is_compressed else "raw", stored, shape[::-1])
    texts = {key: bytes(header[key]).split(b"\0")[0].decode("utf-8", "replace") for key in _TEXTS if key in header}
    extended = not paired and offset > (_SECOND_SIZE if second else _FIRST_SIZE) + 4
    # A slope of 0 means that there is no scale; NaN and infinite values are treated alike.
    is_scaled = bool(np.isfinite(slope) and np.isfinite(intercept) and slope != 0)
    return VolumeHeader(
        data,
        kinds,
        _affine(header),
        texts,
        slope=slope if is_scaled else 1.0,
        intercept=intercept if is_scaled else 0.0,
        dropped=("header extensions",) if extended else (),
    )


def _data_part(file: Path, offset: int) -> tuple[DataPart, bool]:
    """The location of the values in ``file``, and whether that is compressed with gzip."""
    is_compressed = _is_gzip(file)
    return DataPart(file, 0, offset) if is_compressed else DataPart(file, offset), is_compressed


def _affine(header: Nifti1Header) -> np.ndarray:
    """The affine from indices to mm in LPS: sform, else qform, else the voxel sizes alone, as in ITK and Slicer."""
    try:
        matrix = header.get_sform() if header["sform_code"] > 0 else header.get_qform() if header["qform_code"] > 0 else None
    except Exception:  # the quaternion of the qform is damaged
        matrix = None
    sizes = np.abs(np.asarray(header["pixdim"][1:4], float))
    scaled = np.diag([*np.where(np.isfinite(sizes) & (sizes > 0), sizes, 1.0), 1.0])
    affine = scaled if matrix is None else _RAS_TO_LPS @ np.asarray(matrix, float)
    if not np.isfinite(affine).all():
        affine = scaled
    affine[:3] *= _UNITS.get(int(header["xyzt_units"]) & _SPACE_UNIT, 1.0)
    return affine


def _axes(shape: tuple[int, ...], dtype: np.dtype, code: int, intent: int) -> tuple[tuple[AxisKind, ...], np.dtype, tuple[int, ...]]:
    """The kinds of the axes, the type of a component, and the sizes of the axes; the fastest axis first."""
    kinds: list[AxisKind] = ["space" if axis < 3 else "list" for axis in range(len(shape))]
    if code in (_RGB, _RGBA):
        return ("component", *kinds), np.dtype(np.uint8), (3 if code == _RGB else 4, *shape)
    if len(shape) >= 5 and shape[4] > 1 and intent in _VECTOR_INTENTS:
        kinds[4] = "component"
    return tuple(kinds), dtype, shape


def _find_image_file(path: Path) -> Path:
    """The .img file beside a .hdr file."""
    stem = path.with_suffix("") if path.suffix.lower() == ".gz" else path
    for suffix in (".img", ".IMG", ".img.gz"):
        found = stem.with_suffix(suffix)
        if found.is_file():
            return found
    raise UnreadableInput("the NIfTI header's data file (.img) is missing: it belongs beside its header")


def _is_gzip(path: Path) -> bool:
    with open(path, "rb") as file:
        return file.read(2) == b"\x1f\x8b"


def _open_uncompressed(path: Path) -> BinaryIO:
    return cast(BinaryIO, gzip.open(path)) if _is_gzip(path) else open(path, "rb")
