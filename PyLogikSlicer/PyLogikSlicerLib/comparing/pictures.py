"""Pictures of comparisons: the pair of masks in three colors, and Dice over the frames. matplotlib is imported where it draws."""

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

Color = tuple[int, int, int]
# PyLogik's.
PREDICTION_ONLY: Color = (124, 252, 0)
TRUTH_ONLY: Color = (255, 0, 252)
BOTH: Color = (255, 255, 255)
# Of a stack the picture shows at most so many frames: more are too small to be seen.
_MOST_FRAMES = 16
# And so many labels.
_MOST_PANELS = 12
_PANEL_INCHES, _DPI = 6, 150
Scored = TypeVar("Scored", "Panel", "_Scored")


@dataclass(frozen=True)
class Panel:
    """One label of one pair of masks: what it is, how it scores, how it looks, and how it scores frame by frame.

    ``pred`` and ``true`` are bool ``(frames, rows, columns)``, those that are shown, and ``shown`` are their numbers; large
    ones have fewer pixels than the masks. ``frame_dice`` is NaN in frames where neither mask has the label, and empty for a
    single image.
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
    """A panel for each label of a pair of masks, those that agree least first; ``title`` stands before the label. ``pairs`` are those
    that were compared, in the same order; by default what the scores tell of them."""
    pairs = [LabelPair(score.label, score.true_label) for score in comparison.overall] if pairs is None else pairs
    frames = comparison.frames or [()] * len(comparison.overall)
    scored = [_Scored(score.dice, score, own, pair) for score, own, pair in zip(comparison.overall, frames, pairs, strict=True)]
    return [_panel(pred, true, one, title) for one in least_alike(scored)]


def least_alike(scored: Iterable[Scored]) -> list[Scored]:
    """Of scores or panels, as many as a picture can show: those of the lowest Dice, in this order."""
    return sorted(scored, key=lambda one: one.dice)[:_MOST_PANELS]


class _Scored(NamedTuple):
    dice: float
    score: Score
    frames: Sequence[Score]
    pair: LabelPair


def _panel(pred: np.ndarray, true: np.ndarray, scored: _Scored, title: str) -> Panel:
    shown = shown_frames(worst_first(scored.frames) or [0])
    # Twice as many pixels as are drawn are enough, and a cine of a megapixel in full would take half a gigabyte.
    step = max(1, max(pred.shape[-2:]) * grid_of(len(shown))[1] // (2 * _PANEL_INCHES * _DPI))
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
    """Of the frames that hold something, as many as a picture can show: evenly from the first to the last, and the worst."""
    held = np.sort(worst_first)
    chosen = held[np.linspace(0, len(held) - 1, min(len(held), _MOST_FRAMES)).round().astype(int)]
    if worst_first[0] not in chosen:
        chosen[np.abs(chosen - worst_first[0]).argmin()] = worst_first[0]
    return tuple(chosen.tolist())


def pair_picture(pred: np.ndarray, true: np.ndarray, color1: Color = PREDICTION_ONLY, color2: Color = TRUTH_ONLY) -> np.ndarray:
    """``color1`` where only ``pred`` is True, ``color2`` where only ``true`` is, white where both are.

    Bool ``(rows, columns)`` or, with any leading axes, a stack; uint8 ``(rows, columns, 3)`` RGB, of a stack a montage.
    """
    picture = np.zeros((*pred.shape, 3), np.uint8)
    picture[pred & ~true] = color1
    picture[true & ~pred] = color2
    picture[pred & true] = BOTH
    return montage(picture) if picture.ndim > 3 else picture


def montage(frames: np.ndarray) -> np.ndarray:
    """The frames of ``(..., rows, columns, 3)`` in a grid that is as many frames wide as high, or one wider."""
    rows, columns, channels = frames.shape[-3:]
    frames = frames.reshape(-1, rows, columns, channels)
    down, across = grid_of(len(frames))
    grid = np.zeros((down * across, rows, columns, channels), frames.dtype)
    grid[: len(frames)] = frames
    return grid.reshape(down, across, rows, columns, channels).swapaxes(1, 2).reshape(down * rows, across * columns, channels)


def grid_of(count: int) -> tuple[int, int]:
    """Rows and columns of a grid that holds ``count`` pictures, as many wide as high, or one wider."""
    across = math.ceil(math.sqrt(count))
    return math.ceil(count / across), across


def draw_pair(axes: Axes, picture: np.ndarray, title: str, color1: Color, color2: Color) -> None:
    """Draw a picture of :func:`pair_picture` with a legend of its colors."""
    from matplotlib.patches import Patch

    axes.imshow(picture)
    axes.set_axis_off()
    axes.set_title(title)
    meanings = {"prediction only": color1, "truth only": color2, "both": BOTH}
    patches = [Patch(facecolor=np.array(color) / 255, edgecolor="black", label=meaning) for meaning, color in meanings.items()]
    axes.legend(handles=patches, loc="upper center", bbox_to_anchor=(0.5, 0), ncols=len(patches), frameon=False)


def write_pairs(panels: Sequence[Panel], path: Path) -> None:
    """All panels in one PNG, in PyLogik's colors; the frames of a stack bear their numbers."""
    from matplotlib.figure import Figure

    down, across = grid_of(len(panels))
    figure = Figure(figsize=(across * _PANEL_INCHES, down * _PANEL_INCHES), layout="constrained")
    for panel, axes in zip(panels, figure.subplots(down, across, squeeze=False).flat, strict=False):
        left_out = len(panel.frame_dice) > len(panel.shown)
        title = f"{panel.title} ({len(panel.shown)} of {len(panel.frame_dice)} frames)" if left_out else panel.title
        draw_pair(axes, pair_picture(panel.pred, panel.true), title, PREDICTION_ONLY, TRUTH_ONLY)
        if panel.frame_dice:
            _number(axes, panel)
    for axes in figure.axes[len(panels) :]:
        axes.set_axis_off()
    figure.savefig(path, dpi=_DPI)


def _number(axes: Axes, panel: Panel) -> None:
    rows, columns = panel.pred.shape[-2:]
    across = grid_of(len(panel.shown))[1]
    for place, frame in enumerate(panel.shown):
        down, right = divmod(place, across)
        told = f"{frame}: {panel.frame_dice[frame]:.2f}"
        axes.text(right * columns + columns * 0.03, down * rows + rows * 0.03, told, color="yellow", fontsize=7, va="top", clip_on=True)
    for place in range(1, across):
        axes.axvline(place * columns - 0.5, color="gray", linewidth=0.5)
    for place in range(1, grid_of(len(panel.shown))[0]):
        axes.axhline(place * rows - 0.5, color="gray", linewidth=0.5)


def write_frame_plot(panels: Sequence[Panel], path: Path) -> None:
    """Dice over the frames, one line for each panel that has frames; where neither mask has the label the line is broken."""
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
