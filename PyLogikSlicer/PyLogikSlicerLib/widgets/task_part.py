"""What to do: picking the background level from the image, and the name of the device that the text reader runs on."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from slicer.i18n import tr as _

from ..worker.messages import DevicesResult, Done, Failed
from .error_messages import errorMessage
from .panel import Panel
from .run_part import OnEnd, Start
from .slice_mouse import SliceMouse

if TYPE_CHECKING:
    from ..scene.logic import StudyLogic


class TaskPart:
    """``run(start, onEnd)`` does work as :meth:`.run_part.RunPart.run` does, and ``mouse`` takes the click on the background."""

    def __init__(self, panel: Panel, logic: StudyLogic, run: Callable[[Start, OnEnd], None], mouse: SliceMouse) -> None:
        self.panel, self._logic, self._run, self._mouse, ui = panel, logic, run, mouse, panel.ui
        self._deviceKnown = False
        self._deviceWanted = False
        ui.pickButton.connect("toggled(bool)", self._onPickToggled)
        ui.deviceComboBox.connect("activated(int)", lambda index: self._onDeviceChosen())
        ui.deviceLabel.setVisible(False)

    def findDevice(self, then: Callable[[], None]) -> None:
        """Show the name of the GPU, or why there is none, and then call ``then()``. The worker is asked once: it takes seconds."""
        self._deviceWanted = True
        if self._deviceKnown or self.panel.busy:
            then()
            return

        def onEnd(event: Done | Failed) -> None:
            self._showDevice(event)
            then()

        self._run(self._logic.devices, onEnd)

    def _onDeviceChosen(self) -> None:
        """Ask again where the device could not be found at Apply. Before the first Apply the worker is not started for it."""
        if self._deviceWanted:
            self.findDevice(lambda: None)

    def _showDevice(self, event: Done | Failed) -> None:
        name, reason = "", ""
        if isinstance(event, Failed):
            reason = event.reason
        elif isinstance(event.result, DevicesResult):
            name, reason = event.result.gpu, event.result.reason
        self._deviceKnown = isinstance(event, Done)
        label = self.panel.ui.deviceLabel
        label.text = _("GPU: {name}").format(name=name) if name else _("No GPU: {reason}").format(reason=reason)
        label.setVisible(True)
        self.panel.showStatus("")

    def _onPickToggled(self, checked: bool) -> None:
        if not checked:
            self._mouse.cancel()
        elif self.panel.ensureEngine():
            self._mouse.takeClick(self._onPicked, self._onPickEnded)
            self.panel.showStatus(_("Click on the background in a slice view; Esc ends it."))
        else:
            self.panel.ui.pickButton.checked = False

    def _onPickEnded(self) -> None:
        self.panel.ui.pickButton.checked = False
        self.panel.showStatus("")

    def _onPicked(self, ras: list[float]) -> None:
        try:
            level = self._logic.pickThreshold(self.panel.inputNode, ras)
        except Exception as error:
            self.panel.showStatus(errorMessage(error, _("the image cannot be read")), isError=True)
        else:
            self.panel.parameters.threshold = level
            self.panel.showStatus(_("The background is {level} and darker.").format(level=level))
