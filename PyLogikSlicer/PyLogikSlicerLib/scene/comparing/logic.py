"""ComparisonLogic: the module's logic for comparing segmentations; usable from the console, and without Qt."""

from __future__ import annotations

import weakref
from collections.abc import Generator, Mapping
from pathlib import Path

import numpy as np
import slicer
import vtk

from ...core.progress import Progress
from .. import frames, slice_positions
from ..exports import fullPath
from ..observers import Observers, weakCallback
from ..study import Study
from . import nodes as comparison_nodes
from .compared_node import ComparedNode, ComparedStudy
from .comparison import Pairing, SceneComparison, compareStepwise
from .matching import matchByName, matchByOverlap, resolveKeys


class ComparisonLogic:
    """Compares segmentation nodes, labelmap volumes, and sequences of these.

    :meth:`compare` does everything and returns the scores; the nodes of the comparison are in the scene then. Neither of the nodes that
    are compared is changed, except that the slice views do not show them while the differences are shown.

    Parameters
    ----------
    studies
        The studies of the scene by the IDs of their nodes. The overlays of a sequence's study are compared on all of its frames.
    """

    def __init__(self, studies: Mapping[str, Study]) -> None:
        self._studies = studies
        self._registry = ComparisonRegistry()

    def segmentsOf(self, node, role: str = "node") -> dict[str, str]:
        """The names of a node's segments by their keys, which are IDs or labels.

        Raises UsageError where it has none; the error calls the node ``role``.
        """
        return self._comparedNode(node, role).segments

    def matchSegments(self, predictionNode, truthNode, by: str = "auto") -> dict[str, str]:
        """The keys of the segments of the prediction to those of the truth that they are compared with.

        ``by`` is "name", "overlap" (the largest sum of Dice scores), or "auto": where both have one segment these two, else by name, and
        by overlap where no names are the same.
        """
        pairing = self._pairing(predictionNode, truthNode)
        keys, otherKeys = list(pairing.prediction.segments), list(pairing.truth.segments)
        if by == "auto" and len(keys) == len(otherKeys) == 1:
            return {keys[0]: otherKeys[0]}
        named = matchByName(pairing.prediction, pairing.truth) if by != "overlap" else {}
        if named or by == "name":
            return named
        return matchByOverlap(pairing.prediction, pairing.truth, pairing.items, pairing.geometries)

    def compare(self, predictionNode, truthNode, matching: Mapping[str, str] | None = None, distances: bool = True) -> SceneComparison:
        """Compare two nodes; tables, a plot and the differences are in the scene then (see :meth:`showDifferences`).

        The voxels are those of the image that was segmented for the truth, or those of the truth itself where it does not tell its
        image; the other mask is resampled to them in memory, by nearest neighbor. The items of a sequence (or of a study of one) are
        compared one by one; a node that is no sequence is compared with every item of one.

        Parameters
        ----------
        predictionNode, truthNode
            Segmentations, labelmap volumes, or sequences of these.
        matching
            Names, IDs or labels of segments of the prediction to those of the truth; by default :meth:`matchSegments`.
        distances
            Whether surface distances are computed.

        Returns
        -------
        SceneComparison
            The scores are in ``comparisons[name]``, each a :class:`~PyLogikSlicerLib.comparing.Comparison`.

        Raises
        ------
        UsageError
            The two cannot be compared.
        """
        steps = self.compareInSteps(predictionNode, truthNode, matching, distances)
        while True:
            try:
                next(steps)
            except StopIteration as end:
                return end.value

    def compareInSteps(
        self, predictionNode, truthNode, matching: Mapping[str, str] | None = None, distances: bool = True
    ) -> Generator[Progress, None, SceneComparison]:
        """:meth:`compare` as a generator of the progress; its return value is the comparison.

        The scene is not changed before the end.
        """
        pairing = self._pairing(predictionNode, truthNode)
        chosen = self.matchSegments(predictionNode, truthNode) if matching is None else matching
        comparison = yield from compareStepwise(pairing, resolveKeys(chosen, pairing.prediction, pairing.truth), distances)
        self._registry.add(comparison)
        return comparison

    def comparisonOf(self, predictionNode, truthNode) -> SceneComparison | None:
        """The last comparison of two nodes since the scene was opened, or None."""
        return self._registry.find(predictionNode, truthNode)

    def showDifferences(self, comparison: SceneComparison, shown: bool) -> None:
        """Show the differences of the two masks in the slice views, in three colors; or hide them, and show the masks again."""
        if shown:
            self._registry.draw(comparison)
        comparison_nodes.showDifferences(comparison, shown)

    def showFrame(self, comparison: SceneComparison, pair: int, frame: int | None = None) -> None:
        """Let the slice views show where the masks of a pair differ in a frame; by default in the one with the lowest Dice."""
        if frame is None:
            worst = comparison.pairs[pair].comparison.worst_frames(1)
            frame = worst[0] if worst else 0
        item, k = divmod(frame, comparison.slices)
        comparison.pair = pair
        self._registry.showItem(comparison, item)
        self._registry.draw(comparison)
        prediction, truth = comparison.masks(pair, item)
        i, j = _pixelToShow(prediction[k], truth[k])
        slice_positions.showPosition(comparison.geometries[item].toRas((i, j, k)))

    def showPlot(self, comparison: SceneComparison) -> None:
        """Show Dice over the frames in a plot view; Slicer changes to a layout that has one."""
        comparison_nodes.ensureNodes(comparison)
        if comparison.chart is not None:
            slicer.modules.plots.logic().ShowChartInLayout(comparison.chart)

    def exportComparison(self, comparison: SceneComparison, folder: str, pictures: bool = True) -> list[Path]:
        """Write ``dice.csv`` (all values; its items are the names of the segments) and the pictures ``dice.png`` and, of several frames,
        ``dice_per_frame.png``, which need matplotlib. Returns the files.

        Raises UsageError where the folder is no full path, or cannot be written to.
        """
        from ...comparing.files import write_files
        from ...comparing.pictures import lowest_dice

        target = Path(fullPath(folder))
        panels = lowest_dice([pair.panel for pair in comparison.pairs]) if pictures else []
        return write_files(target, comparison.comparisons, panels)

    def close(self) -> None:
        """Observe the scene no more: when the module is closed."""
        self._registry.close()

    def _pairing(self, predictionNode, truthNode) -> Pairing:
        return Pairing(self._comparedNode(predictionNode, "prediction"), self._comparedNode(truthNode, "truth"))

    def _comparedNode(self, node, role: str) -> ComparedNode:
        study = next((study for study in self._studies.values() if node is not None and study.segmentation is node), None)
        return ComparedStudy(study, role) if study and frames.isSequence(study.node) else ComparedNode(node, role)


class ComparisonRegistry:
    """The comparisons of the scene. The differences follow the browser of a sequence, and closing the scene forgets all comparisons."""

    def __init__(self) -> None:
        self._comparisons: list[SceneComparison] = []
        self._sceneObservers, self._browserObservers = Observers(), Observers()
        self._sceneObservers.add(slicer.mrmlScene, slicer.vtkMRMLScene.StartCloseEvent, weakCallback(self.forgetAll))
        for observers in (self._sceneObservers, self._browserObservers):
            weakref.finalize(self, observers.removeAll)

    def add(self, comparison: SceneComparison) -> None:
        """Show a comparison in the scene, in place of a former one of the same nodes."""
        former = self.find(comparison.prediction, comparison.truth)
        if former is not None:
            comparison_nodes.showDifferences(former, False)
            comparison_nodes.removeNodes(former)
            self._comparisons.remove(former)
        self._comparisons.append(comparison)
        comparison_nodes.ensureNodes(comparison)
        browser = _browserOf(comparison)
        if browser:
            callback = weakCallback(self._onBrowserModified, comparison, browser)
            self._browserObservers.add(browser, vtk.vtkCommand.ModifiedEvent, callback)
        comparison.item = _itemInBrowser(comparison, browser) if browser else 0
        self.draw(comparison)

    def find(self, predictionNode, truthNode) -> SceneComparison | None:
        """The last comparison of two nodes, or of the sequences that they are proxies of."""
        if predictionNode is None or truthNode is None:
            return None
        nodes = frames.sequenceOf(predictionNode), frames.sequenceOf(truthNode)
        return next((found for found in self._comparisons if (found.prediction, found.truth) == nodes), None)

    def draw(self, comparison: SceneComparison) -> None:
        """Draw the pair and the item that are shown; nodes that a person removed are made again."""
        comparison_nodes.ensureNodes(comparison)
        comparison_nodes.drawDifferences(comparison, comparison.item)

    def showItem(self, comparison: SceneComparison, item: int) -> None:
        """Let the browser show an item."""
        browser = _browserOf(comparison)
        comparison.item = item
        if browser and comparison.indexValues is not None:
            number = browser.GetMasterSequenceNode().GetItemNumberFromIndexValue(comparison.indexValues[item])
            if number >= 0:
                browser.SetSelectedItemNumber(number)

    def forgetAll(self) -> None:
        """The scene is closing, and the nodes are going."""
        self._browserObservers.removeAll()
        self._comparisons.clear()

    def close(self) -> None:
        self.forgetAll()
        self._sceneObservers.removeAll()

    def _onBrowserModified(self, comparison: SceneComparison, browser) -> None:
        item = _itemInBrowser(comparison, browser)
        if item != comparison.item and comparison in self._comparisons and comparison_nodes.nodesOf(comparison):
            comparison.item = item
            self.draw(comparison)


def _browserOf(comparison: SceneComparison):
    """The browser that plays the truth, or the prediction; None where there is none."""
    browsers = (frames.browserOf(sequence) for sequence in comparison.sequences)
    return next((browser for browser in browsers if browser), None)


def _itemInBrowser(comparison: SceneComparison, browser) -> int | None:
    """The item of the comparison that a browser shows; None where that was not compared."""
    values = comparison.indexValues or ()
    value = browser.GetMasterSequenceNode().GetNthIndexValue(max(browser.GetSelectedItemNumber(), 0))
    return values.index(value) if value in values else None


def _pixelToShow(prediction: np.ndarray, truth: np.ndarray) -> tuple[int, int]:
    """(i, j) of the pixel nearest to the center of the differences in a frame; where there are none, of the mask; else the middle."""
    differing = prediction ^ truth
    pixels = np.argwhere(differing if differing.any() else prediction)
    if not len(pixels):
        return prediction.shape[1] // 2, prediction.shape[0] // 2
    row, column = pixels[np.linalg.norm(pixels - pixels.mean(axis=0), axis=1).argmin()]
    return int(column), int(row)
