#!/usr/bin/env python3
"""What each pass of each reader earns and costs, on the corpus' reference frames: detection alone, before verification.

    python Testing/Benchmarks/passes.py [--corpus ../shared/corpus] [--largest 2.2]

Every pass is run once per frame; plans are then put together from them. Cost is the median of the time of a plan's passes
against one native-scale pass of PP-OCR over the same frame. The last row is the plan in use, rechecks included. Writes
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
from PyLogikSlicerLib.core.geometry import box_of_image  # noqa: E402
from PyLogikSlicerLib.core.masking import polygon_mask, region_mask  # noqa: E402
from PyLogikSlicerLib.core.stack import ImageStack  # noqa: E402
from PyLogikSlicerLib.detection.acceptance import is_accepted  # noqa: E402
from PyLogikSlicerLib.detection.chroma import colored_boxes, isolate_letters, visible_chroma  # noqa: E402
from PyLogikSlicerLib.detection.examine import examine  # noqa: E402
from PyLogikSlicerLib.detection.extents import fit_to_letters  # noqa: E402
from PyLogikSlicerLib.detection.glyphs import GlyphReader  # noqa: E402
from PyLogikSlicerLib.detection.grouping import group_detections  # noqa: E402
from PyLogikSlicerLib.detection.passes import DETECTION, DOUBLE, HALF, NATIVE, TOP_HAT, Detection, DetectionPass, PassSet, Plan, run_passes  # noqa: E402
from PyLogikSlicerLib.detection.ppocr import PPOCRReader  # noqa: E402
from PyLogikSlicerLib.detection.reader import TextReader  # noqa: E402
from PyLogikSlicerLib.detection.recognition import read_lines  # noqa: E402
from PyLogikSlicerLib.detection.text_line import TextLine  # noqa: E402
from PyLogikSlicerLib.detection.tightening import tighten_lines  # noqa: E402

PASSES = {"words": (NATIVE, TOP_HAT, DOUBLE, HALF), "letters": (NATIVE, DOUBLE, HALF)}
# What is tried: the passes of the word reader, then those of the letter reader.
PLANS = (
    ((NATIVE,), ()),
    ((NATIVE,), (NATIVE,)),
    ((NATIVE, TOP_HAT, HALF), (NATIVE, HALF)),
    ((NATIVE, TOP_HAT, HALF), (NATIVE, DOUBLE, HALF)),
    ((NATIVE, TOP_HAT, DOUBLE, HALF), (NATIVE, DOUBLE, HALF)),
    ((TOP_HAT, HALF), (NATIVE, DOUBLE, HALF)),
    ((NATIVE, HALF), (NATIVE, DOUBLE, HALF)),
    ((NATIVE, TOP_HAT), (NATIVE, DOUBLE, HALF)),
    ((), (NATIVE, DOUBLE, HALF)),
    ((TOP_HAT, HALF), ()),
    ((TOP_HAT, HALF), (NATIVE, HALF)),
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
        taken = {
            (reader.granularity, one_pass): timed(image, reader, one_pass) for reader in readers for one_pass in PASSES[reader.granularity]
        }
        native, readings = taken["words", NATIVE][1], Readings(image, readers)
        for (words, letters), tally in zip(PLANS, tallies, strict=True):
            parts = [taken["words", one_pass] for one_pass in words] + [taken["letters", one_pass] for one_pass in letters]
            tally.cost.append(sum(seconds for _, seconds in parts) / native)
            judge(tally, image, [detection for seen, _ in parts for detection in seen], truth, items, readings, score)
        start = time.perf_counter()
        run_plan_in_use(image, readers)
        in_use.cost.append((time.perf_counter() - start) / native)
        count(in_use, mask_in_use(image, readers), image, truth, items, score)
    lines = [
        "| passes of PP-OCR + of the glyph network | recall: all / two or more characters / identifying / single | over-masked | cost |"
    ]
    lines += ["| --- | --- | ---: | ---: |"]
    lines += [tally.row(f"{names(words)} + {names(letters)}") for (words, letters), tally in zip(PLANS, tallies, strict=True)]
    lines += [in_use.row("the plan in use: the last, rechecks of faint ink, and passes over the color")]
    write_section("passes", "\n".join(lines))
    print("\n".join(lines))
    return 0


def run_plan_in_use(image: np.ndarray, readers: Sequence[TextReader]) -> None:
    """Run the passes of the plan in use over a uint8 RGB still: over all of it, and over what of it has color."""
    run_passes([image], DETECTION, "full", readers)
    colors = isolate_letters(visible_chroma(brightness_and_color(image)[1]))
    for x0, y0, x1, y1 in colored_boxes(colors, box_of_image(*image.shape[:2])):
        run_passes([np.ascontiguousarray(colors[y0:y1, x0:x1])], DETECTION, "color", readers)


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


def names(passes: Sequence[DetectionPass]) -> str:
    return ", ".join(one_pass.name for one_pass in passes) or "none"


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


def timed(image: np.ndarray, reader, one_pass: DetectionPass) -> tuple[list[Detection], float]:
    only = PassSet(words=(one_pass,)) if reader.granularity == "words" else PassSet(letters=(one_pass,))
    start = time.perf_counter()
    (seen,) = run_passes([image], Plan(only, only, only), "full", (reader,))
    return seen, time.perf_counter() - start


class Readings:
    """What is read in lines of one image; each line is read once, whatever plan detected it."""

    def __init__(self, image: np.ndarray, readers) -> None:
        self._image, self._readers = image, readers
        self._known: dict[tuple, tuple[str, float]] = {}

    def of_lines(self, lines: Sequence[TextLine]) -> list[tuple[str, float]]:
        new = [line for line in lines if line.polygon not in self._known]
        self._known |= {line.polygon: reading for line, reading in zip(new, read_lines(self._image, new, self._readers), strict=True)}
        return [self._known[line.polygon] for line in lines]


def judge(
    tally: Tally, image: np.ndarray, seen: Sequence[Detection], truth: dict, items: Sequence[dict], readings: Readings, score
) -> None:
    shape = image.shape[:2]
    lines = group_detections(fit_to_letters(seen), *shape)
    kept = [line for line, reading in zip(lines, readings.of_lines(lines), strict=True) if is_accepted(line, *reading)]
    count(tally, polygon_mask([fitted.polygon for _, fitted in tighten_lines(kept, image)], *shape), image, truth, items, score)


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
