"""Text that stands still is read once; text that changes, if only by a digit, is read again."""

import numpy as np
from planted import speckle, write

from PyLogikSlicerLib.core.geometry import Box
from PyLogikSlicerLib.detection.reading_cache import ReadingCache
from PyLogikSlicerLib.detection.recognition import read_lines
from PyLogikSlicerLib.detection.text_line import TextLine

ROWS, COLUMNS = 80, 200
LINE = TextLine(Box(8, 16, 130, 46).polygon, ("ppocr x1",))


class Counted:
    """The real reader of lines, and how many it was given."""

    def __init__(self, readers):
        self.readers, self.count = readers, 0

    def __call__(self, view, lines):
        self.count += len(lines)
        return read_lines(view, lines, self.readers)


def frame(text, seed):
    return write(speckle(ROWS, COLUMNS, seed, 30), text, 14, 24)


def test_the_same_text_over_moving_speckle_is_read_once(engine):
    counted = Counted(engine.readers)
    cache = ReadingCache(counted)
    lines = [cache.read(frame("10:24:36", seed), (0, 0), [LINE])[0] for seed in range(5)]
    assert counted.count == 1 and set(lines) == {lines[0]} and "10:24:36" in lines[0][0]


def test_a_timer_is_read_at_every_tick(engine):
    counted = Counted(engine.readers)
    cache = ReadingCache(counted)
    read = [cache.read(frame(f"10:24:3{digit}", 1), (0, 0), [LINE])[0][0] for digit in range(10)]
    assert counted.count == 10
    assert [text[-1] for text in read] == [str(digit) for digit in range(10)]


def test_a_reading_is_known_again_in_a_crop_that_begins_elsewhere(engine):
    counted = Counted(engine.readers)
    cache = ReadingCache(counted)
    view = frame("10:24:36", 2)
    first = cache.read(view, (0, 0), [LINE])
    moved = TextLine(Box(4, 6, 126, 36).polygon, ("ppocr x1",))
    assert cache.read(np.ascontiguousarray(view[10:, 4:]), (4, 10), [moved]) == first
    assert counted.count == 1
