"""Which device is taken, and what is said where there is none; which images share a batch."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from PyLogikSlicerLib.core.errors import EngineUnavailable, UsageError
from PyLogikSlicerLib.detection.batches import batches_of_one_size
from PyLogikSlicerLib.detection.devices import CPU, candidate_devices, first_that_starts, gpu
from PyLogikSlicerLib.detection.engines import choose_engine


def test_a_gpu_is_named_or_the_reason_why_none_is_used():
    name, reason = gpu()
    assert bool(name) != bool(reason)


def test_auto_prefers_a_gpu_and_ends_with_the_cpu():
    *better, last = candidate_devices("auto")
    assert last == CPU and all(device.kind != "cpu" for device in better)
    assert bool(better) == bool(gpu()[0])


def test_the_cpu_is_taken_when_asked_for_whatever_else_is_there():
    assert candidate_devices("cpu") == (CPU,)
    assert choose_engine("ppocr", "cpu").description == "ppocr on cpu + glyphs on cpu"


@pytest.mark.parametrize("wanted", ["cuda", "mps"])
def test_a_device_that_is_not_there_is_refused_with_what_is_missing(wanted):
    if gpu()[0]:
        pytest.skip("there is a GPU here")
    with pytest.raises(EngineUnavailable, match=f"'{wanted}' cannot be used.*(GPU|Mac).*--device cpu"):
        choose_engine("ppocr", wanted)


def test_an_unknown_device_is_wrong_usage():
    with pytest.raises(UsageError, match="auto, cpu, cuda, mps"):
        candidate_devices("tpu")


def test_what_cannot_start_on_one_device_starts_on_the_next_and_the_reason_is_kept():
    def start(device: str) -> str:
        if device != "third":
            raise EngineUnavailable("no driver")
        return f"started on {device}"

    assert first_that_starts(("first", "second", "third"), start) == ("started on third", ("no driver",))
    with pytest.raises(EngineUnavailable, match="^no driver$"):
        first_that_starts(("first", "second"), start)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=12), st.integers(0, 30))
def test_batches_hold_every_image_once_of_one_size_and_no_more_than_fit(sizes, pixels):
    images = [np.zeros((*size, 3), np.uint8) for size in sizes]
    batches = list(batches_of_one_size(images, pixels))
    assert sorted(index for batch in batches for index in batch) == [k for k, image in enumerate(images) if image.size]
    for batch in batches:
        assert len({sizes[index] for index in batch}) == 1
        assert len(batch) == 1 or len(batch) * images[batch[0]][..., 0].size <= pixels
