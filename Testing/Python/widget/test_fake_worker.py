"""The panel with the real logic and a fake worker that answers at once: what is asked of it, and what is made of its answers."""

from __future__ import annotations

import pytest
from panel_steps import wait
from scene_samples import addVolume, screen

TEXT_BOX = (20, 30, 120, 50)


class FakeWorker:
    """Stands in for the worker process: ``answer(request)`` returns the events of a request, which the next poll gives."""

    def __init__(self):
        self.requests, self.answer, self._messages = [], answers, []

    def send(self, request):
        from PyLogikSlicerLib.worker.messages import Message

        self.requests.append(request)
        self._messages += [Message(len(self.requests), event) for event in self.answer(request)]
        return len(self.requests)

    def poll(self):
        messages, self._messages = self._messages, []
        return messages

    def cancel(self):
        self._messages = []

    close = cancel


def answers(request):
    """One region of text, an export of one frame, and no GPU."""
    from PyLogikSlicerLib.core.progress import Progress
    from PyLogikSlicerLib.worker.messages import AnalyseRequest, AnalysisResult, DevicesResult, Done, ExportRequest, ExportResult

    if isinstance(request, AnalyseRequest):
        return [Progress("examine", 1, 1), Done(AnalysisResult(analysis(), 120, 160, 1, "a fake reader", ("A note.",)))]
    if isinstance(request, ExportRequest):
        verification = {"unreadable_residues": 0}
        return [Done(ExportResult({"frames": 1, "frames_examined": 1, "redacted": 1, "files": {"a": ""}, "verification": verification}))]
    return [Done(DevicesResult("", "there is none"))]


def analysis():
    from PyLogikSlicerLib.core.analysis import Analysis
    from PyLogikSlicerLib.core.geometry import Box
    from PyLogikSlicerLib.core.text_map import Coverage, CoverageKind, Region, TextMap

    region = Region(Box(*TEXT_BOX).polygon, 0, 0, ("JANE DOE",), 0.9, "a fake reader", "text")
    return Analysis(TextMap((region,), (Coverage(CoverageKind.WHOLE, 1.0),)), None, (0, 255))


@pytest.fixture
def worker():
    return FakeWorker()


@pytest.fixture
def make_logic(worker):
    from PyLogikSlicerLib.scene.jobs import Jobs

    return lambda module: module.PyLogikSlicerLogic(Jobs(worker))


def analyse(panel):
    panel.parameters.inputNode = addVolume(screen()[None])
    panel.ui.applyButton.click()
    wait(lambda: not panel.busy, 5)


def test_what_the_worker_finds_is_listed_and_the_device_is_named(panel, worker):
    panel.ui.keepMeasurementsCheckBox.checked = True
    analyse(panel)
    assert [type(request).__name__ for request in worker.requests] == ["DevicesRequest", "AnalyseRequest"]
    assert worker.requests[1].options.keep == "measurements" and worker.requests[1].source.array
    assert panel.ui.regionTable.rowCount == 1 and panel.ui.regionTable.item(0, 0).text() == "JANE DOE"
    assert panel.ui.deviceLabel.text == "No GPU: there is none" and "A note." in panel.ui.summaryLabel.text


def test_what_is_exported_is_what_was_decided_and_the_verdict_ages(panel, worker, tmp_path):
    analyse(panel)
    panel.review.table.select([0])
    panel.ui.keepButton.click()
    panel.ui.exportFolderPathLineEdit.currentPath = str(tmp_path)
    panel.ui.exportButton.click()
    wait(lambda: not panel.busy, 5)
    (exported,) = worker.requests[-1].analysis.text_map.regions
    assert (exported.decision, exported.reason, worker.requests[-1].output) == ("keep", "text; kept by a person", str(tmp_path))
    assert "1 kept by you" in panel.ui.verdictLabel.text and "changed" not in panel.ui.verdictLabel.text
    panel.ui.undoButton.click()
    assert panel.ui.verdictLabel.text.endswith("(changed since the export)")


def test_the_reason_of_a_failure_is_shown_and_the_panel_is_idle(panel, worker):
    from PyLogikSlicerLib.worker.messages import AnalyseRequest, Failed

    worker.answer = lambda request: [Failed("no region found")] if isinstance(request, AnalyseRequest) else answers(request)
    analyse(panel)
    assert panel.ui.statusLabel.text == "no region found" and panel.study is None and panel.ui.applyButton.enabled


def test_files_that_show_other_frames_are_left_aside_for_the_voxels(panel, worker, tmp_path):
    from PyLogikSlicerLib.scene.sources import rememberSource
    from PyLogikSlicerLib.worker.messages import AnalyseRequest, Failed, Source

    def refuse_files(request):
        refused = isinstance(request, AnalyseRequest) and request.source.files
        return [Failed("other frames", unreadable=True)] if refused else answers(request)

    worker.answer = refuse_files
    file = tmp_path / "other.png"
    file.write_bytes(b"")
    node = addVolume(screen()[None])
    rememberSource(node, Source((str(file),)))
    panel.parameters.inputNode = node
    panel.ui.applyButton.click()
    wait(lambda: not panel.busy, 5)
    assert [bool(request.source.files) for request in worker.requests[1:]] == [True, False]
    assert panel.study.source.files == () and "do not show the frames" in panel.ui.summaryLabel.text


def test_cancel_forgets_the_answer(panel, worker):
    worker.answer = lambda request: []
    panel.parameters.inputNode = addVolume(screen()[None])
    panel.ui.applyButton.click()
    assert panel.busy and panel.ui.cancelButton.enabled
    panel.ui.cancelButton.click()
    assert not panel.busy and panel.study is None and "Canceled" in panel.ui.statusLabel.text
