"""The verdict on an export, whether it is still current, and where it may go."""

import os

import numpy as np
import pytest
from scene_samples import OPTIONS, addVolume, screen
from small_runs import files_below

from PyLogikSlicerLib.core.analysis import Analysis
from PyLogikSlicerLib.core.errors import UsageError
from PyLogikSlicerLib.core.geometry import Box
from PyLogikSlicerLib.core.options import Options
from PyLogikSlicerLib.core.text_map import Coverage, CoverageKind, Region, TextMap
from PyLogikSlicerLib.review import Review
from PyLogikSlicerLib.scene.exports import Export, fullPath, verdict

FRAMES = 30
CHOSEN = Options(rename=True, overwrite=True, **OPTIONS)


def review(reasons, kept=()):
    """A review of a cine with one region for each reason, those at ``kept`` kept by the options."""
    regions = [
        Region(Box(10, 10 * n, 60, 10 * n + 8).polygon, 0, FRAMES - 1, reason=reason, decision="keep" if n in kept else "redact")
        for n, reason in enumerate(reasons)
    ]
    return Review(Analysis(TextMap(tuple(regions), (Coverage(CoverageKind.WHOLE, 1.0),) * FRAMES), None, (0, 255)), 400, 400, FRAMES)


def exported(of: Review, more=0, frames=FRAMES, residues=0, files=FRAMES, written=True) -> str:
    """The verdict of an export of a review in which verification found ``more``."""
    redacted = sum(region.decision == "redact" for region in of.regions) + more
    image = {"frames": frames, "frames_examined": frames, "redacted": redacted, "files": dict.fromkeys(range(files))}
    if written:
        image["verification"] = {"unreadable_residues": residues, "readable_residues": 0}
    return verdict(Export.ofReview(of, "/out", CHOSEN, image), of)


def test_the_verdict_says_what_was_masked_kept_and_not_looked_at():
    one = review(["matches PatientName", *["text"] * 16])
    one.decide([0], "keep")
    one.mark_reviewed(range(1, 14))
    assert exported(one) == "16 masked, 1 kept by you (1 matches PatientName), 3 not reviewed, 30/30 frames examined, 0 residues, 30 files"


def test_the_verdict_counts_in_the_right_number_and_names_every_field():
    one = review(["matches PatientName", "matches PatientName", "matches StudyDate", "text", "measurement"], kept=[4])
    one.decide([0, 1, 2], "keep")
    assert exported(one, frames=1, residues=1, files=1) == (
        "1 masked, 3 kept by you (2 match PatientName, 1 matches StudyDate), 1 kept as measurement, 2 not reviewed, "
        "1/1 frames examined, 1 residue (that nobody can read), 1 file"
    )
    many = review(["text", *["measurement"] * 2], kept=[1, 2])
    assert exported(many, residues=2).startswith("1 masked, 2 kept as measurements, 3 not reviewed, ")
    assert "2 residues (that nobody can read), 30 files" in exported(many, residues=2)


def test_the_verdict_says_so_where_nothing_was_kept_and_all_was_looked_at():
    one = review(["text", "text"])
    one.mark_reviewed([0, 1])
    assert exported(one) == "2 masked, 0 kept, 0 not reviewed, 30/30 frames examined, 0 residues, 30 files"


def test_the_verdict_says_what_verification_masked_beyond_what_was_reviewed():
    assert exported(review(["text"]), more=2).startswith("3 masked (2 found by verification), 0 kept, 1 not reviewed")


def test_the_verdict_of_a_list_of_text_promises_nothing_about_images():
    one = review(["text", "matches PatientName"])
    told = exported(one, files=0, written=False)
    assert told == "2 regions listed, no images written, 2 not reviewed, 30/30 frames examined"
    assert exported(review(["text"]), files=0, written=False).startswith("1 region listed")


@pytest.fixture
def study(logic):
    image = np.vstack([screen("AB 1234"), screen("XY 9876")])
    study = logic.process(addVolume(image[None]), **OPTIONS)
    assert len(study.review.regions) > 1
    return study


def export(logic, study, folder, options=CHOSEN):
    events = []
    logic.startExport(study, str(folder), options, events.append)
    while logic.busy:
        logic.poll()
    return events[-1]


def test_an_export_holds_until_something_changes_and_again_when_that_is_undone(logic, study, tmp_path):
    study.review.decide([0], "keep")
    export(logic, study, tmp_path / "out")
    told = study.verdict
    assert study.exported and "1 kept by you" in told and logic.isUpToDate(study, CHOSEN)
    for change in (
        lambda review: review.decide([1], "keep"),
        lambda review: review.delete([1]),
        lambda review: review.add(Box(1, 1, 9, 9).polygon, 0, 0),
        lambda review: review.move(1, Box(1, 1, 9, 9).polygon),
    ):
        change(study.review)
        assert not logic.isUpToDate(study, CHOSEN) and study.verdict == told, "it is still the verdict of what was exported"
        study.review.undo()
        assert logic.isUpToDate(study, CHOSEN)
    study.review.undo()
    assert not logic.isUpToDate(study, CHOSEN)
    study.review.redo()
    assert logic.isUpToDate(study, CHOSEN)


@pytest.mark.parametrize(
    "other",
    [{"format": "png"}, {"rename": False}, {"images": False}, {"variant": "deid-one"}, {"threshold": 9}, {"keep": "measurements"}],
    ids=str,
)
def test_an_export_holds_only_for_the_options_it_was_made_with(logic, study, tmp_path, other):
    export(logic, study, tmp_path / "out")
    assert logic.isUpToDate(study, CHOSEN)
    assert not logic.isUpToDate(study, Options(**{"rename": True, **OPTIONS, **other}))


def test_options_of_the_export_do_not_ask_for_another_analysis_and_others_do(logic, study):
    for same in ({}, {"format": "png"}, {"rename": True}, {"images": False}):
        assert logic.isFoundWith(study, Options(**{**OPTIONS, **same}))
    for other in ({"variant": "deid-us"}, {"threshold": 3}, {"keep": "measurements"}, {"engine": "thorough"}, {"device": "auto"}):
        assert not logic.isFoundWith(study, Options(**{**OPTIONS, **other}))


def test_what_is_looked_at_after_an_export_changes_nothing_but_what_is_told_of_it(logic, study, tmp_path):
    export(logic, study, tmp_path / "out")
    left = len(study.review.regions)
    assert f"{left} not reviewed" in study.verdict
    study.review.mark_reviewed([0])
    assert f"{left - 1} not reviewed" in study.verdict and logic.isUpToDate(study, CHOSEN)
    study.review.decide([1], "keep")
    assert f"{left} not reviewed" in study.verdict, "as it was when it was exported"


def test_an_export_that_is_refused_before_it_begins_leaves_what_is_known_of_the_last_one(logic, study, tmp_path):
    export(logic, study, tmp_path / "out")
    told = study.verdict
    with pytest.raises(UsageError):
        export(logic, study, "out")
    assert study.exported and study.verdict == told and study.folder == str(tmp_path / "out")


@pytest.fixture
def here(tmp_path, monkeypatch):
    """The folder above the one that Slicer was started in."""
    folder = tmp_path / "started" / "here"
    folder.mkdir(parents=True)
    monkeypatch.chdir(folder)
    return folder.parent


@pytest.mark.parametrize(
    "folder", ["", "   ", "out", "./out", "../out", "out/deep", "~nobody-of-this-name/out", "$HOME/out", "file:///tmp/out"]
)
def test_a_folder_that_is_no_full_path_is_refused_and_nothing_is_written(logic, study, here, folder):
    with pytest.raises(UsageError, match="full path|no folder"):
        export(logic, study, folder)
    with pytest.raises(UsageError, match="full path|no folder"):
        fullPath(folder)
    assert not logic.busy and not files_below(here)


def test_the_home_folder_can_be_written_as_everybody_writes_it(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME" if os.name != "nt" else "USERPROFILE", str(tmp_path))
    assert fullPath("~/out") == str(tmp_path / "out") and fullPath(" ~ ") == str(tmp_path)
    assert fullPath(f" {tmp_path / 'out'} ") == str(tmp_path / "out")


def test_scores_go_to_a_full_path_too(comparisonLogic, here):
    with pytest.raises(UsageError, match="full path"):
        comparisonLogic.exportComparison(None, "scores")
    assert not files_below(here)
