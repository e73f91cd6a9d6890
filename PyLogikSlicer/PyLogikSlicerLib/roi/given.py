"""The region of interest that a person gives with ``--roi``, in place of one that is found."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..core.errors import NoRegionFound
from ..core.geometry import CENTER_TO_EDGE
from .region import Roi, clip_near_frame, make_roi

# A note of a region of interest, as it is written to report.json.
GIVEN_NOTE = "given by the user with --roi"
# Decimals of the vertices: those of report.json, so that the region can be drawn again from there.
_DECIMALS = 2


def given_region(numbers: Sequence[float], rows: int, columns: int) -> Roi:
    """The region of a box or of a polygon in a frame of this size; what lies outside of the frame is cut off.

    ``numbers``: as ``roi`` of :class:`PyLogikSlicerLib.core.options.AnalysisOptions`. Pixels that the outline runs through belong to the
    region, as to any :class:`~.region.Roi`; where it runs between two pixels, the one inside does, so that a box has the pixels of a
    half-open box.

    Raises
    ------
    NoRegionFound
        No pixel of the frame lies in the region.
    """
    outline = _on_inner_pixels(np.round(clip_near_frame(_outline(numbers), rows, columns), _DECIMALS))
    try:
        return make_roi("drawn", {"kind": "drawn"}, [outline], rows, columns, (GIVEN_NOTE,))
    except NoRegionFound:
        raise NoRegionFound(
            f"the region given with --roi lies outside of the image, which has {columns} columns and {rows} rows: "
            "give x to the right and y down, in pixels from its upper left corner"
        ) from None


def _outline(numbers: Sequence[float]) -> np.ndarray:
    """The vertices ``(n, 2)``."""
    if len(numbers) == 4:
        x0, y0, x1, y1 = numbers
        return np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], float)
    return np.array(numbers, float).reshape(-1, 2)


def _on_inner_pixels(outline: np.ndarray) -> np.ndarray:
    """The polygon with the coordinates that lie between two pixels moved to the center of the one on its inner side."""
    outline = outline[(outline != np.roll(outline, 1, axis=0)).any(axis=1)]
    following = np.roll(outline, -1, axis=0)
    area = (outline[:, 0] * following[:, 1] - outline[:, 1] * following[:, 0]).sum()
    side = following - outline
    normal = np.sign(area) * np.stack([-side[:, 1], side[:, 0]], axis=1) / np.linalg.norm(side, axis=1, keepdims=True)
    inward = normal + np.roll(normal, 1, axis=0)
    step = np.where(inward < 0, -CENTER_TO_EDGE, CENTER_TO_EDGE)
    return np.where(outline == np.floor(outline), outline + step, outline)
