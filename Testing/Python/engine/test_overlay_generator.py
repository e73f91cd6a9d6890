"""The bench's generator of burned-in text: what is measured with it can be trusted only if its truth is the truth."""

from __future__ import annotations

import importlib.util
from dataclasses import astuple
from pathlib import Path

import cv2
import numpy as np
import pytest
from pydicom import dcmread

from PyLogikSlicerLib.reading import open_stacks

FRAMES = 12


@pytest.fixture(scope="module")
def generator(benchmark_module):
    return benchmark_module("overlay_generator")


@pytest.fixture(scope="module")
def made(generator) -> list:
    """Four stills and four cines: every ground that is always there, and every transfer syntax, twice."""
    return [generator.screen(5, index, frames) for frames in (1, FRAMES) for index in range(4)]


@pytest.fixture(scope="module")
def written(generator, made, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("overlays")
    for screen in made:
        generator.write_screen(screen, folder)
    return folder


def test_the_same_seed_gives_the_same_screens_in_whatever_order(generator, made):
    for number in (5, 0):
        again = generator.screen(5, number % 4, len(made[number].frames))
        assert np.array_equal(again.frames, made[number].frames)
        assert [str(astuple(item)) for item in again.items] == [str(astuple(item)) for item in made[number].items]
    assert not np.array_equal(generator.screen(6, 0, 1).frames, made[0].frames)


def test_every_screen_has_text_of_many_heights_and_in_many_places(generator, made):
    items = [item for screen in made for item in screen.items]
    assert len(items) > 0.75 * generator.ITEMS * len(made)
    assert {item.height for item in items} == set(generator.HEIGHTS)
    assert {item.place for item in items} == set(generator.PLACES)
    assert {item.duration for item in items} == set(generator.DURATIONS)
    assert {item.color for item in items} == {*generator.HUES, "grey"}


def test_the_dim_series_is_dim_and_lasts_and_lies_over_what_moves(generator):
    screen = generator.dim_screen(5, 0, FRAMES + 8)
    assert len(screen.items) > generator.ITEMS / 2 and screen.ground == "speckle, moving"
    assert {item.duration for item in screen.items} == {"static", "ten"}
    assert np.median([item.contrast for item in screen.items]) < 40 and min(item.height for item in screen.items) >= 8
    assert np.array_equal(generator.dim_screen(5, 0, FRAMES + 8).frames, screen.frames)


def test_capitals_are_as_high_as_asked(generator):
    for face in generator.faces():
        for height in generator.HEIGHTS:
            drawn = face.write("H", height).shape[0]
            nearest = 4 if face.kind == "bitmap" else 1  # the bitmap letters are 8 px high, or a multiple
            assert abs(drawn - height) <= nearest, (face, height, drawn)


def test_an_item_lasts_as_long_as_it_says(made):
    for screen in made:
        count = len(screen.frames)
        for item in screen.items:
            shown = [frame for frame in range(count) if item.on_frame(frame)]
            assert len(shown) == {"brief": 3, "ten": 10}.get(item.duration, count)
            assert len({mark.box for mark in item.marks}) > 1 or item.duration != "moving"


def test_where_the_truth_says_ink_the_image_differs_from_its_ground(generator, made):
    """The contrast told is that between the ink and what is around it, on the pixels of the final image."""
    for screen in made:
        for item in screen.items:
            mark = item.marks[len(item.marks) // 2]
            x0, y0, x1, y1 = mark.box
            patch = screen.frames[mark.first, y0:y1, x0:x1].max(axis=-1).astype(float)
            assert mark.ink.any() and mark.ink.shape == (y1 - y0, x1 - x0)
            assert min(x0, y0) >= 0 and y1 <= screen.frames.shape[1] and x1 <= screen.frames.shape[2]
            assert item.contrast >= generator.LEAST_CONTRAST
            if item.place == "screen" and (~mark.ink).any():
                assert abs(np.median(patch[mark.ink]) - np.median(patch[~mark.ink])) > 0.5 * item.contrast


def test_the_dicom_files_hold_the_frames_bit_for_bit_in_several_transfer_syntaxes(generator, made, written):
    syntaxes = set()
    for screen in made:
        path = written / "dicom" / f"{screen.name}.dcm"
        syntaxes.add(dcmread(path).file_meta.TransferSyntaxUID)
        (stack,) = open_stacks(path)
        frames = np.stack(list(stack.frames()))
        assert np.array_equal(frames, screen.frames if stack.channels == 3 else screen.frames[..., 0])
    assert syntaxes == set(generator.SYNTAXES)


def test_score_agrees_with_the_truth(repository, made, written, tmp_path):
    """Nothing removed: nearly everything leaks. Everything in a box removed: nothing does, and nothing else was masked."""
    path = repository.parent / "shared" / "score.py"
    if not path.is_file():
        pytest.skip("score.py (../shared) is not here")
    specification = importlib.util.spec_from_file_location("score", path)
    score = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(score)
    for run, remove in (("untouched", False), ("removed", True)):
        for screen in made:
            folder = tmp_path / run / "images" / screen.name
            folder.mkdir(parents=True)
            for frame in screen.reference_frames:
                image = screen.frames[frame].copy()
                for x0, y0, x1, y1 in (item.on_frame(frame).box for item in screen.items if remove and item.on_frame(frame)):
                    image[y0:y1, x0:x1] = 0
                cv2.imwrite(str(folder / f"{screen.name}_{frame:04d}.png"), image[..., ::-1])
    untouched, removed = (score.score(written / "truth", tmp_path / run) for run in ("untouched", "removed"))
    assert not untouched["missing"] and not removed["missing"]
    assert removed["recall"]["all"]["leaks"] == 0 and removed["over_masked_frame"] == 0
    assert untouched["recall"]["all"]["recall"] < 0.02


@pytest.mark.parametrize("script", ["Greek", "Arabic", "Georgian"])
def test_names_in_other_scripts_are_written_in_their_letters(generator, script):
    made = generator.script_screen(1, 0, script)
    assert len(made.items) > 6
    for item in made.items:
        assert item.kind == script
        assert any(name.startswith(item.marks[0].text) for name in generator.SCRIPTS[script].names)
        assert item.marks[0].ink.any()


def test_a_font_that_would_draw_empty_boxes_is_not_written_with(generator):
    greek = generator.SCRIPTS["Greek"]
    assert greek.faces
    assert type(greek)(("김민수",)).faces == ()
    assert type(greek)(greek.names, "no/such/font.ttf").faces == ()
