"""Export: where to, in which format, under which names; the verdict of verification, and a look into the folder."""

from __future__ import annotations

from collections.abc import Callable

import qt
from slicer.i18n import tr as _

from .panel import Panel

GOOD, BAD, CHANGED = "color: #00783c; font-weight: bold", "color: #b22222; font-weight: bold", "color: #808080"


class ExportPart:
    """``run(start, onEnd)`` does the work as the Apply button's does."""

    def __init__(self, panel: Panel, run: Callable) -> None:
        self.panel, self._run, ui = panel, run, panel.ui
        ui.exportFolderPathLineEdit.connect("currentPathChanged(QString)", lambda path: self.update())
        ui.exportButton.connect("clicked(bool)", lambda clicked: self.export())
        ui.showFolderButton.connect("clicked(bool)", lambda clicked: self.openFolder())

    def export(self) -> None:
        panel, study = self.panel, self.panel.study
        folder = panel.ui.exportFolderPathLineEdit.currentPath.strip()
        if study and folder and not panel.busy:
            self._tell("", GOOD)
            self._run(lambda onEvent: panel.logic.startExport(study, folder, panel.options(), onEvent), self._ended)

    def openFolder(self) -> None:
        qt.QDesktopServices.openUrl(qt.QUrl.fromLocalFile(self.panel.study.folder))

    def update(self) -> None:
        """Enable what can be done now, and say why the rest cannot."""
        ui, study, busy = self.panel.ui, self.panel.study, self.panel.busy
        folder = bool(ui.exportFolderPathLineEdit.currentPath.strip())
        ui.exportButton.enabled = bool(study) and folder and not busy
        ui.exportButton.toolTip = (
            _("First find the text with Apply.")
            if not study
            else _("Choose a folder first.")
            if not folder
            else _("Write, read back, verify, and only then publish.")
        )
        ui.showFolderButton.enabled = bool(study and study.exported and study.folder)
        if not busy:
            self._showVerdict()

    def _showVerdict(self) -> None:
        """What is told of the last export: green as long as an export now would write the same."""
        panel, study = self.panel, self.panel.study
        if study is None or not study.verdict:
            self._tell("", GOOD)
        elif not study.exported:
            self._tell(_refused(study.verdict), BAD)
        elif panel.logic.isUpToDate(study, panel.options()):
            self._tell(study.verdict, GOOD)
        else:
            self._tell(_("{verdict} (changed since the export)").format(verdict=study.verdict), CHANGED)

    def _ended(self, event: dict) -> None:
        self.panel.tell("")
        self.update()
        if event["event"] == "failed":
            if self.panel.study is None:  # and nothing stands below Export then
                self.panel.tell(_refused(event["reason"]), trouble=True)
            else:
                self._tell(_refused(event["reason"]), BAD)

    def _tell(self, text: str, style: str) -> None:
        label = self.panel.ui.verdictLabel
        label.text = text
        label.styleSheet = style
        label.setVisible(bool(text))


def _refused(reason: str) -> str:
    return _("Nothing was exported: {reason}").format(reason=reason)
