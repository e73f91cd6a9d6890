"""Bad input: each gets its reason in the log and on stderr, says nothing of whom it shows, and everything else is still done."""

import os
import re
import subprocess
import sys

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.encaps import encapsulate, generate_frames
from reading_samples import sample
from small_runs import Run, assert_consistent, command, dicom, environment, files_below, picture, save, shared_files, table, video, volume

from PyLogikSlicerLib import batch

SECRET = "Quillfeather"


def _truncated(path, share=0.5):
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])


def _cine(path, frames=3):
    return dicom(path, [picture(seed) for seed in range(frames)], PatientName=f"{SECRET}^Zebedee")


def _no_pixels(path):
    dataset = dcmread(_cine(path))
    del dataset.PixelData
    dataset.save_as(path)


def _syntax(uid):
    def write(path):
        dataset = dcmread(_cine(path))
        dataset.file_meta.TransferSyntaxUID = uid
        dataset["PixelData"].VR = "OB"
        dataset.PixelData = encapsulate([b"\1\2\3\4"] * 3)
        dataset.save_as(path)

    return write


def _damaged_video(path):
    """The lengths and tags of its chunks are somebody's name."""
    data = video(path, [picture(1), picture(2)]).read_bytes()
    path.write_bytes(data[:300] + SECRET.encode() * ((len(data) - 300) // len(SECRET)))


def _frames_missing(path):
    dataset = dcmread(_cine(path))
    dataset.NumberOfFrames = 7
    dataset.save_as(path)


def _header(**attributes):
    def write(path):
        dataset = dcmread(_cine(path))
        for keyword, value in attributes.items():
            setattr(dataset, keyword, value)
        dataset.save_as(path)

    return write


BAD = {
    "empty": ("dcm", lambda path: path.write_bytes(b"")),
    "text": ("dcm", lambda path: path.write_text(f"Dear {SECRET}, this is a letter.\n" * 40)),
    "zeros": ("png", lambda path: path.write_bytes(b"\0" * 5000)),
    "truncated DICOM": ("dcm", lambda path: _truncated(_cine(path))),
    "truncated header": ("dcm", lambda path: _truncated(_cine(path), 0.004)),
    "truncated PNG": ("png", lambda path: _truncated(save(path, picture(1)))),
    "truncated JPEG": ("jpg", lambda path: _truncated(save(path, picture(1)))),
    "truncated MetaImage": ("mha", lambda path: _truncated(volume(path, picture(1)))),
    "truncated NIfTI": ("nii", lambda path: _truncated(volume(path, picture(1)))),
    "NIfTI of no type": ("nii", lambda path: path.write_bytes(b"\x5c\1\0\0" + bytes(340) + b"n+1\0" + SECRET.encode() * 9)),
    "truncated TIFF": ("tif", lambda path: _truncated(save(path, picture(1)))),
    "truncated video": ("avi", lambda path: _truncated(video(path, [picture(1), picture(2)]))),
    "damaged video": ("avi", _damaged_video),
    "no pixels": ("dcm", _no_pixels),
    "pixels without a size": ("dcm", _header(Rows=0)),
    "more frames claimed": ("dcm", _frames_missing),
    "unknown syntax": ("dcm", _syntax("1.2.3.4.5")),
    "syntax without decoder": ("dcm", _syntax("1.2.840.10008.1.2.4.94")),
    "damaged stream": ("dcm", _syntax("1.2.840.10008.1.2.4.90")),
    "unknown photometric": ("dcm", _header(PhotometricInterpretation="PURPLE")),
    "link to nothing": ("png", lambda path: path.symlink_to(path.parent / f"{SECRET} gone")),
    "link to itself": ("png", lambda path: path.symlink_to(path)),
}


@pytest.fixture(scope="module")
def after_bad_input(tmp_path_factory):
    """A run, as a person starts it, over a folder of all that is bad with an image that is good at either end."""
    root = tmp_path_factory.mktemp("bad")
    folder = root / f"{SECRET} 医院"
    save(folder / "0 good.png", picture(1))
    for kind, (suffix, write) in BAD.items():
        write(folder / f"{SECRET} {kind}.{suffix}")
    save(folder / "zz good.png", picture(2))
    return root, command("deid", folder, "-o", root / "out", "--keep-names")


def test_everything_else_is_still_done(after_bad_input):
    root, outcome = after_bad_input
    assert outcome.returncode == 1 and outcome.stdout == b""
    assert f"2 done, {len(BAD)} skipped, 0 failed" in outcome.stderr.decode()
    assert set(files_below(root / "out" / "images")) == {"0 good/0 good_0000.jpg", "zz good/zz good_0000.jpg"}
    assert_consistent(root / "out")


@pytest.mark.parametrize("kind", BAD)
def test_each_is_skipped_with_a_reason_that_says_what_was_wrong(after_bad_input, kind):
    root, _ = after_bad_input
    (row,) = [row for row in table(root / "out", "log") if f"{SECRET} {kind}." in row["source"]]
    assert row["status"] == "skipped" and row["name"] == ""
    assert len(row["reason"]) > 15 and "please report" not in row["reason"] and SECRET not in row["reason"]


def test_the_same_reasons_stand_on_stderr_and_neither_names_nor_values(after_bad_input):
    root, outcome = after_bad_input
    told = outcome.stderr.decode()
    lines = [line for line in told.splitlines() if line.startswith("input ")]
    logged = [row["reason"] for row in table(root / "out", "log") if row["status"] == "skipped"]
    assert sorted(line.split(" skipped: ")[1] for line in lines) == sorted(logged) and len(lines) == len(BAD)
    assert len(told.splitlines()) == len(BAD) + 1, told
    assert SECRET not in told and "医院" not in told and str(root) not in told


def test_a_wrong_suffix_does_not_matter(engine, tmp_path):
    dicom(tmp_path / "in" / "a.png", [picture(1)])
    save(tmp_path / "in" / "b.png", picture(2)).rename(tmp_path / "in" / "b.dcm")
    (tmp_path / "in" / "c.txt").write_bytes(save(tmp_path / "c.png", picture(3)).read_bytes())
    dicom(tmp_path / "in" / "no suffix", [picture(4)])
    assert Run(tmp_path / "in", tmp_path / "out", engine).statuses == ["done"] * 4


@pytest.mark.parametrize("name", ["with spaces  and.dots", "Ünïcödé 超音波 Узи", "a" * 120, "quote\"'`$(x);&|", "line\nbreak\rand\ttab"])
@pytest.mark.skipif(os.name == "nt", reason="Windows does not allow such names")
def test_any_name_of_a_file_or_folder_is_taken(engine, tmp_path, name):
    save(tmp_path / name / f"{name}.png", picture(1))
    assert Run(tmp_path / name, tmp_path / f"out {name}", engine).statuses == ["done"]
    assert Run(tmp_path / name, tmp_path / f"out {name}", engine).worked_on == set()
    assert len(files_below(tmp_path / f"out {name}" / "images")) == 1


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has names that are no text")
def test_a_name_that_is_no_unicode_is_taken(engine, tmp_path):
    save(tmp_path / "in" / "a.png", picture(1))
    os.rename(tmp_path / "in" / "a.png", os.fsencode(tmp_path / "in") + b"/\xff\xfe.png")
    assert Run(tmp_path / "in", tmp_path / "out", engine).statuses == ["done"]
    assert Run(tmp_path / "in", tmp_path / "out", engine).worked_on == set()
    assert table(tmp_path / "out", "crosswalk")[0]["source"].endswith("\\udcff\\udcfe.png")
    assert_consistent(tmp_path / "out")


def test_the_longest_name_a_file_system_allows_is_shortened(engine, tmp_path):
    save(tmp_path / "in" / f"{'ü' * 125}.png", picture(1))
    done = Run(tmp_path / "in", tmp_path / "out", engine)
    assert done.statuses == ["done"] and set(done.images) == {"ü" * 100}


def test_an_image_without_anything_to_isolate_fails_and_leaves_nothing(engine, tmp_path):
    save(tmp_path / "in" / "black.png", np.zeros((64, 96), np.uint8))
    save(tmp_path / "in" / "good.png", picture(1))
    done = Run(tmp_path / "in", tmp_path / "out", engine, variant="deid-us")
    assert done.statuses == ["failed", "done"] and "no region" in done.reason()
    assert_consistent(tmp_path / "out")


def test_a_file_that_breaks_off_in_a_later_frame_is_failed_not_cut_short(engine, tmp_path):
    """The header and the first frames are whole, so that the damage is only met on the way."""
    dataset = dcmread(sample("SC_rgb_rle_2frame.dcm"))
    first, second = generate_frames(dataset.PixelData, number_of_frames=2)
    dataset.PixelData = encapsulate([first, second[: len(second) // 2]])
    (tmp_path / "in").mkdir()
    dataset.save_as(tmp_path / "in" / "a.dcm")
    save(tmp_path / "in" / "b.png", picture(1))
    done = Run(tmp_path / "in", tmp_path / "out", engine)
    assert done.statuses[0] in ("skipped", "failed") and done.statuses[1] == "done"
    assert set(files_below(tmp_path / "out" / "images")) == {"b/b_0000.jpg"}
    assert_consistent(tmp_path / "out")


def test_a_fault_nobody_thought_of_fails_one_image_and_says_where(engine, tmp_path, monkeypatch):
    """Any exception at all, from reading or from the work itself; its message, which may name a patient, is not repeated."""
    for number in range(3):
        save(tmp_path / "in" / f"{number}.png", picture(number))
    opened, processed = batch.open_stacks, batch.process

    class Odd(Exception):
        pass

    def open_stacks(path, *limits):
        if path.stem == "0":
            raise Odd(SECRET)
        return opened(path, *limits)

    def process(stack, *arguments):
        if stack.name == "1":
            raise Odd(SECRET)
        return processed(stack, *arguments)

    monkeypatch.setattr(batch, "open_stacks", open_stacks)
    monkeypatch.setattr(batch, "process", process)
    done = Run(tmp_path / "in", tmp_path / "out", engine)
    assert done.statuses == ["skipped", "failed", "done"]
    assert all(re.search(r"unexpected Odd in test_bad_input\.py:\d+", reason) for _, _, reason in done.events[:2])
    assert SECRET not in repr([done.events, files_below(tmp_path / "out")])
    assert_consistent(tmp_path / "out")


# No room

_LIMITED = """
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]),) * 2)
from PyLogikSlicerLib.command_line import main
sys.exit(main(sys.argv[2:]))
"""


def _limited(limit, *arguments):
    """The command line in a process that cannot write files longer than ``limit`` bytes."""
    pytest.importorskip("resource", reason="no limits on this system")
    started = [sys.executable, "-c", _LIMITED, str(limit), *map(str, arguments)]
    return subprocess.run(started, capture_output=True, timeout=120, env=environment())


def test_a_frame_that_cannot_be_written_fails_its_image_and_the_rest_is_done(tmp_path):
    noise = np.random.default_rng(0).integers(0, 255, (200, 300)).astype(np.uint8)
    save(tmp_path / "in" / f"{SECRET}.png", noise)
    save(tmp_path / "in" / "small.png", picture(1, rows=64, columns=64))
    outcome = _limited(20_000, "deid", tmp_path / "in", "-o", tmp_path / "out", "--keep-names")
    told = outcome.stderr.decode()
    assert outcome.returncode == 1 and "1 done, 0 skipped, 1 failed" in told and "could not be written" in told
    assert SECRET not in told and "Traceback" not in told
    assert set(files_below(tmp_path / "out" / "images")) == {"small/small_0000.jpg"}
    assert_consistent(tmp_path / "out")


def test_tables_that_cannot_be_written_end_the_run_and_publish_nothing(tmp_path):
    save(tmp_path / "in" / f"{SECRET}.png", picture(1))
    outcome = _limited(60, "deid", tmp_path / "in", "-o", tmp_path / "out")
    told = outcome.stderr.decode()
    assert outcome.returncode == 1 and "cannot be written to the output folder" in told and "make room" in told
    assert SECRET not in told and "Traceback" not in told and outcome.stdout == b""
    assert not any(path.startswith("images") for path in shared_files(tmp_path / "out"))
    assert command("deid", tmp_path / "in", "-o", tmp_path / "out").returncode == 0
    assert_consistent(tmp_path / "out")


def test_a_full_disk_fails_what_does_not_fit_and_keeps_what_was_done(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=160k", "tmpfs", str(disk)]
    try:
        mounted = subprocess.run(mount, capture_output=True).returncode == 0
    except OSError:
        mounted = False
    if not mounted:
        pytest.skip("mounting a small file system is not permitted here")
    try:
        save(tmp_path / "in" / "a.png", picture(1))
        noise = np.random.default_rng(0).integers(0, 255, (400, 500)).astype(np.uint8)
        save(tmp_path / "in" / f"{SECRET}.png", noise)
        outcome = command("deid", tmp_path / "in", "-o", disk / "out", "--keep-names")
        told = outcome.stderr.decode()
        assert outcome.returncode == 1 and "No space left" in told and SECRET not in told and "Traceback" not in told
        assert "a/a_0000.jpg" in files_below(disk / "out" / "images") and len(files_below(disk / "out" / "images")) == 1
        assert_consistent(disk / "out")
    finally:
        subprocess.run(["umount", str(disk)], check=True)
