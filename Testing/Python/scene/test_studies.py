"""A study of the scene: found in the voxels or the files, shown where it is, and gone with the scene."""

import gc
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pytest
import slicer
from scene_samples import OPTIONS, addSequence, addVolume, ink, screen, segment
from small_runs import environment

from PyLogikSlicerLib.core.errors import PyLogikSlicerError, UsageError
from PyLogikSlicerLib.core.masking import region_mask
from PyLogikSlicerLib.core.options import Options
from PyLogikSlicerLib.core.private_folders import own_folder
from PyLogikSlicerLib.core.progress import Progress
from PyLogikSlicerLib.scene import frames
from PyLogikSlicerLib.scene.logic import StudyLogic
from PyLogikSlicerLib.worker.messages import AnalysisResult, Failed


@pytest.fixture(autouse=True)
def temporary(tmp_path, monkeypatch):
    """A temporary folder of this test's own, so that it sees the private folders of its own processes only."""
    own_folder()
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)


def privateFolders():
    return list(Path(tempfile.gettempdir()).glob("pylogikslicer-*"))


def wait(logic, done, seconds=60):
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end
        logic.poll()
        time.sleep(0.01)


IMAGE = screen()
KINDS = {
    "8 bits": IMAGE[None],
    "16 bits, signed": IMAGE[None].astype(np.int16) * 9 - 1024,
    "floating point": IMAGE[None].astype(np.float32) / 255,
    "color": np.stack([IMAGE, IMAGE // 2 + 15, np.full_like(IMAGE, 30)], axis=2)[None],
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("geometry", ["upright", "oblique", "flipped"])
def test_text_of_a_volume_is_covered_by_the_overlay_voxel_for_voxel(logic, kind, geometry):
    array = KINDS[kind]
    volume = addVolume(array, geometry)
    study = logic.process(volume, **OPTIONS)
    assert study is logic.studyOf(volume) and study.source.files == () and study.notes == ()
    mask = region_mask(study.review.regions, *IMAGE.shape)
    assert mask[ink(IMAGE)].mean() > 0.99 and mask.mean() < 0.3
    assert (segment(study, "redacted")[0] == mask).all()
    assert not segment(study, "kept").any() and not segment(study, "ROI").any()
    assert (slicer.util.arrayFromVolume(volume) == array).all()


def test_each_slice_of_a_volume_shows_its_own_text(logic):
    array = np.stack([screen("AB 1234", 20, 20), screen("", 0, 0), screen("XY 9876", 60, 80)])
    study = logic.process(addVolume(array, "oblique"), **OPTIONS)
    seen = segment(study, "redacted")
    for k in range(3):
        on_slice = [region for region in study.review.regions if region.covers(k)]
        assert (seen[k] == region_mask(on_slice, *array.shape[1:])).all()
    assert seen[0][ink(array[0])].mean() > 0.99 and seen[2][ink(array[2])].mean() > 0.99


def test_decisions_are_shown_at_once_and_undone_at_once(logic):
    study = logic.process(addVolume(IMAGE[None]), **OPTIONS)
    before = segment(study, "redacted")
    study.review.decide(range(len(study.review.regions)), "keep")
    logic.refresh(study)
    assert not segment(study, "redacted").any() and (segment(study, "kept") == before).all()
    assert set(decisions(study)) == {"keep"}
    study.review.undo()
    logic.refresh(study)
    assert (segment(study, "redacted") == before).all() and not segment(study, "kept").any()
    assert set(decisions(study)) == {"redact"}


def decisions(study):
    return [study.table.GetTable().GetColumnByName("decision").GetValue(row) for row in range(study.table.GetNumberOfRows())]


def cine():
    return [screen(f"TIME {number}{number}", 20, 20 + 25 * number)[None] for number in range(3)]


@pytest.mark.parametrize("geometry", ["upright", "flipped"])
def test_the_overlay_of_a_sequence_follows_its_browser(logic, geometry):
    sequence, browser = addSequence(cine(), geometry)
    study = logic.process(sequence, **OPTIONS)
    for number in (0, 2, 1):
        browser.SetSelectedItemNumber(number)
        assert logic.currentFrame(study) == number
        on_frame = [region for region in study.review.regions if region.covers(number)]
        assert (segment(study, "redacted")[0] == region_mask(on_frame, *IMAGE.shape)).all()
        assert segment(study, "redacted")[0][ink(cine()[number][0])].mean() > 0.99


def test_a_sequence_is_known_by_its_proxy_too(logic):
    sequence, browser = addSequence(cine())
    proxy = browser.GetProxyNode(sequence)
    study = logic.process(proxy, **OPTIONS)
    assert study.node is sequence and logic.studyOf(proxy) is study and logic.studyOf(sequence) is study
    assert logic.studyOf(study.segmentation) is study and logic.studyOf(study.table) is study
    logic.showFrame(study, 2)
    assert browser.GetSelectedItemNumber() == 2 and (slicer.util.arrayFromVolume(proxy) == cine()[2]).all()


def test_frames_of_a_sequence_of_volumes_are_the_slices_of_all_items(logic):
    items = [np.stack([screen("", 0, 0), screen("AB 1234", 20, 20)]), np.stack([screen("XY 9876", 60, 80), screen("", 0, 0)])]
    sequence, browser = addSequence(items, "oblique")
    study = logic.process(sequence, **OPTIONS)
    assert frames.shape(sequence) == (4, 120, 160, 2) and study.review.frame_count == 4
    browser.SetSelectedItemNumber(1)
    assert segment(study, "redacted")[0][ink(items[1][0])].mean() > 0.99


def test_a_second_analysis_takes_the_place_of_the_first(logic):
    volume = addVolume(IMAGE[None])
    first = logic.process(volume, **OPTIONS)
    segmentation = first.segmentation
    second = logic.process(volume, **OPTIONS)
    assert logic.studyOf(volume) is second and len(logic.studies) == 1 and segmentation.GetScene() is None
    assert slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode") == 1


def test_a_second_analysis_that_cannot_be_used_leaves_the_first(logic):
    volume = addVolume(IMAGE[None])
    study = logic.process(volume, **OPTIONS)
    result = AnalysisResult(study.review.analysis, rows=120, columns=160, frames=2, engine="")
    with pytest.raises(UsageError):
        logic._addStudy(volume, study.source, study.options, result, study.source)
    assert logic.studyOf(volume) is study and study.segmentation.GetScene() is slicer.mrmlScene


def test_the_region_of_interest_is_a_segment_of_its_own(logic):
    image = np.zeros((120, 160), np.uint8)
    image[30:100, 40:120] = 30 + np.random.default_rng(0).integers(0, 60, (70, 80))
    study = logic.process(addVolume(image[None], "flipped"), variant="deid-one", **OPTIONS)
    assert (segment(study, "ROI")[0] == study.review.roi.mask()).all() and 0.2 < study.review.roi.kept_share < 0.4


def test_nodes_are_placed_under_the_study_of_the_volume(logic):
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    item = hierarchy.CreateStudyItem(hierarchy.CreateSubjectItem(hierarchy.GetSceneItemID(), "subject"), "study")
    volume = addVolume(IMAGE[None])
    hierarchy.CreateItem(item, volume)
    study = logic.process(volume, **OPTIONS)
    result = logic.makeResult(study)
    for node in (study.segmentation, study.table, result):
        assert hierarchy.GetItemParent(hierarchy.GetItemByDataNode(node)) == item


def test_what_is_no_image_is_refused_with_advice(logic):
    empty = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode")
    mixed, _ = addSequence([IMAGE[None], IMAGE[None, :50]])
    nothing = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSequenceNode")
    vectors = addVolume(np.zeros((1, 20, 20, 3), np.uint8))
    slicer.util.updateVolumeFromArray(vectors, np.zeros((1, 20, 20, 2), np.uint8))
    for node in (empty, mixed, nothing, vectors):
        with pytest.raises(UsageError):
            logic.process(node, **OPTIONS)
    assert not logic.busy and not logic.studies


def test_a_failure_is_told_and_leaves_the_scene_as_it_was(logic):
    volume = addVolume(np.zeros((1, 60, 60), np.uint8))
    count = slicer.mrmlScene.GetNumberOfNodes()
    with pytest.raises(PyLogikSlicerError, match="no region found"):
        logic.process(volume, variant="deid-one", **OPTIONS)
    assert slicer.mrmlScene.GetNumberOfNodes() == count and not privateFolders()


def longCine():
    generator = np.random.default_rng(1)
    return [np.maximum(screen(f"FRAME {n}"), generator.integers(0, 90, (1, 120, 160), dtype=np.uint8)) for n in range(120)]


def startLong(logic):
    sequence, _ = addSequence(longCine())
    events = []
    logic.start(sequence, Options(**OPTIONS), events.append)
    wait(logic, lambda: events)
    assert logic.busy and isinstance(events[0], Progress) and privateFolders()
    assert all(folder.stat().st_mode & 0o777 == 0o700 for folder in privateFolders())
    return sequence, events


def test_cancel_within_a_second_leaves_the_scene_as_it_was(logic):
    sequence, events = startLong(logic)
    before, count = time.monotonic(), slicer.mrmlScene.GetNumberOfNodes()
    logic.cancel()
    assert time.monotonic() - before < 1
    told = len(events)
    logic.poll()
    assert (len(events), logic.busy, logic.studies, privateFolders()) == (told, False, {}, [])
    assert slicer.mrmlScene.GetNumberOfNodes() == count


def test_closing_the_scene_in_the_middle_of_the_work_cancels_it(logic):
    startLong(logic)
    slicer.mrmlScene.Clear(0)
    assert not logic.busy and not logic.studies and not privateFolders()
    volume = addVolume(IMAGE[None])
    assert logic.process(volume, **OPTIONS).review.regions


def test_removing_the_volume_in_the_middle_of_the_work_ends_it_and_whoever_waits_is_told(logic):
    sequence, events = startLong(logic)
    slicer.mrmlScene.RemoveNode(sequence)
    assert not logic.busy and not privateFolders()
    assert isinstance(events[-1], Failed) and "removed from the scene" in events[-1].reason
    logic.poll()
    assert sum(isinstance(event, Failed) for event in events) == 1


def test_removing_another_node_in_the_middle_of_the_work_harms_it_not(logic):
    sequence, events = startLong(logic)
    slicer.mrmlScene.RemoveNode(addVolume(IMAGE[None]))
    assert logic.busy and isinstance(events[-1], Progress)


def test_what_is_not_in_the_scene_is_refused_with_advice(logic):
    gone = addVolume(IMAGE[None])
    study = logic.process(gone, **OPTIONS)
    slicer.mrmlScene.RemoveNode(gone)
    for refused in (
        lambda: logic.process(gone, **OPTIONS),
        lambda: logic.process(None, **OPTIONS),
        lambda: logic.pickThreshold(gone, [0, 0, 0]),
        lambda: logic.export(study, "/nowhere"),
    ):
        with pytest.raises(UsageError, match="load it again|choose a volume"):
            refused()
    assert not logic.busy


def test_closing_the_scene_forgets_the_studies_and_removing_a_volume_its_own(logic):
    first, second = addVolume(IMAGE[None]), addVolume(IMAGE[None])
    studies = [logic.process(volume, **OPTIONS) for volume in (first, second)]
    slicer.mrmlScene.RemoveNode(first)
    assert list(logic.studies.values()) == studies[1:] and studies[0].segmentation.GetScene() is None
    slicer.mrmlScene.Clear(0)
    assert not logic.studies


def test_one_thing_at_a_time(logic):
    startLong(logic)
    with pytest.raises(UsageError, match="cancel"):
        logic.start(addVolume(IMAGE[None]), Options(**OPTIONS), lambda event: None)


def test_a_logic_that_nobody_holds_takes_its_worker_along(scene):
    """Whoever types PyLogikSlicerLogic().process(...) in the console never closes it."""
    logic = StudyLogic()
    sequence, browser = addSequence(cine())
    study = logic.process(sequence, **OPTIONS)
    process = logic._jobs._worker.process
    assert process.poll() is None
    del logic
    gc.collect()
    assert process.poll() is not None
    browser.SetSelectedItemNumber(2)
    slicer.mrmlScene.RemoveNode(sequence)
    assert study.review.regions


def test_the_gpu_is_told_or_why_there_is_none(logic):
    events = []
    logic.devices(events.append)
    wait(logic, lambda: not logic.busy)
    assert bool(events[-1].result.gpu) != bool(events[-1].result.reason)


def test_nothing_heavy_is_imported_with_the_logic():
    """The module is imported when Slicer starts, before anything was installed."""
    code = (
        "import sys, PyLogikSlicerLib.scene.logic; print(sorted({'cv2', 'pydicom', 'onnxruntime', 'SimpleITK', 'PIL'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment())
    assert done.stdout.strip() == "[]", done.stderr
