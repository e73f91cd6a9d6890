"""Compare: chooses two segmentations, matches their segments, shows the scores and the differences, and exports them."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import qt
import slicer
from slicer.i18n import tr as _

from ..core.errors import PyLogikSlicerError
from ..core.progress import Progress
from . import dependencies
from .error_messages import errorMessage
from .labels import ERROR_STYLE, showMessage
from .match_table import MatchTable
from .panel import Panel
from .score_table import ScoreTable
from .slice_display import showInput

if TYPE_CHECKING:
    from ..scene.comparing.comparison import SceneComparison
    from ..scene.comparing.logic import ComparisonLogic


class ComparePart:
    """``pictureRequirements`` is the requirements.txt of the packages that draw the pictures."""

    def __init__(self, panel: Panel, logic: ComparisonLogic, pictureRequirements: Path) -> None:
        self.panel, self._logic, self._pictureRequirements, ui = panel, logic, pictureRequirements, panel.ui
        self.matches = MatchTable(ui.matchTable, self._onMatchingChanged)
        self.scores = ScoreTable(ui.scoreTable, self._onScoreSelected)
        self._nodes: tuple[Any, Any] = (None, None)
        self._result: SceneComparison | None = None
        self._steps: Generator[Progress, None, SceneComparison] | None = None
        self._timer = qt.QTimer()
        self._timer.setInterval(0)
        self._timer.connect("timeout()", self._step)
        for button, action in (
            (ui.matchNameButton, lambda: self._match("name")),
            (ui.matchOverlapButton, lambda: self._match("overlap")),
            (ui.compareButton, self.compareOrCancel),
            (ui.plotButton, self.plot),
            (ui.exportScoresButton, self.chooseFolder),
        ):
            button.connect("clicked(bool)", lambda clicked=False, action=action: action())

    @property
    def running(self) -> bool:
        return self._steps is not None

    def update(self) -> None:
        """Show the two nodes that are chosen, and enable what can be done with them."""
        parameters, ui = self.panel.parameters, self.panel.ui
        nodes = (_inScene(parameters.predictionNode), _inScene(parameters.truthNode)) if parameters else (None, None)
        if nodes != self._nodes:
            lost = self.running and any(node.GetScene() is None for node in self._nodes)
            self._nodes = nodes
            self._stop()
            self._showResult(self._logic.comparisonOf(*nodes) if all(nodes) else None)
            self._match("auto")
            if lost:
                self._showMessage(_("A segmentation was removed from the scene, and the comparison ended."), isError=True)
        result = self._result
        if result is not None and result.shown != parameters.showDifferences:
            self._logic.showDifferences(result, parameters.showDifferences)
        ui.compareButton.text = _("Cancel") if self.running else _("Compare")
        ui.compareButton.enabled = self.running or bool(self.matches.matching())
        for widget in (ui.predictionSelector, ui.truthSelector):
            widget.enabled = not self.running
        for widget in (ui.matchTable, ui.matchNameButton, ui.matchOverlapButton):
            widget.enabled = all(self.matches.segments) and not self.running
        for widget in (ui.scoreTable, ui.differencesCheckBox, ui.exportScoresButton):
            widget.enabled = result is not None and not self.running
        ui.plotButton.enabled = result is not None and result.chart is not None and not self.running

    def forget(self) -> None:
        """Forget the nodes and the comparison: the scene is closing."""
        self._stop()
        self._result = None
        self._nodes = (None, None)
        self.matches.fill({}, {}, {})
        self.scores.fill(None)
        self._showMessage("")

    # Matching ----------------------------------------------------------------------------------------------------------

    def _match(self, by: str) -> None:
        """Match the segments "auto", by "name" or by "overlap", which can take a while, and show them."""
        segments: tuple[dict[str, str], dict[str, str]] = ({}, {})
        matching: dict[str, str] = {}
        self._showMessage("")
        if all(self._nodes):
            with slicer.util.WaitCursor():
                try:
                    segments = self._segments()
                    matching = self._logic.matchSegments(*self._nodes, by=by)
                except Exception as error:
                    self._showMessage(errorMessage(error, _("the segments cannot be matched")), isError=True)
                else:
                    if not matching:
                        self._showMessage(_("No segments match: choose which is compared with which."))
        self.matches.fill(*segments, matching)
        if by != "auto":
            self.update()

    def _onMatchingChanged(self) -> None:
        self._showMessage("")
        self.update()

    # Comparing ---------------------------------------------------------------------------------------------------------

    def compareOrCancel(self) -> None:
        """Start the comparison, or cancel the one that is running; canceled, it has not changed the scene."""
        if self.running:
            self._stop()
            self._showMessage(_("Canceled. Nothing was changed."))
        elif self._segmentsChanged():
            self._match("auto")
            self._showMessage(_("The segments have changed: see which is compared with which, and press Compare again."), isError=True)
        else:
            self._steps = self._logic.compareInSteps(*self._nodes, self.matches.matching())
            self._timer.start()
        self.update()

    def _segments(self) -> tuple[dict[str, str], dict[str, str]]:
        """The names of the segments of both nodes by their keys."""
        prediction, truth = self._nodes
        return self._logic.segmentsOf(prediction, "prediction"), self._logic.segmentsOf(truth, "truth")

    def _segmentsChanged(self) -> bool:
        """Whether the segments are not those of the table any more."""
        try:
            return self._segments() != self.matches.segments
        except PyLogikSlicerError:
            return True

    def _step(self) -> None:
        """Carry out one step; Slicer handles other events between the steps."""
        if self._steps is None:
            return
        try:
            with slicer.util.WaitCursor():
                progress = next(self._steps)
        except StopIteration as end:
            self._stop()
            self._onCompared(end.value)
        except MemoryError:
            self._fail(_("There is not enough memory: compare fewer segments, or crop the image."))
        except Exception as error:
            self._fail(errorMessage(error, _("the comparison could not be made")))
        else:
            self._showMessage(
                _("Comparing: step {number} of {total}").format(number=min(progress.done + 1, progress.total), total=progress.total)
            )

    def _fail(self, reason: str) -> None:
        self._stop()
        self._showMessage(reason, isError=True)
        self.update()

    def _stop(self) -> None:
        self._timer.stop()
        self._steps = None

    def _onCompared(self, result: SceneComparison) -> None:
        """Show the scores, and the frame with the lowest Dice."""
        self._showResult(result)
        self._showMessage("\n".join(result.notes))
        self.update()
        manager = slicer.app.layoutManager()
        background = manager.sliceWidget("Red").mrmlSliceCompositeNode().GetBackgroundVolumeID() if manager else None
        if result.image and result.image.GetScene() and background != result.image.GetID():
            showInput(result.image)
        self.scores.select(0)

    def _showResult(self, result: SceneComparison | None) -> None:
        """Show a comparison, or none, in place of the one before."""
        if self._result is not None and self._result is not result:
            self._logic.showDifferences(self._result, False)
        self._result = result
        self.scores.fill(result)

    def _onScoreSelected(self, pair: int, frame: int | None) -> None:
        if self._result is not None:
            with slicer.util.WaitCursor():
                self._logic.showFrame(self._result, pair, frame)

    # Results -----------------------------------------------------------------------------------------------------------

    def plot(self) -> None:
        """Show Dice over the frames in a plot view."""
        if self._result is not None:
            self._logic.showPlot(self._result)

    def chooseFolder(self) -> None:
        """Ask for a folder, and export into it."""
        folder = qt.QFileDialog.getExistingDirectory(slicer.util.mainWindow(), _("Write the scores into a folder"))
        if folder:
            self.export(folder)

    def export(self, folder: str) -> None:
        """Write the scores and pictures of them; only the scores where the person does not want the package that draws the pictures."""
        if self._result is None:
            return
        try:
            pictures = dependencies.ensure(self._pictureRequirements, why=_("To draw pictures of the comparison, PyLogikSlicer needs:"))
            with slicer.util.WaitCursor():
                written = self._logic.exportComparison(self._result, folder, pictures)
        except Exception as error:
            self._showMessage(errorMessage(error, _("the scores cannot be written")), isError=True)
            return
        files = _("Written: {names}.").format(names=", ".join(path.name for path in written))
        self._showMessage(files if pictures else _("{files} There are no pictures without matplotlib.").format(files=files))

    def _showMessage(self, text: str, isError: bool = False) -> None:
        showMessage(self.panel.ui.compareLabel, text, ERROR_STYLE if isError else "")


def _inScene(node):
    """The node; None where it was removed from the scene."""
    return node if node and node.GetScene() else None
