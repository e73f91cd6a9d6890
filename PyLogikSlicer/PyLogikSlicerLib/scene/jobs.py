"""Jobs: requests to the worker for nodes of the scene, one at a time, and who takes the outcome."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Protocol

from ..core.errors import PyLogikSlicerError, UsageError
from ..core.options import Options
from ..core.private_folders import PrivateFolder
from ..core.progress import Progress
from ..worker.frame_fingerprint import fingerprint_of
from ..worker.messages import (
    AnalyseRequest,
    DevicesRequest,
    Done,
    Event,
    ExportRequest,
    Failed,
    Message,
    Request,
    Source,
    TaskResult,
)
from . import frames
from .sources import arraySource
from .study import Study

OnEvent = Callable[[Event], None]

NODE_REMOVED = "the image was removed from the scene, and the work on it ended: load it again"
# A note of a study whose source files were left aside.
ARRAY_NOTE = "The source files do not show the frames of this volume: the volume itself is worked on."
# Digits after the point of the fingerprint that is sent.
FINGERPRINT_DIGITS = 4


class Worker(Protocol):
    """What :class:`Jobs` needs of :class:`~..worker.client.WorkerProcess`."""

    def send(self, request: Request) -> int: ...

    def poll(self) -> list[Message]: ...

    def cancel(self) -> None: ...

    def close(self) -> None: ...


@dataclass(frozen=True)
class Job:
    """A request to the worker, and who takes its outcome.

    ``node`` is the image whose voxels are sent where the source of the request has no files. ``finish(request, result)`` takes the
    result of the request that was carried out, and ``fail(reason)`` a failure, before ``onEvent`` is called with the last event. Where
    one of ``requiredNodes`` is removed from the scene the job has failed.
    """

    request: Request
    node: Any
    finish: Callable[[Request, TaskResult], None]
    fail: Callable[[str], None]
    onEvent: OnEvent
    requiredNodes: tuple = ()


class Jobs:
    """Sends jobs to a worker and passes its events on.

    The voxels of an image without files are sent as a file in a private folder, which is removed when the job ends in any way.
    """

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
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
        """Pass the worker's events on; never waits."""
        for message in self._worker.poll():
            job, event = self._job, message.event
            if job is None:
                continue
            if isinstance(event, Progress):
                job.onEvent(event)
                continue
            self._end()
            voxelsInstead = _withVoxels(job) if isinstance(event, Failed) and event.unreadable else None
            if voxelsInstead is None:
                self._finish(job, event)
            else:
                self._sendAgain(voxelsInstead)

    def cancel(self) -> None:
        """End the job within a second, without an event."""
        self._worker.cancel()
        self._end()

    def failIfRemoved(self) -> None:
        """Fail the job, within a second, where a node that it requires is not in the scene any more."""
        job = self._job
        if job is not None and any(node.GetScene() is None for node in job.requiredNodes):
            self.cancel()
            self._finish(job, Failed(NODE_REMOVED))

    def close(self) -> None:
        """End the job and the worker."""
        self._worker.close()
        self._end()

    def _sendAgain(self, job: Job) -> None:
        try:
            self._send(job)
        except PyLogikSlicerError as error:
            self._finish(job, Failed(str(error)))

    def _finish(self, job: Job, event: Done | Failed) -> None:
        if isinstance(event, Done):
            try:
                job.finish(job.request, event.result)
            except PyLogikSlicerError as error:
                event = Failed(str(error))
        if isinstance(event, Failed):
            job.fail(event.reason)
        job.onEvent(event)

    def _send(self, job: Job) -> None:
        try:
            request = job.request
            if not isinstance(request, DevicesRequest) and not request.source.files:
                self._folder = PrivateFolder()
                request = replace(request, source=arraySource(job.node, str(self._folder.path), request.source.name))
            self._job = job
            self._worker.send(request)
        except BaseException:
            self._end()
            raise

    def _end(self) -> None:
        self._job = None
        if self._folder is not None:
            self._folder.remove()
            self._folder = None


def analysisJob(node, requiredNodes: tuple, source: Source, options: Options, templates: str | None, finish, onEvent: OnEvent) -> Job:
    """Analyse a node: its files where they show its frames, else its voxels."""
    fingerprint = fingerprint_of(frames.iterFrames(node)).round(FINGERPRINT_DIGITS).tolist() if source.files else None
    request = AnalyseRequest(source, options, fingerprint, templates)
    return Job(request, node, finish, lambda reason: None, onEvent, requiredNodes)


def exportJob(study: Study, options: Options, folder: str, templates: str | None, finish, fail, onEvent: OnEvent) -> Job:
    """Write a study as reviewed into a folder."""
    request = ExportRequest(study.source, options, study.review.analysis, folder, templates)
    return Job(request, study.node, finish, fail, onEvent, (study.node,))


def devicesJob(onEvent: OnEvent) -> Job:
    """Ask for the name of the GPU."""
    return Job(DevicesRequest(), None, lambda request, result: None, lambda reason: None, onEvent)


def _withVoxels(job: Job) -> Job | None:
    """The analysis of a node's voxels in place of its files; None where the job is another one, or had the voxels already."""
    request = job.request
    if not isinstance(request, AnalyseRequest) or not request.source.files:
        return None
    return replace(job, request=replace(request, source=Source(name=request.source.name), fingerprint=None))
