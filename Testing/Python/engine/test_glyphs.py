"""The glyph reader: finds what word detectors miss, is silent where nothing is written, and refuses a model that was not judged."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from PyLogikSlicerLib.core.errors import EngineUnavailable
from PyLogikSlicerLib.core.geometry import Box
from PyLogikSlicerLib.core.projections import stretched, usual
from PyLogikSlicerLib.detection import glyphs
from PyLogikSlicerLib.detection.glyphs import GlyphReader


@pytest.fixture(scope="module")
def reader() -> GlyphReader:
    return GlyphReader(threads=1)


def speckle(rows: int, columns: int, seed: int, brightness: float = 40.0) -> np.ndarray:
    """Fully developed speckle: Rayleigh amplitude, smoothed as by the beam, uint8 RGB."""
    waves = np.random.default_rng(seed).standard_normal((2, rows, columns)).astype(np.float32)
    amplitude = np.hypot(*(cv2.GaussianBlur(wave, (0, 0), sigmaX=1.6, sigmaY=0.8) for wave in waves))
    return np.repeat(np.clip(amplitude / amplitude.mean() * brightness, 0, 255).astype(np.uint8)[..., None], 3, axis=2)


def black(rows: int = 480, columns: int = 640) -> np.ndarray:
    return np.zeros((rows, columns, 3), np.uint8)


def write(
    image: np.ndarray, text: str, x: int, y: int, height: int, color: tuple[int, int, int], thickness: int = 1
) -> tuple[int, int, int, int]:
    """Write with the base line's left end at (x, y); the box of the ink."""
    before = image.copy()
    scale = cv2.getFontScaleFromHeight(cv2.FONT_HERSHEY_SIMPLEX, height, thickness)
    cv2.putText(image, text, (x, y), cv2.FONT_HERSHEY_SIMPLEX, scale, color, thickness, cv2.LINE_AA)
    rows, columns = np.nonzero((image != before).any(axis=2))
    return int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1


def sure(reader: GlyphReader, image: np.ndarray) -> list[glyphs.RawDetection]:
    """What the reader takes for text; what it is in doubt of is no text yet."""
    return [found for found in reader.detect([image])[0] if not found.tentative]


def covered(box: tuple[int, int, int, int], detections: list[glyphs.RawDetection], shape: tuple[int, ...]) -> float:
    """Share of the box inside the polygons found."""
    mask = np.zeros(shape[:2], np.uint8)
    for detection in detections:
        cv2.fillPoly(mask, [np.round(np.array(detection.polygon)).astype(np.int32)], 1)
    x0, y0, x1, y1 = box
    return float(mask[y0:y1, x0:x1].mean())


@pytest.mark.parametrize("color", [(255, 255, 255), (255, 255, 0), (0, 255, 0), (0, 255, 255)], ids=["white", "yellow", "green", "cyan"])
@pytest.mark.parametrize("seed", range(4))
def test_every_single_digit_over_speckle_is_found_at_native_or_double_scale(reader, color, seed):
    image = speckle(480, 640, seed)
    boxes = [
        write(image, str(digit), 40 + 60 * digit, 60 + 38 * digit, height=10, color=color, thickness=1 + digit % 2) for digit in range(10)
    ]
    double = cv2.resize(image, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
    native, doubled = reader.detect([image, double])
    missed = [
        digit
        for digit, box in enumerate(boxes)
        if covered(box, native, image.shape) < 0.9 and covered(tuple(2 * side for side in box), doubled, double.shape) < 0.9
    ]
    assert not missed


def test_single_letters_of_markers_are_found_at_the_very_border(reader):
    image = black()
    boxes = [
        write(image, letter, x, y, 14, (230, 230, 230), 2)
        for letter, x, y in (("R", 0, 240), ("L", 626, 240), ("A", 320, 14), ("P", 320, 479))
    ]
    found = sure(reader, image)
    assert all(covered(box, found, image.shape) >= 0.9 for box in boxes)


def test_black_text_on_a_bright_ground_is_found(reader):
    image = np.full((240, 320, 3), 235, np.uint8)
    box = write(image, "7", 150, 120, 14, (0, 0, 0), 2)
    assert covered(box, reader.detect([image])[0], image.shape) >= 0.9


def test_the_numbers_of_a_depth_ruler_are_found_and_its_ticks_are_not(reader):
    image = black()
    numbers = []
    for k in range(17):
        y = 40 + 25 * k
        cv2.line(image, (600, y), (608 if k % 5 == 0 else 604, y), (200, 200, 200), 1)
        if k % 5 == 0:
            numbers.append(write(image, str(k), 614, y + 5, 10, (200, 200, 200)))
    found = sure(reader, image)
    assert all(covered(box, found, image.shape) >= 0.9 for box in numbers)
    assert covered((598, 30, 610, 450), found, image.shape) < 0.02


def ruler(image: np.ndarray) -> None:
    for k in range(60):
        cv2.line(image, (20, 8 * k), (20 + (9 if k % 5 == 0 else 4), 8 * k), (255, 255, 255), 1)
        cv2.circle(image, (10 * k + 30, 460), 1, (255, 255, 0), -1)


def electrocardiogram(image: np.ndarray) -> None:
    phase = np.arange(640) % 90 / 90
    height = 60 * np.exp(-(((phase - 0.3) / 0.015) ** 2)) + 10 * np.exp(-(((phase - 0.6) / 0.06) ** 2))
    cv2.polylines(image, [np.stack([np.arange(640), 400 - height], axis=-1).astype(np.int32)], False, (0, 255, 0), 1)


def color_bar(image: np.ndarray) -> None:
    image[100:300, 600:618] = cv2.applyColorMap(np.linspace(255, 0, 200).astype(np.uint8)[:, None], cv2.COLORMAP_JET)
    cv2.rectangle(image, (599, 99), (618, 300), (255, 255, 255), 1)


def sector_edge(image: np.ndarray) -> None:
    fan = np.zeros(image.shape[:2], np.uint8)
    cv2.ellipse(fan, (320, -40), (480, 480), 0, 50, 130, 255, -1)
    image[fan > 0] = speckle(*image.shape[:2], seed=9)[fan > 0]


@pytest.mark.parametrize("drawn", [ruler, electrocardiogram, color_bar, sector_edge])
def test_nothing_is_found_where_nothing_is_written(reader, drawn):
    image = black()
    drawn(image)
    assert sure(reader, image) == []


@pytest.mark.parametrize("brightness", [25, 40, 60, 90, 130])
def test_speckle_alone_holds_next_to_nothing_and_nothing_for_certain(reader, brightness):
    """What a single pass does not detect conclusively, the examination does not accept (test_examine.py)."""
    images = [speckle(600, 800, seed, brightness) for seed in range(11, 19)]
    found = [sure(reader, image) for image in images]
    assert not any(detection.score >= reader.conclusive_score for one in found for detection in one)
    assert np.mean([covered((0, 0, 800, 600), one, image.shape) for one, image in zip(found, images, strict=True)]) < 0.001


@pytest.mark.parametrize("brightness", [40, 90])
def test_speckle_at_double_size_holds_no_conclusive_detection(reader, brightness):
    for seed in range(11, 15):
        double = cv2.resize(speckle(300, 400, seed, brightness), None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
        assert not any(detection.score >= reader.conclusive_score for detection in sure(reader, double))


@pytest.mark.parametrize("scale", [0.5, 1, 2])
def test_the_mean_of_several_frames_of_moving_speckle_holds_no_conclusive_detection(reader, scale):
    for first in range(0, 80, 8):
        frames = [speckle(300, 400, seed, 60)[..., 0] for seed in range(first, first + 8)]
        average = cv2.cvtColor(stretched(usual(frames)), cv2.COLOR_GRAY2RGB)
        how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
        image = cv2.resize(average, None, fx=scale, fy=scale, interpolation=how)
        assert not any(detection.score >= reader.conclusive_score for detection in sure(reader, image))


def test_a_large_image_gives_the_same_ink_tile_by_tile_as_whole(reader, monkeypatch):
    image = speckle(500, 700, seed=3)
    for k in range(12):
        write(image, f"{k} Qx", 30 + 50 * k, 40 + 37 * k, 12, (255, 255, 255))
    whole = reader.ink(image)
    monkeypatch.setattr(glyphs, "TILE", 192)
    assert np.abs(reader.ink(image) - whole).max() < 1e-4


@pytest.mark.parametrize("shape", [(1, 1), (7, 300), (37, 53), (480, 641)])
def test_ink_has_the_shape_of_the_image_whatever_its_size(reader, shape):
    ink = reader.ink(np.zeros((*shape, 3), np.uint8))
    assert ink.shape == shape and ink.dtype == np.float32
    assert ink.min() >= 0 and ink.max() <= 1


def test_polygons_stay_inside_the_image_and_the_image_is_not_changed(reader):
    image = black(61, 83)
    write(image, "W8", 50, 60, 20, (255, 255, 255), 2)
    before = image.copy()
    corners = np.array([corner for found in reader.detect([image])[0] for corner in found.polygon])
    assert len(corners) and corners.min() >= 0 and (corners <= (83, 61)).all()
    assert np.array_equal(image, before)


def test_letters_of_one_word_are_one_detection_and_distant_digits_are_apart(reader):
    image = black()
    write(image, "Kidney", 100, 100, 14, (255, 255, 255))
    write(image, "4", 500, 100, 14, (255, 255, 255))
    assert len(sure(reader, image)) == 2


def test_lines_that_run_up_the_image_side_by_side_are_apart():
    half = np.zeros((120, 100), np.float32)
    half[10:100, 10:22] = half[10:100, 42:54] = 0.9
    assert len(glyphs.detections_of_ink(half, (240, 200))) == 2


def test_ink_too_faint_to_be_text_is_a_tentative_detection_and_never_around_a_word_that_was_found():
    half = np.zeros((60, 80), np.float32)
    half[10:16, 10:14] = 0.2
    half[30:38, 40:60] = 0.9
    found = glyphs.detections_of_ink(half, (120, 160))
    assert [detection.tentative for detection in found] == [False, True]
    assert found[1].polygon == Box(20, 20, 28, 32).polygon


def test_a_model_that_is_not_the_judged_one_is_refused(monkeypatch):
    monkeypatch.setattr(glyphs, "MODEL_SHA256", "0" * 64)
    glyphs.shipped_model.cache_clear()
    with pytest.raises(EngineUnavailable, match="not the one that was shipped"):
        GlyphReader()
    monkeypatch.undo()
    glyphs.shipped_model.cache_clear()


def test_a_missing_model_is_said_so(monkeypatch):
    monkeypatch.setattr(glyphs, "MODEL", "absent.onnx")
    glyphs.shipped_model.cache_clear()
    with pytest.raises(EngineUnavailable, match="missing"):
        GlyphReader()
    monkeypatch.undo()
    glyphs.shipped_model.cache_clear()
