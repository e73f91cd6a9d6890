"""Which images go through a network together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np


def of_one_size(images: Sequence[np.ndarray], pixels: int) -> Iterator[list[int]]:
    """Indices of images of one size, as many at a time as have ``pixels`` together, at least one; empty images are left out."""
    sizes = [image.shape[:2] for image in images]
    for rows, columns in dict.fromkeys(sizes):
        if rows and columns:
            alike = [index for index, size in enumerate(sizes) if size == (rows, columns)]
            count = max(1, pixels // (rows * columns))
            yield from (alike[start : start + count] for start in range(0, len(alike), count))
