"""The module's self-test: runs in Slicer on the sample study, with the logic first and then with the panel as a person uses it.

Where packages are missing the test is skipped, and says so; it installs nothing. If the environment variable
PYLOGIKSLICER_SCREENSHOTS names a folder, each step of the panel writes a picture of the main window there.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import slicer

from . import dependencies

# Seconds that a step of the panel may take.
STEP_SECONDS = 300
# Size of the main window in pictures, pixels.
PICTURE_SIZE = (1580, 1040)

# Loads the sample study, and returns its node in a list.
LoadSample = Callable[[], list]


def testLogic(test, logic, loadSample: LoadSample) -> None:
    """Find text in the sample, decide, undo, mask, and compare."""
    if _packagesMissing():
        return
    try:
        (node,) = loadSample()
        study = logic.process(node, variant="deid")
        test.assertGreater(len(study.review.regions), 0, "text in the sample")
        test.assertTrue(all(region.decision == "redact" for region in study.review.regions))
        study.review.decide([0], "keep")
        logic.refresh(study)
        study.review.undo()
        logic.refresh(study)
        test.assertEqual(study.review.regions[0].decision, "redact")
        result = logic.makeResult(study)
        test.assertIsNotNone(result)
        drawn = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "drawn")
        drawn.GetSegmentation().CopySegmentFromSegmentation(study.segmentation.GetSegmentation(), "redacted")
        scores = logic.compare(study.segmentation, drawn).comparisons["redacted"].of_frames(1)
        test.assertEqual(scores[logic.studyLogic.currentFrame(study)].dice, 1)
    finally:
        logic.close()


def testPanel(test, loadSample: LoadSample) -> None:
    """Load, run, review, undo, compare, export, change and remove, with the panel's own controls."""
    if _packagesMissing():
        return
    if slicer.app.layoutManager() is None:
        print("PyLogikSlicerTest: the panel is skipped, there is no main window")
        return
    slicer.util.selectModule("PyLogikSlicer")
    panel = slicer.util.getModuleWidget("PyLogikSlicer")
    ui, shots = panel.ui, _Screenshots()
    test.assertFalse(ui.applyButton.enabled, "nothing to apply to yet")
    ui.inputSelector.setCurrentNode(loadSample()[0])
    shots.take("1-loaded")
    ui.applyButton.click()
    _wait(test, lambda: not panel.busy)
    test.assertIsNotNone(panel.study, ui.statusLabel.text)
    shots.take("2-found")
    review, count = panel.study.review, len(panel.study.review.regions)
    test.assertEqual(ui.regionTable.rowCount, count)
    row = next(row for row in range(count) if not review.matching_header([row]))  # keeping a name would open a question
    for button in (ui.keepButton, ui.deleteButton):
        ui.regionTable.selectRow(row)
        button.click()
        test.assertEqual(review.regions[row].decision, "keep")
        ui.undoButton.click()
        test.assertEqual(review.regions[row].decision, "redact")
    shots.take("3-reviewed")
    ui.sideBySideButton.click()
    shots.take("4-side-by-side")
    ui.originalButton.click()
    _compare(test, panel)
    shots.take("5-compared")
    folder = tempfile.mkdtemp()
    try:
        ui.exportFolderPathLineEdit.currentPath = str(Path(folder) / "out")
        ui.exportButton.click()
        _wait(test, lambda: not panel.busy)
        shots.take("6-exported")
        test.assertTrue(panel.study.exported, ui.verdictLabel.text)
        test.assertTrue(list((Path(folder) / "out" / "images").rglob("*.jpg")))
        ui.regionTable.selectRow(row)
        ui.keepButton.click()
        test.assertIn("changed since the export", ui.verdictLabel.text)
        shots.take("7-changed")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    slicer.mrmlScene.RemoveNode(panel.study.node)
    slicer.app.processEvents()
    test.assertIsNone(panel.study)
    test.assertEqual(ui.regionTable.rowCount, 0, ui.statusLabel.text)
    slicer.mrmlScene.Clear()
    test.assertFalse(ui.exportButton.enabled, "the study went with the scene")


def _compare(test, panel) -> None:
    """Compare the text on the frame that is shown with itself, in copies: the study's own segmentation is compared on all frames."""
    ui, found = panel.ui, panel.study.segmentation
    drawn = [slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", name) for name in ("drawn", "drawn again")]
    for node in drawn:
        node.GetSegmentation().CopySegmentFromSegmentation(found.GetSegmentation(), "redacted")
    ui.compareCollapsibleButton.collapsed = False
    ui.predictionSelector.setCurrentNode(drawn[0])
    ui.truthSelector.setCurrentNode(drawn[1])
    ui.compareButton.click()
    _wait(test, lambda: ui.scoreTable.rowCount > 0)
    test.assertEqual(float(ui.scoreTable.item(0, 2).text()), 1)


def _packagesMissing() -> bool:
    """Whether packages are missing for the test; they are printed."""
    module = Path(slicer.util.modulePath("PyLogikSlicer"))
    path = module.parent / "Resources" / "requirements.txt"
    missing = [requirement.name for requirement in dependencies.requirements(path) if requirement.missing]
    if missing:
        print(f"PyLogikSlicerTest: skipped, not installed: {', '.join(missing)}")
    return bool(missing)


def _wait(test, done: Callable[[], bool]) -> None:
    """Let Slicer handle events until ``done()``."""
    end = time.monotonic() + STEP_SECONDS
    while not done():
        test.assertLess(time.monotonic(), end, "it takes too long")
        slicer.app.processEvents()
        time.sleep(0.02)


class _Screenshots:
    """Writes pictures of the main window, if a folder for them is named."""

    def __init__(self) -> None:
        folder = os.environ.get("PYLOGIKSLICER_SCREENSHOTS")
        self._folder = Path(folder) if folder else None
        if self._folder:
            slicer.util.mainWindow().resize(*PICTURE_SIZE)

    def take(self, name: str) -> None:
        slicer.app.processEvents()
        window = slicer.util.mainWindow()
        if self._folder and window:
            slicer.util.forceRenderAllViews()
            self._folder.mkdir(parents=True, exist_ok=True)
            window.grab().save(str(self._folder / f"{name}.png"))
