"""EasyOCR: CRAFT detects text and a CRNN reads it, with settings that do not lose small text; on CUDA, MPS or the CPU.

CRAFT is Baek et al., "Character Region Awareness for Text Detection", CVPR 2019; the CRNN is Shi et al., "An End-to-End
Trainable Neural Network for Image-based Sequence Recognition", TPAMI 2017. The networks, their alphabets and the grouping of
words to lines are those of the ``easyocr`` package (JaidedAI, Apache-2.0). Its ``Reader`` is not used: it scales images down,
drops boxes under 20 px, cuts coordinates to whole pixels, lets crops of one batch change each other's text, makes folders in
the home directory and unpickles weights without restriction.

Weights are two files, ``craft_mlt_25k.pth`` and that of the language, in the folder given or in EasyOCR's own one:

- under these names they must be the files that JaidedAI publishes (by their MD5, as EasyOCR checks it);
- the user's own weights for the same networks are named ``craft_mlt_25k_custom.pth``, ``english_g2_custom.pth`` and so on, and are taken
  before the others. They cannot be checked, so :attr:`EasyOCRReader.weights` calls them "custom" and gives their SHA-256.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import tempfile
import urllib.request
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np

from ..core.errors import EngineUnavailable, UsageError
from .batches import batches_of_one_size
from .reader import DIGEST_LENGTH, Granularity, RawDetection, Reading
from .torch_network import deterministic_inference

# The thresholds of CRAFT's post-processing. EasyOCR's defaults are 0.7, 0.4 and 0.4, and 10 for the area. A lower text threshold detects
# single characters and dim text (JaidedAI/EasyOCR issues 442 and 1279), a lower area the short and thin ones; a false detection masks a
# little of the image, a missed one leaks a name.
# Character score, 0 to 1, that the strongest pixel of a word reaches at least.
TEXT_THRESHOLD = 0.4
# Character score from which a pixel belongs to a word.
LOW_TEXT = 0.3
# Link score from which a pixel joins two characters of a word.
LINK_THRESHOLD = 0.4
# Pixels of the heat map, which is half the size of the image, that a word has at least.
MIN_AREA = 3
# Share of a line's height that is added around it.
MARGIN = 0.1
# Pixels of the image to one of the heat map.
HEAT_STRIDE = 2
# Pixels of which rows and columns of the detector's input are a multiple.
IMAGE_STRIDE = 32
# Pixels of all images of one batch on a GPU: CRAFT takes about 1 GB per million.
DETECTION_PIXELS = 4_000_000
# Longer side over shorter side, less 1, up to which a word's rectangle is upright: the angle of a nearly square one is noise.
SQUARE_TOLERANCE = 0.1

# Pixels; rows that a line is scaled to for the recognizer.
LINE_HEIGHT = 64
# Pixels of which the columns of a scaled line are a multiple, so that more lines share a batch.
WIDTH_STEP = 64
# Pixels; columns of the longest scaled line; longer ones are squeezed.
MAX_LINE_WIDTH = 40 * LINE_HEIGHT
# Lines in one batch of the recognizer.
RECOGNITION_BATCH = 32
# Confidence below which a line is read again with its contrast stretched, as EasyOCR does.
POOR_CONFIDENCE = 0.1
# Contrast, 0 to 1, that such a line is stretched to.
STRETCHED_CONTRAST = 0.5

# The file of the detector's weights.
DETECTOR_FILE = "craft_mlt_25k.pth"
# The files of the recognizers of the second generation, with the languages that each reads.
RECOGNIZER_FILES = {
    "english_g2.pth": "en",
    "latin_g2.pth": "af az bs cs cy da de en es et fr ga hr hu id is it ku la lt lv mi ms mt nl no oc pi pl pt ro rs_latin sk sl sq sv sw"
    " tl tr uz vi",
    "cyrillic_g2.pth": "ru rs_cyrillic be bg uk mn abq ady kbd ava dar inh che lbe lez tab tjk en",
    "zh_sim_g2.pth": "ch_sim en",
    "japanese_g2.pth": "ja en",
    "korean_g2.pth": "ko en",
    "telugu.pth": "te en",
    "kannada.pth": "kn en",
}
# Where the weights come from, for messages.
SOURCE = "https://github.com/JaidedAI/EasyOCR/releases (pre-v1.1.6: craft_mlt_25k.zip; v1.3: english_g2.zip) or https://www.jaided.ai/easyocr/modelhub"
# What a user types to install it, for messages.
INSTALL = "pip install easyocr (it brings torch, up to 6 GB)"


@dataclass(frozen=True)
class Weights:
    """A file of weights: an ``official`` one is the one that JaidedAI publishes, a ``custom`` one is the user's own."""

    name: str
    origin: Literal["official", "custom"]
    sha256: str


def is_available(models: Path | None = None, languages: Sequence[str] = ("en",)) -> tuple[bool, str]:
    """(True, "") when packages and weights are there, else (False, what is missing); imports nothing and reads no file."""
    absent = _absent_packages()
    if absent:
        return False, f"EasyOCR cannot start, not installed: {', '.join(absent)}. Install it with: {INSTALL}"
    missing = [name for name in (DETECTOR_FILE, _recognizer_file(languages)) if _find_file(name, _folder(models)) is None]
    if missing:
        return False, (
            f"EasyOCR's weights are not there: {', '.join(missing)}. Put them into the folder given with --models "
            f"(without it: ~/.EasyOCR/model). They come from {SOURCE}; nothing is downloaded unasked"
        )
    return True, ""


class EasyOCRReader:
    """A :class:`~.reader.LineReader`. Its networks are loaded once per process. :attr:`weights` says which files were loaded."""

    name = "easyocr"
    granularity: Granularity = "words"
    conclusive_score = 2.0

    def __init__(
        self, device: str = "auto", models: Path | None = None, download: bool = False, languages: Sequence[str] = ("en",)
    ) -> None:
        """Load both networks.

        Parameters
        ----------
        device
            ``auto`` (CUDA, else MPS, else the CPU), ``cpu``, ``cuda`` or ``mps``.
        models
            The folder of the weights; without it EasyOCR's own.
        download
            Fetch official weights that are missing there.
        languages
            EasyOCR's codes. They decide which recognizer is used; the detector knows no languages.

        Raises
        ------
        EngineUnavailable
            A package, a file of weights or the device is missing, or is not what it should be.
        UsageError
            No single recognizer reads these languages.
        """
        if download and not _absent_packages():
            _fetch_missing(models, languages)
        available, reason = is_available(models, languages)
        if not available:
            raise EngineUnavailable(reason)
        _start_packages()
        self._device, self.device = _choose_device(device)
        names = DETECTOR_FILE, _recognizer_file(languages)
        paths = [path for path in (_find_file(name, _folder(models)) for name in names) if path is not None]
        self.weights = tuple(_verify_weights(path, name) for path, name in zip(paths, names, strict=True))
        self.weights_digest = " ".join(weights.sha256[:DIGEST_LENGTH] for weights in self.weights)
        self._detector = _load_detector(self._device, paths[0], self.weights[0])
        self._recognizer, self._alphabet = _load_recognizer(self._device, paths[1], self.weights[1], names[1])

    def detect(self, images: Sequence[np.ndarray]) -> list[list[RawDetection]]:
        """Lines of text in each image, uint8 ``(rows, columns, 3)`` RGB; level ones as boxes, others as rotated rectangles.

        Images are not scaled. Those of one size share a batch, which changes no result. Polygons have a margin of a tenth of the line's
        height, and may reach over the image's border.
        """
        found: list[list[RawDetection]] = [[]] * len(images)
        # On the CPU a batch gains nothing.
        for batch in batches_of_one_size(images, 0 if self._device == "cpu" else DETECTION_PIXELS):
            for index, (text, link) in zip(batch, self._heat_maps([images[index] for index in batch]), strict=True):
                found[index] = lines_of_heat_maps(text, link)
        return found

    def recognize(self, crops: Sequence[np.ndarray]) -> list[Reading]:
        """The reading of each crop, uint8 ``(rows, columns, 3)`` RGB, that holds one line of text; ("", 0.0) for an empty crop.

        Only lines that are equally wide after scaling share a batch, so that no crop's text depends on its neighbors.
        """
        from easyocr.recognition import adjust_contrast_grey

        lines = {index: cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY) for index, crop in enumerate(crops) if crop.size}
        readings = self._read(lines)
        poor = [index for index, (_, confidence) in readings.items() if confidence < POOR_CONFIDENCE]
        again = self._read({index: adjust_contrast_grey(lines[index], target=STRETCHED_CONTRAST) for index in poor})
        for index, reading in again.items():
            readings[index] = max(readings[index], reading, key=lambda text_and_confidence: text_and_confidence[1])
        return [readings.get(index, ("", 0.0)) for index in range(len(crops))]

    def _heat_maps(self, images: Sequence[np.ndarray]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield CRAFT's two heat maps for each of some images of one size: character score and link score.

        Both are float32, with half the rows and columns of the image, rounded up.
        """
        import torch
        from easyocr.imgproc import normalizeMeanVariance

        rows, columns = images[0].shape[:2]
        below, right = -rows % IMAGE_STRIDE, -columns % IMAGE_STRIDE
        planes = [
            normalizeMeanVariance(cv2.copyMakeBorder(image, 0, below, 0, right, cv2.BORDER_REPLICATE)).transpose(2, 0, 1)
            for image in images
        ]
        batch = torch.from_numpy(np.stack(planes)).to(self._device, memory_format=torch.channels_last)
        with deterministic_inference():
            heat = self._detector(batch)[0].float().cpu().numpy()
        heat = heat[:, : -(-rows // HEAT_STRIDE), : -(-columns // HEAT_STRIDE)]
        for text_and_link in heat:
            yield np.ascontiguousarray(text_and_link[..., 0]), np.ascontiguousarray(text_and_link[..., 1])

    def _read(self, lines: Mapping[int, np.ndarray]) -> dict[int, Reading]:
        """The reading of each grey line, by the key that it is given with."""
        scaled = {index: _scale_line(line) for index, line in lines.items()}
        readings: dict[int, Reading] = {}
        for width in sorted({line.shape[1] for line in scaled.values()}):
            same_width = [index for index, line in scaled.items() if line.shape[1] == width]
            for start in range(0, len(same_width), RECOGNITION_BATCH):
                batch = same_width[start : start + RECOGNITION_BATCH]
                readings.update(zip(batch, self._decode(np.stack([scaled[index] for index in batch])), strict=True))
        return readings

    def _decode(self, lines: np.ndarray) -> Iterator[Reading]:
        """Yield the reading of each line of float32 ``(lines, 64, width)``, by greedy CTC decoding and with EasyOCR's confidence."""
        import torch
        from easyocr.recognition import custom_mean

        with deterministic_inference():
            scores = self._recognizer(torch.from_numpy(lines[:, None]).to(self._device), None)
            probabilities = torch.softmax(scores.float(), dim=2).cpu().numpy()
        for line in probabilities:
            best = line.argmax(axis=1)
            text = self._alphabet.decode_greedy(best, [len(best)])[0]
            yield (text, float(custom_mean(line.max(axis=1)[best != 0]))) if text else ("", 0.0)


def start(device: str, models: Path | None, download: bool) -> tuple[EasyOCRReader, Sequence[str]]:
    """Start the reader. It chooses its device itself, so there is nothing to tell about devices."""
    return EasyOCRReader(device, models, download), ()


# --- from heat maps to lines -------------------------------------------------------------------------------------------------


def lines_of_heat_maps(text: np.ndarray, link: np.ndarray) -> list[RawDetection]:
    """The lines of text in CRAFT's character and link scores, float32 ``(rows, columns)``, in pixels of the image, twice that size.

    EasyOCR groups words to lines. Its level boxes and its rotated ones are both kept, whatever their size.
    """
    from easyocr.utils import group_text_box

    words = [(HEAT_STRIDE * word).ravel().tolist() for word in _word_rectangles(text, link)]
    level, rotated = group_text_box(words, add_margin=MARGIN) if words else ([], [])
    quads = [np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], dtype=np.float64) for x0, x1, y0, y1 in level]
    quads += [np.array(quad, dtype=np.float64) for quad in rotated]
    return [RawDetection(tuple((float(x), float(y)) for x, y in quad), _peak_score(text, quad)) for quad in quads]


def _word_rectangles(text: np.ndarray, link: np.ndarray) -> Iterator[np.ndarray]:
    """Yield the corners ``(4, 2)`` of each word in pixels of the heat map, edges at integers, clockwise from the upper left.

    As in the CRAFT paper's own post-processing, a word is a connected part of text and links with at least one strong
    character; its rectangle is the smallest around the text in it, widened by what the threshold took away.
    """
    is_text, is_link = text > LOW_TEXT, link > LINK_THRESHOLD
    count, labels, stats, _ = cv2.connectedComponentsWithStats((is_text | is_link).astype(np.uint8), connectivity=4)
    for label in range(1, count):
        x, y, width, height, area = (int(value) for value in stats[label])
        inside = labels[y : y + height, x : x + width] == label
        if area < MIN_AREA or text[y : y + height, x : x + width][inside].max() < TEXT_THRESHOLD:
            continue
        lost = int(np.sqrt(area * min(width, height) / (width * height)) * 2)
        ink = (inside & is_text[y : y + height, x : x + width]).astype(np.uint8)
        ink = cv2.dilate(cv2.copyMakeBorder(ink, lost, lost, lost, lost, cv2.BORDER_CONSTANT), np.ones((1 + lost, 1 + lost), np.uint8))
        yield _smallest_rectangle(cv2.findNonZero(ink).reshape(-1, 2) + (x - lost, y - lost))


def _smallest_rectangle(pixels: np.ndarray) -> np.ndarray:
    """The corners ``(4, 2)`` of the smallest rectangle around whole pixels, (x, y) ``(n, 2)``; an upright one where it is nearly square."""
    (x, y), (width, height), angle = cv2.minAreaRect(pixels.astype(np.float32))
    if abs(1 - max(width, height) / max(min(width, height), 1e-5)) <= SQUARE_TOLERANCE:
        (x0, y0), (x1, y1) = pixels.min(axis=0), pixels.max(axis=0) + 1
        return np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], dtype=np.float64)
    corners = cv2.boxPoints(((x + 0.5, y + 0.5), (width + 1, height + 1), angle)).astype(np.float64)
    return np.roll(corners, -int(corners.sum(axis=1).argmin()), axis=0)


def _peak_score(text: np.ndarray, quad: np.ndarray) -> float:
    """The highest character score, 0 to 1, in the bounding box of a quadrilateral in pixels of the image."""
    low = np.maximum(np.floor(quad.min(axis=0) / HEAT_STRIDE).astype(int), 0)
    high = np.ceil(quad.max(axis=0) / HEAT_STRIDE).astype(int)
    return float(np.clip(text[low[1] : high[1], low[0] : high[0]].max(initial=0.0), 0.0, 1.0))


# --- lines for the recognizer ------------------------------------------------------------------------------------------------


def _scale_line(line: np.ndarray) -> np.ndarray:
    """A grey line scaled to 64 rows and to -1..1, float32; its last column is repeated up to a multiple of ``WIDTH_STEP``."""
    height, width = line.shape
    wanted = min(max(1, int(width * LINE_HEIGHT / height)), MAX_LINE_WIDTH)
    shrinks = height > LINE_HEIGHT or wanted < width
    scaled = cv2.resize(line, (wanted, LINE_HEIGHT), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
    padded = cv2.copyMakeBorder(scaled, 0, 0, 0, -wanted % WIDTH_STEP, cv2.BORDER_REPLICATE)
    return padded.astype(np.float32) / 127.5 - 1.0


# --- devices and networks ----------------------------------------------------------------------------------------------------


def _absent_packages() -> list[str]:
    """Which of the packages that it needs are not installed."""
    return [package for package in ("torch", "easyocr") if importlib.util.find_spec(package) is None]


def _start_packages() -> None:
    """Import EasyOCR; raises EngineUnavailable when it is installed but cannot be imported."""
    try:
        import easyocr  # noqa: F401  torch with it
    except Exception as error:  # a missing library of the system, a torch and a torchvision that do not fit, ...
        raise EngineUnavailable(f"EasyOCR is installed but does not start ({type(error).__name__}). Install it anew: {INSTALL}") from None


def _choose_device(wanted: str) -> tuple[str, str]:
    """Torch's name of the device, and the one for people.

    Raises EngineUnavailable when torch cannot use it, and UsageError when there is no such device.
    """
    import torch

    if wanted not in ("auto", "cpu", "cuda", "mps"):
        raise UsageError(f"unknown device {wanted!r}: choose auto, cpu, cuda or mps")
    present = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    device = next(name for name, there in present.items() if there) if wanted == "auto" else wanted
    if not present[device]:
        built = torch.version.cuda is not None if device == "cuda" else torch.backends.mps.is_built()
        why = "torch sees none: is there one, with its driver?" if built else "this torch was built without it"
        raise EngineUnavailable(f"EasyOCR cannot use the device {device}: {why} Use --device cpu, or auto")
    return device, torch.cuda.get_device_name() if device == "cuda" else device


@lru_cache(maxsize=1)
def _load_detector(device: str, path: Path, weights: Weights) -> Any:
    """CRAFT on a device, kept for the next reader of this process."""
    import torch
    from easyocr.craft import CRAFT

    # EasyOCR's "quantize" is left out on purpose: it does nothing to convolutions, and rounds the recognizer's.
    return _load_weights(CRAFT(), path, weights).to(device, memory_format=torch.channels_last)


@lru_cache(maxsize=1)
def _load_recognizer(device: str, path: Path, weights: Weights, official_name: str) -> tuple[Any, Any]:
    """The CRNN on a device and its alphabet, kept for the next reader of this process."""
    from easyocr.model.vgg_model import Model
    from easyocr.utils import CTCLabelConverter

    alphabet = CTCLabelConverter(_published_entry(official_name)["characters"])
    network = Model(input_channel=1, output_channel=256, hidden_size=256, num_class=len(alphabet.character))
    return _load_weights(network, path, weights).to(device), alphabet


def _load_weights(network: Any, path: Path, weights: Weights) -> Any:
    """The network with its weights, ready for inference.

    Only tensors are unpickled, so that a file cannot run code. Raises EngineUnavailable when the weights are not of that network.
    """
    import torch

    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        # The published files were saved from a DataParallel, which puts "module." before each name.
        network.load_state_dict({key.removeprefix("module."): value for key, value in state.items()})
    except Exception as error:
        raise EngineUnavailable(
            f"the weights {weights.name} ({weights.origin}) do not fit EasyOCR's network ({type(error).__name__}): "
            "a state dict of its architecture and alphabet is needed"
        ) from None
    return network.eval()


# --- files of weights --------------------------------------------------------------------------------------------------------


def _recognizer_file(languages: Sequence[str]) -> str:
    """The file of a recognizer that reads all these languages; raises UsageError where there is none."""
    wanted = set(languages)
    name = next((name for name, known in RECOGNIZER_FILES.items() if wanted and wanted <= set(known.split())), None)
    if name is None:
        raise UsageError("no EasyOCR recognizer reads these languages together: choose from one of " + "; ".join(RECOGNIZER_FILES.values()))
    return name


def _folder(models: Path | None) -> Path:
    """The folder of the weights: the one given, or EasyOCR's own."""
    own = os.environ.get("EASYOCR_MODULE_PATH") or os.environ.get("MODULE_PATH") or Path.home() / ".EasyOCR"
    return Path(own) / "model" if models is None else Path(models)


def _find_file(name: str, folder: Path) -> Path | None:
    """The file of these weights in a folder, the user's own before the official one; None where neither is there."""
    custom = folder / name.replace(".pth", "_custom.pth")
    return next((path for path in (custom, folder / name) if path.is_file()), None)


def _verify_weights(path: Path, official_name: str) -> Weights:
    """What is known of a file of weights; raises EngineUnavailable when an official one is not as published."""
    content = path.read_bytes()
    origin: Literal["official", "custom"] = "official" if path.name == official_name else "custom"
    if origin == "official" and hashlib.md5(content, usedforsecurity=False).hexdigest() != _published_entry(official_name)["md5sum"]:
        raise EngineUnavailable(
            f"{official_name} is not the file that JaidedAI publishes (its MD5 differs): it is damaged, fetch it again from {SOURCE}. "
            f"If these are weights of your own, name them {official_name.replace('.pth', '_custom.pth')}"
        )
    return Weights(path.name, origin, hashlib.sha256(content).hexdigest())


def _published_entry(name: str) -> dict[str, str]:
    """What the easyocr package knows of an official file: url, md5sum, and the characters of a recognizer."""
    from easyocr.config import detection_models, recognition_models

    known = [detection_models["craft"], *recognition_models["gen2"].values()]
    return next(entry for entry in known if entry["filename"] == name)


def _fetch_missing(models: Path | None, languages: Sequence[str]) -> None:
    """Download the official files that are missing, from JaidedAI's releases.

    Each gets its final name only when it is complete and checked. Raises EngineUnavailable when a download fails.
    """
    folder = _folder(models)
    for name in (DETECTOR_FILE, _recognizer_file(languages)):
        if _find_file(name, folder) is None:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=folder) as unfinished:
                part = Path(unfinished) / name
                try:
                    archive, _ = urllib.request.urlretrieve(_published_entry(name)["url"], Path(unfinished) / "archive.zip")
                    with zipfile.ZipFile(archive) as opened:
                        part.write_bytes(opened.read(name))
                except (OSError, KeyError, zipfile.BadZipFile) as error:
                    raise EngineUnavailable(f"{name} could not be downloaded ({type(error).__name__}); it comes from {SOURCE}") from None
                _verify_weights(part, name)
                part.replace(folder / name)
