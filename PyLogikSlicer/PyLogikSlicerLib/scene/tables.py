"""The table of a study's regions; what the text says is in it only when the person wants it stored with the scene."""

from __future__ import annotations

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
    """One row per region, in the order of the review; the column ``text`` only with ``study.keepText``."""
    columns: dict[str, list[str]] = {name: [] for name in ((TEXT, *COLUMNS) if study.keepText else COLUMNS)}
    reviewed = study.review.reviewed
    for index, region in enumerate(study.review.told):
        x0, y0, x1, y1 = region.box
        values = (region.frame_first, region.frame_last, x0, y0, x1, y1, f"{region.confidence:.2f}", region.engine, region.reason)
        row = dict(zip(COLUMNS, (*values, region.decision, int(index in reviewed)), strict=True))
        for name, cells in columns.items():
            cells.append(region.text if name == TEXT else str(row[name]))
    table = vtk.vtkTable()
    for name, cells in columns.items():
        column = vtk.vtkStringArray()
        column.SetName(name)
        for cell in cells:
            column.InsertNextValue(cell)
        table.AddColumn(column)
    study.table.SetAndObserveTable(table)
