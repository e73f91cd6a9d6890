"""Composites over time are what NumPy computes of all frames at once, without holding them."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from PyLogikSlicerLib.core.projections import CompositeAccumulator, stretched, usual

cines = st.tuples(st.integers(1, 9), array_shapes(min_dims=2, max_dims=2, max_side=12), st.booleans()).flatmap(
    lambda told: arrays(np.uint8, (told[0], *told[1], *((3,) if told[2] else ())))
)


@given(cines)
def test_they_are_those_of_all_frames_at_once(frames):
    accumulator = CompositeAccumulator()
    luminance = frames.max(axis=3) if frames.ndim == 4 else frames
    colors = np.ptp(frames, axis=3) if frames.ndim == 4 else np.zeros_like(frames)
    for frame, *expected in zip(frames, luminance, colors, strict=True):
        assert all(map(np.array_equal, accumulator.add(np.ascontiguousarray(frame)), expected))
    composites = accumulator.result()
    assert composites.frame_count == len(frames)
    assert np.array_equal(composites.minimum, luminance.min(axis=0)) and np.array_equal(composites.maximum, luminance.max(axis=0))
    assert np.allclose(composites.mean, luminance.mean(axis=0), atol=1e-3)
    assert np.allclose(composites.deviation, luminance.std(axis=0), atol=1e-2)
    assert np.array_equal(composites.colourfulness, colors.max(axis=0))


@given(arrays(np.uint8, st.tuples(st.integers(3, 9), st.integers(1, 9), st.integers(1, 9))))
def test_what_usually_shows_is_the_mean_without_the_extremes(frames):
    expected = np.sort(frames, axis=0)[1:-1].mean(axis=0)
    assert np.allclose(usual(list(frames)), expected, atol=1e-3)


def test_what_shows_on_one_frame_only_is_not_usual():
    frames = [np.full((4, 4), level, np.uint8) for level in (10, 12, 11, 10, 255, 12, 11, 10)]
    assert usual(frames).max() <= 12


def test_stretching_keeps_levels_and_widens_differences():
    level = np.full((200, 200), 90.0, np.float32)
    level[:, 100:] = 140
    text = level.copy()
    text[96:104, 48:52] += 20
    plain, shown = stretched(level), stretched(text)
    assert plain[0, 0] == 90 and plain[0, -1] == 140  # far from the step
    assert abs(int(shown[100, 50]) - int(plain[100, 50]) - 40) <= 1
