#!/usr/bin/env python3
"""Score `pylogikslicer deid` on the corpus and write the tables and pictures of RESULTS.md.

    python Testing/Benchmarks/score_corpus.py [--corpus ../shared/corpus] [--out FOLDER]

The corpus and its `score.py` (beside the corpus folder) are not part of this repository. With --out a run is kept and
continued; what did not change is not done again.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path

import cv2
import numpy as np
from results import HERE, may_be_shown, write_section
from under_stems import under_stems

REPOSITORY = HERE.parents[1]
SHOWN_AROUND = 40


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--corpus", type=Path, default=REPOSITORY.parent / "shared" / "corpus")
    parser.add_argument("--out", type=Path, help="keep the run here (default: a temporary folder)")
    parser.add_argument("--no-run", action="store_true", help="score what --out holds already")
    arguments = parser.parse_args()
    if not (arguments.corpus / "truth").is_dir():
        print("the corpus is not here: name its folder with --corpus", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as temporary:
        out = arguments.out or Path(temporary) / "out"
        if not arguments.no_run:
            command = ["-m", "PyLogikSlicerLib", "deid", str(arguments.corpus / "text"), "-o", str(out), "--format", "png", "--keep-names"]
            subprocess.run([sys.executable, *command], check=False, env=_environment())
        view = under_stems(out, Path(temporary) / "view")
        report = json.loads((view / "report.json").read_text())
        scored = subprocess.run(
            [sys.executable, str(arguments.corpus.parent / "score.py"), str(arguments.corpus / "truth"), str(view), "--json"],
            stdout=subprocess.PIPE,
            text=True,
            check=False,
        )
        score = json.loads(scored.stdout)
        write_section("corpus", _section(score, report, arguments.corpus, view, _found_by_verification(out)))
    return 0


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(REPOSITORY / "PyLogikSlicer")}


def _section(score: dict, report: dict, corpus: Path, view: Path, later: dict[str, int]) -> str:
    lines = [
        f"Version {report['version']}, readers: {report['options']['readers']}, Python {report['python']}, {platform.system()}.",
        "",
        "| items | number | leaks | recall |",
        "| --- | ---: | ---: | ---: |",
    ]
    lines += [f"| {group} | {row['items']} | {row['leaks']} | {row['recall']:.4f} |" for group, row in score["recall"].items()]
    lines += [
        "",
        f"Over-masked: {score['over_masked_frame']:.2%} of the frame, {score['over_masked_roi']:.2%} of the region of interest. "
        f"Files missing: {len(score['missing'])}.",
        "",
        "Per image (seconds on the machine and under the load of that run: compare rows, not runs):",
        "",
        "| image | frames | items | leaks | over-masked | regions | found by verification | examine s | verify s |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    images = {image["name"]: image for image in report["images"]}
    for name, row in sorted(score["images"].items()):
        image = images[name]
        lines.append(
            f"| {name} | {image['frames']} | {row['items']} | {row['leaks']} | {row['over_masked']:.2%} | {image['regions']} | "
            f"{later.get(name, 0)} | {image['seconds']['examine']:.1f} | {image['seconds']['verify']:.1f} |"
        )
    lines += ["", "### What falls short", ""]
    lines += [_shortfall(leak, corpus, view) for leak in score["leaks"]] or ["Nothing on these images."]
    lines += [f"- `{name}`: no output" for name in score["missing"]]
    return "\n".join(lines)


def _found_by_verification(out: Path) -> dict[str, int]:
    counts: dict[str, int] = {}
    with open(out / "phi" / "text.csv", newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if row["reason"] == "found by verification":
                stem = Path(row["source"]).stem
                counts[stem] = counts.get(stem, 0) + 1
    return counts


def _shortfall(leak: dict, corpus: Path, view: Path) -> str:
    name, frame = leak["name"], leak["frame"]
    told = (
        f"- `{name}` frame {frame}: `{leak['text']}` ({leak['kind']}, {leak['height']} px high), {leak['visible']:.0%} of its ink visible"
    )
    if not may_be_shown(name, corpus):
        return f"{told} (the image's licence does not let us show it)"
    truth = json.loads((corpus / "truth" / f"{name}.json").read_text())
    boxes = [item["box"] for item in truth["items"] if item["text"] == leak["text"] and item.get("frame") in (None, frame)]
    picture = HERE / "pictures" / f"leak_{name}_{frame}_{'-'.join(str(round(edge)) for edge in boxes[0][:2])}.png"
    _draw(corpus / "truth" / f"{name}_{frame}.png", view / "images" / name / f"{name}_{frame:04d}.png", boxes, picture)
    return f"{told}\n\n  ![before and after](pictures/{picture.name})\n"


def _draw(before: Path, after: Path, boxes: list, picture: Path) -> None:
    """What stood around the leaking items (one picture holds all of the same text) before and after, side by side, twice as large."""
    shown = [cv2.imread(str(path), cv2.IMREAD_COLOR) for path in (before, after)]
    low = np.min(boxes, axis=0)[:2].astype(int) - SHOWN_AROUND
    high = np.max(boxes, axis=0)[2:].astype(int) + SHOWN_AROUND
    cut = [image[max(low[1], 0) : high[1], max(low[0], 0) : high[0]] for image in shown]
    gap = np.full((cut[0].shape[0], 6, 3), 128, np.uint8)
    picture.parent.mkdir(exist_ok=True)
    cv2.imwrite(str(picture), cv2.resize(np.hstack([cut[0], gap, cut[1]]), None, fx=2, fy=2, interpolation=cv2.INTER_NEAREST))


if __name__ == "__main__":
    sys.exit(main())
