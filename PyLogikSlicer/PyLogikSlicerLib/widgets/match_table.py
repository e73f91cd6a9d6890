"""The table of matched segments: a row for each segment of the prediction, with a choice among those of the truth."""

from __future__ import annotations

from collections.abc import Callable

import qt
from slicer.i18n import tr as _

from .table_items import makeCompact

# Pixels of a row, which has to hold a combo box.
ROW_HEIGHT = 22


class MatchTable:
    """``onChanged()`` is called when a person chooses another segment."""

    def __init__(self, table, onChanged: Callable[[], None]) -> None:
        self.table, self._onChanged = table, onChanged
        self.segments: tuple[dict, dict] = ({}, {})
        self._choices: list = []
        table.setHorizontalHeaderLabels([_("Prediction"), _("Truth")])
        table.horizontalHeader().setSectionResizeMode(qt.QHeaderView.Stretch)
        makeCompact(table, ROW_HEIGHT)

    def fill(self, prediction: dict[str, str], truth: dict[str, str], matching: dict[str, str]) -> None:
        """Show the segments, given as names by keys, and which key of the prediction is matched with which of the truth."""
        self.segments, self._choices = (prediction, truth), []
        self.table.setRowCount(len(prediction))
        for row, (key, name) in enumerate(prediction.items()):
            self.table.setItem(row, 0, qt.QTableWidgetItem(name))
            choice = qt.QComboBox()
            choice.addItems([_("(not compared)"), *truth.values()])
            choice.setCurrentIndex(1 + list(truth).index(matching[key]) if key in matching else 0)
            choice.connect("currentIndexChanged(int)", lambda index: self._onChanged())
            self.table.setCellWidget(row, 1, choice)
            self._choices.append(choice)

    def choice(self, row: int):
        """The combo box of a row."""
        return self._choices[row]

    def matching(self) -> dict[str, str]:
        """Keys of the prediction to keys of the truth."""
        prediction, truth = (list(segments) for segments in self.segments)
        chosen = (choice.currentIndex for choice in self._choices)
        return {key: truth[index - 1] for key, index in zip(prediction, chosen, strict=True) if index > 0}
