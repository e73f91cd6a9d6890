"""ComparisonLogic: the part of the module's logic that compares segmentations. A part of StudyLogic, and usable from the console."""

from __future__ import annotations

import weakref
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path

import numpy as np
import slicer
import vtk

from .. import frames, places
from ..exports import fullPath
from ..study import Study
from . import nodes as comparison_nodes
from .comparison import Pairing, SceneComparison, comparing
from .matching import byName, byOverlap, resolved
from .sides import Side, StudySide


class ComparisonLogic:
    """Compares segmentation nodes, labelmap volumes, and sequences of these.

    ``logic.compare(prediction, truth)`` does all and gives the scores; its nodes are in the scene then. Neither node is
    changed, save that the slice views do not show them while the differences are shown.
    """

    studies: dict[str, Study]

    @cached_property
    def comparisons(self) -> Comparisons:
        """What was compared since the scene was opened."""
        return Comparisons()

    def segmentsOf(self, node, role: str = "node") -> dict[str, str]:
        """The names of a node's segments by their keys, IDs or labels.

        Raises UsageError where there is none; the error calls the node ``role``.
        """
        return self._side(node, role).segments

    def matchSegments(self, predictionNode, truthNode, by: str = "auto") -> dict[str, str]:
        """Which segment of the truth each of the prediction stands for, by their keys.

        ``by`` is "name", "overlap" (the largest sum of Dice scores), or "auto": one and one, else by name, else by overlap.
        """
        pairing = self._pairing(predictionNode, truthNode)
        keys = list(pairing.prediction.segments), list(pairing.truth.segments)
        if by == "auto" and len(keys[0]) == len(keys[1]) == 1:
            return {keys[0][0]: keys[1][0]}
        named = byName(pairing.prediction, pairing.truth) if by != "overlap" else {}
        if named or by == "name":
            return named
        return byOverlap(pairing.prediction, pairing.truth, pairing.items, pairing.lattices)

    def compare(self, predictionNode, truthNode, matching: Mapping[str, str] | None = None, distances: bool = True) -> SceneComparison:
        """Compare; tables, a plot and the differences are in the scene then, the latter shown by :meth:`showDifferences`.

        ``matching``: segments of the prediction with those of the truth, by names, IDs or labels; by default that of
        :meth:`matchSegments`. Scores are in ``result.comparisons[name]``, a
        :class:`~PyLogikSlicerLib.comparing.Comparison`. Voxels are those of the image that was segmented for the truth, else
        of the truth itself; the other mask is resampled in memory, by nearest neighbor. The items of a sequence are images,
        or volumes, each for itself, and so are those of a study of a sequence; another node that is no sequence holds for all items of one.

        Raises UsageError where the two cannot be compared.
        """
        steps = self.compareInSteps(predictionNode, truthNode, matching, distances)
        while True:
            try:
                next(steps)
            except StopIteration as end:
                return end.value

    def compareInSteps(
        self, predictionNode, truthNode, matching: Mapping[str, str] | None = None, distances: bool = True
    ) -> Iterator[tuple[int, int]]:
        """:meth:`compare` as a generator of (steps done, steps in all); what was compared is its return value.

        Until its end the scene is as it was.
        """
        pairing = self._pairing(predictionNode, truthNode)
        chosen = self.matchSegments(predictionNode, truthNode) if matching is None else matching
        result = yield from comparing(pairing, resolved(chosen, pairing.prediction, pairing.truth), distances)
        self.comparisons.enter(result)
        return result

    def comparisonOf(self, predictionNode, truthNode) -> SceneComparison | None:
        """The last comparison of two nodes, or None."""
        return self.comparisons.of(predictionNode, truthNode)

    def showDifferences(self, comparison: SceneComparison, shown: bool) -> None:
        """Show the two masks in the slice views, in three colors; or show them as they were again."""
        if shown:
            self.comparisons.draw(comparison)
        comparison_nodes.showDifferences(comparison, shown)

    def lookAt(self, comparison: SceneComparison, pair: int, frame: int | None = None) -> None:
        """Go to where the masks of a pair differ in a frame; by default in its worst one."""
        worst = comparison.pairs[pair].comparison.worst_frames(1)
        frame = (worst[0] if worst else 0) if frame is None else frame
        item, k = divmod(frame, comparison.slices)
        comparison.pair = pair
        self.comparisons.showItem(comparison, item)
        self.comparisons.draw(comparison)
        place = _placeToLookAt(*(side[k] for side in comparison.masks(pair, item)))
        ras = comparison.lattices[item].toRas((*place, k))
        places.showPlace(ras)

    def showPlot(self, comparison: SceneComparison) -> None:
        """Show Dice over the frames in a plot view; Slicer changes to a layout that has one."""
        comparison_nodes.makeNodes(comparison)
        if comparison.chart is not None:
            slicer.modules.plots.logic().ShowChartInLayout(comparison.chart)

    def exportComparison(self, comparison: SceneComparison, folder: str, pictures: bool = True) -> list[Path]:
        """Write ``dice.csv`` (every value, the names of the segments as items), ``dice.png`` and, of several frames,
        ``dice_per_frame.png``; pictures need matplotlib. Raises UsageError where the folder is no full path, or cannot be
        written to."""
        from ...comparing.files import write_files
        from ...comparing.pictures import lowest_dice

        target = Path(fullPath(folder))
        panels = lowest_dice([pair.panel for pair in comparison.pairs]) if pictures else []
        return write_files(target, comparison.comparisons, panels)

    def _pairing(self, predictionNode, truthNode) -> Pairing:
        return Pairing(self._side(predictionNode, "prediction"), self._side(truthNode, "truth"))

    def _side(self, node, role: str) -> Side:
        study = next((study for study in self.studies.values() if node is not None and study.segmentation is node), None)
        return StudySide(study, role) if study and frames.isSequence(study.node) else Side(node, role)


class Comparisons:
    """The comparisons of a scene. The differences follow the browser of a sequence; a closed scene has none."""

    def __init__(self) -> None:
        self._found: list[SceneComparison] = []
        self._watched: list[tuple] = []
        own, scene = weakref.ref(self), slicer.mrmlScene
        closing = scene.AddObserver(slicer.vtkMRMLScene.StartCloseEvent, lambda *_: own().forget())
        weakref.finalize(self, _release, [(scene, closing)])
        weakref.finalize(self, _release, self._watched)

    def enter(self, comparison: SceneComparison) -> None:
        """A comparison is done: show it, instead of a former one of the same nodes."""
        former = self.of(comparison.prediction, comparison.truth)
        if former is not None:
            comparison_nodes.showDifferences(former, False)
            comparison_nodes.removeNodes(former)
            self._found.remove(former)
        self._found.append(comparison)
        comparison_nodes.makeNodes(comparison)
        self._follow(comparison)
        browser = _browserOf(comparison)
        comparison.item = _itemShown(comparison, browser) if browser else 0
        self.draw(comparison)

    def of(self, predictionNode, truthNode) -> SceneComparison | None:
        if predictionNode is None or truthNode is None:
            return None
        nodes = frames.sequenceOf(predictionNode), frames.sequenceOf(truthNode)
        return next((found for found in self._found if (found.prediction, found.truth) == nodes), None)

    def draw(self, comparison: SceneComparison) -> None:
        """Draw the pair and item that are looked at; nodes that a person removed are made again."""
        comparison_nodes.makeNodes(comparison)
        comparison_nodes.drawDifferences(comparison, comparison.item)

    def showItem(self, comparison: SceneComparison, item: int) -> None:
        browser = _browserOf(comparison)
        comparison.item = item
        if browser:
            number = browser.GetMasterSequenceNode().GetItemNumberFromIndexValue(comparison.indexValues[item])
            if number >= 0:
                browser.SetSelectedItemNumber(number)

    def forget(self) -> None:
        """The scene is closing: the nodes are going."""
        _release(self._watched)
        self._found.clear()

    def _follow(self, comparison: SceneComparison) -> None:
        browser = _browserOf(comparison)
        if browser is None:
            return
        own = weakref.ref(self)

        def onModified(*_) -> None:
            item = _itemShown(comparison, browser)
            registry = own()
            if item != comparison.item and comparison in registry._found and comparison_nodes.nodesOf(comparison):
                comparison.item = item
                registry.draw(comparison)

        self._watched.append((browser, browser.AddObserver(vtk.vtkCommand.ModifiedEvent, onModified)))


def _browserOf(comparison: SceneComparison):
    """The browser that plays the truth, or the prediction; None where there is none."""
    browsers = (frames.browserOf(sequence) for sequence in comparison.sequences)
    return next((browser for browser in browsers if browser), None)


def _itemShown(comparison: SceneComparison, browser) -> int | None:
    """The item that a browser shows, None where it was not compared."""
    value = browser.GetMasterSequenceNode().GetNthIndexValue(max(browser.GetSelectedItemNumber(), 0))
    return comparison.indexValues.index(value) if value in comparison.indexValues else None


def _placeToLookAt(pred: np.ndarray, true: np.ndarray) -> tuple[int, int]:
    """(i, j) of the pixel nearest to the middle of what differs in a frame; of what is there, where nothing differs."""
    differing = pred ^ true
    there = np.argwhere(differing if differing.any() else pred)
    if not len(there):
        return pred.shape[1] // 2, pred.shape[0] // 2
    row, column = there[np.linalg.norm(there - there.mean(axis=0), axis=1).argmin()]
    return int(column), int(row)


def _release(watched: list[tuple]) -> None:
    for node, tag in watched:
        node.RemoveObserver(tag)
    watched.clear()
