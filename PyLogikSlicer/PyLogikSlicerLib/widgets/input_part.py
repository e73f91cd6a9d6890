"""Input: loads files and folders by button or by drag and drop, and series of the DICOM database; the first one becomes the input."""

from __future__ import annotations

from collections.abc import Callable

import qt
import slicer
from slicer.i18n import tr as _

from .dicom_tree import DicomTree
from .error_messages import errorMessage
from .panel import Panel

# Patterns of the file dialog.
FILE_PATTERNS = "*.dcm *.png *.jpg *.jpeg *.tif *.tiff *.bmp *.avi *.mp4 *.mov *.mkv *.wmv *.nii *.nii.gz *.nrrd *.nhdr *.mha *.mhd"


class InputPart:
    """``uiWidget`` is the widget of the whole panel, which files can be dropped on."""

    def __init__(self, panel: Panel, uiWidget) -> None:
        self.panel, ui = panel, panel.ui
        self.tree = DicomTree(ui.databaseTree, self._patients, self.loadSeries)
        ui.openFilesButton.connect("clicked(bool)", lambda clicked: self.chooseFiles())
        ui.openFolderButton.connect("clicked(bool)", lambda clicked: self.chooseFolder())
        ui.databaseButton.connect("toggled(bool)", self.showDatabase)
        ui.databaseSearchBox.connect("textChanged(QString)", lambda text: self.refreshDatabase())
        ui.hideNamesCheckBox.connect("toggled(bool)", self.tree.hideIdentity)
        ui.databaseTree.connect("itemSelectionChanged()", self._onSelectionChanged)
        ui.loadSeriesButton.connect("clicked(bool)", lambda clicked: self.tree.load())
        self._dropFilter = _DropFilter(self.load)
        uiWidget.setAcceptDrops(True)
        uiWidget.installEventFilter(self._dropFilter)

    def chooseFiles(self) -> None:
        """Ask for files, and load them."""
        filters = "{images} ({patterns});;{all} (*)".format(images=_("Images"), patterns=FILE_PATTERNS, all=_("All files"))
        self.load(list(qt.QFileDialog.getOpenFileNames(slicer.util.mainWindow(), _("Load images"), "", filters)))

    def chooseFolder(self) -> None:
        """Ask for a folder, and load what it contains."""
        folder = qt.QFileDialog.getExistingDirectory(slicer.util.mainWindow(), _("Load a folder of images"))
        self.load([folder] if folder else [])

    def load(self, paths: list[str]) -> None:
        """Load files and folders; the first of them becomes the input."""
        if paths and not self.panel.busy and self.panel.ensureEngine():
            from ..scene import loading

            self._loadWith(lambda: loading.load(paths))

    def loadSeries(self, uids: list[str]) -> None:
        """Load series of the DICOM database; the first of their nodes becomes the input."""
        if not self.panel.busy:
            from ..scene import database

            self._loadWith(lambda: database.load(uids))

    def _loadWith(self, load: Callable[[], list]) -> None:
        """Load nodes, make the first one the input, and show what went wrong."""
        try:
            with slicer.util.WaitCursor():
                nodes = load()
        except Exception as error:
            self.panel.showStatus(errorMessage(error, _("nothing could be loaded")), isError=True)
            return
        if nodes:
            self.panel.parameters.inputNode = nodes[0]
            self.panel.showStatus(_("Loaded {count}.").format(count=len(nodes)) if len(nodes) > 1 else "")
        else:
            self.panel.showStatus(_("No image could be loaded: choose images, video, volumes or DICOM files."), isError=True)

    def showDatabase(self, shown: bool) -> None:
        """Show the tree of the DICOM database, or hide it."""
        self.panel.ui.databaseWidget.setVisible(shown)
        if shown:
            self.refreshDatabase()

    def refreshDatabase(self) -> None:
        """Show the series that match the search, and their number."""
        from ..scene import database

        ui = self.panel.ui
        if not database.isOpen():
            ui.databaseLabel.text = _("No DICOM database is open: open the DICOM module once.")
            return
        count = self.tree.show(ui.databaseSearchBox.text)
        ui.databaseLabel.text = _("{count} series").format(count=count)

    def _patients(self, search: str) -> tuple:
        from ..scene import database

        return database.patients(search)

    def _onSelectionChanged(self) -> None:
        self.panel.ui.loadSeriesButton.enabled = bool(self.tree.selected())


class _DropFilter(qt.QWidget):
    """An event filter that takes files and folders dropped on the panel, before Slicer's own Add Data dialog does."""

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
            # Later, since the other program waits for the drop to end.
            qt.QTimer.singleShot(0, lambda: self._onPaths(paths))
        return True
