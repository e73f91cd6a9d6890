"""StudyLogic: the module's logic. Runs the worker on a node of the scene, keeps the studies, and shows them in the scene.

Positions are RAS in millimeters, lists of three floats. Frames count from 0: slices k of a volume, items of a sequence.
A region's polygon and the region of interest are in pixels of the source frame (column i to the right, row j down).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..options import Options
from .study import Study

Event = dict
OnEvent = Callable[[Event], None]


class StudyLogic:
    """A part of PyLogikSlicerLogic; usable from the console, and without Qt.

    ``templates``: the file where accepted regions of interest are kept per scanner, or None (the widget sets it below the
    folder of ``slicer.app.slicerUserSettingsFilePath``). ``database``: what finds the files of DICOM instances; Slicer's own
    ``slicer.dicomDatabase`` where there is one.
    """

    def __init__(self, templates: str | None = None, database=None, python: str | None = None) -> None:
        self.studies: dict[str, Study] = {}
        raise NotImplementedError

    # Running ---------------------------------------------------------------------------------------------------------

    @property
    def busy(self) -> bool:
        """Whether the worker works on something; one thing at a time."""
        raise NotImplementedError

    def start(self, volumeNode, options: Options, onEvent: OnEvent) -> None:
        """Analyse a volume or sequence in the worker; returns at once.

        ``onEvent`` is called from :meth:`poll` with the worker's events, ``{"event": "progress", "stage", "done", "total"}``,
        and last one of ``{"event": "done"}`` (then ``studies[volumeNode.GetID()]`` is there with overlays and table; a former
        study of the node is replaced) and ``{"event": "failed", "reason"}``. Raises UsageError when busy.
        """
        raise NotImplementedError

    def poll(self) -> None:
        """Hand on the worker's events; never blocks. Call it every 100 ms while :attr:`busy`."""
        raise NotImplementedError

    def cancel(self) -> None:
        """End the work within a second; no further event comes, and the scene is as it was before the start."""
        raise NotImplementedError

    def close(self) -> None:
        """Cancel and end the worker: when the module is closed."""
        raise NotImplementedError

    def process(self, volumeNode, variant="deid", threshold=0, engine="auto", device="auto", keep="none") -> Study:
        """Analyse and wait for it: for the console. Raises PyLogikSlicerError with the reason when it fails."""
        raise NotImplementedError

    def devices(self, onEvent: OnEvent) -> None:
        """Ask the worker for the GPU: event "done" with ``result`` ``{"gpu": name or "", "reason": why there is none}``."""
        raise NotImplementedError

    def startExport(self, study: Study, folder: str, options: Options, onEvent: OnEvent) -> None:
        """Write the study as reviewed into ``folder`` in the worker, verified; events as in :meth:`start`.

        At "done" ``study.verdict``, ``study.exported`` and ``study.folder`` are set, and the region of interest is remembered
        for its scanner. A refused export is "failed" with the reason, and ``study.verdict`` is that reason.
        """
        raise NotImplementedError

    # Studies ---------------------------------------------------------------------------------------------------------

    def studyOf(self, node) -> Study | None:
        """The study of a volume, sequence, sequence proxy, result, segmentation or table; None where it belongs to none."""
        raise NotImplementedError

    def refresh(self, study: Study) -> None:
        """Show the review as it is now: overlays, table, and the result where it was made. Call it after every step."""
        raise NotImplementedError

    def updateOverlays(self, study: Study) -> None:
        """Draw the segments "redacted", "kept" and "ROI" of the segmentation, for a sequence those of the current frame."""
        raise NotImplementedError

    def setOverlays(self, study: Study, opacity: float, outline: bool) -> None:
        """Show overlays with this opacity (0 hides them), filled or as outlines."""
        raise NotImplementedError

    def updateTable(self, study: Study) -> None:
        """Fill the table node, one row per region; the column "text" is there only with ``study.keepText``."""
        raise NotImplementedError

    def storeText(self, study: Study, store: bool) -> None:
        """Whether the text that was read is stored with the scene; by default it is not."""
        raise NotImplementedError

    def makeResult(self, study: Study):
        """The masked volume, or the proxy of the masked sequence, as it would be exported but not cropped; same geometry."""
        raise NotImplementedError

    def onSceneClose(self) -> None:
        """Cancel, and forget all studies: their nodes are going."""
        raise NotImplementedError

    # Places ----------------------------------------------------------------------------------------------------------

    def currentFrame(self, study: Study, ras: Sequence[float] | None = None) -> int:
        """The frame that the sequence browser shows, or the slice of a volume at ``ras`` (else the last one asked for)."""
        raise NotImplementedError

    def showFrame(self, study: Study, frame: int) -> None:
        """Let the browser of a sequence show this frame; a volume shows all."""
        raise NotImplementedError

    def pickThreshold(self, volumeNode, ras: Sequence[float]) -> int:
        """The 8-bit grey level (0 to 255) that the engine sees at a point of a volume or of a sequence's current frame.

        Raises UsageError when the point lies outside the image.
        """
        raise NotImplementedError

    def regionAt(self, study: Study, ras: Sequence[float]) -> int | None:
        """The index of the smallest region at a point of the current frame (of a volume: of the slice there)."""
        raise NotImplementedError

    def rasOf(self, study: Study, index: int) -> tuple[list[float], int]:
        """The center of a region and the frame to look at: the current one where the region is on it, else its first."""
        raise NotImplementedError

    def addRegion(self, study: Study, rasCorners: Sequence[Sequence[float]], everyFrame: bool) -> int:
        """Draw a region between two opposite corners (or around four), on the frame they lie on or on every frame; its index.

        Raises UsageError when it lies outside the image.
        """
        raise NotImplementedError

    def regionHandles(self, study: Study, index: int) -> list[list[float]]:
        """The corners of a region, to drag."""
        raise NotImplementedError

    def moveRegion(self, study: Study, index: int, points: Sequence[Sequence[float]]) -> None:
        """Give a region these corners. Raises UsageError when they lie outside the image."""
        raise NotImplementedError

    def roiHandles(self, study: Study) -> list[list[list[float]]]:
        """For each polygon of the region of interest a few points on it, to drag; none where the whole frame is kept."""
        raise NotImplementedError

    def moveRoi(self, study: Study, points: Sequence[Sequence[Sequence[float]]]) -> None:
        """Give the region of interest the outline that these handles stand for (as many as :meth:`roiHandles` gave)."""
        raise NotImplementedError
