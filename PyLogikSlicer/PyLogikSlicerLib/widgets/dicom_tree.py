"""The tree of Slicer's DICOM database: patients, studies, series with the number of images, searchable."""

from __future__ import annotations

from collections.abc import Callable

import qt
from slicer.i18n import tr as _

# Column of the number of images.
IMAGES = 1
# Columns that tell who the patient is: name and ID.
IDENTIFYING = (2, 3)


class DicomTree:
    """Shows the database in the tree widget ``tree``: ``patients(search)`` returns the patients, ``onLoad(uids)`` loads series.

    The first column describes each line without naming the patient; name and ID are in the last columns, which can be hidden.
    """

    def __init__(self, tree, patients: Callable[[str], tuple], onLoad: Callable[[list[str]], None]) -> None:
        self.tree, self._patients, self._onLoad = tree, patients, onLoad
        tree.setColumnCount(4)
        tree.setIndentation(10)
        tree.setHeaderLabels([_("Study / series"), _("Images"), _("Name"), _("ID")])
        tree.setSelectionMode(qt.QAbstractItemView.ExtendedSelection)
        tree.connect("itemDoubleClicked(QTreeWidgetItem*,int)", lambda item, column: self.load())

    def show(self, search: str = "") -> int:
        """Show the patients that match ``search``, and return the number of their series."""
        self.tree.clear()
        count = 0
        for number, patient in enumerate(self._patients(search), 1):
            top = self._item(
                self.tree.invisibleRootItem(),
                [_("Patient {number}").format(number=number), str(patient.images), patient.name, patient.id],
                [],
            )
            for study in patient.studies:
                uids = [series.uid for series in study.series]
                title = " ".join(filter(None, (study.date, *study.modalities, study.description)))
                middle = self._item(top, [title or _("Study"), str(study.images)], uids)
                for series in study.series:
                    title = " ".join(filter(None, (series.number, series.modality, series.description)))
                    self._item(middle, [title or _("Series"), str(series.images)], [series.uid])
                    count += 1
        self.tree.expandAll()
        for column in (3, 2, 1, 0):
            self.tree.resizeColumnToContents(column)
        return count

    def hideIdentity(self, hidden: bool) -> None:
        for column in IDENTIFYING:
            self.tree.setColumnHidden(column, hidden)

    def selected(self) -> list[str]:
        """The UIDs of the selected series, and of the series of selected studies. A patient selects none: that could be very many."""
        uids = [uid for item in self.tree.selectedItems() for uid in item.data(0, qt.Qt.UserRole) or ()]
        return list(dict.fromkeys(uids))

    def load(self) -> None:
        if self.selected():
            self._onLoad(self.selected())

    @staticmethod
    def _item(parent, texts: list[str], uids: list[str]):
        item = qt.QTreeWidgetItem(texts)
        item.setData(0, qt.Qt.UserRole, uids)
        item.setTextAlignment(IMAGES, qt.Qt.AlignRight)
        parent.addChild(item)
        return item
