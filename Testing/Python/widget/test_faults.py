"""Faults that nobody thought of: the panel is idle again, says what may be said, and shows and logs nothing of the image."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
import slicer
from mask_samples import addSegmentation, affineOf, box
from panel_steps import shoot, wait

SECRET = "QUILLFEATHER"


@pytest.fixture
def log(caplog):
    """What is logged; the faults in it are those that a test makes."""
    caplog.set_level(logging.DEBUG)
    yield caplog
    assert SECRET not in caplog.text
    caplog.clear()


def fault(*_):
    raise ValueError(f"{SECRET} is no number")


def assert_told(panel, log, text):
    """The type and the place stand on the panel and in the log, and no traceback with them."""
    assert "unexpected ValueError in test_faults.py:" in text and SECRET not in text
    (record,) = [record for record in log.records if record.levelno >= logging.ERROR]
    assert "unexpected ValueError in test_faults.py:" in record.getMessage() and record.exc_info is None
    assert not panel.busy and panel.ui.openFilesButton.enabled and not panel.ui.cancelButton.enabled


def test_a_fault_at_the_start_of_the_work_is_told_by_type_and_place(panel, log):
    ended = []
    panel.run.run(fault, ended.append)
    assert [type(event).__name__ for event in ended] == ["Failed"]
    assert_told(panel, log, ended[0].reason)


def test_a_fault_in_taking_the_result_is_told_and_ends_the_work(panel, log):
    from PyLogikSlicerLib.scene.jobs import Job
    from PyLogikSlicerLib.worker.messages import DevicesRequest

    ended = []

    def start(onEvent):
        panel.logic.studyLogic._jobs.start(Job(DevicesRequest(), None, fault, lambda reason: None, onEvent))

    panel.run.run(start, ended.append)
    wait(lambda: not panel.busy)
    assert [type(event).__name__ for event in ended] == ["Failed"] and not panel.logic.studyLogic.busy
    assert_told(panel, log, ended[0].reason)


def test_a_fault_after_the_end_of_the_work_is_the_one_that_is_told(panel, log):
    panel.run.run(panel.logic.studyLogic.devices, fault)
    wait(lambda: not panel.busy)
    assert_told(panel, log, panel.ui.statusLabel.text)
    shoot(panel, "9-fault")


def test_our_own_errors_are_shown_as_they_are_and_not_logged(panel, log):
    from PyLogikSlicerLib.core.errors import UsageError

    def refuse(onEvent):
        raise UsageError("choose another")

    ended = []
    panel.run.run(refuse, ended.append)
    assert ended[0].reason == "choose another"
    assert not [record for record in log.records if record.levelno >= logging.ERROR]


def test_a_fault_of_the_system_is_told_without_the_path(panel, log):
    def start(onEvent):
        Path(f"/nowhere/{SECRET}").read_bytes()

    ended = []
    panel.run.run(start, ended.append)
    assert "No such file or directory" in ended[0].reason and SECRET not in ended[0].reason


def test_a_fault_in_loading_is_told_by_type_and_place(panel, log):
    panel.input._loadWith(fault)
    assert_told(panel, log, panel.ui.statusLabel.text)


def test_a_fault_in_a_step_of_the_review_is_told_by_type_and_place(panel, log):
    panel.input.load([example()])
    panel.ui.applyButton.click()
    wait(lambda: not panel.busy)
    panel.review._step(fault)
    assert_told(panel, log, panel.ui.statusLabel.text)


def example() -> str:
    from pydicom import examples

    return str(examples.get_path("rgb_color"))


def test_a_fault_in_comparing_is_told_and_ends_it(panel, log):
    mask = box((2, 8, 8), (0, 2), (1, 5), (1, 5))
    nodes = [addSegmentation({"a": mask}, affineOf("upright"), name) for name in ("mine", "expert")]
    for selector, node in zip((panel.ui.predictionSelector, panel.ui.truthSelector), nodes, strict=True):
        selector.setCurrentNode(node)
    panel.compare._steps = (fault() for _ in range(2))
    panel.compare._timer.start()
    wait(lambda: not panel.compare.running, 10)
    assert_told(panel, log, panel.ui.compareLabel.text)
    assert panel.ui.compareButton.text == "Compare" and panel.ui.compareButton.enabled


def test_a_fault_in_writing_scores_is_told_without_the_path(panel, log, tmp_path):
    mask = box((2, 8, 8), (0, 2), (1, 5), (1, 5))
    nodes = [addSegmentation({"a": mask}, affineOf("upright"), name) for name in ("mine", "expert")]
    for selector, node in zip((panel.ui.predictionSelector, panel.ui.truthSelector), nodes, strict=True):
        selector.setCurrentNode(node)
    panel.ui.compareButton.click()
    wait(lambda: not panel.compare.running, 60)
    panel.compare.export(str(tmp_path / f"{SECRET}\0"))  # no file system has such a name
    assert "unexpected ValueError in" in panel.ui.compareLabel.text and SECRET not in panel.ui.compareLabel.text


def test_packages_that_cannot_be_installed_are_told_by_the_kind_of_fault(panel, log, tmp_path, monkeypatch):
    from PyLogikSlicerLib.widgets import dependencies

    path = tmp_path / "requirements.txt"
    path.write_text("# 3 MB: is nowhere\nno-such-package-anywhere>=1\n", encoding="utf-8")
    monkeypatch.setattr(panel, "resourcePath", lambda name: str(path))
    monkeypatch.setattr(dependencies, "consent", lambda missing, why="": True)
    monkeypatch.setattr(slicer.util, "pip_install", fault, raising=False)
    assert not panel.ensureEngine()
    assert "could not be installed (ValueError)" in panel.ui.statusLabel.text and SECRET not in panel.ui.statusLabel.text


def test_a_fault_in_asking_for_packages_is_told_by_type_and_place(panel, log, monkeypatch):
    from PyLogikSlicerLib.widgets import dependencies

    monkeypatch.setattr(dependencies, "requirements", fault)
    assert not panel.ensureEngine()
    assert_told(panel, log, panel.ui.statusLabel.text)
