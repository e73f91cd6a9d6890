"""The seam between frames and files: a format of one file for all frames goes the same road as one of a file for each."""

from __future__ import annotations

import io

import numpy as np
import pytest
from planted import speckle, stack_of, write

from PyLogikSlicerLib import pipeline
from PyLogikSlicerLib.core.errors import VerificationFailed
from PyLogikSlicerLib.core.options import Options
from PyLogikSlicerLib.pipeline import process
from PyLogikSlicerLib.writing.formats import FORMATS, Format
from PyLogikSlicerLib.writing.frame_writer import open_writer


class OneFile:
    """All frames of an image in one file of NumPy."""

    rewrites_single_frames = False

    def __init__(self, fmt, folder, name, frame_count):
        self.format, self.frame_count, self.files = fmt, frame_count, [folder / f"{name}.npz"]
        self._frames = {}

    def write(self, number, pixels):
        self._frames[number] = pixels

    def close(self):
        assert sorted(self._frames) == list(range(self.frame_count)), "each round gets all frames"
        content = io.BytesIO()
        np.savez(content, **{str(number): pixels for number, pixels in self._frames.items()})
        self.files[0].write_bytes(content.getvalue())
        self._frames = {}

    def read(self, number):
        with np.load(self.files[0]) as frames:
            return frames[str(number)]


@pytest.fixture
def one_file(monkeypatch):
    """An exact format of one file, under the name of PNG, so that options accept it."""
    made_up = Format("png", ".npz", True, 16, b"", lambda frame, bits: b"", lambda data: np.zeros(0), OneFile)
    monkeypatch.setattr(pipeline, "FORMATS", {**FORMATS, "png": made_up})
    return made_up


def cine():
    plain = [speckle(160, 240, seed) for seed in range(3)]
    return plain, stack_of([write(frame, "DOE JANE", 20, 40) for frame in plain])


def test_an_image_in_one_file_is_written_whole_masked_and_verified(engine, tmp_path, one_file):
    plain, stack = cine()
    result = process(stack, "cine", tmp_path, Options(format="png"), engine)
    assert list(result.files) == ["cine.npz"] == [path.name for path in tmp_path.iterdir()]
    assert result.verification.frames == 3
    writer = OneFile(one_file, tmp_path, "cine", 3)
    for number, frame in enumerate(stack.frames()):
        written = writer.read(number)
        assert (written[frame != plain[number]] == 0).mean() > 0.98  # the text is gone
        assert np.array_equal(written[80:], frame[80:])  # and nothing else


def test_frames_that_are_in_the_wrong_order_in_it_are_noticed(engine, tmp_path, one_file, monkeypatch):
    monkeypatch.setattr(OneFile, "read", lambda self, number: np.load(self.files[0])[str(2 - number)])
    with pytest.raises(VerificationFailed):
        process(cine()[1], "cine", tmp_path, Options(format="png"), engine)


def test_a_format_without_a_writer_of_its_own_has_a_file_for_each_frame(tmp_path):
    writer = open_writer(FORMATS["jpeg"], tmp_path, "a", 12000)
    assert [writer.files[0].name, writer.files[-1].name] == ["a_00000.jpg", "a_11999.jpg"]
