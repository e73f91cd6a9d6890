"""Every frame is examined, in each channel, to its edges: text planted anywhere is found, whenever and however it is there."""

import cv2
import numpy as np
import pydicom
import pytest
from planted import ink, speckle, stack_of, write
from pydicom.data import get_testdata_file

from PyLogikSlicerLib.core.masking import region_mask
from PyLogikSlicerLib.core.stack import Display, Header
from PyLogikSlicerLib.core.text_map import CoverageKind
from PyLogikSlicerLib.detection.examine import AVERAGED_FRAMES, examine
from PyLogikSlicerLib.detection.tracks import LEAD_BETWEEN_WORD_PASSES, MASKED_UNEXAMINED_FRAMES, MAX_READINGS
from PyLogikSlicerLib.policy.decisions import decide

ROWS, COLUMNS = 240, 320


def found_share(examination, text_pixels, frame=0):
    """Share of the text's pixels that the regions of that frame cover."""
    regions = [region for region in examination.text_map.regions if region.covers(frame)]
    return (region_mask(regions, *text_pixels.shape) & text_pixels).sum() / text_pixels.sum()


@pytest.mark.parametrize("x,y", [(2, 2), (230, 2), (2, 222), (230, 222), (110, 110)])
def test_text_is_found_in_every_corner_and_over_the_echo(engine, x, y):
    plain = speckle(ROWS, COLUMNS, 1)
    image = write(plain, "DOE 1962", x, y)
    assert found_share(examine(stack_of([image]), engine.readers), ink(image, plain)) > 0.98


@pytest.mark.parametrize("color", [(255, 0, 0), (0, 255, 0), (60, 90, 255), (255, 255, 0), (0, 255, 255)])
def test_text_in_any_colour_is_found(engine, color):
    plain = np.repeat(speckle(ROWS, COLUMNS, 2)[..., None], 3, axis=2)
    image = write(plain, "DOE 1962", 12, 20, color)
    assert found_share(examine(stack_of([image]), engine.readers), ink(image, plain)) > 0.98


def test_dark_text_on_bright_ground_is_found(engine):
    plain = np.full((ROWS, COLUMNS), 230, np.uint8)
    image = write(plain, "DOE JOHN 1962", 60, 100, 10)
    assert found_share(examine(stack_of([image]), engine.readers), ink(image, plain)) > 0.98


def test_tall_text_is_found_and_a_bright_organ_is_not_text(engine):
    plain = np.zeros((480, 640), np.uint8)
    plain[200:400, 150:500] = 130 + speckle(200, 350, 3, 100) // 4  # log-compressed, as screens show it
    image = write(plain, "DOE", 60, 30, 255, 90)
    examination = examine(stack_of([image]), engine.readers)
    assert found_share(examination, ink(image, plain)) > 0.95
    assert region_mask(examination.text_map.regions, 480, 640)[200:400, 150:500].mean() < 0.02


def test_text_on_the_last_frame_only_is_found_and_every_frame_counts_as_examined(engine):
    plain = speckle(ROWS, COLUMNS, 4)
    last = write(plain, "DOE 1962", 8, 8)
    examination = examine(stack_of([plain] * 9 + [last]), engine.readers)
    assert found_share(examination, ink(last, plain), frame=9) > 0.98
    assert found_share(examination, ink(last, plain), frame=2) == 0
    assert examination.text_map.frames_examined == 10
    assert [examination.text_map.coverage[frame].kind for frame in (0, 5)] == [CoverageKind.WHOLE, CoverageKind.UNCHANGED]


def test_a_timer_is_masked_on_every_frame(engine):
    plain = speckle(ROWS, COLUMNS, 5)
    frames = [write(plain, f"00:{second:02d}", 250, 10) for second in range(12)]
    examination = examine(stack_of(frames), engine.readers)
    for number, frame in enumerate(frames):
        assert found_share(examination, ink(frame, plain), number) > 0.98


@pytest.mark.parametrize("side", [17, 32, 48, 64, 96, 128, 192])
@pytest.mark.parametrize("name", ["MR_small.dcm", "CT_small.dcm"])
def test_a_small_slice_is_no_letter(engine, name, side):
    plain = small_slice(name, side)
    assert examine(stack_of([plain]), engine.readers).text_map.regions == ()
    assert examine(stack_of([plain] * 12), engine.readers).text_map.regions == ()


@pytest.mark.parametrize("name", ["MR_small.dcm", "CT_small.dcm"])
def test_a_letter_on_a_small_slice_is_found(engine, name):
    plain = small_slice(name, 64)
    image = write(plain, "R", 3, 3, height=9)
    examination = examine(stack_of([image]), engine.readers)
    assert found_share(examination, ink(image, plain)) > 0.98
    assert region_mask(examination.text_map.regions, *plain.shape).mean() < 0.15


def small_slice(name, side):
    stored = pydicom.dcmread(get_testdata_file(name, download=False)).pixel_array.astype(np.float32)
    low, high = np.percentile(stored, (0.5, 99.5))
    grey = np.clip((stored - low) / (high - low) * 255, 0, 255).astype(np.uint8)
    return cv2.resize(grey, (side, side), interpolation=cv2.INTER_AREA if side <= len(grey) else cv2.INTER_LINEAR)


def timed(plain, frames):
    return [write(plain, f"00:{number // 60:02d}:{number % 60:02d}", 200, 10) for number in range(frames)]


def test_a_known_timer_is_examined_now_and_then_and_is_masked_all_the_time(engine):
    plain = speckle(ROWS, COLUMNS, 5)
    frames = timed(plain, 60)
    examination = examine(stack_of(frames), engine.readers)
    for number, frame in enumerate(frames):
        assert found_share(examination, ink(frame, plain), number) > 0.98
    examined = [coverage.kind is not CoverageKind.UNCHANGED for coverage in examination.text_map.coverage]
    assert all(examined[:MAX_READINGS]) and examined[-1]
    assert 2 <= sum(examined[30:-1]) <= 4


def counting(readers):
    """The same readers, and a list to which each adds its name whenever it is given images."""
    calls = []

    class Counting:
        def __init__(self, reader):
            self._reader = reader
            self.name, self.device = reader.name, reader.device
            self.granularity, self.conclusive_score = reader.granularity, reader.conclusive_score
            if hasattr(reader, "recognize"):
                self.recognize = reader.recognize

        def detect(self, images):
            calls.append(self.name)
            return self._reader.detect(images)

    return tuple(map(Counting, readers)), calls


def test_a_number_that_changes_in_its_place_is_read_without_word_passes(engine):
    plain = np.repeat(speckle(ROWS, COLUMNS, 5)[..., None], 3, axis=2)
    readers, calls = counting(engine.readers)
    numbers = [71, 74, 78, 82, 79, 76]
    frames = [write(plain, f"HR {number}", 220, 10, (0, 255, 0)) for number in numbers for _ in range(10)]
    words = []
    examination = examine(stack_of(frames), readers, lambda progress: words.append(calls.count("ppocr")))
    assert words[0] == words[-1] > 0, "no word passes but those over the first frame, and over the composites, which come later"
    (region,) = examination.text_map.regions
    assert (region.frame_first, region.frame_last) == (0, len(frames) - 1)
    assert set(region.readings) >= {f"HR {number}" for number in numbers}
    assert [examination.text_map.coverage[frame].kind for frame in (9, 10)] == [CoverageKind.UNCHANGED, CoverageKind.CHANGED]
    for number in range(0, len(frames), 10):
        assert found_share(examination, ink(frames[number], plain), number) > 0.98


def test_a_changing_number_beside_a_timer_is_read_without_word_passes(engine):
    plain = speckle(ROWS, COLUMNS, 5)
    readers, calls = counting(engine.readers)
    frames = [write(frame, f"HR {71 + number // 10}", 200, 36) for number, frame in enumerate(timed(plain, 60))]
    words = []
    examine(stack_of(frames), readers, lambda progress: words.append(calls.count("ppocr")))
    assert words[0] == words[-2] > 0, "but for the last frame, on which known text is examined too"


@pytest.mark.parametrize("name,height,x", [("DOE J", 14, 220), ("DOE JANE 1962", 14, 140), ("J DOE", 8, 224), ("DOE", 30, 215)])
def test_a_name_that_takes_a_numbers_place_is_masked_and_known_to_the_rules(engine, name, height, x):
    plain = speckle(ROWS, COLUMNS, 5)
    frames = [*[write(plain, "HR 72", 220, 10)] * 12, *[write(plain, name, x, 10, height=height)] * 12]
    examination = examine(stack_of(frames), engine.readers)
    for number in (0, 11, 12, 23):
        assert found_share(examination, ink(frames[number], plain), number) > 0.98
    there = [region for region in decide(examination.text_map, Header(), "measurements").regions if region.covers(12)]
    assert there and all(region.decision == "redact" for region in there)


class Blind:
    name, granularity, conclusive_score, device = "blind", "letters", 0.9, "cpu"

    def detect(self, images):
        return [[] for _ in images]


@pytest.mark.parametrize("grey,blind", [(60, False), (120, False), (120, True)])
@pytest.mark.parametrize("name,x,y,height", [("J DOE", 112, 8, 10), ("DOE", 120, 5, 14), ("DOE JANE", 112, 14, 6)])
def test_a_dim_name_beside_bright_letters_in_their_box_is_not_kept_with_them(engine, name, x, y, height, grey, blind):
    plain = speckle(ROWS, 480, 5)
    number, wide = write(plain, "HR 72 bpm", 10, 5), write(plain, "HR 72 bpm Gn 50 dB", 10, 5)
    named = write(number, name, x, y, grey, height)
    readers = tuple(Blind() if blind and reader.granularity == "letters" else reader for reader in engine.readers)
    examination = examine(stack_of([*[wide] * 20, *[number] * 20, *[named] * 6, *[wide] * 110]), readers)
    decided = decide(examination.text_map, Header(modality="US"), "measurements")
    redacted = [region for region in decided.on_frame(43) if region.decision == "redact"]
    letters = np.abs(named.astype(int) - number) > 15
    assert (region_mask(redacted, ROWS, 480) & letters).sum() > 0.98 * letters.sum()


def test_where_a_number_was_wiped_nothing_stays_masked(engine):
    plain = speckle(ROWS, COLUMNS, 5)
    number = write(plain, "HR 72", 220, 10)
    examination = examine(stack_of([*[number] * 12, *[plain] * 30]), engine.readers)
    assert found_share(examination, ink(number, plain), 11) > 0.98
    assert found_share(examination, ink(number, plain), 12 + 2 * AVERAGED_FRAMES) == 0


def test_what_follows_a_timer_is_found_and_what_is_empty_afterwards_is_shown(engine):
    plain = speckle(ROWS, COLUMNS, 5)
    name = write(plain, "DOE JANE 1962", 140, 10)  # reaches over the timer's place
    frames = [*timed(plain, 30), *[name] * 5, *[plain] * 40]
    examination = examine(stack_of(frames), engine.readers)
    for number in range(35):
        assert found_share(examination, ink(frames[number], plain), number) > 0.98
    assert found_share(examination, ink(name, plain), 35 + AVERAGED_FRAMES + MASKED_UNEXAMINED_FRAMES) == 0


def test_text_beside_a_timer_that_quick_passes_miss_is_masked_on_all_its_frames(engine):
    plain = np.zeros((ROWS, COLUMNS), np.uint8)
    frames = timed(plain, 30)  # until its timer is known, its tile is never at rest
    frames[3:12] = [write(frame, "R", 206, 40, height=60) for frame in frames[3:12]]  # too tall for a quick pass, and no word
    examination = examine(stack_of(frames), engine.readers)
    for number in range(3, 12):
        assert found_share(examination, ink(frames[number], plain), number) > 0.98


def test_static_text_over_moving_speckle_is_masked_on_every_frame(engine):
    frames, plains = [], [speckle(ROWS, COLUMNS, seed, 90) for seed in range(8)]
    frames = [write(plain, "LT KIDNEY", 110, 120, 230) for plain in plains]
    examination = examine(stack_of(frames), engine.readers)
    for number, (frame, plain) in enumerate(zip(frames, plains, strict=True)):
        assert found_share(examination, ink(frame, plain), number) > 0.98


@pytest.mark.parametrize("text, value, height", [("DOE JANE 1962", 105, 9), ("7", 88, 10), ("19", 88, 7)])
def test_dim_text_that_stays_for_a_while_over_moving_speckle_is_found(engine, text, value, height):
    frames = [speckle(ROWS, COLUMNS, seed) for seed in range(30)]
    frames[10:20] = [write(frame, text, 90, 120, value, height) for frame in frames[10:20]]
    shape = write(np.zeros((ROWS, COLUMNS), np.uint8), text, 90, 120, height=height) > 100
    examination = examine(stack_of(frames), engine.readers)
    for number in range(10, 20):
        assert found_share(examination, shape, number) > 0.95


def test_dim_text_too_tall_for_the_native_scale_is_found_over_moving_speckle(engine):
    frames = [speckle(ROWS, COLUMNS, seed) for seed in range(30)]
    frames[10:20] = [write(frame, "07:05", 90, 100, 78, 44) for frame in frames[10:20]]
    shape = write(np.zeros((ROWS, COLUMNS), np.uint8), "07:05", 90, 100, height=44) > 100
    examination = examine(stack_of(frames), engine.readers)
    for number in range(10, 20):
        assert found_share(examination, shape, number) > 0.95


def test_text_of_three_frames_over_moving_speckle_is_found(engine):
    plains = [speckle(ROWS, COLUMNS, seed) for seed in range(9)]
    frames = [write(plain, "DOE 1962", 110, 110) if 3 <= number < 6 else plain for number, plain in enumerate(plains)]
    examination = examine(stack_of(frames), engine.readers)
    for number in (3, 4, 5):
        assert found_share(examination, ink(frames[number], plains[number]), number) > 0.98
    # It may have been there since the word pass before, undetected.
    assert found_share(examination, ink(frames[3], plains[3]), 3 - LEAD_BETWEEN_WORD_PASSES) > 0.5


def test_dark_text_on_one_of_several_unrelated_images_is_found(engine):
    """The frames of a stack need not be a cine; each new scene gets all passes."""
    dark, bright = speckle(ROWS, COLUMNS, 10, 40), np.full((ROWS, COLUMNS), 220, np.uint8)
    page = write(bright, "DOE JOHN 1962", 60, 100, 10)
    examination = examine(stack_of([dark, page, dark]), engine.readers)
    assert found_share(examination, ink(page, bright), frame=1) > 0.98


def test_text_that_the_display_window_hides_is_found(engine):
    plain = np.full((ROWS, COLUMNS), 1000, np.int16)
    image = plain.copy()
    image[write(np.zeros((ROWS, COLUMNS), np.uint8), "DOE 1962", 40, 60) > 128] = 3000
    examination = examine(stack_of([image], Display(window=(0.0, 400.0))), engine.readers)
    assert found_share(examination, image == 3000) > 0.98


def test_text_that_runs_up_the_image_is_found_and_read(engine):
    lying = write(np.zeros((COLUMNS, ROWS), np.uint8), "DOE JOHN", 60, 100, 255, 18)
    standing = np.rot90(lying).copy()
    examination = examine(stack_of([standing]), engine.readers)
    assert found_share(examination, standing > 128) > 0.98
    assert any("DOE" in region.text for region in examination.text_map.regions)


def test_a_short_word_that_stands_is_read(engine):
    lying = write(np.zeros((COLUMNS, ROWS), np.uint8), "HR", 60, 100, 255, 20)
    standing = np.rot90(lying).copy()
    examination = examine(stack_of([standing]), engine.readers)
    assert found_share(examination, standing > 128) > 0.98
    assert any("HR" in region.text for region in examination.text_map.regions)


def test_tall_text_that_comes_and_goes_over_moving_speckle_is_found(engine):
    plains = [speckle(480, 640, seed, 40) for seed in range(16)]
    frames = [write(plain, "23:00", 240, 200, 230, 44) if 6 <= number < 12 else plain for number, plain in enumerate(plains)]
    examination = examine(stack_of(frames), engine.readers)
    for number in range(6, 12):
        assert found_share(examination, ink(frames[number], plains[number]), number) > 0.95


@pytest.mark.parametrize("seed", [6, 7, 8])
def test_speckle_without_text_stays_whole(engine, seed):
    examination = examine(stack_of([speckle(ROWS, COLUMNS, seed)]), engine.readers)
    assert region_mask(examination.text_map.regions, ROWS, COLUMNS).mean() < 0.005


def test_a_frame_that_cannot_be_decoded_ends_the_examination(engine):
    from dataclasses import replace

    from PyLogikSlicerLib.core.errors import UnreadableInput

    stack = replace(stack_of([speckle(ROWS, COLUMNS, 9)]), frame_count=2)
    with pytest.raises(UnreadableInput, match="1 of 2 frames"):
        examine(stack, engine.readers)


def test_the_range_of_values_is_that_of_all_frames(engine):
    frames = [np.full((32, 32), value, np.int16) for value in (-5, 7, 90)]
    assert examine(stack_of(frames), engine.readers).value_range == (-5.0, 90.0)


@pytest.mark.parametrize("height", [14, 28])
def test_of_what_lies_around_text_over_a_texture_little_is_masked(engine, height):
    plain = cv2.GaussianBlur(np.random.default_rng(0).normal(90, 40, (300, 400)), (0, 0), 1.2).clip(0, 255).astype(np.uint8)
    view = write(plain, "DOE JOHN", 110, 150, height=height)
    mask = region_mask(examine(stack_of([view]), engine.readers).text_map.regions, 300, 400)
    text = ink(view, plain)
    ys, xs = np.nonzero(text)
    assert mask[text].all()
    assert mask.sum() < (np.ptp(ys) + 16) * (np.ptp(xs) + 20)


@pytest.mark.parametrize("text,height,rows,columns", [("L", 150, 2421, 1296), ("MLO", 170, 2000, 2000)])
def test_a_lead_marker_of_a_large_radiograph_is_found(engine, text, height, rows, columns):
    """Letters that only a view of a few hundred pixels shows at a size that a reader knows."""
    chest = cv2.resize(pydicom.dcmread(get_testdata_file("examples_overlay.dcm")).pixel_array.astype(np.float32), (columns, rows))
    plain = np.clip(chest / chest.max() * 200, 0, 255).astype(np.uint8)
    image = plain.copy()
    cv2.putText(image, text, (200, rows // 2), cv2.FONT_HERSHEY_SIMPLEX, height / 22, 245, height // 8, cv2.LINE_AA)
    examination = examine(stack_of([image]), engine.readers)
    assert found_share(examination, ink(image, plain)) > 0.95
    assert region_mask(examination.text_map.regions, rows, columns).mean() < 0.1
