"""Review: decides about, draws and moves regions and the region of interest, in the table and in the slice views."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import qt
import slicer
from slicer.i18n import tr as _

from ..core.text_map import Decision
from .confirmations import confirmKeepHeaderText
from .control_point_curves import ControlPointCurves
from .error_messages import errorMessage
from .panel import Panel
from .region_table import RegionTable
from .slice_display import BOTH, ORIGINAL, RESULT, SliceDisplay
from .slice_mouse import SliceMouse

if TYPE_CHECKING:
    from ..review import Review
    from ..scene.logic import StudyLogic
    from ..scene.study import Study

# Colors (RGB, 0 to 1) of the curves of the selected region and of the region of interest.
REGION_COLOR = (1.0, 0.8, 0.1)
ROI_COLOR = (0.2, 0.8, 1.0)


class ReviewPart:
    """``confirmKeepHeaderText(keywords)`` asks whether text that matches these fields of the header may stay in the image."""

    def __init__(self, panel: Panel, logic: StudyLogic, confirmKeepHeaderText: Callable[[list[str]], bool] = confirmKeepHeaderText) -> None:
        self.panel, self._logic, ui = panel, logic, panel.ui
        self.confirmKeepHeaderText = confirmKeepHeaderText
        self.table = RegionTable(ui.regionTable, self._onSelected, self._toggleDecision)
        self.mouse = SliceMouse(self._onClicked)
        self.display = SliceDisplay()
        self._regionCurve = ControlPointCurves("Region", REGION_COLOR, self._onRegionMoved)
        self._roiCurves = ControlPointCurves("ROI", ROI_COLOR, self._onRoiMoved)
        self._shortcuts: list = []
        self._layoutManager = None
        ui.reasonButton.setMenu(qt.QMenu(ui.reasonButton))
        for button, action in (
            (ui.redactButton, lambda: self.decide("redact")),
            (ui.keepButton, lambda: self.decide("keep")),
            (ui.nextButton, self.next),
            (ui.undoButton, self.undo),
            (ui.redoButton, self.redo),
            (ui.deleteButton, self.delete),
        ):
            button.connect("clicked(bool)", _slotOf(action))
        ui.addButton.connect("toggled(bool)", self._onAddToggled)
        ui.roiButton.connect("toggled(bool)", self._onRoiToggled)
        for button, mode in ((ui.originalButton, ORIGINAL), (ui.resultButton, RESULT), (ui.sideBySideButton, BOTH)):
            button.connect("clicked(bool)", _slotOf(partial(self._onDisplayChosen, mode)))

    # The study ---------------------------------------------------------------------------------------------------------

    def setStudy(self, study: Study | None) -> None:
        """Show another study, or none."""
        ui = self.panel.ui
        self._regionCurve.hide()
        self.mouse.cancel()
        ui.roiButton.checked = False
        self.display.reset()
        ui.originalButton.checked = True
        self.table.fill(None)
        self._logic.hideOtherOverlays(study)
        if study:
            self._showReview(study.review)
        self.update()

    def forget(self) -> None:
        """Forget the study and the curves: the scene is closing."""
        self._regionCurve.forget()
        self._roiCurves.forget()
        self.setStudy(None)

    def update(self) -> None:
        """Enable what can be done now, and show the summary and the overlays."""
        ui, study = self.panel.ui, self.panel.study
        canReview = study is not None and not self.panel.busy
        selected = bool(canReview and self.table.selected())
        for widget in (ui.redactButton, ui.keepButton, ui.deleteButton):
            widget.enabled = selected
        for widget in (
            ui.regionTable,
            ui.reasonButton,
            ui.nextButton,
            ui.addButton,
            ui.originalButton,
            ui.resultButton,
            ui.sideBySideButton,
        ):
            widget.enabled = canReview
        review = study.review if study is not None and canReview else None
        ui.everyFrameCheckBox.enabled = review is not None and review.frame_count > 1
        ui.roiButton.enabled = review is not None and review.roi is not None
        ui.undoButton.enabled = review is not None and review.can_undo
        ui.redoButton.enabled = review is not None and review.can_redo
        ui.summaryLabel.text = self._summary(study) if study else ""
        ui.summaryLabel.setVisible(study is not None)
        if study:
            if self.display.mode != ORIGINAL and study.result is None:  # a person removed it
                ui.originalButton.checked = True
                self._setDisplayMode(ORIGINAL)
            parameters = self.panel.parameters
            opacity = 0.0 if self.display.mode == RESULT else parameters.overlayOpacity
            self._logic.setOverlays(study, opacity, parameters.overlayOutline)

    def _summary(self, study: Study) -> str:
        outdated = not self._logic.isFoundWith(study, self.panel.options())
        hint = (_("Found with other options than chosen above: press Apply to use these."),) if outdated else ()
        return "\n".join((summary(study), *hint))

    def _showReview(self, review: Review) -> None:
        """Show a review in the table, the menu of reasons, and the curves."""
        self.table.fill(review)
        menu = self.panel.ui.reasonButton.menu()
        menu.clear()
        for reason in review.reasons():
            titles: tuple[tuple[Decision, str], ...] = (("redact", _("Redact: {reason}")), ("keep", _("Keep: {reason}")))
            for decision, title in titles:
                action = menu.addAction(title.format(reason=reason or _("no reason")))
                action.triggered.connect(_slotOf(partial(self._decideByReason, reason, decision)))
        self._showCurves()

    # Steps -------------------------------------------------------------------------------------------------------------

    def decide(self, decision: Decision) -> None:
        """Redact or keep the selected regions."""
        self._decide(self.table.selected(), decision)

    def _decide(self, chosen: list[int], decision: Decision) -> None:
        self._changeRegions(chosen, lambda review, indices: review.decide(indices, decision), keeps=decision == "keep")

    def _decideByReason(self, reason: str, decision: Decision) -> None:
        study = self.panel.study
        if study is not None:
            self._decide(study.review.with_reason(reason), decision)

    def delete(self) -> None:
        """Delete those of the selected regions that a person drew, and keep the others."""
        self._changeRegions(self.table.selected(), lambda review, indices: review.delete(indices), keeps=True)

    def _changeRegions(self, chosen: list[int], change: Callable[[Review, list[int]], None], keeps: bool) -> None:
        """Change these regions. Where the change ``keeps`` them, those that match the header are left out unless the person confirms."""
        study = self.panel.study
        if study is None or self.panel.busy or not chosen:
            return
        matching = study.review.matching_header(chosen) if keeps else {}
        if matching and not study.keepsHeaderText:
            study.keepsHeaderText = self.confirmKeepHeaderText(sorted(set(matching.values())))
        declined = matching if not study.keepsHeaderText else {}
        if study is self.panel.study:  # it may have been removed while the question was open
            self._step(lambda review: change(review, [index for index in chosen if index not in declined]))
            if declined:
                self.panel.showStatus(_("What matches the header stays redacted."))

    def undo(self) -> None:
        self._step(lambda review: review.undo())

    def redo(self) -> None:
        self._step(lambda review: review.redo())

    def next(self) -> None:
        """Mark the selected regions as reviewed, and select the next one that is not."""
        study = self.panel.study
        if study is None or self.panel.busy:
            return
        chosen = self.table.selected()
        if chosen:
            self._step(lambda review: review.mark_reviewed(chosen))
        following = study.review.next_unreviewed(chosen[-1] if chosen else -1)
        if following is None:
            self.panel.showStatus(_("All regions are reviewed."))
        else:
            self.table.select([following])

    def _toggleDecision(self, index: int) -> None:
        study = self.panel.study
        if study is not None:
            self._decide([index], "keep" if study.review.regions[index].decision == "redact" else "redact")

    def _step(self, change: Callable[[Review], object]) -> None:
        """Make a change to the review and show it, and show the message of an error."""
        study = self.panel.study
        if study is None or self.panel.busy:
            return
        self.panel.showStatus("")
        # Also after a change that was refused: what was dragged has to go back to where it was.
        for action in (change, lambda review: self._logic.refresh(study)):
            try:
                action(study.review)
            except Exception as error:
                self.panel.showStatus(errorMessage(error, _("this could not be done")), isError=True)
        self._showReview(study.review)
        self.panel.updateGui()

    # Slice views -------------------------------------------------------------------------------------------------------

    def _onSelected(self, indices: list[int]) -> None:
        """Show the selected region in the slice views: its frame, its position, and its curve."""
        study = self.panel.study
        if study and len(indices) == 1:
            ras, frame = self._logic.regionCenter(study, indices[0])
            self._logic.showFrame(study, frame)
            self._logic.showPosition(ras)
        self._showCurves()
        self.update()

    def _showCurves(self) -> None:
        """Show the curve of a region where one is selected alone, and those of the region of interest while it is edited."""
        study, chosen = self.panel.study, self.table.selected()
        self._regionCurve.show([self._logic.regionCorners(study, chosen[0])] if study is not None and len(chosen) == 1 else [])
        self._roiCurves.show(self._logic.roiControlPoints(study) if study is not None and self.panel.ui.roiButton.checked else [])

    def _onClicked(self, ras: list[float]) -> None:
        """Select the region at a position."""
        study = self.panel.study
        index = self._logic.regionAt(study, ras) if study and not self.panel.busy else None
        if index is not None and [index] != self.table.selected():
            self.table.select([index])

    def _onAddToggled(self, checked: bool) -> None:
        if checked:
            self.mouse.takeRectangle(self._onDrawn, self._onAddEnded)
            self.panel.showStatus(_("Draw a rectangle in a slice view; Esc ends it."))
        else:
            self.mouse.cancel()

    def _onAddEnded(self) -> None:
        self.panel.ui.addButton.checked = False
        self.panel.showStatus("")

    def _onDrawn(self, corners: list[list[float]]) -> None:
        """Add the rectangle that was drawn, and select it."""
        study = self.panel.study
        if study is None:
            return
        everyFrame = self.panel.ui.everyFrameCheckBox.checked
        count = len(study.review.regions)
        self._step(lambda review: self._logic.addRegion(study, corners, everyFrame))
        if len(study.review.regions) > count:
            self.table.select([count])

    def _onRegionMoved(self, polygons: list) -> None:
        study, chosen = self.panel.study, self.table.selected()
        if study is not None and len(chosen) == 1:
            self._step(lambda review: self._logic.moveRegion(study, chosen[0], polygons[0]))

    def _onRoiToggled(self, checked: bool) -> None:
        if checked:
            slicer.util.resetSliceViews()  # its control points are near the borders of the image
        self._showCurves()

    def _onRoiMoved(self, polygons: list) -> None:
        study = self.panel.study
        if study is not None:
            self._step(lambda review: self._logic.moveRoi(study, polygons))

    def _onDisplayChosen(self, mode: str) -> None:
        self.panel.showStatus("")
        self._setDisplayMode(mode)

    def _setDisplayMode(self, mode: str) -> None:
        """Show the original, the result, or both in the slice views."""
        study, logic = self.panel.study, self._logic
        if study is None:
            return
        with slicer.util.WaitCursor():
            views = self.display.show(mode, logic.original(study), logic.makeResult(study) if mode != ORIGINAL else None)
            logic.showOverlaysIn(study, views)
        self.panel.updateGui()

    # While the module is shown -----------------------------------------------------------------------------------------

    def activate(self, window) -> None:
        """React to the mouse in the slice views, and to keys in ``window``, except while a person types into a line."""
        self.deactivate()
        self.mouse.start()
        self._layoutManager = slicer.app.layoutManager()
        if self._layoutManager:  # there is none without a main window
            self._layoutManager.connect("layoutChanged(int)", self._onLayoutChanged)
        for keys, action in (
            ("N", self.next),
            ("R", lambda: self.decide("redact")),
            ("K", lambda: self.decide("keep")),
            ("A", self.panel.ui.addButton.click),
            ("Del", self.delete),
            ("Ctrl+Z", self.undo),
            ("Ctrl+Shift+Z", self.redo),
        ):
            shortcut = qt.QShortcut(qt.QKeySequence(keys), window)
            shortcut.connect("activated()", action)
            self._shortcuts.append(shortcut)

    def deactivate(self) -> None:
        """React to the mouse and to keys no more: another module is shown."""
        if self._layoutManager:
            self._layoutManager.disconnect("layoutChanged(int)", self._onLayoutChanged)
            self._layoutManager = None
        self.mouse.stop()
        for shortcut in self._shortcuts:
            shortcut.setParent(None)
            shortcut.deleteLater()
        self._shortcuts = []

    def _onLayoutChanged(self, layout: int) -> None:
        self.mouse.start()


def summary(study: Study) -> str:
    """How many regions there are and what was decided about them, and the notes on the source."""
    review = study.review
    redacted = sum(region.decision == "redact" for region in review.regions)
    left = len(review.regions) - len(review.reviewed)
    kept = str(len(review.regions) - redacted)
    if review.kept_by_person:
        kept = _("{kept} kept ({own} by you)").format(kept=kept, own=len(review.kept_by_person))
    else:
        kept = _("{kept} kept").format(kept=kept)
    counts = _("{total} regions: {redacted} redacted, {kept}, {left} not reviewed").format(
        total=len(review.regions), redacted=redacted, kept=kept, left=left
    )
    return "\n".join((counts, *study.notes))


def _slotOf(action: Callable[[], None]) -> Callable[..., None]:
    """A slot for signals with the argument ``checked``, which calls ``action()`` without it."""
    return lambda checked=False: action()
