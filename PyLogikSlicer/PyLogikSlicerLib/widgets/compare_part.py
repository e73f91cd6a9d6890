"""Compare: two segmentations, which segment with which, their scores, where they differ, and the files of it."""

from __future__ import annotations

from pathlib import Path

import qt
import slicer
from slicer.i18n import tr as _

from ..core.errors import PyLogikSlicerError
from . import dependencies
from .compare_views import showInput
from .faults import reasonOf
from .match_table import MatchTable
from .panel import Panel
from .score_table import ScoreTable

TROUBLE = "color: #b22222"


class ComparePart:
    """``picturePackages``: the requirements.txt of what draws the pictures."""

    def __init__(self, panel: Panel, picturePackages: Path) -> None:
        self.panel, self._packages, ui = panel, picturePackages, panel.ui
        self.matches = MatchTable(ui.matchTable, self._matchingChanged)
        self.scores = ScoreTable(ui.scoreTable, self._selected)
        self._nodes: tuple = (None, None)
        self._result = None
        self._steps = None
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
        nodes = (parameters.predictionNode, parameters.truthNode) if parameters else (None, None)
        nodes = tuple(node if node and node.GetScene() else None for node in nodes)
        if nodes != self._nodes:
            lost = self.running and any(node.GetScene() is None for node in self._nodes)
            self._nodes = nodes
            self._stop()
            self._show(self.panel.logic.comparisonOf(*nodes) if all(nodes) else None)
            self._match("auto")
            if lost:
                self._tell(_("A segmentation was removed from the scene, and the comparison ended."), trouble=True)
        result = self._result
        if result is not None and result.shown != parameters.showDifferences:
            self.panel.logic.showDifferences(result, parameters.showDifferences)
        several = result is not None and result.chart is not None
        ui.compareButton.text = _("Cancel") if self.running else _("Compare")
        ui.compareButton.enabled = self.running or bool(self.matches.matching())
        for widget in (ui.predictionSelector, ui.truthSelector):
            widget.enabled = not self.running
        for widget in (ui.matchTable, ui.matchNameButton, ui.matchOverlapButton):
            widget.enabled = all(self.matches.segments) and not self.running
        for widget in (ui.scoreTable, ui.differencesCheckBox, ui.exportScoresButton):
            widget.enabled = result is not None and not self.running
        ui.plotButton.enabled = several and not self.running

    def forget(self) -> None:
        """The scene is closing."""
        self._stop()
        self._result = None
        self._nodes = (None, None)
        self.matches.fill({}, {}, {})
        self.scores.fill(None)
        self._tell("")

    # Matching ----------------------------------------------------------------------------------------------------------

    def _match(self, by: str) -> None:
        """Show which segment is compared with which; what is chosen by overlap can take a while."""
        segments, matching = ({}, {}), {}
        self._tell("")
        if all(self._nodes):
            logic = self.panel.logic
            with slicer.util.WaitCursor():
                try:
                    segments = tuple(map(logic.segmentsOf, self._nodes, ("prediction", "truth")))
                    matching = logic.matchSegments(*self._nodes, by=by)
                except Exception as error:
                    self._tell(reasonOf(error, _("the segments cannot be matched")), trouble=True)
                else:
                    if not matching:
                        self._tell(_("No segments match: choose which is compared with which."))
        self.matches.fill(*segments, matching)
        if by != "auto":
            self.update()

    def _matchingChanged(self) -> None:
        self._tell("")
        self.update()

    # Comparing ---------------------------------------------------------------------------------------------------------

    def compareOrCancel(self) -> None:
        """Start, or stop what is running; the scene is as it was then."""
        if self.running:
            self._stop()
            self._tell(_("Canceled. Nothing was changed."))
        elif self._segmentsChanged():
            self._match("auto")
            self._tell(_("The segments have changed: see which is compared with which, and press Compare again."), trouble=True)
        else:
            self._steps = self.panel.logic.compareInSteps(*self._nodes, self.matches.matching())
            self._timer.start()
        self.update()

    def _segmentsChanged(self) -> bool:
        try:
            return tuple(map(self.panel.logic.segmentsOf, self._nodes)) != self.matches.segments
        except PyLogikSlicerError:
            return True

    def _step(self) -> None:
        """Go on for one step; Slicer does what else there is to do between the steps."""
        try:
            with slicer.util.WaitCursor():
                done, total = next(self._steps)
        except StopIteration as end:
            self._stop()
            self._compared(end.value)
        except MemoryError:
            self._fail(_("There is not enough memory: compare fewer segments, or crop the image."))
        except Exception as error:
            self._fail(reasonOf(error, _("the comparison could not be made")))
        else:
            self._tell(_("Comparing: step {number} of {total}").format(number=min(done + 1, total), total=total))

    def _fail(self, reason: str) -> None:
        self._stop()
        self._tell(reason, trouble=True)
        self.update()

    def _stop(self) -> None:
        self._timer.stop()
        self._steps = None

    def _compared(self, result) -> None:
        """Show the scores, and the frame that agrees least."""
        self._show(result)
        self._tell("\n".join(result.notes))
        self.update()
        background = (
            slicer.app.layoutManager() and slicer.app.layoutManager().sliceWidget("Red").mrmlSliceCompositeNode().GetBackgroundVolumeID()
        )
        if result.image and result.image.GetScene() and background != result.image.GetID():
            showInput(result.image)
        self.scores.select(0)

    def _show(self, result) -> None:
        """Another comparison, or none: one is shown at a time."""
        if self._result is not None and self._result is not result:
            self.panel.logic.showDifferences(self._result, False)
        self._result = result
        self.scores.fill(result)

    def _selected(self, pair: int, frame: int | None) -> None:
        with slicer.util.WaitCursor():
            self.panel.logic.lookAt(self._result, pair, frame)

    # Results -----------------------------------------------------------------------------------------------------------

    def plot(self) -> None:
        self.panel.logic.showPlot(self._result)

    def chooseFolder(self) -> None:
        folder = qt.QFileDialog.getExistingDirectory(slicer.util.mainWindow(), _("Write the scores into a folder"))
        if folder:
            self.export(folder)

    def export(self, folder: str) -> None:
        """Write CSV and pictures; without the package that draws them, which is asked for, only the CSV."""
        try:
            pictures = dependencies.ensure(self._packages, why=_("To draw pictures of the comparison, PyLogikSlicer needs:"))
            with slicer.util.WaitCursor():
                written = self.panel.logic.exportComparison(self._result, folder, pictures)
        except Exception as error:
            self._tell(reasonOf(error, _("the scores cannot be written")), trouble=True)
            return
        told = _("Written: {names}.").format(names=", ".join(path.name for path in written))
        self._tell(told if pictures else _("{told} There are no pictures without matplotlib.").format(told=told))

    def _tell(self, text: str, trouble: bool = False) -> None:
        label = self.panel.ui.compareLabel
        label.text = text
        label.styleSheet = TROUBLE if trouble else ""
        label.setVisible(bool(text))
