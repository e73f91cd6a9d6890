"""Looks: an image shown to a reader at several scales and in several renderings, and what it saw mapped back.

A word detector finds text of some heights only, and what is beside the text disturbs it: on real screens PP-OCR misses
plain dates next to a bright endoscopic image. So each image is looked at more than once (figures in
Testing/Benchmarks/RESULTS.md): as it is, smaller for tall text, larger for small text, and with everything wider than a
stroke taken away (a white top-hat; Serra, "Image Analysis and Mathematical Morphology", 1982), which leaves text
standing alone whatever lies behind it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from ..core.channels import max_channel
from ..core.text_map import Box, box_of_polygon
from .changes import Closeness
from .polygons import Polygon, shifted
from .reader import Sees, TextReader

# Wider than any stroke of text that the native scale is responsible for, narrower than anatomy.
STROKE = 19
# Tiles bound the memory of one inference; the halo lets a line of text that crosses a tile's edge be seen whole in one of them.
TILE = 1280
HALO = 128
# Pixels of the shorter side of the smallest view in which words are looked for: smaller ones show organs as words.
SMALLEST_SIDE = 384
# The same for letters: a lead marker on a radiograph can be a fifth of it high. In views smaller than for words no letter is certain.
SMALLEST_SIDE_FOR_LETTERS = 96
# A closer look takes in what is around: a letter alone says little.
CLOSE_HALO = 24


@dataclass(frozen=True)
class Look:
    """``render`` takes and gives uint8 ``(rows, columns, 3)`` RGB; then the image is resized by ``scale``. ``certain``: whether a
    reader's word alone may be enough for what is seen in it."""

    name: str
    scale: float
    render: Callable[[np.ndarray], np.ndarray]
    certain: bool = True


@dataclass(frozen=True)
class Sighting:
    """One place where one reader saw text in one look; ``polygon`` in pixels of the image examined. ``certain``: the
    reader's word alone is enough. ``sure``: it would be in a look of a finer scale. ``doubtful``: it is not enough even with
    others'. ``sees``: what kind of reader it is. ``marks``: as in :class:`~.reader.Detection`. ``scale``: pixels of the look to a
    pixel of the image."""

    polygon: Polygon
    score: float
    engine: str
    certain: bool = False
    sees: Sees = "words"
    doubtful: bool = False
    marks: tuple[Polygon, ...] = ()
    scale: float = 1.0
    sure: bool = False

    def shifted(self, x: int, y: int) -> Sighting:
        """The same, moved by so many pixels."""
        return replace(self, polygon=shifted(self.polygon, x, y), marks=tuple(shifted(mark, x, y) for mark in self.marks))


def as_shown(image: np.ndarray) -> np.ndarray:
    return image


def top_hat(image: np.ndarray) -> np.ndarray:
    """What is bright and narrower than ``STROKE`` in the largest channel; coloured text counts as bright."""
    bright = cv2.morphologyEx(max_channel(image), cv2.MORPH_TOPHAT, np.ones((STROKE, STROKE), np.uint8))
    return cv2.cvtColor(bright, cv2.COLOR_GRAY2RGB)


def negative(image: np.ndarray) -> np.ndarray:
    return 255 - image


NATIVE = Look("x1", 1.0, as_shown)
STROKES = Look("x1 top-hat", 1.0, top_hat)
DOUBLE = Look("x2", 2.0, as_shown)
HALF = Look("x0.5", 0.5, as_shown)
NEGATIVE = Look("x1 negative", 1.0, negative)
FAINT = Look("faint", 1.0, as_shown)
FAINT_NEGATIVE = Look("faint negative", 1.0, negative)


@dataclass(frozen=True)
class Looks:
    """What each kind of reader looks at."""

    words: tuple[Look, ...] = ()
    letters: tuple[Look, ...] = ()

    def of(self, reader: TextReader) -> tuple[Look, ...]:
        return self.words if reader.sees == "words" else self.letters


@dataclass(frozen=True)
class Plan:
    """Which looks are taken, by how closely something is looked at (:mod:`.changes`). ``color``: at what is colored alone. ``closer``: at
    the small parts of what is looked at as a whole in which the reader of letters is in doubt. ``smaller``: after the half size come
    ever smaller ones, for the tall text of large images. ``certain``: a reader's word alone may be enough for a lone letter."""

    whole: Looks
    words: Looks
    glance: Looks
    together: Looks = Looks()
    color: Looks = Looks()
    faint: Looks = Looks()
    closer: Looks = Looks()
    smaller: bool = False
    certain: bool = True

    def looks(self, closeness: Closeness, rows: int, columns: int) -> Looks:
        """The looks at an image of that size."""
        looks: Looks = getattr(self, closeness)
        if closeness != "whole" or not self.smaller:
            return looks
        more = tuple(_smaller_looks(rows, columns))
        words = tuple(look for look in more if look.certain)
        return Looks((*looks.words, *words), (*looks.letters, *more))


DETECTION = Plan(
    whole=Looks(words=(STROKES, HALF), letters=(NATIVE, HALF)),
    words=Looks(words=(STROKES, HALF), letters=(NATIVE,)),
    glance=Looks(letters=(NATIVE,)),
    together=Looks(letters=(NATIVE, DOUBLE, HALF)),
    color=Looks(letters=(NATIVE, DOUBLE, HALF)),
    faint=Looks(words=(FAINT,), letters=(FAINT,)),
    closer=Looks(words=(NATIVE, DOUBLE), letters=(DOUBLE,)),
    smaller=True,
)
# Verification looks with other eyes than detection: what both miss is hidden from more than one rendering. The edges of masks over
# bright echo look like letters to the glyph network, so that its word alone is not enough here.
VERIFICATION = Plan(
    whole=Looks(words=(NEGATIVE,), letters=(NEGATIVE,)),
    words=Looks(words=(NATIVE,), letters=(NEGATIVE,)),
    glance=Looks(letters=(NEGATIVE,)),
    faint=Looks(words=(FAINT_NEGATIVE,), letters=(FAINT_NEGATIVE,)),
    certain=False,
)


def _smaller_looks(rows: int, columns: int) -> Iterator[Look]:
    scale, side = HALF.scale / 2, min(rows, columns)
    while side * scale >= SMALLEST_SIDE_FOR_LETTERS:
        yield Look(f"x{scale:g}", scale, as_shown, certain=side * scale >= SMALLEST_SIDE)
        scale /= 2


def examine_images(images: Sequence[np.ndarray], plan: Plan, closeness: Closeness, readers: Sequence[TextReader]) -> list[list[Sighting]]:
    """All text that any of the readers sees in any of its looks at each of the images, uint8 ``(rows, columns[, 3])``, all of
    one size: readers on a GPU take them together."""
    colours = [image if image.ndim == 3 else cv2.cvtColor(image, cv2.COLOR_GRAY2RGB) for image in images]
    looks = plan.looks(closeness, *colours[0].shape[:2])
    if not any(looks.of(reader) for reader in readers):  # no reader here can do with a glance
        looks = plan.looks("words", *colours[0].shape[:2])
    if closeness == "faint":
        seen = [_words_where_letters_are(colour, looks, readers) for colour in colours]
    else:
        seen = _look_at(colours, looks, readers)
    if closeness == "whole":
        for colour, sightings in zip(colours, seen, strict=True):
            sightings += _closer(colour, sightings, plan, readers)
    return [
        [replace(one, certain=one.certain and plan.certain, sure=one.sure and plan.certain) for one in sightings if not one.doubtful]
        for sightings in seen
    ]


def _look_at(colours: Sequence[np.ndarray], looks: Looks, readers: Sequence[TextReader]) -> list[list[Sighting]]:
    seen: list[list[Sighting]] = [[] for _ in colours]
    for look in dict.fromkeys(look for reader in readers for look in looks.of(reader)):
        rendered = [_resized(look.render(colour), look.scale) for colour in colours]
        for reader in (reader for reader in readers if look in looks.of(reader)):
            for number, sighting in _sightings(rendered, colours[0].shape, reader, look):
                seen[number].append(sighting)
    return seen


def _words_where_letters_are(colour: np.ndarray, looks: Looks, readers: Sequence[TextReader]) -> list[Sighting]:
    """What the looks for letters see in an image, and what those for words see around that: they cost three times as much."""
    if not any(reader.sees == "letters" for reader in readers):
        return _look_at([colour], looks, readers)[0]
    (seen,) = _look_at([colour], Looks(letters=looks.letters), readers)
    found = [sighting for sighting in seen if not sighting.doubtful]
    for x0, y0, x1, y1 in _boxes_with_halo(found, *colour.shape[:2]):
        (words,) = _look_at([np.ascontiguousarray(colour[y0:y1, x0:x1])], Looks(words=looks.words), readers)
        seen += [one.shifted(x0, y0) for one in words]
    return seen


def _boxes_with_halo(sightings: Sequence[Sighting], rows: int, columns: int) -> list[Box]:
    """Boxes that hold all sightings, and what is around them."""
    wanted = np.zeros((rows, columns), np.uint8)
    for sighting in sightings:
        x0, y0, x1, y1 = box_of_polygon(sighting.polygon)
        wanted[max(y0, 0) : max(y1, 0), max(x0, 0) : max(x1, 0)] = 1
    around = cv2.dilate(wanted, np.ones((2 * CLOSE_HALO + 1, 2 * CLOSE_HALO + 1), np.uint8))
    _, _, stats, _ = cv2.connectedComponentsWithStats(around, connectivity=8)
    return [(x, y, x + width, y + height) for x, y, width, height, _ in stats[1:].tolist()]


def _closer(colour: np.ndarray, seen: Sequence[Sighting], plan: Plan, readers: Sequence[TextReader]) -> list[Sighting]:
    """What closer looks at the doubtful parts of an image show: those for letters, and where there are any, those for words."""
    found = []
    for x0, y0, x1, y1 in _doubts(seen, *colour.shape[:2]):
        part = [np.ascontiguousarray(colour[y0:y1, x0:x1])]
        (there,) = _look_at(part, Looks(letters=plan.closer.letters), readers)
        if not all(one.doubtful for one in there):
            there += _look_at(part, Looks(words=plan.closer.words), readers)[0]
        found += [one.shifted(x0, y0) for one in there]
    return found


def _doubts(seen: Sequence[Sighting], rows: int, columns: int) -> list[Box]:
    """Where a closer look is due: what is doubtful and nobody else saw, and what the reader of letters saw alone and is not
    certain of."""
    wanted, answered = (np.zeros((rows, columns), np.uint8) for _ in range(2))
    for sighting in seen:
        x0, y0, x1, y1 = box_of_polygon(sighting.polygon)
        if sighting.certain or sighting.sees == "words":
            answered[max(y0, 0) : max(y1, 0), max(x0, 0) : max(x1, 0)] = 1
        else:
            wanted[max(y0, 0) : max(y1, 0), max(x0, 0) : max(x1, 0)] = 1
    around = cv2.dilate(cv2.subtract(wanted, answered), np.ones((2 * CLOSE_HALO + 1, 2 * CLOSE_HALO + 1), np.uint8))
    _, _, stats, _ = cv2.connectedComponentsWithStats(around, connectivity=8)
    return [(x, y, x + width, y + height) for x, y, width, height, _ in stats[1:].tolist()]


def _sightings(rendered: Sequence[np.ndarray], shape: tuple[int, ...], reader: TextReader, look: Look) -> Iterator[tuple[int, Sighting]]:
    """Each with the number of its image; ``shape`` is that of the images before they were resized."""
    tiles = [(number, x, y, tile) for number, image in enumerate(rendered) for x, y, tile in _tiles(image)]
    stretch = np.array([shape[1] / rendered[0].shape[1], shape[0] / rendered[0].shape[0]])
    for (number, x, y, _), detections in zip(tiles, reader.detect([tile for *_, tile in tiles]), strict=True):
        for detection in detections:
            polygon, *marks = (_stretched(one, (x, y), stretch) for one in (detection.polygon, *detection.marks))
            sure, engine = detection.score >= reader.certain, f"{reader.name} {look.name}"
            yield (
                number,
                Sighting(
                    polygon,
                    detection.score,
                    engine,
                    certain=sure and look.certain,
                    sees=reader.sees,
                    doubtful=detection.doubtful,
                    marks=tuple(marks),
                    scale=look.scale,
                    sure=sure,
                ),
            )


def _stretched(polygon: Polygon, corner: tuple[int, int], stretch: np.ndarray) -> Polygon:
    return tuple((float(a), float(b)) for a, b in (np.asarray(polygon) + corner) * stretch)


def _resized(image: np.ndarray, scale: float) -> np.ndarray:
    if scale == 1.0:
        return image
    rows, columns = (max(1, round(side * scale)) for side in image.shape[:2])
    return cv2.resize(image, (columns, rows), interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)


def _tiles(image: np.ndarray) -> Iterator[tuple[int, int, np.ndarray]]:
    """(x, y, tile) of overlapping tiles; an image that fits with its halo is one tile."""
    rows, columns = image.shape[:2]
    for top, bottom in _spans(rows):
        for left, right in _spans(columns):
            yield left, top, image[top:bottom, left:right]


def _spans(length: int) -> Iterator[tuple[int, int]]:
    if length <= TILE + 2 * HALO:
        yield 0, length
        return
    for start in range(0, length, TILE):
        yield max(0, start - HALO), min(length, start + TILE + HALO)
