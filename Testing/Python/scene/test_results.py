"""The result beside the original: masked, on the same geometry, and the original untouched; both in a saved scene."""

import io
import re
import zipfile

import numpy as np
import pytest
import slicer
from planted import speckle
from scene_samples import OPTIONS, addSequence, addVolume, matrix, screen, segment
from small_runs import assert_consistent, dicom, shared_files, table

from PyLogikSlicerLib.core.errors import PyLogikSlicerError
from PyLogikSlicerLib.core.masking import region_mask
from PyLogikSlicerLib.core.options import Options
from PyLogikSlicerLib.scene import frames, loading
from PyLogikSlicerLib.worker.messages import Done

IMAGE = screen()


def geometry(volume):
    result = frames.vtk.vtkMatrix4x4()
    volume.GetIJKToRASMatrix(result)
    return np.array([[result.GetElement(row, column) for column in range(4)] for row in range(4)])


@pytest.mark.parametrize("kind", ["upright", "oblique", "flipped"])
@pytest.mark.parametrize(
    "array", [IMAGE[None], IMAGE[None].astype(np.int16) * 9 - 1024, np.stack([IMAGE] * 3, axis=2)[None]], ids=["8 bits", "signed", "color"]
)
def test_the_result_is_masked_exactly_and_the_original_stays(logic, kind, array):
    volume = addVolume(array, kind)
    transform = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    transform.SetMatrixTransformToParent(matrix("oblique"))
    volume.SetAndObserveTransformNodeID(transform.GetID())
    study = logic.process(volume, **OPTIONS)
    result = logic.makeResult(study)
    assert np.allclose(geometry(result), geometry(volume), atol=1e-12) and result.GetTransformNodeID() == volume.GetTransformNodeID()
    assert result.GetClassName() == volume.GetClassName() and not result.GetAttributeNames() and result.GetStorageNode() is None
    mask = region_mask(study.review.regions, *IMAGE.shape)
    masked, original = slicer.util.arrayFromVolume(result)[0], slicer.util.arrayFromVolume(volume)[0]
    assert (original == array[0]).all() and masked.dtype == array.dtype
    assert (masked[~mask] == array[0][~mask]).all() and (masked[mask] == (0 if array.dtype == np.uint8 else array.min())).all()
    if array.ndim == 3 and array.dtype != np.uint8:
        assert result.GetDisplayNode().GetWindow() == volume.GetDisplayNode().GetWindow()


def test_the_result_follows_every_step_of_the_review(logic):
    study = logic.process(addVolume(IMAGE[None]), **OPTIONS)
    result = logic.makeResult(study)
    assert (slicer.util.arrayFromVolume(result)[0] != IMAGE).any()
    study.review.decide(range(len(study.review.regions)), "keep")
    logic.refresh(study)
    assert (slicer.util.arrayFromVolume(result)[0] == IMAGE).all()
    study.review.undo()
    logic.refresh(study)
    assert (slicer.util.arrayFromVolume(result)[0] == 0).any() and logic.makeResult(study) is result


def test_the_result_of_a_sequence_plays_in_the_same_browser(logic):
    items = [screen(f"TIME {number}{number}", 20, 20 + 25 * number)[None] for number in range(3)]
    sequence, browser = addSequence(items, "flipped")
    study = logic.process(sequence, **OPTIONS)
    proxy = logic.makeResult(study)
    assert logic.studyOf(proxy) is study and proxy is browser.GetProxyNode(study.result)
    for number in (2, 0, 1):
        browser.SetSelectedItemNumber(number)
        mask = segment(study, "redacted")[0]
        assert (slicer.util.arrayFromVolume(proxy)[0] == np.where(mask, 0, items[number][0])).all()
        assert (slicer.util.arrayFromVolume(sequence.GetNthDataNode(number)) == items[number]).all()
    study.review.decide(range(len(study.review.regions)), "keep")
    logic.refresh(study)
    assert (slicer.util.arrayFromVolume(proxy)[0] == items[1][0]).all()


def test_nodes_that_a_person_removed_are_made_again(logic):
    study = logic.process(addVolume(IMAGE[None]), **OPTIONS)
    covered = segment(study, "redacted")
    for node in (logic.makeResult(study), study.segmentation, study.table):
        slicer.mrmlScene.RemoveNode(node)
    logic.refresh(study)
    assert study.result is None and (slicer.util.arrayFromVolume(logic.makeResult(study)) == 0).any()
    assert (segment(study, "redacted") == covered).all() and study.table.GetNumberOfRows() == len(study.review.regions)


@pytest.mark.parametrize("keep", [False, True])
def test_a_saved_scene_holds_all_but_the_text_unless_the_person_wants_it(logic, tmp_path, keep):
    volume = addVolume(IMAGE[None], "flipped")
    study = logic.process(volume, **OPTIONS)
    result = logic.makeResult(study)
    logic.storeText(study, keep)
    before = segment(study, "redacted"), slicer.util.arrayFromVolume(result).copy(), geometry(volume)
    text = max((region.text for region in study.review.regions), key=len)
    assert len(text) > 4
    assert slicer.mrmlScene.WriteToMRB(str(tmp_path / "scene.mrb"))
    assert (text.encode() in everything(tmp_path / "scene.mrb")) == keep
    assert b"reason" in everything(tmp_path / "scene.mrb")
    slicer.mrmlScene.Clear(0)
    assert not logic.studies
    assert slicer.mrmlScene.ReadFromMRB(str(tmp_path / "scene.mrb"), True)
    loaded, shown = slicer.util.getNode("sample"), slicer.util.getNode("sample result")
    segmentation, rows = slicer.util.getNode("sample text"), slicer.util.getNode("sample regions")
    assert np.allclose(geometry(loaded), before[2]) and np.allclose(geometry(shown), before[2])
    assert (slicer.util.arrayFromVolume(shown) == before[1]).all()
    assert (slicer.util.arrayFromSegmentBinaryLabelmap(segmentation, "redacted", loaded).astype(bool) == before[0]).all()
    assert (rows.GetTable().GetColumnByName("text") is not None) == keep
    assert rows.GetTable().GetColumnByName("decision").GetValue(0) == "redact"


def everything(path) -> bytes:
    """The content of all files of a bundle, compressed ones unpacked."""
    with zipfile.ZipFile(path) as bundle:
        return b"\n".join(io.BytesIO(bundle.read(name)).read() for name in bundle.namelist())


def test_a_scene_with_a_sequence_and_its_result_survives_saving(logic, tmp_path):
    items = [screen(f"TIME {number}{number}", 20, 20 + 25 * number)[None] for number in range(3)]
    sequence, browser = addSequence(items, "oblique")
    study = logic.process(sequence, **OPTIONS)
    logic.makeResult(study)
    expected = [slicer.util.arrayFromVolume(study.result.GetNthDataNode(number)).copy() for number in range(3)]
    assert slicer.mrmlScene.WriteToMRB(str(tmp_path / "scene.mrb"))
    slicer.mrmlScene.Clear(0)
    assert slicer.mrmlScene.ReadFromMRB(str(tmp_path / "scene.mrb"), True)
    sequences = slicer.util.getNodesByClass("vtkMRMLSequenceNode")
    loaded = next(node for node in sequences if node.GetName() == "cine result")
    assert [(slicer.util.arrayFromVolume(loaded.GetNthDataNode(n)) == expected[n]).all() for n in range(3)] == [True] * 3


def test_an_export_tells_its_verdict_and_writes_what_the_command_line_writes(logic, tmp_path):
    study = logic.process(addVolume(IMAGE[None], name="Quillfeather^Ann"), **OPTIONS)
    assert (
        logic.export(study, str(tmp_path / "out"), format="png")
        == "1 masked, 0 kept, 1 not reviewed, 1/1 frames examined, 0 residues, 1 file"
    )
    assert study.exported and study.folder == str(tmp_path / "out")
    assert_consistent(tmp_path / "out")
    assert table(tmp_path / "out", "crosswalk")[0]["source"].startswith("scene: Quillfeather^Ann ")
    assert not re.search(b"quill|feather", b"".join(shared_files(tmp_path / "out").values()), re.IGNORECASE)


def test_an_export_is_refused_with_the_reason_and_can_be_repeated(logic, tmp_path):
    study = logic.process(addVolume(IMAGE[None]), **OPTIONS)
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(PyLogikSlicerError, match="cannot be written to"):
        logic.export(study, str(tmp_path / "file"))
    assert not study.exported and "cannot be written to" in study.verdict
    assert logic.export(study, str(tmp_path / "out")) and study.exported


def test_an_export_without_images_writes_the_text_alone(logic, tmp_path):
    study = logic.process(addVolume(IMAGE[None]), **OPTIONS)
    events = []
    logic.startExport(study, str(tmp_path / "out"), Options(images=False), events.append)
    while logic.busy:
        logic.poll()
    assert isinstance(events[-1], Done) and study.exported
    assert not list((tmp_path / "out" / "images").iterdir()) and table(tmp_path / "out", "text")


def test_an_accepted_region_of_interest_is_proposed_for_the_next_study_of_the_scanner(logic, tmp_path):
    """A person moves the border; the next study of the scanner begins with the border where the person had put it."""
    scanner = {"Manufacturer": "ACME", "ManufacturerModelName": "Echo 2"}
    first, second = (loading.load([str(dicom(tmp_path / f"{n}.dcm", [speckle(240, 320, n)], **scanner))])[0] for n in (1, 2))
    study = logic.process(first, variant="deid-us", **OPTIONS)
    (handles,) = logic.roiControlPoints(study)
    grid = frames.PixelGrid(first)
    pixels = [grid.toPixel(handle)[:2] for handle in handles]
    logic.moveRoi(study, [grid.toRas([(x, y + 2) for x, y in pixels], 0)])
    assert "1/1 frames examined, 0 residues" in logic.export(study, str(tmp_path / "out"))
    proposed = logic.process(second, variant="deid-us", **OPTIONS).review.roi
    assert proposed.notes == ("template of this scanner",) and proposed.crop == study.review.roi.crop
    assert (proposed.mask() != study.review.roi.mask()).mean() < 0.001


def test_volumes_of_one_name_are_exported_side_by_side_and_one_twice_takes_its_own_place(logic, tmp_path):
    studies = [logic.process(addVolume(screen(text)[None]), **OPTIONS) for text in ("AB 1234", "XY 9876")]
    for study in (*studies, studies[0]):
        logic.export(study, str(tmp_path / "out"))
    assert_consistent(tmp_path / "out")
    assert len(list((tmp_path / "out" / "images").iterdir())) == len(table(tmp_path / "out", "crosswalk")) == 2
