"""Whether a file shows the frames that a program shows: rescaling is no difference, another order or a flip is one."""

import numpy as np
import pytest
from planted import speckle, write

from PyLogikSlicerLib.worker.frame_fingerprint import fingerprint_of, fingerprints_match

CINE = np.stack([write(speckle(120, 160, 1), f"TIME {number}", 10, 10) for number in range(4)])

JITTERED = CINE + np.random.default_rng(0).integers(0, 2, CINE.shape, dtype=np.uint8) * (CINE < 255)


def alike(frames, others):
    return fingerprints_match(fingerprint_of(frames), fingerprint_of(others))


@pytest.mark.parametrize(
    "others",
    [CINE, CINE.astype(np.int16) * 3 - 1024, CINE.astype(np.float32) / 255, np.stack([CINE] * 3, axis=3), JITTERED],
    ids=["itself", "rescaled", "floating point", "color", "a level off here and there"],
)
def test_the_same_frames_are_alike(others):
    assert alike(CINE, others) and alike(others, CINE)


@pytest.mark.parametrize(
    "others",
    [CINE[::-1], CINE[:, ::-1], CINE[:, :, ::-1], CINE[:3], 255 - CINE, np.roll(CINE, 8, axis=2), CINE * 0, CINE * np.float32(np.nan)],
    ids=["other order", "upside down", "mirrored", "a frame less", "inverted", "shifted", "black", "not finite"],
)
def test_other_frames_are_not(others):
    assert not alike(CINE, others) and not alike(others, CINE)


def test_black_frames_are_alike_only_with_such():
    assert alike(CINE * 0, np.full(CINE.shape, -1024, np.int16))


def test_tiny_frames_can_be_compared():
    tiny = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    assert alike(tiny, tiny) and not alike(tiny, tiny[::-1])
