"""The candidates for an ultrasound region: made to agree with the region network, moved to borders, judged; and what is uncertain."""

from __future__ import annotations

import os
import subprocess
import sys

import cv2
import numpy as np
import pytest

from PyLogikSlicerLib.core.errors import EngineUnavailable
from PyLogikSlicerLib.core.projections import CompositeAccumulator
from PyLogikSlicerLib.core.stack import Header
from PyLogikSlicerLib.roi import find_roi, region_network, ultrasound
from PyLogikSlicerLib.roi.candidates import Candidate, polish_fields, resize_field
from PyLogikSlicerLib.roi.edges import find_border
from PyLogikSlicerLib.roi.geometry import Sector, Straight
from PyLogikSlicerLib.roi.planes import PLANE_COUNT, PLANE_SHAPE, make_planes
from PyLogikSlicerLib.roi.polish import agreement, snap_to_border
from PyLogikSlicerLib.roi.quality import load_weights, measure, predict_quality
from PyLogikSlicerLib.roi.region import rasterize

SHAPE = (300, 400)
SECTOR = Sector((200.0, -20.0), (-0.6, 0.6), (80.0, 290.0), (0.0, 0.0, 399.0, 299.0))
RECTANGLE = Straight((60.0, 40.0, 320.0, 250.0))
TRAPEZOID = Straight((0.0, 40.0, 399.0, 250.0), ((-0.98, -0.199, -90.0), (0.98, -0.199, 280.0)))


def mask_of(*fields):
    return rasterize([field.outline() for field in fields], *SHAPE)


def composites(*frames):
    accumulator = CompositeAccumulator()
    for frame in frames:
        accumulator.add(np.ascontiguousarray(frame))
    return accumulator.result()


def speckle(seed=0):
    noise = cv2.GaussianBlur(np.random.default_rng(seed).standard_normal(SHAPE), (0, 0), 1.5)
    return np.clip(110 + 130 * noise, 5, 255).astype(np.uint8)


def dark_screen(field, brightness=1.0, reach=0.2):
    """A screen on which only the near field of a display is bright, and a ruler that goes on to its end; and the display."""
    mask = mask_of(field)
    rows = np.flatnonzero(mask.any(axis=1))
    screen = np.where(mask, speckle() * brightness, 0).astype(np.uint8)
    screen[int(rows[0] + reach * len(rows)) :] = 0
    right = int(np.flatnonzero(mask.any(axis=0))[-1])
    for number, row in enumerate(np.linspace(rows[0], rows[-1], 11).round().astype(int)):
        screen[row, right + 8 : right + (18 if number % 5 == 0 else 13)] = 200
    return screen, mask


NOWHERE = np.zeros(SHAPE, bool)


@pytest.mark.parametrize("field", [SECTOR, RECTANGLE, TRAPEZOID])
def test_a_field_that_is_a_little_off_is_moved_to_where_the_network_sees_the_region(field):
    probability = cv2.GaussianBlur(mask_of(field).astype(np.float32), (0, 0), 3)
    moved = field.translate(6, -4)
    (found,) = polish_fields([moved], probability)
    exact = mask_of(field).astype(np.float32)
    assert agreement(mask_of(moved), exact) < 0.98 < 0.99 < agreement(mask_of(found), exact)


def test_several_fields_are_moved_together():
    left, right = Straight((20.0, 40.0, 190.0, 250.0)), Straight((210.0, 40.0, 380.0, 250.0))
    probability = mask_of(left, right).astype(np.float32)
    found = polish_fields([left.translate(-4, 3), right.translate(5, 0)], probability)
    assert agreement(mask_of(*found), probability) > 0.99


@pytest.mark.parametrize("field", [SECTOR, RECTANGLE, TRAPEZOID])
def test_an_outline_is_moved_to_a_border_close_by_and_stays_where_there_is_none(field):
    border = find_border(mask_of(field), NOWHERE, 2)
    near, far = (snap_to_border(field.translate(distance, 0), border, 5) for distance in (3, 40))
    assert agreement(mask_of(near), mask_of(field).astype(np.float32)) > 0.99
    if isinstance(field, Straight):
        assert mask_of(far)[:, :60].sum() == mask_of(field.translate(40, 0))[:, :60].sum()


@pytest.mark.parametrize("field", [SECTOR, RECTANGLE, TRAPEZOID])
def test_a_field_in_a_frame_of_another_size_has_the_same_place(field):
    large = rasterize([resize_field(field, 2).outline()], 600, 800)
    small = cv2.resize(large.astype(np.float32), SHAPE[::-1], interpolation=cv2.INTER_AREA)
    assert agreement(mask_of(field), small) > 0.99


@pytest.mark.parametrize("shape", [(300, 400), (1080, 1920), (40, 900), (3, 5), (1, 1)])
def test_planes_are_small_and_in_range_whatever_the_frame(shape):
    frames = np.random.default_rng(0).integers(0, 256, (5, *shape, 3)).astype(np.uint8)
    planes = make_planes(composites(*frames), np.zeros(shape, bool))
    assert planes.values.shape == (PLANE_COUNT, *PLANE_SHAPE) and planes.values.dtype == np.float32
    assert planes.values.min() >= -1 and planes.values.max() <= 1 and np.isfinite(planes.values).all()
    assert planes.rows <= PLANE_SHAPE[0] and planes.columns <= PLANE_SHAPE[1]
    assert not planes.values[:, planes.rows :].any() and not planes.values[:, :, planes.columns :].any()


def test_a_network_that_was_not_evaluated_is_refused(monkeypatch):
    region_network.region_network.cache_clear()
    monkeypatch.setattr(region_network, "MODEL_SHA256", "0" * 64)
    with pytest.raises(EngineUnavailable, match="not the network that was evaluated"):
        region_network.region_network()
    monkeypatch.setattr(region_network, "MODEL", "missing.onnx")
    with pytest.raises(EngineUnavailable, match="missing from this installation"):
        region_network.region_network()
    region_network.region_network.cache_clear()


def test_shapes_can_be_used_without_a_runtime_of_networks():
    """Slicer's own process imports the package for the outline that a person drags."""
    code = "import sys, PyLogikSlicerLib.roi; sys.exit('onnxruntime' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}).returncode == 0


def test_the_display_itself_is_judged_better_than_a_part_of_it_or_the_whole_screen():
    screen, _ = dark_screen(SECTOR, reach=1.0)
    _, witnesses = ultrasound.gather(composites(screen), NOWHERE, 0, Header())
    half = Sector(SECTOR.apex, SECTOR.angles, (80.0, 170.0), SECTOR.limits)
    candidates = [Candidate((field,), "test") for field in (SECTOR, half, Straight((0.0, 0.0, 399.0, 299.0)))]
    features = measure(candidates, witnesses)
    assert features.shape == (3, len(load_weights()[0]) - 1)
    assert predict_quality(features).argmax() == 0


@pytest.mark.parametrize("field", [SECTOR, RECTANGLE])
def test_a_display_that_is_dark_but_for_its_near_field_is_kept_to_the_end_of_its_ruler(field):
    screen, mask = dark_screen(field)
    kept = find_roi(composites(screen), NOWHERE, "deid-us").mask()
    assert (kept & mask).sum() >= 0.97 * mask.sum()


def test_what_no_display_looks_like_is_kept_whole_and_called_uncertain():
    angles, radii = np.linspace(0, 2 * np.pi, 11)[:-1], np.where(np.arange(10) % 2, 60, 140)
    star = np.zeros(SHAPE, np.uint8)
    cv2.fillPoly(star, [np.stack([200 + radii * np.cos(angles), 150 + radii * np.sin(angles)], axis=1).astype(np.int32)], 1)
    roi = find_roi(composites(np.where(star, speckle(), 0).astype(np.uint8)), NOWHERE, "deid-us")
    assert roi.is_uncertain and roi.confidence < load_weights()[1] and roi.kind == "hull"
    assert (roi.mask() & (star > 0)).sum() >= 0.99 * star.sum()


def test_a_clear_display_is_certain_and_its_evidence_is_told():
    screen, _ = dark_screen(SECTOR, reach=1.0)
    roi = find_roi(composites(screen), NOWHERE, "deid-us")
    assert not roi.is_uncertain and 0.8 <= roi.confidence <= 1
    assert any("region network agree" in note for note in roi.notes) and any(note.startswith("holds") for note in roi.notes)


@pytest.mark.parametrize(("variant", "uncertain"), [("deid-one", True), ("deid-clean", False)])
def test_an_object_beside_which_others_are_lost_is_called_uncertain(variant, uncertain):
    screen = np.zeros((200, 400), np.uint8)
    for x in (70, 200, 330):
        cv2.circle(screen, (x, 100), 50 + (x == 200), 150, -1)
    roi = find_roi(composites(screen), np.zeros(screen.shape, bool), variant)
    assert roi.is_uncertain is uncertain and roi.confidence == pytest.approx(1 / 3 if uncertain else 1, abs=0.03)
