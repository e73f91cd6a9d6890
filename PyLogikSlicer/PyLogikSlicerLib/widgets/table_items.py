"""What the tables of the panel have in common: compact rows, and cells of plain or bold text."""

from __future__ import annotations

import qt

# Pixels of a row of text, and of a column at least.
ROW_HEIGHT = 20
MINIMUM_COLUMN_WIDTH = 30


def makeCompact(table, rowHeight: int = ROW_HEIGHT) -> None:
    """Hide the row numbers, and let rows and columns take little space."""
    table.horizontalHeader().setMinimumSectionSize(MINIMUM_COLUMN_WIDTH)
    table.verticalHeader().setVisible(False)
    table.verticalHeader().setDefaultSectionSize(rowHeight)


def textItem(text: str, bold: bool):
    """A cell of a table."""
    item = qt.QTableWidgetItem(text)
    font = item.font()
    font.setBold(bold)
    item.setFont(font)
    return item
