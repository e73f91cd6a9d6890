#!/usr/bin/env python3
"""Judge ``--keep measurements`` on the corpus' items: what is kept of what may be, and that nothing identifying is.

    python Testing/Benchmarks/policy.py [--corpus ../shared/corpus] [--examine]

The decision is asked for each item's text as the truth reads it, and as PP-OCR reads it in the item's box; with --examine also
for the regions that the examination makes of the reference frames, where lines may be joined (minutes). Items of the kind
``scientific`` may be kept, ``phi-like`` ones never: then the exit status is 1. What is invented for the generator of overlays
(names, dates, times, numbers) is asked too, thousands of times. The corpus is not part of this repository.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from overlay_generator import invented
from results import HERE, write_section

REPOSITORY = HERE.parents[1]
sys.path.insert(0, str(REPOSITORY / "PyLogikSlicer"))

from PyLogikSlicerLib.core.geometry import Box  # noqa: E402
from PyLogikSlicerLib.core.stack import Header, ImageStack  # noqa: E402
from PyLogikSlicerLib.core.text_map import Coverage, CoverageKind, Region, TextMap  # noqa: E402
from PyLogikSlicerLib.detection.engines import Engine, choose_engine  # noqa: E402
from PyLogikSlicerLib.detection.examine import examine  # noqa: E402
from PyLogikSlicerLib.detection.recognition import read_lines  # noqa: E402
from PyLogikSlicerLib.detection.text_line import TextLine  # noqa: E402
from PyLogikSlicerLib.policy.decisions import decide  # noqa: E402
from PyLogikSlicerLib.reading import open_stacks  # noqa: E402

KINDS = ("scientific", "vendor", "marker", "phi-like")
# The truth's boxes are tight; readers want a little room around a line.
ROOM = 2
INVENTED = 5000
SEED = 3
SHOWN = 40


@dataclass(frozen=True)
class Judged:
    """One item of the truth as it was read one way, and what was decided."""

    image: str
    kind: str
    text: str
    read: str
    kept: bool

    @property
    def may_be_a_measurement(self) -> bool:
        """A number alone is nobody's measurement, and a word alone none; this asks for both and knows none of the patterns."""
        return self.kind == "scientific" and any(map(str.isdigit, self.text)) and any(map(str.isalpha, self.text))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--corpus", type=Path, default=REPOSITORY.parent / "shared" / "corpus")
    parser.add_argument("--examine", action="store_true", help="examine the reference frames too")
    parser.add_argument("--dry", action="store_true", help="print, and leave RESULTS.md alone")
    arguments = parser.parse_args()
    if not (arguments.corpus / "truth").is_dir():
        print("the corpus is not here: name its folder with --corpus", file=sys.stderr)
        return 2
    engine = choose_engine("ppocr", "cpu")
    ways: dict[str, Callable] = {"as the truth reads": by_truth, "as PP-OCR reads the box": by_reading}
    if arguments.examine:
        ways["as the examination's regions"] = by_examination
    judged = {way: [] for way in ways}
    for truth, header, image in references(arguments.corpus):
        for way, judge in ways.items():
            judged[way] += judge(truth, header, image, engine)
    made_up = invented_and_kept()
    text = section(judged, made_up)
    print(text)
    if not arguments.dry:
        write_section("policy", text)
    return int(bool(made_up) or any(one.kept and one.kind == "phi-like" for found in judged.values() for one in found))


def references(corpus: Path) -> Iterable[tuple[dict, Header, np.ndarray]]:
    """Truth, header and first reference frame (RGB) of each image of the corpus."""
    sources = {path.stem: path for path in (corpus / "text").rglob("*") if path.is_file()}
    for path in sorted((corpus / "truth").glob("*.json")):
        truth = json.loads(path.read_text(encoding="utf-8"))
        pictures = sorted(path.parent.glob(f"{path.stem}_*.png"), key=lambda picture: int(picture.stem.rpartition("_")[2]))
        first = int(pictures[0].stem.rpartition("_")[2])
        items = [item for item in truth["items"] if item.get("frame") in (None, first)]
        image = cv2.imread(str(pictures[0]), cv2.IMREAD_COLOR)
        yield {**truth, "items": items}, open_stacks(sources[path.stem])[0].header, np.ascontiguousarray(image[..., ::-1])


def by_truth(truth: dict, header: Header, _: np.ndarray, __: Engine) -> list[Judged]:
    return _judged(truth, header, [(item["text"], 1.0) for item in truth["items"]])


def by_reading(truth: dict, header: Header, image: np.ndarray, engine: Engine) -> list[Judged]:
    boxes = (tuple(round(edge) for edge in item["box"]) for item in truth["items"])
    lines = [TextLine(Box(x0 - ROOM, y0 - ROOM, x1 + ROOM, y1 + ROOM).polygon, ("truth",)) for x0, y0, x1, y1 in boxes]
    return _judged(truth, header, read_lines(image, lines, engine.readers))


def _judged(truth: dict, header: Header, lines: list[tuple[str, float]]) -> list[Judged]:
    regions = [Region(Box(0, 0, 1, 1).polygon, 0, 0, text, confidence) for text, confidence in lines]
    decided = decide(TextMap(tuple(regions), (Coverage(CoverageKind.WHOLE, 1.0),)), header, "measurements").regions
    return [
        Judged(truth["name"], item["kind"], item["text"], region.text, region.decision == "keep")
        for item, region in zip(truth["items"], decided, strict=True)
    ]


def by_examination(truth: dict, header: Header, image: np.ndarray, engine: Engine) -> list[Judged]:
    """An item is kept where regions that are kept hold most of it, and none that is redacted does."""
    stack = ImageStack(Path(truth["name"]), truth["name"], 1, *image.shape[:2], 3, image.dtype, lambda: iter([image]), header=header)
    regions = decide(examine(stack, engine.readers).text_map, header, "measurements").regions
    judged = []
    for item in truth["items"]:
        box = tuple(round(edge) for edge in item["box"])
        there = [region for region in regions if region.box.overlap(box) > 0.5 * box.area]
        kept = bool(there) and all(region.decision == "keep" for region in there)
        judged.append(Judged(truth["name"], item["kind"], item["text"], " | ".join(region.text for region in there), kept))
    return judged


def invented_and_kept() -> list[str]:
    """Of thousands of invented names, dates, times and numbers, those that would be kept."""
    rng = np.random.default_rng(SEED)
    texts = [invented(rng, "phi-like") for _ in range(INVENTED)]
    regions = tuple(Region(Box(0, 0, 1, 1).polygon, 0, 0, (text,), 1.0) for text in texts)
    return [
        region.text
        for modality in ("US", "CT", "MR", "")
        for region in decide(TextMap(regions, (Coverage(CoverageKind.WHOLE, 1.0),)), Header(modality=modality), "measurements").regions
        if region.decision == "keep"
    ]


def section(judged: dict[str, list[Judged]], made_up: list[str]) -> str:
    lines = [
        "| the text | kept | precision | recall of scientific | recall of those with digits and letters | phi-like kept |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for way, found in judged.items():
        kept = Counter(one.kind for one in found if one.kept)
        all_of = Counter(one.kind for one in found)
        likely = [one.kept for one in found if one.may_be_a_measurement]
        precision = f"{kept['scientific'] / kept.total():.3f}" if kept.total() else "-"
        recall = kept["scientific"] / all_of["scientific"]
        counts = ", ".join(f"{kept[kind]} of {all_of[kind]} {kind}" for kind in KINDS)
        shares = f"{precision} | {recall:.3f} | {np.mean(likely):.3f} of {len(likely)}"
        lines.append(f"| {way} | {counts} | {shares} | {kept['phi-like']} of {all_of['phi-like']} |")
    distinct = sorted(set(made_up))
    lines += ["", f"Of {INVENTED} invented names, dates, times and numbers {len(distinct)} would be kept{_listed(distinct)}."]
    for way, found in judged.items():
        wrong = sorted({f"{one.text} ({one.kind}, read {one.read})" for one in found if one.kept and one.kind != "scientific"})
        lost = sorted({one.text for one in found if one.may_be_a_measurement and not one.kept})
        lines += ["", f"Kept {way}, and not scientific: {len(wrong)}{_listed(wrong)}."]
        lines += ["", f"Redacted {way}, with digits and letters: {len(lost)} different ones{_listed(lost)}."]
    return "\n".join(lines)


def _listed(texts: list[str]) -> str:
    shown = ", ".join(f"`{text}`" for text in texts[:SHOWN])
    return (f": {shown}" + (" and others" if len(texts) > SHOWN else "")) if texts else ""


if __name__ == "__main__":
    sys.exit(main())
