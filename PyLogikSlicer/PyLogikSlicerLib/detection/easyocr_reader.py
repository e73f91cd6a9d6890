"""EasyOCR: CRAFT finds the text, a CRNN reads it, with settings that do not lose small text; on CUDA, MPS or the CPU.

CRAFT is Baek et al., "Character Region Awareness for Text Detection", CVPR 2019; the CRNN is Shi et al., "An End-to-End
Trainable Neural Network for Image-based Sequence Recognition", TPAMI 2017. The networks, their alphabets and the grouping of
words to lines are those of the ``easyocr`` package (JaidedAI, Apache-2.0). Its ``Reader`` is not used: it scales images down,
drops boxes under 20 px, cuts coordinates to whole pixels, lets crops of one batch change each other's text, makes folders in
the home directory and unpickles weights without restriction.

Weights are two files, ``craft_mlt_25k.pth`` and that of the language, in the folder given or in EasyOCR's own one:

- under their own names they must be the files that JaidedAI publishes (MD5, as EasyOCR checks it);
- weights of one's own, for the same networks, are named ``craft_mlt_25k_custom.pth``, ``english_g2_custom.pth`` and so on.
  They are taken first. Nobody vouches for them, so :attr:`EasyOCRReader.weights` says "custom", with their SHA-256.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import tempfile
import urllib.request
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np

from ..core.errors import EngineUnavailable, UsageError
from .batches import of_one_size
from .reader import DIGEST_LENGTH, Detection
from .torch_network import exact

# EasyOCR's defaults are 0.7, 0.4 and 0.4, and 10 for the area. A lower text threshold brings single characters and dim text
# (JaidedAI/EasyOCR issues 442 and 1279), a lower area the short and thin ones; what is found too much costs a mask, not a name.
TEXT_THRESHOLD = 0.4  # of the strongest pixel of a word
LOW_TEXT = 0.3  # of every pixel of a word
LINK_THRESHOLD = 0.4  # of the pixels between the characters of a word
MIN_AREA = 3  # of a word, in pixels of the heat map, which is half the size of the image
MARGIN = 0.1  # around a line, as a share of its height
HEAT_STRIDE = 2
IMAGE_STRIDE = 32
DETECTION_PIXELS = 4_000_000  # in one batch on a GPU; CRAFT takes about 1 GB per million

LINE_HEIGHT = 64
WIDTH_STEP = 64
WIDEST_LINE = 40 * LINE_HEIGHT
RECOGNITION_BATCH = 32
POOR_CONFIDENCE = 0.1  # below it a line is read again with its contrast stretched to 0.5, as EasyOCR does
STRETCHED_CONTRAST = 0.5

DETECTOR_FILE = "craft_mlt_25k.pth"
RECOGNIZER_FILES = {  # of the second generation, with the languages that each reads together
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
SOURCE = "https://github.com/JaidedAI/EasyOCR/releases (pre-v1.1.6: craft_mlt_25k.zip; v1.3: english_g2.zip) or https://www.jaided.ai/easyocr/modelhub"
INSTALL = "pip install easyocr (it brings torch, up to 6 GB)"


@dataclass(frozen=True)
class Weights:
    """A file of weights: ``official`` is the one that JaidedAI publishes, ``custom`` one of the user's own."""

    name: str
    origin: Literal["official", "custom"]
    sha256: str


def is_available(models: Path | None = None, languages: Sequence[str] = ("en",)) -> tuple[bool, str]:
    """Whether packages and weights are there, and if not what is missing. Cheap: nothing is imported, no file is read."""
    absent = _absent_packages()
    if absent:
        return False, f"EasyOCR cannot start, not installed: {', '.join(absent)}. Install it with: {INSTALL}"
    missing = [name for name in (DETECTOR_FILE, _recognizer_file(languages)) if _file(name, _folder(models)) is None]
    if missing:
        return False, (
            f"EasyOCR's weights are not there: {', '.join(missing)}. Put them into the folder given with --models "
            f"(without it: ~/.EasyOCR/model). They come from {SOURCE}; nothing is downloaded unasked"
        )
    return True, ""


class EasyOCRReader:
    """A :class:`~PyLogikSlicerLib.detection.reader.TextReader`.

    ``device``: ``auto`` (CUDA, else MPS, else the CPU), ``cpu``, ``cuda`` or ``mps``. ``models``: the folder of the weights;
    without it EasyOCR's own. ``download``: fetch official weights that are missing from there. ``languages``: EasyOCR's codes;
    only recognition knows languages. :attr:`weights` says what was loaded.

    The networks are loaded once per process. Raises :class:`EngineUnavailable` when a package, a file of weights or the device
    is missing or not what it should be, and :class:`UsageError` for languages that no single recognizer reads.
    """

    name = "easyocr"
    sees = "words"
    certain = 2.0

    def __init__(
        self, device: str = "auto", models: Path | None = None, download: bool = False, languages: Sequence[str] = ("en",)
    ) -> None:
        if download and not _absent_packages():
            _fetch_missing(models, languages)
        available, reason = is_available(models, languages)
        if not available:
            raise EngineUnavailable(reason)
        _start_packages()
        self._device, self.device = _device(device)
        recognizer = _recognizer_file(languages)
        paths = [_file(name, _folder(models)) for name in (DETECTOR_FILE, recognizer)]
        self.weights = tuple(_checked(path, name) for path, name in zip(paths, (DETECTOR_FILE, recognizer), strict=True))
        self.weights_digest = " ".join(weights.sha256[:DIGEST_LENGTH] for weights in self.weights)
        self._detector = _detector(self._device, paths[0], self.weights[0])
        self._recognizer, self._alphabet = _recognizer(self._device, paths[1], self.weights[1], recognizer)

    def detect(self, images: Sequence[np.ndarray]) -> list[list[Detection]]:
        """Lines of text in each image, uint8 ``(rows, columns, 3)`` RGB; level ones as boxes, others as rotated rectangles.

        Each image is looked at in its own size, alone or beside others of that size, which changes nothing. Polygons have a
        margin of a tenth of the line's height and may reach over the border.
        """
        found: list[list[Detection]] = [[]] * len(images)
        # On the CPU a batch gains nothing.
        for batch in of_one_size(images, 0 if self._device == "cpu" else DETECTION_PIXELS):
            for index, (text, link) in zip(batch, self._heat_maps([images[index] for index in batch]), strict=True):
                found[index] = lines_of(text, link)
        return found

    def recognise(self, crops: Sequence[np.ndarray]) -> list[tuple[str, float]]:
        """Text and confidence of crops of one line each, uint8 ``(rows, columns, 3)`` RGB.

        Only lines that are equally wide after scaling share a batch, so that no crop's text depends on its neighbors.
        """
        lines = [cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY) if crop.size else None for crop in crops]
        read = self._read(lines)
        from easyocr.recognition import adjust_contrast_grey

        poor = [index for index, (_, confidence) in enumerate(read) if confidence < POOR_CONFIDENCE and lines[index] is not None]
        again = self._read([adjust_contrast_grey(lines[index], target=STRETCHED_CONTRAST) for index in poor])
        for index, line in zip(poor, again, strict=True):
            read[index] = max(read[index], line, key=lambda text_and_confidence: text_and_confidence[1])
        return read

    def _heat_maps(self, images: Sequence[np.ndarray]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """For each of some images of one size: how much a place is a character, and how much it joins two of them.

        float32, half the rows and columns, rounded up.
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
        with exact():
            heat = self._detector(batch)[0].float().cpu().numpy()
        heat = heat[:, : -(-rows // HEAT_STRIDE), : -(-columns // HEAT_STRIDE)]
        for text_and_link in heat:
            yield np.ascontiguousarray(text_and_link[..., 0]), np.ascontiguousarray(text_and_link[..., 1])

    def _read(self, lines: Sequence[np.ndarray | None]) -> list[tuple[str, float]]:
        scaled = [None if line is None else _line_image(line) for line in lines]
        read = [("", 0.0)] * len(lines)
        for width in sorted({line.shape[1] for line in scaled if line is not None}):
            alike = [index for index, line in enumerate(scaled) if line is not None and line.shape[1] == width]
            for start in range(0, len(alike), RECOGNITION_BATCH):
                batch = alike[start : start + RECOGNITION_BATCH]
                for index, line in zip(batch, self._spell(np.stack([scaled[index] for index in batch])), strict=True):
                    read[index] = line
        return read

    def _spell(self, lines: np.ndarray) -> Iterator[tuple[str, float]]:
        """Greedy CTC over float32 ``(lines, 64, width)``, with EasyOCR's confidence."""
        import torch
        from easyocr.recognition import custom_mean

        with exact():
            scores = self._recognizer(torch.from_numpy(lines[:, None]).to(self._device), None)
            probabilities = torch.softmax(scores.float(), dim=2).cpu().numpy()
        for line in probabilities:
            best = line.argmax(axis=1)
            text = self._alphabet.decode_greedy(best, [len(best)])[0]
            yield (text, float(custom_mean(line.max(axis=1)[best != 0]))) if text else ("", 0.0)


# --- from heat maps to lines -------------------------------------------------------------------------------------------------


def lines_of(text: np.ndarray, link: np.ndarray) -> list[Detection]:
    """Lines of text in CRAFT's two heat maps, float32 ``(rows, columns)``, in pixels of the image, twice that size.

    Words are grouped to lines by EasyOCR. Its level boxes and its rotated ones are both kept, whatever their size.
    """
    from easyocr.utils import group_text_box

    words = [(HEAT_STRIDE * word).ravel().tolist() for word in _words(text, link)]
    level, rotated = group_text_box(words, add_margin=MARGIN) if words else ([], [])
    quads = [np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], dtype=np.float64) for x0, x1, y0, y1 in level]
    quads += [np.array(quad, dtype=np.float64) for quad in rotated]
    return [Detection(tuple((float(x), float(y)) for x, y in quad), _peak(text, quad)) for quad in quads]


def _words(text: np.ndarray, link: np.ndarray) -> Iterator[np.ndarray]:
    """Corners ``(4, 2)`` of each word in pixels of the heat map, edges at integers, clockwise from the upper left.

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
        yield _rectangle(cv2.findNonZero(ink).reshape(-1, 2) + (x - lost, y - lost))


def _rectangle(pixels: np.ndarray) -> np.ndarray:
    """The smallest rectangle around whole pixels ``(n, 2)``, level where it is nearly square."""
    (x, y), (width, height), angle = cv2.minAreaRect(pixels.astype(np.float32))
    if abs(1 - max(width, height) / max(min(width, height), 1e-5)) <= 0.1:
        (x0, y0), (x1, y1) = pixels.min(axis=0), pixels.max(axis=0) + 1
        return np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], dtype=np.float64)
    corners = cv2.boxPoints(((x + 0.5, y + 0.5), (width + 1, height + 1), angle)).astype(np.float64)
    return np.roll(corners, -int(corners.sum(axis=1).argmin()), axis=0)


def _peak(text: np.ndarray, quad: np.ndarray) -> float:
    low = np.maximum(np.floor(quad.min(axis=0) / HEAT_STRIDE).astype(int), 0)
    high = np.ceil(quad.max(axis=0) / HEAT_STRIDE).astype(int)
    return float(np.clip(text[low[1] : high[1], low[0] : high[0]].max(initial=0.0), 0.0, 1.0))


# --- lines for the recognizer ------------------------------------------------------------------------------------------------


def _line_image(line: np.ndarray) -> np.ndarray:
    """A gray line scaled to 64 rows and -1..1; its last column is repeated up to a width that others share."""
    height, width = line.shape
    wanted = min(max(1, int(width * LINE_HEIGHT / height)), WIDEST_LINE)
    shrinks = height > LINE_HEIGHT or wanted < width
    scaled = cv2.resize(line, (wanted, LINE_HEIGHT), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
    padded = cv2.copyMakeBorder(scaled, 0, 0, 0, -wanted % WIDTH_STEP, cv2.BORDER_REPLICATE)
    return padded.astype(np.float32) / 127.5 - 1.0


# --- devices and networks ----------------------------------------------------------------------------------------------------


def _absent_packages() -> list[str]:
    return [package for package in ("torch", "easyocr") if importlib.util.find_spec(package) is None]


def _start_packages() -> None:
    try:
        import easyocr  # noqa: F401  torch with it
    except Exception as error:  # a missing library of the system, a torch and a torchvision that do not fit, ...
        raise EngineUnavailable(f"EasyOCR is installed but does not start ({type(error).__name__}). Install it anew: {INSTALL}") from None


def _device(wanted: str) -> tuple[str, str]:
    """Torch's name of the device, and the one for people."""
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
def _detector(device: str, path: Path, weights: Weights) -> Any:
    import torch
    from easyocr.craft import CRAFT

    # EasyOCR's "quantize" is left out on purpose: it does nothing to convolutions, and rounds the recognizer's.
    return _loaded(CRAFT(), path, weights).to(device, memory_format=torch.channels_last)


@lru_cache(maxsize=1)
def _recognizer(device: str, path: Path, weights: Weights, official_name: str) -> tuple[Any, Any]:
    from easyocr.model.vgg_model import Model
    from easyocr.utils import CTCLabelConverter

    alphabet = CTCLabelConverter(_published(official_name)["characters"])
    network = Model(input_channel=1, output_channel=256, hidden_size=256, num_class=len(alphabet.character))
    return _loaded(network, path, weights).to(device), alphabet


def _loaded(network: Any, path: Path, weights: Weights) -> Any:
    """The network with its weights, ready for inference. Only tensors are unpickled, so a file cannot run code."""
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
    wanted = set(languages)
    name = next((name for name, known in RECOGNIZER_FILES.items() if wanted and wanted <= set(known.split())), None)
    if name is None:
        raise UsageError("no EasyOCR recognizer reads these languages together: choose from one of " + "; ".join(RECOGNIZER_FILES.values()))
    return name


def _folder(models: Path | None) -> Path:
    own = os.environ.get("EASYOCR_MODULE_PATH") or os.environ.get("MODULE_PATH") or Path.home() / ".EasyOCR"
    return Path(own) / "model" if models is None else Path(models)


def _file(name: str, folder: Path) -> Path | None:
    """The user's own weights before the official ones; None where neither is there."""
    custom = folder / name.replace(".pth", "_custom.pth")
    return next((path for path in (custom, folder / name) if path.is_file()), None)


def _checked(path: Path, official_name: str) -> Weights:
    content = path.read_bytes()
    origin: Literal["official", "custom"] = "official" if path.name == official_name else "custom"
    if origin == "official" and hashlib.md5(content, usedforsecurity=False).hexdigest() != _published(official_name)["md5sum"]:
        raise EngineUnavailable(
            f"{official_name} is not the file that JaidedAI publishes (its MD5 differs): it is damaged, fetch it again from {SOURCE}. "
            f"If these are weights of your own, name them {official_name.replace('.pth', '_custom.pth')}"
        )
    return Weights(path.name, origin, hashlib.sha256(content).hexdigest())


def _published(name: str) -> dict[str, str]:
    """What the easyocr package knows of a file: url, md5sum, and for a recognizer its characters."""
    from easyocr.config import detection_models, recognition_models

    known = [detection_models["craft"], *recognition_models["gen2"].values()]
    return next(entry for entry in known if entry["filename"] == name)


def _fetch_missing(models: Path | None, languages: Sequence[str]) -> None:
    """Download official files that are not there, from JaidedAI's releases; each gets its name when it is whole and checked."""
    folder = _folder(models)
    for name in (DETECTOR_FILE, _recognizer_file(languages)):
        if _file(name, folder) is None:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=folder) as unfinished:
                part = Path(unfinished) / name
                try:
                    archive, _ = urllib.request.urlretrieve(_published(name)["url"], Path(unfinished) / "archive.zip")
                    with zipfile.ZipFile(archive) as opened:
                        part.write_bytes(opened.read(name))
                except (OSError, KeyError, zipfile.BadZipFile) as error:
                    raise EngineUnavailable(f"{name} could not be downloaded ({type(error).__name__}); it comes from {SOURCE}") from None
                _checked(part, name)
                part.replace(folder / name)
