"""What to do: the background level picked from the image, and the name of the device that the text reader runs on."""

from __future__ import annotations

from collections.abc import Callable

from slicer.i18n import tr as _

from .faults import reasonOf
from .panel import Panel
from .slice_mouse import SliceMouse


class TaskPart:
    """``run(start, onEnd)`` does work as the Apply button's does; ``mouse`` gives the click that is asked for."""

    def __init__(self, panel: Panel, run: Callable, mouse: SliceMouse) -> None:
        self.panel, self._run, self._mouse, ui = panel, run, mouse, panel.ui
        self._known = False
        ui.pickButton.connect("toggled(bool)", self._pickToggled)
        ui.deviceComboBox.connect("activated(int)", lambda index: self.panel.logic.started and self.findDevice())
        ui.deviceLabel.setVisible(False)

    def findDevice(self, then: Callable[[], None] = lambda: None) -> None:
        """Show the name of the GPU, or why there is none; once, since it takes the worker seconds to know. Then do the rest."""
        if self._known or self.panel.busy:
            then()
        else:
            self._run(self.panel.logic.devices, lambda event: (self._found(event), then()))

    def _found(self, event: dict) -> None:
        result, label = event.get("result", {}), self.panel.ui.deviceLabel
        self._known = event["event"] == "done"
        name, reason = result.get("gpu", ""), result.get("reason") or event.get("reason", "")
        label.text = _("GPU: {name}").format(name=name) if name else _("No GPU: {reason}").format(reason=reason)
        label.setVisible(True)
        self.panel.tell("")

    def _pickToggled(self, checked: bool) -> None:
        if not checked:
            self._mouse.cancel()
        elif self.panel.engineReady():
            self._mouse.takeClick(self._picked, self._pickEnded)
            self.panel.tell(_("Click on the background in a slice view; Esc ends it."))
        else:
            self.panel.ui.pickButton.checked = False

    def _pickEnded(self) -> None:
        self.panel.ui.pickButton.checked = False
        self.panel.tell("")

    def _picked(self, ras: list[float]) -> None:
        try:
            level = self.panel.logic.pickThreshold(self.panel.inputNode, ras)
        except Exception as error:
            self.panel.tell(reasonOf(error, _("the image cannot be read")), trouble=True)
        else:
            self.panel.parameters.threshold = level
            self.panel.tell(_("The background is {level} and darker.").format(level=level))
