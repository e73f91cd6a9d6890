"""QR and bar codes drawn over real ultrasound: found, covered whole, read; and none seen where there is none."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import zxingcpp
from hypothesis import given
from hypothesis import strategies as st
from pydicom import examples
from pydicom.pixels import pixel_array

from PyLogikSlicerLib.detection.codes import CodeDetection, find_codes

# Modules of the quiet zone that the standards ask for.
QUIET = {"QR Code": 4, "Micro QR Code": 2, "Data Matrix": 1, "Aztec Code": 1}
MATRIX = {
    "QR Code": "DOE^JANE 1950-01-01 F ID 0012345678",
    "Micro QR Code": "12345",
    "Data Matrix": "PAT-0012345",
    "Aztec Code": "PAT-0012345",
}
LINEAR = {
    "Code 128": "PAT-0012345",
    "Code 39": "PAT12345",
    "Code 93": "PAT-0012345",
    "Codabar": "A12345B",
    "ITF": "12345678",
    "EAN-13": "1234567890128",
    "UPC-E": "01234565",
    "DataBar Omni": "1234567890128",
    "DataBar Expanded Stacked": "[01]98898765432106[3202]012345",
    "PDF417": "PAT-0012345",
    "MicroPDF417": "PAT-0012345",
}


@pytest.fixture(scope="module")
def ultrasound() -> np.ndarray:
    """A real frame, twice its size so that all symbols fit: uint8 RGB (480, 640, 3)."""
    return cv2.resize(pixel_array(examples.ybr_color, index=0), (640, 480), interpolation=cv2.INTER_CUBIC)


def symbol_of(symbology: str, text: str, height: int = 0) -> np.ndarray:
    """The symbol without its quiet zone, dark on light, one pixel per module; a linear one with bars ``height`` modules high."""
    barcode = zxingcpp.create_barcode(text, zxingcpp.barcode_format_from_str(symbology))
    modules = np.array(barcode.to_image(scale=1, add_quiet_zones=False))
    if height:
        modules = np.repeat(modules[modules.shape[0] // 2][None], height, axis=0)
    ink = modules < 128
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    return modules[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def planted(image, symbol, module, angle=0.0, inverted=False, center=None, tones=(0, 255), quiet=10) -> tuple[np.ndarray, np.ndarray]:
    """The image with the symbol drawn on it, and the symbol's corners ``(4, 2)``, pixel edges at integers.

    ``module`` in pixels, ``angle`` in degrees, ``tones`` of dark and light, ``quiet`` zone in modules.
    """
    fine = 8  # drawn finely and reduced, as a screen does it
    drawn = cv2.resize(symbol, None, fx=fine, fy=fine, interpolation=cv2.INTER_NEAREST)
    drawn = cv2.copyMakeBorder(drawn, *(quiet * fine,) * 4, cv2.BORDER_CONSTANT, value=255)
    scale = module / fine
    if scale < 1:
        drawn = cv2.GaussianBlur(drawn, (0, 0), 0.35 / scale)
    height, width = drawn.shape
    matrix = cv2.getRotationMatrix2D((width / 2 - 0.5, height / 2 - 0.5), -angle, scale)
    middle = (image.shape[1] / 2, image.shape[0] / 2) if center is None else center
    matrix[:, 2] += np.array(middle) - (width / 2, height / 2)
    size = image.shape[1::-1]
    ink = cv2.warpAffine(drawn, matrix, size) / 255.0
    panel = cv2.warpAffine(np.full_like(drawn, 255), matrix, size) / 255.0
    level = tones[0] + (tones[1] - tones[0]) * (1 - ink if inverted else ink)
    shown = image * (1 - panel[..., None]) + (level * panel)[..., None]
    low, right, bottom = quiet * fine - 0.5, width - quiet * fine - 0.5, height - quiet * fine - 0.5
    corners = cv2.transform(np.array([[(low, low), (right, low), (right, bottom), (low, bottom)]]), matrix)[0] + 0.5
    return np.clip(np.rint(shown), 0, 255).astype(np.uint8), corners


def covered(code: CodeDetection, corners: np.ndarray) -> float:
    """The share of the symbol that lies inside the polygon."""
    polygon = np.float32(code.polygon)
    return cv2.intersectConvexConvex(polygon, np.float32(corners))[0] / cv2.contourArea(np.float32(corners))


def swollen(code: CodeDetection, corners: np.ndarray) -> float:
    """How many pixels the polygon reaches beyond the symbol, on average over its outline."""
    excess = cv2.contourArea(np.float32(code.polygon)) - cv2.contourArea(np.float32(corners))
    return excess / cv2.arcLength(np.float32(corners), True)


def with_quiet_zone(corners: np.ndarray, along: float, across: float) -> np.ndarray:
    """The corners moved out by so many pixels along the symbol's two directions."""
    a, b, _, d = corners
    right, down = (b - a) / np.linalg.norm(b - a), (d - a) / np.linalg.norm(d - a)
    signs = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)])
    return corners + signs[:, :1] * along * right + signs[:, 1:] * across * down


@pytest.mark.parametrize(("module", "angle"), [(3, 0), (4, 20)])
@pytest.mark.parametrize("symbology", MATRIX)
def test_the_quiet_zone_of_a_matrix_symbol_goes_with_it(ultrasound, symbology, module, angle):
    image, corners = planted(ultrasound, symbol_of(symbology, MATRIX[symbology]), module, angle)
    (code,) = find_codes(image)
    assert covered(code, with_quiet_zone(corners, QUIET[symbology] * module, QUIET[symbology] * module)) > 0.98


@pytest.mark.parametrize("symbology", ["Code 128", "EAN-13"])
def test_the_quiet_zone_of_a_linear_symbol_goes_with_it(ultrasound, symbology):
    image, corners = planted(ultrasound, symbol_of(symbology, LINEAR[symbology]), 2)
    (code,) = find_codes(image)
    assert covered(code, with_quiet_zone(corners, 7 * 2, 0)) > 0.98


@pytest.mark.parametrize("inverted", [False, True], ids=["dark on light", "light on dark"])
@pytest.mark.parametrize(("module", "angle"), [(1.5, 0), (2, 4), (2, 30), (3, 90), (3, 200)])
@pytest.mark.parametrize("symbology", MATRIX)
def test_a_matrix_symbol_is_read_and_covered_whole(ultrasound, symbology, module, angle, inverted):
    image, corners = planted(ultrasound, symbol_of(symbology, MATRIX[symbology]), module, angle, inverted)
    (code,) = find_codes(image)
    assert code.text == MATRIX[symbology]
    assert covered(code, corners) > 0.999
    assert swollen(code, corners) < 10 + QUIET[symbology] * module


@pytest.mark.parametrize("inverted", [False, True], ids=["dark on light", "light on dark"])
@pytest.mark.parametrize(("module", "angle"), [(1.5, 90), (2, 0), (2, 3), (2, 180)])
@pytest.mark.parametrize("symbology", LINEAR)
def test_a_linear_or_stacked_symbol_is_covered_with_all_its_bars(ultrasound, symbology, module, angle, inverted):
    image, corners = planted(ultrasound, symbol_of(symbology, LINEAR[symbology]), module, angle, inverted)
    (code,) = find_codes(image)
    assert code.text
    assert covered(code, corners) > 0.99
    assert swollen(code, corners) < 22 + 4 * module


@pytest.mark.parametrize("inverted", [False, True], ids=["dark on light", "light on dark"])
@pytest.mark.parametrize("angle", [30, 45, 110, 235])
@pytest.mark.parametrize("symbology", ["Code 128", "Code 39", "EAN-13", "ITF", "Codabar"])
def test_bars_at_any_angle_are_found(ultrasound, symbology, angle, inverted):
    image, corners = planted(ultrasound, symbol_of(symbology, LINEAR[symbology]), 1.75, angle, inverted)
    (code,) = find_codes(image)
    assert code.text
    assert covered(code, corners) > 0.99


@pytest.mark.parametrize(("symbology", "text"), [*MATRIX.items(), *LINEAR.items()])
def test_a_large_symbol_is_read_without_a_close_look_too(ultrasound, symbology, text):
    image, corners = planted(ultrasound, symbol_of(symbology, text), 4 if symbology == "Aztec Code" else 3)
    (code,) = find_codes(image, thoroughly=False)
    assert code.text and covered(code, corners) > 0.99


@pytest.mark.parametrize("height", [8, 60, 160])
def test_the_whole_height_of_the_bars_is_covered_however_high_they_are(ultrasound, height):
    image, corners = planted(ultrasound, symbol_of("Code 128", "PAT-0012345", height), 2, 2)
    (code,) = find_codes(image)
    assert code.text == "PAT-0012345"
    assert covered(code, corners) > 0.99
    assert swollen(code, with_quiet_zone(corners, 20, 0)) < 8


@pytest.mark.parametrize("symbology", ["QR Code", "Code 128"])
@pytest.mark.parametrize(("tones", "noise"), [((80, 150), 0), ((30, 70), 2), ((0, 255), 20)], ids=["dim", "very dim", "noisy"])
def test_dim_and_noisy_symbols_are_found(ultrasound, symbology, tones, noise):
    image, corners = planted(ultrasound, symbol_of(symbology, "PAT-0012345"), 3, 0, tones=tones)
    speckle = np.random.default_rng(7).normal(0, noise, image.shape) if noise else 0
    (code,) = find_codes(np.clip(image + speckle, 0, 255).astype(np.uint8))
    assert code.text == "PAT-0012345"
    assert covered(code, corners) > 0.99


@pytest.mark.parametrize("quality", [50, 80])
def test_a_symbol_survives_what_a_jpeg_does_to_it(ultrasound, quality):
    image, corners = planted(ultrasound, symbol_of("QR Code", MATRIX["QR Code"]), 2, 7)
    packed = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    (code,) = find_codes(cv2.imdecode(packed, cv2.IMREAD_COLOR))
    assert code.text == MATRIX["QR Code"]
    assert covered(code, corners) > 0.999


@pytest.mark.parametrize(("ink", "paper"), [((0, 0, 255), (0, 0, 0)), ((255, 64, 64), (60, 140, 255)), ((255, 0, 0), (0, 130, 0))])
def test_colored_symbols_are_found_even_without_contrast_in_luminance(ink, paper):
    black = np.zeros((200, 200, 3), np.uint8)
    drawn, corners = planted(black, symbol_of("QR Code", "PAT-0012345"), 3, tones=(255, 0))
    share = drawn / 255.0
    image = np.rint(share * ink + (1 - share) * paper).astype(np.uint8)
    (code,) = find_codes(image)
    assert code.text == "PAT-0012345"
    assert covered(code, corners) > 0.999


@given(
    module=st.floats(2, 4),
    angle=st.floats(-180, 180),
    x=st.floats(0, 1),
    y=st.floats(0, 1),
    text=st.text("0123456789ABCDEF^- ", min_size=1),
)
def test_a_qr_code_is_covered_wherever_it_stands(module, angle, x, y, text):
    frame = cv2.resize(pixel_array(examples.rgb_color), (480, 360))
    symbol = symbol_of("QR Code", text)
    radius = module * (np.hypot(*symbol.shape) / 2 + 2)
    center = radius + x * (480 - 2 * radius), radius + y * (360 - 2 * radius)
    image, corners = planted(frame, symbol, module, angle, center=center, quiet=2)
    codes = find_codes(image)
    assert [code.text for code in codes] == [text]
    assert covered(codes[0], corners) > 0.999


@pytest.mark.parametrize("corner", [(0, 0), (1, 0), (1, 1), (0, 1)])
def test_a_symbol_whose_quiet_zone_is_cut_off_by_the_border_is_found(ultrasound, corner):
    symbol = symbol_of("QR Code", "PAT-0012345")
    half = 3 * len(symbol) / 2
    center = [half + place * (size - 2 * half) for place, size in zip(corner, ultrasound.shape[1::-1], strict=True)]
    image, corners = planted(ultrasound, symbol, 3, center=center, quiet=4)
    (code,) = find_codes(image)
    assert code.text == "PAT-0012345"
    assert covered(code, corners) > 0.999


def test_each_of_several_symbols_is_found_once(ultrasound):
    image, first = planted(ultrasound, symbol_of("QR Code", "FIRST"), 3, center=(120, 100))
    image, second = planted(image, symbol_of("QR Code", "FIRST"), 3, center=(330, 100))
    image, third = planted(image, symbol_of("Code 128", "THIRD"), 2, center=(320, 350))
    codes = sorted(find_codes(image), key=lambda code: (code.symbology, code.polygon[0][0]))
    assert [code.text for code in codes] == ["THIRD", "FIRST", "FIRST"]
    assert all(max(covered(code, corners) for code in codes) > 0.999 for corners in (first, second, third))


@pytest.mark.parametrize("symbology", ["QR Code", "Data Matrix"])
def test_a_symbol_too_damaged_to_decode_is_located_all_the_same(ultrasound, symbology):
    symbol = symbol_of(symbology, "DOE^JANE 1950-01-01 F ID 0012345678")
    damaged = symbol.copy()
    noise = np.random.default_rng(3).random(symbol.shape) < 0.5
    inner = np.zeros(symbol.shape, bool)
    inner[9:-1, 9:-9] = True  # the finder patterns stay
    damaged[inner & noise] ^= 255
    image, corners = planted(ultrasound, damaged, 4)
    (code,) = find_codes(image)
    assert code.text == ""
    assert covered(code, corners) > 0.999


def test_a_stacked_symbol_too_damaged_to_decode_is_located_all_the_same(ultrasound):
    symbol = symbol_of("PDF417", "DOE^JANE 1950-01-01 F ID 0012345678")
    noise = np.random.default_rng(3).random(symbol.shape) < 0.5
    noise[:, :17] = noise[:, -18:] = False  # the start and stop patterns stay
    image, corners = planted(ultrasound, np.where(noise, 255 - symbol, symbol), 2)
    (code,) = find_codes(image)
    assert code.text == ""
    assert covered(code, corners) > 0.99


def test_gray_and_color_input_give_the_same_and_stay_unchanged(ultrasound):
    gray = cv2.cvtColor(ultrasound, cv2.COLOR_RGB2GRAY)
    image, _ = planted(np.dstack([gray] * 3), symbol_of("EAN-13", "1234567890128"), 2)
    before = image.copy()
    assert find_codes(image) == find_codes(image[..., 0]) != []
    assert np.array_equal(image, before)


def test_nothing_is_found_in_real_ultrasound_without_codes():
    frames = [*pixel_array(examples.ybr_color)[::6], pixel_array(examples.rgb_color)]
    assert [find_codes(frame) for frame in frames] == [[]] * len(frames)


def test_nothing_is_found_on_the_screens_of_the_corpus(corpus):
    for path in sorted((corpus / "truth").glob("*.png")):
        image = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)
        assert find_codes(image) == [], path.name


@pytest.mark.parametrize("shape", [(1, 1), (3, 7), (8, 400), (400, 8, 3), (33, 33, 3)])
def test_tiny_and_narrow_images_hold_no_code(shape):
    assert find_codes(np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)) == []
