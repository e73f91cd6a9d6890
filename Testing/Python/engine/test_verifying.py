"""Only what reads back as it was meant, without readable text, may be published."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from planted import speckle, stack_of, write

from PyLogikSlicerLib.core.errors import VerificationFailed
from PyLogikSlicerLib.core.geometry import Box, box_of_image
from PyLogikSlicerLib.core.masking import fill_masked, region_mask
from PyLogikSlicerLib.core.options import Options
from PyLogikSlicerLib.core.progress import ignore_progress
from PyLogikSlicerLib.core.stack import Header, Reread
from PyLogikSlicerLib.core.text_map import Region
from PyLogikSlicerLib.detection.engines import Engine
from PyLogikSlicerLib.detection.grouping import PADDING
from PyLogikSlicerLib.pipeline import GROWTH, process
from PyLogikSlicerLib.policy.decisions import MEASUREMENT, may_stay
from PyLogikSlicerLib.verifying import Verification, Written, confirm_source, verify
from PyLogikSlicerLib.writing.formats import FORMATS, decode
from PyLogikSlicerLib.writing.frame_writer import open_writer
from PyLogikSlicerLib.writing.rendering import rendering_for

ROWS, COLUMNS = 200, 300
NOTHING = Region(Box(0, 0, 0, 0).polygon, 0, 0)


def written(stack, folder, regions=(), fmt="png"):
    """Files of ``stack`` with ``regions`` masked, and what they must be."""
    fmt = FORMATS[fmt]
    frames = list(stack.frames())
    low, high = min(f.min() for f in frames), max(f.max() for f in frames)
    rendering = rendering_for(stack, (float(low), float(high)), shown=not fmt.exact)
    mask = region_mask(regions, stack.rows, stack.columns)
    expected = [(fill_masked(rendering.render(frame), mask), mask) for frame in frames]
    writer = open_writer(fmt, folder, "image", len(frames))
    for number, (pixels, _) in enumerate(expected):
        writer.write(number, pixels)
    writer.close()
    return Written(writer, box_of_image(stack.rows, stack.columns), lambda: iter(expected))


def check(stack, files, engine, kept=()):
    judge = partial(may_stay, header=stack.header)
    return verify(stack, files, kept, judge, engine.readers, None, ignore_progress)


@pytest.mark.parametrize("fmt", list(FORMATS))
def test_clean_files_pass(engine, tmp_path, fmt):
    stack = stack_of([speckle(ROWS, COLUMNS, seed) for seed in range(2)])
    verdict = check(stack, written(stack, tmp_path, fmt=fmt), engine)
    assert verdict.frames == 2 and not verdict.readable
    assert (verdict.largest_error == 0) == FORMATS[fmt].exact


def test_text_left_in_the_files_is_found_where_it_is(engine, tmp_path):
    stack = stack_of([write(speckle(ROWS, COLUMNS, 1), "DOE JOHN", 90, 170)])
    (residue, *_) = check(stack, written(stack, tmp_path), engine).readable
    assert residue.box[0] < 100 and residue.box[1] < 180 < residue.box[3]
    assert "DOE" in residue.text


def test_text_that_was_kept_on_purpose_is_no_residue(engine, tmp_path):
    stack = stack_of([write(speckle(ROWS, COLUMNS, 1), "12.5 mm", 90, 170)])
    kept = Region(Box(80, 160, 190, 198).polygon, 0, 0, decision="keep")
    assert not check(stack, written(stack, tmp_path), engine, [kept]).residues


def test_one_wrong_pixel_fails(engine, tmp_path):
    stack = stack_of([speckle(ROWS, COLUMNS, 2)])
    files = written(stack, tmp_path)
    pixels = files.writer.read(0).copy()
    pixels[17, 23] ^= 1
    files.writer.write(0, pixels)
    with pytest.raises(VerificationFailed, match="frame 0 does not read back"):
        check(stack, files, engine)


@pytest.mark.parametrize("damage", [lambda p: p.unlink(), lambda p: p.write_bytes(p.read_bytes()[:-40]), lambda p: p.write_bytes(b"")])
def test_a_file_that_is_gone_or_cut_short_fails(engine, tmp_path, damage):
    stack = stack_of([speckle(ROWS, COLUMNS, seed) for seed in range(3)])
    files = written(stack, tmp_path)
    damage(files.writer.files[2])
    with pytest.raises(VerificationFailed):
        check(stack, files, engine)


def test_a_frame_too_few_fails(engine, tmp_path):
    stack = stack_of([speckle(ROWS, COLUMNS, seed) for seed in range(3)])
    files = written(stack, tmp_path)
    fewer = open_writer(FORMATS["png"], tmp_path, "image", 2)
    with pytest.raises(VerificationFailed, match="2 frames were written of 3"):
        check(stack, replace(files, writer=fewer), engine)


def test_another_picture_in_place_of_the_frame_fails_in_jpeg_too(engine, tmp_path):
    stack = stack_of([speckle(ROWS, COLUMNS, 4)])
    files = written(stack, tmp_path, fmt="jpeg")
    files.writer.write(0, speckle(ROWS, COLUMNS, 5))
    with pytest.raises(VerificationFailed, match="grey levels"):
        check(stack, files, engine)


@pytest.mark.parametrize("held,shown", [(0, 1), (1, 0), (2, 1)])
def test_a_file_that_shows_its_neighbor_fails_in_jpeg_too_where_frames_are_alike(engine, tmp_path, held, shown):
    """Frames that differ by less than JPEG may err: a trembling scene, faint motion."""
    generator = np.random.default_rng(8)
    still = speckle(ROWS, COLUMNS, 4).astype(int)
    frames = [np.clip(still + generator.integers(-3, 4, still.shape), 0, 255).astype(np.uint8) for _ in range(3)]
    stack = stack_of(frames)
    files = written(stack, tmp_path, fmt="jpeg")
    assert check(stack, files, engine).frames == 3
    files.writer.write(held, frames[shown])
    with pytest.raises(VerificationFailed, match=f"file of frame {held} shows frame {shown}"):
        check(stack, files, engine)


@pytest.mark.parametrize(
    "text,stays", [("12.5 mm", True), ("HR 72 bpm", True), ("DOE JANE", False), ("12.03.1961", False), ("MRN 770193", False)]
)
def test_what_the_policy_kept_is_judged_again_by_what_the_file_shows(engine, tmp_path, text, stays):
    """Detection may have read what stood there before, or half of it; a box says nothing of what is in it."""
    stack = stack_of([write(speckle(ROWS, COLUMNS, 1), text, 90, 170)], header=Header(modality="US"))
    kept = Region(Box(60, 150, 299, 199).polygon, 0, 0, ("12.5 mm",), 0.99, decision="keep", reason=MEASUREMENT)
    assert bool(check(stack, written(stack, tmp_path), engine, [kept]).readable) is not stays


def test_a_residue_half_inside_a_kept_region_is_no_part_of_it(engine, tmp_path):
    stack = stack_of([write(speckle(ROWS, COLUMNS, 1), "12.5 mm JANE", 20, 170)], header=Header(modality="US"))
    kept = Region(Box(10, 160, 110, 198).polygon, 0, 0, ("12.5 mm",), 0.99, decision="keep", reason="kept by a person")
    assert check(stack, written(stack, tmp_path), engine, [kept]).residues


def test_a_source_about_which_two_decoders_disagree_fails():
    """One that took RGB for YCbCr, one that left a third of the picture as memory was, one that is off by one stored level."""
    frames = [np.repeat(speckle(ROWS, COLUMNS, seed)[..., None], 3, 2) for seed in (1, 2)]
    unwritten = frames[1].copy()
    unwritten[ROWS // 2 :] = np.random.default_rng(0).integers(0, 255, unwritten[ROWS // 2 :].shape)
    trembling = np.clip(frames[1].astype(int) + np.random.default_rng(1).integers(-3, 4, frames[1].shape), 0, 255).astype(np.uint8)

    def source(again, lossy):
        return replace(stack_of(frames), decode_again=lambda: iter([Reread(1, again, lossy)]))

    assert confirm_source(source(frames[1], lossy=False)) == 1
    assert confirm_source(source(trembling, lossy=True)) == 1
    assert confirm_source(stack_of(frames)) == 0
    for again, lossy in (
        (unwritten, True),
        (frames[0], True),
        (trembling, False),
        (frames[1][..., ::-1] // 2, True),
        (frames[1][:-1], True),
    ):
        with pytest.raises(VerificationFailed, match="disagree about frame 1"):
            confirm_source(source(again, lossy))


class BlindTo:
    """A reader that sees nothing in the first pass over anything, as if detection had missed all text."""

    def __init__(self, reader, blind_calls):
        self.name, self.device, self.recognize = reader.name, reader.device, reader.recognize
        self.granularity, self.conclusive_score = reader.granularity, reader.conclusive_score
        self._reader, self._blind = reader, blind_calls

    def detect(self, images):
        self._blind -= len(images)
        return [[] for _ in images] if self._blind >= 0 else self._reader.detect(images)


def test_what_detection_missed_is_masked_by_verification(engine, tmp_path):
    """The first two calls are all passes that detection runs over an image of this size."""
    plain = speckle(ROWS, COLUMNS, 6)
    image = write(plain, "DOE JOHN", 90, 170)
    blind = Engine((BlindTo(engine.readers[0], 2),))
    result = process(stack_of([image]), "image", tmp_path, Options(format="png"), blind)
    output = decode(tmp_path / "image_0000.png", FORMATS["png"])
    assert result.rounds >= 2 and not result.verification.readable
    assert any(region.reason == "found by verification" for region in result.text_map.regions)
    assert (output[image.astype(int) - plain > 60] == 0).all()


def test_text_that_stays_readable_fails_the_image(engine, tmp_path):
    """A reader that always reports the same clear word somewhere new cannot be satisfied: no output is better than doubt."""

    class NeverSatisfied(BlindTo):
        calls = 0

        def detect(self, images):
            type(self).calls += 1
            x = 20 * (type(self).calls % 14)
            box = Box(x, 80, x + 90, 100).polygon
            from PyLogikSlicerLib.detection.reader import RawDetection

            return [[RawDetection(box, 0.99)] for _ in images]

        def _read(self, crops):
            return [("DOE", 0.99) for _ in crops]

    reader = NeverSatisfied(engine.readers[0], 0)
    reader.recognize = reader._read
    bright = np.random.default_rng(7).integers(60, 255, (ROWS, COLUMNS)).astype(np.uint8)
    with pytest.raises(VerificationFailed, match="still readable"):
        process(stack_of([bright]), "image", tmp_path, Options(format="png"), Engine((reader,)))


def test_what_verification_masks_takes_in_what_is_around(engine, tmp_path):
    image = write(np.zeros((ROWS, COLUMNS), np.uint8), "DOE JOHN", 90, 120)
    result = process(stack_of([image]), "image", tmp_path, Options(format="png"), Engine((BlindTo(engine.readers[0], 2),)))
    (found,) = (region.box for region in result.text_map.regions)
    ys, xs = np.nonzero(image)
    assert found[0] <= xs.min() - PADDING - GROWTH and found[3] >= ys.max() + 1 + PADDING + GROWTH


def test_words_that_stay_readable_fail_an_image_and_a_lone_letter_at_the_edge_of_a_mask_does_not():
    def residue(readings):
        return Region(Box(0, 0, 9, 9).polygon, 0, 0, readings, 0.95)

    residues = tuple(map(residue, (("y",), ("1", "I"), ("DOE",), ("7", "12"), ("+",))))
    assert [region.text for region in Verification(1, residues, 0).readable] == ["DOE", "7 | 12"]
