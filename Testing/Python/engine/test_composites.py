"""Composites over time are what NumPy computes of all frames at once, without holding them."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from PyLogikSlicerLib.composites import CompositeAccumulator, median_of_five

cines = st.tuples(st.integers(1, 9), array_shapes(min_dims=2, max_dims=2, max_side=12), st.booleans()).flatmap(
    lambda told: arrays(np.uint8, (told[0], *told[1], *((3,) if told[2] else ())))
)


@given(cines)
def test_they_are_those_of_all_frames_at_once(frames):
    accumulator = CompositeAccumulator()
    luminance = frames.max(axis=3) if frames.ndim == 4 else frames
    for frame, expected in zip(frames, luminance, strict=True):
        assert np.array_equal(accumulator.add(np.ascontiguousarray(frame)), expected)
    composites = accumulator.result()
    assert composites.frame_count == len(frames)
    assert np.array_equal(composites.minimum, luminance.min(axis=0)) and np.array_equal(composites.maximum, luminance.max(axis=0))
    assert np.allclose(composites.mean, luminance.mean(axis=0), atol=1e-3)
    assert np.allclose(composites.deviation, luminance.std(axis=0), atol=1e-2)
    spread = np.ptp(frames, axis=3).max(axis=0) if frames.ndim == 4 else np.zeros(luminance.shape[1:])
    assert np.array_equal(composites.colourfulness, spread)


@given(arrays(np.uint8, st.tuples(st.just(5), st.integers(1, 9), st.integers(1, 9))))
def test_the_median_of_five_is_the_median(frames):
    assert np.array_equal(median_of_five(*frames), np.median(frames, axis=0))
