"""Export: the folder, the verdict of verification, and opening the folder."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import qt
from slicer.i18n import tr as _

from ..worker.messages import Done, Failed
from .labels import showMessage
from .panel import Panel
from .run_part import OnEnd, Start

if TYPE_CHECKING:
    from ..scene.logic import StudyLogic

# Style sheets of the verdict: of what an export now would write too, of an export that was not published, and of an older state.
CURRENT_STYLE = "color: #00783c; font-weight: bold"
REFUSED_STYLE = "color: #b22222; font-weight: bold"
OUTDATED_STYLE = "color: #808080"


class ExportPart:
    """``run(start, onEnd)`` does work as :meth:`.run_part.RunPart.run` does."""

    def __init__(self, panel: Panel, logic: StudyLogic, run: Callable[[Start, OnEnd], None]) -> None:
        self.panel, self._logic, self._run, ui = panel, logic, run, panel.ui
        ui.exportFolderPathLineEdit.connect("currentPathChanged(QString)", lambda path: self.update())
        ui.exportButton.connect("clicked(bool)", lambda clicked: self.export())
        ui.showFolderButton.connect("clicked(bool)", lambda clicked: self.openFolder())

    def export(self) -> None:
        """Write the study as reviewed into the folder that is named."""
        panel, study = self.panel, self.panel.study
        folder = panel.ui.exportFolderPathLineEdit.currentPath.strip()
        if study and folder and not panel.busy:
            self._showVerdict("", CURRENT_STYLE)
            self._run(lambda onEvent: self._logic.startExport(study, folder, panel.options(), onEvent), self._onEnd)

    def openFolder(self) -> None:
        """Show the folder of the last export in the file manager."""
        study = self.panel.study
        if study is not None:
            qt.QDesktopServices.openUrl(qt.QUrl.fromLocalFile(study.folder))

    def update(self) -> None:
        """Enable what can be done now, say why the rest cannot, and show the verdict on the last export."""
        ui, study, busy = self.panel.ui, self.panel.study, self.panel.busy
        folder = bool(ui.exportFolderPathLineEdit.currentPath.strip())
        ui.exportButton.enabled = study is not None and folder and not busy
        ui.exportButton.toolTip = (
            _("First find the text with Apply.")
            if not study
            else _("Choose a folder first.")
            if not folder
            else _("Write, read back, verify, and only then publish.")
        )
        ui.showFolderButton.enabled = bool(study and study.exported and study.folder)
        if not busy:
            self._updateVerdict()

    def _updateVerdict(self) -> None:
        """Show the verdict on the last export: green as long as an export now would write the same."""
        study = self.panel.study
        if study is None or not study.verdict:
            self._showVerdict("", CURRENT_STYLE)
        elif not study.exported:
            self._showVerdict(_refusal(study.verdict), REFUSED_STYLE)
        elif self._logic.isUpToDate(study, self.panel.options()):
            self._showVerdict(study.verdict, CURRENT_STYLE)
        else:
            self._showVerdict(_("{verdict} (changed since the export)").format(verdict=study.verdict), OUTDATED_STYLE)

    def _onEnd(self, event: Done | Failed) -> None:
        self.panel.showStatus("")
        self.update()
        if isinstance(event, Failed):
            if self.panel.study is None:  # then there is no verdict below Export
                self.panel.showStatus(_refusal(event.reason), isError=True)
            else:
                self._showVerdict(_refusal(event.reason), REFUSED_STYLE)

    def _showVerdict(self, text: str, style: str) -> None:
        showMessage(self.panel.ui.verdictLabel, text, style)


def _refusal(reason: str) -> str:
    return _("Nothing was exported: {reason}").format(reason=reason)
