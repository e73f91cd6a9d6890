"""From Apply to export on a real ultrasound image, through the panel's controls, the real worker process and the real reader."""

from __future__ import annotations

import csv

import numpy as np
import pytest
import slicer
from panel_steps import declining, pixel_of, press, ras_of, shoot, wait
from pydicom import examples

EXAMPLE = str(examples.get_path("rgb_color"))


@pytest.fixture(scope="module")
def analysed(shared_panel):
    """The example, its text found; the steps of a test are undone after it."""
    shared_panel.input.load([EXAMPLE])
    shared_panel.review.confirmKeepHeaderText = lambda keywords: True
    shared_panel.ui.variantComboBox.setCurrentIndex(1)
    shared_panel.ui.applyButton.click()
    wait(lambda: not shared_panel.busy)
    assert shared_panel.study is not None, shared_panel.ui.statusLabel.text
    return shared_panel


@pytest.fixture
def panel(analysed):
    yield analysed
    analysed.ui.originalButton.click()
    while analysed.ui.undoButton.enabled:
        analysed.ui.undoButton.click()
    analysed.ui.regionTable.clearSelection()
    analysed.ui.roiButton.checked = False
    analysed.ui.addButton.checked = False


def regions(panel):
    return panel.study.review.regions


def decisions(panel) -> list[str]:
    return [region.decision for region in regions(panel)]


def select(panel, *rows) -> None:
    panel.review.table.select(list(rows))
    slicer.app.processEvents()


def cell(panel, row, column) -> str:
    return panel.ui.regionTable.item(row, column).text()


def key(panel, name) -> None:
    import qt
    from PySide6.QtTest import QTest

    panel.parent.activateWindow()
    slicer.app.processEvents()
    QTest.keySequence(panel._uiWidget, qt.QtGui.QKeySequence(name))
    slicer.app.processEvents()


def view():
    return slicer.app.layoutManager().sliceWidget("Red").sliceView()


def handle_nodes(name) -> list:
    return [node for node in slicer.util.getNodesByClass("vtkMRMLMarkupsClosedCurveNode") if node.GetName().startswith(name)]


def test_what_was_found_is_listed_and_everything_can_be_done_now(panel):
    shoot(panel, "10-found")
    assert len(regions(panel)) > 3
    assert panel.ui.regionTable.rowCount == len(regions(panel))
    assert cell(panel, 0, 0) == (regions(panel)[0].text or "(not read)")
    assert cell(panel, 0, 1) == "all" and cell(panel, 0, 4) == "redact"
    assert set(decisions(panel)) == {"redact"}
    assert panel.ui.summaryLabel.text.startswith(f"{len(regions(panel))} regions: {len(regions(panel))} redacted, 0 kept")
    assert panel.ui.addButton.enabled and panel.ui.nextButton.enabled and panel.ui.reasonButton.enabled
    assert not panel.ui.redactButton.enabled and not panel.ui.undoButton.enabled
    assert "GPU" in panel.ui.deviceLabel.text
    assert not panel.ui.everyFrameCheckBox.enabled, "there is one frame only"


def test_masked_text_is_drawn_over_the_image_and_fades_with_the_slider(panel):
    x0, y0, x1, y1 = regions(panel)[0].box
    ras, _ = panel.logic.studyLogic.regionCenter(panel.study, 0)
    column, row = (round(part) for part in pixel_of("Red", ras))
    panel.ui.opacitySlider.value = 1.0
    full = view().picture()[-1 - row, column].astype(int)
    panel.ui.opacitySlider.value = 0.0
    none = view().picture()[-1 - row, column].astype(int)
    panel.ui.opacitySlider.value = 0.5
    assert np.abs(full - none).max() > 60, (x0, y0, x1, y1)
    panel.ui.outlineCheckBox.checked = True
    display = panel.study.segmentation.GetDisplayNode()
    assert not display.GetSegmentVisibility2DFill("redacted") and display.GetSegmentVisibility2DOutline("redacted")
    shoot(panel, "11-outlines")
    panel.ui.outlineCheckBox.checked = False
    assert display.GetSegmentVisibility2DFill("redacted")


def test_selecting_a_row_shows_its_region_with_handles(panel):
    select(panel, 1)
    ras, _ = panel.logic.studyLogic.regionCenter(panel.study, 1)
    x, y = pixel_of("Red", ras)
    size = view().window.GetSize()
    assert 0 < x < size[0] and 0 < y < size[1]
    (node,) = handle_nodes("Region")
    assert node.GetNumberOfControlPoints() == len(panel.logic.studyLogic.regionCorners(panel.study, 1))
    shoot(panel, "12-selected")
    panel.ui.regionTable.clearSelection()
    assert not handle_nodes("Region")


def test_a_click_on_a_region_selects_its_row(panel):
    # A region that lies below a smaller one is reached beside that one, not at its own middle.
    centers = {index: panel.logic.studyLogic.regionCenter(panel.study, index)[0] for index in range(len(regions(panel)))}
    index, ras = next(
        (index, ras) for index, ras in centers.items() if index > 1 and panel.logic.studyLogic.regionAt(panel.study, ras) == index
    )
    slicer.modules.markups.logic().JumpSlicesToLocation(*ras, True)
    press("Red", pixel_of("Red", ras))
    assert panel.review.table.selected() == [index]


def test_rows_are_kept_and_redacted_by_button_and_by_key_and_undone(panel):
    select(panel, 0, 2)
    panel.ui.keepButton.click()
    assert [index for index, decision in enumerate(decisions(panel)) if decision == "keep"] == [0, 2]
    assert cell(panel, 0, 4) == "keep"
    assert "2 kept" in panel.ui.summaryLabel.text
    shoot(panel, "13-kept")
    key(panel, "R")
    assert set(decisions(panel)) == {"redact"}
    key(panel, "Ctrl+Z")
    assert decisions(panel).count("keep") == 2
    key(panel, "Ctrl+Shift+Z")
    assert decisions(panel).count("keep") == 0
    panel.ui.undoButton.click()
    panel.ui.undoButton.click()
    assert set(decisions(panel)) == {"redact"} and not panel.ui.undoButton.enabled and panel.ui.redoButton.enabled


def test_what_the_engine_found_is_never_deleted_but_kept_in_yellow_and_counted(panel):
    count, reason = len(regions(panel)), regions(panel)[2].reason
    plain = background(panel, 2)
    select(panel, 2)
    key(panel, "Del")
    assert len(regions(panel)) == panel.ui.regionTable.rowCount == count
    assert (cell(panel, 2, 3), cell(panel, 2, 4)) == (f"{reason}; kept by a person", "keep")
    red, green, blue = background(panel, 2)
    assert min(red, green) > 200 and blue < 180, "yellow"
    assert background(panel, 4) == plain
    assert "1 kept (1 by you)" in panel.ui.summaryLabel.text
    assert panel.study.table.GetTable().GetColumnByName("reason").GetValue(2) == f"{reason}; kept by a person"
    shoot(panel, "22-deleted-is-kept")
    panel.ui.undoButton.click()
    assert not panel.ui.undoButton.enabled and background(panel, 2) == plain and cell(panel, 2, 4) == "redact"


def background(panel, row) -> tuple[int, int, int]:
    """Of a row that is not selected."""
    panel.ui.regionTable.clearSelection()
    slicer.app.processEvents()
    table = panel.ui.regionTable
    place = table.visualItemRect(table.item(row, 4))
    color = table.viewport().grab().toImage().pixelColor(place.right() - 2, place.top() + 2)
    return color.red(), color.green(), color.blue()


def test_what_a_person_drew_is_deleted_with_what_was_found_kept_in_one_step(panel):
    count = len(regions(panel))
    x0, y0, x1, y1 = regions(panel)[2].box
    panel.study.review.add(((x0, y1), (x1, y1), (x1, y1 + 9), (x0, y1 + 9)), 0, 0)
    panel.review._step(lambda review: None)
    select(panel, 2, count)
    panel.ui.deleteButton.click()
    assert len(regions(panel)) == count and decisions(panel)[2] == "keep"
    panel.ui.undoButton.click()
    assert len(regions(panel)) == count + 1 and decisions(panel)[2] == "redact"


KEEPING = {
    "the button": lambda panel: (select(panel, 0, 2), panel.ui.keepButton.click()),
    "the key": lambda panel: (select(panel, 0, 2), key(panel, "K")),
    "deleting": lambda panel: (select(panel, 0, 2), key(panel, "Del")),
    "a double click": lambda panel: panel.ui.regionTable.cellDoubleClicked.emit(0, 4),
    "the reason": lambda panel: _reasonAction(panel, f"Keep: {regions(panel)[0].reason}").trigger(),
}


def _reasonAction(panel, text):
    return next(action for action in panel.ui.reasonButton.menu().actions() if action.text == text)


@pytest.mark.parametrize("way", KEEPING)
def test_keeping_what_matches_the_header_asks_once_and_without_a_yes_it_stays_redacted(panel, monkeypatch, way):
    assert regions(panel)[0].reason == "matches InstitutionName"
    answers, asked = iter([False, True]), []
    monkeypatch.setattr(panel.review, "confirmKeepHeaderText", lambda keywords: asked.append(keywords) or next(answers))
    monkeypatch.setattr(panel.study, "keepsHeaderText", False)
    KEEPING[way](panel)
    assert asked == [["InstitutionName"]] and decisions(panel)[0] == "redact"
    assert decisions(panel)[2] == ("redact" if way in ("a double click", "the reason") else "keep"), "the rest is done as asked"
    KEEPING[way](panel)
    assert len(asked) == 2 and decisions(panel)[0] == "keep"
    panel.ui.undoButton.click()
    KEEPING[way](panel)
    assert len(asked) == 2 and decisions(panel)[0] == "keep", "once per image"


def test_redacting_and_keeping_what_tells_of_nobody_asks_nothing(panel, monkeypatch):
    monkeypatch.setattr(panel.review, "confirmKeepHeaderText", lambda keywords: pytest.fail("there is nothing to ask"))
    monkeypatch.setattr(panel.study, "keepsHeaderText", False)
    select(panel, 1)
    panel.ui.keepButton.click()
    select(panel, 0)
    panel.ui.redactButton.click()
    assert decisions(panel)[:2] == ["redact", "keep"]


def test_the_question_names_the_field_and_not_its_value_and_no_is_the_easy_answer(panel, monkeypatch):
    from PyLogikSlicerLib.widgets.confirmations import confirmKeepHeaderText

    monkeypatch.setattr(panel.review, "confirmKeepHeaderText", confirmKeepHeaderText)
    monkeypatch.setattr(panel.study, "keepsHeaderText", False)
    select(panel, 0)
    with declining("23-question-header") as told:
        panel.ui.keepButton.click()
    assert len(told) == 1 and "InstitutionName" in told[0] and "BAPTIST" not in told[0]
    assert decisions(panel)[0] == "redact" and "stays redacted" in panel.ui.statusLabel.text


def test_a_double_click_on_a_row_changes_its_decision(panel):
    panel.ui.regionTable.cellDoubleClicked.emit(1, 4)
    assert decisions(panel)[1] == "keep"


def test_all_text_of_one_reason_is_kept_at_once(panel):
    actions = panel.ui.reasonButton.menu().actions()
    reasons = panel.study.review.reasons()
    assert len(actions) == 2 * len(reasons)
    keep = next(action for action in actions if action.text == f"Keep: {reasons[0]}")
    keep.trigger()
    for region in regions(panel):
        assert region.decision == ("keep" if region.reason == reasons[0] else "redact")


def test_the_key_for_the_next_marks_what_was_looked_at_and_goes_on_to_the_end(panel):
    for _ in regions(panel):
        key(panel, "N")
    assert panel.review.table.selected() == [len(regions(panel)) - 1]
    key(panel, "N")
    assert panel.study.review.reviewed == frozenset(range(len(regions(panel))))
    assert "reviewed" in panel.ui.statusLabel.text
    assert "0 not reviewed" in panel.ui.summaryLabel.text


def test_a_rectangle_drawn_in_the_slice_view_becomes_a_region(panel):
    count = len(regions(panel))
    slicer.util.resetSliceViews()
    window_before = panel.study.node.GetDisplayNode().GetWindow()
    panel.ui.addButton.click()
    assert "Draw" in panel.ui.statusLabel.text
    press("Red", (200, 150), (230, 170), (280, 190))
    assert len(regions(panel)) == count + 1
    added = regions(panel)[-1]
    assert added.engine == "person" and added.decision == "redact"
    x0, y0, x1, y1 = added.box
    ras, _ = panel.logic.studyLogic.regionCenter(panel.study, count)
    assert x1 > x0 and y1 > y0
    # The rectangle's middle, where the person drew it, is the middle of the view once the row is selected.
    assert panel.review.table.selected() == [count]
    assert not panel.ui.addButton.checked
    assert panel.study.node.GetDisplayNode().GetWindow() == window_before
    shoot(panel, "14-added")
    panel.ui.undoButton.click()
    assert len(regions(panel)) == count


def test_escape_ends_the_drawing(panel):
    count = len(regions(panel))
    panel.ui.addButton.click()
    interactor = view().interactor()
    interactor.SetKeySym("Escape")
    interactor.InvokeEvent("KeyPressEvent")
    assert not panel.ui.addButton.checked
    press("Red", (200, 150), (280, 190))
    assert len(regions(panel)) == count


def test_a_region_is_resized_by_its_handles(panel):
    select(panel, 0)
    before = regions(panel)[0].box
    (node,) = handle_nodes("Region")
    points = [np.array(node.GetNthControlPointPosition(i)) for i in range(node.GetNumberOfControlPoints())]
    center = np.mean(points, axis=0)
    for index, point in enumerate(points):
        node.SetNthControlPointPosition(index, *(center + 2 * (point - center)))
    node.InvokeEvent(slicer.vtkMRMLMarkupsNode.PointEndInteractionEvent)
    after = regions(panel)[0].box
    assert after[2] - after[0] > 1.5 * (before[2] - before[0])


def test_a_corner_and_a_whole_region_are_dragged_with_the_mouse(panel):
    select(panel, 1)
    x0, y0, x1, y1 = regions(panel)[1].box
    (node,) = handle_nodes("Region")
    corner = pixel_of("Red", node.GetNthControlPointPosition(0))
    press("Red", corner, (corner[0] - 10, corner[1] + 10), (corner[0] - 30, corner[1] + 20))
    wider = regions(panel)[1].box
    assert wider != (x0, y0, x1, y1)
    assert panel.review.table.selected() == [1], "a drag is no click on what lies below"
    panel.ui.undoButton.click()
    assert regions(panel)[1].box == (x0, y0, x1, y1)
    select(panel, 1)
    middle = pixel_of("Red", panel.logic.studyLogic.regionCenter(panel.study, 1)[0])
    press("Red", middle, (middle[0] + 10, middle[1] + 5), (middle[0] + 40, middle[1] + 15))
    moved = regions(panel)[1].box
    assert moved != (x0, y0, x1, y1)
    assert abs((moved[2] - moved[0]) - (x1 - x0)) <= 1 and abs((moved[3] - moved[1]) - (y1 - y0)) <= 1


def test_the_region_of_interest_is_dragged_by_its_handles(panel):
    assert panel.study.review.roi is not None
    panel.ui.roiButton.click()
    (node,) = handle_nodes("ROI")
    shoot(panel, "15-roi-handles")
    share = panel.study.review.roi.kept_share
    points = [np.array(node.GetNthControlPointPosition(i)) for i in range(node.GetNumberOfControlPoints())]
    center = np.mean(points, axis=0)
    for index, point in enumerate(points):
        node.SetNthControlPointPosition(index, *(center + 0.6 * (point - center)))
    node.InvokeEvent(slicer.vtkMRMLMarkupsNode.PointEndInteractionEvent)
    assert panel.study.review.roi.kept_share < 0.7 * share
    shoot(panel, "16-roi-moved")
    panel.ui.undoButton.click()
    assert panel.study.review.roi.kept_share == share
    panel.ui.roiButton.click()
    assert not handle_nodes("ROI")


def test_the_background_is_picked_from_the_image(panel):
    slicer.util.resetSliceViews()
    panel.ui.pickButton.click()
    assert "Click" in panel.ui.statusLabel.text
    ras, _ = panel.logic.studyLogic.regionCenter(panel.study, 0)
    pixel = pixel_of("Red", ras)
    press("Red", pixel)
    assert not panel.ui.pickButton.checked
    assert (
        panel.parameters.threshold
        == panel.ui.thresholdSpinBox.value
        == panel.logic.studyLogic.pickThreshold(panel.study.node, ras_of("Red", *pixel))
    )
    panel.ui.pickButton.click()
    press("Red", (1, 1))
    assert not panel.ui.pickButton.checked
    panel.parameters.threshold = 0


def test_original_and_result_are_shown_alone_and_side_by_side(panel):
    ras, _ = panel.logic.studyLogic.regionCenter(panel.study, 0)
    slicer.util.resetSliceViews()
    panel.ui.resultButton.click()
    column, row = (round(part) for part in pixel_of("Red", ras))
    assert view().picture()[-1 - row, column].max() < 10, "the text is filled"
    shoot(panel, "17-result")
    manager = slicer.app.layoutManager()
    planes = _planes(manager)
    panel.ui.sideBySideButton.click()
    slicer.app.processEvents()
    assert manager.layout == slicer.vtkMRMLLayoutNode.SlicerLayoutSideBySideView
    shown = [manager.sliceWidget(name).mrmlSliceCompositeNode().GetBackgroundVolumeID() for name in ("Red", "Yellow")]
    assert shown == [panel.study.node.GetID(), panel.study.result.GetID()]
    left, right = (manager.sliceWidget(name).mrmlSliceNode().GetSliceToRAS() for name in ("Red", "Yellow"))
    assert np.allclose(slicer.util.arrayFromVTKMatrix(left), slicer.util.arrayFromVTKMatrix(right)), "the same way up"
    assert np.all(_cornersOfTheImage(panel, "Yellow") >= -1), "all of it, however narrow the view has become"
    assert np.all(_cornersOfTheImage(panel, "Yellow") <= np.array(manager.sliceWidget("Yellow").mrmlSliceNode().GetDimensions()[:2]) + 1)
    shoot(panel, "18-side-by-side", ("Red", "Yellow"))
    panel.ui.originalButton.click()
    slicer.app.processEvents()
    assert manager.layout != slicer.vtkMRMLLayoutNode.SlicerLayoutSideBySideView
    assert np.allclose(_planes(manager), planes), "every view shows its own plane again"
    assert not manager.sliceWidget("Yellow").mrmlSliceCompositeNode().GetLinkedControl()


def _planes(manager):
    return [slicer.util.arrayFromVTKMatrix(manager.sliceWidget(name).mrmlSliceNode().GetSliceToRAS())[:3, :3] for name in ("Red", "Yellow")]


def _cornersOfTheImage(panel, name):
    bounds = np.zeros(6)
    panel.study.node.GetRASBounds(bounds)
    return np.array([pixel_of(name, bounds[[0, 2, 4]]), pixel_of(name, bounds[[1, 3, 5]])])


def test_the_views_stay_where_they_are_while_the_selected_region_is_seen(panel):
    slicer.util.resetSliceViews()
    node = slicer.app.layoutManager().sliceWidget("Red").mrmlSliceNode()
    seen = list(node.GetFieldOfView()), _center(node)
    select(panel, 0)
    assert (list(node.GetFieldOfView()), _center(node)) == seen
    node.SetFieldOfView(*(0.2 * length for length in node.GetFieldOfView()[:2]), node.GetFieldOfView()[2])
    node.UpdateMatrices()
    select(panel, 1)
    ras, _ = panel.logic.studyLogic.regionCenter(panel.study, 1)
    width, height, _ = node.GetDimensions()
    assert np.allclose(pixel_of("Red", ras), (width / 2, height / 2), atol=2), "it was out of sight"


def _center(node):
    return [node.GetSliceToRAS().GetElement(row, 3) for row in range(3)]


WORK = {
    "decided": lambda panel: (select(panel, 1), key(panel, "K")),
    "drawn": lambda panel: (panel.ui.addButton.click(), press("Red", (200, 150), (280, 190))),
    "marked as reviewed": lambda panel: (select(panel, 1), key(panel, "N")),
    "moved": lambda panel: panel.review._step(lambda review: review.move(1, ((5, 5), (9, 5), (9, 9)))),
}


@pytest.mark.parametrize("way", WORK)
def test_what_a_person_did_is_not_lost_by_a_second_apply_unless_they_say_so(panel, monkeypatch, way):
    asked = []
    monkeypatch.setattr(panel.apply, "confirmDiscardReview", lambda: asked.append(True))
    slicer.util.resetSliceViews()
    WORK[way](panel)
    study, before = panel.study, (regions(panel), panel.study.review.reviewed, panel.study.segmentation)
    panel.ui.applyButton.click()
    assert asked == [True] and not panel.busy
    assert panel.study is study and (regions(panel), study.review.reviewed, study.segmentation) == before
    assert panel.ui.undoButton.enabled


def test_a_review_without_work_in_it_is_replaced_unasked(panel, monkeypatch):
    monkeypatch.setattr(panel.apply, "confirmDiscardReview", lambda: pytest.fail("there is nothing to lose"))
    select(panel, 1)
    key(panel, "K")
    panel.ui.undoButton.click()
    study = panel.study
    panel.ui.applyButton.click()
    assert panel.busy
    panel.ui.cancelButton.click()
    assert panel.study is study and panel.ui.redoButton.enabled, "what is canceled loses nothing"


def test_a_person_who_agrees_gets_a_new_review(panel, monkeypatch):
    monkeypatch.setattr(panel.apply, "confirmDiscardReview", lambda: True)
    select(panel, 1)
    key(panel, "K")
    study = panel.study
    panel.ui.applyButton.click()
    wait(lambda: not panel.busy)
    assert panel.study is not study and not panel.study.review.touched and not panel.ui.undoButton.enabled


def test_the_question_before_a_review_is_lost_is_easily_answered_with_no(panel):
    select(panel, 1)
    key(panel, "K")
    with declining("24-question-review") as told:
        panel.ui.applyButton.click()
    assert len(told) == 1 and "review" in told[0] and not panel.busy


def test_export_tells_the_verdict_and_writes_what_was_decided(panel, tmp_path):
    assert not panel.ui.exportButton.enabled
    select(panel, next(index for index, region in enumerate(regions(panel)) if region.text.startswith("TIS")))
    panel.ui.keepButton.click()
    slicer.util.resetSliceViews()
    panel.ui.exportFolderPathLineEdit.currentPath = str(tmp_path / "out")
    assert panel.ui.exportButton.enabled
    panel.ui.exportButton.click()
    assert panel.busy and not panel.ui.exportButton.enabled
    wait(lambda: not panel.busy)
    shoot(panel, "19-exported")
    assert panel.study.exported, panel.ui.verdictLabel.text
    assert panel.ui.verdictLabel.visible and "1/1 frames examined" in panel.ui.verdictLabel.text
    assert panel.ui.showFolderButton.enabled
    (image,) = (tmp_path / "out" / "images").rglob("*.jpg")
    with open(tmp_path / "out" / "phi" / "text.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["decision"] for row in rows].count("keep") == 1
    assert "example" not in image.name, "names are obfuscated"
    count = len(regions(panel))
    assert panel.ui.verdictLabel.text == (
        f"{count - 1} masked, 1 kept by you, {count - 1} not reviewed, 1/1 frames examined, 0 residues, 1 file"
    )


@pytest.fixture(scope="module")
def exported(analysed, tmp_path_factory):
    """The panel after an export in which the name of the hospital was kept; what a test changes it undoes."""
    slicer.util.resetSliceViews()
    select(analysed, 0)
    analysed.ui.keepButton.click()
    analysed.ui.exportFolderPathLineEdit.currentPath = str(tmp_path_factory.mktemp("exported") / "out")
    analysed.ui.exportButton.click()
    wait(lambda: not analysed.busy)
    assert color(analysed) == "green", analysed.ui.verdictLabel.text
    shoot(analysed, "25-verdict-green")
    return analysed


def color(panel) -> str:
    colors = {"00783c": "green", "b22222": "red", "808080": "grey"}
    return next(name for number, name in colors.items() if number in panel.ui.verdictLabel.styleSheet)


def _dragged(panel):
    panel.ui.roiButton.click()
    (node,) = handle_nodes("ROI")
    node.SetNthControlPointPosition(0, *(np.array(node.GetNthControlPointPosition(0)) + 3))
    node.InvokeEvent(slicer.vtkMRMLMarkupsNode.PointEndInteractionEvent)
    panel.ui.roiButton.click()


CHANGES = {
    "a decision": lambda panel: (select(panel, 2), panel.ui.keepButton.click()),
    "a region": lambda panel: (panel.ui.addButton.click(), press("Red", (200, 150), (280, 190))),
    "a deletion": lambda panel: (select(panel, 3), key(panel, "Del")),
    "the region of interest": _dragged,
}


@pytest.mark.parametrize("change", CHANGES)
def test_the_verdict_turns_grey_with_every_change_and_green_when_it_is_undone(exported, change):
    panel, told = exported, exported.ui.verdictLabel.text
    assert "1 kept by you (1 matches InstitutionName), " in told and color(panel) == "green"
    CHANGES[change](panel)
    assert color(panel) == "grey" and panel.ui.verdictLabel.text == f"{told} (changed since the export)"
    shoot(panel, f"26-verdict-grey-{change.replace(' ', '-')}")
    assert panel.ui.showFolderButton.enabled, "what was exported is there still"
    panel.ui.undoButton.click()
    assert color(panel) == "green" and panel.ui.verdictLabel.text == told
    panel.ui.redoButton.click()
    assert color(panel) == "grey"
    panel.ui.undoButton.click()
    panel.ui.undoButton.click()
    assert color(panel) == "grey", "before what was exported, too"
    panel.ui.redoButton.click()
    assert color(panel) == "green"


OPTIONS = {
    "the format": ("formatComboBox", 2),
    "the names": ("renameCheckBox", None),
    "what is written": ("contentsComboBox", 1),
    "what remains": ("variantComboBox", 0),
    "the background": ("thresholdSpinBox", 7),
    "what is kept": ("keepMeasurementsCheckBox", None),
}


@pytest.mark.parametrize("option", OPTIONS)
def test_the_verdict_is_grey_while_an_option_is_another(exported, option):
    name, value = OPTIONS[option]
    control = getattr(exported.ui, name)
    attribute = "checked" if value is None else "value" if name.endswith("SpinBox") else "currentIndex"
    before = getattr(control, attribute)
    setattr(control, attribute, not before if value is None else value)
    assert color(exported) == "grey"
    setattr(control, attribute, before)
    assert color(exported) == "green"


@pytest.mark.parametrize("option", ["what remains", "the background", "what is kept"])
def test_options_that_were_changed_since_apply_are_told_to_hold_only_after_the_next(exported, option):
    name, value = OPTIONS[option]
    control = getattr(exported.ui, name)
    attribute = "checked" if value is None else "value" if name.endswith("SpinBox") else "currentIndex"
    before = getattr(control, attribute)
    assert "Apply" not in exported.ui.summaryLabel.text
    setattr(control, attribute, not before if value is None else value)
    assert "press Apply" in exported.ui.summaryLabel.text
    setattr(control, attribute, before)
    assert "Apply" not in exported.ui.summaryLabel.text


def test_what_is_looked_at_after_an_export_is_told_and_stays_green(exported):
    left = len(regions(exported)) - len(exported.study.review.reviewed)
    assert f"{left} not reviewed" in exported.ui.verdictLabel.text
    select(exported, 4)
    key(exported, "N")
    assert f"{left - 1} not reviewed" in exported.ui.verdictLabel.text and color(exported) == "green"
    exported.ui.undoButton.click()


@pytest.mark.parametrize("folder", ["out", "./out", "~nobody-of-this-name/out"])
def test_a_folder_that_is_no_full_path_is_refused_with_advice(exported, monkeypatch, tmp_path, folder):
    monkeypatch.chdir(tmp_path)
    told, before = exported.ui.verdictLabel.text, exported.ui.exportFolderPathLineEdit.currentPath
    exported.ui.exportFolderPathLineEdit.currentPath = folder
    exported.ui.exportButton.click()
    assert not exported.busy and "full path" in exported.ui.verdictLabel.text and color(exported) == "red"
    assert not list(tmp_path.iterdir())
    exported.ui.exportFolderPathLineEdit.currentPath = before
    assert exported.ui.verdictLabel.text == told and color(exported) == "green", "the last export is what it was"


def test_the_folder_below_home_can_be_written_with_a_tilde(exported, monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    exported.ui.exportFolderPathLineEdit.currentPath = "~/out"
    exported.ui.exportButton.click()
    wait(lambda: not exported.busy)
    assert exported.study.folder == str(tmp_path / "out") and list((tmp_path / "out" / "images").rglob("*.jpg"))


def test_without_a_folder_nothing_can_be_exported(exported):
    exported.ui.exportFolderPathLineEdit.currentPath = "  "
    assert not exported.ui.exportButton.enabled


def test_a_refused_export_says_why(panel, tmp_path):
    target = tmp_path / "file"
    target.write_text("in the way")
    panel.ui.exportFolderPathLineEdit.currentPath = str(target)
    panel.ui.exportButton.click()
    wait(lambda: not panel.busy)
    assert panel.ui.verdictLabel.text.startswith("Nothing was exported:")
    assert not panel.ui.showFolderButton.enabled
    shoot(panel, "20-refused")


def test_saving_the_scene_asks_once_whether_the_text_goes_with_it(panel):
    with declining("27-question-text") as asked:
        for _ in range(2):
            slicer.mrmlScene.InvokeEvent(slicer.mrmlScene.StartSaveEvent)
    assert len(asked) == 1
    assert not panel.study.keepText


def test_overlays_of_another_image_are_not_drawn_over_this_one(panel):
    first = panel.study
    assert first.segmentation.GetDisplayNode().GetVisibility()
    panel.parameters.inputNode = _ramp()
    shown = panel.ui.inputSelector.currentNode()
    assert shown is panel.parameters.inputNode is not first.node
    assert panel.study is None and not first.segmentation.GetDisplayNode().GetVisibility()
    panel.ui.applyButton.click()
    wait(lambda: not panel.busy)
    second = panel.study
    assert second, panel.ui.statusLabel.text
    assert second.segmentation.GetDisplayNode().GetVisibility() and not first.segmentation.GetDisplayNode().GetVisibility()
    panel.parameters.inputNode = first.node
    assert first.segmentation.GetDisplayNode().GetVisibility() and not second.segmentation.GetDisplayNode().GetVisibility()


def _ramp():
    return slicer.util.addVolumeFromArray(np.tile(np.linspace(20, 250, 120, dtype=np.uint8), (1, 90, 1)))


def test_closing_the_scene_empties_the_panel(analysed):
    slicer.mrmlScene.Clear(0)
    assert analysed.study is None
    assert analysed.ui.regionTable.rowCount == 0
    assert not analysed.ui.exportButton.enabled and not analysed.ui.applyButton.enabled
    shoot(analysed, "21-closed")
