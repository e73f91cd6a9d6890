"""Which files a path stands for: folders, natural order, links, DICOMDIR, stacks of stills."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from reading_samples import color_image, sample

from PyLogikSlicerLib.core.errors import UnreadableInput, UsageError
from PyLogikSlicerLib.reading import find_inputs, open_stacks, stack_stills


def _touch(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"x")


def _names(folder: Path, found: list[Path]) -> list[str]:
    return [path.relative_to(folder).as_posix() for path in found]


def test_a_folder_is_walked_to_its_end_in_natural_order(tmp_path):
    _touch(tmp_path, "frame10.png", "frame2.png", "Frame1.png", "b/deep/er/1.dcm", "a2/x", "a10/x", "README.txt")
    assert _names(tmp_path, find_inputs([tmp_path])) == [
        "a2/x",
        "a10/x",
        "b/deep/er/1.dcm",
        "Frame1.png",
        "frame2.png",
        "frame10.png",
        "README.txt",
    ]


def test_hidden_files_and_the_output_folder_are_left_out(tmp_path):
    _touch(tmp_path, "a.dcm", ".DS_Store", ".git/config", "out/images/a.png", "output/b.png")
    assert _names(tmp_path, find_inputs([tmp_path], exclude=tmp_path / "out")) == ["a.dcm", "output/b.png"]
    assert _names(tmp_path, find_inputs([tmp_path / "out", tmp_path / "a.dcm"], exclude=tmp_path / "out")) == ["a.dcm"]


def test_named_files_keep_their_order_and_come_once(tmp_path):
    _touch(tmp_path, "b.dcm", "a.dcm", ".hidden.dcm")
    named = [tmp_path / "b.dcm", tmp_path / ".hidden.dcm", tmp_path / "a.dcm", tmp_path / "b.dcm", tmp_path]
    assert _names(tmp_path, find_inputs(named)) == ["b.dcm", ".hidden.dcm", "a.dcm"]


def test_a_path_that_does_not_exist_is_a_usage_error_that_does_not_repeat_it(tmp_path):
    with pytest.raises(UsageError) as error:
        find_inputs([tmp_path, tmp_path / "DOE_JANE.dcm"])
    assert "DOE" not in str(error.value) and "2" in str(error.value)


def test_an_empty_folder_gives_nothing(tmp_path):
    assert find_inputs([tmp_path]) == []


def test_names_with_spaces_and_other_scripts_are_found_and_read(tmp_path):
    path = tmp_path / "Bilder 2024" / "超音波 Größe №5.dcm"
    path.parent.mkdir()
    shutil.copy(sample("CT_small.dcm"), path)
    (found,) = find_inputs([tmp_path])
    assert open_stacks(found)[0].name == "超音波 Größe №5"


def _link(target: Path, link: Path) -> None:
    try:
        os.symlink(target, link)
    except OSError:
        pytest.skip("this system does not let the user make symbolic links")


def test_links_are_followed_and_loops_do_no_harm(tmp_path):
    _touch(tmp_path, "in/a.dcm", "elsewhere/b.dcm")
    _link(tmp_path / "in", tmp_path / "in" / "loop")
    _link(tmp_path / "elsewhere", tmp_path / "in" / "other")
    _link(tmp_path / "in" / "self", tmp_path / "in" / "self")
    found = find_inputs([tmp_path / "in"])
    assert _names(tmp_path, found) == ["in/a.dcm", "in/other/b.dcm", "in/self"]
    with pytest.raises(UnreadableInput):
        open_stacks(found[2])


def test_a_dicomdir_stands_for_its_instances_each_once(corpus):
    folder = corpus / "dicomdir" / "pydicom_dicomdirtests"
    by_index = find_inputs([folder / "DICOMDIR"])
    assert len(by_index) == 31
    assert all(path.is_file() for path in by_index)
    for index in ("DICOMDIR-bigEnd", "DICOMDIR-implicit", "DICOMDIR-nooffset"):
        assert set(find_inputs([folder / index])) == set(by_index)
    walked = find_inputs([folder])
    assert set(by_index) < set(walked)
    assert [path.name for path in walked if path not in by_index] == ["DICOMDIR-empty.dcm", "README.txt"]
    assert all(open_stacks(path) for path in by_index)


def test_a_dicomdir_without_its_images_reports_each_of_them(tmp_path):
    shutil.copy(sample("DICOMDIR"), tmp_path / "index.bin")
    found = find_inputs([tmp_path])
    assert len(found) > 1
    for path in found:
        with pytest.raises(UnreadableInput, match="does not exist"):
            open_stacks(path)


def test_a_dicomdir_in_upper_case_finds_files_in_lower_case(tmp_path):
    source = sample("DICOMDIR").parent
    shutil.copy(source / "DICOMDIR", tmp_path / "DICOMDIR")
    for path in find_inputs([source / "DICOMDIR"]):
        target = tmp_path / str(path.relative_to(source)).lower()
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    assert all(path.is_file() for path in find_inputs([tmp_path / "DICOMDIR"]))


def test_a_damaged_dicomdir_is_reported_itself(tmp_path):
    (tmp_path / "DICOMDIR").write_bytes(sample("DICOMDIR").read_bytes()[:900])
    (found,) = find_inputs([tmp_path])
    with pytest.raises(UnreadableInput, match="DICOMDIR"):
        open_stacks(found)


def test_the_data_file_of_a_volume_is_no_input_of_its_own(tmp_path):
    import SimpleITK as sitk

    image = sitk.GetImageFromArray(np.arange(24, dtype=np.int16).reshape(2, 3, 4))
    for name in ("a.mhd", "b.nhdr", "c.mha"):
        sitk.WriteImage(image, str(tmp_path / name))
    assert (tmp_path / "a.raw").exists()
    found = find_inputs([tmp_path])
    assert _names(tmp_path, found) == ["a.mhd", "b.nhdr", "c.mha"]
    assert [open_stacks(path)[0].frame_count for path in found] == [2, 2, 2]


def test_data_files_that_a_volume_header_lists_or_numbers_are_no_inputs_either(tmp_path):
    for number in range(4):
        (tmp_path / f"part{number}.raw").write_bytes(bytes(range(12)))
    sizes = "NDims = 3\nDimSize = 3 4 2\nElementType = MET_UCHAR\n"
    (tmp_path / "a.mhd").write_text(f"ObjectType = Image\n{sizes}ElementDataFile = LIST\npart0.raw\npart1.raw\n")
    numbered = "type: uchar\ndimension: 3\nsizes: 4 3 2\nkinds: domain domain domain\nencoding: raw\ndata file: part%d.raw 2 3 1\n"
    (tmp_path / "b.nhdr").write_text(f"NRRD0004\n{numbered}\n")
    found = find_inputs([tmp_path])
    assert _names(tmp_path, found) == ["a.mhd", "b.nhdr"]
    assert [open_stacks(path)[0].frame_count for path in found] == [2, 2]


def test_a_volume_header_cannot_hide_another_input(tmp_path):
    shutil.copy(sample("CT_small.dcm"), tmp_path / "scan.dcm")
    (tmp_path / "a.mhd").write_text("ObjectType = Image\nNDims = 2\nDimSize = 2 2\nElementType = MET_UCHAR\nElementDataFile = scan.dcm\n")
    assert _names(tmp_path, find_inputs([tmp_path])) == ["a.mhd", "scan.dcm"]


def test_stills_of_a_folder_become_one_stack_in_natural_order(tmp_path):
    folder = tmp_path / "patient cine"
    folder.mkdir()
    frames = [np.roll(color_image(), 5 * index, axis=1) for index in range(12)]
    for index, frame in enumerate(frames):
        Image.fromarray(frame).save(folder / f"frame_{index}.png")
    (stack,) = stack_stills(find_inputs([folder]))
    assert (stack.name, stack.frame_count, len(stack.sources)) == ("patient cine", 12, 12)
    for _ in range(2):
        np.testing.assert_array_equal(np.stack(list(stack.frames())), np.stack(frames))


def test_stills_of_two_folders_become_two_stacks(tmp_path):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        for index in range(2):
            Image.fromarray(color_image()).save(tmp_path / folder / f"{index}.png")
    assert [stack.name for stack in stack_stills(find_inputs([tmp_path]))] == ["a", "b"]


@pytest.mark.parametrize("other", [color_image()[:100], color_image()[..., 0].copy()])
def test_stills_that_differ_are_refused_with_the_difference(tmp_path, other):
    Image.fromarray(color_image()).save(tmp_path / "DOE_1.png")
    Image.fromarray(other).save(tmp_path / "DOE_2.png")
    with pytest.raises(UnreadableInput, match="320 x 240 colour uint8") as error:
        stack_stills(find_inputs([tmp_path]))
    assert "DOE" not in str(error.value)
