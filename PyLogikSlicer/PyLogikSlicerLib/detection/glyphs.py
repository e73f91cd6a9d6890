"""GlyphReader: marks the ink of text pixel by pixel; it detects the single digits, letters and markers that word detectors miss.

The network is our own: its data, training and evaluation are in Testing/Training (see CARD.md there).
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import NamedTuple

import cv2
import numpy as np

from ..core.errors import EngineUnavailable
from ..core.geometry import Box, box_of_pixels
from .batches import batches_of_one_size
from .devices import CPU, Device
from .network import open_network, sample_line
from .reader import DIGEST_LENGTH, Granularity, RawDetection

# The ONNX file in detection/models.
MODEL = "glyphs.onnx"
# The SHA-256 of that file, the one that was evaluated.
MODEL_SHA256 = "41a151047a940f47917b3b2b462f2f6d15b5537c5096f4da6b1bbbb32e7102b1"
# Pixels of which rows and columns are a multiple: the network halves the image four times.
STRIDE = 16
# Pixels; rows and columns of a tile without its halo: bounds the memory to some 250 MB whatever the image.
TILE = 1024
# Pixels around a tile: more than the receptive field reaches to any side, so that tiles join without a seam.
HALO = 160

# Probability from which a half-resolution pixel is ink.
INK = 0.3
# Probability that the strongest pixel of a word reaches at least: noise rarely does.
MIN_PEAK = 0.45
# Probability from which ink that is in no word may be text too small for this scale.
TENTATIVE_INK = 0.15
# Half-resolution pixels of the smallest component that is kept: a bright speckle is smaller, and a full stop goes with its word.
MIN_COMPONENT_PIXELS = 8
# Pixels of the longer side of the smallest letter: dots and short ticks are smaller, no readable letter is.
MIN_LETTER_SIZE = 4
# Pixels of the shorter side up to which a component may be a line that was drawn.
MAX_RULE_WIDTH = 6
# Times its width that such a component must be longer to be the side of a frame or a dashed line, and never a letter.
MIN_RULE_RATIO = 12
# Pixels by which a cut must shrink the boxes of a component to be made: the box of a letter of 40 pixels has fewer without ink, so a
# component that is cut is no single line.
MIN_SAVED_PIXELS = 800
# Pixels of the highest letter that is detected at this scale; what is higher is a line turned by a quarter.
MAX_LETTER_HEIGHT = 48
# Share of the upright box's area below which the rotated box of a slanted line is used: the upright one would cover what is beside it.
ROTATED_AREA_SHARE = 0.6
# Pixels around the ink: the halo of smoothing.
PADDING = 1
# Share of the lower of two pieces that must be on the same rows for both to be of one word.
MIN_COMMON_ROWS_SHARE = 0.5
# Times the height of the lower one that the other piece of a word may be high: capitals and points.
MAX_HEIGHT_RATIO = 2.5
# Letter heights between two pieces of one word at most.
MAX_GAP = 0.7
# Half-resolution pixels; thickness of the line drawn over the fading rim of letters, so that it is not taken for ink outside of words.
RIM_THICKNESS = 5


class GlyphReader:
    """A :class:`~.reader.TextReader` that marks the ink of text with the glyph network.

    It detects letters 6 to 40 pixels high in the image that it is given; for other heights the caller scales the image.
    """

    name = "glyphs"
    granularity: Granularity = "letters"
    conclusive_score = 0.8

    def __init__(self, threads: int = 0, model: bytes | None = None, device: Device = CPU, half_precision: bool = False):
        """Start the network.

        Parameters
        ----------
        threads
            Of ONNX Runtime; 0 for all cores.
        model
            The bytes of the ONNX file, by default those of the one that came with the package.
        device
            Where the network runs.
        half_precision
            Compute in half precision, with torch only.

        Raises
        ------
        EngineUnavailable
            The model is missing or not the one that was evaluated, or the device cannot be used.
        """
        self.device = str(device)
        model = shipped_model() if model is None else model
        self.weights_digest = hashlib.sha256(model).hexdigest()[:DIGEST_LENGTH]
        self._network = open_network(model, device, sample_line()[None], threads=threads, half=half_precision)

    def ink(self, image: np.ndarray) -> np.ndarray:
        """Probability, 0 to 1, that each pixel is ink of text, float32 ``(rows, columns)``, of a uint8 ``(rows, columns, 3)`` RGB image."""
        rows, columns = image.shape[:2]
        half = self._ink_at_half_resolution([image])[0]
        return cv2.resize(half, (half.shape[1] * 2, half.shape[0] * 2), interpolation=cv2.INTER_NEAREST)[:rows, :columns]

    def detect(self, images: Sequence[np.ndarray]) -> list[list[RawDetection]]:
        """Words and single characters in each of the images, uint8 ``(rows, columns, 3)`` RGB."""
        found: list[list[RawDetection]] = [[]] * len(images)
        for batch in batches_of_one_size(images, self._network.batch_pixels):
            for index, half in zip(batch, self._ink_at_half_resolution([images[index] for index in batch]), strict=True):
                found[index] = detections_of_ink(half, images[index].shape[:2])
        return found

    def _ink_at_half_resolution(self, images: Sequence[np.ndarray]) -> np.ndarray:
        """The ink of images of one size, float32 ``(images, rows / 2, columns / 2)``, including the padding to the network's stride."""
        rows, columns = images[0].shape[:2]
        below, right = -rows % STRIDE, -columns % STRIDE
        padded = np.stack([cv2.copyMakeBorder(image, 0, below, 0, right, cv2.BORDER_REFLECT_101) for image in images])
        ink = np.empty((len(images), padded.shape[1] // 2, padded.shape[2] // 2), np.float32)
        for tile, with_halo in tiles(padded.shape[1], padded.shape[2]):
            part = self._network.run(np.ascontiguousarray(padded[:, with_halo.y0 : with_halo.y1, with_halo.x0 : with_halo.x1]))
            rows_of_tile = slice((tile.y0 - with_halo.y0) // 2, (tile.y1 - with_halo.y0) // 2)
            columns_of_tile = slice((tile.x0 - with_halo.x0) // 2, (tile.x1 - with_halo.x0) // 2)
            ink[:, tile.y0 // 2 : tile.y1 // 2, tile.x0 // 2 : tile.x1 // 2] = part[:, rows_of_tile, columns_of_tile]
        return ink


def tiles(rows: int, columns: int) -> Iterator[tuple[Box, Box]]:
    """Yield the tiles that together cover an image of that size, each without and with its halo, cut at the image's border."""
    for top in range(0, rows, TILE):
        for left in range(0, columns, TILE):
            whole = Box(left, top, left + TILE, top + TILE)
            tile, with_halo = whole.clip(rows, columns), whole.enlarge(HALO).clip(rows, columns)
            assert tile and with_halo, "a tile begins in the image"
            yield tile, with_halo


@functools.cache
def shipped_model() -> bytes:
    """The ONNX file that came with the package, checked against its SHA-256."""
    try:
        model = resources.files(__package__).joinpath("models").joinpath(MODEL).read_bytes()
    except FileNotFoundError:
        raise EngineUnavailable("The glyph network's file is missing from this installation: install PyLogikSlicer again.") from None
    if hashlib.sha256(model).hexdigest() != MODEL_SHA256:
        raise EngineUnavailable("The glyph network's file is not the one that was shipped and judged: install PyLogikSlicer again.")
    return model


def detections_of_ink(ink_probability: np.ndarray, shape: tuple[int, ...]) -> list[RawDetection]:
    """The words (also of one character) in an ink map, then tentative boxes around all other ink, faint or rejected.

    ``ink_probability``: probability of ink at half resolution, float32, including the padding to the stride; ``shape``: rows and columns
    of the image.
    """
    _, labels, stats, _ = cv2.connectedComponentsWithStats((ink_probability >= INK).astype(np.uint8), connectivity=8)
    pieces = []
    for label, (x, y, width, height, pixels) in enumerate(stats[1:].tolist(), 1):
        if pixels >= MIN_COMPONENT_PIXELS:
            window = slice(y, y + height), slice(x, x + width)
            pieces += split_component(labels[window] == label, ink_probability[window], (x, y))
    words = group_to_words([piece for piece in pieces if piece.may_be_letters])
    found = [word_detection(word, shape) for word in words if max(piece.peak for piece in word) >= MIN_PEAK]
    return found + tentative_detections(ink_probability, found, shape)


def tentative_detections(ink_probability: np.ndarray, found: Sequence[RawDetection], shape: tuple[int, ...]) -> list[RawDetection]:
    """Boxes around the ink, also the faint, that lies outside of the words found.

    ``ink_probability``, ``shape``: as in :func:`detections_of_ink`.
    """
    without_padding = ink_probability[: (shape[0] + 1) // 2, : (shape[1] + 1) // 2]
    faint = (without_padding >= TENTATIVE_INK).astype(np.uint8)
    for detection in found:
        outline = [np.round(np.array(detection.polygon) / 2).astype(np.int32)]
        cv2.fillPoly(faint, outline, 0)
        cv2.polylines(faint, outline, True, 0, thickness=RIM_THICKNESS)
    _, _, stats, _ = cv2.connectedComponentsWithStats(faint, connectivity=8)
    boxes = [Box(2 * x, 2 * y, min(2 * (x + w), shape[1]), min(2 * (y + h), shape[0])) for x, y, w, h, _ in stats[1:].tolist()]
    return [RawDetection(box.polygon, TENTATIVE_INK, tentative=True) for box in boxes]


@dataclass(frozen=True)
class Piece:
    """Connected ink: a glyph, or several that touch.

    ``box`` is half-open, in pixels of the image; ``points`` are the (x, y) centers of its ink, float32 ``(n, 2)``, likewise; ``peak`` is
    its highest probability.
    """

    box: Box
    points: np.ndarray
    peak: float

    @property
    def height(self) -> int:
        return self.box.height

    @property
    def width(self) -> int:
        return self.box.width

    @property
    def letter_height(self) -> int:
        """Pixels; the height of its letters, also where it is a line turned by a quarter."""
        return self.height if self.height <= MAX_LETTER_HEIGHT else min(MAX_LETTER_HEIGHT, self.width)

    @property
    def may_be_letters(self) -> bool:
        """Whether it is neither too small for a letter nor a drawn rule."""
        low, high = sorted((self.width, self.height))
        is_rule = low <= MAX_RULE_WIDTH and high > MIN_RULE_RATIO * low
        return high >= MIN_LETTER_SIZE and not is_rule


def split_component(ink: np.ndarray, half: np.ndarray, corner: tuple[int, int]) -> list[Piece]:
    """The pieces of one connected component: itself, or its parts where it is no single line (a frame, lines of text that touch).

    A component is cut where both boxes become smallest, if that saves ``MIN_SAVED_PIXELS``, and so are its parts.

    Parameters
    ----------
    ink
        bool ``(rows, columns)``, the component's pixels at half resolution.
    half
        The probability of ink, cropped alike.
    corner
        (x, y) of the crop at half resolution.
    """
    inner = box_of_pixels(ink)
    assert inner is not None, "a component has pixels, and so has each part of it"
    ink, half = ink[inner.slices], half[inner.slices]
    x, y = corner[0] + inner.x0, corner[1] + inner.y0
    by_row, by_column = best_cut(ink), best_cut(ink.T)
    if 4 * max(by_row.saved, by_column.saved) < MIN_SAVED_PIXELS:  # 4 pixels of the image to one at half resolution
        ink_rows, ink_columns = np.nonzero(ink)
        box = Box(2 * x, 2 * y, 2 * (x + ink.shape[1]), 2 * (y + ink.shape[0]))
        points = 2 * np.stack([ink_columns + x, ink_rows + y], axis=-1).astype(np.float32) + 1
        return [Piece(box, points, float(half[ink].max()))]
    if by_row.saved >= by_column.saved:
        at = by_row.at
        return split_component(ink[:at], half[:at], (x, y)) + split_component(ink[at:], half[at:], (x, y + at))
    at = by_column.at
    return split_component(ink[:, :at], half[:, :at], (x, y)) + split_component(ink[:, at:], half[:, at:], (x + at, y))


class Cut(NamedTuple):
    """A cut before row ``at``, and by how many pixels the boxes of both parts are smaller than the whole."""

    at: int
    saved: int


def best_cut(ink: np.ndarray) -> Cut:
    """The cut across a component, bool ``(rows, columns)``, after which the boxes of both parts are smallest."""
    rows, columns = ink.shape
    if rows < 2:
        return Cut(0, 0)
    first = ink.argmax(axis=1)
    last = columns - ink[:, ::-1].argmax(axis=1)
    above = (np.maximum.accumulate(last) - np.minimum.accumulate(first))[:-1] * np.arange(1, rows)
    below = (np.maximum.accumulate(last[::-1]) - np.minimum.accumulate(first[::-1]))[::-1][1:] * np.arange(rows - 1, 0, -1)
    saved = rows * columns - above - below
    at = int(saved.argmax())
    return Cut(at + 1, int(saved[at]))


def group_to_words(pieces: Sequence[Piece]) -> list[list[Piece]]:
    """The pieces of each word, from left to right: side by side, of similar height, no farther apart than most of a letter's height."""
    order = sorted(range(len(pieces)), key=lambda k: pieces[k].box.x0)
    parent = list(range(len(pieces)))  # of a union-find forest

    def root(k: int) -> int:
        while parent[k] != k:
            k = parent[k]
        return k

    for position, k in enumerate(order):
        for other in order[position + 1 :]:
            if pieces[other].box.x0 > pieces[k].box.x1 + MAX_LETTER_HEIGHT:
                break
            if are_in_one_word(pieces[k], pieces[other]):
                parent[root(other)] = root(k)
    words: dict[int, list[Piece]] = {}
    for k in order:
        words.setdefault(root(k), []).append(pieces[k])
    return list(words.values())


def are_in_one_word(left: Piece, right: Piece) -> bool:
    """Whether two pieces are on the same rows, of similar height, and close enough."""
    low, high = sorted((left.height, right.height))
    common_rows = min(left.box.y1, right.box.y1) - max(left.box.y0, right.box.y0)
    gap = right.box.x0 - left.box.x1
    is_close = gap <= MAX_GAP * max(left.letter_height, right.letter_height)
    return common_rows >= MIN_COMMON_ROWS_SHARE * low and high <= MAX_HEIGHT_RATIO * low and is_close


def word_detection(word: Sequence[Piece], shape: tuple[int, ...]) -> RawDetection:
    """The detection of a word in an image of that shape: its upright box, or the rotated one where that is much smaller, padded."""
    boxes = np.array([piece.box for piece in word])
    x0, y0 = np.maximum(boxes[:, :2].min(axis=0) - PADDING, 0)
    x1, y1 = np.minimum(boxes[:, 2:].max(axis=0) + PADDING, (shape[1], shape[0]))
    corners = np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], dtype=float)
    center, (width, height), angle = cv2.minAreaRect(np.concatenate([piece.points for piece in word]))
    width, height = width + 2 + 2 * PADDING, height + 2 + 2 * PADDING  # points are centers of pixels that are 2 wide
    if width * height < ROTATED_AREA_SHARE * (x1 - x0) * (y1 - y0):
        corners = np.clip(cv2.boxPoints((center, (width, height), angle)), 0, (shape[1], shape[0]))
    letters = tuple(piece.box.polygon for piece in word)
    return RawDetection(tuple((float(x), float(y)) for x, y in corners), max(piece.peak for piece in word), kernels=letters)
