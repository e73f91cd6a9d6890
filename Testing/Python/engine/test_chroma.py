"""Colors: letters that stand out by their color alone are shown alone; flow, panels, codecs and images in full color are not."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from planted import ink, speckle, stack_of, write
from pydicom import examples

from PyLogikSlicerLib.core.channels import brightness_and_color
from PyLogikSlicerLib.core.geometry import box_of_image
from PyLogikSlicerLib.core.masking import region_mask
from PyLogikSlicerLib.detection.chroma import INVISIBLE_CHROMA, colored_boxes, isolate_letters, visible_chroma
from PyLogikSlicerLib.detection.examine import examine
from PyLogikSlicerLib.detection.passes import DETECTION
from PyLogikSlicerLib.reading import open_stacks

ROWS, COLUMNS = 240, 320


def bright_speckle(seed):
    return np.repeat(speckle(ROWS, COLUMNS, seed, 110)[..., None], 3, axis=2)


def letters_of(image):
    return isolate_letters(visible_chroma(brightness_and_color(image)[1]))


def through_jpeg(image, quality):
    coded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return cv2.imdecode(coded, cv2.IMREAD_COLOR)


def test_of_a_grey_image_and_of_a_codecs_tremble_nothing_is_colored():
    image = bright_speckle(1)
    tremble = np.random.default_rng(1).integers(0, INVISIBLE_CHROMA + 1, image.shape, dtype=np.uint8)
    assert not letters_of(image).any()
    assert not letters_of(cv2.add(image, tremble)).any()
    more = image.copy()
    more[100:106, 100:103, 1] += INVISIBLE_CHROMA + 1
    assert letters_of(more)[100:106, 100:103].all()


def test_a_thin_outline_around_text_does_not_hide_it():
    plain = bright_speckle(4)
    cv2.rectangle(plain, (108, 88), (200, 126), (200, 200, 0), 1)
    image = write(plain, "HR 64", 120, 100, (0, 200, 0))
    assert letters_of(image)[ink(image, plain)].all()


@pytest.mark.parametrize("color", [(0, 160, 0), (150, 150, 0), (0, 150, 150)])
def test_colored_letters_over_bright_speckle_stand_alone(color):
    plain = bright_speckle(2)
    image = write(plain, "9", 150, 120, color, 10)
    shown, letter = letters_of(image), (image != plain).any(axis=2)
    assert not shown[~letter].any()
    assert (shown[ink(image, plain)] > 100).mean() > 0.9
    ((x0, y0, x1, y1),) = colored_boxes(shown, box_of_image(ROWS, COLUMNS))
    assert letter[y0:y1, x0:x1].sum() == letter.sum() and (x1 - x0) * (y1 - y0) < 0.5 * ROWS * COLUMNS


def test_flow_and_what_lies_beside_it_is_no_letter_and_letters_elsewhere_stay():
    image = bright_speckle(3)
    cv2.circle(image, (100, 120), 30, (30, 60, 220), -1)
    cv2.circle(image, (100, 160), 6, (220, 60, 30), -1)  # a fleck of flow
    letters = write(image, "HR 64", 220, 40, (0, 200, 0))
    assert not letters_of(image).any()
    assert letters_of(letters)[ink(letters, image)].all()


def test_power_doppler_on_a_real_screen_is_not_hidden(engine):
    """The branches of its flow are no wider than strokes: examined by color alone they were one word as large as half the screen."""
    (stack,) = open_stacks(Path(examples.get_path("rgb_color")))
    flow = np.s_[75:145, 45:270]
    view = stack.display.show(next(iter(stack.frames())))
    assert not letters_of(view)[flow].any()
    mask = region_mask(examine(stack, engine.readers).text_map.regions, stack.rows, stack.columns)
    assert mask[flow].mean() < 0.01


def test_a_letter_as_tall_as_any_is_a_letter():
    plain = np.repeat(speckle(ROWS, COLUMNS, 2, 110)[..., None], 3, axis=2)
    image = write(plain, "M", 100, 90, (0, 160, 0), 44)
    assert letters_of(image)[ink(image, plain)].all()


def test_where_everything_is_colored_color_tells_nothing():
    tissue = np.full((ROWS, COLUMNS, 3), (190, 90, 70), np.uint8)
    assert not letters_of(write(tissue, "DOE", 100, 100, (0, 255, 0))).any()


@pytest.mark.parametrize("quality,color,height", [(None, (0, 90, 90), 8), (None, (0, 110, 0), 8), (75, (0, 130, 130), 10)])
def test_a_dim_colored_digit_in_bright_moving_speckle_is_masked_on_every_frame(engine, quality, color, height):
    plains = [bright_speckle(seed) for seed in range(12)]
    frames = [write(plain, "9", 150, 120, color, height) for plain in plains]
    shown = [through_jpeg(frame, quality) for frame in frames] if quality else frames
    found = examine(stack_of(shown), engine.readers).text_map
    for number, (frame, plain) in enumerate(zip(frames, plains, strict=True)):
        mask = region_mask(found.on_frame(number), ROWS, COLUMNS)
        assert mask[(frame != plain).any(axis=2)].all()
        assert mask.mean() < 0.05


def test_colored_text_that_stands_still_is_examined_once_whatever_moves_behind_it(engine):
    images_given = []

    class Counting:
        name, granularity, conclusive_score, device = "glyphs", "letters", 0.9, "cpu"

        def detect(self, images):
            images_given.extend(image.shape for image in images)
            return [[] for _ in images]

    letter = write(np.zeros((ROWS, COLUMNS), np.uint8), "9", 150, 120, height=10) > 128
    grey = [bright_speckle(seed) for seed in range(9)]
    colored = [np.where(letter[..., None], np.array([0, 130, 130], np.uint8), frame) for frame in grey]
    examine(stack_of(colored), (Counting(),))
    with_color = len(images_given)
    images_given.clear()
    examine(stack_of(grey), (Counting(),))
    assert with_color - len(images_given) == len(DETECTION.color.letters) > 0
