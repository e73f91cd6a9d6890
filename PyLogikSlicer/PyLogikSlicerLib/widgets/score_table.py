"""The table of scores: each segment over all frames, then single frames, those with the lowest Dice first."""

from __future__ import annotations

from collections.abc import Callable
from math import isnan
from typing import TYPE_CHECKING

import qt
from slicer.i18n import tr as _

from .table_items import makeCompact, textItem

if TYPE_CHECKING:
    from ..scene.comparing.comparison import SceneComparison


class ScoreTable:
    """``onSelected(pair, frame)`` is called when a row is selected; the frame is None for all frames together."""

    def __init__(self, table, onSelected: Callable[[int, int | None], None]) -> None:
        self.table, self._onSelected = table, onSelected
        self._rows: list[tuple[int, int | None]] = []
        header = table.horizontalHeader()
        header.setSectionResizeMode(qt.QHeaderView.ResizeToContents)
        header.setSectionResizeMode(0, qt.QHeaderView.Stretch)
        makeCompact(table)
        table.connect("itemSelectionChanged()", self._onSelectionChanged)

    def fill(self, comparison: SceneComparison | None) -> None:
        """Show a comparison, or none; no row is selected then."""
        self._rows = []
        self.table.clearSelection()
        pairs = comparison.pairs if comparison else ()
        rows: list[tuple[int, int | None]] = [(number, None) for number in range(len(pairs))]
        if comparison:
            rows.extend(comparison.worstFrames())
        unit = pairs[0].comparison.unit if pairs else "mm"
        self.table.setHorizontalHeaderLabels([_("Segment"), _("Frame"), _("Dice"), *(f"{name} {unit}" for name in (_("HD95"), _("Mean")))])
        self.table.setRowCount(len(rows))
        for row, (number, frame) in enumerate(rows):
            scores = pairs[number].comparison
            score = scores.overall[0] if frame is None else scores.of_frames(1)[frame]
            for column, text in enumerate(_texts(pairs[number].name, score)):
                self.table.setItem(row, column, _item(text, column, bold=frame is None))
        self._rows = rows

    def select(self, row: int) -> None:
        """Select a row as if a person had done it."""
        if self._rows:
            self.table.selectRow(row)

    def _onSelectionChanged(self) -> None:
        selected = [index.row() for index in self.table.selectionModel().selectedRows()]
        if selected and self._rows:
            self._onSelected(*self._rows[selected[0]])


def _texts(name: str, score) -> tuple[str, ...]:
    """The cells of a row; people count frames from 1."""
    distances = (score.distances.hausdorff95, score.distances.mean) if score.distances else ()
    frame = _("all") if score.frame is None else str(score.frame + 1)
    return name, frame, f"{score.dice:.4f}", *("-" if isnan(value) else f"{value:.2f}" for value in distances)


def _item(text: str, column: int, bold: bool):
    item = textItem(text, bold)
    if column:
        item.setTextAlignment(qt.Qt.AlignCenter)
    else:
        item.setToolTip(text)
    return item
