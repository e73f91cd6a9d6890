"""Reads PNG masks: the grey levels or palette indices as the file stores them."""

from __future__ import annotations

from pathlib import Path

import imagecodecs
import numpy as np
from PIL import Image

from ...core.errors import UnreadableInput
from ...core.label_mask import Mask
from ..decoding.limits import declare_size
from ..png_header import GREY, PALETTE, depth_and_color_type

# Pillow's limit is switched off, since declare_size checks the limits of this package.
Image.MAX_IMAGE_PIXELS = None


def png_mask(path: Path) -> Mask:
    """The labels in a PNG file; a mask of 0 and 255 is read as 0 and 1.

    Raises
    ------
    UnreadableInput
        The picture has colors, or is truncated or damaged.
    """
    content = path.read_bytes()
    depth, color_type = depth_and_color_type(content)
    with Image.open(path, formats=["PNG"]) as image:
        declare_size(image.width * image.height * len(image.getbands()) * max(depth // 8, 1))
        # Pillow reduces colors of 16 bits to 8.
        samples = imagecodecs.png_decode(content) if depth == 16 and color_type not in (GREY, PALETTE) else np.asarray(image)
    if color_type == GREY and depth in (2, 4):
        samples = samples // (255 // (2**depth - 1))  # Pillow has scaled them to the range of 8 bits
    labels = _grey_levels(samples)
    is_mask = labels.dtype == np.uint8 and depth == 8 and color_type != PALETTE and np.isin(labels, (0, 255)).all()
    return Mask(labels // 255 if is_mask else labels)


def _grey_levels(samples: np.ndarray) -> np.ndarray:
    """The grey levels ``(rows, columns)`` of samples whose channels are equal, apart from alpha. Raises UnreadableInput for colors."""
    if samples.ndim == 2:
        return samples
    colors = samples[..., :3] if samples.shape[2] >= 3 else samples[..., :1]
    if (colors != colors[..., :1]).any():
        raise UnreadableInput("the PNG is a color picture, not a mask: save the labels as grey levels or with a palette")
    return np.ascontiguousarray(colors[..., 0])
