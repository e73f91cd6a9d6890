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

from ..errors import UnreadableInput
from .volume_header import AxisKind, VolumeHeader
from .voxel_data import Part, VoxelData

_RGB, _RGBA = 128, 2304  # datatype codes (nifti1.h)
_VECTOR_INTENTS = (1005, 1006, 1007, 1011, 2003, 2004)  # symmetric matrix, displacement, vector, quaternion, RGB, RGBA vectors
_RAS_TO_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
_TEXTS = ("descrip", "db_name", "aux_file", "intent_name", "data_type")


def read_nifti(path: Path) -> VolumeHeader:
    """The header of a NIfTI file (.nii, .nii.gz, .hdr with .img). Raises UnreadableInput where it makes no sense."""
    compressed = _is_gzip(path)
    with _inflated(path) as file:
        head = file.read(540)
    paired, second = b"ni1\0" in head[344:348] or b"ni2\0" in head[4:8], head[:4] in (struct.pack("<i", 540), struct.pack(">i", 540))
    make = {(False, False): Nifti1Header, (True, False): Nifti1PairHeader, (False, True): Nifti2Header, (True, True): Nifti2PairHeader}
    try:
        header = make[paired, second].from_fileobj(io.BytesIO(head), check=False)
        shape = tuple(int(size) for size in header.get_data_shape())
        dtype, offset = header.get_data_dtype(), int(header["vox_offset"])
        affine = _RAS_TO_LPS @ np.asarray(header.get_best_affine(), float)
        slope, intercept = float(header["scl_slope"]), float(header["scl_inter"])
    except Exception as error:  # nibabel raises HeaderDataError, KeyError, ValueError and others
        raise UnreadableInput(f"the NIfTI header is damaged ({type(error).__name__})") from None
    if not shape or min(shape) < 1 or offset < 0:
        raise UnreadableInput("the NIfTI header's sizes make no sense: the file is damaged")
    file_of_values = _image_beside(path) if paired else path
    code = int(header["datatype"])
    kinds, stored, shape = _axes(shape, dtype, code, int(header["intent_code"]))
    compressed = _is_gzip(file_of_values)
    part = Part(file_of_values, 0 if compressed else offset, offset if compressed else 0)
    data = VoxelData((part,), "gzip" if compressed else "raw", stored, shape[::-1])
    texts = {key: bytes(header[key]).split(b"\0")[0].decode("utf-8", "replace") for key in _TEXTS if key in header}
    extended = not paired and offset > (544 if second else 352)
    is_scaled = bool(np.isfinite(slope) and slope != 0 and (slope, intercept) != (1.0, 0.0))
    return VolumeHeader(
        data,
        kinds,
        affine if np.isfinite(affine).all() else np.eye(4),
        texts,
        inverted=bool(is_scaled and slope < 0),
        scaled=is_scaled,
        dropped=("header extensions",) if extended else (),
    )


def _axes(shape: tuple[int, ...], dtype: np.dtype, code: int, intent: int) -> tuple[tuple[AxisKind, ...], np.dtype, tuple[int, ...]]:
    """Kinds of the axes, type of a component, and sizes, fastest axis first."""
    kinds: list[AxisKind] = ["space" if axis < 3 else "list" for axis in range(len(shape))]
    if code in (_RGB, _RGBA):
        return ("component", *kinds), np.dtype(np.uint8), (3 if code == _RGB else 4, *shape)
    if len(shape) >= 5 and shape[4] > 1 and intent in _VECTOR_INTENTS:
        kinds[4] = "component"
    return tuple(kinds), dtype, shape


def _image_beside(path: Path) -> Path:
    for suffix in (".img", ".IMG", ".img.gz"):
        found = path.with_suffix(suffix)
        if found.is_file():
            return found
    raise UnreadableInput("the NIfTI header's data file (.img) is missing: it belongs beside its header")


def _is_gzip(path: Path) -> bool:
    with open(path, "rb") as file:
        return file.read(2) == b"\x1f\x8b"


def _inflated(path: Path) -> BinaryIO:
    return cast(BinaryIO, gzip.open(path)) if _is_gzip(path) else open(path, "rb")
