"""StudyLogic: the module's logic for finding and removing text. Runs the worker on a node of the scene, and shows the studies there.

Positions are RAS in millimeters, lists of three floats. Frames count from 0: slices k of a volume, items of a sequence (or the slices of
all items, where these are volumes). A region's polygon and the region of interest are in pixels of the source frame: x right, y down.
"""

from __future__ import annotations

import time
import weakref
from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from typing import Any

import slicer
import vtk

from ..core.errors import PyLogikSlicerError, UsageError
from ..core.options import Options, OutputOptions
from ..worker.client import WorkerProcess
from ..worker.messages import AnalysisResult, DevicesRequest, Event, ExportResult, Failed, Request, Source, TaskResult
from . import frames, overlays, results, slice_positions, tables
from .exports import Export, fullPath
from .jobs import ARRAY_NOTE, Jobs, OnEvent, analysisJob, devicesJob, exportJob
from .observers import Observers, weakCallback
from .sources import sourceOf
from .study import Study

# Seconds between two polls while the console waits.
POLL_SECONDS = 0.02


class StudyLogic:
    """Analyses, reviews, shows and exports images of the scene; usable from the console, and without Qt.

    The scene is observed: closing it cancels the work and forgets all studies, removing an image forgets its study, and the overlays of a
    sequence follow its browser.

    Parameters
    ----------
    templates
        The file of the regions of interest that were accepted per scanner; None remembers none.
    database
        Finds the files of DICOM instances, by default ``slicer.dicomDatabase`` where there is one; see :func:`.sources.sourceOf`.
    jobs
        Does the long work; by default in a worker process that is started when it is needed.
    """

    def __init__(self, templates: str | None = None, database=None, jobs: Jobs | None = None) -> None:
        self.studies: dict[str, Study] = {}
        self.templates, self.database = templates, database
        self._jobs = Jobs(WorkerProcess()) if jobs is None else jobs
        self._browsers: dict[str, tuple[Any, int]] = {}
        self._observers = Observers()
        self._observers.add(slicer.mrmlScene, slicer.vtkMRMLScene.StartCloseEvent, weakCallback(self.onSceneClose))
        self._observers.add(slicer.mrmlScene, slicer.vtkMRMLScene.NodeRemovedEvent, weakCallback(self._onNodeRemoved))
        # For a logic that is never closed, such as one that was made in the console.
        weakref.finalize(self, _close, self._jobs, self._observers)

    # Running ---------------------------------------------------------------------------------------------------------

    @property
    def busy(self) -> bool:
        """Whether the worker has a request that is not finished; it has one at a time."""
        return self._jobs.busy

    def start(self, volumeNode, options: Options, onEvent: OnEvent) -> None:
        """Analyse a volume or sequence in the worker; returns at once.

        ``onEvent`` is called from :meth:`poll` with :class:`~..core.progress.Progress`, and last with ``Done`` or ``Failed`` of
        :mod:`..worker.messages`. At ``Done`` there is a study of the node (:meth:`studyOf`) with overlays and table, in place of a former
        one. Removing the node from the scene is a failure. Raises UsageError when busy, or when there is no image.
        """
        node = frames.requireInScene(volumeNode)
        frames.volumes(node)
        source = sourceOf(node, self.database)

        def finish(request: Request, result: TaskResult) -> None:
            assert not isinstance(request, DevicesRequest) and isinstance(result, AnalysisResult)
            self._addStudy(node, request.source, options, result, source)

        self._jobs.start(analysisJob(node, (volumeNode, node), source, options, self.templates, finish, onEvent))

    def poll(self) -> None:
        """Pass on the worker's events; never waits. Call it every 100 ms while :attr:`busy`."""
        self._jobs.poll()

    def cancel(self) -> None:
        """End the work within a second; no further event comes, and the scene is as it was before the start."""
        self._jobs.cancel()

    def close(self) -> None:
        """End the work and the worker, and observe the scene no more: when the module is closed."""
        _close(self._jobs, self._observers)
        self._browsers.clear()

    def process(
        self,
        volumeNode,
        variant: str = "deid",
        threshold: int = 0,
        engine: str = "auto",
        device: str = "auto",
        keep: str = "none",
    ) -> Study:
        """Analyse a volume or sequence and wait for it: for the console. The options are those of :class:`~..core.options.Options`.

        Raises PyLogikSlicerError with the reason when it fails.
        """
        options = Options(variant=variant, threshold=threshold, engine=engine, device=device, keep=keep)
        self._wait(lambda onEvent: self.start(volumeNode, options, onEvent))
        study = self.studyOf(volumeNode)
        assert study is not None  # it was added when the work was done
        return study

    def export(self, study: Study, folder: str, format: str = "jpeg", rename: bool = True) -> str:
        """Export a study and wait for it: for the console. Returns the verdict.

        Raises PyLogikSlicerError with the reason when nothing is published.
        """
        options = replace(study.options, format=format, rename=rename)
        self._wait(lambda onEvent: self.startExport(study, folder, options, onEvent))
        return study.verdict

    def devices(self, onEvent: OnEvent) -> None:
        """Ask the worker for the GPU: the result of ``Done`` is a :class:`~..worker.messages.DevicesResult`."""
        self._jobs.start(devicesJob(onEvent))

    def startExport(self, study: Study, folder: str, options: Options, onEvent: OnEvent) -> None:
        """Write a study as reviewed into ``folder`` in the worker, verified; events as in :meth:`start`.

        From ``options`` the format, the names and whether images are written are taken; the others are those of the analysis. At
        ``Done`` ``study.verdict``, ``study.exported`` and ``study.folder`` are set, and the region of interest is remembered for its
        scanner. Where nothing is published the event is ``Failed``, and its reason is the verdict.

        Raises UsageError, and leaves the verdict of the last export, where ``folder`` is no full path (:func:`.exports.fullPath`) or
        there is nothing to export.
        """
        frames.requireInScene(study.node)
        target = fullPath(folder)
        started = Export.ofReview(study.review, target, options, {})

        def finish(request: Request, result: TaskResult) -> None:
            assert isinstance(result, ExportResult)
            study.export = replace(started, image=result.image, remark=result.remark)

        def fail(reason: str) -> None:
            study.refusal = reason

        chosen = replace(study.options, **_outputOptions(options))
        self._jobs.start(exportJob(study, chosen, target, self.templates, finish, fail, onEvent))
        study.export, study.refusal = None, ""

    def isFoundWith(self, study: Study, options: Options) -> bool:
        """Whether an analysis with these options would be the one that the study has; options of the export do not matter to it."""
        return replace(options, **_outputOptions(study.options)).report() == study.options.report()

    def isUpToDate(self, study: Study, options: Options) -> bool:
        """Whether an export with these options would write what the last one wrote."""
        return study.export is not None and study.export.isCurrent(study.review, options)

    def _wait(self, start: Callable[[OnEvent], None]) -> None:
        """Start a job and poll until its end. Raises PyLogikSlicerError with the reason when it fails."""
        events: list[Event] = []
        start(events.append)
        while self.busy:
            self.poll()
            time.sleep(POLL_SECONDS)
        if isinstance(events[-1], Failed):
            raise PyLogikSlicerError(events[-1].reason)

    def _addStudy(self, node, source: Source, options: Options, result: AnalysisResult, preferred: Source) -> None:
        """Make the study of an analysed node and show it, in place of a former one.

        ``source`` is the image that was analysed, and ``preferred`` the one that was to be analysed if it showed the node's frames.
        """
        from ..review import Review

        if (result.frames, result.rows, result.columns) != frames.shape(node)[:3]:
            raise UsageError("the volume was changed while it was worked on: start again")
        review = Review(result.analysis, result.rows, result.columns, result.frames)
        notes = (*result.notes, *((ARRAY_NOTE,) if preferred.files and not source.files else ()))
        study = Study(node, source, options, review, result.engine, notes)
        former = self.studies.get(node.GetID())
        if former is not None:
            self._forget(former, removeNodes=True)
        study.frame = frames.currentItem(node) * frames.shape(node)[3]
        self.studies[node.GetID()] = study
        self.refresh(study)

    # Studies ---------------------------------------------------------------------------------------------------------

    def studyOf(self, node) -> Study | None:
        """The study of a volume, sequence, sequence proxy, result, segmentation or table; None where the node belongs to none."""
        if node is None:
            return None
        node = frames.sequenceOf(node)
        owners = (study for study in self.studies.values() if node in (study.node, study.segmentation, study.table, study.result))
        return next(owners, None)

    def refresh(self, study: Study) -> None:
        """Show the review as it is now in the overlays, the table, and the result where it was made. Call it after every step."""
        self.updateOverlays(study)
        self.updateTable(study)
        if study.result is not None:
            results.drawResult(study)

    def updateOverlays(self, study: Study) -> None:
        """Draw the segments "redacted", "kept" and "ROI" of the segmentation, for a sequence those of the current frame."""
        if study.segmentation is not None and study.segmentation.GetDisplayNode() is None:
            # Slicer 5.12 crashes when a segmentation without a display node is changed: it is replaced by a new one.
            slicer.mrmlScene.RemoveNode(study.segmentation)
            study.segmentation = None
        if study.segmentation is None:
            overlays.makeOverlays(study)
        overlays.drawOverlays(study)
        self._observeBrowser(study)

    def setOverlays(self, study: Study, opacity: float, outline: bool) -> None:
        """Show the overlays with this opacity (0 hides them), filled or as outlines."""
        self._restoreOverlays(study)
        overlays.setAppearance(study, opacity, outline)

    def showOverlaysIn(self, study: Study, viewIDs: Sequence[str]) -> None:
        """Draw the overlays in these slice views only; in all of them where ``viewIDs`` is empty."""
        self._restoreOverlays(study)
        overlays.restrictToViews(study, viewIDs)

    def _restoreOverlays(self, study: Study) -> None:
        """Draw the overlays again where a person removed them, or their display node."""
        if study.segmentation is None or study.segmentation.GetDisplayNode() is None:
            self.updateOverlays(study)

    def hideOtherOverlays(self, study: Study | None) -> None:
        """Hide the overlays of all studies but one: the slice views show one image, and all images may be at the same position."""
        for other in self.studies.values():
            if other is not study and other.segmentation is not None:
                self.setOverlays(other, 0.0, outline=False)

    def updateTable(self, study: Study) -> None:
        """Fill the table node, one row per region; the column "text" is there only with ``study.keepText``."""
        if study.table is None:
            tables.makeTable(study)
        tables.fillTable(study)

    def storeText(self, study: Study, store: bool) -> None:
        """Store the text that was read with the scene, or remove it from there; by default it is not stored."""
        study.keepText = store
        self.updateTable(study)

    def original(self, study: Study):
        """The volume that shows the image in the slice views; for a sequence its proxy, made again where a person removed it."""
        return frames.ensureProxy(study.node) if frames.isSequence(study.node) else study.node

    def makeResult(self, study: Study):
        """The masked volume, or the proxy of the masked sequence: the image as it would be exported, but not cropped."""
        return results.makeResult(study)

    def onSceneClose(self) -> None:
        """Cancel the work and forget all studies; the scene removes their nodes."""
        self.cancel()
        for study in list(self.studies.values()):
            self._forget(study, removeNodes=False)

    def _forget(self, study: Study, removeNodes: bool) -> None:
        del self.studies[next(key for key, value in self.studies.items() if value is study)]
        self._unobserveBrowser(study)
        for node in (study.segmentation, study.table, study.result) if removeNodes else ():
            if node is not None and node.GetScene() is slicer.mrmlScene:
                results.removeWithProxy(node)

    def _onNodeRemoved(self) -> None:
        """A node was removed: without its image a study is forgotten; its other nodes are made again when they are needed."""
        for study in list(self.studies.values()):
            if study.node.GetScene() is None:
                self._forget(study, removeNodes=True)
                continue
            for attribute in ("segmentation", "table", "result"):
                node = getattr(study, attribute)
                if node is not None and node.GetScene() is None:
                    setattr(study, attribute, None)
        self._jobs.failIfRemoved()

    def _observeBrowser(self, study: Study) -> None:
        """Draw the overlays of a sequence again whenever its browser shows another item; the browser may be another than before."""
        browser = frames.browserOf(study.node)
        former, _ = self._browsers.get(study.node.GetID(), (None, None))
        if browser is former:
            return
        self._unobserveBrowser(study)
        if browser is not None:
            tag = self._observers.add(browser, vtk.vtkCommand.ModifiedEvent, weakCallback(self._onBrowserModified, study))
            self._browsers[study.node.GetID()] = browser, tag

    def _unobserveBrowser(self, study: Study) -> None:
        browser, tag = self._browsers.pop(study.node.GetID(), (None, 0))
        if browser is not None:
            self._observers.remove(browser, tag)

    def _onBrowserModified(self, study: Study) -> None:
        item, slices = frames.currentItem(study.node), frames.shape(study.node)[3]
        if item != study.frame // slices:
            study.frame = item * slices + study.frame % slices
            self.updateOverlays(study)

    # Positions -------------------------------------------------------------------------------------------------------

    def currentFrame(self, study: Study, ras: Sequence[float] | None = None) -> int:
        """The frame that the sequence browser shows; of a volume the slice at ``ras``, or without it the one that was shown last."""
        return slice_positions.currentFrame(study, ras)

    def showFrame(self, study: Study, frame: int) -> None:
        """Let the browser of a sequence show this frame; a volume shows all of its frames."""
        browser = frames.browserOf(study.node)
        slices = frames.shape(study.node)[3]
        if browser:
            browser.SetSelectedItemNumber(frame // slices)
        study.frame = frame

    def pickThreshold(self, volumeNode, ras: Sequence[float]) -> int:
        """The 8-bit level (0 to 255) that the engine sees at a position of a volume, or of a sequence's current item.

        Raises UsageError when the position lies outside the image.
        """
        return slice_positions.pickThreshold(frames.requireInScene(volumeNode), ras)

    def regionAt(self, study: Study, ras: Sequence[float]) -> int | None:
        """The index of the smallest region at a position, on the frame there; None where there is none."""
        return slice_positions.regionAt(study, ras)

    def regionCenter(self, study: Study, index: int) -> tuple[list[float], int]:
        """The position of a region's center, and the frame to show: the current one where the region is on it, else its middle one."""
        return slice_positions.regionCenter(study, index)

    def showPosition(self, ras: Sequence[float]) -> None:
        """Let all slice views show the slice through a position; a view pans only if the position is out of its sight."""
        slice_positions.showPosition(ras)

    def addRegion(self, study: Study, corners: Sequence[Sequence[float]], everyFrame: bool) -> int:
        """Draw a region between two opposite corners, or around more, on the frame of the first corner or on all; returns its index.

        Raises UsageError when it lies outside the image.
        """
        return slice_positions.addRegion(study, corners, everyFrame)

    def regionCorners(self, study: Study, index: int) -> list[list[float]]:
        """The positions of a region's corners, on the frame that :meth:`regionCenter` returns."""
        return slice_positions.regionCorners(study, index)

    def moveRegion(self, study: Study, index: int, corners: Sequence[Sequence[float]]) -> None:
        """Move the corners of a region; its frames stay. Raises UsageError when it would lie outside the image."""
        slice_positions.moveRegion(study, index, corners)

    def roiControlPoints(self, study: Study) -> list[list[list[float]]]:
        """For each polygon of the region of interest the positions of its control points; none where the whole frame is kept."""
        return slice_positions.roiControlPoints(study)

    def moveRoi(self, study: Study, polygons: Sequence[Sequence[Sequence[float]]]) -> None:
        """Move the control points of the region of interest to these positions; its outline follows.

        Raises UsageError when they are not as many as there are, and NoRegionFound when they enclose nothing of the image.
        """
        slice_positions.moveRoi(study, polygons)


def _close(jobs: Jobs, observers: Observers) -> None:
    """End the worker and observe nothing any more. Without a reference to the logic, so that a finalizer can call it."""
    jobs.close()
    observers.removeAll()


def _outputOptions(options: Options) -> dict[str, Any]:
    """The options of the output by name."""
    return {field.name: getattr(options, field.name) for field in fields(OutputOptions)}
