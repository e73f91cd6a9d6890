"""NIfTI, NRRD and MetaImage volumes.

Frames are the slices along the last axes, the third axis fastest: frame ``t * slices + z`` is slice ``z`` of the volume ``t``. Rows
are the second stored axis in space (y) and columns the first (x), as stored: no reorientation, no rescaling.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import MappingProxyType

import numpy as np

from ...core.errors import UnreadableInput
from ...core.stack import Display, Grid, Header, ImageStack, Reread
from ..decoding.limits import promise
from ..dicom.color import rgb_from_samples
from ..faults import reported
from ..naming import name_of
from ..sniff import volume_format
from .header import AxisKind, VolumeHeader
from .metaimage import read_metaimage
from .nifti import read_nifti
from .nrrd import read_nrrd

_ROBUST_PERCENTILES = (0.5, 99.5)
_SAMPLES = 1_000_000
_MAX_IDENTIFYING_LENGTH = 200
_UNREAD = "the volume cannot be read"
_READERS = {"NiftiImageIO": read_nifti, "NrrdImageIO": read_nrrd, "MetaImageIO": read_metaimage}


def open_volume(path: Path) -> list[ImageStack]:
    """The slices of a volume of two dimensions or more.

    Three- and four-component 8- and 16-bit values are color (a fourth component is alpha, dropped); other vectors are no images to
    look at. Grey values of other than 8 bits are shown by a window from the 0.5th to the 99.5th percentile of the volume. The
    volume is read whole for each pass.

    Raises
    ------
    UnreadableInput
        The file is truncated or damaged, or its values are vectors, tensors or complex numbers.
    """
    with reported(_UNREAD):
        header = read_volume_header(path)
        frames = _frames(header)
        display = _display(frames, header)
    first = frames[0]
    components = components_of(header)
    stack = ImageStack(
        source=path,
        name=name_of(path),
        frame_count=len(frames),
        rows=first.shape[0],
        columns=first.shape[1],
        channels=3 if first.ndim == 3 else 1,
        dtype=first.dtype,
        decode=lambda: iter(_frames(header)),
        decode_again=lambda: _frames_by_itk(path, header),
        display=display,
        header=Header(identifying=_identifying(header)),
        sources=(path,),
        dropped=(*(("alpha",) if components == 4 else ()), *header.dropped),
        bits=8 * first.itemsize,
        grid=Grid(_slices(header), header.affine),
    )
    return [stack]


def read_volume_header(path: Path) -> VolumeHeader:
    """What the header of a volume file says, and where its values are. Raises UnreadableInput where it makes no sense."""
    with open(path, "rb") as file:
        kind = volume_format(file.read(4096))
    if kind is None:
        raise UnreadableInput("the file is none of the known volume formats")
    return _READERS[kind](path)


def read_voxels(header: VolumeHeader) -> np.ndarray:
    """All values as stored, ``(volumes, slices, rows, columns[, components])``.

    Raises UnreadableInput where the file does not hold them, or fewer than two axes lie in space.
    """
    places = _places(header.kinds)
    frames = math.prod(header.data.shape) // math.prod(_sizes(header, "space")[:2]) // components_of(header)
    promise(header.data.size // frames, frames, in_one_piece=True)
    return _arranged(header.data.read(), places)


def _places(kinds: Sequence[AxisKind]) -> tuple[list[int], list[int], list[int]]:
    """The axes in space, those that count volumes, and that of components, fastest first."""
    space, listed, component = ([axis for axis, kind in enumerate(kinds) if kind == name] for name in ("space", "list", "component"))
    if len(space) < 2 or len(component) > 1:
        raise UnreadableInput("the volume has one dimension in space, or several of components: no image to look at")
    return space, listed, component


def _arranged(values: np.ndarray, places: tuple[list[int], list[int], list[int]]) -> np.ndarray:
    """Values as the file has them, slowest axis first, as ``(volumes, slices, rows, columns[, components])``."""
    (columns, rows, *slices), listed, component = places
    if values.dtype == np.float16:
        values = values.astype(np.float32)
    arranged = values.transpose().transpose([*listed[::-1], *slices, rows, columns, *component])
    return arranged.reshape(-1, *(arranged.shape[len(listed) :] if slices else (1, *arranged.shape[len(listed) :])))


def _sizes(header: VolumeHeader, kind: AxisKind) -> list[int]:
    return [size for size, own in zip(header.data.shape[::-1], header.kinds, strict=True) if own == kind]


def components_of(header: VolumeHeader) -> int:
    """How many numbers one value consists of."""
    return math.prod(_sizes(header, "component"))


def _slices(header: VolumeHeader) -> int:
    return math.prod(_sizes(header, "space")[2:])


def _frames(header: VolumeHeader) -> np.ndarray:
    """``(frames, rows, columns[, 3])``."""
    components = components_of(header)
    is_color = components in (3, 4) and header.data.dtype.kind == "u" and header.data.dtype.itemsize <= 2
    if header.data.dtype.kind not in "uif" or (components != 1 and not is_color):
        raise UnreadableInput("the values are vectors, tensors or complex numbers: no image to look at")
    return _as_frames(read_voxels(header), components)


def _as_frames(voxels: np.ndarray, components: int) -> np.ndarray:
    frames = voxels.reshape(-1, *voxels.shape[2:])
    if frames.dtype.kind in "ui" and frames.dtype.itemsize == 8:
        frames = _in_four_bytes(frames)
    if components > 1:
        return rgb_from_samples(frames[..., :3], "RGB", 8 * frames.itemsize)
    return np.ascontiguousarray(frames.reshape(frames.shape[:3]))


def _in_four_bytes(values: np.ndarray) -> np.ndarray:
    """64-bit integers in 32 bits, which hold every value that images have."""
    low, high = int(values.min()), int(values.max())
    for dtype in (np.int32, np.uint32):
        if np.iinfo(dtype).min <= low and high <= np.iinfo(dtype).max:
            return values.astype(dtype)
    raise UnreadableInput("the volume has values that need more than 32 bits: convert it to a smaller type")


def _frames_by_itk(path: Path, header: VolumeHeader) -> Iterator[Reread]:
    """The middle frame as ITK reads it; nothing where ITK does not read such a file, or gives something else by its own rules."""
    import SimpleITK as sitk

    # ITK takes names only, and ends the process on some that are not UTF-8; what it finds scaled or skewed it changes or refuses.
    try:
        name = str(path).encode("utf-8").decode("ascii")
    except ValueError:
        return
    if header.scaled or len(header.data.parts) > 1 or not _is_named_as_itk_wants(path):
        return
    try:
        values = sitk.GetArrayFromImage(sitk.ReadImage(name))
    except RuntimeError:
        return
    in_order = "component" not in header.kinds[1:]  # ITK moves the components of a value to the front
    if values.dtype == header.data.dtype.newbyteorder("=") and values.size == math.prod(header.data.shape) and in_order:
        again = _as_frames(_arranged(values.reshape(header.data.shape), _places(header.kinds)), components_of(header))
        yield Reread(len(again) // 2, again[len(again) // 2])


def _is_named_as_itk_wants(path: Path) -> bool:
    return path.name.lower().endswith((".nii", ".nii.gz", ".nrrd", ".nhdr", ".mha", ".mhd"))


def _identifying(header: VolumeHeader) -> MappingProxyType[str, tuple[str, ...]]:
    """Free text of the header, and not the numbers and codes that describe the geometry."""
    texts = {key: value.strip() for key, value in header.identifying.items()}
    kept = {key: (text,) for key, text in texts.items() if 1 < len(text) <= _MAX_IDENTIFYING_LENGTH and re.search(r"[^\W\d_]", text)}
    return MappingProxyType(kept)


def _display(frames: np.ndarray, header: VolumeHeader) -> Display:
    if frames.ndim == 4 or frames.dtype == np.uint8:
        return Display(inverted=header.inverted and frames.ndim == 3)
    values = frames.ravel()[:: max(1, frames.size // _SAMPLES)].astype(np.float64)
    values = values[np.isfinite(values)]
    if not values.size:
        return Display(inverted=header.inverted)
    low, high = np.percentile(values, _ROBUST_PERCENTILES)
    if high <= low:
        low, high = values.min(), values.max()
    return Display(window=(float(low), float(high)), inverted=header.inverted)
