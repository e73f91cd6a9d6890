"""Text that no window of the header shows: one level above its ground, beyond the window, beside padding and a hot pixel."""

from __future__ import annotations

import numpy as np
import pytest
from planted import ink, speckle, stack_of, write
from pydicom.data import get_testdata_file

from PyLogikSlicerLib.core.masking import region_mask
from PyLogikSlicerLib.detection.examine import examine

# One type each of few bits, many bits, a sign, fractions and color.
FAST = [("uint8", "flat"), ("uint16", "padding and a hot pixel"), ("int16", "CT"), ("float32", "gradient"), ("rgb 16", "white noise")]


@pytest.fixture(scope="module")
def hidden_text(benchmark_module):
    return benchmark_module("hidden_text")


def outcomes(hidden_text, engine, folder, chosen):
    """What became of the images of seed 7 for which ``chosen(type, ground)``, by their name."""
    became = {}
    for sample in hidden_text.samples(7):
        if chosen(sample.type, sample.ground):
            (folder / sample.name).mkdir()
            became[sample.name] = hidden_text.outcome(sample, engine, folder / sample.name)
    return became


def test_text_that_no_window_shows_is_masked_or_the_image_refused(hidden_text, engine, tmp_path):
    became = outcomes(hidden_text, engine, tmp_path, lambda kind, ground: (kind, ground) in FAST)
    assert len(became) == len(FAST)
    assert set(became.values()) <= {"masked", "refused"}, became
    assert list(became.values()).count("masked") >= len(FAST) - 1, became


@pytest.mark.slow
def test_so_it_is_for_every_type_on_every_ground(hidden_text, engine, tmp_path):
    became = outcomes(hidden_text, engine, tmp_path, lambda kind, ground: True)
    assert len(became) == 43
    assert set(became.values()) <= {"masked", "refused"}, became
    assert list(became.values()).count("masked") >= 40, became


def test_a_frame_of_another_value_range_does_not_cost_the_text_of_the_others(engine):
    """A cine is shown by one range of values: one frame whose values reach much higher made the text of the others invisible."""
    level = speckle(240, 320, 3)
    text = ink(write(level, "DOE JANE 1962", 20, 40), level)
    image = np.where(text, 620, level.astype(np.uint16) + 300).astype(np.uint16)
    bright = image * 90
    frames = [image] * 4 + [bright] + [image] * 4
    examination = examine(stack_of(frames), engine.readers)
    for number in range(len(frames)):
        masked = region_mask([region for region in examination.text_map.regions if region.covers(number)], *text.shape)
        assert (masked & text).sum() > 0.98 * text.sum(), number


def test_a_slice_without_text_keeps_its_pixels(hidden_text, engine):
    """The opposite: noise and anatomy that no window shows either are not text."""
    import pydicom

    slice_ = pydicom.dcmread(get_testdata_file("CT_small.dcm")).pixel_array
    examination = examine(stack_of([slice_]), engine.readers)
    assert region_mask(examination.text_map.regions, *slice_.shape).mean() < 0.01
