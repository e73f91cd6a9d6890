"""Dice and imshowpair under PyLogik's names."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
import SimpleITK
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from PIL import Image

from PyLogikSlicerLib import im_analysis
from PyLogikSlicerLib.core.errors import UsageError

GREEN, MAGENTA, WHITE, BLACK = (124, 252, 0), (255, 0, 252), (255, 255, 255), (0, 0, 0)


@st.composite
def label_pairs(draw, dimensions=(1, 4)):
    shape = draw(array_shapes(min_dims=dimensions[0], max_dims=dimensions[1], max_side=6))
    labels = arrays(np.uint8, shape, elements=st.integers(0, 4))
    return draw(labels), draw(labels)


@pytest.fixture
def square() -> np.ndarray:
    mask = np.zeros((20, 30), np.uint8)
    mask[4:14, 5:15] = 1
    return mask


# Dice


def test_two_squares_shifted_by_half_score_a_half(square):
    assert im_analysis.dice_score(square, np.roll(square, 5, axis=1)) == 0.5


def test_a_label_other_than_one_is_counted_not_summed(square):
    """PyLogik's own code gives 1.5 for these two."""
    assert im_analysis.dice_score(square * 3, np.roll(square * 3, 5, axis=1), k=3) == 0.5
    others = square + 4 * np.roll(square, 15, axis=1)
    assert im_analysis.dice_score(others, square) == 1.0


def test_empty_masks_agree_and_an_empty_one_shares_nothing(square):
    assert im_analysis.dice_score(np.zeros((3, 3)), np.zeros((3, 3))) == 1.0
    assert im_analysis.dice_score(square, np.zeros_like(square)) == 0.0


@given(pair=label_pairs(), k=st.integers(0, 4))
def test_dice_is_what_simpleitk_measures(pair, k):
    pred, true = ((mask == k).astype(np.uint8).reshape(1, -1) for mask in pair)
    score = im_analysis.dice_score(*pair, k=k)
    if pred.any() or true.any():
        measure = SimpleITK.LabelOverlapMeasuresImageFilter()
        measure.Execute(SimpleITK.GetImageFromArray(pred), SimpleITK.GetImageFromArray(true))
        assert score == pytest.approx(measure.GetDiceCoefficient(1), abs=1e-12)
    else:
        assert score == 1.0


@given(pair=label_pairs(), k=st.integers(0, 4))
def test_dice_is_symmetric_bounded_and_blind_to_flips(pair, k):
    pred, true = pair
    score = im_analysis.dice_score(pred, true, k)
    assert 0 <= score <= 1
    assert score == im_analysis.dice_score(true, pred, k) == im_analysis.dice_score(np.flip(pred), np.flip(true), k)
    assert im_analysis.dice_score(pred, pred, k) == 1.0


def test_masks_of_different_shape_are_an_error_that_tells_both(square):
    for compare in (im_analysis.dice_score, im_analysis.imshowpair):
        with pytest.raises(UsageError, match=r"\(20, 30\).*\(20, 29\)"):
            compare(square, square[:, 1:])


def test_lists_and_booleans_are_masks_too():
    assert im_analysis.dice_score([[True, False]], [[True, True]]) == pytest.approx(2 / 3)


# The picture


def test_the_picture_has_pylogiks_colors_where_they_belong(square):
    true = np.roll(square, 5, axis=1)
    picture = im_analysis.imshowpair(square, true, show_fig=False)
    assert picture.shape == (20, 30, 3) and picture.dtype == np.uint8
    for (pred_here, true_here), color in {(1, 0): GREEN, (0, 1): MAGENTA, (1, 1): WHITE, (0, 0): BLACK}.items():
        where = (square == pred_here) & (true == true_here)
        assert where.any() and (picture[where] == color).all()


def test_other_colors_and_every_nonzero_value_count(square):
    picture = im_analysis.imshowpair(square * 255, np.zeros_like(square, bool), (1, 2, 3), (4, 5, 6), show_fig=False)
    assert (picture[square == 1] == (1, 2, 3)).all() and not picture[square == 0].any()


@given(pair=label_pairs(dimensions=(3, 4)))
def test_a_stack_becomes_a_montage_that_shows_each_frame_once(pair):
    pred, true = pair
    rows, columns = pred.shape[-2:]
    montage = im_analysis.imshowpair(pred, true, show_fig=False)
    tiles = montage.reshape(montage.shape[0] // rows, rows, -1, columns, 3).swapaxes(1, 2).reshape(-1, rows, columns, 3)
    frames = list(zip(pred.reshape(-1, rows, columns), true.reshape(-1, rows, columns), strict=True))
    for tile, frame in zip(tiles, frames, strict=False):
        np.testing.assert_array_equal(tile, im_analysis.imshowpair(*frame, show_fig=False))
    assert len(tiles) >= len(frames) and not tiles[len(frames) :].any()


def test_masks_without_rows_and_columns_are_refused():
    for mask in (np.ones(4), np.ones((0, 4))):
        with pytest.raises(UsageError):
            im_analysis.imshowpair(mask, mask, show_fig=False)


def test_the_figure_is_drawn_without_a_display_and_tells_the_score(tmp_path):
    """In a process of its own, as on a server: no display, and matplotlib not yet told what to draw on."""
    script = """
import sys, numpy as np
from PyLogikSlicerLib import im_analysis
assert "matplotlib.pyplot" not in sys.modules
mask = np.zeros((40, 40)); mask[10:30, 10:30] = 1
im_analysis.imshowpair(mask, np.roll(mask, 10, axis=0))
from matplotlib import pyplot
axes = pyplot.gca()
assert axes.get_title() == "Dice 0.5000", axes.get_title()
assert [text.get_text() for text in axes.get_legend().get_texts()] == ["prediction only", "truth only", "both"]
pyplot.savefig(sys.argv[1])
"""
    drawn = tmp_path / "pair.png"
    subprocess.run([sys.executable, "-c", script, str(drawn)], check=True, env=_without_display())
    pixels = np.asarray(Image.open(drawn).convert("RGB")).reshape(-1, 3)
    assert all((pixels == color).all(axis=1).any() for color in (GREEN, MAGENTA, WHITE, BLACK))


def _without_display() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name not in ("DISPLAY", "WAYLAND_DISPLAY", "MPLBACKEND")} | {
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)
    }
