"""PyLogik's ``im_analysis``, with its names and defaults: the Dice score of two masks, and the picture that shows both."""

from __future__ import annotations

import numpy as np

from .comparing.pictures import PREDICTION_ONLY, TRUTH_ONLY, Color, draw_pair, pair_picture
from .core.errors import UsageError

__all__ = ["dice_score", "imshowpair"]


def dice_score(pred: np.ndarray, true: np.ndarray, k: float = 1) -> float:
    """Dice's coefficient of the pixels that equal ``k``: ``2 |P & T| / (|P| + |T|)``.

    Unlike PyLogik's, which adds up the values of the pixels, it is right for every ``k`` and for every other value
    that the masks hold.

    Parameters
    ----------
    pred, true : array_like
        Masks or label maps of one shape, of any dimension; boolean masks have the label ``True`` = 1.
    k : int or float, optional
        The label that is compared.

    Returns
    -------
    float
        0 (nothing in common) to 1 (the same). Two masks without a pixel of ``k`` agree: 1.

    Raises
    ------
    UsageError
        The masks differ in shape.

    References
    ----------
    L. R. Dice, "Measures of the Amount of Ecologic Association Between Species", Ecology 26 (1945), 297-302.
    """
    pred, true = _pair(pred, true)
    predicted, expected = pred == k, true == k
    total = np.count_nonzero(predicted) + np.count_nonzero(expected)
    return 2.0 * np.count_nonzero(predicted & expected) / total if total else 1.0


def imshowpair(
    pred: np.ndarray, true: np.ndarray, color1: Color = PREDICTION_ONLY, color2: Color = TRUTH_ONLY, show_fig: bool = True
) -> np.ndarray:
    """Two masks in one picture: ``color1`` where only ``pred`` is, ``color2`` where only ``true`` is, white where both are.

    Parameters
    ----------
    pred, true : array_like
        Masks of one shape; every value but 0 belongs to the mask. ``(rows, columns)``, or a stack of such frames:
        ``(frames, rows, columns)`` or with more leading axes.
    color1, color2 : tuple of int, optional
        RGB, 0 to 255.
    show_fig : bool, optional
        Draw the picture into matplotlib's current axes, with a legend and the Dice score. As in PyLogik, it is for the
        caller to call ``matplotlib.pyplot.show()`` or ``savefig``; no display is needed.

    Returns
    -------
    numpy.ndarray
        uint8 ``(rows, columns, 3)`` RGB; of a stack a montage of its frames, from left to right, then downwards.

    Raises
    ------
    UsageError
        The masks differ in shape, or have no rows and columns.
    """
    pred, true = (mask != 0 for mask in _pair(pred, true))
    if pred.ndim < 2 or not pred.size:
        raise UsageError(f"masks with rows and columns are needed; these have the shape {pred.shape}")
    picture = pair_picture(pred, true, color1, color2)
    if show_fig:
        # Half a second to import, and only needed here.
        from matplotlib import pyplot

        draw_pair(pyplot.gca(), picture, f"Dice {dice_score(pred, true):.4f}", color1, color2)
    return picture


def _pair(pred: np.ndarray, true: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    pred, true = np.asarray(pred), np.asarray(true)
    if pred.shape != true.shape:
        raise UsageError(f"the masks differ in shape: the prediction has {pred.shape}, the truth has {true.shape}")
    return pred, true
