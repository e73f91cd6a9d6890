"""The process that decodes: a file can harm nothing but itself, nothing is left on the disk, and the program that asks is not changed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pytest
from bombs import bomb_of_deflated_elements, bomb_of_gif, bomb_of_png, gzip_with_a_tail, rle_bomb
from PIL import Image
from reading_samples import color_image, sample, write_dicom

from PyLogikSlicerLib.core.errors import DecoderFailed, UnreadableInput
from PyLogikSlicerLib.reading.decoding.client import Decoder
from PyLogikSlicerLib.reading.decoding.limits import GIB, Limits

LIBRARIES = ("av", "imagecodecs", "pydicom", "PIL", "SimpleITK", "tifffile", "nibabel", "nrrd")


@pytest.fixture
def decoder():
    decoder = Decoder()
    yield decoder
    decoder.close()


def decoding_process(decoder: Decoder) -> psutil.Process:
    return decoder._process._usage


def still(path: Path) -> Path:
    Image.fromarray(color_image()).save(path)
    return path


def is_decodable(decoder: Decoder, path: Path) -> bool:
    (stack,) = decoder.open(path)
    return len(list(stack.frames())) == stack.frame_count


def test_a_decoder_that_crashes_costs_its_file_only(decoder, tmp_path):
    assert is_decodable(decoder, sample("CT_small.dcm"))
    (stack,) = decoder.open(sample("examples_ybr_color.dcm"))
    frames = stack.frames()
    next(frames)
    decoding_process(decoder).send_signal(signal.SIGSEGV if os.name == "posix" else signal.SIGTERM)
    with pytest.raises(DecoderFailed, match="crashed"):
        list(frames)
    assert is_decodable(decoder, sample("CT_small.dcm"))
    assert len(list(stack.frames())) == stack.frame_count


def test_a_decoder_that_hangs_is_ended(decoder, tmp_path):
    assert is_decodable(decoder, sample("CT_small.dcm"))
    decoding_process(decoder).suspend()
    with pytest.raises(DecoderFailed, match="longer than 1 s.*--time-limit"):
        decoder.open(still(tmp_path / "a.png"), Limits(seconds=0.5))
    assert is_decodable(decoder, sample("CT_small.dcm"))


def test_a_decoder_that_takes_too_much_memory_is_ended(decoder, tmp_path):
    with pytest.raises(DecoderFailed, match="GiB of memory.*--memory-limit"):
        # Python with the libraries already takes more than that.
        decoder.open(bomb_of_deflated_elements(tmp_path / "bomb.dcm", 512 << 20), Limits(memory=100 << 20))
    assert is_decodable(decoder, sample("CT_small.dcm"))


@pytest.mark.parametrize(
    "make,expected",
    [
        pytest.param(
            lambda folder: bomb_of_deflated_elements(folder / "a.dcm", 3 * GIB), "memory", id="deflated element", marks=pytest.mark.slow
        ),
        pytest.param(lambda folder: bomb_of_png(folder / "a.png", 30_000), "frame", id="PNG of 900 megapixels", marks=pytest.mark.slow),
        pytest.param(lambda folder: bomb_of_gif(folder / "a.gif", 40_000), "image", id="GIF of 40,000 frames"),
        pytest.param(lambda folder: rle_bomb(folder / "a.dcm"), "frame", id="RLE"),
        pytest.param(lambda folder: gzip_with_a_tail(folder / "a.nii.gz", 2 * GIB), "", id="gzip with a tail", marks=pytest.mark.slow),
    ],
)
def test_what_claims_or_holds_far_more_than_it_shows_takes_neither_memory_nor_time(decoder, tmp_path, make, expected):
    path = make(tmp_path)
    start = time.monotonic()
    if expected:
        with pytest.raises(UnreadableInput, match=expected):
            for stack in decoder.open(path):
                list(stack.frames())
    else:
        assert is_decodable(decoder, path)
    assert time.monotonic() - start < 60
    assert is_decodable(decoder, sample("CT_small.dcm"))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux file systems take any bytes for a name")
@pytest.mark.parametrize("suffix", [b".nii", b".mha", b".nrrd", b".avi", b".png", b".tif", b".dcm"])
def test_a_name_that_is_not_utf8_is_a_name_like_any_other(decoder, tmp_path, suffix):
    from small_runs import save, video, volume

    grey = color_image()[..., 0]
    made = {
        b".nii": lambda path: volume(path, np.stack([grey] * 2)),
        b".mha": lambda path: volume(path, np.stack([grey] * 2)),
        b".nrrd": lambda path: volume(path, np.stack([grey] * 2)),
        b".avi": lambda path: video(path, [grey, grey]),
        b".png": lambda path: save(path, grey),
        b".tif": lambda path: save(path, grey),
        b".dcm": lambda path: write_dicom(path, grey.tobytes(), grey),
    }[suffix](tmp_path / ("plain" + suffix.decode()))
    odd = Path(os.fsdecode(os.fsencode(tmp_path) + b"/M\xfcller \xff" + suffix))
    os.rename(made, odd)
    assert is_decodable(decoder, odd)


def test_no_file_is_made_while_a_file_is_decoded(tmp_path, monkeypatch):
    """Not for a video in a DICOM file, nor for a volume whose name ITK does not take: what a killed process leaves behind tells."""
    from test_reading_matrix import _mpeg2_in_dicom

    scratch = tmp_path / "scratch"
    scratch.mkdir()
    for name in ("TMPDIR", "TEMP", "TMP"):
        monkeypatch.setenv(name, str(scratch))
    decoder = Decoder()
    try:
        for path in (_mpeg2_in_dicom(tmp_path)[0], gzip_with_a_tail(tmp_path / "volume.gz", 1 << 20)):
            (stack,) = decoder.open(path)
            for _ in stack.frames():
                assert list(scratch.iterdir()) == []
            list(stack.decode_again())
        assert list(scratch.iterdir()) == []
    finally:
        decoder.close()


def test_the_decoding_process_ends_with_the_program_that_asked(tmp_path):
    program = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from PyLogikSlicerLib.reading.decoding.client import shared_decoder\n"
        "decoder = shared_decoder()\n"
        f"decoder.open(Path({str(sample('CT_small.dcm'))!r}))\n"
        "print(decoder._process._usage.pid, flush=True)\n"
        "time.sleep(600)\n"
    )
    asking = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, env=_environment())
    process = psutil.Process(int(asking.stdout.readline()))
    asking.kill()
    asking.wait()
    process.wait(10)


def _environment() -> dict[str, str]:
    import PyLogikSlicerLib

    return {**os.environ, "PYTHONPATH": str(Path(PyLogikSlicerLib.__file__).parents[1])}


def test_a_module_that_lies_about_is_not_run(tmp_path):
    """A library of ours tries ``import dl``; a file of that name in the current folder, a study's folder for example, must not run."""
    for name in ("dl", "numpy", "pydicom", "runpy", "json", "PyLogikSlicerLib"):
        (tmp_path / f"{name}.py").write_text(f"open({str(tmp_path / 'was run')!r}, 'w')\nraise SystemExit\n")
    program = (
        "import sys; sys.path.pop(0)\n"
        "from pathlib import Path\n"
        "from PyLogikSlicerLib.reading import open_stacks\n"
        f"print(len(list(open_stacks(Path({str(sample('CT_small.dcm'))!r}))[0].frames())))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, env=_environment())
    assert (done.stdout, done.returncode) == ("1\n", 0), done.stderr
    assert not (tmp_path / "was run").exists()


def test_reading_changes_nothing_in_the_program_that_asks():
    """Slicer's own pydicom, ITK and OpenCV go on to warn and log as they did: they are not even imported."""
    program = (
        "import sys, json, logging, warnings, os, numpy\n"
        "before = [list(map(str, warnings.filters)), logging.root.level, logging.root.manager.disable, os.fstat(2)[:2], dict(os.environ)]\n"
        "from pathlib import Path\n"
        "from PyLogikSlicerLib.reading import open_stacks\n"
        f"list(open_stacks(Path({str(sample('CT_small.dcm'))!r}))[0].frames())\n"
        "after = [list(map(str, warnings.filters)), logging.root.level, logging.root.manager.disable, os.fstat(2)[:2], dict(os.environ)]\n"
        f"print(json.dumps([before == after, [name for name in {LIBRARIES!r} if name in sys.modules]]))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=_environment())
    assert json.loads(done.stdout) == [True, []], done.stderr
