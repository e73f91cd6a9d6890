"""Files made after public bug reports: each is read as it is meant, its text is found, and nothing else comes out as its picture.

Where a refusal would be right too, what we give is held all the same: a file that can be read is read.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from small_runs import Run

from PyLogikSlicerLib.core.channels import max_channel
from PyLogikSlicerLib.core.masking import region_mask
from PyLogikSlicerLib.detection.examine import examine
from PyLogikSlicerLib.reading import open_stacks
from PyLogikSlicerLib.verifying import confirm_source

FOLDER = Path(__file__).resolve().parents[2] / "Data" / "cases" / "odd"
CASES = {case["file"]: case for case in json.loads((FOLDER / "expected.json").read_text(encoding="utf-8"))}
WITH_PICTURE = [name for name, case in CASES.items() if "compare" in case and not case.get("text_mask")]
WITH_TEXT = [name for name, case in CASES.items() if case.get("text_box")]


def expected(name: str):
    return np.load(FOLDER / "expected" / f"{name}.npz")


@pytest.mark.parametrize("name", WITH_PICTURE)
def test_the_frames_are_those_that_the_file_means(name):
    case = CASES[name]
    (stack,) = open_stacks(FOLDER / name)
    frames = list(stack.frames())
    assert len(frames) == case["frames"]
    for number in case["compared_frames"]:
        right = expected(name)[f"f{number}"].astype(np.float64)
        frame = stack.display_of(number).show(frames[number]) if case["compare"] == "shown" else frames[number]
        frame = frame.astype(np.float64)
        if frame.ndim == 2 and right.ndim == 3:
            frame = np.repeat(frame[..., None], 3, axis=2)
        assert frame.shape == right.shape
        wrong = np.abs(frame - right) > case["tolerance"]
        assert wrong.mean() <= case.get("wrong_share", 0.02)


@pytest.mark.parametrize("name", list(CASES))
def test_another_decoder_confirms_what_was_read(name):
    for stack in open_stacks(FOLDER / name):
        confirm_source(stack)


@pytest.mark.parametrize("name", WITH_TEXT)
def test_its_text_is_found_on_every_frame(engine, name):
    """Text in the low bits of 16, beyond a far value that squeezes the display, in frames with a window of their own."""
    x0, y0, x1, y1 = CASES[name]["text_box"]
    (stack,) = open_stacks(FOLDER / name)
    examination = examine(stack, engine.readers)
    for number, frame in enumerate(stack.frames()):
        grey = frame.astype(np.float64) if frame.ndim == 2 else max_channel(frame).astype(np.float64)
        inside = grey[y0:y1, x0:x1]
        text = inside > inside.min() + 0.6 * np.ptp(inside)
        masked = region_mask(examination.text_map.on_frame(number), *grey.shape)[y0:y1, x0:x1]
        assert (text & ~masked).sum() <= 0.05 * text.sum()


def test_no_byte_of_the_file_beside_its_pixels_becomes_a_pixel(engine, tmp_path):
    """The absent tile of a sparse TIFF showed the file's own header, with the patient's name and number."""
    name = "sparse_tiles.tif"
    (stack,) = open_stacks(FOLDER / name)
    (frame,) = stack.frames()
    assert CASES[name]["pixel_bytes_must_not_hold"].encode() not in frame.tobytes()
    assert not frame[64:, 64:].any()


def test_what_is_not_supported_is_not_called_damaged(tmp_path):
    for name, case in CASES.items():
        if "reason_must_not_hold" in case:
            assert len(open_stacks(FOLDER / name)) == 1


def test_padding_takes_no_grey_level_from_what_is_shown():
    (stack,) = open_stacks(FOLDER / "padding_63536_contrast.dcm")
    shown = stack.display.show(next(stack.frames()))
    assert len(np.unique(shown)) >= CASES["padding_63536_contrast.dcm"]["levels_at_least"]


def test_all_of_them_go_the_whole_road(engine, tmp_path):
    run = Run(FOLDER, tmp_path / "out", engine, format="png")
    reasons = {status: reason for _, status, reason in run.events if status != "done"}
    # The two that are no images: expected.json and the folder of expected frames.
    assert run.statuses.count("done") == len(CASES) and run.statuses.count("failed") == 0, reasons
    assert all(image["pixels"]["exact"] for image in run.report["images"] if image["name"] == "grey_alpha_16")
