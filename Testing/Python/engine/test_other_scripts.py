"""Names in letters that no reader here can read are found too: to mask a text one need not be able to read it."""

from pathlib import Path

import matplotlib
import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont
from planted import ink, speckle, stack_of

from PyLogikSlicerLib.core.masking import region_mask
from PyLogikSlicerLib.detection.examine import examine

ROWS, COLUMNS = 240, 320
FONT = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"


def written(plain, text, size):
    page = Image.new("L", (COLUMNS, ROWS))
    ImageDraw.Draw(page).text((90, 120), text, font=ImageFont.truetype(str(FONT), size), fill=255)
    return np.maximum(plain, (np.asarray(page) * 0.8).astype(np.uint8))


@pytest.mark.parametrize("size", [11, 15, 22])
@pytest.mark.parametrize(
    "name", ["Παπαδόπουλος Γ.", "Иванова Мария", "ბერიძე ნინო", "Հակոբյան", "שרה כהן", "محمد عبد الله"], ids=lambda name: ascii(name[:1])
)
def test_a_name_that_nobody_here_can_read_is_masked(engine, name, size):
    plain = speckle(ROWS, COLUMNS, 3, 30)
    image = written(plain, name, size)
    regions = examine(stack_of([image]), engine.readers).text_map.regions
    letters = ink(image, plain)
    assert (region_mask(regions, ROWS, COLUMNS) & letters).sum() > 0.98 * letters.sum()


@pytest.mark.parametrize("size,angle", [(55, 25), (55, -25), (12, 25), (20, -12)])
@pytest.mark.parametrize("name", ["კაპანაძე", "Հակոբյան", "Шевченко"], ids=lambda name: ascii(name[:1]))
def test_so_is_a_slanted_one_large_or_small(engine, name, size, angle):
    plain = np.zeros((480, 480), np.uint8)
    page = Image.new("L", (480, 480))
    ImageDraw.Draw(page).text((90, 220), name, font=ImageFont.truetype(str(FONT), size), fill=200)
    image = np.asarray(page.rotate(angle, Image.Resampling.BILINEAR))
    regions = examine(stack_of([image]), engine.readers).text_map.regions
    letters = ink(image, plain)
    assert (region_mask(regions, 480, 480) & letters).sum() > 0.98 * letters.sum()


@pytest.mark.parametrize("name", ["Παπαδόπουλος Γ.", "Иванова", "שרה כהן"], ids=lambda name: ascii(name[:1]))
def test_so_is_a_line_that_is_high_for_a_small_image(engine, name):
    plain = speckle(128, 128, 3, 30)
    page = Image.new("L", (128, 128))
    ImageDraw.Draw(page).text((4, 50), name, font=ImageFont.truetype(str(FONT), 40), fill=180)
    image = np.maximum(plain, np.asarray(page))
    regions = examine(stack_of([image]), engine.readers).text_map.regions
    letters = ink(image, plain)
    assert (region_mask(regions, 128, 128) & letters).sum() > 0.98 * letters.sum()
