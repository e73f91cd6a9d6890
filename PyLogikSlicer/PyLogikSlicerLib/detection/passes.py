"""Detection passes: an image is given to the readers at several scales and in several renderings, and their detections are mapped back.

A word detector finds text of some heights only, and what lies beside the text disturbs it: on real screens PP-OCR misses plain dates next
to a bright endoscopic image. So an image is examined in several passes (figures in Testing/Benchmarks/RESULTS.md): letter readers get it as
it is, word readers after a white top-hat, both also smaller, for tall text. Where only letter readers were unsure of something, that part
is examined again, also enlarged. A white top-hat (Serra, "Image Analysis and Mathematical Morphology", 1982) removes everything wider than
a stroke and leaves the text standing alone whatever lies behind it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import cv2
import numpy as np

from ..core.channels import max_channel
from ..core.geometry import Box, Polygon, bounding_box, translate_polygon
from .reader import Granularity, TextReader

# Pixels. Side of the top-hat's square: wider than any stroke of text that the native scale is responsible for, narrower than anatomy.
STROKE = 19
# Pixels. Rows and columns of a tile without its halo: tiles bound the memory of one inference.
TILE = 1280
# Pixels around a tile, so that a line of text that crosses its edge lies whole in one of the tiles.
HALO = 128
# Pixels along the shorter side of the smallest pyramid level that is given to word readers: in smaller ones they take organs for words.
# In these, a letter reader's detection is not conclusive either.
MIN_SIDE_FOR_WORDS = 384
# Pixels along the shorter side of the smallest pyramid level that is given to letter readers: a lead marker on a radiograph can be a
# fifth of the image high.
MIN_SIDE_FOR_LETTERS = 96
# Pixels around a detection that a recheck takes in: a letter without its surroundings says little.
RECHECK_HALO = 24

# Which passes of a plan are run on an area:
# - "full": all of them, on content that is new or at rest;
# - "words": word readers too, on content that keeps changing, now and then;
# - "quick": letter readers only, which cost a third, on content that keeps changing;
# - "average": on the mean of several frames;
# - "color": on the color of a frame alone;
# - "faint": on what stands out of the noise of the stored values although it is not shown.
PassGroup = Literal["full", "words", "quick", "average", "color", "faint"]


@dataclass(frozen=True)
class DetectionPass:
    """One way to give an image to a reader.

    Attributes
    ----------
    name
        As in :attr:`Detection.found_by`, e.g. ``x0.5``.
    scale
        By which the rendered image is resized.
    render
        Makes uint8 ``(rows, columns, 3)`` RGB of the like.
    may_be_conclusive
        Whether a single detection of this pass may be accepted as text. Not at very small scales, which show organs as letters.
    """

    name: str
    scale: float
    render: Callable[[np.ndarray], np.ndarray]
    may_be_conclusive: bool = True


@dataclass(frozen=True)
class Detection:
    """What one reader detected in one pass.

    Attributes
    ----------
    polygon
        (x, y) corners in pixels of the image examined.
    score
        The reader's, 0 to 1.
    found_by
        Reader and pass, e.g. ``ppocr x2``.
    conclusive
        It is accepted as text without a second detection.
    granularity
        The reader's.
    tentative, kernels
        As in :class:`~.reader.RawDetection`.
    scale
        Of the pass: pixels of the pass to a pixel of the image.
    reaches_conclusive_score
        The score alone would make it conclusive, if the pass did not forbid it.
    """

    polygon: Polygon
    score: float
    found_by: str
    conclusive: bool = False
    granularity: Granularity = "words"
    tentative: bool = False
    kernels: tuple[Polygon, ...] = ()
    scale: float = 1.0
    reaches_conclusive_score: bool = False

    def translate(self, x: int, y: int) -> Detection:
        """The detection moved to the right by ``x`` and down by ``y`` pixels."""
        kernels = tuple(translate_polygon(kernel, x, y) for kernel in self.kernels)
        return replace(self, polygon=translate_polygon(self.polygon, x, y), kernels=kernels)


def leave_unchanged(image: np.ndarray) -> np.ndarray:
    """The image itself: the rendering of most passes."""
    return image


def white_top_hat(image: np.ndarray) -> np.ndarray:
    """What is bright and narrower than ``STROKE`` in the largest channel, as RGB; colored text counts as bright."""
    bright = cv2.morphologyEx(max_channel(image), cv2.MORPH_TOPHAT, np.ones((STROKE, STROKE), np.uint8))
    return cv2.cvtColor(bright, cv2.COLOR_GRAY2RGB)


def invert(image: np.ndarray) -> np.ndarray:
    """The negative of a uint8 image."""
    return 255 - image


NATIVE = DetectionPass("x1", 1.0, leave_unchanged)
TOP_HAT = DetectionPass("x1 top-hat", 1.0, white_top_hat)
DOUBLE = DetectionPass("x2", 2.0, leave_unchanged)
HALF = DetectionPass("x0.5", 0.5, leave_unchanged)
NEGATIVE = DetectionPass("x1 negative", 1.0, invert)
FAINT = DetectionPass("faint", 1.0, leave_unchanged)
FAINT_NEGATIVE = DetectionPass("faint negative", 1.0, invert)


@dataclass(frozen=True)
class PassSet:
    """The passes for word readers and those for letter readers."""

    words: tuple[DetectionPass, ...] = ()
    letters: tuple[DetectionPass, ...] = ()

    def for_reader(self, reader: TextReader) -> tuple[DetectionPass, ...]:
        """The passes that this reader takes part in."""
        return self.words if reader.granularity == "words" else self.letters


@dataclass(frozen=True)
class Plan:
    """Which passes are run, by group (see :data:`PassGroup`).

    Attributes
    ----------
    recheck
        Further passes, after the full ones, over the small parts of an image in which only letter readers detected something and are
        not sure of it.
    image_pyramid
        The full passes also include ever smaller scales, by halves, for the tall text of large images.
    may_be_conclusive
        Whether a single detection may be accepted as text.
    """

    full: PassSet
    words: PassSet
    quick: PassSet
    average: PassSet = PassSet()
    color: PassSet = PassSet()
    faint: PassSet = PassSet()
    recheck: PassSet = PassSet()
    image_pyramid: bool = False
    may_be_conclusive: bool = True

    def passes(self, pass_group: PassGroup, rows: int, columns: int) -> PassSet:
        """The passes of a group for an area of that size.

        With ``image_pyramid``, the group "full" also gets smaller scales; word readers get those whose image is at least
        ``MIN_SIDE_FOR_WORDS`` wide and high.
        """
        passes: PassSet = getattr(self, pass_group)
        if pass_group != "full" or not self.image_pyramid:
            return passes
        smaller = tuple(_pyramid_passes(rows, columns))
        return PassSet((*passes.words, *(one for one in smaller if one.may_be_conclusive)), (*passes.letters, *smaller))


DETECTION = Plan(
    full=PassSet(words=(TOP_HAT, HALF), letters=(NATIVE, HALF)),
    words=PassSet(words=(TOP_HAT, HALF), letters=(NATIVE,)),
    quick=PassSet(letters=(NATIVE,)),
    average=PassSet(letters=(NATIVE, DOUBLE, HALF)),
    color=PassSet(letters=(NATIVE, DOUBLE, HALF)),
    faint=PassSet(words=(FAINT,), letters=(FAINT,)),
    recheck=PassSet(words=(NATIVE, DOUBLE), letters=(DOUBLE,)),
    image_pyramid=True,
)
# Verification uses other renderings than detection, so that text which one of them hides is found by the other. No single detection is
# conclusive here: the edges of masks over bright echo look like letters to the glyph network.
VERIFICATION = Plan(
    full=PassSet(words=(NEGATIVE,), letters=(NEGATIVE,)),
    words=PassSet(words=(NATIVE,), letters=(NEGATIVE,)),
    quick=PassSet(letters=(NEGATIVE,)),
    faint=PassSet(words=(FAINT_NEGATIVE,), letters=(FAINT_NEGATIVE,)),
    may_be_conclusive=False,
)


def _pyramid_passes(rows: int, columns: int) -> Iterator[DetectionPass]:
    """Passes at a quarter, an eighth and so on, as long as the image is large enough for letter readers."""
    scale, side = HALF.scale / 2, min(rows, columns)
    while side * scale >= MIN_SIDE_FOR_LETTERS:
        yield DetectionPass(f"x{scale:g}", scale, leave_unchanged, may_be_conclusive=side * scale >= MIN_SIDE_FOR_WORDS)
        scale /= 2


def run_passes(images: Sequence[np.ndarray], plan: Plan, pass_group: PassGroup, readers: Sequence[TextReader]) -> list[list[Detection]]:
    """What the readers detect in the passes of a group, for each of the images, without tentative detections (too faint to count).

    The group "full" adds a recheck; "faint" runs the passes for words only around letters. Where the plan allows no conclusive detections,
    none is returned as conclusive.

    Parameters
    ----------
    images
        uint8 ``(rows, columns[, 3])``, all of one size. Readers get them as one batch, except in faint passes and rechecks.
    plan, pass_group
        Which passes are run. Where none of the readers takes part in the passes of that group (a word reader alone, in a quick one),
        the passes of the group "words" are run instead.
    """
    rgb_images = [image if image.ndim == 3 else cv2.cvtColor(image, cv2.COLOR_GRAY2RGB) for image in images]
    passes = plan.passes(pass_group, *rgb_images[0].shape[:2])
    if not any(passes.for_reader(reader) for reader in readers):
        passes = plan.passes("words", *rgb_images[0].shape[:2])
    if pass_group == "faint":
        found = [_detect_words_around_letters(image, passes, readers) for image in rgb_images]
    else:
        found = _detect(rgb_images, passes, readers)
    if pass_group == "full":
        for image, detections in zip(rgb_images, found, strict=True):
            detections += _recheck(image, detections, plan.recheck, readers)
    return [[_restrict_to_plan(one, plan) for one in detections if not one.tentative] for detections in found]


def _restrict_to_plan(detection: Detection, plan: Plan) -> Detection:
    """The detection, not conclusive where the plan allows no detection to be."""
    return detection if plan.may_be_conclusive else replace(detection, conclusive=False, reaches_conclusive_score=False)


def _detect(images: Sequence[np.ndarray], passes: PassSet, readers: Sequence[TextReader]) -> list[list[Detection]]:
    """The detections of all readers in all passes, tentative ones too, for each of some RGB images of one size."""
    found: list[list[Detection]] = [[] for _ in images]
    for one_pass in dict.fromkeys(one_pass for reader in readers for one_pass in passes.for_reader(reader)):
        rendered = [_resize(one_pass.render(image), one_pass.scale) for image in images]
        for reader in (reader for reader in readers if one_pass in passes.for_reader(reader)):
            for number, detection in _detect_in_tiles(rendered, images[0].shape, reader, one_pass):
                found[number].append(detection)
    return found


def _detect_words_around_letters(image: np.ndarray, passes: PassSet, readers: Sequence[TextReader]) -> list[Detection]:
    """The detections of the passes for letters in a whole image, and of those for words around these: word passes cost three times as
    much."""
    if not any(reader.granularity == "letters" for reader in readers):
        return _detect([image], passes, readers)[0]
    (found,) = _detect([image], PassSet(letters=passes.letters), readers)
    letters = [detection for detection in found if not detection.tentative]
    for box in _boxes_with_halo(_paint_boxes(letters, *image.shape[:2])):
        found += _detect_in_box(image, box, PassSet(words=passes.words), readers)
    return found


def _recheck(image: np.ndarray, found: Sequence[Detection], passes: PassSet, readers: Sequence[TextReader]) -> list[Detection]:
    """The detections of further passes over the parts of an image in which only letter readers detected something, and not conclusively.

    The passes for letters are run first, and those for words only where these detect something.
    """
    added = []
    for box in _boxes_to_recheck(found, *image.shape[:2]):
        detections = _detect_in_box(image, box, PassSet(letters=passes.letters), readers)
        if not all(detection.tentative for detection in detections):
            detections += _detect_in_box(image, box, PassSet(words=passes.words), readers)
        added += detections
    return added


def _detect_in_box(image: np.ndarray, box: Box, passes: PassSet, readers: Sequence[TextReader]) -> list[Detection]:
    """The detections in a part of an RGB image, in pixels of the whole image."""
    (found,) = _detect([np.ascontiguousarray(image[box.slices])], passes, readers)
    return [detection.translate(box.x0, box.y0) for detection in found]


def _boxes_to_recheck(found: Sequence[Detection], rows: int, columns: int) -> list[Box]:
    """Boxes, with a halo, around what only letter readers detected, and not conclusively."""
    certain = [detection for detection in found if detection.conclusive or detection.granularity == "words"]
    uncertain = [detection for detection in found if not (detection.conclusive or detection.granularity == "words")]
    return _boxes_with_halo(cv2.subtract(_paint_boxes(uncertain, rows, columns), _paint_boxes(certain, rows, columns)))


def _paint_boxes(detections: Sequence[Detection], rows: int, columns: int) -> np.ndarray:
    """uint8 ``(rows, columns)``: 1 in the bounding boxes of the detections, 0 elsewhere."""
    painted = np.zeros((rows, columns), np.uint8)
    for detection in detections:
        box = bounding_box(detection.polygon).clip(rows, columns)
        if box is not None:
            painted[box.slices] = 1
    return painted


def _boxes_with_halo(pixels: np.ndarray) -> list[Box]:
    """Boxes that hold all pixels of a uint8 mask and ``RECHECK_HALO`` pixels around them; parts whose halos touch share a box."""
    with_halo = cv2.dilate(pixels, np.ones((2 * RECHECK_HALO + 1, 2 * RECHECK_HALO + 1), np.uint8))
    _, _, stats, _ = cv2.connectedComponentsWithStats(with_halo, connectivity=8)
    return [Box(x, y, x + width, y + height) for x, y, width, height, _ in stats[1:].tolist()]


def _detect_in_tiles(
    rendered: Sequence[np.ndarray], shape: tuple[int, ...], reader: TextReader, one_pass: DetectionPass
) -> Iterator[tuple[int, Detection]]:
    """Yield (number of the image, detection) of one reader in one pass.

    ``rendered``: the images of the pass, resized; ``shape``: that of the images before they were resized, in whose pixels the detections
    are.
    """
    tiles = [(number, x, y, tile) for number, image in enumerate(rendered) for x, y, tile in _tiles(image)]
    stretch = np.array([shape[1] / rendered[0].shape[1], shape[0] / rendered[0].shape[0]])
    for (number, x, y, _), raw_detections in zip(tiles, reader.detect([tile for *_, tile in tiles]), strict=True):
        for raw in raw_detections:
            reaches_score = raw.score >= reader.conclusive_score
            yield (
                number,
                Detection(
                    _map_to_image(raw.polygon, (x, y), stretch),
                    raw.score,
                    found_by=f"{reader.name} {one_pass.name}",
                    conclusive=reaches_score and one_pass.may_be_conclusive,
                    granularity=reader.granularity,
                    tentative=raw.tentative,
                    kernels=tuple(_map_to_image(kernel, (x, y), stretch) for kernel in raw.kernels),
                    scale=one_pass.scale,
                    reaches_conclusive_score=reaches_score,
                ),
            )


def _map_to_image(polygon: Polygon, tile_corner: tuple[int, int], stretch: np.ndarray) -> Polygon:
    """A polygon of a tile in pixels of the image; ``stretch``: pixels of the image to one of the pass, (x, y)."""
    return tuple((float(a), float(b)) for a, b in (np.asarray(polygon) + tile_corner) * stretch)


def _resize(image: np.ndarray, scale: float) -> np.ndarray:
    if scale == 1.0:
        return image
    rows, columns = (max(1, round(side * scale)) for side in image.shape[:2])
    return cv2.resize(image, (columns, rows), interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)


def _tiles(image: np.ndarray) -> Iterator[tuple[int, int, np.ndarray]]:
    """Yield (x, y, tile) of overlapping tiles; an image that fits into a tile with its halo is one tile."""
    rows, columns = image.shape[:2]
    for top, bottom in _tile_spans(rows):
        for left, right in _tile_spans(columns):
            yield left, top, image[top:bottom, left:right]


def _tile_spans(length: int) -> Iterator[tuple[int, int]]:
    if length <= TILE + 2 * HALO:
        yield 0, length
        return
    for start in range(0, length, TILE):
        yield max(0, start - HALO), min(length, start + TILE + HALO)
