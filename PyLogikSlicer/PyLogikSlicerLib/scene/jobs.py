"""Jobs: what the worker is asked to do for a node, and what becomes of its answer; one at a time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from ..core.errors import PyLogikSlicerError, UsageError
from ..core.options import Options
from ..core.private_folders import PrivateFolder
from ..worker.client import WorkerProcess
from ..worker.frame_fingerprint import cells_of
from ..worker.messages import Source, analysis_to_json, options_to_json, source_to_json
from . import frames
from .sources import arraySource

Event = dict[str, Any]
OnEvent = Callable[[Event], None]

REMOVED = "the image was removed from the scene, and the work on it ended: load it again"
ARRAY_NOTE = "The source files do not show the frames of this volume: the volume itself is worked on."


@dataclass(frozen=True)
class Job:
    """``finish(source, result)`` takes the worker's result before ``onEvent`` is told that it is done, and ``fail(reason)`` a failure.

    ``needs``: the nodes without which the work is for nothing.
    """

    request: Event
    node: Any
    source: Source | None
    finish: Callable[[Source | None, Event], None]
    fail: Callable[[str], None]
    onEvent: OnEvent
    needs: tuple = ()


class Jobs:
    """Sends jobs to the worker and hands its events on. An image without files goes to it in a private folder that is removed when
    the job ends, however it ends."""

    def __init__(self, python: str | None = None) -> None:
        self._worker = WorkerProcess(python)
        self._job: Job | None = None
        self._folder: PrivateFolder | None = None

    @property
    def busy(self) -> bool:
        return self._job is not None

    def start(self, job: Job) -> None:
        """Send a job. Raises UsageError when another is not finished."""
        if self.busy:
            raise UsageError("something else is being worked on: wait for it, or cancel it")
        self._send(job)

    def poll(self) -> None:
        """Hand the worker's events on; never waits."""
        for event in self._worker.poll():
            job = self._job
            if job is None:
                continue
            if event["event"] == "progress":
                job.onEvent(event)
            elif event.get("unreadable") and job.source and job.source.files and "cells" in job.request:
                self._end()
                self._sendArray(job)
            else:
                self._end()
                self._answer(job, event)

    def cancel(self) -> None:
        """End the job within a second, without an event."""
        self._worker.cancel()
        self._end()

    def failIfRemoved(self) -> None:
        """Where a node that the job needs is not in the scene any more, end the job within a second; it has failed then."""
        job = self._job
        if job is not None and any(node.GetScene() is None for node in job.needs):
            self.cancel()
            self._answer(job, {"event": "failed", "reason": REMOVED})

    def close(self) -> None:
        self._worker.close()
        self._end()

    def _sendArray(self, job: Job) -> None:
        """The second try: with the voxels of the node in place of its files."""
        try:
            self._send(replace(job, source=Source(name=job.source.name)))
        except PyLogikSlicerError as error:
            self._answer(job, {"event": "failed", "reason": str(error)})

    def _answer(self, job: Job, event: Event) -> None:
        if event["event"] == "done":
            try:
                job.finish(job.source, event["result"])
            except PyLogikSlicerError as error:
                event = {"event": "failed", "reason": str(error)}
        if event["event"] == "failed":
            job.fail(event["reason"])
        job.onEvent(event)

    def _send(self, job: Job) -> None:
        request = job.request
        try:
            if job.source is not None:
                request = {**request, "source": source_to_json(self._readable(job))}
            self._job = job
            self._worker.send(request)
        except BaseException:
            self._end()
            raise

    def _readable(self, job: Job) -> Source:
        if job.source.files:
            return job.source
        self._folder = PrivateFolder()
        return arraySource(job.node, str(self._folder.path), job.source.name)

    def _end(self) -> None:
        self._job = None
        if self._folder is not None:
            self._folder.remove()
            self._folder = None


def analysis(node, needs: tuple, source: Source, options: Options, templates: str | None, finish, onEvent: OnEvent) -> Job:
    """Analyse the node, by its files if they show its frames."""
    request: Event = {"do": "analyse", "options": options_to_json(options)}
    if source.files:
        request["cells"] = cells_of(frames.frames(node)).round(4).tolist()
    return Job(request | _with(templates), node, source, finish, lambda reason: None, onEvent, needs)


def export(study, options: Options, folder: str, templates: str | None, finish, fail, onEvent: OnEvent) -> Job:
    """Write the study as reviewed into the folder."""
    reviewed = analysis_to_json(study.review.analysis)
    request = {"do": "export", "options": options_to_json(options), "analysis": reviewed, "output": folder}
    return Job(request | _with(templates), study.node, study.source, finish, fail, onEvent, (study.node,))


def devices(onEvent: OnEvent) -> Job:
    """Ask for the GPU."""
    return Job({"do": "devices"}, None, None, lambda source, result: None, lambda reason: None, onEvent)


def _with(templates: str | None) -> Event:
    return {"templates": templates} if templates else {}
