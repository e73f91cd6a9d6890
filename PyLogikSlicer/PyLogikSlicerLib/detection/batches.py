"""Batches of images for a network."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np


def batches_of_one_size(images: Sequence[np.ndarray], max_pixels: int) -> Iterator[list[int]]:
    """Yield lists of indices of images that can go through a network together.

    Parameters
    ----------
    images
        ``(rows, columns[, channels])``; images without pixels are in no batch.
    max_pixels
        All images of a batch have the same rows and columns, and together at most this many pixels; an image that is larger
        than that is a batch of its own.
    """
    sizes = [image.shape[:2] for image in images]
    for rows, columns in dict.fromkeys(sizes):
        if rows and columns:
            same_size = [index for index, size in enumerate(sizes) if size == (rows, columns)]
            count = max(1, max_pixels // (rows * columns))
            yield from (same_size[start : start + count] for start in range(0, len(same_size), count))
