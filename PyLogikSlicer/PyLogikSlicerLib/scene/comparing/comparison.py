"""The comparison of the masks of two nodes: which items and voxels are compared, the steps of the work, and the outcome."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from ...core.errors import UsageError
from ...core.progress import Progress
from ...core.voxel_grid import Spacing, spacing_from_steps
from .compared_node import ComparedNode
from .matching import Matching
from .reference_geometry import ReferenceGeometry, countOutside, extendToHold, resample

if TYPE_CHECKING:
    from ...comparing import Comparison
    from ...comparing.pictures import Panel
    from ..labelmaps import Labelmap

# Voxels of a mask, at most: more would not fit into the memory of most computers. Two masks without an image reach it where they lie far
# apart.
MOST_VOXELS = 2**32


@dataclass(frozen=True)
class PairScores:
    """The scores of one segment of the prediction against one of the truth.

    Attributes
    ----------
    name
        The name of the pair.
    prediction, truth
        The keys of the two segments (see :class:`~.compared_node.ComparedNode`).
    comparison
        The scores; the label is 1.
    panel
        The pictures of the pair.
    bits
        The masks as they were compared, packed by ``np.packbits``: uint8 ``(2, items, bytes)``, the prediction first.
    outside
        How many voxels of the prediction and of the truth lie outside of the image, and were not compared.
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
    """The outcome of comparing two nodes, and the nodes that were made for it.

    Attributes
    ----------
    prediction, truth
        The two nodes.
    matching
        The keys of the segments that were compared.
    pairs
        Their scores.
    geometries
        The voxels that were compared, for each item; all of one shape. Frame ``item * slices + k`` is slice k of an item.
    indexValues
        The index values of the items where either node is a sequence, else None.
    sequences
        The nodes that are played, the truth's first.
    image
        The volume node that was segmented, or None.
    notes
        What the person should know.
    pair, item
        The pair and the item that are shown; ``item`` is None where the browser shows an item that was not compared.
    shown
        Whether the differences are shown in the slice views.
    hidden
        The display nodes of the two nodes that are hidden there meanwhile.
    """

    prediction: Any
    truth: Any
    matching: Matching
    pairs: tuple[PairScores, ...]
    geometries: tuple[ReferenceGeometry, ...]
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
        """The scores by the names of the pairs."""
        return {pair.name: pair.comparison for pair in self.pairs}

    @property
    def slices(self) -> int:
        """The number of slices of an item."""
        return self.geometries[0].shape[0]

    def masks(self, pair: int, item: int) -> tuple[np.ndarray, np.ndarray]:
        """The prediction and the truth as they were compared: bool ``(slices, rows, columns)``."""
        shape = self.geometries[item].shape
        count = int(np.prod(shape))
        prediction, truth = (np.unpackbits(bits, count=count).astype(bool).reshape(shape) for bits in self.pairs[pair].bits[:, item])
        return prediction, truth

    def worstFrames(self) -> list[tuple[int, int]]:
        """(pair, frame) of all frames in which either mask is not empty, lowest Dice first."""
        found = [
            (score.dice, pair, score.frame)
            for pair, scores in enumerate(self.pairs)
            for score in scores.comparison.of_frames(1)
            if score.frame is not None and (score.predicted or score.true)
        ]
        return [(pair, frame) for _, pair, frame in sorted(found)]


class Pairing:
    """Two nodes made ready to be compared: which of their items belong together, and the voxels that they are compared on.

    These are the voxels of the image that was segmented for the truth. Where the truth does not tell its image they are the voxels of
    the truth itself, extended to hold both masks.

    Raises UsageError where a node is compared with itself, or where no items belong together.
    """

    def __init__(self, prediction: ComparedNode, truth: ComparedNode) -> None:
        self.prediction, self.truth = prediction, truth
        if self.prediction.node is self.truth.node:
            raise UsageError("a segmentation is compared with itself: choose another prediction or another truth")
        self.items, self.indexValues = _pairItems(self.prediction, self.truth)

    @property
    def isSequence(self) -> bool:
        return self.prediction.isSequence or self.truth.isSequence

    def requireInScene(self) -> None:
        """Raises UsageError where a node was removed from the scene meanwhile."""
        if any(compared.node.GetScene() is None for compared in (self.prediction, self.truth)):
            raise UsageError("a segmentation was removed from the scene, and the comparison ended: choose another")

    def masks(self, prediction: str, truth: str, number: int) -> tuple[np.ndarray, np.ndarray]:
        """Two segments, by their keys, in the pair of items ``number``: bool ``(slices, rows, columns)``."""
        geometry, (item, other) = self.geometries[number], self.items[number]
        return (
            resample(self.prediction.labelmap(item, prediction), self.prediction.transform, geometry),
            resample(self.truth.labelmap(other, truth), self.truth.transform, geometry),
        )

    def countOutside(self, prediction: str, truth: str, number: int) -> tuple[int, int]:
        """How many voxels of two segments lie outside of the voxels that are compared in the pair of items ``number``."""
        geometry, (item, other) = self.geometries[number], self.items[number]
        return (
            countOutside(self.prediction.labelmap(item, prediction), self.prediction.transform, geometry),
            countOutside(self.truth.labelmap(other, truth), self.truth.transform, geometry),
        )

    @property
    def spacing(self) -> Spacing:
        """The spacing for the engine, mm: of three axes for volumes, of two where every frame is an image of its own."""
        steps = self.geometries[0].steps
        return spacing_from_steps(steps if self.geometries[0].shape[0] > 1 else steps[1:])

    def dropSingleAxes(self, masks: np.ndarray) -> np.ndarray:
        """Masks ``(items, slices, rows, columns)`` in the shape that the engine expects: without the axis of the slices where there is one
        slice, and without that of the items where neither node is a sequence."""
        if masks.shape[1] == 1:
            masks = masks[:, 0]
        return masks if self.isSequence else masks[0]

    @cached_property
    def geometries(self) -> list[ReferenceGeometry]:
        """The voxels that each pair of items is compared on, all of one shape. Raises UsageError where there are none."""
        ofImages = [geometry for _, item in self.items if (geometry := self.truth.imageGeometry(item)) is not None]
        if len(ofImages) == len(self.items):
            if len({geometry.shape for geometry in ofImages}) > 1:
                raise UsageError("the images of the truth are not of one size: compare them one by one")
            return ofImages
        stored = (compared.labelmapGeometry(item) for compared, item in self._comparedItems())
        first = next((geometry for geometry in stored if geometry), None)
        if first is None:
            raise UsageError("both segmentations are empty, and the truth does not tell its image: there is nothing to compare")
        geometry = extendToHold(first, self._labelmaps())
        if np.prod(geometry.shape, dtype=float) > MOST_VOXELS:
            raise UsageError(
                "the masks lie too far apart to be compared voxel by voxel: choose the image of the truth as its source geometry "
                "in the Segmentations or Segment Editor module"
            )
        return [geometry] * len(self.items)

    def _comparedItems(self) -> Iterator[tuple[ComparedNode, int]]:
        """Each item that is compared, once: those of the truth first."""
        for item in {other for _, other in self.items}:
            yield self.truth, item
        for item in {item for item, _ in self.items}:
            yield self.prediction, item

    def _labelmaps(self) -> Iterator[tuple[Labelmap, Any]]:
        """The labelmaps of all items that are compared, each with the transform node above it."""
        for compared, item in self._comparedItems():
            for key in compared.segments:
                labelmap = compared.labelmap(item, key)
                if labelmap:
                    yield labelmap, compared.transform


def compareStepwise(pairing: Pairing, matching: Matching, distances: bool = True) -> Generator[Progress, None, SceneComparison]:
    """Compare in steps: a generator of the progress, whose return value is the :class:`SceneComparison`.

    Neither node is changed. A step is one segment in one item, or the scores of a segment.
    """
    from ...comparing import compare
    from ...comparing.pictures import panels_of

    done, total = 0, len(matching) * (len(pairing.items) + 1)
    pairs = []
    for name, (key, other) in zip(_pairNames(pairing, matching), matching.items(), strict=True):
        masks, outside = np.zeros((2, len(pairing.items), *pairing.geometries[0].shape), bool), np.zeros(2, int)
        for number in range(len(pairing.items)):
            yield Progress("compare", done, total)
            pairing.requireInScene()
            masks[:, number] = pairing.masks(key, other, number)
            outside += pairing.countOutside(key, other, number)
            done += 1
        yield Progress("compare", done, total)
        pred, true = (pairing.dropSingleAxes(mask) for mask in masks)
        comparison = compare(pred, true, pairing.spacing, [1], distances)
        (panel,) = panels_of(pred, true, comparison)
        panel = replace(panel, title=f"{name}: Dice {panel.dice:.4f}")
        bits = np.packbits(masks.reshape(2, len(pairing.items), -1), axis=-1)
        pairs.append(PairScores(name, key, other, comparison, panel, bits, (int(outside[0]), int(outside[1]))))
        done += 1
    yield Progress("compare", done, total)
    pairing.requireInScene()
    return SceneComparison(
        prediction=pairing.prediction.node,
        truth=pairing.truth.node,
        matching=dict(matching),
        pairs=tuple(pairs),
        geometries=tuple(pairing.geometries),
        indexValues=tuple(pairing.indexValues) if pairing.isSequence else None,
        sequences=tuple(compared.sequence for compared in (pairing.truth, pairing.prediction) if compared.isSequence),
        image=pairing.truth.image,
        notes=_notes(pairing, matching, pairs),
    )


def _pairItems(prediction: ComparedNode, truth: ComparedNode) -> tuple[list[tuple[int, int]], list[str]]:
    """The pairs of items (prediction, truth) that are compared, and their index values.

    Items of two sequences belong together by their index values; where they have none in common and are as many, by their order. A node
    that is no sequence belongs to every item of the other one.
    """
    if not truth.isSequence:
        items = [(item, 0) for item in range(len(prediction.items))]
        return items, prediction.indexValues if prediction.isSequence else []
    if not prediction.isSequence:
        return [(0, item) for item in range(len(truth.items))], truth.indexValues
    byValue = {value: item for item, value in enumerate(prediction.indexValues)}
    common = [(byValue[value], item) for item, value in enumerate(truth.indexValues) if value in byValue]
    if not common and len(prediction.items) == len(truth.items):
        common = [(item, item) for item in range(len(truth.items))]
    if not common:
        raise UsageError(
            f"the sequences have no index value in common: the prediction has {len(prediction.items)} items, the truth {len(truth.items)}"
        )
    return common, [truth.indexValues[item] for _, item in common]


def _pairNames(pairing: Pairing, matching: Matching) -> list[str]:
    """A name for each pair, all of them different."""
    names: list[str] = []
    for key, other in matching.items():
        predicted, true = pairing.prediction.segments[key], pairing.truth.segments[other]
        name = predicted if predicted == true else f"{predicted} / {true}"
        names.append(name if name not in names else f"{name} ({len(names) + 1})")
    return names


def _notes(pairing: Pairing, matching: Matching, pairs: Sequence[PairScores]) -> tuple[str, ...]:
    """What was not compared: segments, voxels outside of the image, and items."""
    notes = []
    for compared, matched in ((pairing.prediction, set(matching)), (pairing.truth, set(matching.values()))):
        unmatched = [name for key, name in compared.segments.items() if key not in matched]
        if unmatched:
            notes.append(f"Not compared, of {compared.node.GetName()}: {', '.join(unmatched)}.")
    for position, compared in enumerate((pairing.prediction, pairing.truth)):
        count = sum(pair.outside[position] for pair in pairs)
        if count:
            notes.append(f"{count} voxels of {compared.node.GetName()} lie outside of the image, and were not compared.")
        if compared.isSequence and len(compared.items) > len(pairing.items):
            notes.append(f"{len(pairing.items)} of {len(compared.items)} items of {compared.node.GetName()} were compared.")
    return tuple(notes)
