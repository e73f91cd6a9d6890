"""The table of regions: one row each, in the order of the review; unreviewed ones are bold, those that a person keeps yellow."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import qt
from slicer.i18n import tr as _

from .table_items import makeCompact, textItem

if TYPE_CHECKING:
    from ..core.text_map import Region
    from ..review import Review

# Columns.
TEXT = 0
FRAMES = 1
CONFIDENCE = 2
REASON = 3
DECISION = 4
# RGB of the decisions.
REDACT_COLOR = (178, 34, 34)
KEEP_COLOR = (0, 120, 60)
# RGB of a row that a person keeps, like its overlay, and of its text, which has to be dark where Slicer's own text is white.
KEPT_BACKGROUND = (255, 236, 110)
KEPT_TEXT = (0, 0, 0)


class RegionTable:
    """``onSelected(indices)`` is called when rows are selected, and ``onToggled(index)`` when a row is double-clicked."""

    def __init__(self, table, onSelected: Callable[[list[int]], None], onToggled: Callable[[int], None]) -> None:
        self.table, self._onSelected, self._filling = table, onSelected, False
        header = table.horizontalHeader()
        table.setHorizontalHeaderLabels([_("Text"), _("Frames"), _("Conf."), _("Why"), _("Decision")])
        for column in (FRAMES, CONFIDENCE, DECISION):
            header.setSectionResizeMode(column, qt.QHeaderView.ResizeToContents)
        for column in (TEXT, REASON):
            header.setSectionResizeMode(column, qt.QHeaderView.Stretch)
        makeCompact(table)
        table.connect("itemSelectionChanged()", self._onSelectionChanged)
        table.connect("cellDoubleClicked(int,int)", lambda row, column: onToggled(row))

    def fill(self, review: Review | None) -> None:
        """Show the regions as they are now, or none; the selected rows stay selected."""
        selected = self.selected()
        self._filling = True
        count = len(review.regions) if review else 0
        self.table.setRowCount(count)
        if review:
            self._fillRows(review)
        self._select([index for index in selected if index < count])
        self._filling = False

    def _fillRows(self, review: Review) -> None:
        reviewed, kept = review.reviewed, review.kept_by_person
        for row, region in enumerate(review.published_regions):
            for column, text in enumerate(_texts(region, review.frame_count)):
                item = _item(text, row not in reviewed, region, column)
                if row in kept:
                    item.setBackground(qt.QBrush(qt.QColor(*KEPT_BACKGROUND)))
                    item.setForeground(qt.QBrush(qt.QColor(*KEPT_TEXT)))
                self.table.setItem(row, column, item)

    def selected(self) -> list[int]:
        """The indices of the selected regions, in order."""
        return sorted(index.row() for index in self.table.selectionModel().selectedRows())

    def select(self, indices: list[int]) -> None:
        """Select these rows as if a person had done it."""
        self._filling = True
        self._select(indices)
        self._filling = False
        self._onSelectionChanged()

    def _select(self, indices: list[int]) -> None:
        self.table.clearSelection()
        model, flags = self.table.selectionModel(), qt.QItemSelectionModel.Select | qt.QItemSelectionModel.Rows
        for index in indices:
            model.select(self.table.model().index(index, 0), flags)
        if indices:
            self.table.scrollToItem(self.table.item(indices[0], 0))

    def _onSelectionChanged(self) -> None:
        if not self._filling:
            self._onSelected(self.selected())


def _texts(region: Region, frameCount: int) -> tuple[str, ...]:
    """The cells of a row; people count frames from 1."""
    first, last = region.frame_first + 1, region.frame_last + 1
    frames = _("all") if (first, last) == (1, frameCount) else str(first) if first == last else f"{first}-{last}"
    confidence = f"{region.confidence:.2f}" if region.engine != "person" else ""
    decision = _("redact") if region.decision == "redact" else _("keep")
    return region.text or _("(not read)"), frames, confidence, region.reason, decision


def _item(text: str, bold: bool, region: Region, column: int):
    item = textItem(text, bold)
    item.setToolTip(_("{text}\n{reason}\nfound by {engine}").format(text=region.text, reason=region.reason, engine=region.engine))
    if column == DECISION:
        item.setForeground(qt.QBrush(qt.QColor(*(REDACT_COLOR if region.decision == "redact" else KEEP_COLOR))))
    if column in (FRAMES, CONFIDENCE):
        item.setTextAlignment(qt.Qt.AlignCenter)
    return item
