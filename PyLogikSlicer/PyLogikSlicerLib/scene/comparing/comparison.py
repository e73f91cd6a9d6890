"""Comparing the masks of two nodes: on which voxels, which items with which, step by step; and what came out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from ...core.errors import UsageError
from ...core.voxel_grid import Spacing, spacing_from_steps
from .lattice import Lattice, enlarged, outside, resampled
from .matching import Matching
from .sides import Side

if TYPE_CHECKING:
    from ...comparing import Comparison
    from ...comparing.pictures import Panel

# Voxels of a mask: more would not fit into the memory of most computers. Reached where two masks without an image lie far apart.
MOST_VOXELS = 2**32


@dataclass(frozen=True)
class PairScores:
    """One segment of the prediction against one of the truth, known by their keys (see :class:`~.sides.Side`).

    ``comparison`` has the label 1 only. ``bits`` are the masks as they were compared, packed: ``(2, items, bytes)``, the
    prediction first. ``outside`` is how many voxels of either lie outside of the image that was segmented, and were not
    compared.
    """

    name: str
    prediction: str
    truth: str
    comparison: Comparison
    panel: Panel
    bits: np.ndarray
    outside: tuple[int, int]


@dataclass(eq=False)
class SceneComparison:
    """What came out of comparing two nodes, and the nodes made for it.

    ``lattices``: the voxels that were compared, one lattice of one shape for each item; frame ``item * slices + k`` is slice k
    of an item. ``indexValues``: those of the items, where either side is a sequence, and ``sequences`` are the nodes
    that are played, the truth's first. ``notes``: what a person should know.
    ``pair`` and ``item`` are looked at (None: what the browser shows was not compared); ``shown``: in the slice views, where the
    displays ``hidden`` do not show the two nodes meanwhile.
    """

    prediction: Any
    truth: Any
    matching: Matching
    pairs: tuple[PairScores, ...]
    lattices: tuple[Lattice, ...]
    indexValues: tuple[str, ...] | None
    sequences: tuple
    image: Any
    notes: tuple[str, ...]
    pair: int = 0
    item: int | None = 0
    shown: bool = False
    segmentation: Any = None
    scores: Any = None
    frameScores: Any = None
    diceTable: Any = None
    series: list = field(default_factory=list)
    chart: Any = None
    hidden: list = field(default_factory=list)

    @property
    def comparisons(self) -> dict[str, Comparison]:
        """By the names of the pairs."""
        return {pair.name: pair.comparison for pair in self.pairs}

    @property
    def slices(self) -> int:
        """Of an item."""
        return self.lattices[0].shape[0]

    def masks(self, pair: int, item: int) -> tuple[np.ndarray, np.ndarray]:
        """The prediction and the truth as they were compared: bool ``(slices, rows, columns)``."""
        shape = self.lattices[item].shape
        bits = self.pairs[pair].bits[:, item]
        return tuple(np.unpackbits(side, count=int(np.prod(shape))).astype(bool).reshape(shape) for side in bits)  # type: ignore[return-value]

    def worstFrames(self) -> list[tuple[int, int]]:
        """(pair, frame) of all frames in which either mask has something, lowest Dice first."""
        found = [
            (score.dice, pair, score.frame)
            for pair, scores in enumerate(self.pairs)
            for score in scores.comparison.of_frames(1)
            if score.predicted or score.true
        ]
        return [(pair, frame) for _, pair, frame in sorted(found)]


class Pairing:
    """Two sides made ready to be compared: their items paired, and the voxels on which they are compared.

    Those of the image that was segmented for the truth; where it does not tell, the voxels of the truth itself, as many as
    hold both masks.
    """

    def __init__(self, prediction: Side, truth: Side) -> None:
        self.prediction, self.truth = prediction, truth
        if self.prediction.node is self.truth.node:
            raise UsageError("a segmentation is compared with itself: choose another prediction or another truth")
        self.items, self.indexValues = _pairedItems(self.prediction, self.truth)

    @property
    def isSequence(self) -> bool:
        return self.prediction.isSequence or self.truth.isSequence

    def check(self) -> None:
        """Raises UsageError where a node was removed from the scene meanwhile."""
        if any(side.node.GetScene() is None for side in (self.prediction, self.truth)):
            raise UsageError("a segmentation was removed from the scene, and the comparison ended: choose another")

    def masks(self, prediction: str, truth: str, number: int) -> tuple[np.ndarray, np.ndarray]:
        """Two segments in an item: bool ``(slices, rows, columns)``."""
        lattice = self.lattices[number]
        keys = zip((self.prediction, self.truth), (prediction, truth), self.items[number], strict=True)
        return tuple(resampled(side.labelmap(item, key), side.transform, lattice) for side, key, item in keys)  # type: ignore[return-value]

    def outside(self, prediction: str, truth: str, number: int) -> tuple[int, int]:
        lattice = self.lattices[number]
        keys = zip((self.prediction, self.truth), (prediction, truth), self.items[number], strict=True)
        return tuple(outside(side.labelmap(item, key), side.transform, lattice) for side, key, item in keys)  # type: ignore[return-value]

    @property
    def spacing(self) -> Spacing:
        """For the engine, mm: of three axes in volumes, of two where every frame is an image."""
        steps = self.lattices[0].steps
        return spacing_from_steps(steps if self.lattices[0].shape[0] > 1 else steps[1:])

    def arranged(self, masks: np.ndarray) -> np.ndarray:
        """Masks ``(items, slices, rows, columns)`` with the axes that the engine knows them by."""
        items, slices = masks.shape[:2]
        if slices == 1:
            masks = masks[:, 0]
        return masks if self.isSequence else masks[0]

    @cached_property
    def lattices(self) -> list[Lattice]:
        """The voxels on which each pair of items is compared, all of one shape. Raises UsageError where there are none."""
        images = [self.truth.imageLattice(other) for _, other in self.items]
        if all(images):
            if len({lattice.shape for lattice in images}) > 1:
                raise UsageError("the images of the truth are not of one size: compare them one by one")
            return images
        own = (
            side.ownLattice(item)
            for side, place in ((self.truth, 1), (self.prediction, 0))
            for item in {pair[place] for pair in self.items}
        )
        first = next((lattice for lattice in own if lattice), None)
        if first is None:
            raise UsageError("both segmentations are empty, and the truth does not tell its image: there is nothing to compare")
        lattice = enlarged(first, self._labelmaps())
        if np.prod(lattice.shape, dtype=float) > MOST_VOXELS:
            raise UsageError(
                "the masks lie too far apart to be compared voxel by voxel: choose the image of the truth as its source geometry "
                "in the Segmentations or Segment Editor module"
            )
        return [lattice] * len(self.items)

    def _labelmaps(self) -> Iterator[tuple]:
        for side, place in ((self.truth, 1), (self.prediction, 0)):
            for item in {pair[place] for pair in self.items}:
                for key in side.segments:
                    labelmap = side.labelmap(item, key)
                    if labelmap:
                        yield labelmap, side.transform


def comparing(pairing: Pairing, matching: Matching, distances: bool = True) -> Iterator[tuple[int, int]]:
    """Compare step by step: a generator of (steps done, steps in all), whose return value is the :class:`SceneComparison`.

    Neither node is changed. A step is one segment in one item, or the scores of a segment.
    """
    from ...comparing import compare
    from ...comparing.pictures import panels_of

    names = _names(pairing, matching)
    done, total = 0, len(matching) * (len(pairing.items) + 1)
    pairs = []
    for name, (key, other) in zip(names, matching.items(), strict=True):
        masks, left = np.zeros((2, len(pairing.items), *pairing.lattices[0].shape), bool), np.zeros(2, int)
        for number in range(len(pairing.items)):
            yield done, total
            pairing.check()
            masks[:, number] = pairing.masks(key, other, number)
            left += pairing.outside(key, other, number)
            done += 1
        yield done, total
        pred, true = (pairing.arranged(side) for side in masks)
        comparison = compare(pred, true, pairing.spacing, [1], distances)
        (panel,) = panels_of(pred, true, comparison)
        panel = replace(panel, title=f"{name}: Dice {panel.dice:.4f}")
        bits = np.packbits(masks.reshape(2, len(pairing.items), -1), axis=-1)
        pairs.append(PairScores(name, key, other, comparison, panel, bits, (int(left[0]), int(left[1]))))
        done += 1
    yield done, total
    pairing.check()
    return SceneComparison(
        prediction=pairing.prediction.node,
        truth=pairing.truth.node,
        matching=dict(matching),
        pairs=tuple(pairs),
        lattices=tuple(pairing.lattices),
        indexValues=tuple(pairing.indexValues) if pairing.isSequence else None,
        sequences=tuple(side.sequence for side in (pairing.truth, pairing.prediction) if side.isSequence),
        image=pairing.truth.image,
        notes=_notes(pairing, matching, pairs),
    )


def _pairedItems(prediction: Side, truth: Side) -> tuple[list[tuple[int, int]], list[str]]:
    """Which item of the prediction belongs to which of the truth, and their index values. What is no sequence holds for every item.

    Items of two sequences belong together by their index values; where they have none in common, by their order.
    """
    if not truth.isSequence:
        items = [(item, 0) for item in range(len(prediction.items))]
        return items, prediction.indexValues if prediction.isSequence else []
    if not prediction.isSequence:
        return [(0, item) for item in range(len(truth.items))], truth.indexValues
    places = {value: item for item, value in enumerate(prediction.indexValues)}
    common = [(places[value], item) for item, value in enumerate(truth.indexValues) if value in places]
    if not common and len(prediction.items) == len(truth.items):
        common = [(item, item) for item in range(len(truth.items))]
    if not common:
        raise UsageError(
            f"the sequences have no index value in common: the prediction has {len(prediction.items)} items, the truth {len(truth.items)}"
        )
    return common, [truth.indexValues[item] for _, item in common]


def _names(pairing: Pairing, matching: Matching) -> list[str]:
    """A name for each pair, each another."""
    names: list[str] = []
    for key, other in matching.items():
        one, true = pairing.prediction.segments[key], pairing.truth.segments[other]
        name = one if one == true else f"{one} / {true}"
        names.append(name if name not in names else f"{name} ({len(names) + 1})")
    return names


def _notes(pairing: Pairing, matching: Matching, pairs: Sequence[PairScores]) -> tuple[str, ...]:
    notes = []
    for side, matched in ((pairing.prediction, set(matching)), (pairing.truth, set(matching.values()))):
        left = [name for key, name in side.segments.items() if key not in matched]
        if left:
            notes.append(f"Not compared, of {side.node.GetName()}: {', '.join(left)}.")
    for place, side in enumerate((pairing.prediction, pairing.truth)):
        count = sum(pair.outside[place] for pair in pairs)
        if count:
            notes.append(f"{count} voxels of {side.node.GetName()} lie outside of the image, and were not compared.")
        if side.isSequence and len(side.items) > len(pairing.items):
            notes.append(f"{len(pairing.items)} of {len(side.items)} items of {side.node.GetName()} were compared.")
    return tuple(notes)
