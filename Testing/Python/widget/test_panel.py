"""The panel before anything is found: what can be done when, loading, packages, the DICOM database, errors."""

from __future__ import annotations

import sys
import time
from types import SimpleNamespace

import numpy as np
import pytest
import slicer
from panel_steps import PICTURES, ROOT, press, shoot, wait
from PIL import Image
from pydicom import examples

EXAMPLE = str(examples.get_path("rgb_color"))


@pytest.fixture
def loaded(panel):
    panel.input.load([EXAMPLE])
    assert panel.parameters.inputNode is not None, panel.ui.statusLabel.text
    return panel


def enabled(panel) -> set[str]:
    names = (name for name in vars(panel.ui) if name.endswith("Button") and not name.endswith("CollapsibleButton"))
    return {name for name in names if getattr(panel.ui, name).enabled}


def test_an_empty_panel_offers_to_load_and_nothing_else(panel):
    assert enabled(panel) == {"openFilesButton", "openFolderButton", "databaseButton"} | ({"loadSeriesButton"} & enabled(panel))
    assert not panel.ui.loadSeriesButton.enabled
    shoot(panel, "1-empty")


def test_it_fits_a_laptop_screen_without_scrolling(panel):
    slicer.app.processEvents()
    assert panel.parent.minimumSizeHint().width() <= 400
    assert panel.parent.minimumSizeHint().height() <= 900


def test_a_loaded_file_becomes_the_input_and_is_shown(loaded):
    assert {"applyButton", "pickButton"} <= enabled(loaded)
    assert not {"exportButton", "redactButton", "cancelButton", "addButton"} & enabled(loaded)
    picture = slicer.app.layoutManager().sliceWidget("Red").sliceView().picture()
    assert picture.std() > 10
    shoot(loaded, "2-loaded")


def test_files_can_be_dropped_on_the_panel(panel):
    import qt
    from PySide6 import QtCore, QtGui

    data = QtCore.QMimeData()
    data.setUrls([QtCore.QUrl.fromLocalFile(EXAMPLE)])
    actions = QtCore.Qt.DropAction.CopyAction
    where = QtCore.QPoint(20, 20)
    left, none = QtCore.Qt.MouseButton.LeftButton, QtCore.Qt.KeyboardModifier.NoModifier
    entering = QtGui.QDragEnterEvent(where, actions, data, left, none)
    entering.ignore()
    qt.application.sendEvent(panel._uiWidget, entering)
    assert entering.isAccepted()
    qt.application.sendEvent(panel._uiWidget, QtGui.QDropEvent(QtCore.QPointF(where), actions, data, left, none))
    wait(lambda: panel.parameters.inputNode is not None, 20)


def test_what_is_no_image_is_refused_with_a_reason_and_without_its_name(panel, tmp_path):
    path = tmp_path / "Jane Doe.dcm"
    path.write_bytes(b"nothing" * 100)
    panel.input.load([str(path)])
    assert panel.parameters.inputNode is None
    assert panel.ui.statusLabel.text and "Jane" not in panel.ui.statusLabel.text
    shoot(panel, "3-refused")


def test_what_the_controls_say_is_kept_when_the_module_is_left_and_entered_again(panel):
    panel.ui.variantComboBox.setCurrentIndex(1)
    panel.ui.thresholdSpinBox.value = 17
    panel.ui.keepMeasurementsCheckBox.checked = True
    panel.exit()
    panel.enter()
    options = panel.options()
    assert (options.variant, options.threshold, options.keep) == ("deid-us", 17, "measurements")
    assert panel.ui.variantComboBox.currentText == "Ultrasound sector (deid-us)"


def test_keys_and_mouse_are_left_alone_while_another_module_is_shown(loaded):
    import qt

    def shortcuts():
        return len(loaded._uiWidget.findChildren(qt.QtGui.QShortcut))

    assert shortcuts() == 7
    loaded.exit()
    assert shortcuts() == 0
    press("Red", (100, 100))
    slicer.app.layoutManager().setLayout(3)
    loaded.enter()
    loaded.exit()
    loaded.enter()
    assert shortcuts() == 7
    assert loaded.parameters.inputNode is not None


def test_every_choice_is_one_that_the_engine_knows(panel):
    from PyLogikSlicer import Device, Engine, ImageFormat, Variant
    from PyLogikSlicerLib.core.options import VARIANTS
    from PyLogikSlicerLib.core.text_engines import ENGINES
    from PyLogikSlicerLib.detection.devices import DEVICES
    from PyLogikSlicerLib.writing.formats import FORMATS

    assert {choice.value for choice in Variant} == set(VARIANTS)
    assert {choice.value for choice in Engine} == set(ENGINES)
    assert {choice.value for choice in Device} == set(DEVICES)
    assert {choice.value for choice in ImageFormat} == set(FORMATS)
    assert panel.ui.formatComboBox.count == len(FORMATS)


def test_packages_are_asked_for_once_with_sizes_and_may_be_declined(panel, tmp_path, monkeypatch):
    import qt

    from PyLogikSlicerLib.widgets import dependencies

    wanted = (ROOT / "PyLogikSlicer" / "Resources" / "requirements.txt").read_text(encoding="utf-8")
    path = tmp_path / "requirements.txt"
    path.write_text(wanted + "# 3 MB: is nowhere\nno-such-package-anywhere>=1\n", encoding="utf-8")
    monkeypatch.setattr(panel, "resourcePath", lambda name: str(path))
    seen = []

    def decline():
        dialog = qt.application.activeModalWidget()
        table = dialog.findChild(qt.QtWidgets.QTableWidget)
        seen.append([table.item(row, column).text() for row in range(table.rowCount) for column in range(3)])
        PICTURES.mkdir(exist_ok=True)
        assert dialog.grab().save(str(PICTURES / "4-packages.png"))
        dialog.findChild(qt.QtWidgets.QPushButton, "notNowButton").click()

    qt.QTimer.singleShot(50, decline)
    assert not panel.ensureEngine()
    assert seen == [["no-such-package-anywhere", "3 MB", "is nowhere"]]
    assert "packages" in panel.ui.statusLabel.text
    assert len(dependencies.requirements(path)) == wanted.count(">=") + 1


def test_the_dialog_lists_everything_that_slicer_lacks(panel):
    from PyLogikSlicerLib.widgets import dependencies

    path = ROOT / "PyLogikSlicer" / "Resources" / "requirements.txt"
    every = dependencies.requirements(path, engine="easyocr")
    dialog = dependencies.makeDialog(every)
    dialog.show()
    PICTURES.mkdir(exist_ok=True)
    slicer.app.processEvents()
    assert dialog.grab().save(str(PICTURES / "5-all-packages.png"))
    dialog.close()
    assert {"onnxruntime", "torch", "easyocr"} <= {requirement.name for requirement in every}
    assert all(requirement.megabytes > 0 and requirement.purpose for requirement in every)


def test_an_older_package_that_slicer_has_imported_asks_for_a_restart_each_time(panel, monkeypatch):
    """Slicer 5.10 imports pydicom 2.4 when it starts; the new one is there only after the next start."""
    monkeypatch.setitem(sys.modules, "pydicom", SimpleNamespace(__version__="2.4.4"))
    for _ in range(2):
        assert not panel.ensureEngine()
        assert "Restart Slicer, since it still holds an older pydicom" in panel.ui.statusLabel.text


def test_installed_packages_are_not_asked_for(panel):
    assert panel.ensureEngine()
    assert panel.ui.statusLabel.text == ""


def test_the_database_shows_studies_and_can_hide_who_the_patient_is(panel):
    from PyLogikSlicerLib.scene.database import Patient, Series, Study
    from PyLogikSlicerLib.widgets.dicom_tree import DicomTree

    series = tuple(Series(f"1.2.{n}", str(n), "US", "4CH", n) for n in (1, 2))
    patient = Patient("Doe^Jane", "MRN 12345", "19700101", (Study("1.2", "20240102", "Echo", ("US",), series),))
    loaded = []
    ui = panel.ui
    tree = DicomTree(ui.databaseTree, lambda search: (patient,) if search in "doe^jane" else (), loaded.extend)
    ui.databaseWidget.setVisible(True)
    assert tree.show("") == 2
    shoot(panel, "6-database")
    top = ui.databaseTree.topLevelItem(0)
    top.child(0).setSelected(True)
    tree.load()
    assert loaded == ["1.2.1", "1.2.2"]
    tree.hideIdentity(True)
    assert ui.databaseTree.isColumnHidden(2) and ui.databaseTree.isColumnHidden(3) and not ui.databaseTree.isColumnHidden(1)
    assert "Doe" not in top.text(0) and "12345" not in top.text(0)
    assert tree.show("nobody") == 0


def test_without_a_database_the_panel_says_so(panel):
    panel.ui.databaseButton.click()
    assert panel.ui.databaseWidget.visible
    assert "database" in panel.ui.databaseLabel.text


def test_cancel_ends_the_work_within_a_second_and_leaves_the_scene_as_it_was(loaded):
    nodes = slicer.mrmlScene.GetNumberOfNodes()
    loaded.ui.applyButton.click()
    wait(lambda: loaded.busy, 5)
    assert {"cancelButton"} <= enabled(loaded) and "applyButton" not in enabled(loaded)
    shoot(loaded, "7-running")
    start = time.monotonic()
    loaded.ui.cancelButton.click()
    assert time.monotonic() - start < 1
    assert not loaded.busy and loaded.study is None
    assert slicer.mrmlScene.GetNumberOfNodes() == nodes
    assert "applyButton" in enabled(loaded) and "Canceled" in loaded.ui.statusLabel.text


def test_closing_the_scene_cancels_the_work(loaded):
    loaded.ui.applyButton.click()
    wait(lambda: loaded.busy, 5)
    slicer.mrmlScene.Clear(0)
    assert not loaded.busy
    assert loaded.parameters.inputNode is None
    assert "applyButton" not in enabled(loaded)


def test_an_image_without_a_region_of_interest_is_told_so(panel, tmp_path):
    path = tmp_path / "empty.png"
    Image.new("L", (200, 160)).save(path)
    panel.input.load([str(path)])
    panel.ui.variantComboBox.setCurrentIndex(1)
    panel.ui.applyButton.click()
    wait(lambda: not panel.busy)
    assert panel.study is None
    assert "region" in panel.ui.statusLabel.text
    shoot(panel, "8-no-region")


def test_a_loaded_scene_brings_its_input_and_settings(panel, tmp_path):
    image, path = slicer.util.addVolumeFromArray(np.full((1, 8, 9), 7, np.uint8), name="image"), str(tmp_path / "scene.mrml")
    panel.parameters.inputNode = image
    panel.ui.variantComboBox.setCurrentIndex(1)
    slicer.mrmlScene.Commit(path)
    slicer.mrmlScene.Clear(0)
    assert panel.parameters.inputNode is None
    panel.ui.variantComboBox.setCurrentIndex(0)
    slicer.mrmlScene.SetURL(path)
    slicer.mrmlScene.Import()
    assert panel.parameters.inputNode is not None and panel.parameters.inputNode.GetName() == "image"
    assert panel.ui.inputSelector.currentNode() is panel.parameters.inputNode
    assert panel.ui.variantComboBox.currentIndex == 1
