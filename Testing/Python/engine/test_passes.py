"""Passes are run where they are needed: rechecks where ink is faint, half-size ones for tall text, other ones to verify."""

from dataclasses import replace

import numpy as np
import pytest
from planted import speckle, write

from PyLogikSlicerLib.core.geometry import Box
from PyLogikSlicerLib.detection.passes import DETECTION, DOUBLE, NATIVE, VERIFICATION, PassSet, Plan, run_passes
from PyLogikSlicerLib.detection.ppocr import lines_of_probability
from PyLogikSlicerLib.detection.reader import RawDetection
from PyLogikSlicerLib.detection.recognition import read_lines
from PyLogikSlicerLib.detection.text_line import TextLine


def detect(image, plan, pass_group, readers):
    (detections,) = run_passes([image], plan, pass_group, readers)
    return detections


def near(detections, x, y):
    """Those whose corners hold the pixel (x, y)."""
    corners = [np.asarray(detection.polygon) for detection in detections]
    return [one for one, c in zip(detections, corners, strict=True) if (c.min(axis=0) <= (x, y)).all() and (c.max(axis=0) >= (x, y)).all()]


def test_faint_ink_is_rechecked(engine):
    image = np.zeros((240, 320), np.uint8)
    for number in range(8):
        image = write(image, str(number + 1), 20 + 36 * number, 100, 70, 4)
    without_recheck = detect(image, replace(DETECTION, recheck=PassSet()), "full", engine.readers)
    rechecked = [detection for detection in detect(image, DETECTION, "full", engine.readers) if detection.found_by.endswith("x2")]
    assert rechecked and not any(detection.found_by.endswith("x2") for detection in without_recheck)
    assert all(90 <= np.asarray(detection.polygon)[:, 1].mean() <= 115 for detection in rechecked), "only where there was something"


class Script:
    """A reader that detects what it is told to: one list in images of less than so many rows, another in larger ones."""

    name, device, conclusive_score = "script", "cpu", 2.0

    def __init__(self, granularity, small=(), large=(), rows=200):
        self.granularity, self._small, self._large, self._rows = granularity, list(small), list(large), rows
        self.small_images_given = 0

    def detect(self, images):
        self.small_images_given += sum(image.shape[0] < self._rows for image in images)
        return [self._small if image.shape[0] < self._rows else self._large for image in images]


@pytest.mark.parametrize("rechecked, asked", [([], 0), ([RawDetection(Box(20, 20, 40, 40).polygon, 0.6)], 2)])
def test_word_passes_of_a_recheck_run_only_where_its_letter_passes_detect_something(rechecked, asked):
    faint = RawDetection(Box(100, 100, 108, 110).polygon, 0.15, tentative=True)
    letters, words = Script("letters", rechecked, [faint]), Script("words")
    plan = Plan(full=PassSet((NATIVE,), (NATIVE,)), words=PassSet(), quick=PassSet(), recheck=PassSet((NATIVE, DOUBLE), (DOUBLE,)))
    detect(np.zeros((240, 320), np.uint8), plan, "full", (words, letters))
    assert (letters.small_images_given, words.small_images_given) == (1, asked)


def test_text_taller_than_the_native_scale_sees_is_seen_over_a_moving_sector_too(engine):
    image = write(speckle(480, 640, 3, 30), "DOE 19", 180, 220, 230, 72)
    assert near(detect(image, DETECTION, "words", engine.readers), 330, 256)


def test_verification_takes_no_single_detection_as_conclusive(engine):
    image = write(np.zeros((240, 320), np.uint8), "DOE 1962", 60, 100)
    assert any(detection.conclusive for detection in detect(image, DETECTION, "full", engine.readers))
    verified = detect(image, VERIFICATION, "full", engine.readers)
    assert near(verified, 100, 107) and not any(detection.conclusive for detection in verified)


def test_a_short_word_that_stands_in_a_nearly_square_box_is_read(engine):
    lying = write(np.zeros((80, 80), np.uint8), "HR", 24, 28, 255, 20)
    standing = np.rot90(lying).copy()
    ys, xs = np.nonzero(standing)
    box = int(xs.min()) - 8, int(ys.min()) - 6, int(xs.max()) + 9, int(ys.max()) + 7
    assert 1 < (box[3] - box[1]) / (box[2] - box[0]) < 1.5
    ((text, _),) = read_lines(standing, [TextLine(Box(*box).polygon, ("ppocr x1",))], engine.readers)
    assert text == "HR"


@pytest.mark.parametrize(("kernel", "is_text"), [((32, 32), True), ((22, 200), True), ((40, 40), False), ((28, 200), False)])
def test_kernels_taller_than_any_line_are_no_text(kernel, is_text):
    """The letter of a 50 pixels high lead marker on a large X-ray is marked 32 pixels high; whole organs are marked higher."""
    probability = np.zeros((300, 300), np.float32)
    probability[40 : 40 + kernel[0], 40 : 40 + kernel[1]] = 0.9
    assert bool(lines_of_probability(probability)) is is_text
