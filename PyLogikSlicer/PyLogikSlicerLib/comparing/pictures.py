"""Pictures of comparisons: pairs of masks in three colors, and Dice over the frames.

matplotlib is imported only by the functions that draw, since that takes half a second.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import numpy as np

from .comparison import Comparison, Score, worst_first
from .overlap import as_frames
from .pairing import LabelPair

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# RGB, 0 to 255.
Color = tuple[int, int, int]
# PyLogik's colors for pixels in the prediction only, in the truth only, and in both.
PREDICTION_ONLY: Color = (124, 252, 0)
TRUTH_ONLY: Color = (255, 0, 252)
BOTH: Color = (255, 255, 255)
# The largest number of frames of a stack in a picture: more would be too small to be seen.
_MOST_FRAMES = 16
# The largest number of labels in a picture, for the same reason.
_MOST_PANELS = 12
# Width and height of a panel, inches.
_PANEL_INCHES = 6
# Pixels per inch of the pictures.
_DPI = 150
Scored = TypeVar("Scored", "Panel", "_Scored")


@dataclass(frozen=True)
class Panel:
    """What the pictures show of one label of a pair of masks.

    Parameters
    ----------
    title
        The label and its Dice score.
    dice
        The Dice score over all frames.
    pred, true
        Bool ``(frames, rows, columns)``: the masks of the label in the frames that are shown; subsampled where they are large.
    shown
        The numbers of these frames.
    frame_dice
        The Dice score of each frame, NaN where neither mask has the label; empty for a single image.
    """

    title: str
    dice: float
    pred: np.ndarray
    true: np.ndarray
    shown: tuple[int, ...]
    frame_dice: tuple[float, ...]


def panels_of(
    pred: np.ndarray, true: np.ndarray, comparison: Comparison, title: str = "", pairs: Sequence[LabelPair] | None = None
) -> list[Panel]:
    """Panels for the labels of a pair of masks with the lowest Dice scores, the lowest one first.

    Parameters
    ----------
    pred, true
        The masks, of one shape.
    comparison
        Their comparison.
    title
        Text before the label in the title of each panel.
    pairs
        The pairs of labels in the order of ``comparison.overall``; by default labels without overlaps, from the scores.
    """
    pairs = [LabelPair(score.label, score.true_label) for score in comparison.overall] if pairs is None else pairs
    frames = comparison.frames or [()] * len(comparison.overall)
    scored = [_Scored(score.dice, score, own, pair) for score, own, pair in zip(comparison.overall, frames, pairs, strict=True)]
    return [_panel(pred, true, one, title) for one in lowest_dice(scored)]


def lowest_dice(scored: Iterable[Scored]) -> list[Scored]:
    """The scores or panels with the lowest Dice, in ascending order, as many as fit into a picture."""
    return sorted(scored, key=lambda one: one.dice)[:_MOST_PANELS]


class _Scored(NamedTuple):
    dice: float
    score: Score
    frames: Sequence[Score]
    pair: LabelPair


def _panel(pred: np.ndarray, true: np.ndarray, scored: _Scored, title: str) -> Panel:
    """The panel of a pair of labels, with the frames that are shown."""
    shown = shown_frames(worst_first(scored.frames) or [0])
    # Subsampled to about twice the number of pixels that are drawn: all frames of a cine of a megapixel would take half a gigabyte.
    step = max(1, max(pred.shape[-2:]) * montage_shape(len(shown))[1] // (2 * _PANEL_INCHES * _DPI))
    part = list(shown), slice(None, None, step), slice(None, None, step)
    predicted, expected = scored.pair.masks(as_frames(pred)[part], as_frames(true)[part])
    return Panel(
        title=f"{title}{'' if scored.score.name else 'label '}{scored.score.title}: Dice {scored.dice:.4f}",
        dice=scored.dice,
        pred=predicted,
        true=expected,
        shown=shown,
        frame_dice=tuple(one.dice if one.predicted or one.true else math.nan for one in scored.frames),
    )


def shown_frames(worst_first: Sequence[int]) -> tuple[int, ...]:
    """As many frames as fit into a picture, evenly from the first to the last, among them the one with the lowest Dice.

    ``worst_first`` are the frames with the label, lowest Dice first.
    """
    frames = np.sort(worst_first)
    selected = frames[np.linspace(0, len(frames) - 1, min(len(frames), _MOST_FRAMES)).round().astype(int)]
    if worst_first[0] not in selected:
        selected[np.abs(selected - worst_first[0]).argmin()] = worst_first[0]
    return tuple(selected.tolist())


def pair_picture(pred: np.ndarray, true: np.ndarray, color1: Color = PREDICTION_ONLY, color2: Color = TRUTH_ONLY) -> np.ndarray:
    """A picture of two masks: ``color1`` where only ``pred`` is True, ``color2`` where only ``true`` is, white where both are.

    The masks are bool ``(rows, columns)``, or a stack with any leading axes. The picture is uint8 RGB ``(rows, columns, 3)``; of a stack
    it is a montage of its frames.
    """
    picture = np.zeros((*pred.shape, 3), np.uint8)
    picture[pred & ~true] = color1
    picture[true & ~pred] = color2
    picture[pred & true] = BOTH
    return montage(picture) if picture.ndim > 3 else picture


def montage(frames: np.ndarray) -> np.ndarray:
    """The frames ``(..., rows, columns, 3)`` side by side in one picture, from left to right, then downwards."""
    rows, columns, channels = frames.shape[-3:]
    frames = frames.reshape(-1, rows, columns, channels)
    down, across = montage_shape(len(frames))
    grid = np.zeros((down * across, rows, columns, channels), frames.dtype)
    grid[: len(frames)] = frames
    return grid.reshape(down, across, rows, columns, channels).swapaxes(1, 2).reshape(down * rows, across * columns, channels)


def montage_shape(count: int) -> tuple[int, int]:
    """The rows and columns of a montage of ``count`` pictures: as many columns as rows, or one more."""
    across = math.ceil(math.sqrt(count))
    return math.ceil(count / across), across


def draw_pair(axes: Axes, picture: np.ndarray, title: str, color1: Color, color2: Color) -> None:
    """Draw a picture of :func:`pair_picture` with a legend of its colors."""
    from matplotlib.patches import Patch

    axes.imshow(picture)
    axes.set_axis_off()
    axes.set_title(title)
    meanings = {"prediction only": color1, "truth only": color2, "both": BOTH}
    patches = [
        Patch(facecolor=(red / 255, green / 255, blue / 255), edgecolor="black", label=meaning)
        for meaning, (red, green, blue) in meanings.items()
    ]
    axes.legend(handles=patches, loc="upper center", bbox_to_anchor=(0.5, 0), ncols=len(patches), frameon=False)


def write_pairs(panels: Sequence[Panel], path: Path) -> None:
    """Write all panels to one PNG, in PyLogik's colors; the frames of a stack have their numbers and Dice scores on them."""
    from matplotlib.figure import Figure

    down, across = montage_shape(len(panels))
    figure = Figure(figsize=(across * _PANEL_INCHES, down * _PANEL_INCHES), layout="constrained")
    for panel, axes in zip(panels, figure.subplots(down, across, squeeze=False).flat, strict=False):
        left_out = len(panel.frame_dice) > len(panel.shown)
        title = f"{panel.title} ({len(panel.shown)} of {len(panel.frame_dice)} frames)" if left_out else panel.title
        draw_pair(axes, pair_picture(panel.pred, panel.true), title, PREDICTION_ONLY, TRUTH_ONLY)
        if panel.frame_dice:
            _draw_frame_numbers(axes, panel)
    for axes in figure.axes[len(panels) :]:
        axes.set_axis_off()
    figure.savefig(path, dpi=_DPI)


def _draw_frame_numbers(axes: Axes, panel: Panel) -> None:
    """Write number and Dice score on each frame of a montage, and draw lines between the frames."""
    rows, columns = panel.pred.shape[-2:]
    across = montage_shape(len(panel.shown))[1]
    for place, frame in enumerate(panel.shown):
        down, right = divmod(place, across)
        caption = f"{frame}: {panel.frame_dice[frame]:.2f}"
        axes.text(right * columns + columns * 0.03, down * rows + rows * 0.03, caption, color="yellow", fontsize=7, va="top", clip_on=True)
    for place in range(1, across):
        axes.axvline(place * columns - 0.5, color="gray", linewidth=0.5)
    for place in range(1, montage_shape(len(panel.shown))[0]):
        axes.axhline(place * rows - 0.5, color="gray", linewidth=0.5)


def write_frame_plot(panels: Sequence[Panel], path: Path) -> None:
    """Write a plot of Dice over the frames to ``path``, a line for each panel; it is broken where neither mask has the label."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    figure = Figure(figsize=(9, 5), layout="constrained")
    axes = figure.subplots()
    for panel in panels:
        axes.plot(range(len(panel.frame_dice)), panel.frame_dice, marker=".", linewidth=1, label=panel.title)
    last = max(len(panel.frame_dice) for panel in panels) - 1
    axes.set(xlabel="frame", ylabel="Dice", xlim=(-0.5, last + 0.5), ylim=(-0.02, 1.02), title="Dice per frame")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(alpha=0.3)
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
    figure.savefig(path, dpi=_DPI)
