"""Input: files and folders by button or by drag and drop, series of the DICOM database; what is loaded becomes the input."""

from __future__ import annotations

import qt
import slicer
from slicer.i18n import tr as _

from .dicom_tree import DicomTree
from .faults import reasonOf
from .panel import Panel

FILES = "*.dcm *.png *.jpg *.jpeg *.tif *.tiff *.bmp *.avi *.mp4 *.mov *.mkv *.wmv *.nii *.nii.gz *.nrrd *.nhdr *.mha *.mhd"


class InputPart:
    def __init__(self, panel: Panel, uiWidget) -> None:
        self.panel, ui = panel, panel.ui
        self.tree = DicomTree(ui.databaseTree, self._patients, self.loadSeries)
        ui.openFilesButton.connect("clicked(bool)", lambda clicked: self.chooseFiles())
        ui.openFolderButton.connect("clicked(bool)", lambda clicked: self.chooseFolder())
        ui.databaseButton.connect("toggled(bool)", self.showDatabase)
        ui.databaseSearchBox.connect("textChanged(QString)", lambda text: self.refreshDatabase())
        ui.hideNamesCheckBox.connect("toggled(bool)", self.tree.hideIdentity)
        ui.databaseTree.connect("itemSelectionChanged()", self._selectionChanged)
        ui.loadSeriesButton.connect("clicked(bool)", lambda clicked: self.tree.load())
        self._drops = _Drops(self.load)
        uiWidget.setAcceptDrops(True)
        uiWidget.installEventFilter(self._drops)

    def chooseFiles(self) -> None:
        filters = "{images} ({patterns});;{all} (*)".format(images=_("Images"), patterns=FILES, all=_("All files"))
        self.load(list(qt.QFileDialog.getOpenFileNames(slicer.util.mainWindow(), _("Load images"), "", filters)))

    def chooseFolder(self) -> None:
        folder = qt.QFileDialog.getExistingDirectory(slicer.util.mainWindow(), _("Load a folder of images"))
        self.load([folder] if folder else [])

    def load(self, paths: list[str]) -> None:
        """Load files and folders; the first of them becomes the input."""
        if paths and not self.panel.busy and self.panel.engineReady():
            from ..scene import loading

            self._take(lambda: loading.load(paths))

    def loadSeries(self, uids: list[str]) -> None:
        if not self.panel.busy:
            from ..scene import database

            self._take(lambda: database.load(uids))

    def _take(self, load) -> None:
        try:
            with slicer.util.WaitCursor():
                nodes = load()
        except Exception as error:
            self.panel.tell(reasonOf(error, _("nothing could be loaded")), trouble=True)
            return
        if nodes:
            self.panel.parameters.inputNode = nodes[0]
            self.panel.tell(_("Loaded {count}.").format(count=len(nodes)) if len(nodes) > 1 else "")
        else:
            self.panel.tell(_("No image could be loaded: choose images, video, volumes or DICOM files."), trouble=True)

    def showDatabase(self, shown: bool) -> None:
        self.panel.ui.databaseWidget.setVisible(shown)
        if shown:
            self.refreshDatabase()

    def refreshDatabase(self) -> None:
        from ..scene import database

        ui = self.panel.ui
        if not database.available():
            ui.databaseLabel.text = _("No DICOM database is open: open the DICOM module once.")
            return
        count = self.tree.show(ui.databaseSearchBox.text)
        ui.databaseLabel.text = _("{count} series").format(count=count)

    def _patients(self, search: str) -> tuple:
        from ..scene import database

        return database.patients(search)

    def _selectionChanged(self) -> None:
        self.panel.ui.loadSeriesButton.enabled = bool(self.tree.selected())


class _Drops(qt.QWidget):
    """Takes files and folders that are dropped on the panel, before Slicer's own Add Data dialog does."""

    def __init__(self, onPaths) -> None:
        qt.QWidget.__init__(self)
        self._onPaths = onPaths

    def eventFilter(self, watched, event):
        if event.type() not in (qt.QEvent.DragEnter, qt.QEvent.Drop) or not event.mimeData().hasUrls():
            return False
        paths = [url.toLocalFile() for url in event.mimeData().urls() if url.isLocalFile()]
        if not paths:
            return False
        event.acceptProposedAction()
        if event.type() == qt.QEvent.Drop:
            # Not while the other program waits for the drop to end.
            qt.QTimer.singleShot(0, lambda: self._onPaths(paths))
        return True
