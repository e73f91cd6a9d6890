"""Extents: where a detected text ends, by the letters that were detected in it.

Word detectors mark the middle of a line and grow it back by a rule of thumb (DBNet), and a pass at half the size sees in blocks of four
pixels. Over a flat screen such a box harms nothing; over anatomy it costs what lies beside the text. Where single letters were detected,
they tell the extent better. A word keeps all of its kernel (what the network itself marked). A coarse letter may lose its blurred rim; its
score, ``found_by`` and ``conclusive`` pass to what replaces it.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from dataclasses import replace

from ..core.geometry import Box, bounding_box
from .passes import Detection
from .polygons import upright_box

# Times its width that a kernel of a word must be long. A shorter one may be a single letter, and stays with the mark that it stands on
# (of a probe).
ELONGATED = 2.0
# Share of the length of a word's kernel along which letters must have been detected, before they decide where the word ends.
MIN_LETTERS_SHARE = 0.8
# Share of the height of a word's kernel by which a letter may be lower and still be a letter of it.
MAX_HEIGHT_LACK = 0.15
# Share of a letter's core (without its rim) that finer passes must have detected for them to replace it.
MIN_FINER_SHARE = 0.8
# Pixels of the coarse pass around a letter that are taken for its blurred rim.
RIM = 1.5
# Pixels of the coarse pass at each end of touching letters that may be rim; a stroke beyond these was missed by the finer passes.
RIM_AT_ENDS = 2


def fit_to_letters(detections: Sequence[Detection]) -> list[Detection]:
    """Shrink detections to the letters that were detected in them.

    A word is cut where its letters end. A coarse letter is replaced by copies of the finer detections of it, which carry its score,
    ``found_by`` and ``conclusive``, so that both passes still count. What the finer ones missed of it stays. Rotated detections, detections
    without kernels, and single letters stay as they are. So do words that are short, or along too little of which letters were detected
    (``MIN_LETTERS_SHARE``).
    """
    letters = [detection for detection in detections if detection.granularity == "letters" and upright_box(detection.polygon)]
    fitted: list[Detection] = []
    for detection in detections:
        if not detection.kernels or upright_box(detection.polygon) is None:
            fitted.append(detection)
        elif detection.granularity == "words":
            fitted.append(_cut_to_letters(detection, letters))
        else:
            fitted += _replace_by_finer(detection, [other for other in letters if other.scale > detection.scale])
    return fitted


def _cut_to_letters(word: Detection, letters: Sequence[Detection]) -> Detection:
    """The word, cut where the letters on its kernel end, as the finest pass that detected the line shows them.

    At an end of the kernel that no letter reaches, the word stays as far as its reader estimated.
    """
    kernel, estimated = bounding_box(word.kernels[0]), bounding_box(word.polygon)
    along = 0 if kernel.width >= kernel.height else 1  # the axis that the text runs along: 0 is x, 1 is y
    across = 1 - along
    if not _is_elongated(kernel):
        return word
    tolerance = MAX_HEIGHT_LACK * (kernel[2 + across] - kernel[across])
    for scale in sorted({letter.scale for letter in letters}, reverse=True):
        boxes = [bounding_box(letter.polygon) for letter in letters if letter.scale >= scale]
        on_kernel = [box for box in boxes if box.overlap(kernel) and _spans_kernel(box, kernel, across, tolerance)]
        if _covered_share([(box[along], box[2 + along]) for box in on_kernel], (kernel[along], kernel[2 + along])) < MIN_LETTERS_SHARE:
            continue
        cut = list(estimated)
        for axis in (along, across):
            low, high = min(box[axis] for box in on_kernel), max(box[2 + axis] for box in on_kernel)
            cut[axis] = max(estimated[axis], low) if low <= kernel[axis] + tolerance else estimated[axis]
            cut[2 + axis] = min(estimated[2 + axis], high) if high >= kernel[2 + axis] - tolerance else estimated[2 + axis]
        return replace(word, polygon=Box(cut[0], cut[1], cut[2], cut[3]).union(kernel).polygon)
    return word


def _is_elongated(box: Box) -> bool:
    low, high = sorted((box.width, box.height))
    return high >= ELONGATED * low


def _spans_kernel(box: Box, kernel: Box, axis: int, tolerance: float) -> bool:
    """Whether a box reaches from one edge of the kernel to the other along an axis (0: x, 1: y), but for ``tolerance`` pixels."""
    return box[axis] <= kernel[axis] + tolerance and box[2 + axis] >= kernel[2 + axis] - tolerance


def _covered_share(spans: Sequence[tuple[int, int]], whole: tuple[int, int]) -> float:
    """The share, 0 to 1, of the span ``whole`` that lies in at least one of ``spans``; each span is (first, end)."""
    reached, length = whole[0], 0
    for low, high in sorted(spans):
        low, high = max(low, reached), min(high, whole[1])
        if high > low:
            length, reached = length + high - low, high
    return length / (whole[1] - whole[0])


def _replace_by_finer(coarse: Detection, finer: Sequence[Detection]) -> list[Detection]:
    """What finer passes detected of the letters of a coarse detection, and of the coarse one what they missed."""
    if len(coarse.kernels) == 1 and not _is_elongated(bounding_box(coarse.kernels[0])):
        return [coarse]
    finer_boxes = [(other, bounding_box(other.polygon)) for other in finer]
    replacing: list[Detection] = []
    missed: list[Box] = []
    for letter in map(bounding_box, coarse.kernels):
        core = _shrink(letter, round(RIM / coarse.scale))
        overlapping = [(other, box) for other, box in finer_boxes if core.overlap(box)]
        if sum(core.overlap(box) for _, box in overlapping) >= MIN_FINER_SHARE * core.area:
            replacing += [other for other, _ in overlapping if other not in replacing]
            without_rim = _shrink(letter, round(RIM_AT_ENDS / coarse.scale))
            missed += _missed_ends(letter, without_rim, functools.reduce(Box.union, (box for _, box in overlapping)))
        else:
            missed.append(letter)
    if not replacing:
        return [coarse]
    fitted = [replace(other, score=coarse.score, found_by=coarse.found_by, conclusive=coarse.conclusive) for other in replacing]
    return fitted + [replace(coarse, polygon=box.polygon) for box in missed]


def _missed_ends(letters: Box, without_rim: Box, finer: Box) -> Iterator[Box]:
    """Yield the parts of touching letters before and after what finer passes detected of them.

    ``letters``: their box in the coarse pass; ``without_rim``: the same without its blurred rim, within which something must be missing;
    ``finer``: the box around what the finer passes detected.
    """
    along = 0 if letters.width >= letters.height else 1
    if finer[along] > without_rim[along]:
        yield letters._replace(x1=finer.x0) if along == 0 else letters._replace(y1=finer.y0)
    if finer[2 + along] < without_rim[2 + along]:
        yield letters._replace(x0=finer.x1) if along == 0 else letters._replace(y0=finer.y1)


def _shrink(box: Box, margin: int) -> Box:
    """The box without ``margin`` pixels on each side, but at least one pixel of it."""
    x, y = min(margin, (box.width - 1) // 2), min(margin, (box.height - 1) // 2)
    return Box(box.x0 + x, box.y0 + y, box.x1 - x, box.y1 - y)
