"""Apply: find the text; ask first where a person's review would be lost."""

from __future__ import annotations

from collections.abc import Callable

from .panel import Panel
from .questions import mayDiscardReview
from .run_part import RunPart
from .task_part import TaskPart


class ApplyPart:
    """``mayDiscardReview()`` asks whether a review that holds a person's work may be replaced by a new one."""

    def __init__(self, panel: Panel, run: RunPart, task: TaskPart, mayDiscardReview: Callable[[], bool] = mayDiscardReview) -> None:
        self.panel, self._run, self._task = panel, run, task
        self.mayDiscardReview = mayDiscardReview
        panel.ui.applyButton.connect("clicked(bool)", lambda clicked=False: self.apply())

    def apply(self) -> None:
        """Find the text of the input; before the first time, find out where the text reader runs."""
        panel = self.panel
        node, study = panel.inputNode, panel.study
        if study is not None and study.review.touched and not self.mayDiscardReview():
            return
        if panel.engineReady():
            options = panel.options()
            self._task.findDevice(then=lambda: self._run.run(lambda onEvent: panel.logic.start(node, options, onEvent), self._analysed))

    def _analysed(self, event: dict) -> None:
        if event["event"] == "failed":
            self.panel.tell(event["reason"], trouble=True)
        else:
            self.panel.tell("")
            self.panel.changed()
