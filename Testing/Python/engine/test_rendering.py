"""From stored values to output pixels and back: exactly where the format can, as a person sees it where it cannot."""

from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from PyLogikSlicerLib.core.stack import Display, ImageStack
from PyLogikSlicerLib.writing.rendering import rendering_for


def stack_of(frame, display=None):
    rows, columns = frame.shape[:2]
    channels = 3 if frame.ndim == 3 else 1
    return ImageStack(Path("x"), "x", 1, rows, columns, channels, frame.dtype, lambda: iter([frame]), display or Display())


def restored(output, report):
    """Stored values of output pixels, as the report says."""
    distance = output.astype(np.float64) / 2 ** report["shift"] * report["step"]
    return report["offset"] - distance if report["inverted"] else report["offset"] + distance


@given(st.integers(0, 2**32 - 1), st.sampled_from([np.uint8, np.uint16, np.int16, np.int32]), st.integers(0, 65000), st.booleans())
def test_exact_output_tells_every_stored_value(seed, dtype, span, inverted):
    generator = np.random.default_rng(seed)
    info = np.iinfo(dtype)
    span = min(span, int(info.max) - int(info.min))
    low = int(generator.integers(info.min, int(info.max) - span, endpoint=True))
    frame = generator.integers(low, low + span, (7, 9), endpoint=True).astype(dtype)
    rendering = rendering_for(stack_of(frame, Display(inverted=inverted)), (float(frame.min()), float(frame.max())), shown=False)
    output = rendering.render(frame)
    assert rendering.exact and output.dtype in (np.uint8, np.uint16)
    assert (restored(output, rendering.report) == frame).all()


@given(st.integers(0, 2**32 - 1), st.booleans())
def test_brighter_stays_brighter_and_monochrome1_is_turned(seed, inverted):
    frame = np.sort(np.random.default_rng(seed).integers(-1000, 3000, 50)).astype(np.int16)[None]
    rendering = rendering_for(stack_of(frame, Display(inverted=inverted)), (float(frame.min()), float(frame.max())), shown=False)
    steps = np.diff(rendering.render(frame).astype(int)[0])
    assert (steps <= 0).all() if inverted else (steps >= 0).all()


def test_twelve_bits_fill_sixteen_so_that_a_viewer_shows_something():
    frame = np.array([[0, 4095]], np.uint16)
    assert rendering_for(stack_of(frame), (0.0, 4095.0), shown=False).render(frame).max() == 4095 << 4


def test_floating_point_is_quantised_to_half_a_step_and_says_so():
    frame = np.random.default_rng(2).normal(0, 1e-3, (20, 20)).astype(np.float32)
    rendering = rendering_for(stack_of(frame), (float(frame.min()), float(frame.max())), shown=False)
    assert not rendering.exact
    assert np.abs(restored(rendering.render(frame), rendering.report) - frame).max() <= 0.51 * rendering.step


def test_values_that_are_no_numbers_do_not_stop_the_rest():
    frame = np.array([[np.nan, 1.0], [2.0, np.inf]], np.float32)
    output = rendering_for(stack_of(frame), (1.0, 2.0), shown=False).render(frame)
    assert output[0, 1] == 0 and output[1, 0] == 65535


def test_jpeg_shows_what_a_person_sees():
    frame = np.array([[-1000, 40, 240, 3000]], np.int16)
    stack = stack_of(frame, Display(window=(-160.0, 240.0)))
    assert rendering_for(stack, (-1000.0, 3000.0), shown=True).render(frame).tolist() == [[0, 128, 255, 255]]
