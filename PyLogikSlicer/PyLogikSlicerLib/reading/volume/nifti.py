"""NIfTI-1 and NIfTI-2 headers, parsed by nibabel; values are taken as stored."""

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
from .voxel_data import Part, VoxelData

_RGB, _RGBA = 128, 2304  # datatype codes (nifti1.h)
_VECTOR_INTENTS = (1005, 1006, 1007, 1011, 2003, 2004)  # symmetric matrix, displacement, vector, quaternion, RGB, RGBA vectors
# Bytes of the headers of version 1 and 2.
_FIRST_SIZE, _SECOND_SIZE = 348, 540
# Of xyzt_units, the bits that tell the unit of length, and millimeters in it: meters, mm, micrometers (nifti1.h).
_SPACE_UNIT = 0x07
_UNITS = {1: 1000.0, 2: 1.0, 3: 1e-3}
_RAS_TO_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
_TEXTS = ("descrip", "db_name", "aux_file", "intent_name", "data_type")


def read_nifti(path: Path) -> VolumeHeader:
    """The header of a NIfTI file (.nii, .nii.gz, .hdr with .img). Raises UnreadableInput where it makes no sense."""
    with _inflated(path) as file:
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
    # Where it says less, that stands for this: the values never start within the header (nifti1.h).
    offset = offset if paired else max(offset, _SECOND_SIZE + 4 if second else _FIRST_SIZE + 4)
    kinds, stored, shape = _axes(shape, dtype, int(header["datatype"]), int(header["intent_code"]))
    part, is_compressed = _part(_image_beside(path) if paired else path, offset)
    data = VoxelData((part,), "gzip" if is_compressed else "raw", stored, shape[::-1])
    texts = {key: bytes(header[key]).split(b"\0")[0].decode("utf-8", "replace") for key in _TEXTS if key in header}
    extended = not paired and offset > (_SECOND_SIZE if second else _FIRST_SIZE) + 4
    # 0 stands for no scale; so does what is no number.
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


def _part(file: Path, offset: int) -> tuple[Part, bool]:
    """Where the values are, and whether that is within a compressed file."""
    is_compressed = _is_gzip(file)
    return Part(file, 0, offset) if is_compressed else Part(file, offset), is_compressed


def _affine(header: Nifti1Header) -> np.ndarray:
    """To mm in LPS: by sform, else by qform; where it has neither, by the sizes of the voxels alone, as ITK and Slicer have it."""
    try:
        matrix = header.get_sform() if header["sform_code"] > 0 else header.get_qform() if header["qform_code"] > 0 else None
    except Exception:  # a quaternion that is none
        matrix = None
    sizes = np.abs(np.asarray(header["pixdim"][1:4], float))
    scaled = np.diag([*np.where(np.isfinite(sizes) & (sizes > 0), sizes, 1.0), 1.0])
    affine = scaled if matrix is None else _RAS_TO_LPS @ np.asarray(matrix, float)
    if not np.isfinite(affine).all():
        affine = scaled
    affine[:3] *= _UNITS.get(int(header["xyzt_units"]) & _SPACE_UNIT, 1.0)
    return affine


def _axes(shape: tuple[int, ...], dtype: np.dtype, code: int, intent: int) -> tuple[tuple[AxisKind, ...], np.dtype, tuple[int, ...]]:
    """Kinds of the axes, type of a component, and sizes, fastest axis first."""
    kinds: list[AxisKind] = ["space" if axis < 3 else "list" for axis in range(len(shape))]
    if code in (_RGB, _RGBA):
        return ("component", *kinds), np.dtype(np.uint8), (3 if code == _RGB else 4, *shape)
    if len(shape) >= 5 and shape[4] > 1 and intent in _VECTOR_INTENTS:
        kinds[4] = "component"
    return tuple(kinds), dtype, shape


def _image_beside(path: Path) -> Path:
    stem = path.with_suffix("") if path.suffix.lower() == ".gz" else path
    for suffix in (".img", ".IMG", ".img.gz"):
        found = stem.with_suffix(suffix)
        if found.is_file():
            return found
    raise UnreadableInput("the NIfTI header's data file (.img) is missing: it belongs beside its header")


def _is_gzip(path: Path) -> bool:
    with open(path, "rb") as file:
        return file.read(2) == b"\x1f\x8b"


def _inflated(path: Path) -> BinaryIO:
    return cast(BinaryIO, gzip.open(path)) if _is_gzip(path) else open(path, "rb")
