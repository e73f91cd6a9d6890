"""Comparing two segmentations through the panel: choose, match, compare, jump, plot, export; and what can go wrong."""

from __future__ import annotations

import numpy as np
import pytest
import slicer
from mask_samples import addSegmentation, addSegmentations, affineOf, ball, box
from panel_steps import shoot, wait
from scene_samples import addSequence, addVolume, matrix

SHAPE = (12, 90, 120)


@pytest.fixture
def opened(panel):
    """The panel with its Compare part open and the others, but what is said below Apply, closed."""
    for name in ("input", "task", "review", "export"):
        getattr(panel.ui, f"{name}CollapsibleButton").collapsed = True
    panel.ui.compareCollapsibleButton.collapsed = False
    return panel


@pytest.fixture
def two(opened):
    """An image, and two segmentations of a liver and a cyst on it, chosen; the expert's names differ in their case."""
    speckle = np.random.default_rng(1).normal(90, 25, SHAPE)
    volume = addVolume(np.clip(speckle, 0, 255).astype(np.uint8), "oblique", "abdomen")
    affine = slicer.util.arrayFromVTKMatrix(matrix("oblique"))
    center = (affine @ (60, 45, 6, 1))[:3]
    liver, cyst = ball(SHAPE, affine, center, 20), ball(SHAPE, affine, center + 4, 7)
    mine = addSegmentation({"liver": liver, "cyst": np.roll(cyst, 4, 2)}, affine, "mine", volume)
    expert = addSegmentation({"Liver": ball(SHAPE, affine, center + 2, 19), "Cyst": cyst}, affine, "expert", volume)
    opened.ui.predictionSelector.setCurrentNode(mine)
    opened.ui.truthSelector.setCurrentNode(expert)
    return opened


def compare(panel):
    panel.ui.compareButton.click()
    assert panel.ui.compareButton.text == "Cancel"
    wait(lambda: not panel.compare.running, 60)


def cells(table):
    return [[table.item(row, column).text() for column in range(table.columnCount)] for row in range(table.rowCount)]


def shownAt():
    matrix = slicer.app.layoutManager().sliceWidget("Red").mrmlSliceNode().GetSliceToRAS()
    return np.array([matrix.GetElement(row, 3) for row in range(3)])


def sliceAt(volume):
    """k of the voxel that the Red view is at."""
    affine = slicer.util.arrayFromVTKMatrix(matrix("oblique"))
    return round((np.linalg.inv(affine) @ [*shownAt(), 1])[2])


def test_nothing_can_be_done_before_two_segmentations_are_chosen(opened):
    ui = opened.ui
    assert not any(button.enabled for button in (ui.compareButton, ui.matchNameButton, ui.plotButton, ui.exportScoresButton))
    node = addSegmentation({"a": box((2, 8, 8), (0, 2), (1, 5), (1, 5))}, affineOf("upright"), "mine")
    ui.predictionSelector.setCurrentNode(node)
    assert not ui.compareButton.enabled and ui.matchTable.rowCount == 0
    shoot(opened, "40-compare-empty")


def test_two_segmentations_are_matched_compared_and_seen_where_they_agree_least(two):
    ui = two.ui
    assert [ui.matchTable.item(row, 0).text() for row in range(2)] == ["liver", "cyst"]
    assert [two.compare.matches.choice(row).currentText for row in range(2)] == ["Liver", "Cyst"]
    assert ui.compareButton.enabled and not ui.scoreTable.enabled
    shoot(two, "41-compare-matched")
    compare(two)
    rows = cells(ui.scoreTable)
    assert [row[:2] for row in rows[:2]] == [["liver / Liver", "all"], ["cyst / Cyst", "all"]]
    dice = [float(row[2]) for row in rows[2:]]
    assert dice == sorted(dice) and len(dice) > 8
    assert ui.scoreTable.selectionModel().selectedRows()[0].row() == 0 and ui.compareLabel.text == ""
    shoot(two, "42-compared")
    green, magenta, white = _colors()
    assert min(green, magenta, white) > 50
    result = two.logic.comparisonLogic.comparisonOf(two.parameters.predictionNode, two.parameters.truthNode)
    assert sliceAt(result.image) == result.pairs[0].comparison.worst_frames(1)[0]


def _colors():
    """Pixels of the Red view that are greenish, magenta and nearly white."""
    picture = slicer.app.layoutManager().sliceWidget("Red").sliceView().picture().astype(int)
    red, green, blue = np.moveaxis(picture, 2, 0)
    return [
        int(found.sum())
        for found in ((green > red + 40) & (green > blue + 90), (red > green + 90) & (blue > green + 90), picture.min(axis=2) > 180)
    ]


def test_selecting_a_frame_goes_there_and_the_differences_can_be_turned_off(two):
    ui = two.ui
    compare(two)
    rows = cells(ui.scoreTable)
    row = next(number for number, cell in enumerate(rows) if cell[0] == "cyst / Cyst" and cell[1] == "7")
    ui.scoreTable.selectRow(row)
    result = two.logic.comparisonLogic.comparisonOf(two.parameters.predictionNode, two.parameters.truthNode)
    assert sliceAt(result.image) == 6 and result.pair == 1
    slicer.app.layoutManager().sliceWidget("Red").fitSliceToBackground()
    shoot(two, "43-frame")
    assert min(_colors()) > 20
    ui.differencesCheckBox.click()
    assert _colors()[1] == 0 and two.parameters.truthNode.GetDisplayNode().GetVisibility2D()
    shoot(two, "44-differences-off")


def test_the_matching_can_be_changed(two):
    ui = two.ui
    two.compare.matches.choice(0).setCurrentIndex(2)
    two.compare.matches.choice(1).setCurrentIndex(0)
    compare(two)
    assert cells(ui.scoreTable)[0][0] == "liver / Cyst" and ui.compareLabel.text.splitlines() == [
        "Not compared, of mine: cyst.",
        "Not compared, of expert: Liver.",
    ]
    shoot(two, "45-compare-matching-changed")
    ui.matchOverlapButton.click()
    assert [two.compare.matches.choice(row).currentText for row in range(2)] == ["Liver", "Cyst"]
    for row in range(2):
        two.compare.matches.choice(row).setCurrentIndex(0)
    assert not ui.compareButton.enabled


def test_segments_that_changed_since_are_matched_anew_before_they_are_compared(two):
    segmentation = two.parameters.truthNode.GetSegmentation()
    segmentation.RemoveSegment("Cyst id")
    two.ui.compareButton.click()
    assert not two.compare.running and two.ui.compareLabel.text.startswith("The segments have changed")
    compare(two)
    assert cells(two.ui.scoreTable)[0][0] == "liver / Liver"


def test_a_comparison_can_be_canceled_and_then_nothing_is_in_the_scene(two):
    count = slicer.mrmlScene.GetNumberOfNodes()
    two.ui.compareButton.click()
    assert not two.ui.truthSelector.enabled
    two.ui.compareButton.click()
    assert not two.compare.running and two.ui.compareLabel.text == "Canceled. Nothing was changed."
    assert slicer.mrmlScene.GetNumberOfNodes() == count and two.ui.truthSelector.enabled


def test_scores_are_plotted_and_written(two, tmp_path, monkeypatch):
    import qt

    compare(two)
    two.ui.plotButton.click()
    result = two.logic.comparisonLogic.comparisonOf(two.parameters.predictionNode, two.parameters.truthNode)
    assert slicer.app.applicationLogic().GetSelectionNode().GetActivePlotChartID() == result.chart.GetID()
    monkeypatch.setattr(qt.QFileDialog, "getExistingDirectory", lambda *_: str(tmp_path / "scores"))
    two.ui.exportScoresButton.click()
    assert two.ui.compareLabel.text == "Written: dice.csv, dice.png, dice_per_frame.png."
    assert sorted(path.name for path in (tmp_path / "scores").iterdir()) == ["dice.csv", "dice.png", "dice_per_frame.png"]
    shoot(two, "46-compare-exported")
    (tmp_path / "file").write_text("")
    two.compare.export(str(tmp_path / "file"))
    assert "cannot be written" in two.ui.compareLabel.text and "b22222" in two.ui.compareLabel.styleSheet
    shoot(two, "47-compare-not-written")


def test_what_cannot_be_compared_is_told(two):
    image, _ = addSequence([np.zeros((1, 8, 8), np.uint8)])
    two.ui.truthSelector.setCurrentNode(image)
    assert two.ui.compareLabel.text.startswith("the truth is no segmentation: choose") and not two.ui.compareButton.enabled
    shoot(two, "48-compare-refused")
    two.ui.truthSelector.setCurrentNode(two.parameters.predictionNode)
    assert "compared with itself" in two.ui.compareLabel.text


def test_a_mask_that_is_removed_takes_its_scores_off_the_panel_and_the_other_is_seen_again(two):
    compare(two)
    mine = two.parameters.predictionNode
    assert not mine.GetDisplayNode().GetVisibility2D()
    slicer.mrmlScene.RemoveNode(two.parameters.truthNode)
    assert two.ui.scoreTable.rowCount == 0 and not two.ui.compareButton.enabled and not two.ui.exportScoresButton.enabled
    assert mine.GetDisplayNode().GetVisibility2D()


def test_a_scene_that_is_closed_meanwhile_ends_it(two):
    two.ui.compareButton.click()
    slicer.mrmlScene.Clear(0)
    assert not two.compare.running and two.ui.scoreTable.rowCount == 0 and two.ui.matchTable.rowCount == 0
    assert not two.ui.compareButton.enabled


def test_the_frames_of_a_cine_are_played_with_their_differences(opened):
    shape, affine = (1, 90, 120), affineOf("upright")
    _, browser = addSequence([np.full(shape, 60 + 8 * n, np.uint8) for n in range(6)])
    k, j, i = np.indices(shape)
    sectors = [(np.hypot(i - 60, j) < 70) & (np.abs(i - 60) < 0.6 * j + step) for step in (5, 6, 12, 8, 5, 5)]
    mine, _ = addSegmentations([{"sector": mask} for mask in sectors], affine, "mine", browser=browser)
    expert, _ = addSegmentations([{"sector": sectors[0]}] * 6, affine, "expert", browser=browser)
    opened.ui.predictionSelector.setCurrentNode(mine)
    opened.ui.truthSelector.setCurrentNode(expert)
    slicer.util.setSliceViewerLayers(background=browser.GetProxyNode(browser.GetMasterSequenceNode()), fit=True)
    compare(opened)
    assert [row[1] for row in cells(opened.ui.scoreTable)][:4] == ["all", "3", "4", "2"]
    assert browser.GetSelectedItemNumber() == 2
    assert _colors()[0] > 100
    shoot(opened, "49-compare-cine")
    browser.SetSelectedItemNumber(0)
    assert _colors()[0] == 0 and _colors()[2] > 1000, "they follow the browser"
