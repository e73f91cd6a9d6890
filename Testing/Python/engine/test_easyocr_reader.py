"""The EasyOCR reader with the real networks of the package and weights that these tests make: nothing is downloaded.

CRAFT's weights are set by hand so that it marks bright ink and joins what is near; the recognizer's are random features with
a readout fitted in closed form, so that it really reads. What these weights find says nothing about the published ones; what
holds for them all is tested: coordinates, small and slanted text, batches, files, devices, errors.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import urllib.parse
import zipfile
from difflib import SequenceMatcher
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom import examples
from pydicom.pixels import pixel_array

from PyLogikSlicerLib.core.errors import EngineUnavailable, UsageError
from PyLogikSlicerLib.detection.easyocr_reader import RECOGNIZER_FILES, EasyOCRReader, is_available, lines_of_heat_maps

FONT = cv2.FONT_HERSHEY_SIMPLEX
CHARACTERS = "0123456789-ABCDEFJNOH^"
CRAFT_FILE, CRNN_FILE = "craft_mlt_25k.pth", "english_g2.pth"


# --- weights -----------------------------------------------------------------------------------------------------------------


def bright_ink_craft():
    """CRAFT that calls a place text where a pixel near it is bright, and a link where one within 8 px to the side is."""
    import torch
    from easyocr.craft import CRAFT

    network = CRAFT()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.zero_()
        for layer in network.modules():
            if isinstance(layer, torch.nn.BatchNorm2d):
                layer.weight.fill_(1)
        first = network.basenet.slice1[0]
        deviation, mean = torch.tensor([0.229, 0.224, 0.225]), torch.tensor([0.485, 0.456, 0.406])
        first.weight[0, :, 1, 1] = deviation / 3  # undoes the normalization: gray, 0 to 1
        first.bias[0] = mean.mean()
        for index in (3, 7, 10):
            network.basenet.slice1[index].weight[0, 0, 1, 1] = 1
        network.basenet.slice1[10].bias[0] = -0.6  # darker than that is no ink
        network.upconv4.conv[0].weight[0, 64, 0, 0] = 10  # the first 64 channels come from deeper layers
        ink, beside, text_left, link_left = 0, 1, 0, 1
        network.upconv4.conv[3].weight[ink, 0, 1, 1] = 1
        network.upconv4.conv[3].weight[beside, 0, 1, :] = 1
        spread, mark, keep, out = (network.conv_cls[index] for index in (0, 2, 4, 8))
        spread.weight[ink, ink] = 1
        spread.weight[beside, beside, 1, :] = 1
        mark.weight[text_left, ink, 1, 1] = mark.weight[link_left, beside, 1, 1] = -1
        mark.bias[:2] = 1
        keep.weight[text_left, text_left, 1, 1] = keep.weight[link_left, link_left, 1, 1] = 1
        network.conv_cls[6].weight[:2, :2, 0, 0] = torch.eye(2)
        out.weight[:, :2, 0, 0] = -torch.eye(2)
        out.bias[:] = 1
    return network


def printed(text: str, level: int = 255) -> np.ndarray:
    """One line as a crop, uint8 RGB."""
    (width, height), _ = cv2.getTextSize(text, FONT, 1.0, 2)
    crop = np.zeros((height + 12, width + 12, 3), np.uint8)
    return cv2.putText(crop, text, (6, height + 6), FONT, 1.0, (level,) * 3, 2, cv2.LINE_AA)


def fitted_crnn():
    """The recognizer with random convolutions, recurrent layers that pass on what they get, and a least-squares readout."""
    import torch
    from easyocr.config import recognition_models
    from easyocr.model.vgg_model import Model

    alphabet = ["", *recognition_models["gen2"]["english_g2"]["characters"]]
    torch.manual_seed(0)
    network = Model(1, 256, 256, len(alphabet)).eval()
    with torch.no_grad():
        for layer in network.modules():
            if isinstance(layer, torch.nn.Conv2d):
                torch.nn.init.kaiming_normal_(layer.weight)
        for block in network.SequenceModeling:
            pass_on(block)
        last = network.FeatureExtraction.ConvNet[-2]
        last.weight /= 2 * network.FeatureExtraction(line_tensor("0123456789")).mean(2).std()
        rng = np.random.default_rng(0)
        lines = ["".join(rng.choice(list(CHARACTERS), 7)) for _ in range(32)]
        features, labels = zip(*((sequence(network, line), steps(line)) for line in lines), strict=True)
        known = np.hstack([np.concatenate(features), np.ones((sum(map(len, features)), 1))])
        wanted = np.full((len(known), len(alphabet)), -1.0)
        wanted[np.arange(len(known)), [alphabet.index(label) for label in np.concatenate(labels)]] = 1
        readout = np.linalg.solve(known.T @ known + 1e-4 * len(known) * np.eye(known.shape[1]), known.T @ wanted)
        network.Prediction.weight.copy_(torch.from_numpy(20 * readout[:-1].T))
        network.Prediction.bias.copy_(torch.from_numpy(20 * readout[-1]))
    return network


def pass_on(block) -> None:
    """A bidirectional LSTM layer whose first direction gives its input, squashed: input and output gates open, forget gate shut."""
    import torch

    for parameter in block.parameters():
        parameter.zero_()
    size = block.rnn.hidden_size
    block.rnn.bias_ih_l0[:size], block.rnn.bias_ih_l0[size : 2 * size], block.rnn.bias_ih_l0[3 * size :] = 10, -10, 10
    block.rnn.weight_ih_l0[2 * size : 3 * size] = torch.eye(size)
    block.linear.weight[:, :size] = torch.eye(size)


def line_tensor(text: str):
    import torch
    from PIL import Image

    crop = printed(text)[..., 0]
    width = 64 * crop.shape[1] // crop.shape[0]
    return torch.from_numpy(np.asarray(Image.fromarray(crop).resize((width, 64), Image.BILINEAR), np.float32) / 127.5 - 1)[None, None]


def sequence(network, text: str) -> np.ndarray:
    visual = network.AdaptiveAvgPool(network.FeatureExtraction(line_tensor(text)).permute(0, 3, 1, 2)).squeeze(3)
    return network.SequenceModeling(visual)[0].numpy()


def steps(text: str) -> list[str]:
    """The character at each time step of the recognizer, which stands for 4 px; "" between characters."""
    crop = printed(text)
    scale = 64 / crop.shape[0]
    places = (np.arange(64 * crop.shape[1] // crop.shape[0] // 4 - 1) * 4 + 4) / scale - 6
    ends = [cv2.getTextSize(text[:count], FONT, 1.0, 2)[0][0] for count in range(1, len(text) + 1)]
    widths = [cv2.getTextSize(character, FONT, 1.0, 2)[0][0] for character in text]
    centers = [end - width / 2 for end, width in zip(ends, widths, strict=True)]
    near = [int(np.argmin([abs(place - center) for center in centers])) for place in places]
    return [text[index] if abs(place - centers[index]) < 6 / scale else "" for place, index in zip(places, near, strict=True)]


@pytest.fixture(scope="module")
def weights(tmp_path_factory) -> Path:
    """A folder with weights under the names of one's own, saved as EasyOCR's trainers do: with "module." before each name."""
    import torch

    folder = tmp_path_factory.mktemp("easyocr") / "model"
    folder.mkdir()
    for name, network in ((CRAFT_FILE, bright_ink_craft()), (CRNN_FILE, fitted_crnn())):
        state = {f"module.{key}": value for key, value in network.state_dict().items()}
        torch.save(state, folder / name.replace(".pth", "_custom.pth"))
    return folder


@pytest.fixture(scope="module")
def reader(weights) -> EasyOCRReader:
    return EasyOCRReader("cpu", weights)


def screen(*texts: tuple[str, tuple[int, int], float], size: tuple[int, int] = (160, 320)) -> np.ndarray:
    """Real ultrasound, dimmed below what the made weights take for ink, with bright text at (x, y) of the base line."""
    image = cv2.resize(pixel_array(examples.rgb_color), size[::-1]) // 3
    for text, place, scale in texts:
        cv2.putText(image, text, place, FONT, scale, (255, 255, 255), 1, cv2.LINE_AA)
    return image


def mask_of(detections, shape) -> np.ndarray:
    mask = np.zeros(shape, np.uint8)
    for detection in detections:
        cv2.fillPoly(mask, [np.rint(np.array(detection.polygon)).astype(np.int32)], 1)
    return mask > 0


# --- detection ---------------------------------------------------------------------------------------------------------------


@pytest.mark.easyocr
def test_each_line_is_found_where_it_stands_and_nothing_else(reader):
    image = screen(("DOE^JANE", (10, 20), 0.5), ("1950-01-01", (180, 100), 0.4), ("7", (30, 140), 0.35))
    (found,) = reader.detect([image])
    ink = image.min(axis=2) > 160
    assert len(found) == 3
    assert not (ink & ~mask_of(found, ink.shape)).any()
    assert mask_of(found, ink.shape).sum() < 4 * cv2.dilate(ink.astype(np.uint8), np.ones((5, 5))).sum()
    assert all(0.4 <= detection.score <= 1 for detection in found)


@pytest.mark.easyocr
@pytest.mark.parametrize("scale", [0.25, 0.3, 0.5])
def test_short_and_small_text_is_not_dropped(reader, scale):
    image = screen(("1", (100, 50), scale), ("L", (200, 50), scale), ("-", (100, 110), scale), ("0.8", (200, 110), scale))
    (found,) = reader.detect([image])
    assert len(found) == 4
    assert not ((image.min(axis=2) > 180) & ~mask_of(found, image.shape[:2])).any()


@pytest.mark.easyocr
@pytest.mark.parametrize("angle", [-60, -30, 25, 45, 90])
def test_slanted_text_is_found_as_a_polygon_that_follows_it(reader, angle):
    upright = np.zeros((240, 240, 3), np.uint8)
    cv2.putText(upright, "ID 0012345", (50, 125), FONT, 0.6, (255, 255, 255), 1, cv2.LINE_AA)
    image = cv2.warpAffine(upright, cv2.getRotationMatrix2D((120, 120), angle, 1), (240, 240), flags=cv2.INTER_CUBIC)
    (found,) = reader.detect([image])
    mask, ink = mask_of(found, (240, 240)), image[..., 0] > 180
    assert not (ink & ~mask).any()
    assert mask.sum() < 0.12 * mask.size  # an upright box around it would take up to a quarter of the image


@pytest.mark.easyocr
def test_a_pixel_of_the_image_lies_in_the_polygon_found_for_it(reader):
    for x, y in ((64, 64), (65, 66), (37, 101), (0, 0), (158, 117)):
        image = np.zeros((120, 162, 3), np.uint8)
        image[y : y + 2, x : x + 4] = 255
        (found,) = reader.detect([image])
        (detection,) = found
        corners = np.array(detection.polygon)
        (x0, y0), (x1, y1) = corners.min(axis=0), corners.max(axis=0)
        assert x0 <= x and y0 <= y and x1 >= min(x + 4, 162) and y1 >= min(y + 2, 120)
        assert abs((x0 + x1) / 2 - (x + 2)) <= 4 and abs((y0 + y1) / 2 - (y + 1)) <= 4 or min(x, y) == 0


@pytest.mark.easyocr
@pytest.mark.parametrize("shape", [(33, 65), (64, 96), (1, 40), (50, 3), (97, 31)])
def test_any_size_of_image_is_looked_at_to_its_edges(reader, shape):
    image = np.zeros((*shape, 3), np.uint8)
    image[-2:, -6:] = 255
    (found,) = reader.detect([image])
    assert (mask_of(found, shape) | (image[..., 0] == 0)).all()


@pytest.mark.easyocr
def test_images_together_give_what_each_gives_alone_and_stay_unchanged(reader):
    images = [
        screen(("ONE", (20, 40), 0.5)),
        screen(("TWO", (20, 40), 0.5), size=(96, 200)),
        screen(("THREE", (60, 90), 0.5)),
        np.zeros((0, 10, 3), np.uint8),
        np.zeros((64, 64, 3), np.uint8),
    ]
    before = [image.copy() for image in images]
    together = reader.detect(images)
    assert together == [reader.detect([image])[0] for image in images]
    assert [len(found) for found in together] == [1, 1, 1, 0, 0]
    assert all(np.array_equal(image, old) for image, old in zip(images, before, strict=True))
    assert reader.detect([]) == []


@pytest.mark.easyocr
def test_a_batch_of_the_networks_gives_what_single_images_give(reader):
    """As on a GPU, where images of one size go through together."""
    images = [screen((text, (20, 60), 0.5), size=(96, 160)) for text in ("A1", "B2", "C3")]
    for (text, link), image in zip(reader._heat_maps(images), images, strict=True):
        ((alone_text, alone_link),) = reader._heat_maps([image])
        np.testing.assert_allclose(text, alone_text, atol=1e-5)
        np.testing.assert_allclose(link, alone_link, atol=1e-5)


@pytest.mark.easyocr
def test_every_word_that_easyocr_itself_finds_is_found_in_the_same_place(reader, weights):
    from easyocr.detection import get_detector, get_textbox
    from easyocr.utils import group_text_box

    image = screen(("DOE^JANE", (10, 30), 0.6), ("0012345", (150, 90), 0.5), ("L", (280, 140), 0.6))
    network = get_detector(str(weights / "craft_mlt_25k_custom.pth"), device="cpu")
    boxes = get_textbox(network, image, 2560, 1.0, 0.4, 0.4, 0.3, False, "cpu")[0]
    level, _ = group_text_box(boxes, add_margin=0.1)
    (found,) = reader.detect([image])
    ours = sorted(tuple(map(float, (*np.min(d.polygon, axis=0), *np.max(d.polygon, axis=0)))) for d in found)
    theirs = sorted((x0, y0, x1, y1) for x0, x1, y0, y1 in level)
    np.testing.assert_allclose(ours, theirs, atol=3.1)  # theirs end at the upper left of their last pixel, which is 2 px wide


@pytest.mark.easyocr
@settings(max_examples=40)
@given(st.data())
def test_whatever_the_heat_maps_every_strong_place_is_covered(data):
    rows, columns = data.draw(st.integers(4, 40)), data.draw(st.integers(4, 40))
    text = np.zeros((rows, columns), np.float32)
    for _ in range(data.draw(st.integers(1, 5))):
        y, x = data.draw(st.integers(0, rows - 1)), data.draw(st.integers(0, columns - 1))
        height, width = data.draw(st.integers(2, 8)), data.draw(st.integers(2, 20))
        text[y : y + height, x : x + width] = data.draw(st.floats(0.4375, 1, width=32))
    link = np.roll(text, data.draw(st.integers(0, 3)), axis=1) * data.draw(st.sampled_from((0, 1)))
    count, labels, stats, _ = cv2.connectedComponentsWithStats((text > 0).astype(np.uint8), connectivity=4)
    large = np.isin(labels, [label for label in range(1, count) if stats[label, cv2.CC_STAT_AREA] >= 3])
    centers = 2 * np.argwhere(large)[:, ::-1] + 1.0
    polygons = [np.float32(detection.polygon) for detection in lines_of_heat_maps(text, link.astype(np.float32))]
    for center in centers:
        assert max(cv2.pointPolygonTest(polygon, tuple(center), True) for polygon in polygons) > -0.5


# --- recognition -------------------------------------------------------------------------------------------------------------


@pytest.mark.easyocr
@pytest.mark.parametrize("text", ["DOE^JOHN", "1950-01-2", "0123456789", "F-17", "NO^H"])
def test_text_is_read(reader, text):
    ((read, confidence),) = reader.recognize([printed(text)])
    assert SequenceMatcher(None, read, text).ratio() > 0.85  # the fitted readout doubles or drops a character now and then
    assert 0.1 < confidence <= 1


@pytest.mark.easyocr
def test_a_crop_reads_the_same_alone_and_beside_others(reader):
    crops = [printed(text) for text in ("7", "0123456789-ABCDEF", "JOHN", "1950-01-2", "FEB", "NOH", "J0H")]
    crops += [np.zeros((0, 5, 3), np.uint8), np.full((20, 60, 3), 90, np.uint8)]
    together = reader.recognize(crops)
    alone = [reader.recognize([crop])[0] for crop in crops]
    assert [text for text, _ in together] == [text for text, _ in alone]
    np.testing.assert_allclose([c for _, c in together], [c for _, c in alone], atol=1e-4)
    assert together[-2] == ("", 0.0)
    assert reader.recognize([]) == []


@pytest.mark.easyocr
@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (300, 1), (7, 2000), (400, 30)])
def test_a_crop_of_any_shape_gives_an_answer(reader, shape):
    ((text, confidence),) = reader.recognize([np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)])
    assert isinstance(text, str) and 0 <= confidence <= 1


@pytest.mark.easyocr
def test_text_and_confidence_are_those_of_easyocr_itself(reader, weights):
    import torch
    from easyocr.config import recognition_models
    from easyocr.recognition import get_recognizer, get_text
    from easyocr.utils import get_image_list

    characters = recognition_models["gen2"]["english_g2"]["characters"]
    parameters = {"input_channel": 1, "output_channel": 256, "hidden_size": 256}
    path = str(weights / "english_g2_custom.pth")
    network, converter = get_recognizer("generation2", parameters, characters, {}, {}, path, device="cpu", quantize=False)
    crops = [printed("DOE^JOHN"), printed("1950-01-2", 120), printed("A7", 60), cv2.resize(printed("0123"), None, fx=0.4, fy=0.4)]
    expected = []
    for crop in crops:
        images, width = get_image_list([[0, crop.shape[1], 0, crop.shape[0]]], [], crop[..., 0], model_height=64)
        with torch.no_grad():
            expected += get_text(characters, 64, int(width), network, converter, images, workers=0)
    read = reader.recognize(crops)
    assert [text for text, _ in read] == [text for _, text, _ in expected]
    np.testing.assert_allclose([c for _, c in read], [c for _, _, c in expected], atol=0.05)


@pytest.mark.easyocr
def test_two_readers_share_the_networks_and_agree_exactly(reader, weights):
    image = screen(("DOE^JANE", (10, 30), 0.6))
    again = EasyOCRReader("cpu", weights)
    assert again._detector is reader._detector and again._recognizer is reader._recognizer
    assert again.detect([image]) == reader.detect([image])


# --- weights, devices, errors ------------------------------------------------------------------------------------------------


def test_without_package_or_weights_the_reason_says_what_to_do(tmp_path):
    available, reason = is_available(tmp_path)
    assert not available
    assert "pip install easyocr" in reason or (CRAFT_FILE in reason and CRNN_FILE in reason and "--models" in reason)
    assert str(tmp_path) not in reason


def in_new_process(code: str, *packages: Path) -> None:
    library = Path(sys.modules[EasyOCRReader.__module__].__file__).parents[2]
    search = os.pathsep.join(map(str, (*packages, library)))
    subprocess.run([sys.executable, "-c", code], check=True, env={**os.environ, "PYTHONPATH": search})


def test_asking_whether_it_is_available_does_not_import_torch():
    in_new_process(
        "import sys; from PyLogikSlicerLib.detection.easyocr_reader import is_available; is_available(); assert 'torch' not in sys.modules"
    )


def test_an_installation_that_is_broken_is_reported_as_such(tmp_path):
    """As on Windows where a library of torch is missing: the import fails with an OSError that names a path."""
    for package in ("torch", "easyocr"):
        (tmp_path / package).mkdir()
        (tmp_path / package / "__init__.py").write_text("raise OSError('C:/Users/jane/torch.dll')")
    for name in (CRAFT_FILE, CRNN_FILE):
        (tmp_path / name).touch()
    in_new_process(
        "from pathlib import Path\n"
        "from PyLogikSlicerLib.detection.easyocr_reader import EasyOCRReader, EngineUnavailable\n"
        f"try: EasyOCRReader('cpu', Path({str(tmp_path)!r}))\n"
        "except EngineUnavailable as error: assert 'does not start (OSError)' in str(error) and 'jane' not in str(error)\n"
        "else: raise AssertionError",
        tmp_path,
    )


@pytest.mark.easyocr
def test_missing_weights_are_named_with_their_place_and_source_and_nothing_is_fetched(tmp_path, weights):
    (tmp_path / "craft_mlt_25k_custom.pth").write_bytes((weights / "craft_mlt_25k_custom.pth").read_bytes())
    with pytest.raises(EngineUnavailable) as error:
        EasyOCRReader("cpu", tmp_path)
    message = str(error.value)
    assert "not there: english_g2.pth." in message and "--models" in message and "github.com/JaidedAI/EasyOCR/releases" in message
    assert str(tmp_path) not in message
    assert [path.name for path in tmp_path.iterdir()] == ["craft_mlt_25k_custom.pth"]


@pytest.mark.easyocr
def test_the_default_folder_is_easyocrs_own_and_is_not_made(tmp_path, monkeypatch, weights):
    monkeypatch.setenv("EASYOCR_MODULE_PATH", str(tmp_path / "home"))
    with pytest.raises(EngineUnavailable):
        EasyOCRReader("cpu")
    assert not (tmp_path / "home").exists()
    monkeypatch.setenv("EASYOCR_MODULE_PATH", str(weights.parent))
    assert is_available() == (True, "")


@pytest.mark.easyocr
def test_own_weights_are_reported_as_custom_with_their_sha256(reader, weights):
    assert [(w.name, w.origin) for w in reader.weights] == [("craft_mlt_25k_custom.pth", "custom"), ("english_g2_custom.pth", "custom")]
    assert [w.sha256 for w in reader.weights] == [hashlib.sha256((weights / w.name).read_bytes()).hexdigest() for w in reader.weights]


@pytest.mark.easyocr
def test_other_weights_under_an_official_name_are_refused_with_advice(tmp_path, weights):
    for name in (CRAFT_FILE, CRNN_FILE):
        (tmp_path / name).write_bytes((weights / name.replace(".pth", "_custom.pth")).read_bytes())
    with pytest.raises(EngineUnavailable, match="craft_mlt_25k_custom.pth") as error:
        EasyOCRReader("cpu", tmp_path)
    assert "MD5" in str(error.value) and str(tmp_path) not in str(error.value)


@pytest.mark.easyocr
def test_weights_of_another_network_are_refused(tmp_path, weights):
    for name in (CRAFT_FILE, CRNN_FILE):
        (tmp_path / name.replace(".pth", "_custom.pth")).write_bytes((weights / "craft_mlt_25k_custom.pth").read_bytes())
    with pytest.raises(EngineUnavailable, match="english_g2_custom.pth .custom. do not fit"):
        EasyOCRReader("cpu", tmp_path)


@pytest.mark.easyocr
def test_a_file_of_weights_cannot_run_code(tmp_path, weights):
    import torch

    class Payload:
        def __reduce__(self):
            return Path.touch, (tmp_path / "was here",)

    (tmp_path / "english_g2_custom.pth").write_bytes((weights / "english_g2_custom.pth").read_bytes())
    torch.save({"module.x": Payload()}, tmp_path / "craft_mlt_25k_custom.pth")
    with pytest.raises(EngineUnavailable, match="do not fit"):
        EasyOCRReader("cpu", tmp_path)
    assert not (tmp_path / "was here").exists()


@pytest.fixture
def published(tmp_path, weights, monkeypatch) -> Path:
    """Stand-ins for JaidedAI's releases, as files: the package's own table points to archives of the made weights."""
    from easyocr.config import detection_models, recognition_models

    for entry in (detection_models["craft"], recognition_models["gen2"]["english_g2"]):
        content = (weights / entry["filename"].replace(".pth", "_custom.pth")).read_bytes()
        archive = tmp_path / f"{entry['filename']}.zip"
        with zipfile.ZipFile(archive, "w") as opened:
            opened.writestr(entry["filename"], content)
        monkeypatch.setitem(entry, "url", archive.as_uri())
        monkeypatch.setitem(entry, "md5sum", hashlib.md5(content).hexdigest())
    return tmp_path


@pytest.mark.easyocr
def test_a_download_that_is_asked_for_leaves_whole_checked_files_and_nothing_else(published):
    models = published / "models"
    reader = EasyOCRReader("cpu", models, download=True)
    assert sorted(path.name for path in models.iterdir()) == [CRAFT_FILE, CRNN_FILE]
    assert {weights.origin for weights in reader.weights} == {"official"}


@pytest.mark.easyocr
@pytest.mark.parametrize("fault", ["absent", "not a zip", "another file"])
def test_a_download_that_fails_leaves_nothing_and_says_so(published, monkeypatch, fault):
    from easyocr.config import detection_models

    archive = Path(urllib.parse.urlparse(detection_models["craft"]["url"]).path)
    if fault == "another file":
        monkeypatch.setitem(detection_models["craft"], "md5sum", "0" * 32)
    elif fault == "not a zip":
        archive.write_bytes(b"<html>not found</html>")
    else:
        archive.unlink()
    models = published / "models"
    with pytest.raises(EngineUnavailable, match=CRAFT_FILE):
        EasyOCRReader("cpu", models, download=True)
    assert list(models.iterdir()) == []


@pytest.mark.easyocr
def test_a_device_that_is_not_there_is_refused_with_the_reason_and_auto_takes_what_is(weights):
    import torch

    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    for device in (device for device, present in there.items() if not present):
        with pytest.raises(EngineUnavailable, match=f"device {device}: .+ Use --device cpu"):
            EasyOCRReader(device, weights)
    if not any(there.values()):
        assert EasyOCRReader("auto", weights).device == "cpu"
    with pytest.raises(UsageError, match="auto, cpu, cuda or mps"):
        EasyOCRReader("tpu", weights)


@pytest.mark.easyocr
def test_languages_ask_for_the_recognizer_that_easyocr_gives_them(tmp_path):
    from easyocr.config import cyrillic_lang_list, latin_lang_list, recognition_models

    known = {entry["filename"] for entry in recognition_models["gen2"].values()}
    assert set(RECOGNIZER_FILES) == known
    assert set(RECOGNIZER_FILES["latin_g2.pth"].split()) == set(latin_lang_list)
    assert set(RECOGNIZER_FILES["cyrillic_g2.pth"].split()) == {*cyrillic_lang_list, "en"}
    assert "latin_g2.pth" in is_available(tmp_path, ("de", "en"))[1]
    with pytest.raises(UsageError, match="together"):
        is_available(tmp_path, ("ja", "ko"))


@pytest.mark.easyocr
def test_nothing_is_printed(weights, capfd):
    reader = EasyOCRReader("cpu", weights)
    reader.recognize([printed("JOHN")])
    reader.detect([screen(("JOHN", (10, 40), 0.5))])
    captured = capfd.readouterr()
    assert captured.out == "" and captured.err == ""
