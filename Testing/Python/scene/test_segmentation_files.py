"""Segmentations that 3D Slicer itself has written, read without it: ``pylogikslicer dice`` on the files of a Slicer user."""

from __future__ import annotations

import numpy as np
import pytest
import slicer
from mask_samples import addSegmentation, affineOf, box
from scene_samples import addVolume

from PyLogikSlicerLib.comparing import compare, pair_labels
from PyLogikSlicerLib.comparing.alignment import align_masks
from PyLogikSlicerLib.comparing.mask_files import load_mask

SHAPE = (5, 40, 60)


def written(node, path, cropped: bool):
    storage = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationStorageNode")
    storage.SetFileName(str(path))
    storage.SetCropToMinimumExtent(cropped)
    assert storage.WriteData(node)
    return path


def segment(mask, name: str) -> np.ndarray:
    (label,) = (label for label, own in mask.names.items() if own == name)
    return np.isin(mask.labels, mask.values_of(label))


@pytest.mark.parametrize("kind", ["upright", "oblique", "flipped"])
@pytest.mark.parametrize("cropped", [False, True], ids=["whole", "cropped"])
@pytest.mark.parametrize("shared", [False, True], ids=["own layers", "one layer"])
def test_a_segmentation_of_slicer_has_its_segments_names_and_place(scene, tmp_path, kind, cropped, shared):
    affine = affineOf(kind, (0.5, 0.7, 2))
    volume = addVolume(np.zeros(SHAPE, np.uint8), kind)
    volume.SetIJKToRASMatrix(slicer.util.vtkMatrixFromArray(affine))
    masks = {"Herz": box(SHAPE, (1, 4), (10, 30), (10, 40)), "Läsion 2": box(SHAPE, (2, 5), (32, 38), (5, 12))}
    if not shared:
        masks["überlappt"] = box(SHAPE, (1, 3), (20, 35), (30, 50))
    node = addSegmentation(masks, affine, "mine", volume)
    if shared:
        node.GetSegmentation().CollapseBinaryLabelmaps(False)
    mask = load_mask(written(node, tmp_path / "mine.seg.nrrd", cropped))
    assert sorted(mask.names.values()) == sorted(masks)
    # Where each voxel lies, in RAS, is that of the mask that was drawn.
    ras_from_lps = np.diag([-1.0, -1, 1])
    for name, drawn in masks.items():
        expected = {tuple(place) for place in np.round((affine[:3, :3] @ np.argwhere(drawn)[:, ::-1].T).T + affine[:3, 3], 3).tolist()}
        places = mask.geometry.to_space(np.argwhere(segment(mask, name))) @ ras_from_lps
        assert {tuple(place) for place in np.round(places, 3).tolist()} == expected, name


def test_two_graders_who_cropped_and_named_in_another_order_are_compared_by_name(scene, tmp_path):
    affine = affineOf("oblique")
    volume = addVolume(np.zeros(SHAPE, np.uint8), "oblique")
    heart, lesion = box(SHAPE, (1, 4), (10, 30), (10, 40)), box(SHAPE, (2, 5), (32, 38), (5, 12))
    first = addSegmentation({"heart": heart, "lesion": lesion}, affine, "first", volume)
    second = addSegmentation({"Lesion": lesion, "Heart": np.roll(heart, 3, axis=2)}, affine, "second", volume)
    masks = [load_mask(written(node, tmp_path / f"{node.GetName()}.seg.nrrd", True)) for node in (first, second)]
    pairs = pair_labels(*masks)
    pred, true, _ = align_masks(*masks)
    found = {score.name: round(score.dice, 6) for score in compare(pred, true, labels=pairs).overall}
    assert found == {"heart": 0.9, "lesion": 1.0}
