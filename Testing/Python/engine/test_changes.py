"""What did not change is not examined again, and everything that did is."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from PyLogikSlicerLib.core.geometry import Box, box_of_image
from PyLogikSlicerLib.detection.changes import NOISE, QUIET_FRAMES, WORD_PASS_INTERVAL, FrameMemory, SearchArea

ROWS, COLUMNS = 200, 330
WHOLE = SearchArea(box_of_image(ROWS, COLUMNS), "full")


def covered(areas, y, x):
    return any(x0 <= x < x1 and y0 <= y < y1 for x0, y0, x1, y1 in (area.box for area in areas))


def update(memory, frame, **known):
    memory.compare(frame)
    return memory.areas_to_search(**known)


def pass_groups_at(areas, y, x):
    return {area.pass_group for area in areas if covered([area], y, x)}


def test_the_first_frame_is_examined_whole():
    assert update(FrameMemory(), np.zeros((ROWS, COLUMNS), np.uint8)) == [WHOLE]


def test_a_frame_that_did_not_change_is_not_examined_again():
    memory, frame = FrameMemory(), np.random.default_rng(1).integers(0, 255, (ROWS, COLUMNS, 3)).astype(np.uint8)
    update(memory, frame)
    assert update(memory, frame.copy()) == []


@given(st.integers(0, ROWS - 1), st.integers(0, COLUMNS - 1), st.integers(0, 2), st.integers(NOISE + 1, 255))
def test_one_changed_pixel_in_one_channel_is_examined_wherever_it_is(y, x, channel, jump):
    memory, frame = FrameMemory(), np.zeros((ROWS, COLUMNS, 3), np.uint8)
    update(memory, frame)
    changed = frame.copy()
    changed[y, x, channel] = jump
    assert covered(update(memory, changed), y, x)
    assert covered(update(memory, changed), y, x), "at rest it is examined once more, with all passes"
    assert update(memory, changed) == []


def test_slow_drift_does_not_pass_unseen():
    memory, frame = FrameMemory(), np.full((ROWS, COLUMNS), 100, np.uint8)
    update(memory, frame)
    examined = False
    for level in range(101, 101 + 3 * NOISE):
        frame = frame.copy()
        frame[50:60, 50:60] = level
        examined = examined or covered(update(memory, frame), 55, 55)
    assert examined


def test_another_image_is_examined_whole():
    memory = FrameMemory()
    update(memory, np.zeros((ROWS, COLUMNS), np.uint8))
    assert update(memory, np.full((ROWS, COLUMNS), 200, np.uint8)) == [WHOLE]


def test_the_next_frame_of_a_moving_scene_is_no_new_one():
    memory = FrameMemory()
    update(memory, np.zeros((ROWS, COLUMNS), np.uint8))
    assert {area.pass_group for area in update(memory, np.full((ROWS, COLUMNS), 30, np.uint8))} == {"quick"}


def flicker(memory, frames, last=False):
    """The groups of passes on each of ``frames`` frames on which one tile changes on and on."""
    seen = []
    for number in range(frames):
        frame = np.zeros((ROWS, COLUMNS), np.uint8)
        frame[10, 10] = 100 + 20 * (number % 2)
        seen.append(pass_groups_at(update(memory, frame, last=last and number == frames - 1), 10, 10))
    return seen


def test_what_changes_on_and_on_is_examined_on_every_frame_and_by_word_readers_now_and_then():
    memory = FrameMemory()
    update(memory, np.zeros((ROWS, COLUMNS), np.uint8))
    seen = flicker(memory, 30)
    assert all(groups in ({"quick"}, {"words"}) for groups in seen)
    with_words = [number for number, groups in enumerate(seen) if groups == {"words"}]
    assert max(np.diff(with_words)) == WORD_PASS_INTERVAL


def test_what_comes_to_rest_gets_all_passes():
    memory = FrameMemory()
    update(memory, np.zeros((ROWS, COLUMNS), np.uint8))
    flicker(memory, 3)
    still = np.zeros((ROWS, COLUMNS), np.uint8)
    still[10, 10] = 140  # as flicker left it
    update(memory, still)
    assert pass_groups_at(update(memory, still), 10, 10) == {"full"}
    assert update(memory, still) == []


def test_what_appears_where_all_was_quiet_gets_all_passes_at_once():
    memory, frame = FrameMemory(), np.zeros((ROWS, COLUMNS), np.uint8)
    for _ in range(QUIET_FRAMES + 2):
        update(memory, frame)
    frame = frame.copy()
    frame[10, 10] = 200
    assert pass_groups_at(update(memory, frame), 10, 10) == {"full"}


def test_the_last_frame_gets_all_passes_where_the_stack_moved():
    memory = FrameMemory()
    update(memory, np.zeros((ROWS, COLUMNS), np.uint8))
    assert flicker(memory, 5, last=True)[-1] == {"full"}


def test_what_changes_under_a_mask_is_not_examined_until_it_is_masked_no_longer_or_the_stack_ends():
    memory, masked = FrameMemory(), [Box(8, 8, 14, 14)]
    update(memory, np.zeros((ROWS, COLUMNS), np.uint8))
    for level in (100, 200, 100):
        frame = np.zeros((ROWS, COLUMNS), np.uint8)
        frame[10, 10] = level
        assert update(memory, frame, masked=masked) == []
    assert covered(update(memory, frame), 10, 10)
    frame = frame.copy()
    frame[10, 10] = 0
    assert pass_groups_at(update(memory, frame, last=True, masked=masked), 10, 10) == {"full"}


@given(st.integers(0, ROWS - 1), st.integers(0, COLUMNS - 1))
def test_one_pixel_beside_what_is_masked_is_examined(y, x):
    memory, masked = FrameMemory(), Box(100, 60, 180, 90)
    update(memory, np.zeros((ROWS, COLUMNS), np.uint8))
    frame = np.zeros((ROWS, COLUMNS), np.uint8)
    frame[60:90, 100:180] = 200
    frame[y, x] = 100
    inside = 100 <= x < 180 and 60 <= y < 90
    assert covered(update(memory, frame, masked=[masked]), y, x) is not inside


def test_it_knows_since_when_a_place_has_been_as_it_is():
    memory, box = FrameMemory(), Box(5, 5, 30, 20)
    frame = np.zeros((ROWS, COLUMNS), np.uint8)
    for number in range(12):
        frame = frame.copy()
        frame[50, 50] = 100 + 20 * (number % 2)  # elsewhere in the same tile
        if number == 7:
            frame[10, 10] = 200
        update(memory, frame)
        assert memory.unchanged_since(box) == (7 if number >= 7 else 0)


@given(st.integers(0, 2**32 - 1))
def test_boxes_never_leave_the_frame(seed):
    generator = np.random.default_rng(seed)
    memory, frame = FrameMemory(), np.zeros((ROWS, COLUMNS), np.uint8)
    update(memory, frame)
    for y, x in zip(generator.integers(0, ROWS, 5), generator.integers(0, COLUMNS, 5), strict=True):
        frame = frame.copy()
        frame[y, x] = 200
    for x0, y0, x1, y1 in (area.box for area in update(memory, frame)):
        assert 0 <= x0 < x1 <= COLUMNS and 0 <= y0 < y1 <= ROWS


def test_it_knows_what_has_changed_after_a_frame():
    memory = FrameMemory()
    for number in range(8):
        frame = np.zeros((ROWS, COLUMNS), np.uint8)
        frame[number, 0] = 200  # one pixel comes and goes on each frame
        update(memory, frame)
    assert sorted(np.nonzero(memory.changed_after(5)[:, 0])[0]) == [5, 6, 7]
    assert not memory.changed_after(5)[:, 1:].any()


KNOWN, OTHER = Box(10, 10, 60, 30), Box(20, 40, 50, 60)  # in one tile


def compared(*changed):
    """A memory that was just shown a frame on which these pixels, (x, y), were new."""
    memory, frame = FrameMemory(), np.zeros((ROWS, COLUMNS), np.uint8)
    update(memory, frame)
    for x, y in changed:
        frame = frame.copy()
        frame[y, x] = 200
    memory.compare(frame)
    return memory, frame


def test_it_knows_where_nothing_changed_but_what_lies_in_a_box():
    assert compared((12, 12))[0].changed_only_inside([KNOWN, OTHER]) == [True, False]
    assert compared((12, 12), (22, 42))[0].changed_only_inside([KNOWN, OTHER]) == [True, True]
    assert compared((12, 12), (200, 100))[0].changed_only_inside([KNOWN]) == [True], "another tile is another place"
    assert compared()[0].changed_only_inside([KNOWN]) == [False]


@given(st.integers(0, 63), st.integers(0, 63))
def test_one_new_pixel_beside_a_box_is_news(x, y):
    inside = KNOWN[0] <= x < KNOWN[2] and KNOWN[1] <= y < KNOWN[3]
    memory, _ = compared((12, 12), (x, y))
    assert memory.changed_only_inside([KNOWN]) == [inside]
    assert covered(memory.areas_to_search(read=[KNOWN]), y, x) is not inside


def test_what_was_read_is_known_from_then_on():
    memory, frame = compared((12, 12))
    assert memory.areas_to_search(read=[KNOWN]) == []
    assert update(memory, frame) == []
    assert update(memory, frame, last=True) == []
    assert covered(update(memory, np.zeros_like(frame)), 12, 12)


def test_on_another_image_nothing_is_known():
    memory = FrameMemory()
    update(memory, np.zeros((ROWS, COLUMNS), np.uint8))
    memory.compare(np.full((ROWS, COLUMNS), 200, np.uint8))
    assert memory.changed_only_inside([box_of_image(ROWS, COLUMNS)]) == [False]
    assert memory.areas_to_search() == [WHOLE]
