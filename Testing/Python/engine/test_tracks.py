"""Text followed through frames: gaps are closed, spans hold every frame it was seen on, moving text is not smeared."""

import pytest

from PyLogikSlicerLib.core.geometry import Box
from PyLogikSlicerLib.detection.changes import WORD_PASS_INTERVAL
from PyLogikSlicerLib.detection.text_line import TextLine
from PyLogikSlicerLib.detection.tracks import LEAD_BETWEEN_WORD_PASSES, MAX_GAP, Tracker, regions_of_tracks


def line(x, y=10, width=40, height=12):
    return TextLine(Box(x, y, x + width, y + height).polygon, ("ppocr x1",))


def follow(lines_by_frame, frames):
    """Regions of a tracker that sees the given lines on the given frames."""
    tracker = Tracker()
    for frame in range(frames):
        tracker.active_tracks(frame)
        for one in lines_by_frame.get(frame, ()):
            tracker.add(frame, one)
    return regions_of_tracks(tracker.tracks(), frames)


def test_text_seen_now_and_then_is_masked_in_between():
    (region,) = follow({3: [line(20)], 3 + MAX_GAP: [line(21)]}, 60)
    assert (region.frame_first, region.frame_last) == (2, 4 + MAX_GAP)


def test_text_that_is_gone_for_long_is_two_regions():
    regions = follow({3: [line(20)], 40: [line(20)]}, 60)
    assert [(r.frame_first, r.frame_last) for r in regions] == [(2, 4), (39, 41)]


def test_the_region_holds_every_box_of_a_text_that_trembles():
    (region,) = follow({f: [line(20 + f % 3, 10 + f % 2)] for f in range(10)}, 10)
    assert region.box == (20, 10, 62, 23)


def test_text_that_moves_away_does_not_smear_one_mask_over_its_whole_path():
    regions = follow({f: [line(20 + 8 * f)] for f in range(20)}, 20)
    assert max(r.box[2] - r.box[0] for r in regions) < 110
    for frame in range(20):
        assert any(r.covers(frame) and r.box[0] <= 20 + 8 * frame and r.box[2] >= 60 + 8 * frame for r in regions)


def test_what_composites_show_is_masked_on_all_frames():
    tracker = Tracker()
    tracker.add_on_all_frames(30, line(50))
    (region,) = regions_of_tracks(tracker.tracks(), 30)
    assert (region.frame_first, region.frame_last) == (0, 29)


def test_a_short_detection_inside_a_lasting_one_is_one_row_for_the_reviewer():
    tracker = Tracker()
    tracker.add_on_all_frames(30, line(10, 5, 100, 30))
    tracker.add(7, line(80, 12, 20, 10))
    assert len(regions_of_tracks(tracker.tracks(), 30)) == 1


def test_the_confidence_of_a_text_that_changes_is_that_of_its_least_certain_reading():
    tracker = Tracker()
    track = tracker.add(0, line(20))
    for text, confidence in (("00:01", 0.99), ("00:02", 0.7), ("00:01", 0.95)):
        track.add_reading(text, confidence)
    (region,) = regions_of_tracks(tracker.tracks(), 1)
    assert (region.readings, region.confidence) == (("00:01", "00:02"), 0.7)
    track.add_reading("", 0.0)
    assert regions_of_tracks(tracker.tracks(), 1)[0].confidence == 0.0


def test_a_text_with_a_bar_is_one_reading():
    tracker = Tracker()
    tracker.add(0, line(20)).add_reading("MI 0.8 | TIS 0.2", 0.9)
    (region,) = regions_of_tracks(tracker.tracks(), 1)
    assert region.readings == ("MI 0.8 | TIS 0.2",) and region.text == "MI 0.8 | TIS 0.2"


def test_text_found_between_word_passes_is_masked_as_far_back_and_ahead_as_it_may_have_been_there():
    tracker = Tracker()
    tracker.add(20, line(10), LEAD_BETWEEN_WORD_PASSES).add_reading("DOE", 0.9)
    (region,) = regions_of_tracks(tracker.tracks(), 40)
    assert (region.frame_first, region.frame_last) == (20 - LEAD_BETWEEN_WORD_PASSES, 20 + LEAD_BETWEEN_WORD_PASSES)
    assert LEAD_BETWEEN_WORD_PASSES >= WORD_PASS_INTERVAL


@pytest.mark.parametrize("width", [52, 70])
def test_a_box_that_once_takes_in_what_is_beside_the_text_is_masked_then_and_no_longer(width):
    regions = follow({frame: [line(20, width=width if frame == 30 else 40)] for frame in range(60)}, 60)
    for frame in range(60):
        assert any(r.covers(frame) and r.box[0] <= 20 and r.box[2] >= 60 for r in regions)
    assert all(not r.covers(frame) for r in regions if r.box[2] > 60 for frame in (0, 25, 35, 59))
    assert any(r.covers(30) and r.box[2] >= 20 + width for r in regions)


def test_what_the_tracks_of_a_moment_hold_together_is_known_from_its_frames():
    tracker = Tracker()
    tracker.add(3, line(20, width=24))
    tracker.add(3, line(44, width=16))
    assert tracker.close_gaps(line(20, width=40))
    assert not tracker.close_gaps(line(20, width=90))
    assert not tracker.close_gaps(line(20, y=60))
