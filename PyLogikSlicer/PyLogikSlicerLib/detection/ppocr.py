"""PP-OCR: the reader that is always installed. Its weights come in the ``rapidocr`` wheel; nothing is downloaded.

Detection is a DBNet (Liao et al., "Real-time Scene Text Detection with Differentiable Binarization", AAAI 2020), recognition a CTC network
(Graves et al., ICML 2006). The networks are run directly and not through the wheel's pipeline, which resizes images and takes boxes of any
height: borders and the choice of boxes are decided here, the scale by :mod:`.passes`.
"""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from ..core.errors import EngineUnavailable
from ..core.geometry import Polygon
from .batches import batches_of_one_size
from .devices import CPU, Device, candidate_devices, first_that_starts
from .network import open_network, sample_line
from .reader import DIGEST_LENGTH, Granularity, RawDetection, Reading

# Pixels. The network was trained on text lines of moderate height. Higher boxes are whole organs and sectors that it takes for one word
# (8 % of the region of interest on real screens, 0.3 % without them); tall text is found at a smaller scale.
MAX_LINE_HEIGHT = 56
# Pixels of the shorter side of a text kernel below which it is noise.
MIN_KERNEL_HEIGHT = 3
# Probability of the probability map from which a pixel belongs to a text kernel.
KERNEL_THRESHOLD = 0.3
# Mean probability of a kernel from which it is a detection.
SCORE_THRESHOLD = 0.4
# DBNet predicts text kernels shrunk by a ratio of area to perimeter; boxes are grown back by the same (Liao et al., eq. 10).
UNCLIP_RATIO = 1.5
# Pixels by which the image's border is repeated on each side: text at the edge is detected like text elsewhere.
BORDER = 32
# Pixels of which rows and columns are a multiple, for the detector.
STRIDE = 32
# Pixels; rows that a line is scaled to for the recognizer.
RECOGNIZER_HEIGHT = 48
# Lines in one batch of the recognizer.
RECOGNIZER_BATCH = 6
# Times its height that the longest line is wide for the recognizer; longer ones are squeezed.
MAX_LINE_RATIO = 40
# Columns of the narrowest batch of lines. PaddleOCR pads every line to 320: twice the time, and no more of the words of real screens
# are read.
MIN_BATCH_WIDTH = 64
# Columns that the shortest line is scaled to.
MIN_LINE_WIDTH = 8

DETECTOR_FILE = "PP-OCRv6_det_small.onnx"
RECOGNIZER_FILE = "PP-OCRv6_rec_small.onnx"
# SHA-256 of each file of weights.
WEIGHTS = {
    DETECTOR_FILE: "090f04abcd9d9a7498bc4ebf677e4cb9bdce1fe4197ddb7e529f1ef44e1ff94f",
    RECOGNIZER_FILE: "6f327246b50388f3c176ae304bd95767ea6dc0c9ae92153ef8cbe210b3c14884",
}


class PPOCRReader:
    """A :class:`~.reader.LineReader`: DBNet detects lines, a CTC network reads them."""

    name = "ppocr"
    granularity: Granularity = "words"
    conclusive_score = 2.0

    def __init__(self, device: Device = CPU, models: Path | None = None, threads: int = 0, half: bool = False) -> None:
        """Start both networks.

        Parameters
        ----------
        device
            Where they run.
        models
            A folder in which the files of weights are looked for before the wheel.
        threads
            Of ONNX Runtime; 0 for all cores.
        half
            Half precision, with torch only.

        Raises
        ------
        EngineUnavailable
            The weights are missing or not the expected ones, or the device cannot be used.
        """
        self.device = str(device)
        self.weights_digest = " ".join(digest[:DIGEST_LENGTH] for digest in WEIGHTS.values())
        detector, recognizer = load_weights(DETECTOR_FILE, models), load_weights(RECOGNIZER_FILE, models)
        line = sample_line()
        self._detector = open_network(detector, device, _pad(line)[None], _to_planes, threads, half)
        self._recognizer = open_network(recognizer, device, _line_batch([line]), threads=threads, half=half)
        self._alphabet = ["", *self._recognizer.metadata["character"].splitlines(), " "]

    def detect(self, images: Sequence[np.ndarray]) -> list[list[RawDetection]]:
        """Lines and words in each of the images, uint8 ``(rows, columns, 3)`` RGB, as rotated rectangles."""
        found: list[list[RawDetection]] = [[]] * len(images)
        for batch in batches_of_one_size(images, self._detector.batch_pixels):
            for index, probability in zip(batch, self.probabilities([images[index] for index in batch]), strict=True):
                found[index] = lines_of_probability(probability)
        return found

    def probabilities(self, images: Sequence[np.ndarray]) -> np.ndarray:
        """Text probability of each pixel, float32 ``(images, rows, columns)``, of images of one size."""
        rows, columns = images[0].shape[:2]
        padded = np.stack([_pad(image) for image in images])
        return self._detector.run(padded)[:, 0, BORDER : BORDER + rows, BORDER : BORDER + columns]

    def recognize(self, crops: Sequence[np.ndarray]) -> list[Reading]:
        """The reading of each crop, uint8 ``(rows, columns, 3)`` RGB, that holds one line of text. Lines of similar width share a batch."""
        order = sorted(range(len(crops)), key=lambda index: _line_width(crops[index]))
        read: list[Reading] = [("", 0.0)] * len(crops)
        for start in range(0, len(order), RECOGNIZER_BATCH):
            batch = order[start : start + RECOGNIZER_BATCH]
            scores = self._recognizer.run(_line_batch([crops[index] for index in batch]))
            for index, line_scores in zip(batch, scores, strict=True):
                read[index] = _decode_greedily(line_scores, self._alphabet)
        return read


def start(device: str, models: Path | None, download: bool) -> tuple[PPOCRReader, Sequence[str]]:
    """Start the reader on the best device of that choice, and tell why better ones cannot be used; nothing is ever downloaded."""
    return first_that_starts(candidate_devices(device), lambda found: PPOCRReader(found, models))


def _pad(image: np.ndarray) -> np.ndarray:
    """The image with its border repeated, its size a multiple of the detector's stride."""
    rows, columns = image.shape[:2]
    below, right = -(rows + 2 * BORDER) % STRIDE + BORDER, -(columns + 2 * BORDER) % STRIDE + BORDER
    return cv2.copyMakeBorder(image, BORDER, below, BORDER, right, cv2.BORDER_REPLICATE)


def _to_planes(images: Any) -> Any:
    """The detector's input, float32 ``(images, 3, rows, columns)`` BGR from -1 to 1, of uint8 ``(images, rows, columns, 3)`` RGB.

    Takes and gives NumPy arrays or torch tensors.
    """
    return (images[..., [2, 1, 0]] / np.float32(127.5) - 1).swapaxes(1, 3).swapaxes(2, 3)


def lines_of_probability(probability: np.ndarray) -> list[RawDetection]:
    """Text lines in a DBNet probability map: each shrunk kernel grown back to the line's extent.

    Too small, too high and improbable ones are left out. ``probability``: float32 ``(rows, columns)``; the lines are rotated rectangles in
    its pixels.
    """
    kernel_mask = (probability > KERNEL_THRESHOLD).astype(np.uint8)
    contours, _ = cv2.findContours(kernel_mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    found = []
    for contour in contours:
        (x, y), (width, height), angle = cv2.minAreaRect(contour)
        width, height = width + 1, height + 1  # from the centers of the outermost pixels to their edges
        if min(width, height) < MIN_KERNEL_HEIGHT:
            continue
        grow = width * height * UNCLIP_RATIO / (width + height)  # twice the distance of eq. 10: area * ratio / perimeter
        if min(width, height) + grow > MAX_LINE_HEIGHT:
            continue
        score = _mean_inside(probability, contour)
        if score >= SCORE_THRESHOLD:
            kernel, line = (_corners(((x + 0.5, y + 0.5), (width + growth, height + growth), angle)) for growth in (0, grow))
            found.append(RawDetection(line, score, kernels=(kernel,)))
    return found


def _corners(rectangle: tuple[tuple[float, float], tuple[float, float], float]) -> Polygon:
    """The corners of OpenCV's rotated rectangle: center, size, angle in degrees."""
    return tuple((float(x), float(y)) for x, y in cv2.boxPoints(rectangle))


def _mean_inside(probability: np.ndarray, contour: np.ndarray) -> float:
    """The mean of a probability map within a contour."""
    x, y, width, height = cv2.boundingRect(contour)
    inside = np.zeros((height, width), np.uint8)
    cv2.drawContours(inside, [contour - (x, y)], -1, 1, cv2.FILLED)
    return float(cv2.mean(probability[y : y + height, x : x + width], inside)[0])


def _line_width(crop: np.ndarray) -> int:
    """Columns that a crop is scaled to for the recognizer."""
    rows, columns = crop.shape[:2]
    return int(np.clip(round(columns * RECOGNIZER_HEIGHT / rows), MIN_LINE_WIDTH, RECOGNIZER_HEIGHT * MAX_LINE_RATIO))


def _line_batch(crops: Sequence[np.ndarray]) -> np.ndarray:
    """The recognizer's input, float32 ``(crops, 3, 48, columns)`` BGR from -1 to 1, of uint8 RGB crops; 0 to the right of shorter lines."""
    width = max(MIN_BATCH_WIDTH, *(_line_width(crop) for crop in crops))
    batch = np.zeros((len(crops), 3, RECOGNIZER_HEIGHT, width), np.float32)
    for line, crop in zip(batch, crops, strict=True):
        resized = cv2.resize(crop[..., ::-1], (_line_width(crop), RECOGNIZER_HEIGHT), interpolation=cv2.INTER_LINEAR)
        line[:, :, : resized.shape[1]] = (resized.astype(np.float32) / 127.5 - 1.0).transpose(2, 0, 1)
    return batch


def _decode_greedily(scores: np.ndarray, alphabet: Sequence[str]) -> Reading:
    """Text and confidence of CTC scores, float32 ``(positions, classes)``, along the best path.

    Repeated classes collapse, and class 0 is the blank. The confidence is the mean score of the characters kept.
    """
    best = scores.argmax(axis=1)
    kept = (best != 0) & np.concatenate([[True], best[1:] != best[:-1]])
    text = "".join(alphabet[index] for index in best[kept])
    return (text.strip(), float(scores.max(axis=1)[kept].mean())) if kept.any() else ("", 0.0)


def load_weights(name: str, models: Path | None = None) -> bytes:
    """The bytes of the file ``name``, from the folder ``models`` if it is there, else from the rapidocr wheel.

    Raises EngineUnavailable when it is in neither, or when its SHA-256 is not the expected one.
    """
    if models is not None and (models / name).is_file():
        path = models / name
    else:
        package = importlib.util.find_spec("rapidocr")
        if package is None or not package.submodule_search_locations:
            raise EngineUnavailable("the ppocr engine needs the package rapidocr, whose wheel carries the weights: pip install rapidocr")
        path = Path(next(iter(package.submodule_search_locations))) / "models" / name
    if not path.is_file():
        raise EngineUnavailable(
            f"the ppocr weights {name} are missing: pip install --upgrade 'rapidocr>=3.10', or put the file into --models DIR"
        )
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != WEIGHTS[name]:
        raise EngineUnavailable(f"the ppocr weights {name} are not the expected ones (SHA-256 differs): reinstall rapidocr")
    return content
