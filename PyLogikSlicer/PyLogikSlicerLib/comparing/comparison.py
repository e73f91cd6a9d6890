"""``compare``: the scores of a prediction against the truth, per label, per frame and overall."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isnan, nan
from typing import NamedTuple

import numpy as np

from ..core.errors import UsageError
from ..core.voxel_grid import Spacing
from .overlap import PairCounts, as_frames, check_pair, count_pairs
from .pairing import LabelPair, PairedBy
from .surfaces import Directed, Distances, directed_distances, summarize


class Row(NamedTuple):
    """One value in long form.

    ``label`` is None for all labels together, and where the prediction has no label that corresponds to ``true_label``; ``true_label``
    likewise. ``frame`` is None for all frames, ``value`` where it is undefined.
    """

    item: str
    label: int | None
    true_label: int | None
    name: str
    frame: int | None
    metric: str
    value: float | None


@dataclass(frozen=True)
class Score:
    """How well one label agrees, in one frame or over all.

    Two empty masks agree: Dice, Jaccard, precision and recall are 1. Where only one is empty, Dice and Jaccard are 0, the
    precision of an empty prediction and the recall of an empty truth are undefined (NaN), and so are distances. Where frames
    are separate images, distances over all frames are those of the frames in which neither mask is empty.

    Parameters
    ----------
    label
        Label in the prediction; None where no label of it corresponds to ``true_label``, and for all labels together. For these, the
        pixels of all labels are added up, so that a pixel with different labels in the two masks counts as wrong in both.
    true_label
        Label in the truth; another one than ``label`` only where the two were matched.
    frame
        0 is the first; None: over all frames.
    predicted, true, both
        Pixels of the label in the prediction, in the truth, and in both.
    predicted_size, true_size
        mm^2 in a frame or an image, mm^3 in a volume; NaN where the spacing is not known.
    distances
        None where they were not asked for.
    name
        The name of the label; empty where it is not known.
    paired_by
        How ``label`` and ``true_label`` were paired.
    """

    label: int | None
    true_label: int | None
    frame: int | None
    predicted: int
    true: int
    both: int
    predicted_size: float = nan
    true_size: float = nan
    distances: Distances | None = None
    name: str = ""
    paired_by: PairedBy = "number"

    @property
    def title(self) -> str:
        """The label for the user: its name where labels were paired by name or have no partner, else its numbers, with the name."""
        if self.name and self.paired_by in ("name", ""):
            return self.name
        labels = [str(label) for label in dict.fromkeys((self.label, self.true_label)) if label is not None]
        return " / ".join(labels) + (f" ({self.name})" if self.name else "")

    @property
    def dice(self) -> float:
        return 2 * self.both / (self.predicted + self.true) if self.predicted + self.true else 1.0

    @property
    def jaccard(self) -> float:
        union = self.predicted + self.true - self.both
        return self.both / union if union else 1.0

    @property
    def precision(self) -> float:
        return _ratio(self.both, self.predicted, self.true)

    @property
    def recall(self) -> float:
        return _ratio(self.both, self.true, self.predicted)


@dataclass(frozen=True)
class Comparison:
    """All scores of a pair of masks.

    Parameters
    ----------
    shape
        Shape of both masks.
    spacing
        As given to :func:`compare`: mm of the last two or three axes, or the steps along them, or None.
    overall
        One score for each label, over all frames.
    frames
        For each label, in the same order, one score for each frame; empty for a single image.
    total
        The score of all labels together.
    """

    shape: tuple[int, ...]
    spacing: Spacing | None
    overall: tuple[Score, ...]
    frames: tuple[tuple[Score, ...], ...]
    total: Score

    @property
    def labels(self) -> tuple[int | None, ...]:
        """The compared labels of the prediction, in the order of ``overall``; None for one that only the truth has."""
        return tuple(score.label for score in self.overall)

    @property
    def unit(self) -> str:
        """The unit of the distances: ``mm``, or ``px`` where the spacing is not known."""
        return "px" if self.spacing is None else "mm"

    def of_frames(self, label: int) -> tuple[Score, ...]:
        """The scores of a label, frame by frame."""
        return self.frames[self.labels.index(label)] if self.frames else ()

    def worst_frames(self, label: int) -> tuple[int, ...]:
        """The frames in which either mask has the label, lowest Dice first; frames with equal Dice in their order."""
        return worst_first(self.of_frames(label))

    def rows(self, item: str = "") -> Iterator[Row]:
        """All values in long form, for CSV or JSON: first those over all frames, then frame by frame. ``item`` names the pair of masks."""
        scores = [*self.overall, *([self.total] if len(self.overall) != 1 else []), *(score for label in self.frames for score in label)]
        for score in scores:
            for metric, value in self._metrics(score).items():
                yield Row(
                    item,
                    score.label,
                    score.true_label,
                    score.name,
                    score.frame,
                    metric,
                    None if isinstance(value, float) and isnan(value) else value,
                )

    def _metrics(self, score: Score) -> dict[str, float]:
        """The values of a score by the names of their metrics, which contain the unit."""
        metrics = {name: getattr(score, name) for name in ("dice", "jaccard", "precision", "recall")}
        metrics |= {"predicted_pixels": score.predicted, "true_pixels": score.true}
        if score is not self.total and not isnan(score.true_size):
            size = "area_mm2" if score.frame is not None or len(self.shape) == 2 else "volume_mm3"
            metrics |= {f"predicted_{size}": score.predicted_size, f"true_{size}": score.true_size}
        if score.distances is not None:
            names = {"hausdorff": "hausdorff", "hausdorff95": "hausdorff95", "mean": "mean_surface_distance"}
            metrics |= {f"{name}_{self.unit}": getattr(score.distances, field) for field, name in names.items()}
        return metrics


def compare(
    prediction: np.ndarray,
    truth: np.ndarray,
    spacing: Sequence[float] | Sequence[Sequence[float]] | None = None,
    labels: Iterable[int] | Mapping[int, int] | Iterable[LabelPair] | None = None,
    distances: bool = True,
) -> Comparison:
    """Compare two label masks.

    Overlaps are counted in one pass over the pixels, frame by frame, so that memory-mapped arrays of any size can be
    compared. Distances take a pass and, in a volume, a boolean copy for each label.

    Parameters
    ----------
    prediction, truth : array_like
        Masks of one shape, bool (the label 1) or integer labels: ``(rows, columns)``, ``(frames, rows, columns)``, or
        ``(times, slices, rows, columns)``, whose frames are numbered consecutively. They are not modified.
    spacing : sequence of float, or of vectors, optional
        mm, in order of the axes; for axes that are not at right angles, the vectors from a pixel to the next along each axis. With two,
        of rows and columns, every frame is a separate image (a cine), and distances are measured within it. With three, the last three
        axes are a volume: distances over all frames are measured in space, and those of a frame within it. Without spacing, distances
        are in pixels and every frame is a separate image.
    labels : iterable of int, mapping of int to int, or iterable of LabelPair, optional
        The labels to compare. A mapping is from labels of the prediction to labels of the truth
        (:func:`~PyLogikSlicerLib.comparing.match_labels`); pairs are those of :func:`~PyLogikSlicerLib.comparing.pair_labels`.
        By default all labels of either mask but 0. A label that only one mask has scores 0, one that neither has scores 1.
    distances : bool, optional
        Measure distances too.

    Returns
    -------
    Comparison

    Raises
    ------
    UsageError
        The masks differ in shape, are no label masks, or the spacing does not fit them.
    """
    prediction, truth = check_pair(prediction, truth)
    spacing, steps = _check_spacing(spacing, prediction.ndim)
    counts = count_pairs(prediction, truth)
    overall, frames = [], []
    for pair in _as_label_pairs(counts, labels):
        per_frame = counts.of(pair.values, pair.true_values)
        far, far_frames = _distances(prediction, truth, steps, pair, per_frame) if distances else (None, [None] * counts.frames)
        size = _size(steps) if steps is not None and len(steps) == min(prediction.ndim, 3) else nan
        overall.append(_score(pair, None, per_frame.sum(axis=1), size, far))
        if prediction.ndim > 2:
            area = nan if steps is None else _size(steps[-2:])
            frames.append(tuple(_score(pair, frame, per_frame[:, frame], area, far_frames[frame]) for frame in range(counts.frames)))
    added = [sum(getattr(score, name) for score in overall) for name in ("predicted", "true", "both")]
    return Comparison(prediction.shape, spacing, tuple(overall), tuple(frames), Score(None, None, None, *added))


def worst_first(scores: Sequence[Score]) -> tuple[int, ...]:
    """The numbers of the frames in which either mask has the label, lowest Dice first; frames with equal Dice in their order.

    ``scores`` are those of frames; a score over all frames is ignored.
    """
    present = [score for score in scores if score.predicted or score.true]
    return tuple(score.frame for score in sorted(present, key=lambda score: score.dice) if score.frame is not None)


def _distances(
    prediction: np.ndarray, truth: np.ndarray, steps: np.ndarray | None, pair: LabelPair, per_frame: np.ndarray
) -> tuple[Distances, list[Distances]]:
    """The distances of a pair of labels over all frames, and in each frame.

    ``steps``: the vectors from a pixel to the next along the last two or three axes, None for pixels as the unit. ``per_frame``: pixels
    of the label in the prediction, in the truth and in both ``(3, frames)``.
    """
    in_plane = np.eye(2) if steps is None else steps[-2:]
    in_both = np.logical_and.reduce(per_frame[:2] > 0, axis=0)
    by_frame: list[Directed | None] = [
        directed_distances(*pair.masks(pred, true), in_plane) if is_in_both else None
        for pred, true, is_in_both in zip(as_frames(prediction), as_frames(truth), in_both, strict=True)
    ]
    of_frames = [summarize([part] if part else []) for part in by_frame]
    if steps is None or len(steps) == 2:
        return summarize(part for part in by_frame if part), of_frames
    slices = prediction.shape[-3]
    parts = []
    for first in range(0, per_frame.shape[1], slices):
        # Slices without the label have no surface of it, so they are left out at both ends.
        filled = first + np.flatnonzero(per_frame[:2, first : first + slices].any(axis=0))
        if filled.size:
            slab = slice(filled[0], filled[-1] + 1)
            parts.append(directed_distances(*pair.masks(as_frames(prediction)[slab], as_frames(truth)[slab]), steps))
    return summarize(parts), of_frames


def _score(pair: LabelPair, frame: int | None, counts: np.ndarray, size: float, distances: Distances | None) -> Score:
    predicted, true, both = counts.tolist()
    sizes = predicted * size, true * size
    return Score(pair.label, pair.true_label, frame, predicted, true, both, *sizes, distances, pair.name, pair.paired_by)


def _size(steps: np.ndarray) -> float:
    """The size of a pixel with two steps, mm^2, or of a voxel with three, mm^3."""
    return float(np.sqrt(np.linalg.det(steps @ steps.T)))


def _check_spacing(
    spacing: Sequence[float] | Sequence[Sequence[float]] | None, dimensions: int
) -> tuple[Spacing | None, np.ndarray | None]:
    """The given spacing as a tuple, and the steps along the axes, a row for each. Raises UsageError where it does not fit the masks."""
    if spacing is None:
        return None, None
    given = np.asarray(spacing, float)
    steps = np.diag(given) if given.ndim == 1 else given
    as_tuple = tuple(given.tolist()) if given.ndim == 1 else tuple(map(tuple, given.tolist()))
    is_fitting = 2 <= len(given) <= min(dimensions, 3) and steps.ndim == 2 and np.isfinite(steps).all()
    if not is_fitting or (given.ndim == 1 and (given <= 0).any()) or not _size(steps) > 0:
        raise UsageError(f"the spacing is {as_tuple}: masks of {dimensions} axes need the mm of two or three of them, above 0")
    return as_tuple, steps


def _as_label_pairs(counts: PairCounts, labels: Iterable[int] | Mapping[int, int] | Iterable[LabelPair] | None) -> list[LabelPair]:
    if isinstance(labels, Mapping):
        return [LabelPair(int(pred), int(true)) for pred, true in labels.items()]
    return [one if isinstance(one, LabelPair) else LabelPair(int(one), int(one)) for one in (counts.labels if labels is None else labels)]


def _ratio(both: int, size: int, other_size: int) -> float:
    """The share ``both / size`` of the common pixels; without any pixels NaN, or 1 where the other mask has none either."""
    if size:
        return both / size
    return nan if other_size else 1.0
