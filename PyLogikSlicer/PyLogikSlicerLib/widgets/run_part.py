"""Apply and Cancel: runs work in the worker, shows its progress and the time left, and ends it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

import qt
from slicer.i18n import tr as _

from ..core.progress import Progress
from ..worker.messages import Done, Event, Failed
from .error_messages import errorMessage
from .panel import Panel

if TYPE_CHECKING:
    from ..scene.jobs import OnEvent

# Milliseconds between two looks at what the worker has reported.
POLL_MS = 100
# Seconds of work in a stage, at least, before the time left is estimated.
ESTIMATE_AFTER_SECONDS = 1
# Seconds below which the time left is "a few seconds", and below which it is given in seconds and not in minutes.
FEW_SECONDS = 10
SHOWN_IN_SECONDS = 90

OnEnd = Callable[[Done | Failed], None]
# Starts work whose events go to the callback.
Start = Callable[["OnEvent"], None]


class RunLogic(Protocol):
    """What the part needs of :class:`~..scene.logic.StudyLogic`."""

    def poll(self) -> None: ...

    def cancel(self) -> None: ...


class RunPart:
    """Runs one piece of work at a time, and polls the logic for its events meanwhile."""

    def __init__(self, panel: Panel, logic: RunLogic) -> None:
        self.panel, self._logic = panel, logic
        self._timer = qt.QTimer()
        self._timer.setInterval(POLL_MS)
        self._timer.connect("timeout()", self._poll)
        self._onEnd: OnEnd | None = None
        self._timeLeft = TimeLeft()
        panel.ui.cancelButton.connect("clicked(bool)", lambda clicked: self.cancel())

    @property
    def busy(self) -> bool:
        return self._onEnd is not None

    def run(self, start: Start, onEnd: OnEnd) -> None:
        """Call ``start(onEvent)``, and ``onEnd(event)`` once the work is done or has failed, but not when it was canceled."""
        self._onEnd, self._timeLeft = onEnd, TimeLeft()
        self._showProgress(0, 0, _("Starting..."))
        self.panel.updateGui()
        try:
            start(self._onEvent)
        except Exception as error:
            self._fail(error)
        if self.busy:
            self._timer.start()

    def cancel(self) -> None:
        """End the work, and say that nothing was changed."""
        if self.busy:
            self._logic.cancel()
            self.forget()
            self.panel.showStatus(_("Canceled. Nothing was changed."))

    def forget(self) -> None:
        """Wait for the work no more: it has ended, was canceled, or the scene was closed."""
        self._timer.stop()
        self._onEnd = None
        self.panel.ui.progressBar.setVisible(False)
        self.panel.updateGui()

    def _poll(self) -> None:
        try:
            self._logic.poll()
        except Exception as error:
            self._fail(error)

    def _onEvent(self, event: Event) -> None:
        if not self.busy:
            return
        if isinstance(event, Progress):
            self._showProgress(event.done, event.total, self._timeLeft.describe(event))
        else:
            self._end(event)

    def _end(self, event: Done | Failed) -> None:
        onEnd = self._onEnd
        self.forget()
        try:
            if onEnd is not None:
                onEnd(event)
        except Exception as error:
            self._fail(error)

    def _fail(self, error: Exception) -> None:
        """An unexpected error: it is the failure of the work in progress; after its end it is shown here."""
        reason = errorMessage(error, _("the work could not be done"))
        if self.busy:
            self._logic.cancel()
            self._end(Failed(reason))
        else:
            self.panel.showStatus(reason, isError=True)

    def _showProgress(self, done: int, total: int, status: str) -> None:
        bar = self.panel.ui.progressBar
        bar.setRange(0, total)
        bar.setValue(done)
        bar.setVisible(True)
        self.panel.showStatus(status)


class TimeLeft:
    """Describes the progress of a stage, and the time that it will still take at its average speed so far."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now, self._stage, self._start, self._firstDone = now, "", now(), 0

    def describe(self, progress: Progress) -> str:
        """The stage, its frames, and the time left once that can be estimated."""
        if progress.stage != self._stage:
            self._stage, self._start, self._firstDone = progress.stage, self._now(), progress.done
        stage, done, total = _stageName(progress.stage), progress.done, progress.total
        frames = _("{stage}: frame {done} of {total}").format(stage=stage, done=done, total=total)
        passed, worked = self._now() - self._start, done - self._firstDone
        if worked < 1 or passed < ESTIMATE_AFTER_SECONDS or done >= total:
            return frames
        return f"{frames}, {formatTimeLeft(passed / worked * (total - done))}"


def formatTimeLeft(seconds: float) -> str:
    """The time left, rounded as a person would say it."""
    if seconds < FEW_SECONDS:
        return _("a few seconds left")
    if seconds < SHOWN_IN_SECONDS:
        return _("about {count} s left").format(count=10 * round(seconds / 10))
    return _("about {count} min left").format(count=round(seconds / 60))


def _stageName(stage: str) -> str:
    names = {"examine": _("Looking for text"), "write": _("Writing"), "verify": _("Verifying")}
    return names.get(stage, stage)
