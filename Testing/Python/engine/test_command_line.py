"""The command line: exit statuses, what goes to which stream, and how it ends when it is told to end."""

import json
import os
import re
import signal
import struct
import subprocess
import sys
import time

import numpy as np
import pytest
from PIL import Image
from small_runs import (
    assert_consistent,
    command,
    dicom,
    environment,
    files_below,
    leftovers,
    picture,
    save,
    start_command,
    table,
)

from PyLogikSlicerLib import __version__
from PyLogikSlicerLib.command_line import main
from PyLogikSlicerLib.core.options import VARIANTS

SECRET = "Quillfeather"
on_posix = pytest.mark.skipif(os.name == "nt", reason="needs POSIX signals or terminals")


def wrong_usage(capsys, *arguments) -> str:
    """What is told about wrong usage; it must be exit status 2, on stderr alone, and repeat nothing that was typed."""
    try:
        status = main(list(map(str, arguments)))
    except SystemExit as exit_:
        status = exit_.code
    streams = capsys.readouterr()
    assert status == 2 and streams.out == "" and SECRET not in streams.err
    return streams.err


def test_a_run_ends_with_status_0_when_all_is_done_and_tells_so_in_one_line(tmp_path):
    save(tmp_path / "in" / "a.png", picture(1))
    outcome = command("deid", tmp_path / "in", "-o", tmp_path / "out")
    assert (outcome.returncode, outcome.stdout) == (0, b"")
    assert outcome.stderr.splitlines() == [b"1 done, 0 skipped, 0 failed"]
    assert_consistent(tmp_path / "out")


def test_names_are_random_unless_those_of_the_files_are_asked_for_and_only_one_kind_stays(tmp_path):
    save(tmp_path / "in" / "scan.png", picture(1))
    for number, (arguments, kept) in enumerate([([], False), (["--keep-names"], True), (["--rename"], False)]):
        outcome = command("deid", tmp_path / "in", "-o", tmp_path / "out", *arguments, "--json")
        assert outcome.returncode == 0 and json.loads(outcome.stdout)["options"]["rename"] is not kept, number
        (name,) = os.listdir(tmp_path / "out" / "images")
        assert (name == "scan") is kept and (kept or re.fullmatch("[A-Z0-9]{10}", name))
        assert_consistent(tmp_path / "out")
    assert command("deid", tmp_path / "in", "-o", tmp_path / "out").returncode == 0
    assert os.listdir(tmp_path / "out" / "images") == [name]


def test_an_image_that_could_not_keep_its_name_is_told_by_number_although_it_is_done(tmp_path):
    dicom(tmp_path / "in" / "zebedee 3.dcm", [picture(1)], PatientName=f"{SECRET}^Zebedee")
    outcome = command("find-txt", tmp_path / "in", "-o", tmp_path / "out", "--keep-names")
    assert outcome.returncode == 0 and outcome.stderr.decode().splitlines() == [
        "input 1 done: 1/1 frames examined; under a random name, since its own may hold the header's PatientName",
        "1 done, 0 skipped, 0 failed",
    ]


def test_status_1_says_by_number_what_was_not_done_and_json_is_all_of_stdout(tmp_path):
    save(tmp_path / SECRET / "a.png", picture(1))
    (tmp_path / SECRET / "b.png").write_bytes(b"")
    outcome = command("find-txt", tmp_path / SECRET, "-o", tmp_path / "out", "--json")
    assert outcome.returncode == 1
    assert json.loads(outcome.stdout) == json.loads((tmp_path / "out" / "report.json").read_text())
    assert outcome.stderr.decode().splitlines() == [
        "input 2 skipped: the file is empty",
        "1 done, 1 skipped, 0 failed; phi/log.csv tells which and why",
    ]


def test_a_bar_shows_the_progress_on_a_terminal_and_names_nothing(tmp_path):
    fcntl, pty, termios = map(pytest.importorskip, ("fcntl", "pty", "termios"))
    save(tmp_path / "in" / f"{SECRET}.png", picture(1))
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    process = subprocess.Popen(
        [sys.executable, "-m", "PyLogikSlicerLib", "deid", str(tmp_path / "in"), "-o", str(tmp_path / "out")],
        stdout=subprocess.PIPE,
        stderr=theirs,
        env={**environment(), "TERM": "xterm"},
    )
    os.close(theirs)
    shown = b""
    try:
        while piece := os.read(ours, 4096):
            shown += piece
    except OSError:  # the terminal is gone with its last user
        pass
    assert process.wait(60) == 0 and process.stdout.read() == b""
    assert b"image 1/1 examine" in shown and b"frame" in shown and b"\r" in shown and b"1 done" in shown
    assert SECRET.encode() not in shown


@pytest.mark.parametrize(
    "arguments,complaint",
    [
        ([], "COMMAND"),
        ([f"/data/{SECRET}.dcm", "-o", "out"], "invalid choice"),
        (["deid", f"/data/{SECRET}.dcm"], "required: -o"),
        (["deid", "-o", "out"], "INPUT"),
        (["deid", f"/data/{SECRET}.dcm", "-o", "out", f"--patient={SECRET}"], "unrecognized arguments"),
        (["deid", "in", "-o", "out", "--threshold", SECRET], "0 to 255"),
        (["deid", "in", "-o", "out", "--threshold", "256"], "0 to 255"),
        (["deid", "in", "-o", "out", "--threshold", "-1"], "threshold"),
        (["deid", "in", "-o", "out", "--format", SECRET], "'jpeg', 'jpeg-lossless', 'png'"),
        (["deid", "in", "-o", "out", "--keep", SECRET], "measurements"),
        (["deid", f"/data/{SECRET}.dcm", "-o", "out", "--rename", "--keep-names"], "not allowed with argument --rename"),
        (["deid", f"/data/{SECRET}.dcm", "-o", "out", "--keep-names", "--rename"], "not allowed with argument --keep-names"),
        (["deid", f"/data/{SECRET}.dcm", "-o", "out"], "input 1 does not exist"),
        (["dice", "a.png", "b.png", f"{SECRET}.png"], "unrecognized arguments"),
        (["deid", f"/data/{SECRET}.dcm", "-o", "out", "--memory-limit", SECRET], "invalid float value"),
        (["deid", f"/data/{SECRET}.dcm", "-o", "out", "--time-limit", "0"], "number above 0"),
    ],
)
def test_wrong_usage_is_status_2_and_repeats_nothing_that_was_typed(capsys, tmp_path, monkeypatch, arguments, complaint):
    monkeypatch.chdir(tmp_path)
    assert complaint in wrong_usage(capsys, *arguments)
    assert not any(tmp_path.iterdir())


def test_places_that_would_mix_originals_and_output_are_wrong_usage(capsys, tmp_path):
    folder = tmp_path / SECRET
    original = save(folder / "sub" / "a.png", picture(1))
    for inputs, output in (
        ([folder], folder),
        ([folder], folder / "out"),
        ([folder], folder / "sub" / "out"),
        ([folder / "sub"], folder),
        ([original], folder / "sub"),
    ):
        assert "inside" in wrong_usage(capsys, "deid", *inputs, "-o", output)
    os.symlink(folder, tmp_path / "link")
    assert "inside" in wrong_usage(capsys, "deid", tmp_path / "link", "-o", folder / "out")
    assert files_below(tmp_path) == {f"{SECRET}/sub/a.png": original.read_bytes()}


def test_an_empty_folder_is_wrong_usage(capsys, tmp_path):
    (tmp_path / SECRET / "sub").mkdir(parents=True)
    assert "nothing to read" in wrong_usage(capsys, "deid", tmp_path / SECRET, "-o", tmp_path / "out")


@pytest.mark.parametrize("place", ["a file", "below a file", "a link to itself"])
def test_an_output_folder_that_cannot_be_made_is_wrong_usage(capsys, tmp_path, place):
    save(tmp_path / "in" / "a.png", picture(1))
    output = tmp_path / SECRET
    if place == "a link to itself":
        os.symlink(output, output)
    else:
        output.write_bytes(b"x")
    complaint = wrong_usage(capsys, "deid", tmp_path / "in", "-o", output / "out" if place == "below a file" else output)
    assert "cannot be written to" in complaint and "-o" in complaint


def test_every_variant_and_option_is_explained(capsys):
    for arguments in (["--help"], *([variant, "--help"] for variant in (*VARIANTS, "find-txt")), ["dice", "--help"], ["demo", "--help"]):
        with pytest.raises(SystemExit) as exit_:
            main(arguments)
        told = capsys.readouterr().out
        assert exit_.value.code == 0 and "usage:" in told
    with pytest.raises(SystemExit):
        main(["--version"])
    assert capsys.readouterr().out.strip() == __version__


def test_options_reach_the_run(tmp_path):
    gray = picture(1, "12.5 mm", rows=120, columns=200)
    dicom(tmp_path / "in" / "a.dcm", [gray])
    arguments = ["--format", "png", "--keep", "measurements", "--rename", "--threshold", "5", "--engine", "ppocr", "--device", "cpu"]
    outcome = command("deid-us", tmp_path / "in", "-o", tmp_path / "out", *arguments, "--json")
    assert outcome.returncode == 0
    options = json.loads(outcome.stdout)["options"]
    assert options == {
        **{"variant": "deid-us", "threshold": 5, "engine": "ppocr", "device": "cpu", "format": "png", "keep": "measurements"},
        **{"stack": False, "rename": True, "images": True, "roi": None, "template": None},
        **{name: options[name] for name in ("readers", "weights")},
    } and options["readers"].startswith("ppocr on cpu")
    assert [path.suffix for path in (tmp_path / "out" / "images").rglob("*_0000*")] == [".png"]


def test_an_engine_that_cannot_start_is_told_before_anything_is_read(capsys, tmp_path):
    save(tmp_path / "in" / "a.png", picture(1))
    assert main(["deid", str(tmp_path / "in"), "-o", str(tmp_path / "out"), "--engine", "ppocr", "--device", "mps"]) == 1
    streams = capsys.readouterr()
    assert "--device cpu" in streams.err and streams.out == ""
    assert not files_below(tmp_path / "out" / "images")


def test_weights_that_are_not_the_expected_ones_are_refused(capsys, tmp_path):
    save(tmp_path / "in" / "a.png", picture(1))
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "PP-OCRv6_det_small.onnx").write_bytes(b"something else")
    arguments = ["deid", tmp_path / "in", "-o", tmp_path / "out", "--models", tmp_path / "models", "--engine", "ppocr"]
    assert main(list(map(str, arguments))) == 1
    assert "SHA-256" in capsys.readouterr().err


def test_a_fault_of_ours_is_told_without_the_message_that_may_name_a_patient(capsys, tmp_path, monkeypatch):
    def faulty(*_):
        raise RuntimeError(f"/data/{SECRET}.dcm")

    monkeypatch.setattr("PyLogikSlicerLib.command_line.run", faulty)
    assert main(["deid", str(tmp_path), "-o", str(tmp_path / "out")]) == 1
    told = capsys.readouterr().err
    assert "RuntimeError in test_command_line.py" in told and SECRET not in told and "Traceback" not in told


def test_dice_prints_the_score(tmp_path):
    mask = np.zeros((10, 10), np.uint8)
    mask[:5] = 1
    save(tmp_path / "pred.png", mask)
    save(tmp_path / "true.png", np.ones((10, 10), np.uint8))
    outcome = command("dice", tmp_path / "pred.png", tmp_path / "true.png", "-o", tmp_path / "out")
    assert outcome.returncode == 0 and b"0.6667" in outcome.stdout and (tmp_path / "out" / "dice.csv").is_file()
    Image.new("RGB", (4, 4)).save(tmp_path / f"{SECRET}.png")
    outcome = command("dice", tmp_path / f"{SECRET}.png", tmp_path / "missing.png")
    assert outcome.returncode in (1, 2) and outcome.stdout == b"" and SECRET.encode() not in outcome.stderr


# Ends before its time


@pytest.fixture
def long_work(tmp_path):
    """A folder of one image that is soon finished and a cine of which every frame is different: (input, output)."""
    save(tmp_path / "in" / "a.png", picture(1))
    dicom(tmp_path / "in" / "b.dcm", [picture(seed, rows=240, columns=320) for seed in range(60)])
    return tmp_path / "in", tmp_path / "out"


def _wait_for(condition, process):
    end = time.monotonic() + 90
    while not condition():
        assert process.poll() is None and time.monotonic() < end
        time.sleep(0.02)


def _start_and_wait(source, output, *arguments):
    """Start a run and wait until the first image is finished and work on the second is under way."""
    process = start_command("deid", source, "-o", output, "--keep-names", *arguments)
    _wait_for(lambda: (output / "report.json").is_file() and leftovers(output), process)
    return process


def _finish(source, output):
    """Shorten the cine, so that the next run does not take long, and let it complete the work."""
    dicom(source / "b.dcm", [picture(0)])
    outcome = command("deid", source, "-o", output, "--keep-names")
    assert outcome.returncode == 0, outcome.stderr
    assert {row["name"]: row["status"] for row in table(output, "log")} == {"a": "done", "b": "done"}
    assert_consistent(output)


@on_posix
@pytest.mark.parametrize("signal_name", ["SIGINT", "SIGTERM"])
def test_a_signal_ends_a_run_within_seconds_and_cleanly(long_work, signal_name):
    source, output = long_work
    process = _start_and_wait(source, output)
    time.sleep(0.5)
    start = time.monotonic()
    process.send_signal(getattr(signal, signal_name))
    told = process.communicate(timeout=60)[1].decode()
    assert process.returncode == 130 and time.monotonic() - start < 10
    assert "interrupted" in told and "Traceback" not in told
    assert_consistent(output)
    assert set(files_below(output / "images")) == {"a/a_0000.jpg"}
    _finish(source, output)


@on_posix
def test_a_killed_run_leaves_nothing_half_written_and_the_next_one_cleans_up_and_completes(long_work):
    source, output = long_work
    process = _start_and_wait(source, output)
    time.sleep(0.5)
    process.kill()
    process.communicate(timeout=60)
    assert leftovers(output) and not any(path.startswith("images/b") for path in files_below(output))
    json.loads((output / "report.json").read_text())
    assert {row["name"]: row["status"] for row in table(output, "log")} == {"a": "done", "": "failed"}
    _finish(source, output)


@on_posix
@pytest.mark.slow
def test_a_run_killed_at_any_moment_is_completed_by_the_next(tmp_path):
    for number in range(4):
        save(tmp_path / "in" / f"{number}.png", picture(number))
    full = command("deid", tmp_path / "in", "-o", tmp_path / "full", "--keep-names")
    assert full.returncode == 0
    for attempt in range(20):
        output = tmp_path / f"out{attempt}"
        process = start_command("deid", tmp_path / "in", "-o", output, "--keep-names")
        _wait_for(lambda output=output: (output / "phi" / "log.csv").exists(), process)
        time.sleep(0.15 * attempt)
        process.kill()
        process.communicate(timeout=60)
        assert command("deid", tmp_path / "in", "-o", output, "--keep-names").returncode == 0
        assert_consistent(output)
        assert files_below(output / "images") == files_below(tmp_path / "full" / "images")


@on_posix
def test_a_run_beside_another_in_the_same_folder_is_refused_and_harms_nothing(long_work):
    source, output = long_work
    process = _start_and_wait(source, output)
    second = command("deid", source, "-o", output)
    assert second.returncode == 2 and b"another run" in second.stderr
    assert leftovers(output) and process.poll() is None
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    assert re.search("interrupted", table(output, "log")[-1]["reason"])
