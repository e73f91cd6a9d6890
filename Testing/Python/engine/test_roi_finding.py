"""The region finder: on screens whose region is known exactly, on hand-checked outlines, and where there is nothing to find."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
from planted import stack_of

from PyLogikSlicerLib.core.errors import NoRegionFound
from PyLogikSlicerLib.core.geometry import Box
from PyLogikSlicerLib.core.options import Options
from PyLogikSlicerLib.core.projections import CompositeAccumulator
from PyLogikSlicerLib.core.stack import Header, UltrasoundRegion
from PyLogikSlicerLib.core.text_map import Region
from PyLogikSlicerLib.detection.engines import Engine
from PyLogikSlicerLib.detection.reader import RawDetection
from PyLogikSlicerLib.pipeline import analyse, hides_echo
from PyLogikSlicerLib.reading import open_stacks
from PyLogikSlicerLib.roi import find_roi

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "Benchmarks"))
from roi_phantom import KINDS, composites_of, dice, make_phantom, pylogik  # noqa: E402

VARIANTS = ("deid-us", "deid-one", "deid-clean")


def composites(*frames):
    accumulator = CompositeAccumulator()
    for frame in frames:
        accumulator.add(np.ascontiguousarray(frame))
    return accumulator.result()


def nowhere(shape):
    return np.zeros(shape, bool)


def speckle(shape, seed=0):
    noise = cv2.GaussianBlur(np.random.default_rng(seed).standard_normal(shape), (0, 0), 1.5)
    return np.clip(110 + 130 * noise, 5, 255).astype(np.uint8)


def sector_screen(seed=0, columns=400, rows=300):
    """A curved sector, a grey bar and ticks; and where the sector is."""
    y, x = np.mgrid[:rows, :columns].astype(float)
    radius, angle = np.hypot(x - columns / 2, y + 0.15 * rows), np.arctan2(x - columns / 2, y + 0.15 * rows)
    mask = (radius > 0.35 * rows) & (radius < 1.05 * rows) & (np.abs(angle) < 0.6)
    screen = np.where(mask, speckle((rows, columns), seed), 0).astype(np.uint8)
    screen[30 : rows // 2, 8:20] = np.linspace(255, 0, rows // 2 - 30)[:, None]
    screen[30:280:25, columns - 20 : columns - 12] = 200
    return screen, mask


# --- known screens ---------------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def screens(pytestconfig):
    """For two screens of each kind, six with --slow: the kind, Dice, share of the true region kept, and Dice of PyLogik's own steps."""
    results = []
    for kind in KINDS:
        for seed in range(300, 306 if pytestconfig.getoption("--slow") else 302):
            phantom = make_phantom(seed, kind)
            known = composites_of(phantom)
            found = find_roi(known, phantom.text, "deid-us").mask()
            kept = (found & phantom.mask).sum() / phantom.mask.sum()
            results.append((kind, dice(found, phantom.mask), kept, dice(pylogik(known), phantom.mask)))
    return results


def test_regions_of_known_screens_are_found(screens):
    """Most of these screens are dark in part, have no border where the display ends, or light pages and panels around it."""
    scores = np.array([score for _, score, _, _ in screens])
    assert np.median(scores) >= 0.95 and scores.mean() >= 0.9, screens


def test_hardly_any_echo_of_known_screens_is_lost(screens):
    assert np.mean([kept for _, _, kept, _ in screens]) >= 0.95, screens


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_display_is_found_better_than_by_erosion_and_hull(screens, kind):
    scores, before = zip(*((score, old) for name, score, _, old in screens if name == kind), strict=True)
    assert np.mean(scores) > np.mean(before), scores


def test_a_seed_draws_the_same_screen_again():
    first, second = make_phantom(11), make_phantom(11)
    assert all(np.array_equal(a, b) for a, b in zip(first.frames, second.frames, strict=True))
    assert np.array_equal(first.mask, second.mask) and np.array_equal(first.text, second.text)


def test_finding_is_deterministic():
    phantom = make_phantom(5)
    known = composites_of(phantom)
    first, second = (find_roi(known, phantom.text, "deid-us") for _ in range(2))
    assert first.shape == second.shape and first.notes == second.notes and np.array_equal(first.mask(), second.mask())


def test_bars_and_ticks_stay_outside_and_the_sector_inside():
    screen, mask = sector_screen()
    roi = find_roi(composites(screen), nowhere(screen.shape), "deid-us")
    assert roi.kind in ("curved", "phased")
    assert dice(roi.mask(), mask) >= 0.98
    assert not roi.mask()[30:150, 8:20].any() and not roi.mask()[:, -20:-12].any()
    assert roi.shape["apex"] == pytest.approx([200, -45], abs=4)
    assert roi.shape["angles"] == pytest.approx([-0.6, 0.6], abs=0.02)
    assert roi.shape["radii"] == pytest.approx([105, 315], abs=4)


def test_a_mirrored_screen_gives_the_mirrored_region():
    screen, _ = sector_screen()
    straight = find_roi(composites(screen), nowhere(screen.shape), "deid-us").mask()
    flipped = find_roi(composites(screen[:, ::-1]), nowhere(screen.shape), "deid-us").mask()
    assert dice(straight, flipped[:, ::-1]) >= 0.985


def test_a_screen_of_twice_the_size_gives_the_region_of_twice_the_size():
    screen, mask = sector_screen()
    large = cv2.resize(screen, None, fx=2, fy=2, interpolation=cv2.INTER_LINEAR)
    roi = find_roi(composites(large), nowhere(large.shape), "deid-us")
    assert dice(roi.mask(), np.repeat(np.repeat(mask, 2, 0), 2, 1)) >= 0.98


def test_an_empty_field_one_level_above_black_is_found():
    _, mask = sector_screen()
    screen = mask.astype(np.uint8)
    assert dice(find_roi(composites(screen), nowhere(screen.shape), "deid-us").mask(), mask) >= 0.98


def test_the_sector_on_a_grey_page_is_found():
    screen, mask = sector_screen()
    page = np.where(mask, screen, 60).astype(np.uint8)
    assert dice(find_roi(composites(page), nowhere(page.shape), "deid-us").mask(), mask) >= 0.98


def test_what_moves_is_told_from_a_still_line_across_the_screen():
    frames = []
    for seed in range(5):
        screen, mask = sector_screen(seed)
        screen[295:] = 90
        frames.append(screen)
    roi = find_roi(composites(*frames), nowhere(mask.shape), "deid-us")
    assert dice(roi.mask(), mask) >= 0.98


def test_the_header_is_evidence_but_not_proof():
    screen, mask = sector_screen()
    wrong = Header(ultrasound_regions=(UltrasoundRegion(Box(0, 0, 120, 80), 1, 1),))
    right = Header(ultrasound_regions=(UltrasoundRegion(Box(20, 20, 380, 300), 1, 1),))
    for header in (wrong, right):
        assert dice(find_roi(composites(screen), nowhere(screen.shape), "deid-us", header=header).mask(), mask) >= 0.97


def test_text_that_hides_part_of_the_border_does_not_bend_it():
    screen, mask = sector_screen()
    text = nowhere(screen.shape)
    text[100:140, 40:130] = True
    screen[text] = 0
    assert dice(find_roi(composites(screen), text, "deid-us").mask(), mask) >= 0.97


def test_a_blob_without_straight_edges_falls_back_to_its_hull_or_holds_nearly_all_of_it():
    y, x = np.mgrid[:300, :400]
    mask = np.zeros((300, 400), bool)
    for cx, cy, r in ((150, 120, 70), (240, 190, 60), (120, 210, 50)):
        mask |= (x - cx) ** 2 + (y - cy) ** 2 < r * r
    screen = np.where(mask, speckle(mask.shape), 0).astype(np.uint8)
    roi = find_roi(composites(screen), nowhere(mask.shape), "deid-us")
    assert (roi.mask() & mask).sum() >= 0.9 * mask.sum()
    assert roi.notes


# --- nothing to find -------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize(
    ("what", "frame", "text"),
    [
        ("black", np.zeros((120, 160), np.uint8), nowhere((120, 160))),
        ("white", np.full((120, 160), 255, np.uint8), nowhere((120, 160))),
        ("all text", speckle((120, 160)), ~nowhere((120, 160))),
        ("noise", np.random.default_rng(0).integers(0, 256, (120, 160)).astype(np.uint8), nowhere((120, 160))),
    ],
)
def test_where_there_is_nothing_the_answer_says_so(variant, what, frame, text):
    with pytest.raises(NoRegionFound, match="no region found"):
        find_roi(composites(frame), text, variant)


def test_a_screen_of_text_only_has_no_sector():
    screen, text = np.zeros((300, 400), np.uint8), nowhere((300, 400))
    for row in range(30, 280, 40):
        cv2.putText(screen, "NAME 1234", (40, row), cv2.FONT_HERSHEY_SIMPLEX, 0.7, 255, 1)
        text[row - 20 : row + 6, 36:200] = True
    for variant in VARIANTS:
        with pytest.raises(NoRegionFound):
            find_roi(composites(screen), text, variant)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("shape", [(1, 1), (1, 64), (64, 1), (3, 3), (9, 300), (40, 40)])
def test_tiny_images_get_a_region_or_a_clear_answer(variant, shape):
    frame = np.random.default_rng(1).integers(0, 256, shape).astype(np.uint8)
    for image in (frame, np.full(shape, 7, np.uint8), speckle(shape)):
        try:
            roi = find_roi(composites(image), nowhere(shape), variant)
        except NoRegionFound:
            continue
        assert roi.mask().shape == shape and roi.mask().any()


def test_a_text_mask_of_another_size_is_a_programming_error():
    with pytest.raises(ValueError, match="text is"):
        find_roi(composites(speckle((50, 60))), nowhere((60, 50)), "deid-us")


@pytest.mark.parametrize("variant", VARIANTS)
def test_echo_that_fills_the_frame_is_kept_whole(variant):
    frame = speckle((300, 400))
    assert find_roi(composites(frame), nowhere(frame.shape), variant).kept_share > 0.97


# --- objects ---------------------------------------------------------------------------------------------------------------------------


def two_objects(background=0, scale=1):
    frame = np.full((200 * scale, 300 * scale), background, np.uint8)
    cv2.ellipse(frame, (90 * scale, 100 * scale), (60 * scale, 70 * scale), 0, 0, 360, 170, -1)
    cv2.ellipse(frame, (220 * scale, 110 * scale), (35 * scale, 40 * scale), 0, 0, 360, 200, -1)
    cv2.circle(frame, (280 * scale, 20 * scale), 4 * scale, 220, -1)
    return frame


def test_deid_one_keeps_the_largest_object_and_deid_clean_all_large_ones():
    frame = two_objects()
    one, clean = (find_roi(composites(frame), nowhere(frame.shape), variant) for variant in ("deid-one", "deid-clean"))
    assert one.mask()[100, 90] and not one.mask()[110, 220] and len(one.polygons) == 1
    assert clean.mask()[100, 90] and clean.mask()[110, 220] and len(clean.polygons) == 2
    assert not clean.mask()[20, 280]


@pytest.mark.parametrize("variant", ["deid-one", "deid-clean"])
def test_objects_scale_with_the_image(variant):
    small, large = two_objects(), two_objects(scale=4)
    first = find_roi(composites(small), nowhere(small.shape), variant)
    second = find_roi(composites(large), nowhere(large.shape), variant)
    assert len(first.polygons) == len(second.polygons)
    assert dice(np.repeat(np.repeat(first.mask(), 4, 0), 4, 1), second.mask()) > 0.97


@pytest.mark.parametrize("background", [0, 40, 255])
def test_objects_on_dark_grey_and_bright_backgrounds_are_the_same(background):
    frame = two_objects(background)
    roi = find_roi(composites(frame), nowhere(frame.shape), "deid-one")
    expected = find_roi(composites(two_objects()), nowhere(frame.shape), "deid-one")
    assert dice(roi.mask(), expected.mask()) > 0.97
    assert ("chosen" in roi.notes[0]) == (background > 0)


def test_a_noisy_background_is_told_from_the_object():
    frame = two_objects().astype(int) + np.random.default_rng(0).integers(1, 5, (200, 300))
    roi = find_roi(composites(np.clip(frame, 0, 255).astype(np.uint8)), nowhere(frame.shape), "deid-one")
    assert dice(roi.mask(), find_roi(composites(two_objects()), nowhere(frame.shape), "deid-one").mask()) > 0.95


def test_the_threshold_decides_what_is_background():
    frame = two_objects(background=40)
    roi = find_roi(composites(frame), nowhere(frame.shape), "deid-clean", threshold=185)
    assert roi.mask()[110, 220] and not roi.mask()[100, 90]


def test_objects_in_color_and_in_any_frame_count():
    first, second = np.zeros((200, 300, 3), np.uint8), np.zeros((200, 300, 3), np.uint8)
    first[40:120, 40:140, 2] = 90
    second[90:160, 100:200, 0] = 90
    roi = find_roi(composites(first, second), nowhere((200, 300)), "deid-one")
    assert roi.mask()[50, 50] and roi.mask()[150, 190]


def test_text_beside_the_object_is_not_part_of_it():
    frame = two_objects()
    text = nowhere(frame.shape)
    cv2.putText(frame, "A1", (140, 20), cv2.FONT_HERSHEY_SIMPLEX, 0.8, 255, 3)
    text[0:28, 136:190] = True
    assert not find_roi(composites(frame), text, "deid-clean").mask()[text].any()


# --- hand-checked outlines -------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def outlines(corpus, pytestconfig):
    """Name, found region, true mask and seconds for a third of the hand-checked outlines, all of them with --slow; text is their known
    text, padded."""
    files = {path.name: path for folder in ("text", "edge") for path in (corpus / folder).rglob("*") if path.is_file()}
    results = []
    descriptions = sorted((corpus / "roi").glob("*.json"))
    assert len(descriptions) == 26
    for description in descriptions if pytestconfig.getoption("--slow") else descriptions[::3]:
        source = files[json.loads(description.read_text())["source"]]
        (stack,) = open_stacks(source)
        known = composites(*(stack.display.show(frame) for frame in stack.frames()))
        text = known_text(corpus / "truth" / description.name, known.maximum.shape)
        start = time.process_time()
        roi = find_roi(known, text, "deid-us", header=stack.header)
        true = cv2.imread(str(description.with_name(f"{description.stem}_mask.png")), cv2.IMREAD_GRAYSCALE) > 127
        results.append((description.stem, roi, true, time.process_time() - start))
    return results


def known_text(path, shape):
    text = nowhere(shape)
    random = np.random.default_rng(0)
    for item in json.loads(path.read_text())["items"] if path.is_file() else []:
        x0, y0, x1, y1 = item["box"]
        if len(item["text"]) > 1 or random.random() > 0.2:  # detectors miss some single characters
            text[max(y0 - 3, 0) : y1 + 3, max(x0 - 3, 0) : x1 + 3] = True
    return text


def test_hand_checked_outlines_are_reached(outlines):
    scores = {name: dice(roi.mask(), true) for name, roi, true, _ in outlines}
    values = np.array(list(scores.values()))
    assert values.mean() >= 0.985 and values.min() >= 0.93 and (values >= 0.97).mean() >= 0.9, scores


def test_hardly_any_anatomy_is_lost(outlines):
    kept = [(roi.mask() & true).sum() / true.sum() for _, roi, true, _ in outlines]
    assert np.mean(kept) >= 0.99, kept


def test_every_outline_is_explained_and_can_be_reported(outlines):
    for _, roi, _, _ in outlines:
        json.dumps(dict(roi.shape))
        assert roi.notes and roi.kind == roi.shape["kind"]


@pytest.mark.parametrize(
    "first,last,text,confidence,frames,hides",
    [
        (26, 31, "At", 0.35, 92, False),
        (70, 81, "TAT", 0.59, 92, False),
        (90, 91, "m", 0.91, 92, False),
        (26, 31, "B | II", 0.97, 92, False),
        (26, 31, "12:05 | m", 0.95, 92, True),
        (0, 91, "", 0.0, 92, True),
        (26, 45, "At", 0.35, 92, True),
        (0, 0, "", 0.0, 1, True),
    ],
)
def test_a_place_that_is_masked_for_a_moment_and_where_no_word_was_read_does_not_hide_the_edge(
    first, last, text, confidence, frames, hides
):
    """A dark spot of the skin line, taken for letters on 6 of 92 frames of a lung scan, turned its sector into a trapezoid."""
    region = Region(Box(416, 32, 449, 76).polygon, first, last, tuple(text.split(" | ")), confidence)
    assert hides_echo(region, frames) is hides


class Startled:
    """A reader that takes what is on the right of an image with a grey corner for two words, and is certain."""

    name, device, granularity, conclusive_score = "startled", "cpu", "words", 0.5

    def detect(self, images):
        return [self._seen(image) if ((image[0, 0] > 100) & (image[0, 0] < 160)).all() else [] for image in images]

    def _seen(self, image):
        rows, columns = image.shape[:2]
        tops = rows // 3, rows // 3 + columns // 8
        return [RawDetection(Box(columns // 2, top, columns, top + columns // 8).polygon, 0.9) for top in tops]


@pytest.mark.parametrize("startled", [0, 3, 30])
def test_a_moment_of_false_text_does_not_change_the_outline_and_a_lasting_one_does(startled):
    screen, mask = sector_screen()
    frames = [screen.copy() for _ in range(60)]
    for number, frame in enumerate(frames):
        frame[:4, :4] = 255 if number else 0  # so that no composite has a grey one
    for frame in frames[8 : 8 + startled]:
        frame //= 4  # so unlike the others that it is looked at as a whole
        frame[:4, :4] = 128
    analysis = analyse(stack_of(frames), Options(variant="deid-one"), Engine((Startled(),)))
    outlined = dice(analysis.roi.mask(), mask)
    assert (outlined >= 0.97) is (startled < 30), outlined
    assert bool(analysis.text_map.regions) is (startled > 0)
