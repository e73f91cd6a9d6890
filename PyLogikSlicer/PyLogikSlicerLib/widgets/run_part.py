"""Apply and Cancel: starts the work, shows its progress and the time left, and ends it."""

from __future__ import annotations

import time
from collections.abc import Callable

import qt
from slicer.i18n import tr as _

from .faults import reasonOf
from .panel import Panel

POLL_MS = 100


class RunPart:
    """Drives one piece of work at a time: the logic is asked every 100 ms what the worker process reported."""

    def __init__(self, panel: Panel) -> None:
        self.panel = panel
        self._timer = qt.QTimer()
        self._timer.setInterval(POLL_MS)
        self._timer.connect("timeout()", self._poll)
        self._onEnd: Callable[[dict], None] | None = None
        self._clock = TimeLeft()
        panel.ui.cancelButton.connect("clicked(bool)", lambda clicked: self.cancel())

    @property
    def busy(self) -> bool:
        return self._onEnd is not None

    def run(self, start: Callable[[Callable[[dict], None]], None], onEnd: Callable[[dict], None]) -> None:
        """Call ``start(onEvent)``, and ``onEnd(event)`` once the work is done or has failed; not when it was canceled."""
        self._onEnd, self._clock = onEnd, TimeLeft()
        self._progress(0, 0, _("Starting..."))
        self.panel.changed()
        try:
            start(self._event)
        except Exception as error:
            self._fail(error)
        if self.busy:
            self._timer.start()

    def cancel(self) -> None:
        if self.busy:
            self.panel.logic.cancel()
            self.stop()
            self.panel.tell(_("Canceled. Nothing was changed."))

    def stop(self) -> None:
        """Forget the work: it was canceled, or the scene was closed."""
        self._timer.stop()
        self._onEnd = None
        self.panel.ui.progressBar.setVisible(False)
        self.panel.changed()

    def _poll(self) -> None:
        try:
            self.panel.logic.poll()
        except Exception as error:
            self._fail(error)

    def _event(self, event: dict) -> None:
        if not self.busy:
            return
        if event["event"] == "progress":
            self._progress(event["done"], event["total"], self._clock.told(event["stage"], event["done"], event["total"]))
        else:
            self._end(event)

    def _end(self, event: dict) -> None:
        onEnd = self._onEnd
        self.stop()
        try:
            onEnd(event)
        except Exception as error:
            self._fail(error)

    def _fail(self, error: Exception) -> None:
        """Something broke. Whoever waits for the end of the work hears of it; after the end nobody waits, and it is told here."""
        reason = reasonOf(error, _("the work could not be done"))
        if self.busy:
            self.panel.logic.cancel()
            self._end({"event": "failed", "reason": reason})
        else:
            self.panel.tell(reason, trouble=True)

    def _progress(self, done: int, total: int, told: str) -> None:
        bar = self.panel.ui.progressBar
        bar.setRange(0, total)
        bar.setValue(done)
        bar.setVisible(True)
        self.panel.tell(told)


class TimeLeft:
    """Tells a stage, its frames, and how long it will still take at the pace it has had so far."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now, self._stage, self._start = now, "", now()

    def told(self, stage: str, done: int, total: int) -> str:
        if stage != self._stage:
            self._stage, self._start, self._first = stage, self._now(), done
        told = _("{stage}: frame {done} of {total}").format(stage=_stageName(stage), done=done, total=total)
        passed, worked = self._now() - self._start, done - self._first
        if worked < 1 or passed < 1 or done >= total:
            return told
        return f"{told}, {duration(passed / worked * (total - done))}"


def duration(seconds: float) -> str:
    """How long it will take, as a person would say it."""
    if seconds < 10:
        return _("a few seconds left")
    if seconds < 90:
        return _("about {count} s left").format(count=10 * round(seconds / 10))
    return _("about {count} min left").format(count=round(seconds / 60))


def _stageName(stage: str) -> str:
    names = {
        "read": _("Reading"),
        "examine": _("Looking for text"),
        "roi": _("Finding the region of interest"),
        "write": _("Writing"),
        "verify": _("Verifying"),
    }
    return names.get(stage, stage)
