"""Review: what a person does to the regions and the region of interest, in the table and in the slice views."""

from __future__ import annotations

from collections.abc import Callable

import qt
import slicer
from slicer.i18n import tr as _

from .compare_views import BOTH, ORIGINAL, RESULT, CompareViews
from .faults import reasonOf
from .handles import Handles
from .panel import Panel
from .questions import mayKeepHeaderText
from .region_table import RegionTable
from .slice_mouse import SliceMouse

REGION_COLOR, ROI_COLOR = (1.0, 0.8, 0.1), (0.2, 0.8, 1.0)


class ReviewPart:
    """``mayKeepHeaderText(keywords)`` asks whether text that matches these fields of the header may stay in the image."""

    def __init__(self, panel: Panel, mayKeepHeaderText: Callable[[list[str]], bool] = mayKeepHeaderText) -> None:
        self.panel, ui = panel, panel.ui
        self.mayKeepHeaderText = mayKeepHeaderText
        self.table = RegionTable(ui.regionTable, self._selected, self._toggle)
        self.mouse = SliceMouse(self._clicked)
        self.views = CompareViews()
        self._region = Handles("Region", REGION_COLOR, self._regionMoved)
        self._roi = Handles("ROI", ROI_COLOR, self._roiMoved)
        self._shortcuts: list = []
        self._layouts = None
        ui.reasonButton.setMenu(qt.QMenu(ui.reasonButton))
        for button, action in (
            (ui.redactButton, lambda: self.decide("redact")),
            (ui.keepButton, lambda: self.decide("keep")),
            (ui.nextButton, self.next),
            (ui.undoButton, self.undo),
            (ui.redoButton, self.redo),
            (ui.deleteButton, self.delete),
        ):
            button.connect("clicked(bool)", _ignoringItsArgument(action))
        ui.addButton.connect("toggled(bool)", self._addToggled)
        ui.roiButton.connect("toggled(bool)", self._roiToggled)
        for button, how in ((ui.originalButton, ORIGINAL), (ui.resultButton, RESULT), (ui.sideBySideButton, BOTH)):
            button.connect("clicked(bool)", _ignoringItsArgument(self._shower(how)))

    # The study ---------------------------------------------------------------------------------------------------------

    def setStudy(self, study) -> None:
        """Show another study, or none."""
        ui = self.panel.ui
        self._region.hide()
        self.mouse.cancel()
        ui.roiButton.checked = False
        self.views.reset()
        ui.originalButton.checked = True
        self.table.fill(None)
        if self.panel.logic.started:
            self.panel.logic.hideOverlaysBut(study)
        if study:
            self._show()
        self.update()

    def forget(self) -> None:
        """The scene is closing."""
        self._region.forget()
        self._roi.forget()
        self.setStudy(None)

    def update(self) -> None:
        """Enable what can be done now, and sum up."""
        ui, study = self.panel.ui, self.panel.study
        there = study is not None and not self.panel.busy
        selected = bool(there and self.table.selected())
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
            widget.enabled = there
        ui.everyFrameCheckBox.enabled = there and study.review.frame_count > 1
        ui.roiButton.enabled = there and study.review.roi is not None
        ui.undoButton.enabled = there and study.review.can_undo
        ui.redoButton.enabled = there and study.review.can_redo
        ui.summaryLabel.text = self._summary(study) if study else ""
        ui.summaryLabel.setVisible(study is not None)
        if study:
            if self.views.how != ORIGINAL and study.result is None:  # a person removed it
                ui.originalButton.checked = True
                self._showHow(ORIGINAL)
            parameters = self.panel.parameters
            opacity = 0.0 if self.views.how == RESULT else parameters.overlayOpacity
            self.panel.logic.setOverlays(study, opacity, parameters.overlayOutline)

    def _summary(self, study) -> str:
        outdated = not self.panel.logic.isFoundWith(study, self.panel.options())
        told = (_("Found with other options than chosen above: press Apply to use these."),) if outdated else ()
        return "\n".join((summary(study), *told))

    def _show(self) -> None:
        """The review has changed: table, menu, handles."""
        review = self.panel.study.review
        self.table.fill(review)
        menu = self.panel.ui.reasonButton.menu()
        menu.clear()
        for reason in review.reasons():
            for decision, told in (("redact", _("Redact: {reason}")), ("keep", _("Keep: {reason}"))):
                menu.addAction(told.format(reason=reason or _("no reason"))).triggered.connect(self._byReason(reason, decision))
        self._showHandles()

    def _byReason(self, reason: str, decision: str):
        return _ignoringItsArgument(lambda: self._decide(self.panel.study.review.with_reason(reason), decision))

    # Steps -------------------------------------------------------------------------------------------------------------

    def decide(self, decision: str) -> None:
        self._decide(self.table.selected(), decision)

    def _decide(self, chosen: list[int], decision: str) -> None:
        self._settle(chosen, lambda review, indices: review.decide(indices, decision), keeps=decision == "keep")

    def delete(self) -> None:
        """Delete what a person drew of what is selected; the rest is kept."""
        self._settle(self.table.selected(), lambda review, indices: review.delete(indices), keeps=True)

    def _settle(self, chosen: list[int], change: Callable, keeps: bool) -> None:
        """Make a change to these regions; to those that match the header and would be kept only if the person says yes."""
        study = self.panel.study
        if study is None or self.panel.busy or not chosen:
            return
        matching = study.review.matching_header(chosen) if keeps else {}
        if matching and not study.keepsHeaderText:
            study.keepsHeaderText = self.mayKeepHeaderText(sorted(set(matching.values())))
        declined = matching if not study.keepsHeaderText else {}
        if study is self.panel.study:  # all may happen while a question is open
            self._step(lambda review: change(review, [index for index in chosen if index not in declined]))
            if declined:
                self.panel.tell(_("What matches the header stays redacted."))

    def undo(self) -> None:
        self._step(lambda review: review.undo())

    def redo(self) -> None:
        self._step(lambda review: review.redo())

    def next(self) -> None:
        """What is selected is right as it is; go on to what nobody has looked at."""
        study = self.panel.study
        if study is None or self.panel.busy:
            return
        chosen = self.table.selected()
        if chosen:
            self._step(lambda review: review.mark_reviewed(chosen))
        following = study.review.next_unreviewed(chosen[-1] if chosen else -1)
        if following is None:
            self.panel.tell(_("All regions are reviewed."))
        else:
            self.table.select([following])

    def _toggle(self, index: int) -> None:
        self._decide([index], "keep" if self.panel.study.review.regions[index].decision == "redact" else "redact")

    def _step(self, change) -> None:
        """Make a change to the review and show it; what a person can put right is told."""
        study = self.panel.study
        if study is None or self.panel.busy:
            return
        self.panel.tell("")
        for part in (change, lambda review: self.panel.logic.refresh(study)):  # what was refused has to be shown as it was, too
            try:
                part(study.review)
            except Exception as error:
                self.panel.tell(reasonOf(error, _("this could not be done")), trouble=True)
        self._show()
        self.panel.changed()

    # Slice views -------------------------------------------------------------------------------------------------------

    def _selected(self, indices: list[int]) -> None:
        """Show the region that was selected: its frame, where it is seen in the slice views, with handles."""
        study = self.panel.study
        if study and len(indices) == 1:
            ras, frame = self.panel.logic.rasOf(study, indices[0])
            self.panel.logic.showFrame(study, frame)
            self.panel.logic.showPlace(ras)
        self._showHandles()
        self.update()

    def _showHandles(self) -> None:
        study, chosen = self.panel.study, self.table.selected()
        one = study is not None and len(chosen) == 1
        self._region.show([self.panel.logic.regionHandles(study, chosen[0])] if one else [])
        roi = study is not None and self.panel.ui.roiButton.checked
        self._roi.show(self.panel.logic.roiHandles(study) if roi else [])

    def _clicked(self, ras: list[float]) -> None:
        study = self.panel.study
        index = self.panel.logic.regionAt(study, ras) if study and not self.panel.busy else None
        if index is not None and [index] != self.table.selected():
            self.table.select([index])

    def _addToggled(self, checked: bool) -> None:
        if checked:
            self.mouse.takeRectangle(self._drawn, self._addEnded)
            self.panel.tell(_("Draw a rectangle in a slice view; Esc ends it."))
        else:
            self.mouse.cancel()

    def _addEnded(self) -> None:
        self.panel.ui.addButton.checked = False
        self.panel.tell("")

    def _drawn(self, corners: list[list[float]]) -> None:
        everyFrame = self.panel.ui.everyFrameCheckBox.checked
        count = len(self.panel.study.review.regions)
        self._step(lambda review: self.panel.logic.addRegion(self.panel.study, corners, everyFrame))
        if len(self.panel.study.review.regions) > count:
            self.table.select([count])

    def _regionMoved(self, polygons: list) -> None:
        chosen = self.table.selected()
        if len(chosen) == 1:
            self._step(lambda review: self.panel.logic.moveRegion(self.panel.study, chosen[0], polygons[0]))

    def _roiToggled(self, checked: bool) -> None:
        if checked:
            slicer.util.resetSliceViews()  # its handles lie on the borders
        self._showHandles()

    def _roiMoved(self, polygons: list) -> None:
        self._step(lambda review: self.panel.logic.moveRoi(self.panel.study, polygons))

    def _shower(self, how: str):
        def show():
            self.panel.tell("")
            self._showHow(how)

        return show

    def _showHow(self, how: str) -> None:
        study, logic = self.panel.study, self.panel.logic
        with slicer.util.WaitCursor():
            views = self.views.show(how, logic.original(study), logic.makeResult(study) if how != ORIGINAL else None)
            logic.showOverlaysIn(study, views)
        self.panel.changed()

    # While the module is shown -----------------------------------------------------------------------------------------

    def activate(self, window) -> None:
        """Listen to the mouse in the slice views and to keys, wherever the focus is but in a line that is being typed in."""
        self.deactivate()
        self.mouse.start()
        self._layouts = slicer.app.layoutManager()
        if self._layouts:  # there is none without a main window
            self._layouts.connect("layoutChanged(int)", self._layoutChanged)
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
        if self._layouts:
            self._layouts.disconnect("layoutChanged(int)", self._layoutChanged)
            self._layouts = None
        self.mouse.stop()
        for shortcut in self._shortcuts:
            shortcut.setParent(None)
            shortcut.deleteLater()
        self._shortcuts = []

    def _layoutChanged(self, layout: int) -> None:
        self.mouse.start()


def summary(study) -> str:
    """How many regions there are, and what is to be done with them; what should be known of the source."""
    review = study.review
    redacted = sum(region.decision == "redact" for region in review.regions)
    left = len(review.regions) - len(review.reviewed)
    kept = str(len(review.regions) - redacted)
    if review.kept_by_person:
        kept = _("{kept} kept ({own} by you)").format(kept=kept, own=len(review.kept_by_person))
    else:
        kept = _("{kept} kept").format(kept=kept)
    told = _("{total} regions: {redacted} redacted, {kept}, {left} not reviewed").format(
        total=len(review.regions), redacted=redacted, kept=kept, left=left
    )
    return "\n".join((told, *study.notes))


def _ignoringItsArgument(action):
    """A slot for signals that tell whether a button is checked."""
    return lambda checked=False: action()
