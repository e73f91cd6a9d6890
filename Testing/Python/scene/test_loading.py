"""Files and folders dropped on the panel: each becomes what it is in the scene, and is then worked on by its file."""

import numpy as np
import pytest
import SimpleITK as sitk
import slicer
import vtk
from pydicom import examples
from scene_samples import OPTIONS, addVolume, ink, screen, segment, turn
from small_runs import dicom, save, video

from PyLogikSlicerLib.core.errors import UsageError
from PyLogikSlicerLib.scene import frames, loading
from PyLogikSlicerLib.scene.sources import sourceOf

IMAGES = [screen(f"SLICE {number}{number}", 20, 20 + 20 * number) for number in range(3)]


def array(node):
    return slicer.util.arrayFromVolume(frames.displayedVolume(node))


def matrixOf(node):
    matrix = vtk.vtkMatrix4x4()
    node.GetIJKToRASMatrix(matrix)
    return np.array([[matrix.GetElement(row, column) for column in range(4)] for row in range(4)])


def test_a_picture_becomes_a_volume_that_stands_upright(logic, tmp_path):
    (node,) = loading.load([str(save(tmp_path / "a.png", IMAGES[0]))])
    assert node.GetClassName() == "vtkMRMLScalarVolumeNode" and node.GetName() == "a" and (array(node)[0] == IMAGES[0]).all()
    assert (matrixOf(node) == np.diag([-1, -1, 1, 1])).all()
    study = logic.process(node, **OPTIONS)
    assert study.source.files == (str(tmp_path / "a.png"),) and not study.notes


def test_a_color_screen_of_a_scanner_is_loaded_and_worked_on_by_its_file(logic):
    (node,) = loading.load([str(examples.get_path("rgb_color"))])
    assert node.GetClassName() == "vtkMRMLVectorVolumeNode" and (array(node)[0] == examples.rgb_color.pixel_array).all()
    study = logic.process(node, **OPTIONS)
    assert study.source.files and not study.notes and study.review.regions
    assert segment(study, "redacted").any()


def test_a_cine_and_a_video_become_sequences_with_a_browser(logic, tmp_path):
    cine, clip = loading.load([str(dicom(tmp_path / "cine.dcm", IMAGES)), str(video(tmp_path / "clip.avi", IMAGES))])
    assert [node.GetClassName() for node in (cine, clip)] == ["vtkMRMLSequenceNode"] * 2
    frames.browserOf(cine).SetSelectedItemNumber(2)
    assert (array(cine)[0] == IMAGES[2]).all() and frames.shape(clip)[0] == 3 and array(clip).ndim == 4
    for node in (cine, clip):
        study = logic.process(node, **OPTIONS)
        assert len(study.source.files) == 1 and not study.notes


@pytest.mark.parametrize("times", [1, 2])
def test_a_volume_file_keeps_its_geometry(logic, tmp_path, times):
    image = sitk.GetImageFromArray(np.stack(IMAGES).astype(np.int16))
    image.SetSpacing((0.5, 0.8, 3))
    image.SetOrigin((10, -20, 30))
    image.SetDirection(turn(20, 35, 50).ravel().tolist())
    path = tmp_path / "a.nii.gz"
    sitk.WriteImage(image if times == 1 else sitk.JoinSeries([image] * times), str(path))
    (node,) = loading.load([str(path)])
    expected = np.eye(4)
    expected[:3, :3] = turn(20, 35, 50) @ np.diag([0.5, 0.8, 3])
    expected[:3, 3] = (10, -20, 30)
    assert np.allclose(matrixOf(frames.displayedVolume(node)), np.diag([-1, -1, 1, 1]) @ expected, atol=1e-4)
    assert frames.shape(node) == (3 * times, 120, 160, 3) and frames.isSequence(node) == (times > 1)
    if times == 1:
        study = logic.process(node, **OPTIONS)
        assert study.source.files == (str(path),) and not study.notes


def series(folder, order=(2, 0, 1), distances=(0, 3, 6)):
    """A CT series, written in another order than its slices lie in."""
    common = {"SeriesInstanceUID": "1.2.5", "PixelSpacing": [0.8, 0.5], "ImageOrientationPatient": [0, 1, 0, 0, 0, -1], "Modality": "CT"}
    for number, k in enumerate(order):
        values = IMAGES[k].astype(np.int16)
        dicom(folder / f"{number}.dcm", [values], **common, ImagePositionPatient=[-distances[k], 20, 30], SOPInstanceUID=f"1.2.5.{k}")
    return folder


def test_the_slices_of_a_series_become_one_volume_in_their_order(logic, tmp_path):
    (node,) = loading.load([str(series(tmp_path / "in"))])
    assert (array(node) == np.stack(IMAGES)).all()
    assert np.allclose(matrixOf(node), [[0, 0, 3, 0], [-0.5, 0, 0, -20], [0, -0.8, 0, 30], [0, 0, 0, 1]])
    study = logic.process(node, **OPTIONS)
    assert [file[-5:] for file in study.source.files] == ["1.dcm", "2.dcm", "0.dcm"] and not study.notes
    assert segment(study, "redacted")[2][ink(IMAGES[2])].mean() > 0.99


def test_slices_that_do_not_lie_at_one_distance_stay_alone(logic, tmp_path):
    nodes = loading.load([str(series(tmp_path / "in", distances=(0, 3, 11)))])
    assert [frames.shape(node)[0] for node in nodes] == [1, 1, 1]


def test_what_is_no_image_is_left_out_and_nothing_at_all_is_an_error_without_names(logic, tmp_path):
    (tmp_path / "notes.txt").write_text("Quillfeather")
    with pytest.raises(UsageError) as refused:
        loading.load([str(tmp_path)])
    assert "notes" not in str(refused.value) and "Quill" not in str(refused.value)
    save(tmp_path / "a.png", IMAGES[0])
    assert len(loading.load([str(tmp_path)])) == 1
    with pytest.raises(UsageError, match="does not exist"):
        loading.load([str(tmp_path / "nowhere")])


def test_deep_values_are_shown_by_the_window_of_the_file(logic, tmp_path):
    values = IMAGES[0].astype(np.int16) * 9 - 1024
    (node,) = loading.load([str(dicom(tmp_path / "ct.dcm", [values], WindowCenter="100", WindowWidth="400"))])
    display = node.GetDisplayNode()
    assert abs(display.GetWindow() - 400) < 4 and abs(display.GetLevel() - 100) < 2


def test_files_of_a_scene_that_was_closed_are_not_taken_for_those_of_the_next(logic, tmp_path):
    (first,) = loading.load([str(save(tmp_path / "a.png", IMAGES[0]))])
    number = first.GetID()
    slicer.mrmlScene.Clear(0)
    volume = addVolume(IMAGES[1][None])
    assert volume.GetID() == number and sourceOf(volume).files == ()
