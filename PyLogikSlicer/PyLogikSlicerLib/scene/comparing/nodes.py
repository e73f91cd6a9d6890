"""A comparison in the scene: tables, a plot, and the two masks in three colors; all in a folder beside the truth."""

from __future__ import annotations

from collections import defaultdict
from math import nan

import numpy as np
import slicer
import vtk

from .. import frames
from ..hierarchy import folderBeside, placeIn, removeMade
from ..labelmaps import Labelmap, cropped, setLabelmap
from .comparison import SceneComparison
from .lattice import serialized

PREDICTION_ONLY, TRUTH_ONLY, BOTH = "prediction only", "truth only", "both"
OPACITY = 0.6
# With more points than this a marker on each hides the line.
MOST_MARKERS = 60


def makeNodes(comparison: SceneComparison) -> None:
    """Make all nodes of a comparison that are not in the scene."""
    name = f"{comparison.prediction.GetName()} / {comparison.truth.GetName()}"
    if not _there(comparison.scores):
        comparison.scores = _table(f"{name} scores", _overallColumns(comparison))
    if not _there(comparison.segmentation):
        comparison.segmentation = _segmentation(comparison, f"{name} differences")
    if any(pair.comparison.frames for pair in comparison.pairs):
        if not _there(comparison.frameScores):
            comparison.frameScores = _table(f"{name} frames", _frameColumns(comparison))
        if not all(map(_there, (comparison.diceTable, comparison.chart, *comparison.series))):
            for node in filter(_there, (comparison.diceTable, comparison.chart, *comparison.series)):
                removeMade(node)
            _makePlot(comparison, name)
    beside = comparison.image if _there(comparison.image) else comparison.truth
    folder = folderBeside(beside, f"{name} comparison", nodesOf(comparison))
    for node in nodesOf(comparison):
        placeIn(folder, node)


def nodesOf(comparison: SceneComparison) -> list:
    """The nodes of a comparison that are in the scene."""
    made = (comparison.scores, comparison.frameScores, comparison.diceTable, *comparison.series, comparison.chart, comparison.segmentation)
    return [node for node in made if _there(node)]


def removeNodes(comparison: SceneComparison) -> None:
    """Take a comparison out of the scene, its folder too."""
    for node in nodesOf(comparison):
        removeMade(node)


def drawDifferences(comparison: SceneComparison, item: int | None) -> None:
    """Draw both masks of the pair that is looked at, as they were compared, in an item; None: nothing."""
    lattice = comparison.lattices[item or 0]
    pred, true = comparison.masks(comparison.pair, item) if item is not None else (np.zeros((1, 1, 1), bool),) * 2
    comparison.segmentation.SetAndObserveTransformNodeID(lattice.transform.GetID() if lattice.transform else None)
    for name, mask in ((PREDICTION_ONLY, pred & ~true), (TRUTH_ONLY, true & ~pred), (BOTH, pred & true)):
        empty = Labelmap(np.zeros((1, 1, 1), bool), lattice.start, lattice.matrix)
        labelmap = cropped(mask, lattice.start, lattice.matrix) or empty
        setLabelmap(comparison.segmentation.GetSegmentation().GetSegment(name), labelmap)
    comparison.segmentation.Modified()


def showDifferences(comparison: SceneComparison, shown: bool) -> None:
    """Show the differences in the slice views, and hide the two masks there meanwhile: their colors would mix."""
    for display in comparison.hidden:
        display.SetVisibility2D(True)
    comparison.hidden = []
    comparison.shown = shown
    if _there(comparison.segmentation):
        comparison.segmentation.GetDisplayNode().SetVisibility(shown)
    if shown:
        displays = [frames.shownVolume(node).GetDisplayNode() for node in (comparison.prediction, comparison.truth)]
        seen = [display for display in displays if display and display.IsA("vtkMRMLSegmentationDisplayNode") and display.GetVisibility2D()]
        for display in seen:
            display.SetVisibility2D(False)
        comparison.hidden = seen


def _segmentation(comparison: SceneComparison, name: str):
    from ...comparing import pictures

    colors = {PREDICTION_ONLY: pictures.PREDICTION_ONLY, TRUTH_ONLY: pictures.TRUTH_ONLY, BOTH: pictures.BOTH}
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", name)
    node.CreateDefaultDisplayNodes()
    if _there(comparison.image):
        node.SetReferenceImageGeometryParameterFromVolumeNode(comparison.image)
    else:
        parameter = slicer.vtkSegmentationConverter.GetReferenceImageGeometryParameterName()
        node.GetSegmentation().SetConversionParameter(parameter, serialized(comparison.lattices[0]))
    for segment, color in colors.items():
        made = slicer.vtkSegment()
        made.SetName(segment)
        made.SetColor(*(value / 255 for value in color))
        node.GetSegmentation().AddSegment(made, segment)
    display = node.GetDisplayNode()
    display.SetVisibility(comparison.shown)
    display.SetOpacity2DFill(OPACITY)
    display.SetOpacity2DOutline(OPACITY)
    return node


Columns = dict[str, list]


def _overallColumns(comparison: SceneComparison) -> Columns:
    columns: Columns = defaultdict(list)
    for pair in comparison.pairs:
        columns["segment"].append(pair.name)
        for metric, value in _metrics(pair.comparison)[None].items():
            columns[metric].append(value)
    return columns


def _frameColumns(comparison: SceneComparison) -> Columns:
    """A row for each segment and frame that has it, lowest Dice first."""
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
    """By the frame, None for all; what is undefined is NaN."""
    metrics: dict[int | None, dict[str, float]] = defaultdict(dict)
    for row in comparison.rows():
        metrics[row.frame][row.metric] = nan if row.value is None else row.value
    return metrics


def _makePlot(comparison: SceneComparison, name: str) -> None:
    """Dice over the frames, a line for each segment, broken where neither mask has it."""
    columns: Columns = {"frame": list(range(len(comparison.lattices) * comparison.slices))}
    columns.update({pair.name: list(pair.panel.frame_dice) for pair in comparison.pairs})
    comparison.diceTable = _table(f"{name} Dice per frame", columns)
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


def _table(name: str, columns: Columns):
    table = vtk.vtkTable()
    for title, values in columns.items():
        text = title in ("segment", "index_value")
        column = vtk.vtkStringArray() if text else vtk.vtkIntArray() if title == "frame" else vtk.vtkDoubleArray()
        column.SetName(title)
        for value in values:
            column.InsertNextValue(value)
        table.AddColumn(column)
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTableNode", name)
    node.SetUseColumnTitleAsColumnHeader(True)
    node.SetAndObserveTable(table)
    return node


def _there(node) -> bool:
    return node is not None and node.GetScene() is slicer.mrmlScene
