"""The nodes of a comparison: tables, a plot, and a segmentation of the differences, all in a folder beside the truth."""

from __future__ import annotations

from collections import defaultdict
from math import nan

import numpy as np
import slicer
import vtk

from .. import frames
from ..hierarchy import ensureFolderBeside, placeIn, removeNode
from ..labelmaps import cropOrEmpty, setLabelmap
from ..tables import vtkTableOf
from .comparison import SceneComparison

# Names and IDs of the segments of the differences.
PREDICTION_ONLY = "prediction only"
TRUTH_ONLY = "truth only"
BOTH = "both"
# Opacity of the differences, of fill and outline.
OPACITY = 0.6
# Points of a line in the plot, at most, for which each has a marker; more markers hide the line.
MOST_MARKERS = 60

# Columns of a table by their titles.
Columns = dict[str, list]


def ensureNodes(comparison: SceneComparison) -> None:
    """Make those nodes of a comparison that are not in the scene."""
    name = f"{comparison.prediction.GetName()} / {comparison.truth.GetName()}"
    if not _isInScene(comparison.scores):
        comparison.scores = _makeTable(f"{name} scores", _overallColumns(comparison))
    if not _isInScene(comparison.segmentation):
        comparison.segmentation = _makeSegmentation(comparison, f"{name} differences")
    if any(pair.comparison.frames for pair in comparison.pairs):
        if not _isInScene(comparison.frameScores):
            comparison.frameScores = _makeTable(f"{name} frames", _frameColumns(comparison))
        plotNodes = (comparison.diceTable, comparison.chart, *comparison.series)
        if not all(map(_isInScene, plotNodes)):
            for node in filter(_isInScene, plotNodes):
                removeNode(node)
            _makePlot(comparison, name)
    beside = comparison.image if _isInScene(comparison.image) else comparison.truth
    folder = ensureFolderBeside(beside, f"{name} comparison", nodesOf(comparison))
    for node in nodesOf(comparison):
        placeIn(folder, node)


def nodesOf(comparison: SceneComparison) -> list:
    """The nodes of a comparison that are in the scene."""
    made = (comparison.scores, comparison.frameScores, comparison.diceTable, *comparison.series, comparison.chart, comparison.segmentation)
    return [node for node in made if _isInScene(node)]


def removeNodes(comparison: SceneComparison) -> None:
    """Remove the nodes of a comparison from the scene, and their folder."""
    for node in nodesOf(comparison):
        removeNode(node)


def drawDifferences(comparison: SceneComparison, item: int | None) -> None:
    """Draw both masks of the pair that is shown, as they were compared, in an item; nothing where the item is None."""
    geometry = comparison.geometries[item or 0]
    nothing = np.zeros((1, 1, 1), bool)
    pred, true = comparison.masks(comparison.pair, item) if item is not None else (nothing, nothing)
    comparison.segmentation.SetAndObserveTransformNodeID(geometry.transform.GetID() if geometry.transform else None)
    for name, mask in ((PREDICTION_ONLY, pred & ~true), (TRUTH_ONLY, true & ~pred), (BOTH, pred & true)):
        segment = comparison.segmentation.GetSegmentation().GetSegment(name)
        setLabelmap(segment, cropOrEmpty(mask, geometry.start, geometry.matrix))
    comparison.segmentation.Modified()


def showDifferences(comparison: SceneComparison, shown: bool) -> None:
    """Show the differences in the slice views, and hide the two nodes there meanwhile, since the colors would mix; or the reverse."""
    for display in comparison.hidden:
        display.SetVisibility2D(True)
    comparison.hidden = []
    comparison.shown = shown
    if _isInScene(comparison.segmentation):
        comparison.segmentation.GetDisplayNode().SetVisibility(shown)
    if shown:
        displays = [frames.displayedVolume(node).GetDisplayNode() for node in (comparison.prediction, comparison.truth)]
        visible = [
            display for display in displays if display and display.IsA("vtkMRMLSegmentationDisplayNode") and display.GetVisibility2D()
        ]
        for display in visible:
            display.SetVisibility2D(False)
        comparison.hidden = visible


def _makeSegmentation(comparison: SceneComparison, name: str):
    """A segmentation node with the three segments of the differences, empty, on the geometry of the image."""
    from ...comparing import pictures

    colors = {PREDICTION_ONLY: pictures.PREDICTION_ONLY, TRUTH_ONLY: pictures.TRUTH_ONLY, BOTH: pictures.BOTH}
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", name)
    node.CreateDefaultDisplayNodes()
    if _isInScene(comparison.image):
        node.SetReferenceImageGeometryParameterFromVolumeNode(comparison.image)
    else:
        parameter = slicer.vtkSegmentationConverter.GetReferenceImageGeometryParameterName()
        node.GetSegmentation().SetConversionParameter(parameter, comparison.geometries[0].serialize())
    for title, color in colors.items():
        segment = slicer.vtkSegment()
        segment.SetName(title)
        segment.SetColor(*(value / 255 for value in color))
        node.GetSegmentation().AddSegment(segment, title)
    display = node.GetDisplayNode()
    display.SetVisibility(comparison.shown)
    display.SetOpacity2DFill(OPACITY)
    display.SetOpacity2DOutline(OPACITY)
    return node


def _overallColumns(comparison: SceneComparison) -> Columns:
    """A row for each segment, over all frames."""
    columns: Columns = defaultdict(list)
    for pair in comparison.pairs:
        columns["segment"].append(pair.name)
        for metric, value in _metrics(pair.comparison)[None].items():
            columns[metric].append(value)
    return columns


def _frameColumns(comparison: SceneComparison) -> Columns:
    """A row for each segment and each frame in which either mask has it, lowest Dice first."""
    columns: Columns = {"segment": [], "frame": []}
    if comparison.indexValues is not None:
        columns["index_value"] = []
    metrics = [_metrics(pair.comparison) for pair in comparison.pairs]
    names = list(metrics[0][0])
    columns.update({name: [] for name in names})
    for pair, frame in comparison.worstFrames():
        columns["segment"].append(comparison.pairs[pair].name)
        columns["frame"].append(frame)
        if comparison.indexValues is not None:
            columns["index_value"].append(comparison.indexValues[frame // comparison.slices])
        for name in names:
            columns[name].append(metrics[pair][frame][name])
    return columns


def _metrics(comparison) -> dict[int | None, dict[str, float]]:
    """The values of the metrics by frame, None for all frames together; undefined values are NaN."""
    metrics: dict[int | None, dict[str, float]] = defaultdict(dict)
    for row in comparison.rows():
        metrics[row.frame][row.metric] = nan if row.value is None else row.value
    return metrics


def _makePlot(comparison: SceneComparison, name: str) -> None:
    """Make a plot of Dice over the frames: a line for each segment, with gaps where neither mask has it."""
    columns: Columns = {"frame": list(range(len(comparison.geometries) * comparison.slices))}
    columns.update({pair.name: list(pair.panel.frame_dice) for pair in comparison.pairs})
    comparison.diceTable = _makeTable(f"{name} Dice per frame", columns)
    chart = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLPlotChartNode", f"{name} plot")
    chart.SetTitle("Dice per frame")
    chart.SetXAxisTitle("frame")
    chart.SetYAxisTitle("Dice")
    chart.SetYAxisRangeAuto(False)
    chart.SetYAxisRange(0, 1)
    comparison.series, comparison.chart = [], chart
    for pair in comparison.pairs:
        series = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLPlotSeriesNode", pair.name)
        series.SetAndObserveTableNodeID(comparison.diceTable.GetID())
        series.SetXColumnName("frame")
        series.SetYColumnName(pair.name)
        series.SetPlotType(series.PlotTypeScatter)
        series.SetLineStyle(series.LineStyleSolid)
        series.SetMarkerStyle(series.MarkerStyleCircle if len(columns["frame"]) <= MOST_MARKERS else series.MarkerStyleNone)
        series.SetUniqueColor()
        chart.AddAndObservePlotSeriesNodeID(series.GetID())
        comparison.series.append(series)


def _makeTable(name: str, columns: Columns):
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTableNode", name)
    node.SetUseColumnTitleAsColumnHeader(True)
    node.SetAndObserveTable(vtkTableOf(columns, _newArray))
    return node


def _newArray(title: str) -> vtk.vtkAbstractArray:
    """The empty array of a column: names are text, frames whole numbers, metrics floating point."""
    if title in ("segment", "index_value"):
        return vtk.vtkStringArray()
    return vtk.vtkIntArray() if title == "frame" else vtk.vtkDoubleArray()


def _isInScene(node) -> bool:
    return node is not None and node.GetScene() is slicer.mrmlScene
