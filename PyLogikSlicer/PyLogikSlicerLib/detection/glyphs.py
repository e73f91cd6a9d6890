"""GlyphReader: finds the ink of text pixel by pixel; it sees the single digits, letters and markers that word detectors miss.

The network is ours: made, trained and judged by what is in Testing/Training (see its CARD.md).
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from typing import NamedTuple

import cv2
import numpy as np

from ..core.errors import EngineUnavailable
from ..core.text_map import polygon_of_box
from .batches import of_one_size
from .devices import CPU, Device
from .network import open_network, sample_line
from .reader import DIGEST_LENGTH, Detection

MODEL = "glyphs.onnx"
MODEL_SHA256 = "41a151047a940f47917b3b2b462f2f6d15b5537c5096f4da6b1bbbb32e7102b1"
STRIDE = 16  # the network halves the image four times
TILE = 1024  # rows and columns of a tile without its halo: bounds the memory to some 250 MB whatever the image
HALO = 160  # pixels; more than the network sees to any side, so tiles join without a seam

INK = 0.3  # probability from which a half-resolution pixel is ink
SURE = 0.45  # some pixel of a word is at least that: noise rarely is
FAINT = 0.15  # what reaches only this may be text too small for the scale
LEAST_INK = 8  # half-resolution pixels; a bright speckle is smaller, a full stop goes with its word
LEAST_HEIGHT = 4  # pixels; dots and short ticks are lower, no readable letter is
THIN, LONG = 6, 12  # pixels, and times as long: the side of a frame or a dashed line, never a letter
EMPTY = 800  # pixels in a box without ink: more than a letter of 40 pixels has, so the ink is no single line and is cut
TALLEST = 48  # pixels; no letter that is seen at this scale is higher: it is a line turned by a quarter
MUCH_SMALLER = 0.6  # a slanted line of text: its upright box would cover what is beside it
PAD = 1  # pixels around the ink: the halo of smoothing


class GlyphReader:
    """Marks the ink of text with the glyph network; the ``detect`` half of a TextReader.

    It looks at the image at the scale given and sees letters 6 to 40 pixels high there; other heights are the caller's scales.
    """

    name = "glyphs"
    sees = "letters"
    certain = 0.8

    def __init__(self, threads: int = 0, model: bytes | None = None, device: Device = CPU, half: bool = False):
        """``threads``: of ONNX Runtime, 0 for all cores. ``model``: the bytes of the ONNX file, by default the one that is shipped.
        ``half``: half precision, on torch only.

        Raises EngineUnavailable when the model is missing or not the one that was judged, or the device cannot be used.
        """
        self.device = str(device)
        model = shipped_model() if model is None else model
        self.weights_digest = hashlib.sha256(model).hexdigest()[:DIGEST_LENGTH]
        self._network = open_network(model, device, sample_line()[None], threads=threads, half=half)

    def ink(self, image: np.ndarray) -> np.ndarray:
        """Probability 0 to 1 of text ink, float32 ``(rows, columns)``, of a uint8 ``(rows, columns, 3)`` RGB image."""
        rows, columns = image.shape[:2]
        half = self._half_resolution([image])[0]
        return cv2.resize(half, (half.shape[1] * 2, half.shape[0] * 2), interpolation=cv2.INTER_NEAREST)[:rows, :columns]

    def detect(self, images: Sequence[np.ndarray]) -> list[list[Detection]]:
        """Words and single characters in each of the images, uint8 ``(rows, columns, 3)`` RGB."""
        found: list[list[Detection]] = [[]] * len(images)
        for batch in of_one_size(images, self._network.batch_pixels):
            for index, half in zip(batch, self._half_resolution([images[index] for index in batch]), strict=True):
                found[index] = words(half, images[index].shape[:2])
        return found

    def _half_resolution(self, images: Sequence[np.ndarray]) -> np.ndarray:
        """Ink of images of one size, float32 ``(images, rows / 2, columns / 2)``, with the padding to the network's stride."""
        rows, columns = images[0].shape[:2]
        below, right = -rows % STRIDE, -columns % STRIDE
        padded = np.stack([cv2.copyMakeBorder(image, 0, below, 0, right, cv2.BORDER_REFLECT_101) for image in images])
        ink = np.empty((len(images), padded.shape[1] // 2, padded.shape[2] // 2), np.float32)
        for inner, outer in tiles(padded.shape[1:3]):
            (top, bottom, left, right), (first, last, begin, end) = inner, outer
            part = self._network.run(np.ascontiguousarray(padded[:, first:last, begin:end]))
            part = part[:, (top - first) // 2 : (bottom - first) // 2, (left - begin) // 2 : (right - begin) // 2]
            ink[:, top // 2 : bottom // 2, left // 2 : right // 2] = part
        return ink


def tiles(shape: tuple[int, int], tile: int = TILE, halo: int = HALO) -> list[tuple[tuple[int, int, int, int], tuple[int, int, int, int]]]:
    """(top, bottom, left, right) of each tile that together cover the shape, and of each with its halo, cut at the image's border."""
    rows, columns = shape
    return [
        (
            (top, min(top + tile, rows), left, min(left + tile, columns)),
            (max(top - halo, 0), min(top + tile + halo, rows), max(left - halo, 0), min(left + tile + halo, columns)),
        )
        for top in range(0, rows, tile)
        for left in range(0, columns, tile)
    ]


@functools.cache
def shipped_model() -> bytes:
    """The ONNX file that came with the package, checked against its SHA-256."""
    try:
        model = resources.files(__package__).joinpath("models", MODEL).read_bytes()
    except FileNotFoundError:
        raise EngineUnavailable("The glyph network's file is missing from this installation: install PyLogikSlicer again.") from None
    if hashlib.sha256(model).hexdigest() != MODEL_SHA256:
        raise EngineUnavailable("The glyph network's file is not the one that was shipped and judged: install PyLogikSlicer again.")
    return model


def words(half: np.ndarray, shape: tuple[int, int]) -> list[Detection]:
    """Words and single characters from the ink at half resolution, then what is too faint to tell, as doubtful detections.

    ``shape``: rows and columns of the image.
    """
    count, labels, stats, _ = cv2.connectedComponentsWithStats((half >= INK).astype(np.uint8), connectivity=8)
    pieces = []
    for label, (x, y, width, height, ink) in enumerate(stats[1:].tolist(), 1):
        if ink >= LEAST_INK:
            window = slice(y, y + height), slice(x, x + width)
            pieces += pieces_of(labels[window] == label, half[window], (x, y))
    groups = joined([piece for piece in pieces if piece.may_be_letters])
    found = [detection_of(group, shape) for group in groups if max(piece.peak for piece in group) >= SURE]
    return found + faint_ink(half, found, shape)


def faint_ink(half: np.ndarray, found: Sequence[Detection], shape: tuple[int, int]) -> list[Detection]:
    """Boxes around ink at half resolution that no word found holds, as doubtful detections."""
    faint = (half[: (shape[0] + 1) // 2, : (shape[1] + 1) // 2] >= FAINT).astype(np.uint8)  # without the padding
    for detection in found:
        outline = [np.round(np.array(detection.polygon) / 2).astype(np.int32)]
        cv2.fillPoly(faint, outline, 0)
        cv2.polylines(faint, outline, True, 0, thickness=5)  # the fading rim of the letters
    _, _, stats, _ = cv2.connectedComponentsWithStats(faint, connectivity=8)
    boxes = [(2 * x, 2 * y, min(2 * (x + w), shape[1]), min(2 * (y + h), shape[0])) for x, y, w, h, _ in stats[1:].tolist()]
    return [Detection(polygon_of_box(box), FAINT, doubtful=True) for box in boxes]


@dataclass(frozen=True)
class Piece:
    """Connected ink: a glyph, or several that touch. ``box`` half-open, in pixels of the image; ``points`` (x, y) of its ink, likewise."""

    box: tuple[int, int, int, int]
    points: np.ndarray
    peak: float

    @property
    def height(self) -> int:
        return self.box[3] - self.box[1]

    @property
    def width(self) -> int:
        return self.box[2] - self.box[0]

    @property
    def letter_height(self) -> int:
        return self.height if self.height <= TALLEST else min(TALLEST, self.width)

    @property
    def may_be_letters(self) -> bool:
        low, high = sorted((self.width, self.height))
        return high >= LEAST_HEIGHT and not (low <= THIN and high > LONG * low)


def pieces_of(ink: np.ndarray, half: np.ndarray, corner: tuple[int, int]) -> list[Piece]:
    """The pieces of one connected component: itself, or the parts of one that is no single line (a frame, lines of text that touch).

    ``ink`` and ``half``: the component and its probability, cropped alike; ``corner``: (x, y) of the crop at half resolution.
    """
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    top, bottom, left, right = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
    ink, half, corner = ink[top:bottom, left:right], half[top:bottom, left:right], (corner[0] + int(left), corner[1] + int(top))
    by_row, by_column = best_cut(ink), best_cut(ink.T)
    if 4 * max(by_row.saved, by_column.saved) < EMPTY:
        ys, xs = np.nonzero(ink)
        x, y = corner
        box = (2 * x, 2 * y, 2 * (x + ink.shape[1]), 2 * (y + ink.shape[0]))
        return [Piece(box, 2 * np.stack([xs + x, ys + y], axis=-1).astype(np.float32) + 1, float(half[ink].max()))]
    if by_row.saved >= by_column.saved:
        at, second = by_row.at, (corner[0], corner[1] + by_row.at)
        return pieces_of(ink[:at], half[:at], corner) + pieces_of(ink[at:], half[at:], second)
    at, second = by_column.at, (corner[0] + by_column.at, corner[1])
    return pieces_of(ink[:, :at], half[:, :at], corner) + pieces_of(ink[:, at:], half[:, at:], second)


class Cut(NamedTuple):
    """A cut before row ``at``, and the pixels that two boxes cover less than one."""

    at: int
    saved: int


def best_cut(ink: np.ndarray) -> Cut:
    """Where to cut a component across, so that the boxes of both parts cover least."""
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


def joined(pieces: list[Piece]) -> list[list[Piece]]:
    """Pieces grouped to words: side by side, of like height, no farther apart than most of a letter's height."""
    order = sorted(range(len(pieces)), key=lambda k: pieces[k].box[0])
    leader = list(range(len(pieces)))

    def root(k: int) -> int:
        while leader[k] != k:
            k = leader[k]
        return k

    for place, k in enumerate(order):
        for other in order[place + 1 :]:
            if pieces[other].box[0] > pieces[k].box[2] + TALLEST:
                break
            if side_by_side(pieces[k], pieces[other]):
                leader[root(other)] = root(k)
    groups: dict[int, list[Piece]] = {}
    for k in order:
        groups.setdefault(root(k), []).append(pieces[k])
    return list(groups.values())


def side_by_side(left: Piece, right: Piece) -> bool:
    low, high = sorted((left.height, right.height))
    overlap = min(left.box[3], right.box[3]) - max(left.box[1], right.box[1])
    gap = right.box[0] - left.box[2]
    return overlap >= 0.5 * low and high <= 2.5 * low and gap <= 0.7 * max(left.letter_height, right.letter_height)


def detection_of(group: list[Piece], shape: tuple[int, int]) -> Detection:
    """The upright box of a word, or the tilted one where that is much smaller; ``PAD`` wider than the ink, inside the image."""
    boxes = np.array([piece.box for piece in group])
    x0, y0 = np.maximum(boxes[:, :2].min(axis=0) - PAD, 0)
    x1, y1 = np.minimum(boxes[:, 2:].max(axis=0) + PAD, (shape[1], shape[0]))
    corners = np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], dtype=float)
    centre, (width, height), angle = cv2.minAreaRect(np.concatenate([piece.points for piece in group]))
    tilted = (centre, (width + 2 + 2 * PAD, height + 2 + 2 * PAD), angle)
    if tilted[1][0] * tilted[1][1] < MUCH_SMALLER * (x1 - x0) * (y1 - y0):
        corners = np.clip(cv2.boxPoints(tilted), 0, (shape[1], shape[0]))
    letters = tuple(polygon_of_box(piece.box) for piece in group)
    return Detection(tuple((float(x), float(y)) for x, y in corners), max(piece.peak for piece in group), marks=letters)
