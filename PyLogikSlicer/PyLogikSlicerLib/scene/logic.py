"""StudyLogic: the module's logic. Runs the worker on a node of the scene, keeps the studies, and shows them in the scene.

Positions are RAS in millimeters, lists of three floats. Frames count from 0: slices k of a volume, items of a sequence (or
the slices of all items, where these are volumes). A region's polygon and the region of interest are in pixels of the
source frame (column i to the right, row j down).
"""

from __future__ import annotations

import time
import weakref
from collections.abc import Sequence
from dataclasses import replace

import slicer
import vtk

from ..core.errors import PyLogikSlicerError, UsageError
from ..core.options import Options
from . import frames, jobs, overlays, places, results, tables
from .comparing.logic import ComparisonLogic
from .exports import Export, fullPath
from .sources import sourceOf
from .study import Study

POLL_SECONDS = 0.02


class StudyLogic(ComparisonLogic):
    """A part of PyLogikSlicerLogic; usable from the console, and without Qt.

    ``templates``: the file where accepted regions of interest are kept per scanner, or None (the widget sets it below the
    folder of ``slicer.app.slicerUserSettingsFilePath``). ``database``: what finds the files of DICOM instances; Slicer's own
    ``slicer.dicomDatabase`` where there is one. ``python``: what runs the worker; PythonSlicer in Slicer.

    The scene is watched: closing it cancels and forgets all studies, removing a node forgets its study, and the overlays
    of a sequence follow its browser.
    """

    def __init__(self, templates: str | None = None, database=None, python: str | None = None) -> None:
        self.studies: dict[str, Study] = {}
        self.templates, self.database = templates, database
        self._jobs = jobs.Jobs(python)
        self._browsers: dict[str, tuple] = {}
        scene, own = slicer.mrmlScene, weakref.ref(self)
        self._watched = [
            (scene, scene.AddObserver(slicer.vtkMRMLScene.StartCloseEvent, lambda *_: own().onSceneClose())),
            (scene, scene.AddObserver(slicer.vtkMRMLScene.NodeRemovedEvent, lambda *_: own()._forgetRemoved())),
        ]
        weakref.finalize(self, _release, self._jobs, self._watched, self._browsers)

    # Running ---------------------------------------------------------------------------------------------------------

    @property
    def busy(self) -> bool:
        """Whether the worker works on something; one thing at a time."""
        return self._jobs.busy

    def start(self, volumeNode, options: Options, onEvent: jobs.OnEvent) -> None:
        """Analyse a volume or sequence in the worker; returns at once.

        ``onEvent`` is called from :meth:`poll` with the worker's events, ``{"event": "progress", "stage", "done", "total"}``,
        and last one of ``{"event": "done"}`` (then :meth:`studyOf` the node is there with overlays and table; a former study of
        the node is replaced) and ``{"event": "failed", "reason"}``, at once where the node is removed from the scene. Raises
        UsageError when busy, or when there is no image.
        """
        node = frames.inScene(volumeNode)
        frames.volumes(node)

        def finish(source, result) -> None:
            self._enter(node, source, options, result, wanted)

        wanted = sourceOf(node, self.database)
        self._jobs.start(jobs.analysis(node, (volumeNode, node), wanted, options, self.templates, finish, onEvent))

    def poll(self) -> None:
        """Hand on the worker's events; never blocks. Call it every 100 ms while :attr:`busy`."""
        self._jobs.poll()

    def cancel(self) -> None:
        """End the work within a second; no further event comes, and the scene is as it was before the start."""
        self._jobs.cancel()

    def close(self) -> None:
        """Cancel, end the worker and watch the scene no more: when the module is closed."""
        _release(self._jobs, self._watched, self._browsers)

    def process(self, volumeNode, variant="deid", threshold=0, engine="auto", device="auto", keep="none") -> Study:
        """Analyse and wait for it: for the console. Raises PyLogikSlicerError with the reason when it fails."""
        options = Options(variant=variant, threshold=threshold, engine=engine, device=device, keep=keep)
        self._wait(lambda onEvent: self.start(volumeNode, options, onEvent))
        return self.studyOf(volumeNode)

    def export(self, study: Study, folder: str, format="jpeg", rename=True) -> str:
        """Export and wait for it: for the console. The verdict; raises PyLogikSlicerError with the reason when it is refused."""
        options = replace(study.options, format=format, rename=rename)
        self._wait(lambda onEvent: self.startExport(study, folder, options, onEvent))
        return study.verdict

    def devices(self, onEvent: jobs.OnEvent) -> None:
        """Ask the worker for the GPU: event "done" with ``result`` ``{"gpu": name or "", "reason": why there is none}``."""
        self._jobs.start(jobs.devices(onEvent))

    def startExport(self, study: Study, folder: str, options: Options, onEvent: jobs.OnEvent) -> None:
        """Write the study as reviewed into ``folder`` in the worker, verified; events as in :meth:`start`.

        Of ``options`` the format, the names and the variant "find-txt" (no images) count; the others are those of the
        analysis. At "done" ``study.verdict``, ``study.exported`` and ``study.folder`` are set, and the region of interest is
        remembered for its scanner. A refused export is "failed" with the reason, which is the verdict then. Raises UsageError,
        and leaves what is known of the last export, where ``folder`` is no full path (:func:`.exports.fullPath`) or there is
        nothing to export.
        """
        frames.inScene(study.node)
        target = fullPath(folder)
        begun = Export.of(study.review, target, options, {})

        def finish(source, result) -> None:
            study.export = replace(begun, image=result["image"], remark=result["remark"])

        def fail(reason: str) -> None:
            study.refusal = reason

        variant = options.variant if options.variant == "find-txt" else study.options.variant
        chosen = replace(study.options, variant=variant, format=options.format, rename=options.rename, overwrite=options.overwrite)
        self._jobs.start(jobs.export(study, chosen, target, self.templates, finish, fail, onEvent))
        study.export, study.refusal = None, ""

    def isFoundWith(self, study: Study, options: Options) -> bool:
        """Whether these options are those of the analysis, as far as they matter to it: an export takes those of the analysis."""
        variant = study.options.variant if options.variant == "find-txt" else options.variant
        of_export = {"format": options.format, "rename": options.rename}
        return replace(options, variant=variant).report() == study.options.report() | of_export

    def isUpToDate(self, study: Study, options: Options) -> bool:
        """Whether an export with these options would write now what the last one wrote."""
        return study.export is not None and study.export.holds(study.review, options)

    def _wait(self, start) -> None:
        """Start a job and poll to its end."""
        events: list[jobs.Event] = []
        start(events.append)
        while self.busy:
            self.poll()
            time.sleep(POLL_SECONDS)
        if events[-1]["event"] == "failed":
            raise PyLogikSlicerError(events[-1]["reason"])

    def _enter(self, node, source, options: Options, result: jobs.Event, wanted) -> None:
        """The analysis of a node is there: show it."""
        from ..review import Review
        from ..worker.messages import analysis_from_json

        if (result["frames"], result["rows"], result["columns"]) != frames.shape(node)[:3]:
            raise UsageError("the volume was changed while it was worked on: start again")
        review = Review(analysis_from_json(result["analysis"]), result["rows"], result["columns"], result["frames"])
        notes = (*result["notes"], *((jobs.ARRAY_NOTE,) if wanted.files and not source.files else ()))
        study = Study(node, source, options, review, result["engine"], notes)
        self._forget(self.studies.get(node.GetID()), removeNodes=True)
        study.frame = frames.currentItem(node) * frames.shape(node)[3]
        self.studies[node.GetID()] = study
        self.refresh(study)

    # Studies ---------------------------------------------------------------------------------------------------------

    def studyOf(self, node) -> Study | None:
        """The study of a volume, sequence, sequence proxy, result, segmentation or table; None where it belongs to none."""
        if node is None:
            return None
        node = frames.sequenceOf(node)
        belongs = (study for study in self.studies.values() if node in (study.node, study.segmentation, study.table, study.result))
        return next(belongs, None)

    def refresh(self, study: Study) -> None:
        """Show the review as it is now: overlays, table, and the result where it was made. Call it after every step."""
        self.updateOverlays(study)
        self.updateTable(study)
        if study.result is not None:
            results.drawResult(study)

    def updateOverlays(self, study: Study) -> None:
        """Draw the segments "redacted", "kept" and "ROI" of the segmentation, for a sequence those of the current frame."""
        if study.segmentation is not None and study.segmentation.GetDisplayNode() is None:
            # Without its display node Slicer 5.12 crashes when a segmentation is changed: it is made anew, as where all of it is gone.
            slicer.mrmlScene.RemoveNode(study.segmentation)
            study.segmentation = None
        if study.segmentation is None:
            overlays.makeOverlays(study)
        overlays.drawOverlays(study)
        self._follow(study)

    def setOverlays(self, study: Study, opacity: float, outline: bool) -> None:
        """Show overlays with this opacity (0 hides them), filled or as outlines."""
        self._restoreOverlays(study)
        overlays.setAppearance(study, opacity, outline)

    def showOverlaysIn(self, study: Study, viewIDs: Sequence[str]) -> None:
        """Draw the overlays in these slice views only; none means all."""
        self._restoreOverlays(study)
        overlays.showIn(study, viewIDs)

    def _restoreOverlays(self, study: Study) -> None:
        """Where a person removed the overlays, or their display node, draw them again."""
        if study.segmentation is None or study.segmentation.GetDisplayNode() is None:
            self.updateOverlays(study)

    def hideOverlaysBut(self, study: Study | None) -> None:
        """Hide the overlays of all other studies: the views show one, and all images may lie in one place."""
        for other in self.studies.values():
            if other is not study and other.segmentation is not None:
                self.setOverlays(other, 0.0, outline=False)

    def updateTable(self, study: Study) -> None:
        """Fill the table node, one row per region; the column "text" is there only with ``study.keepText``."""
        if study.table is None:
            tables.makeTable(study)
        tables.fillTable(study)

    def storeText(self, study: Study, store: bool) -> None:
        """Whether the text that was read is stored with the scene; by default it is not."""
        study.keepText = store
        self.updateTable(study)

    def original(self, study: Study):
        """The volume that shows the image in the slice views: of a sequence the proxy, made again where a person removed it."""
        return frames.played(study.node) if frames.isSequence(study.node) else study.node

    def makeResult(self, study: Study):
        """The masked volume, or the proxy of the masked sequence, as it would be exported but not cropped; same geometry."""
        return results.makeResult(study)

    def onSceneClose(self) -> None:
        """Cancel, and forget all studies: their nodes are going."""
        self.cancel()
        for study in list(self.studies.values()):
            self._forget(study, removeNodes=False)

    def _forget(self, study: Study | None, removeNodes: bool) -> None:
        if study is None:
            return
        del self.studies[next(key for key, value in self.studies.items() if value is study)]
        browser, tag = self._browsers.pop(study.node.GetID(), (None, None))
        if browser:
            browser.RemoveObserver(tag)
        for node in (study.segmentation, study.table, study.result) if removeNodes else ():
            if node is not None and node.GetScene() is slicer.mrmlScene:
                _removeWithProxy(node)

    def _forgetRemoved(self) -> None:
        """A person removed a node: without its volume a study is none; other nodes are made anew when they are asked for."""
        for study in list(self.studies.values()):
            if study.node.GetScene() is None:
                self._forget(study, removeNodes=True)
                continue
            for made in ("segmentation", "table", "result"):
                node = getattr(study, made)
                if node is not None and node.GetScene() is None:
                    setattr(study, made, None)
        self._jobs.failIfRemoved()

    def _follow(self, study: Study) -> None:
        """Draw the overlays of a sequence anew when its browser, which may be another than before, shows another item."""
        browser = frames.browserOf(study.node) if frames.isSequence(study.node) else None
        former, tag = self._browsers.get(study.node.GetID(), (None, None))
        if browser is former:
            return
        if former is not None:
            former.RemoveObserver(tag)
            del self._browsers[study.node.GetID()]
        if browser is None:
            return

        own = weakref.ref(self)

        def onModified(*_) -> None:
            item, slices = frames.currentItem(study.node), frames.shape(study.node)[3]
            if item != study.frame // slices:
                study.frame = item * slices + study.frame % slices
                own().updateOverlays(study)

        self._browsers[study.node.GetID()] = browser, browser.AddObserver(vtk.vtkCommand.ModifiedEvent, onModified)

    # Places ----------------------------------------------------------------------------------------------------------

    def currentFrame(self, study: Study, ras: Sequence[float] | None = None) -> int:
        """The frame that the sequence browser shows, or the slice of a volume at ``ras`` (else the last one asked for)."""
        return places.currentFrame(study, ras)

    def showFrame(self, study: Study, frame: int) -> None:
        """Let the browser of a sequence show this frame; a volume shows all."""
        browser = frames.browserOf(study.node) if frames.isSequence(study.node) else None
        slices = frames.shape(study.node)[3]
        if browser:
            browser.SetSelectedItemNumber(frame // slices)
        study.frame = frame

    def pickThreshold(self, volumeNode, ras: Sequence[float]) -> int:
        """The 8-bit grey level (0 to 255) that the engine sees at a point of a volume or of a sequence's current frame.

        Raises UsageError when the point lies outside the image.
        """
        return places.pickThreshold(frames.inScene(volumeNode), ras)

    def regionAt(self, study: Study, ras: Sequence[float]) -> int | None:
        """The index of the smallest region at a point of the current frame (of a volume: of the slice there)."""
        return places.regionAt(study, ras)

    def rasOf(self, study: Study, index: int) -> tuple[list[float], int]:
        """The center of a region and the frame to look at: the current one where the region is on it, else its middle one."""
        return places.rasOf(study, index)

    def showPlace(self, ras: Sequence[float]) -> None:
        """Let all slice views show the slices through a place; they move over the image only if it is out of sight."""
        places.showPlace(ras)

    def addRegion(self, study: Study, rasCorners: Sequence[Sequence[float]], everyFrame: bool) -> int:
        """Draw a region between two opposite corners (or around four), on the frame they lie on or on every frame; its index.

        Raises UsageError when it lies outside the image.
        """
        return places.addRegion(study, rasCorners, everyFrame)

    def regionHandles(self, study: Study, index: int) -> list[list[float]]:
        """The corners of a region, to drag."""
        return places.regionHandles(study, index)

    def moveRegion(self, study: Study, index: int, points: Sequence[Sequence[float]]) -> None:
        """Give a region these corners. Raises UsageError when they lie outside the image."""
        places.moveRegion(study, index, points)

    def roiHandles(self, study: Study) -> list[list[list[float]]]:
        """For each polygon of the region of interest a few points on it, to drag; none where the whole frame is kept."""
        return places.roiHandles(study)

    def moveRoi(self, study: Study, points: Sequence[Sequence[Sequence[float]]]) -> None:
        """Give the region of interest the outline that these handles stand for (as many as :meth:`roiHandles` gave).

        Raises UsageError when they are not as many, and NoRegionFound when they enclose nothing of the image.
        """
        places.moveRoi(study, points)


def _release(running: jobs.Jobs, watched: list, browsers: dict) -> None:
    """End the worker and watch nothing any more: what is left of a logic when it is closed, or when nobody holds it."""
    running.close()
    for node, tag in (*watched, *browsers.values()):
        node.RemoveObserver(tag)
    watched.clear()
    browsers.clear()


def _removeWithProxy(node) -> None:
    """A result's proxy goes with its sequence."""
    browser = frames.browserOf(node) if frames.isSequence(node) else None
    proxy = browser.GetProxyNode(node) if browser else None
    for gone in (proxy, node):
        if gone is not None:
            slicer.mrmlScene.RemoveNode(gone)
