"""Extents: where the text that was seen ends. A coarse look, and a reader of words, tell where text is and guess how far it reaches;
where letters were seen one by one, they tell.

Word detectors mark the middle of a line and grow it back by a rule of thumb (DBNet), and a look at half the size sees in blocks of
four pixels: over a flat screen that harms nobody, over anatomy it costs what lies beside the text. Nothing that a reader marked is
given up, and neither is its word for what it saw: its credit goes to the letters.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from dataclasses import replace

from ..core.text_map import Box, box_of_polygon, polygon_of_box
from .boxes import area, overlap, union
from .looks import Sighting
from .polygons import upright_box

# A word's mark is so many times as long as high; a letter alone may be part of what it stands on (a probe's mark), which goes with it.
LONG = 2.0
# Of the length of a word's mark, the share along which letters must be seen; and of its height, how far a letter may fall short.
ALONG, SHORT = 0.8, 0.15
# Of a letter seen in a coarse look, the share that finer looks must have seen, not counting its rim of so many pixels of that look;
# and how many of them at its ends may be rim.
SEEN, RIM, ENDS = 0.8, 1.5, 2


def fitted(sightings: Sequence[Sighting]) -> list[Sighting]:
    """The same sightings, no farther than the letters in them where these were seen; those of letters that a finer look saw too are
    replaced by what it saw, with the credit of both. Leaning ones, and letters alone, stay as they are."""
    letters = [sighting for sighting in sightings if sighting.sees == "letters" and upright_box(sighting.polygon)]
    found: list[Sighting] = []
    for sighting in sightings:
        if not sighting.marks or upright_box(sighting.polygon) is None:
            found.append(sighting)
        elif sighting.sees == "words":
            found.append(_as_far_as_its_letters(sighting, letters))
        else:
            found += _as_seen_closer(sighting, [other for other in letters if other.scale > sighting.scale])
    return found


def _as_far_as_its_letters(word: Sighting, letters: Sequence[Sighting]) -> Sighting:
    """The word's box cut where the letters on its mark end, as the finest look saw them that saw the line. An end of the line that
    no letter reaches stays as far as the word's reader guessed."""
    mark, grown = box_of_polygon(word.marks[0]), box_of_polygon(word.polygon)
    along = 0 if mark[2] - mark[0] >= mark[3] - mark[1] else 1
    across = 1 - along
    if not _is_long(mark):
        return word
    slack = SHORT * (mark[2 + across] - mark[across])
    for scale in sorted({letter.scale for letter in letters}, reverse=True):
        boxes = [box_of_polygon(letter.polygon) for letter in letters if letter.scale >= scale]
        on_it = [box for box in boxes if overlap(box, mark) and _reaches(box, mark, across, slack)]
        if _covered([(box[along], box[2 + along]) for box in on_it], (mark[along], mark[2 + along])) < ALONG:
            continue
        cut = list(grown)
        for axis in (along, across):
            low, high = min(box[axis] for box in on_it), max(box[2 + axis] for box in on_it)
            cut[axis] = max(grown[axis], low) if low <= mark[axis] + slack else grown[axis]
            cut[2 + axis] = min(grown[2 + axis], high) if high >= mark[2 + axis] - slack else grown[2 + axis]
        return replace(word, polygon=polygon_of_box(union((cut[0], cut[1], cut[2], cut[3]), mark)))
    return word


def _is_long(mark: Box) -> bool:
    low, high = sorted((mark[2] - mark[0], mark[3] - mark[1]))
    return high >= LONG * low


def _reaches(box: Box, mark: Box, axis: int, slack: float) -> bool:
    """Whether the box is as wide as the mark along that axis (0: x, 1: y), but for ``slack``."""
    return box[axis] <= mark[axis] + slack and box[2 + axis] >= mark[2 + axis] - slack


def _covered(spans: Sequence[tuple[int, int]], whole: tuple[int, int]) -> float:
    """The share of ``whole`` that lies in one of the spans."""
    reached, length = whole[0], 0
    for low, high in sorted(spans):
        low, high = max(low, reached), min(high, whole[1])
        if high > low:
            length, reached = length + high - low, high
    return length / (whole[1] - whole[0])


def _as_seen_closer(coarse: Sighting, finer: Sequence[Sighting]) -> list[Sighting]:
    """What finer looks saw of the letters of a coarse one, and what it alone saw."""
    if len(coarse.marks) == 1 and not _is_long(box_of_polygon(coarse.marks[0])):
        return [coarse]
    boxes = [(other, box_of_polygon(other.polygon)) for other in finer]
    closer: list[Sighting] = []
    unseen: list[Box] = []
    for letter in map(box_of_polygon, coarse.marks):
        core = _without_rim(letter, round(RIM / coarse.scale))
        there = [(other, box) for other, box in boxes if overlap(core, box)]
        if sum(overlap(core, box) for _, box in there) >= SEEN * area(core):
            closer += [other for other, _ in there if other not in closer]
            ends = _without_rim(letter, round(ENDS / coarse.scale))
            unseen += _missing_ends(letter, ends, functools.reduce(union, (box for _, box in there)))
        else:
            unseen.append(letter)
    if not closer:
        return [coarse]
    found = [replace(other, score=coarse.score, engine=coarse.engine, certain=coarse.certain) for other in closer]
    return found + [replace(coarse, polygon=polygon_of_box(box)) for box in unseen]


def _missing_ends(letters: Box, ends: Box, seen: Box) -> Iterator[Box]:
    """What of letters that touch, ``letters`` with their rim and ``ends`` without, lies before and after what was seen of them."""
    along = 0 if letters[2] - letters[0] >= letters[3] - letters[1] else 1
    if seen[along] > ends[along]:
        yield (letters[0], letters[1], seen[0], letters[3]) if along == 0 else (letters[0], letters[1], letters[2], seen[1])
    if seen[2 + along] < ends[2 + along]:
        yield (seen[2], letters[1], letters[2], letters[3]) if along == 0 else (letters[0], seen[3], letters[2], letters[3])


def _without_rim(box: Box, rim: int) -> Box:
    x, y = min(rim, (box[2] - box[0] - 1) // 2), min(rim, (box[3] - box[1] - 1) // 2)
    return box[0] + x, box[1] + y, box[2] - x, box[3] - y
