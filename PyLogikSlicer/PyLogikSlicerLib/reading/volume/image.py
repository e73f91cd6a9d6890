"""Opens NIfTI, NRRD and MetaImage volumes.

Frames are the slices along the last axes, the third axis fastest: frame ``t * slices + z`` is slice ``z`` of the volume ``t``. Rows
are the second stored axis in space (y) and columns the first (x), as stored: no reorientation, no rescaling.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import numpy as np

from ...core.errors import UnreadableInput
from ...core.stack import Display, Grid, Header, ImageStack, Reread
from ..decode_errors import as_unreadable_input
from ..decoding.limits import declare_size
from ..dicom.color import rgb_from_samples
from ..metadata_text import is_identifying_length
from ..naming import image_name
from ..sniff import volume_format
from ..stacks import stack_of
from .header import AxisKind, VolumeHeader
from .metaimage import read_metaimage
from .nifti import read_nifti
from .nrrd import read_nrrd

# Percentiles of the values between which the display is linear: outside are outliers.
_WINDOW_PERCENTILES = (0.5, 99.5)
# About how many values these percentiles are computed from.
_SAMPLES = 1_000_000
_UNREAD = "the volume cannot be read"
_READERS = {"NiftiImageIO": read_nifti, "NrrdImageIO": read_nrrd, "MetaImageIO": read_metaimage}


def open_volume(path: Path) -> list[ImageStack]:
    """The slices of a volume of two dimensions or more.

    Three- and four-component 8- and 16-bit values are color (a fourth component is alpha, dropped); other vectors cannot be shown as
    an image. Grey values of other than 8 bits are displayed with a window from the 0.5th to the 99.5th percentile of the volume. The
    whole volume is read for each pass over its frames.

    Raises
    ------
    UnreadableInput
        The file is truncated or damaged, or its values are vectors, tensors or complex numbers.
    """
    with as_unreadable_input(_UNREAD):
        header = read_volume_header(path)
        frames = _read_frames(header)
        display = _display(frames, header)
    stack = stack_of(
        path, image_name(path), frames[0], len(frames), lambda: iter(_read_frames(header)), lambda: _frame_by_itk(path, header)
    )
    return [
        replace(
            stack,
            display=display,
            header=Header(identifying=_identifying(header)),
            dropped=(*(("alpha",) if component_count(header) == 4 else ()), *header.dropped),
            grid=Grid(_slice_count(header), header.affine),
        )
    ]


def read_volume_header(path: Path) -> VolumeHeader:
    """The header of a volume file. Raises UnreadableInput where the file is no volume, or the header is damaged."""
    with open(path, "rb") as file:
        kind = volume_format(file.read(4096))
    if kind is None:
        raise UnreadableInput("the file is none of the known volume formats")
    return _READERS[kind](path)


def read_voxels(header: VolumeHeader) -> np.ndarray:
    """All values as stored, ``(volumes, slices, rows, columns[, components])``.

    Raises UnreadableInput where the file does not hold them, or fewer than two axes lie in space.
    """
    axes = _axes_by_kind(header.kinds)
    frames = math.prod(header.data.shape) // math.prod(_sizes(header, "space")[:2]) // component_count(header)
    declare_size(header.data.size // frames, frames, in_one_piece=True)
    return _arrange_axes(header.data.read(), axes)


def _axes_by_kind(kinds: Sequence[AxisKind]) -> tuple[list[int], list[int], list[int]]:
    """The numbers of the axes in space, of those that count volumes, and of the axis of components; the fastest axis is 0."""
    space, listed, component = ([axis for axis, kind in enumerate(kinds) if kind == name] for name in ("space", "list", "component"))
    if len(space) < 2 or len(component) > 1:
        raise UnreadableInput("the volume has one dimension in space, or several of components: no image to look at")
    return space, listed, component


def _arrange_axes(values: np.ndarray, axes: tuple[list[int], list[int], list[int]]) -> np.ndarray:
    """Values in the order of the file, slowest axis first, as ``(volumes, slices, rows, columns[, components])``.

    ``axes`` are those of :func:`_axes_by_kind`.
    """
    (columns, rows, *slices), listed, component = axes
    if values.dtype == np.float16:
        values = values.astype(np.float32)
    arranged = values.transpose().transpose([*listed[::-1], *slices, rows, columns, *component])
    return arranged.reshape(-1, *(arranged.shape[len(listed) :] if slices else (1, *arranged.shape[len(listed) :])))


def _sizes(header: VolumeHeader, kind: AxisKind) -> list[int]:
    """The sizes of all axes of a kind, fastest axis first."""
    return [size for size, own in zip(header.data.shape[::-1], header.kinds, strict=True) if own == kind]


def component_count(header: VolumeHeader) -> int:
    """The number of components of one value."""
    return math.prod(_sizes(header, "component"))


def _slice_count(header: VolumeHeader) -> int:
    return math.prod(_sizes(header, "space")[2:])


def _read_frames(header: VolumeHeader) -> np.ndarray:
    """All slices as ``(frames, rows, columns[, 3])``. Raises UnreadableInput for values that are neither grey nor color."""
    components = component_count(header)
    is_color = components in (3, 4) and header.data.dtype.kind == "u" and header.data.dtype.itemsize <= 2
    if header.data.dtype.kind not in "uif" or (components != 1 and not is_color):
        raise UnreadableInput("the values are vectors, tensors or complex numbers: no image to look at")
    return _to_frames(read_voxels(header), components)


def _to_frames(voxels: np.ndarray, components: int) -> np.ndarray:
    """Voxels ``(volumes, slices, rows, columns[, components])`` as frames ``(frames, rows, columns[, 3])``."""
    frames = voxels.reshape(-1, *voxels.shape[2:])
    if frames.dtype.kind in "ui" and frames.dtype.itemsize == 8:
        frames = _to_32_bits(frames)
    if components > 1:
        return rgb_from_samples(frames[..., :3], "RGB", 8 * frames.itemsize)
    return np.ascontiguousarray(frames.reshape(frames.shape[:3]))


def _to_32_bits(values: np.ndarray) -> np.ndarray:
    """64-bit integers as 32-bit ones. Raises UnreadableInput for larger values, which images do not have."""
    low, high = int(values.min()), int(values.max())
    for dtype in (np.int32, np.uint32):
        if np.iinfo(dtype).min <= low and high <= np.iinfo(dtype).max:
            return values.astype(dtype)
    raise UnreadableInput("the volume has values that need more than 32 bits: convert it to a smaller type")


def _frame_by_itk(path: Path, header: VolumeHeader) -> Iterator[Reread]:
    """The middle frame decoded by ITK; nothing where ITK cannot read such a file, or gives other values by its own rules."""
    import SimpleITK as sitk

    # ITK needs the name of a file, and ends the process for some names that are not UTF-8. It scales values and refuses skewed volumes.
    try:
        name = str(path).encode("utf-8").decode("ascii")
    except ValueError:
        return
    if header.is_scaled or len(header.data.parts) > 1 or not _is_named_as_itk_wants(path):
        return
    try:
        values = sitk.GetArrayFromImage(sitk.ReadImage(name))
    except RuntimeError:
        return
    in_order = "component" not in header.kinds[1:]  # ITK moves the axis of components to the front
    if values.dtype == header.data.dtype.newbyteorder("=") and values.size == math.prod(header.data.shape) and in_order:
        again = _to_frames(_arrange_axes(values.reshape(header.data.shape), _axes_by_kind(header.kinds)), component_count(header))
        yield Reread(len(again) // 2, again[len(again) // 2])


def _is_named_as_itk_wants(path: Path) -> bool:
    return path.name.lower().endswith((".nii", ".nii.gz", ".nrrd", ".nhdr", ".mha", ".mhd"))


def _identifying(header: VolumeHeader) -> MappingProxyType[str, tuple[str, ...]]:
    """The free text of the header that has letters, by its key."""
    texts = {key: value.strip() for key, value in header.identifying.items()}
    return MappingProxyType({key: (text,) for key, text in texts.items() if is_identifying_length(text) and re.search(r"[^\W\d_]", text)})


def _display(frames: np.ndarray, header: VolumeHeader) -> Display:
    """How the frames are displayed: unchanged for color and 8 bits, else by a window from the low to the high percentile."""
    if frames.ndim == 4 or frames.dtype == np.uint8:
        return Display(inverted=header.is_inverted and frames.ndim == 3)
    values = frames.ravel()[:: max(1, frames.size // _SAMPLES)].astype(np.float64)
    values = values[np.isfinite(values)]
    if not values.size:
        return Display(inverted=header.is_inverted)
    low, high = np.percentile(values, _WINDOW_PERCENTILES)
    if high <= low:
        low, high = values.min(), values.max()
    return Display(window=(float(low), float(high)), inverted=header.is_inverted)
