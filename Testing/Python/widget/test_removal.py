"""Nodes that a person removes, and scenes that are closed, whatever the panel is doing: it is idle again, says why, and goes on."""

from __future__ import annotations

import numpy as np
import pytest
import slicer
from mask_samples import addSegmentation, ball
from panel_steps import press, shoot, wait
from pydicom import examples
from scene_samples import addVolume, matrix


@pytest.fixture
def panel(shared_panel, monkeypatch):
    """One panel, whose worker stays, on an empty scene; nobody is asked anything."""
    slicer.mrmlScene.Clear(0)
    monkeypatch.setattr(shared_panel.review, "confirmKeepHeaderText", lambda keywords: True)
    shared_panel.showStatus("")
    return shared_panel


STILL, CINE = (str(examples.get_path(name)) for name in ("rgb_color", "ybr_color"))


def remove(node):
    slicer.mrmlScene.RemoveNode(node)
    slicer.app.processEvents()


def close(node):
    slicer.mrmlScene.Clear(0)
    slicer.app.processEvents()


WAYS = {"removed": remove, "closed": close}


def load(panel, path):
    panel.input.load([path])
    return panel.parameters.inputNode


def analysed(panel, path=STILL, variant=1):
    node = load(panel, path)
    panel.ui.variantComboBox.setCurrentIndex(variant)
    panel.ui.applyButton.click()
    wait(lambda: not panel.busy)
    assert panel.study is not None, panel.ui.statusLabel.text
    return node


def assert_idle(panel, told):
    """Nothing goes on or is left, the reason is told, and a new image can be worked on."""
    ui = panel.ui
    assert not panel.busy and not panel.logic.studyLogic.busy and not panel.logic.studies and panel.study is None
    assert told in ui.statusLabel.text and "IsA" not in ui.statusLabel.text, ui.statusLabel.text
    assert not ui.cancelButton.enabled and not ui.progressBar.visible and not ui.exportButton.enabled and not ui.applyButton.enabled
    assert ui.regionTable.rowCount == 0 and not ui.summaryLabel.visible
    kinds = ("vtkMRMLSegmentationNode", "vtkMRMLTableNode", "vtkMRMLMarkupsClosedCurveNode", "vtkMRMLMarkupsDisplayNode")
    assert not any(slicer.mrmlScene.GetNumberOfNodesByClass(kind) for kind in kinds)
    assert ui.openFilesButton.enabled and ui.inputSelector.enabled
    load(panel, STILL)
    assert ui.applyButton.enabled


@pytest.mark.parametrize("way", WAYS)
def test_while_text_is_looked_for(panel, way):
    node = load(panel, CINE)
    panel.ui.applyButton.click()
    wait(lambda: panel.ui.statusLabel.text.startswith("Looking for text"))
    WAYS[way](node)
    shoot(panel, f"50-{way}-running")
    assert_idle(panel, way)


@pytest.mark.parametrize("way", WAYS)
def test_while_the_device_is_looked_up(panel, way):
    node = load(panel, STILL)
    panel.task._deviceKnown = False
    panel.ui.applyButton.click()
    assert panel.busy and panel.ui.statusLabel.text == "Starting..."
    WAYS[way](node)
    wait(lambda: not panel.busy)
    assert_idle(panel, way)


@pytest.mark.parametrize("way", WAYS)
def test_while_a_question_is_open(panel, way, monkeypatch):
    node = analysed(panel)
    panel.study.review.mark_reviewed([0])
    monkeypatch.setattr(panel.apply, "confirmDiscardReview", lambda: WAYS[way](node) or True)
    panel.ui.applyButton.click()
    wait(lambda: not panel.busy)
    assert_idle(panel, "removed from the scene")


@pytest.mark.parametrize("way", WAYS)
def test_while_the_question_about_the_header_is_open(panel, way, monkeypatch):
    node = analysed(panel)
    monkeypatch.setattr(panel.review, "confirmKeepHeaderText", lambda keywords: WAYS[way](node) or True)
    panel.review.table.select([0])
    panel.ui.keepButton.click()
    assert_idle(panel, "removed" if way == "removed" else "")


@pytest.mark.parametrize("way", WAYS)
def test_while_it_is_reviewed_with_all_handles_and_the_result_shown(panel, way):
    node = analysed(panel)
    panel.review.table.select([1])
    panel.ui.roiButton.click()
    panel.ui.sideBySideButton.click()
    panel.ui.addButton.click()
    slicer.app.processEvents()
    WAYS[way](node)
    shoot(panel, f"51-{way}-reviewing")
    press("Red", (100, 100), (200, 200))
    assert slicer.app.layoutManager().layout != slicer.vtkMRMLLayoutNode.SlicerLayoutSideBySideView
    assert not panel.ui.addButton.checked and not panel.ui.roiButton.checked and panel.ui.originalButton.checked
    assert_idle(panel, "removed" if way == "removed" else "")


@pytest.mark.parametrize("way", WAYS)
def test_while_the_background_is_picked(panel, way):
    node = load(panel, STILL)
    panel.ui.pickButton.click()
    WAYS[way](node)
    press("Red", (100, 100))
    assert not panel.ui.pickButton.checked
    assert_idle(panel, "")


@pytest.mark.parametrize("way", WAYS)
def test_while_it_is_exported(panel, way, tmp_path):
    node = analysed(panel, CINE, 0)
    panel.ui.exportFolderPathLineEdit.currentPath = str(tmp_path / "out")
    panel.ui.exportButton.click()
    wait(lambda: panel.ui.statusLabel.text.startswith(("Writing", "Verifying")))
    WAYS[way](node)
    shoot(panel, f"52-{way}-exporting")
    assert_idle(panel, way)
    assert not list((tmp_path / "out").rglob("*.jpg")) and not list((tmp_path / "out").rglob(".partial*"))
    assert panel.ui.verdictLabel.text == ""


def test_the_proxy_of_a_cine_while_its_text_is_looked_for(panel):
    """A person may have chosen the volume that a browser shows, not the sequence."""
    sequence = load(panel, CINE)
    browser = slicer.modules.sequences.logic().GetFirstBrowserNodeForSequenceNode(sequence)
    proxy = browser.GetProxyNode(sequence)
    panel.parameters.inputNode = proxy
    panel.ui.applyButton.click()
    wait(lambda: panel.ui.statusLabel.text.startswith("Looking for text"))
    remove(proxy)
    assert not panel.busy and "removed" in panel.ui.statusLabel.text and not panel.logic.studies


@pytest.fixture
def reviewed(shared_panel, monkeypatch):
    """A study of a still with everything shown that there is; what a test removes is there again for the next one."""
    monkeypatch.setattr(shared_panel.review, "confirmKeepHeaderText", lambda keywords: True)
    if shared_panel.study is None:
        analysed(shared_panel)
    while shared_panel.ui.undoButton.enabled:
        shared_panel.ui.undoButton.click()
    shared_panel.review.table.select([1])
    shared_panel.ui.roiButton.checked = True
    shared_panel.ui.resultButton.click()
    return shared_panel


PARTS = {
    "the segmentation": lambda study: study.segmentation,
    "the display of the segmentation": lambda study: study.segmentation.GetDisplayNode(),
    "the table": lambda study: study.table,
    "the result": lambda study: study.result,
    "the handles of a region": lambda study: curve("Region"),
    "the handles of the region of interest": lambda study: curve("ROI"),
    "the display of handles": lambda study: curve("ROI").GetDisplayNode(),
}


def curve(name):
    nodes = slicer.util.getNodesByClass("vtkMRMLMarkupsClosedCurveNode")
    return next((node for node in nodes if node.GetName().startswith(name)), None)


@pytest.mark.parametrize("part", PARTS)
def test_what_was_made_for_a_study_can_be_removed_and_the_review_goes_on(reviewed, part):
    panel, ui = reviewed, reviewed.ui
    study = panel.study
    remove(PARTS[part](study))
    assert panel.study is study
    if part == "the result":
        assert ui.originalButton.checked and panel.review.display.mode == "original"
    ui.sideBySideButton.click()
    ui.originalButton.click()
    ui.opacitySlider.value = 0.7
    panel.review.table.select([2])
    ui.keepButton.click()
    assert study.segmentation.GetDisplayNode() and study.segmentation.GetDisplayNode().GetOpacity2DFill() == 0.7
    assert study.table.GetTable().GetColumnByName("decision").GetValue(2) == "keep"
    assert curve("Region").GetDisplayNode() and curve("ROI").GetDisplayNode()
    ui.roiButton.click()
    panel.review.table.select([])
    assert slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLMarkupsClosedCurveNode") == 0
    assert slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLMarkupsDisplayNode") == 0, "nothing is drawn that is gone"
    assert ui.statusLabel.text == ""


def test_a_segment_can_be_removed_and_the_review_goes_on(reviewed):
    segmentation = reviewed.study.segmentation.GetSegmentation()
    for name in ("redacted", "kept", "ROI"):
        segmentation.RemoveSegment(name)
    reviewed.review.table.select([2])
    reviewed.ui.keepButton.click()
    names = [segmentation.GetNthSegmentID(index) for index in range(segmentation.GetNumberOfSegments())]
    assert names == ["redacted", "kept", "ROI"] and reviewed.ui.statusLabel.text == ""


def test_the_browser_of_a_cine_can_be_removed_and_the_review_goes_on(panel):
    sequence = analysed(panel, CINE, 0)
    panel.ui.resultButton.click()
    browser = slicer.modules.sequences.logic().GetFirstBrowserNodeForSequenceNode(sequence)
    proxy = browser.GetProxyNode(sequence)
    remove(browser)
    remove(proxy)
    panel.ui.sideBySideButton.click()
    panel.ui.originalButton.click()
    panel.review.table.select([3])
    panel.ui.redactButton.click()
    again = slicer.modules.sequences.logic().GetFirstBrowserNodeForSequenceNode(sequence)
    assert again is not browser and again.GetProxyNode(sequence) is not None and panel.ui.statusLabel.text == ""
    again.SetSelectedItemNumber(7)
    assert panel.study.frame == 7, "the overlays follow the new browser"


def test_what_is_removed_during_an_export_but_the_image_harms_it_not(panel, tmp_path):
    analysed(panel)
    study = panel.study
    panel.ui.exportFolderPathLineEdit.currentPath = str(tmp_path / "out")
    panel.ui.exportButton.click()
    for node in (study.segmentation, study.table):
        remove(node)
    wait(lambda: not panel.busy)
    assert study.exported and list((tmp_path / "out" / "images").rglob("*.jpg"))
    panel.ui.keepButton.click()


SHAPE = (12, 90, 120)


@pytest.fixture
def comparing(panel):
    """The panel in the middle of a comparison; its volume, prediction and truth."""
    volume = addVolume(np.zeros(SHAPE, np.uint8), "oblique", "abdomen")
    affine = slicer.util.arrayFromVTKMatrix(matrix("oblique"))
    center = (affine @ (60, 45, 6, 1))[:3]
    masks = {str(number): ball(SHAPE, affine, center + number, 15) for number in range(6)}
    nodes = [addSegmentation(masks, affine, name, volume) for name in ("mine", "expert")]
    panel.ui.predictionSelector.setCurrentNode(nodes[0])
    panel.ui.truthSelector.setCurrentNode(nodes[1])
    panel.ui.compareCollapsibleButton.collapsed = False
    panel.ui.compareButton.click()
    wait(lambda: panel.ui.compareLabel.text.startswith("Comparing: step"), 20)
    return panel, volume, *nodes


@pytest.mark.parametrize("which", ["prediction", "truth"])
def test_a_segmentation_while_it_is_compared(comparing, which):
    panel, _, prediction, truth = comparing
    remove(prediction if which == "prediction" else truth)
    assert not panel.compare.running and panel.ui.compareButton.text == "Compare" and not panel.ui.compareButton.enabled
    assert "removed" in panel.ui.compareLabel.text
    shoot(panel, f"53-removed-comparing-{which}")
    slicer.app.processEvents()
    assert panel.ui.scoreTable.rowCount == 0 and slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLTableNode") == 0


def test_the_scene_while_it_is_compared(comparing):
    panel = comparing[0]
    close(None)
    assert not panel.compare.running and "closed" in panel.ui.statusLabel.text
    assert panel.ui.compareLabel.text == "" and not panel.ui.compareButton.enabled


def test_the_image_of_segmentations_while_they_are_compared(comparing):
    panel, volume, *_ = comparing
    remove(volume)
    wait(lambda: not panel.compare.running, 60)
    slicer.app.processEvents()
    assert panel.ui.scoreTable.rowCount > 0 and panel.ui.compareLabel.text == ""
