"""PyLogik's ``im_analysis``, with its names and defaults: the Dice score of two masks, and the picture that shows both."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import numpy as np

from .errors import UsageError
from .mask_files import load_mask

__all__ = ["compare_files", "dice_score", "imshowpair", "load_mask"]

Color = tuple[int, int, int]
_BOTH: Color = (255, 255, 255)


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
    pred: np.ndarray, true: np.ndarray, color1: Color = (124, 252, 0), color2: Color = (255, 0, 252), show_fig: bool = True
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
    picture = np.zeros((*pred.shape, 3), np.uint8)
    picture[pred & ~true] = color1
    picture[true & ~pred] = color2
    picture[pred & true] = _BOTH
    picture = _montage(picture) if picture.ndim > 3 else picture
    if show_fig:
        _draw(picture, color1, color2, dice_score(pred, true))
    return picture


def compare_files(pred: Path, true: Path, k: int = 1, output: Path | None = None) -> list[str]:
    """Compare two mask files and say how alike they are, in lines to print; with ``output``, write ``dice.csv`` there too.

    ``dice.csv`` has the columns ``label, frame, metric, value``: a row for the whole, where ``frame`` is empty, and for a
    stack one for each frame. No name of a file is in it.

    Raises
    ------
    UnreadableInput, UsageError
        A file holds no mask (:func:`load_mask`), the shapes differ, neither mask has the label but others, or
        ``output`` cannot be written.
    """
    predicted, expected = load_mask(pred), load_mask(true)
    overall = dice_score(predicted, expected, k)
    labels = np.union1d(np.unique(predicted), np.unique(expected))
    if k not in labels and labels.any():
        raise UsageError(f"neither mask has the label {k}; choose one of {', '.join(str(int(label)) for label in labels if label)} with -k")
    frames = [] if predicted.ndim < 3 else [dice_score(*pair, k) for pair in zip(_frames(predicted), _frames(expected), strict=True)]
    if output is not None:
        _write_scores(output, k, overall, frames)
    lines = [f"Dice of label {k}: {overall:.4f}"]
    if frames:
        worst = int(np.argmin(frames))
        lines.append(f"worst of {len(frames)} frames: {frames[worst]:.4f}, frame {worst}")
    return lines


def _write_scores(folder: Path, k: int, overall: float, frames: list[float]) -> None:
    rows = [(k, "", "dice", overall), *((k, index, "dice", value) for index, value in enumerate(frames))]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / "dice.csv").open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([("label", "frame", "metric", "value"), *rows])
    except OSError as error:
        raise UsageError(f"dice.csv cannot be written to the output folder: {error.strerror}") from None


def _frames(mask: np.ndarray) -> np.ndarray:
    return mask.reshape(-1, *mask.shape[-2:])


def _pair(pred: np.ndarray, true: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    pred, true = np.asarray(pred), np.asarray(true)
    if pred.shape != true.shape:
        raise UsageError(f"the masks differ in shape: the prediction has {pred.shape}, the truth has {true.shape}")
    return pred, true


def _montage(frames: np.ndarray) -> np.ndarray:
    """The frames of ``(..., rows, columns, 3)`` in a grid that is as many frames wide as high, or one wider."""
    rows, columns, channels = frames.shape[-3:]
    frames = frames.reshape(-1, rows, columns, channels)
    across = math.ceil(math.sqrt(len(frames)))
    down = math.ceil(len(frames) / across)
    grid = np.zeros((down * across, rows, columns, channels), frames.dtype)
    grid[: len(frames)] = frames
    return grid.reshape(down, across, rows, columns, channels).swapaxes(1, 2).reshape(down * rows, across * columns, channels)


def _draw(picture: np.ndarray, color1: Color, color2: Color, dice: float) -> None:
    # Half a second to import, and only needed here.
    from matplotlib import pyplot
    from matplotlib.patches import Patch

    axes = pyplot.gca()
    axes.imshow(picture)
    axes.set_axis_off()
    axes.set_title(f"Dice {dice:.4f}")
    meanings = {"prediction only": color1, "truth only": color2, "both": _BOTH}
    patches = [Patch(facecolor=np.array(color) / 255, edgecolor="black", label=meaning) for meaning, color in meanings.items()]
    axes.legend(handles=patches, loc="upper center", bbox_to_anchor=(0.5, 0), ncols=len(patches), frameon=False)
