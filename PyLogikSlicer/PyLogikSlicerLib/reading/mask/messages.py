"""A mask as a message between the decoding process and its client: the labels as an array, everything else as JSON."""

from __future__ import annotations

import numpy as np

from ...core.label_mask import Mask
from ...core.voxel_grid import grid_from_affine
from ..decoding.messages import Message


def mask_to_message(mask: Mask) -> Message:
    """A mask as a message, without ``frames``, which no mask file states."""
    grid = mask.geometry
    content = {
        "grid": grid and {"shape": grid.shape, "affine": grid.affine.ravel().tolist()},
        "sparse": mask.sparse,
        "names": list(mask.names.items()),
        "overlaps": list(mask.overlaps.items()),
        "pixel_spacing": mask.pixel_spacing,
        "sources": list(mask.sources),
        "scattered": mask.scattered,
        "guessed_spacing": mask.guessed_spacing,
    }
    return Message(content, (mask.labels,))


def mask_from_message(message: Message) -> Mask:
    """The mask in a message of :func:`mask_to_message`."""
    content = message.content
    grid, spacing = content["grid"], content["pixel_spacing"]
    return Mask(
        labels=message.arrays[0],
        geometry=grid and grid_from_affine(grid["shape"], np.reshape(grid["affine"], (4, 4))),
        sparse=bool(content["sparse"]),
        names={int(label): str(name) for label, name in content["names"]},
        overlaps={int(label): tuple(map(int, labels)) for label, labels in content["overlaps"]},
        pixel_spacing=(float(spacing[0]), float(spacing[1])) if spacing else None,
        sources=tuple(map(str, content["sources"])),
        scattered=bool(content["scattered"]),
        guessed_spacing=bool(content["guessed_spacing"]),
    )
