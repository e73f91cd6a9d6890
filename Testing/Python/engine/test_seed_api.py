"""PyLogik's functions under their own names, with its parameter names and defaults (Kline et al., arXiv 2304.12322)."""

import inspect
import os
import re

import numpy as np
import pytest
from small_runs import assert_consistent, dicom, files_below, picture, table

from PyLogikSlicerLib import deid, im_analysis
from PyLogikSlicerLib.core.errors import UsageError

PYLOGIK = {
    deid.deid: "(input_path, output_path, rename_files=False, threshold=0)",
    deid.deid_us: "(input_path, output_path, rename_files=False, threshold=0)",
    deid.deid_one: "(input_path, output_path, rename_files=False, threshold=0)",
    deid.deid_clean: "(input_path, output_path, rename_files=False, threshold=0)",
    deid.find_txt: "(input_path, output_path)",
    im_analysis.dice_score: "(pred, true, k=1)",
    im_analysis.imshowpair: "(pred, true, color1=(124, 252, 0), color2=(255, 0, 252), show_fig=True)",
}


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    folder = tmp_path_factory.mktemp("in")
    dicom(folder / "cine.dcm", [picture(1, "AB 12"), picture(2, "AB 12")])
    return folder


@pytest.mark.parametrize("function", PYLOGIK, ids=lambda function: function.__name__)
def test_functions_are_called_as_in_pylogik(function):
    signature = inspect.signature(function)
    plain = [p.replace(annotation=inspect.Parameter.empty) for p in signature.parameters.values()]
    assert str(inspect.Signature(plain)) == PYLOGIK[function]


@pytest.mark.parametrize("function", [deid.deid, deid.deid_us, deid.deid_one, deid.deid_clean], ids=lambda f: f.__name__)
def test_functions_write_every_frame_and_give_the_report(source, tmp_path, function):
    report = function(str(source), str(tmp_path / "out"), threshold=2)
    assert report["counts"] == {"done": 1, "skipped": 0, "failed": 0}
    assert report["options"]["variant"] == function.__name__.replace("_", "-") and report["options"]["threshold"] == 2
    assert set(files_below(tmp_path / "out" / "images")) == {"cine/cine_0000.jpg", "cine/cine_0001.jpg"}
    assert_consistent(tmp_path / "out")


def test_find_txt_writes_the_text_and_no_image(source, tmp_path):
    report = deid.find_txt(source, tmp_path / "out")
    assert report["counts"]["done"] == 1 and not files_below(tmp_path / "out" / "images")
    assert any("12" in row["text"] for row in table(tmp_path / "out", "text"))


def test_rename_files_gives_random_names(source, tmp_path):
    report = deid.deid(source, tmp_path / "out", rename_files=True)
    assert re.fullmatch("[A-Z0-9]{10}", report["images"][0]["name"])


def test_a_single_file_is_input_enough_and_the_current_folder_stays(source, tmp_path, capfd):
    before = os.getcwd()
    assert deid.find_txt(source / "cine.dcm", tmp_path / "out")["counts"]["done"] == 1
    assert os.getcwd() == before and capfd.readouterr() == ("", "")


def test_a_wrong_call_raises_and_a_bad_file_is_only_counted(tmp_path):
    with pytest.raises(UsageError, match="does not exist"):
        deid.deid(tmp_path / "Quillfeather", tmp_path / "out")
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.dcm").write_bytes(b"x")
    assert deid.deid(tmp_path / "in", tmp_path / "out")["counts"] == {"done": 0, "skipped": 1, "failed": 0}


def test_dice_and_imshowpair_are_there():
    mask = np.eye(4, dtype=np.uint8)
    assert im_analysis.dice_score(mask, mask) == 1.0
    assert im_analysis.imshowpair(mask, mask, show_fig=False).shape == (4, 4, 3)
