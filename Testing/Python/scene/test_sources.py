"""The files behind a volume are preferred: true pixels, colors, header; but only where they show the volume's own frames."""

import numpy as np
import pytest
import slicer
import vtk
from reading_samples import sample
from scene_samples import OPTIONS, addSequence, addVolume, ink, screen, segment
from small_runs import dicom, save, volume

from PyLogikSlicerLib.scene import jobs
from PyLogikSlicerLib.scene.sources import INSTANCES, sourceOf

NAMES = ["AB 1234", "CD 5678", "EF 9012"]


class Database:
    """A list of instances and where they are, asked as ``slicer.dicomDatabase`` is; the real one comes with Slicer only."""

    def __init__(self, files, series=""):
        self._files, self._series = {str(uid): str(file) for uid, file in files.items()}, series

    def fileForInstance(self, uid):
        return self._files.get(uid, "")

    def filesForSeries(self, uid):
        return tuple(self._files.values()) if uid == self._series else ()


def images():
    return [screen(name, 20, 20 + 20 * number) for number, name in enumerate(NAMES)]


def multiframe(path):
    return dicom(path, images(), PatientName="DOE^JANE", SOPInstanceUID="1.2.3")


def texts(study):
    return "".join(region.text for region in study.review.regions)


def test_the_file_of_a_sequence_is_read_with_its_header(logic, tmp_path):
    sequence, _ = addSequence([image[None] for image in images()])
    sequence.SetAttribute(INSTANCES, "1.2.3")
    logic.database = Database({"1.2.3": multiframe(tmp_path / "a.dcm")})
    study = logic.process(sequence, **OPTIONS)
    assert study.source.files == (str(tmp_path / "a.dcm"),) and study.notes == ()
    assert segment(study, "redacted")[0][ink(images()[0])].mean() > 0.99


def test_instances_are_found_by_the_items_and_by_the_series_in_the_subject_hierarchy(logic, tmp_path):
    file = multiframe(tmp_path / "a.dcm")
    sequence, browser = addSequence([image[None] for image in images()])
    assert sourceOf(sequence, Database({"1.2.3": file})).files == ()
    sequence.GetNthDataNode(1).SetAttribute(INSTANCES, "1.2.3")
    assert sourceOf(sequence, Database({"1.2.3": file})).files == (str(file),)
    sequence.GetNthDataNode(1).RemoveAttribute(INSTANCES)
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    item = hierarchy.CreateItem(hierarchy.GetSceneItemID(), browser.GetProxyNode(sequence))
    constants = slicer.vtkMRMLSubjectHierarchyConstants
    hierarchy.SetItemUID(item, constants.GetDICOMUIDName(), "1.2.9")
    other = dicom(tmp_path / "b.dcm", images(), SOPInstanceUID="1.2.4")
    assert sourceOf(sequence, Database({"1.2.3": file}, series="1.2.9")).files == (str(file),)
    hierarchy.SetItemUID(item, constants.GetDICOMInstanceUIDName(), "1.2.4")  # a series of two cines, of which this is one
    assert sourceOf(sequence, Database({"1.2.3": file, "1.2.4": other}, series="1.2.9")).files == (str(other),)


def series(folder, node, values):
    """Single-frame instances whose positions are those of the slices of ``node``, written in another order."""
    matrix = vtk.vtkMatrix4x4()
    node.GetIJKToRASMatrix(matrix)
    files = {}
    for k in (1, 2, 0):
        x, y, z, _ = matrix.MultiplyPoint((0, 0, k, 1))
        files[f"1.2.{k}"] = dicom(folder / f"{len(files)}.dcm", [values[k]], ImagePositionPatient=[-x, -y, z], SOPInstanceUID=f"1.2.{k}")
    return files


@pytest.mark.parametrize("geometry", ["upright", "oblique", "flipped"])
def test_a_series_is_one_study_over_its_slices_in_the_order_of_the_volume(logic, tmp_path, geometry):
    node = addVolume(np.stack(images()), geometry)
    files = series(tmp_path, node, images())
    node.SetAttribute(INSTANCES, " ".join(files))
    logic.database = Database(files)
    study = logic.process(node, **OPTIONS)
    assert study.source.files == tuple(str(files[f"1.2.{k}"]) for k in range(3)) and study.source.stack
    for k in range(3):
        assert segment(study, "redacted")[k][ink(images()[k])].mean() > 0.99
    assert logic.export(study, str(tmp_path / "out")) == "3 masked, 0 kept, 3 not reviewed, 3/3 frames examined, 0 residues, 3 files"


def test_rescaled_values_are_the_same_frames(logic, tmp_path):
    """Slicer applies slope and intercept; the files hold what was stored."""
    node = addVolume(np.stack(images()).astype(np.int16) * 2 - 1024)
    files = series(tmp_path, node, [image.astype(np.int16) for image in images()])
    node.SetAttribute(INSTANCES, " ".join(files))
    logic.database = Database(files)
    study = logic.process(node, **OPTIONS)
    assert len(study.source.files) == 3 and not study.notes


def flipped(array):
    return array[:, ::-1].copy()


@pytest.mark.parametrize(
    "changed",
    [flipped, lambda array: array[::-1].copy(), lambda array: array[:2].copy(), lambda array: array[:, :100].copy()],
    ids=["flipped", "other order", "a frame less", "cropped"],
)
def test_where_the_file_shows_other_frames_the_volume_itself_is_worked_on_and_that_is_said(logic, tmp_path, changed):
    array = changed(np.stack(images()))
    sequence, browser = addSequence([image[None] for image in array])
    sequence.SetAttribute(INSTANCES, "1.2.3")
    logic.database = Database({"1.2.3": multiframe(tmp_path / "a.dcm")})
    study = logic.process(sequence, **OPTIONS)
    assert study.source.files == () and jobs.ARRAY_NOTE in study.notes
    for number in range(len(array)):
        browser.SetSelectedItemNumber(number)
        assert segment(study, "redacted")[0][ink(array[number])].mean() > 0.99


def test_a_volume_whose_positions_do_not_fit_its_slices_is_worked_on_itself(logic, tmp_path):
    node = addVolume(np.stack(images()))
    files = series(tmp_path, node, images())
    node.SetAttribute(INSTANCES, " ".join([*list(files)[:2], "1.2.77"]))
    assert sourceOf(node, Database(files)).files == ()


def test_a_file_that_is_gone_is_no_source(logic, tmp_path):
    node = addVolume(images()[0][None])
    node.SetAttribute(INSTANCES, "1.2.3")
    logic.database = Database({"1.2.3": tmp_path / "gone.dcm"})
    study = logic.process(node, **OPTIONS)
    assert study.source.files == () and "1234" in texts(study)


def test_a_damaged_file_falls_back_to_the_volume(logic, tmp_path):
    sequence, _ = addSequence([image[None] for image in images()])
    sequence.SetAttribute(INSTANCES, "1.2.3")
    file = multiframe(tmp_path / "a.dcm")
    file.write_bytes(file.read_bytes()[:9000])
    logic.database = Database({"1.2.3": file})
    study = logic.process(sequence, **OPTIONS)
    assert study.source.files == () and "1234" in texts(study)


def stored(path):
    """A volume as Slicer loads it from a file."""
    loaded = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode")
    storage = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLVolumeArchetypeStorageNode")
    storage.SetFileName(str(path))
    storage.SetSingleFile(1)
    assert storage.ReadData(loaded)
    loaded.SetAndObserveStorageNodeID(storage.GetID())
    return loaded


def test_files_that_slicer_loaded_are_read_again(logic, tmp_path):
    nifti = stored(volume(tmp_path / "a.nii.gz", np.stack(images()).astype(np.int16)))
    nrrd = stored(volume(tmp_path / "b.nrrd", np.stack(images())))
    for node in (nifti, nrrd):
        study = logic.process(node, **OPTIONS)
        assert len(study.source.files) == 1 and not study.notes, study.notes
        assert segment(study, "redacted")[0][ink(images()[0])].mean() > 0.99


def test_pictures_and_their_series_are_read_again(logic, tmp_path):
    """slicer-core's ITK reads no PNG: the volumes are made as Slicer makes them."""
    color = np.stack([images()[0], images()[0] // 2, images()[0] // 3], axis=2)
    one, colored, several = addVolume(images()[0][None]), addVolume(color[None]), addVolume(np.stack(images()))
    for node, pictures in ((one, images()[:1]), (colored, [color]), (several, images())):
        files = [save(tmp_path / node.GetID() / f"{number}.png", picture) for number, picture in enumerate(pictures)]
        storage = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLVolumeArchetypeStorageNode")
        storage.SetFileName(str(files[0]))
        for file in files[1:]:
            storage.AddFileName(str(file))
        node.SetAndObserveStorageNodeID(storage.GetID())
        study = logic.process(node, **OPTIONS)
        assert study.source.files == tuple(map(str, files)) and not study.notes


def test_a_volume_that_was_changed_since_it_was_loaded_is_worked_on_itself(logic, tmp_path):
    node = stored(volume(tmp_path / "b.nrrd", np.stack(images())))
    slicer.util.arrayFromVolume(node)[...] = slicer.util.arrayFromVolume(node)[:, ::-1].copy()
    slicer.util.arrayFromVolumeModified(node)
    study = logic.process(node, **OPTIONS)
    assert study.source.files == () and jobs.ARRAY_NOTE in study.notes


def test_a_real_ct_slice_that_slicer_loads_from_dicom_is_read_from_its_file(logic):
    node = stored(sample("CT_small.dcm"))
    study = logic.process(node, **OPTIONS)
    assert study.source.files == (str(sample("CT_small.dcm")),) and not study.notes
