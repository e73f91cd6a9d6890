"""A review: every decision is a step that can be undone, and what a person lets through is told in the CSV."""

import numpy as np
import pytest

from PyLogikSlicerLib.core.analysis import Analysis
from PyLogikSlicerLib.core.errors import UsageError
from PyLogikSlicerLib.core.geometry import Box
from PyLogikSlicerLib.core.text_map import Coverage, CoverageKind, Region, TextMap
from PyLogikSlicerLib.review import Review
from PyLogikSlicerLib.roi import make_roi

ROWS, COLUMNS, FRAMES = 100, 200, 10


def found(box, first=0, last=9, reason="text", decision="redact"):
    return Region(Box(*box).polygon, first, last, ("ab",), 0.9, "ppocr x1", reason, decision)


NAME, SIGN, LATE, DEPTH = (
    found((10, 10, 60, 20), reason="matches PatientName"),
    found((10, 10, 30, 20)),
    found((100, 50, 140, 62), first=4, last=6),
    found((100, 80, 140, 92), reason="measurement", decision="keep"),
)


@pytest.fixture
def review():
    text_map = TextMap((NAME, SIGN, LATE, DEPTH), (Coverage(CoverageKind.WHOLE, 1.0),) * FRAMES)
    return Review(Analysis(text_map, None, (0, 255)), ROWS, COLUMNS, FRAMES)


def roi(rows=ROWS, columns=COLUMNS):
    return make_roi("linear", {}, [np.array([(10, 10), (90, 10), (90, 60), (10, 60)])], rows, columns)


def test_an_untouched_review_gives_the_analysis_back(review):
    assert review.regions == (NAME, SIGN, LATE, DEPTH)
    assert review.analysis.text_map.regions == review.regions
    assert review.reviewed == frozenset() and not review.can_undo and not review.can_redo


def test_what_a_person_keeps_though_it_is_sensitive_says_so_in_the_csv(review):
    review.decide([0], "keep")
    region = review.analysis.text_map.regions[0]
    assert (region.decision, region.reason) == ("keep", "matches PatientName; kept by a person")
    assert review.regions[0].reason == "matches PatientName"


def test_a_region_kept_and_redacted_again_is_as_it_was_found(review):
    review.decide([0], "keep")
    review.decide([0], "redact")
    assert review.analysis.text_map.regions[0] == NAME


def test_what_the_options_kept_is_not_said_to_be_a_persons_doing(review):
    review.decide([3], "redact")
    assert review.analysis.text_map.regions[3].decision == "redact"
    review.decide([3], "keep")
    assert review.analysis.text_map.regions[3] == DEPTH


def test_all_of_one_reason_are_decided_at_once_and_undone_at_once(review):
    assert review.reasons() == ("matches PatientName", "text", "measurement")
    review.decide(review.with_reason("text"), "keep")
    assert [region.decision for region in review.regions] == ["redact", "keep", "keep", "keep"]
    review.undo()
    assert review.regions == (NAME, SIGN, LATE, DEPTH)


def test_deleting_what_the_engine_found_keeps_it_where_it_is_seen(review):
    review.delete([0, 2])
    assert [region.polygon for region in review.regions] == [region.polygon for region in (NAME, SIGN, LATE, DEPTH)]
    assert [region.decision for region in review.regions] == ["keep", "redact", "keep", "keep"]
    assert review.kept_by_person == {0, 2} and review.reviewed == {0, 2}
    assert [region.reason for region in review.published_regions] == [
        "matches PatientName; kept by a person",
        "text",
        "text; kept by a person",
        "measurement",
    ]
    assert review.analysis.text_map.regions == review.published_regions


def test_deleting_is_one_step_whatever_was_selected(review):
    index = review.add(Box(150, 10, 160, 20).polygon, 2, 3)
    review.delete([0, index])
    assert review.regions == (NAME.decided("keep"), SIGN, LATE, DEPTH)
    review.undo()
    assert review.regions[0] == NAME and len(review.regions) == 5
    review.redo()
    assert review.regions == (NAME.decided("keep"), SIGN, LATE, DEPTH)


def test_deleting_what_the_options_kept_changes_no_decision(review):
    review.delete([3])
    assert review.regions[3] == DEPTH and review.published_regions[3] == DEPTH and review.kept_by_person == frozenset()


def test_a_region_that_a_person_drew_and_keeps_is_a_persons_doing_too(review):
    index = review.add(Box(150, 10, 160, 20).polygon, 2, 3)
    review.decide([index], "keep")
    assert review.kept_by_person == {index} and review.published_regions[index].reason == "added by a person; kept by a person"


def test_a_region_that_a_person_drew_and_deleted_is_gone(review):
    index = review.add(Box(150, 10, 160, 20).polygon, 2, 3)
    added = review.regions[index]
    assert (added.engine, added.reason, added.decision, added.frame_first, added.frame_last) == (
        *("person", "added by a person", "redact"),
        *(2, 3),
    )
    assert index in review.reviewed
    review.delete([index])
    assert review.analysis.text_map.regions == (NAME, SIGN, LATE, DEPTH)
    review.undo()
    assert review.regions[index] == added


def test_a_moved_region_keeps_its_text_and_says_that_it_was_moved(review):
    review.move(2, Box(98, 48, 144, 64).polygon)
    region = review.analysis.text_map.regions[2]
    assert (region.box, region.text, region.decision) == ((98, 48, 144, 64), "ab", "redact")
    assert region.reason == "text; moved by a person"


def test_every_step_is_undone_and_redone_in_order(review):
    states = [(review.regions, review.roi, review.reviewed)]
    steps = (
        lambda: review.decide([1], "keep"),
        lambda: review.add(Box(1, 1, 5, 5).polygon, 0, 9),
        lambda: review.move(0, Box(12, 10, 62, 20).polygon),
        lambda: review.set_roi(roi()),
        lambda: review.mark_reviewed([2]),
        lambda: review.delete([0]),
    )
    for step in steps:
        step()
        states.append((review.regions, review.roi, review.reviewed))
    for state in reversed(states[:-1]):
        review.undo()
        assert (review.regions, review.roi, review.reviewed) == state
    assert not review.can_undo
    for state in states[1:]:
        review.redo()
        assert (review.regions, review.roi, review.reviewed) == state
    assert not review.can_redo


def test_a_new_step_after_undo_ends_what_could_be_redone(review):
    review.decide([0], "keep")
    review.undo()
    review.decide([1], "keep")
    assert not review.can_redo


def test_a_step_that_changes_nothing_is_no_step(review):
    review.decide([0], "redact")
    review.undo()
    review.redo()
    review.decide([0], "redact")
    review.undo()
    assert not review.can_undo


def test_next_unreviewed_goes_around_and_ends_when_all_were_looked_at(review):
    review.mark_reviewed([1, 3])
    assert review.next_unreviewed(-1) == 0
    assert review.next_unreviewed(0) == 2
    assert review.next_unreviewed(2) == 0
    review.mark_reviewed([0, 2])
    assert review.next_unreviewed(1) is None


def test_the_smallest_region_at_a_point_of_a_frame_is_picked(review):
    assert review.region_at(15, 15, 0) == 1
    assert review.region_at(45, 15, 0) == 0
    assert review.region_at(120, 55, 5) == 2
    assert review.region_at(120, 55, 3) is None
    assert (review.region_at(10, 10, 0), review.region_at(60, 10, 0)) == (1, None)  # half-open


@pytest.mark.parametrize(
    "box", [(300, 10, 310, 20), (10, -30, 20, -5), (10, 10, 10, 20), (10, 10, float("nan"), 20)], ids=["right", "above", "flat", "nan"]
)
def test_a_region_that_masks_nothing_is_refused_and_nothing_changes(review, box):
    with pytest.raises(UsageError):
        review.add(Box(*box).polygon, 0, 9)
    with pytest.raises(UsageError):
        review.move(0, Box(*box).polygon)
    assert review.regions == (NAME, SIGN, LATE, DEPTH) and not review.can_undo


def test_what_does_not_fit_the_image_is_refused(review):
    for wrong in (
        lambda: review.add(Box(1, 1, 5, 5).polygon, 3, 10),
        lambda: review.decide([4], "keep"),
        lambda: review.delete([-1]),
        lambda: review.set_roi(roi(rows=50)),
    ):
        with pytest.raises(UsageError):
            wrong()
    assert not review.can_undo


def test_the_region_of_interest_goes_into_the_analysis(review):
    review.set_roi(roi())
    assert review.analysis.roi.crop == (10, 10, 91, 61)
    review.undo()
    assert review.analysis.roi is None


STEPS = {
    "a decision": lambda review: review.decide([1], "keep"),
    "a region": lambda review: review.add(Box(1, 1, 5, 5).polygon, 0, 9),
    "a place": lambda review: review.move(0, Box(12, 10, 62, 20).polygon),
    "the region of interest": lambda review: review.set_roi(roi()),
    "what was looked at": lambda review: review.mark_reviewed([2]),
    "a deletion": lambda review: review.delete([2]),
}


@pytest.mark.parametrize("step", STEPS)
def test_a_review_knows_whether_it_holds_a_persons_work(review, step):
    assert not review.touched
    STEPS[step](review)
    assert review.touched
    review.undo()
    assert not review.touched, "what was undone can be lost"


@pytest.mark.parametrize("step", STEPS)
def test_a_review_knows_whether_it_would_still_be_published_alike(review, step):
    review.decide([0], "keep")
    published = review.analysis
    assert review.publishes_same_as(published)
    STEPS[step](review)
    assert review.publishes_same_as(published) == (step == "what was looked at")
    review.undo()
    assert review.publishes_same_as(published)
    review.undo()
    assert not review.publishes_same_as(published)
    review.redo()
    assert review.publishes_same_as(published)


def test_of_what_is_to_be_kept_that_which_matches_the_header_is_named(review):
    assert review.matching_header([0, 1, 2, 3]) == {0: "PatientName"}
    assert review.matching_header([1, 2]) == {}
    review.decide([0], "keep")
    assert review.matching_header([0]) == {0: "PatientName"}
