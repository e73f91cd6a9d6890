"""PP-OCR: the embedded reader. Its weights come with the ``rapidocr`` wheel; nothing is downloaded.

Detection is a DBNet (Liao et al., "Real-time Scene Text Detection with Differentiable Binarization", AAAI 2020),
recognition a CTC network (Graves et al., ICML 2006). The graphs are run directly, so that scale, borders and the
acceptance of boxes are ours to decide: the wheel's own pipeline resizes images and takes boxes of any height.
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
from .batches import of_one_size
from .devices import CPU, Device
from .network import open_network, sample_line
from .polygons import Polygon
from .reader import DIGEST_LENGTH, Detection

# The network was trained on text lines of moderate height. Taller boxes are whole organs and sectors that it takes for
# one word (8 % of the region of interest on real screens, 0.3 % without them); tall text is found at a smaller scale.
TALLEST_LINE = 56
INK_THRESHOLD = 0.3
SCORE_THRESHOLD = 0.4
# DBNet predicts text kernels shrunk by a ratio of area to perimeter; boxes are grown back by the same (Liao et al., eq. 10).
UNCLIP_RATIO = 1.5
BORDER = 32
STRIDE = 32
RECOGNISER_HEIGHT = 48
RECOGNISER_BATCH = 6
WIDEST_RATIO = 40
# PaddleOCR pads every line to 320 columns: twice the time, and no more of the words of real screens are read.
NARROWEST = 64

WEIGHTS = {
    "PP-OCRv6_det_small.onnx": "090f04abcd9d9a7498bc4ebf677e4cb9bdce1fe4197ddb7e529f1ef44e1ff94f",
    "PP-OCRv6_rec_small.onnx": "6f327246b50388f3c176ae304bd95767ea6dc0c9ae92153ef8cbe210b3c14884",
}


class PPOCRReader:
    """A :class:`~PyLogikSlicerLib.detection.reader.TextReader`. ``half``: half precision, on torch only.

    Raises :class:`EngineUnavailable` when the weights are absent or not the expected ones, or the device cannot be used.
    """

    name = "ppocr"
    sees = "words"
    certain = 2.0

    def __init__(self, device: Device = CPU, models: Path | None = None, threads: int = 0, half: bool = False) -> None:
        self.device = str(device)
        self.weights_digest = " ".join(digest[:DIGEST_LENGTH] for digest in WEIGHTS.values())
        detector, recogniser = weights("PP-OCRv6_det_small.onnx", models), weights("PP-OCRv6_rec_small.onnx", models)
        line = sample_line()
        self._detector = open_network(detector, device, _padded(line)[None], _planes, threads, half)
        self._recogniser = open_network(recogniser, device, _line_batch([line]), threads=threads, half=half)
        self._alphabet = ["", *self._recogniser.metadata["character"].splitlines(), " "]

    def detect(self, images: Sequence[np.ndarray]) -> list[list[Detection]]:
        found: list[list[Detection]] = [[]] * len(images)
        for batch in of_one_size(images, self._detector.batch_pixels):
            for index, probability in zip(batch, self.probabilities([images[index] for index in batch]), strict=True):
                found[index] = boxes_of(probability)
        return found

    def probabilities(self, images: Sequence[np.ndarray]) -> np.ndarray:
        """Text probability of each pixel, float32 ``(images, rows, columns)``, of images of one size."""
        rows, columns = images[0].shape[:2]
        padded = np.stack([_padded(image) for image in images])
        return self._detector.run(padded)[:, 0, BORDER : BORDER + rows, BORDER : BORDER + columns]

    def recognise(self, crops: Sequence[np.ndarray]) -> list[tuple[str, float]]:
        order = sorted(range(len(crops)), key=lambda index: _line_width(crops[index]))
        read: list[tuple[str, float]] = [("", 0.0)] * len(crops)
        for start in range(0, len(order), RECOGNISER_BATCH):
            batch = order[start : start + RECOGNISER_BATCH]
            scores = self._recogniser.run(_line_batch([crops[index] for index in batch]))
            for index, lines in zip(batch, scores, strict=True):
                read[index] = _greedy_ctc(lines, self._alphabet)
        return read


def _padded(image: np.ndarray) -> np.ndarray:
    rows, columns = image.shape[:2]
    below, right = -(rows + 2 * BORDER) % STRIDE + BORDER, -(columns + 2 * BORDER) % STRIDE + BORDER
    return cv2.copyMakeBorder(image, BORDER, below, BORDER, right, cv2.BORDER_REPLICATE)


def _planes(images: Any) -> Any:
    """What the detector takes, float32 ``(images, 3, rows, columns)`` BGR from -1 to 1, of uint8 ``(images, rows, columns, 3)`` RGB;
    an array or a torch tensor."""
    return (images[..., [2, 1, 0]] / np.float32(127.5) - 1).swapaxes(1, 3).swapaxes(2, 3)


def boxes_of(probability: np.ndarray, tallest: int = TALLEST_LINE) -> list[Detection]:
    """Text lines in a DBNet probability map, float32 ``(rows, columns)``, as rotated rectangles in its pixels."""
    ink = (probability > INK_THRESHOLD).astype(np.uint8)
    contours, _ = cv2.findContours(ink, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    found = []
    for contour in contours:
        (x, y), (width, height), angle = cv2.minAreaRect(contour)
        width, height = width + 1, height + 1  # contour points are pixel centres
        if min(width, height) < 3:
            continue
        grow = width * height * UNCLIP_RATIO / (width + height)
        if min(width, height) + grow > tallest:
            continue
        score = _mean_inside(probability, contour)
        if score >= SCORE_THRESHOLD:
            mark, grown = (((x + 0.5, y + 0.5), (width + more, height + more), angle) for more in (0, grow))
            found.append(Detection(_corners(grown), score, marks=(_corners(mark),)))
    return found


def _corners(rectangle: tuple) -> Polygon:
    return tuple((float(x), float(y)) for x, y in cv2.boxPoints(rectangle))


def _mean_inside(probability: np.ndarray, contour: np.ndarray) -> float:
    x, y, width, height = cv2.boundingRect(contour)
    inside = np.zeros((height, width), np.uint8)
    cv2.drawContours(inside, [contour - (x, y)], -1, 1, cv2.FILLED)
    return float(cv2.mean(probability[y : y + height, x : x + width], inside)[0])


def _line_width(crop: np.ndarray) -> int:
    rows, columns = crop.shape[:2]
    return int(np.clip(round(columns * RECOGNISER_HEIGHT / rows), 8, RECOGNISER_HEIGHT * WIDEST_RATIO))


def _line_batch(crops: Sequence[np.ndarray]) -> np.ndarray:
    width = max(NARROWEST, *(_line_width(crop) for crop in crops))
    batch = np.zeros((len(crops), 3, RECOGNISER_HEIGHT, width), np.float32)
    for line, crop in zip(batch, crops, strict=True):
        resized = cv2.resize(crop[..., ::-1], (_line_width(crop), RECOGNISER_HEIGHT), interpolation=cv2.INTER_LINEAR)
        line[:, :, : resized.shape[1]] = (resized.astype(np.float32) / 127.5 - 1.0).transpose(2, 0, 1)
    return batch


def _greedy_ctc(scores: np.ndarray, alphabet: Sequence[str]) -> tuple[str, float]:
    """Best path: repeated classes collapse, class 0 is the blank. Confidence is the mean over the characters kept."""
    best = scores.argmax(axis=1)
    kept = (best != 0) & np.concatenate([[True], best[1:] != best[:-1]])
    text = "".join(alphabet[index] for index in best[kept])
    return (text.strip(), float(scores.max(axis=1)[kept].mean())) if kept.any() else ("", 0.0)


def weights(name: str, models: Path | None = None) -> bytes:
    """The file ``name`` in ``models`` if it is there, else in the rapidocr wheel, once its SHA-256 is known to be right."""
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
