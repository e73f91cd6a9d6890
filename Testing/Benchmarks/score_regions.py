#!/usr/bin/env python3
"""Score `pylogikslicer deid-us` on the corpus' outlines, count bytes per format, time the region finder, and write RESULTS.md.

    python Testing/Benchmarks/score_regions.py [--corpus ../shared/corpus] [--out FOLDER]

The corpus and its `score_roi.py` (beside the corpus folder) are not part of this repository. With --out a run is kept and
continued. Bytes of the formats that were not run are those of the written frames encoded again.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np
from pydicom import dcmread
from results import HERE, may_be_shown, write_section

REPOSITORY = HERE.parents[1]
sys.path.insert(0, str(REPOSITORY / "PyLogikSlicer"))

from roi_phantom import dice, make_phantom, pylogik  # noqa: E402
from under_stems import under_stems  # noqa: E402

from PyLogikSlicerLib.core.geometry import to_pixel_centers  # noqa: E402
from PyLogikSlicerLib.core.projections import CompositeAccumulator  # noqa: E402
from PyLogikSlicerLib.reading import open_stacks  # noqa: E402
from PyLogikSlicerLib.roi import find_roi  # noqa: E402
from PyLogikSlicerLib.writing.formats import FORMATS, encode  # noqa: E402

GOOD = 0.97
TIMED_FRAMES = (1, 30, 100, 300)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--corpus", type=Path, default=REPOSITORY.parent / "shared" / "corpus")
    parser.add_argument("--out", type=Path, help="keep the run here (default: a temporary folder)")
    arguments = parser.parse_args()
    if not (arguments.corpus / "roi").is_dir():
        print("the corpus is not here: name its folder with --corpus", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as temporary:
        out = arguments.out or Path(temporary) / "out"
        sources = sources_of(arguments.corpus)
        command = [sys.executable, "-m", "PyLogikSlicerLib", "deid-us", *map(str, sources.values()), "-o", str(out), "--format", "png"]
        command.append("--keep-names")
        subprocess.run(command, check=False, env={**os.environ, "PYTHONPATH": str(REPOSITORY / "PyLogikSlicer")})
        view = under_stems(out, Path(temporary) / "view")
        scorer = [sys.executable, str(arguments.corpus.parent / "score_roi.py"), str(arguments.corpus / "roi"), str(view), "--json"]
        score = json.loads(subprocess.run(scorer, stdout=subprocess.PIPE, text=True, check=False).stdout)
        report = {image["name"]: image for image in json.loads((view / "report.json").read_text())["images"]}
        write_section("regions", "\n".join([*scores(score, report, arguments.corpus), *sizes(out, report, sources), *seconds()]))
    return 0


def sources_of(corpus: Path) -> dict[str, Path]:
    """The source file of each outline, by name."""
    files = {path.stem: path for path in sorted(corpus.rglob("*")) if path.is_file() and path.parent.name not in ("roi", "truth")}
    return {name: files[name] for name in sorted(path.stem for path in (corpus / "roi").glob("*.json"))}


def scores(score: dict, report: dict[str, dict], corpus: Path) -> list[str]:
    rows = sorted(score["images"], key=lambda row: row["dice"])
    dices = np.array([row["dice"] for row in rows] + [0.0] * len(score["missing"]))
    lines = [
        f"{len(dices)} outlines: mean Dice {dices.mean():.4f}, median {np.median(dices):.4f}, worst {dices.min():.4f}; "
        f"{(dices >= GOOD).mean():.0%} reach {GOOD}. Anatomy lost: {1 - np.mean([row['recall'] for row in rows]):.2%} in the mean. "
        f"Pixels outside that are not the fill: {sum(row['outside_is_fill'] is not True for row in rows)} images.",
        "",
        "| image | kind | found as | Dice | precision | recall | PyLogik's steps |",
        "| --- | --- | --- | ---: | ---: | ---: | ---: |",
    ]
    for row in rows:
        truth = cv2.imread(str(corpus / "roi" / f"{row['name']}_mask.png"), cv2.IMREAD_GRAYSCALE) > 127
        before = dice(pylogik(composites(sources_of(corpus)[row["name"]])), truth)
        lines.append(
            f"| {row['name']} | {row['kind']} | {report[row['name']]['roi']['kind']} | {row['dice']:.4f} | {row['precision']:.4f} | "
            f"{row['recall']:.4f} | {before:.4f} |"
        )
    lines += ["", "What falls short:", ""]
    lines += [shortfall(row, report[row["name"]], corpus) for row in rows if row["dice"] < GOOD]
    lines += [f"- `{name}`: no region reported" for name in score["missing"]]
    return lines if rows[0]["dice"] < GOOD or score["missing"] else [*lines, f"Nothing is below {GOOD}."]


def composites(source: Path):
    accumulator = CompositeAccumulator()
    (stack,) = open_stacks(source)
    for frame in stack.frames():
        accumulator.add(stack.display.show(frame))
    return accumulator.result()


def shortfall(row: dict, image: dict, corpus: Path) -> str:
    told = f"- `{row['name']}`: Dice {row['dice']:.4f}; {'; '.join(image['roi']['notes'])}"
    if not may_be_shown(row["name"], corpus):
        return f"{told} (the image's licence does not let us show it)"
    truth = cv2.imread(str(corpus / "roi" / f"{row['name']}_mask.png"), cv2.IMREAD_GRAYSCALE)
    shown = cv2.cvtColor(composites(sources_of(corpus)[row["name"]]).maximum, cv2.COLOR_GRAY2BGR)
    contours, _ = cv2.findContours(truth, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(shown, contours, -1, (0, 255, 0), 1)
    cv2.polylines(
        shown, [np.round(to_pixel_centers(polygon)).astype(np.int32) for polygon in image["roi"]["polygons"]], True, (0, 0, 255), 1
    )
    picture = HERE / "pictures" / f"region_{row['name']}.png"
    picture.parent.mkdir(exist_ok=True)
    cv2.imwrite(str(picture), shown)
    return f"{told}\n\n  ![expert green, found red](pictures/{picture.name})\n"


def sizes(out: Path, report: dict[str, dict], sources: dict[str, Path]) -> list[str]:
    """Bytes written per format, as a share of the source file: the DICOM sources of the outlines, as the paper counts, and
    apart those that are not compressed, as most of a scanner's are."""
    shares: dict[tuple[str, str], list[float]] = {}
    for name, image in report.items():
        if image["status"] != "done" or sources[name].suffix != ".dcm":
            continue
        syntax = dcmread(sources[name], stop_before_pixels=True).file_meta.TransferSyntaxUID
        frames = [cv2.imread(str(out / file), cv2.IMREAD_UNCHANGED) for file in image["files"]]
        pixels = [np.ascontiguousarray(frame[..., ::-1]) if frame.ndim == 3 else frame for frame in frames]
        for format_name, fmt in FORMATS.items():
            share = sum(len(encode(frame, fmt)) for frame in pixels) / image["bytes_source"]
            for group in ("all", "compressed" if syntax.is_compressed else "not compressed"):
                shares.setdefault((format_name, group), []).append(share)
    lines = [
        "",
        "Bytes written by `deid-us`, against the source DICOM file:",
        "",
        "| format | sources | files | mean reduction | median | worst |",
    ]
    lines.append("| --- | --- | ---: | ---: | ---: | ---: |")
    for (format_name, group), values in shares.items():
        gone = 1 - np.array(values)
        lines.append(f"| {format_name} | {group} | {len(gone)} | {gone.mean():.1%} | {np.median(gone):.1%} | {gone.min():.1%} |")
    return lines


def seconds() -> list[str]:
    """The region finder's own time on a cine of 800 x 600: composites, which grow with the frames, and the fit, which does not."""
    lines = ["", "Time of the region finder on an 800 x 600 cine, without decoding (medians of three kinds of display):", ""]
    lines += ["| frames | composites s | fit s | ms per frame |", "| ---: | ---: | ---: | ---: |"]
    phantoms = [
        next(p for p in (make_phantom(seed, kind) for seed in range(99)) if p.mask.shape == (600, 800))
        for kind in ("phased", "curved", "linear")
    ]
    for count in TIMED_FRAMES:
        taken = []
        for phantom in phantoms:
            start = time.perf_counter()
            accumulator = CompositeAccumulator()
            for number in range(count):
                accumulator.add(phantom.frames[number % len(phantom.frames)])
            middle = time.perf_counter()
            find_roi(accumulator.result(), phantom.text, "deid-us")
            taken.append((middle - start, time.perf_counter() - middle))
        gathered, fitted = np.median(taken, axis=0)
        lines.append(f"| {count} | {gathered:.2f} | {fitted:.2f} | {1000 * (gathered + fitted) / count:.0f} |")
    return lines


if __name__ == "__main__":
    sys.exit(main())
