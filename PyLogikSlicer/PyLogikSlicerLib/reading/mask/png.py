"""PNG masks: the grey levels or palette indices as the file stores them."""

from __future__ import annotations

from pathlib import Path

import imagecodecs
import numpy as np
from PIL import Image

from ...core.errors import UnreadableInput
from ...core.label_mask import Mask
from ..decoding.limits import promise

# Limits of our own are checked.
Image.MAX_IMAGE_PIXELS = None

# Where the header of a PNG file tells the bits of a sample and the kind of color (PNG specification, 11.2.1 IHDR).
_DEPTH, _COLOR = 24, 25
_GRAY, _PALETTE = 0, 3


def png_mask(path: Path) -> Mask:
    """The labels in a PNG; what is a mask of 0 and 255 as 0 and 1.

    Raises
    ------
    UnreadableInput
        The picture has colors, or is truncated or damaged.
    """
    content = path.read_bytes()
    depth, color = content[_DEPTH], content[_COLOR]
    with Image.open(path, formats=["PNG"]) as image:
        promise(image.width * image.height * len(image.getbands()) * max(depth // 8, 1))
        # Pillow cuts colors of 16 bits down to 8.
        samples = imagecodecs.png_decode(content) if depth == 16 and color not in (_GRAY, _PALETTE) else np.asarray(image)
    if color == _GRAY and depth in (2, 4):
        samples = samples // (255 // (2**depth - 1))  # which Pillow has spread over the range of 8 bits
    labels = _without_colors(samples)
    is_mask = labels.dtype == np.uint8 and depth == 8 and color != _PALETTE and np.isin(labels, (0, 255)).all()
    return Mask(labels // 255 if is_mask else labels)


def _without_colors(samples: np.ndarray) -> np.ndarray:
    """Grey levels, where all colors are such; alpha does not count."""
    if samples.ndim == 2:
        return samples
    colors = samples[..., :3] if samples.shape[2] >= 3 else samples[..., :1]
    if (colors != colors[..., :1]).any():
        raise UnreadableInput("the PNG is a color picture, not a mask: save the labels as grey levels or with a palette")
    return np.ascontiguousarray(colors[..., 0])
