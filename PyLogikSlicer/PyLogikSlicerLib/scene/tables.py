"""The table of a study's regions; the text of the regions is in it only where the person wants it stored with the scene."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import slicer
import vtk

from .hierarchy import placeBeside
from .study import Study

TEXT = "text"
COLUMNS = ("frame_first", "frame_last", "x0", "y0", "x1", "y1", "confidence", "engine", "reason", "decision", "reviewed")


def makeTable(study: Study) -> None:
    """Make the study's table node, empty, beside its volume."""
    study.table = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTableNode", f"{study.node.GetName()} regions")
    study.table.SetUseColumnTitleAsColumnHeader(True)
    placeBeside(study.node, study.table)


def fillTable(study: Study) -> None:
    """Write one row for each region, in the order of the review; the column ``text`` only with ``study.keepText``."""
    columns: dict[str, list[str]] = {name: [] for name in ((TEXT, *COLUMNS) if study.keepText else COLUMNS)}
    reviewed = study.review.reviewed
    for index, region in enumerate(study.review.published_regions):
        x0, y0, x1, y1 = region.box
        values = (region.frame_first, region.frame_last, x0, y0, x1, y1, f"{region.confidence:.2f}", region.engine, region.reason)
        row = dict(zip(COLUMNS, (*values, region.decision, int(index in reviewed)), strict=True))
        for name, cells in columns.items():
            cells.append(region.text if name == TEXT else str(row[name]))
    study.table.SetAndObserveTable(vtkTableOf(columns, lambda title: vtk.vtkStringArray()))


def vtkTableOf(columns: Mapping[str, Iterable], newArray: Callable[[str], vtk.vtkAbstractArray]) -> vtk.vtkTable:
    """A table with these columns by their titles; ``newArray(title)`` makes the empty array of a column."""
    table = vtk.vtkTable()
    for title, values in columns.items():
        array = newArray(title)
        array.SetName(title)
        for value in values:
            array.InsertNextValue(value)
        table.AddColumn(array)
    return table
