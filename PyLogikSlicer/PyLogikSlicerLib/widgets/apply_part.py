"""Apply: finds the text, and asks first where a person's review would be lost."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ..worker.messages import Done, Failed
from .confirmations import confirmDiscardReview
from .panel import Panel
from .run_part import RunPart
from .task_part import TaskPart

if TYPE_CHECKING:
    from ..scene.logic import StudyLogic


class ApplyPart:
    """``confirmDiscardReview()`` asks whether a review that holds a person's work may be replaced by a new one."""

    def __init__(
        self,
        panel: Panel,
        logic: StudyLogic,
        run: RunPart,
        task: TaskPart,
        confirmDiscardReview: Callable[[], bool] = confirmDiscardReview,
    ) -> None:
        self.panel, self._logic, self._run, self._task = panel, logic, run, task
        self.confirmDiscardReview = confirmDiscardReview
        panel.ui.applyButton.connect("clicked(bool)", lambda clicked=False: self.apply())

    def apply(self) -> None:
        """Find the text of the input; the first time, find out first which device the text reader runs on."""
        panel = self.panel
        node, study = panel.inputNode, panel.study
        if study is not None and study.review.touched and not self.confirmDiscardReview():
            return
        if not panel.ensureEngine():
            return
        options = panel.options()

        def analyse() -> None:
            self._run.run(lambda onEvent: self._logic.start(node, options, onEvent), self._onAnalysed)

        self._task.findDevice(then=analyse)

    def _onAnalysed(self, event: Done | Failed) -> None:
        if isinstance(event, Failed):
            self.panel.showStatus(event.reason, isError=True)
        else:
            self.panel.showStatus("")
            self.panel.updateGui()
