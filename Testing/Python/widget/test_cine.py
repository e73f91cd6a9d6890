"""A cine through the panel: a sequence of frames, on a real ultrasound loop."""

from __future__ import annotations

import re

import pytest
import slicer
from panel_steps import press, shoot, wait


def test_a_cine_is_shown_reviewed_and_exported_frame_by_frame(panel_of_a_cine, tmp_path):
    panel = panel_of_a_cine
    frames = panel.study.review.frame_count
    assert frames > 1 and panel.ui.everyFrameCheckBox.enabled
    shoot(panel, "30-cine")
    last = frames - 1
    panel.logic.studyLogic.showFrame(panel.study, last)
    slicer.util.resetSliceViews()
    for everyFrame, expected in ((False, (last, last)), (True, (0, last))):
        panel.ui.everyFrameCheckBox.checked = everyFrame
        panel.ui.addButton.click()
        press("Red", (250, 150), (300, 200))
        assert (panel.study.review.regions[-1].frame_first, panel.study.review.regions[-1].frame_last) == expected
        shoot(panel, f"31-cine-added-{everyFrame}")
    row = len(panel.study.review.regions) - 2
    assert panel.ui.regionTable.item(row, 1).text() == str(frames) and panel.ui.regionTable.item(row + 1, 1).text() == "all"
    panel.logic.studyLogic.showFrame(panel.study, 0)
    panel.review.table.select([row])
    assert panel.logic.studyLogic.currentFrame(panel.study) == last, "the row's frame is shown"
    panel.ui.sideBySideButton.click()
    shoot(panel, "32-cine-side-by-side", ("Red", "Yellow"))
    panel.ui.originalButton.click()
    panel.ui.exportFolderPathLineEdit.currentPath = str(tmp_path / "out")
    panel.ui.exportButton.click()
    wait(lambda: not panel.busy)
    assert f"{frames}/{frames} frames examined" in panel.ui.verdictLabel.text
    assert len(list((tmp_path / "out" / "images").rglob("*.jpg"))) == frames


@pytest.fixture
def panel_of_a_cine(panel):
    """An ultrasound cine, the sample study, its text found."""
    from PyLogikSlicer import loadSample

    panel.ui.inputSelector.setCurrentNode(loadSample()[0])
    assert panel.parameters.inputNode.IsA("vtkMRMLSequenceNode")
    assert slicer.modules.sequences.played.IsSynchronizedSequenceNode(panel.parameters.inputNode, True), "it has its tool bar"
    panel.ui.variantComboBox.setCurrentIndex(0)
    panel.ui.applyButton.click()
    # On a fast machine it is done before a second has passed, from which on the time left is told.
    wait(lambda: re.fullmatch(r"Looking for text: frame \d+ of 30(, .+ left)?", panel.ui.statusLabel.text))
    assert panel.ui.progressBar.visible and panel.ui.progressBar.maximum == 30
    shoot(panel, "29-cine-running")
    wait(lambda: not panel.busy)
    assert panel.study is not None, panel.ui.statusLabel.text
    assert panel.study.source.files and not panel.study.notes, "its file is worked on"
    assert any(region.reason == "matches PatientName" for region in panel.study.review.regions)
    return panel


@pytest.mark.slow
def test_the_self_test_that_runs_in_slicer_passes_here_too(panel):
    from PyLogikSlicer import PyLogikSlicerTest

    PyLogikSlicerTest().runTest()
