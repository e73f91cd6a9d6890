#!/usr/bin/env python3
"""What each look of each reader earns and costs, on the corpus' reference frames: detection alone, before verification.

    python Testing/Benchmarks/looks.py [--corpus ../shared/corpus] [--largest 2.2]

Every look is taken once per frame; plans are then put together from them. Cost is the median of the time of a plan's looks
against one native-scale pass of PP-OCR over the same frame. The last row is the plan in use, closer looks included. Writes
its section of RESULTS.md. The corpus and its `score.py` are not part of this repository.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from results import HERE, write_section

REPOSITORY = HERE.parents[1]
sys.path.insert(0, str(REPOSITORY / "PyLogikSlicer"))

from PyLogikSlicerLib.core.channels import brightness_and_color  # noqa: E402
from PyLogikSlicerLib.core.masking import polygon_mask, region_mask  # noqa: E402
from PyLogikSlicerLib.core.stack import ImageStack  # noqa: E402
from PyLogikSlicerLib.detection.belief import believed  # noqa: E402
from PyLogikSlicerLib.detection.coloring import colored_parts, letters_in, visible  # noqa: E402
from PyLogikSlicerLib.detection.examine import examine  # noqa: E402
from PyLogikSlicerLib.detection.extents import fitted  # noqa: E402
from PyLogikSlicerLib.detection.glyphs import GlyphReader  # noqa: E402
from PyLogikSlicerLib.detection.grouping import Place, group  # noqa: E402
from PyLogikSlicerLib.detection.lines import read_lines  # noqa: E402
from PyLogikSlicerLib.detection.looks import DETECTION, DOUBLE, HALF, NATIVE, STROKES, Look, Looks, Plan, Sighting, examine_images  # noqa: E402
from PyLogikSlicerLib.detection.ppocr import PPOCRReader  # noqa: E402
from PyLogikSlicerLib.detection.reader import TextReader  # noqa: E402
from PyLogikSlicerLib.detection.tightening import tightened  # noqa: E402

LOOKS = {"words": (NATIVE, STROKES, DOUBLE, HALF), "letters": (NATIVE, DOUBLE, HALF)}
# What is tried: the looks of the reader of words, then those of the reader of letters.
PLANS = (
    ((NATIVE,), ()),
    ((NATIVE,), (NATIVE,)),
    ((NATIVE, STROKES, HALF), (NATIVE, HALF)),
    ((NATIVE, STROKES, HALF), (NATIVE, DOUBLE, HALF)),
    ((NATIVE, STROKES, DOUBLE, HALF), (NATIVE, DOUBLE, HALF)),
    ((STROKES, HALF), (NATIVE, DOUBLE, HALF)),
    ((NATIVE, HALF), (NATIVE, DOUBLE, HALF)),
    ((NATIVE, STROKES), (NATIVE, DOUBLE, HALF)),
    ((), (NATIVE, DOUBLE, HALF)),
    ((STROKES, HALF), ()),
    ((STROKES, HALF), (NATIVE, HALF)),
)
COUNTED = ("all", "two or more characters", "phi-like", "single character")


@dataclass
class Tally:
    """Leaks per group of items, over-masked shares of the region of interest, and costs, of one plan."""

    leaks: dict[str, list[bool]] = field(default_factory=lambda: defaultdict(list))
    over: list[float] = field(default_factory=list)
    cost: list[float] = field(default_factory=list)

    def row(self, name: str) -> str:
        recall = " / ".join(f"{1 - np.mean(self.leaks[group_name]):.3f}" for group_name in COUNTED)
        return f"| {name} | {recall} | {np.mean(self.over):.2%} | {np.median(self.cost):.2f} |"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--corpus", type=Path, default=REPOSITORY.parent / "shared" / "corpus")
    parser.add_argument("--largest", type=float, default=2.2, help="leave out frames of more megapixels")
    arguments = parser.parse_args()
    if not (arguments.corpus / "truth").is_dir():
        print("the corpus is not here: name its folder with --corpus", file=sys.stderr)
        return 2
    score = module_of(arguments.corpus.parent / "score.py")
    readers = PPOCRReader(), GlyphReader()
    tallies, in_use = [Tally() for _ in PLANS], Tally()
    for image, truth, items in frames(arguments.corpus / "truth", arguments.largest):
        taken = {(reader.sees, look): timed(image, reader, look) for reader in readers for look in LOOKS[reader.sees]}
        native, reading = taken["words", NATIVE][1], Reading(image, readers)
        for (words, letters), tally in zip(PLANS, tallies, strict=True):
            parts = [taken["words", look] for look in words] + [taken["letters", look] for look in letters]
            tally.cost.append(sum(seconds for _, seconds in parts) / native)
            judge(tally, image, [sighting for seen, _ in parts for sighting in seen], truth, items, reading, score)
        start = time.perf_counter()
        every_look(image, readers)
        in_use.cost.append((time.perf_counter() - start) / native)
        count(in_use, mask_in_use(image, readers), image, truth, items, score)
    lines = [
        "| looks of PP-OCR + of the glyph network | recall: all / two or more characters / identifying / single | over-masked | cost |"
    ]
    lines += ["| --- | --- | ---: | ---: |"]
    lines += [tally.row(f"{names(words)} + {names(letters)}") for (words, letters), tally in zip(PLANS, tallies, strict=True)]
    lines += [in_use.row("the plan in use: the last, closer looks at faint ink, and looks at colors")]
    write_section("looks", "\n".join(lines))
    print("\n".join(lines))
    return 0


def every_look(image: np.ndarray, readers: Sequence[TextReader]) -> None:
    """The looks of the plan in use at a uint8 RGB still: at all of it, and at what of it has color."""
    examine_images([image], DETECTION, "whole", readers)
    colors = letters_in(visible(brightness_and_color(image)[1]))
    for x0, y0, x1, y1 in colored_parts(colors, (0, 0, image.shape[1], image.shape[0])):
        examine_images([np.ascontiguousarray(colors[y0:y1, x0:x1])], DETECTION, "color", readers)


def mask_in_use(image: np.ndarray, readers: Sequence[TextReader]) -> np.ndarray:
    """What the examination masks of a still, bool ``(rows, columns)``."""
    rows, columns = image.shape[:2]
    still = ImageStack(Path("still"), "still", 1, rows, columns, 3, image.dtype, lambda: iter([image]))
    return region_mask(examine(still, readers).text_map.regions, rows, columns)


def module_of(path: Path):
    spec = importlib.util.spec_from_file_location("score", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def names(looks: Sequence[Look]) -> str:
    return ", ".join(look.name for look in looks) or "none"


def frames(folder: Path, largest: float) -> Iterator[tuple[np.ndarray, dict, list[dict]]]:
    """(uint8 RGB image, truth, its items) of every reference frame."""
    for path in sorted(folder.glob("*.json")):
        truth = json.loads(path.read_text())
        name = truth.get("name", path.stem)
        for picture in sorted(folder.glob(f"{name}_*.png")):
            frame = picture.stem[len(name) + 1 :]
            image = cv2.imread(str(picture), cv2.IMREAD_COLOR)
            if frame.isdigit() and image.shape[0] * image.shape[1] <= largest * 1e6:
                items = [item for item in truth["items"] if item.get("frame") in (None, int(frame))]
                yield cv2.cvtColor(image, cv2.COLOR_BGR2RGB), truth, items


def timed(image: np.ndarray, reader, look: Look) -> tuple[list[Sighting], float]:
    only = Looks(words=(look,)) if reader.sees == "words" else Looks(letters=(look,))
    start = time.perf_counter()
    (seen,) = examine_images([image], Plan(only, only, only), "whole", (reader,))
    return seen, time.perf_counter() - start


class Reading:
    """What is read at places of one image; each place is read once, whatever plan found it."""

    def __init__(self, image: np.ndarray, readers) -> None:
        self._image, self._readers = image, readers
        self._known: dict[tuple, tuple[str, float]] = {}

    def lines(self, places: Sequence[Place]) -> list[tuple[str, float]]:
        new = [place for place in places if place.polygon not in self._known]
        self._known |= {place.polygon: line for place, line in zip(new, read_lines(self._image, new, self._readers), strict=True)}
        return [self._known[place.polygon] for place in places]


def judge(tally: Tally, image: np.ndarray, seen: Sequence[Sighting], truth: dict, items: Sequence[dict], reading: Reading, score) -> None:
    shape = image.shape[:2]
    places = group(fitted(seen), *shape)
    kept = [place for place, line in zip(places, reading.lines(places), strict=True) if believed(place, *line)]
    count(tally, polygon_mask([fitted.polygon for _, fitted in tightened(kept, image)], *shape), image, truth, items, score)


def count(tally: Tally, mask: np.ndarray, image: np.ndarray, truth: dict, items: Sequence[dict], score) -> None:
    """By the rule of score.py: an item leaks when more than 5 % of its ink is farther than 3 pixels from the mask."""
    shape = image.shape[:2]
    around = cv2.dilate(mask.astype(np.uint8), np.ones((7, 7), np.uint8)) > 0
    bright, near = image.max(axis=2).astype(np.float32), np.zeros(shape, bool)
    for box in [score.box_of(item, shape) for item in items] + [tuple(map(int, box)) for box in truth.get("ignore") or []]:
        near[max(box[1] - score.HALO, 0) : box[3] + score.HALO, max(box[0] - score.HALO, 0) : box[2] + score.HALO] = True
    for item in items:
        x0, y0, x1, y1 = score.box_of(item, shape)
        ink = score.ink_of(bright[y0:y1, x0:x1])
        if ink.any():
            leaks = (ink & ~around[y0:y1, x0:x1]).sum() > score.LEAK * ink.sum()
            single = "single character" if len(item["text"].strip()) == 1 else "two or more characters"
            for group_name in ("all", item["kind"], single):
                tally.leaks[group_name].append(bool(leaks))
    if truth.get("complete", True) and truth.get("roi"):
        x0, y0, x1, y1 = map(int, truth["roi"])
        tally.over.append(float((mask & ~near)[y0:y1, x0:x1].mean()))


if __name__ == "__main__":
    sys.exit(main())
