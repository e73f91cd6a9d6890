"""Looks are taken where they are needed: closer ones where ink is faint, half-size ones for tall text, other ones to verify."""

from dataclasses import replace

import numpy as np
import pytest
from planted import speckle, write

from PyLogikSlicerLib.core.text_map import polygon_of_box
from PyLogikSlicerLib.detection.grouping import Place
from PyLogikSlicerLib.detection.lines import read_lines
from PyLogikSlicerLib.detection.looks import DETECTION, DOUBLE, NATIVE, VERIFICATION, Looks, Plan, examine_images
from PyLogikSlicerLib.detection.ppocr import boxes_of
from PyLogikSlicerLib.detection.reader import Detection


def seen(image, plan, closeness, readers):
    (sightings,) = examine_images([image], plan, closeness, readers)
    return sightings


def near(sightings, x, y):
    """Those whose corners hold the pixel (x, y)."""
    corners = [np.asarray(sighting.polygon) for sighting in sightings]
    return [one for one, c in zip(sightings, corners, strict=True) if (c.min(axis=0) <= (x, y)).all() and (c.max(axis=0) >= (x, y)).all()]


def test_faint_ink_earns_a_closer_look(engine):
    image = np.zeros((240, 320), np.uint8)
    for number in range(8):
        image = write(image, str(number + 1), 20 + 36 * number, 100, 70, 4)
    nothing_closer = seen(image, replace(DETECTION, closer=Looks()), "whole", engine.readers)
    closer = [sighting for sighting in seen(image, DETECTION, "whole", engine.readers) if sighting.engine.endswith("x2")]
    assert closer and not any(sighting.engine.endswith("x2") for sighting in nothing_closer)
    assert all(90 <= np.asarray(sighting.polygon)[:, 1].mean() <= 115 for sighting in closer), "only where there was something"


class Script:
    """A reader that sees, in images of less than so many rows and in others, what it is told to."""

    name, device, certain = "script", "cpu", 2.0

    def __init__(self, sees, small=(), large=(), rows=200):
        self.sees, self._small, self._large, self._rows = sees, list(small), list(large), rows
        self.small_ones_seen = 0

    def detect(self, images):
        self.small_ones_seen += sum(image.shape[0] < self._rows for image in images)
        return [self._small if image.shape[0] < self._rows else self._large for image in images]


@pytest.mark.parametrize("closer, asked", [([], 0), ([Detection(polygon_of_box((20, 20, 40, 40)), 0.6)], 2)])
def test_words_are_looked_for_closely_only_where_letters_are_seen_closely(closer, asked):
    faint = Detection(polygon_of_box((100, 100, 108, 110)), 0.15, doubtful=True)
    letters, words = Script("letters", closer, [faint]), Script("words")
    plan = Plan(whole=Looks((NATIVE,), (NATIVE,)), words=Looks(), glance=Looks(), closer=Looks((NATIVE, DOUBLE), (DOUBLE,)))
    seen(np.zeros((240, 320), np.uint8), plan, "whole", (words, letters))
    assert (letters.small_ones_seen, words.small_ones_seen) == (1, asked)


def test_text_taller_than_the_native_scale_sees_is_seen_over_a_moving_sector_too(engine):
    image = write(speckle(480, 640, 3, 30), "DOE 19", 180, 220, 230, 72)
    assert near(seen(image, DETECTION, "words", engine.readers), 330, 256)


def test_verification_takes_no_single_word_for_certain(engine):
    image = write(np.zeros((240, 320), np.uint8), "DOE 1962", 60, 100)
    assert any(sighting.certain for sighting in seen(image, DETECTION, "whole", engine.readers))
    verified = seen(image, VERIFICATION, "whole", engine.readers)
    assert near(verified, 100, 107) and not any(sighting.certain for sighting in verified)


def test_a_short_word_that_stands_in_a_nearly_square_box_is_read(engine):
    lying = write(np.zeros((80, 80), np.uint8), "HR", 24, 28, 255, 20)
    standing = np.rot90(lying).copy()
    ys, xs = np.nonzero(standing)
    box = int(xs.min()) - 8, int(ys.min()) - 6, int(xs.max()) + 9, int(ys.max()) + 7
    assert 1 < (box[3] - box[1]) / (box[2] - box[0]) < 1.5
    ((text, _),) = read_lines(standing, [Place(polygon_of_box(box), ("ppocr x1",))], engine.readers)
    assert text == "HR"


@pytest.mark.parametrize(("mark", "is_text"), [((32, 32), True), ((22, 200), True), ((40, 40), False), ((28, 200), False)])
def test_marks_taller_than_any_line_are_no_text(mark, is_text):
    """The letter of a 50 pixels high lead marker on a large X-ray is marked 32 pixels high; whole organs are marked higher."""
    probability = np.zeros((300, 300), np.float32)
    probability[40 : 40 + mark[0], 40 : 40 + mark[1]] = 0.9
    assert bool(boxes_of(probability)) is is_text
