#!/usr/bin/env python3
"""Compare two output folders of the same inputs: pixels, text.csv and report.json. Exit status 0 where they are the same.

    python Testing/Benchmarks/compare_output.py BEFORE AFTER [--except FIELD ...]

The proof that a change of the structure changes no result: run `pylogikslicer deid --keep-names` over the same inputs with the code
before and after, then compare. Images are matched by name. Fields of report.json that tell of the run and not of the result (times,
versions) are left out; further ones are named with --except.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image

# Of report.json: how long it took and on what.
OF_THE_RUN = ("seconds", "version", "python", "packages", "files", "bytes_written")


def pixels_of(path: Path) -> np.ndarray:
    """Samples as stored; lossless JPEG is not read by OpenCV's usual builds and goes through imagecodecs."""
    image = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    if image is not None:
        return image
    try:
        return np.asarray(Image.open(path))
    except OSError:
        import imagecodecs

        return imagecodecs.imread(str(path))


def different_images(before: Path, after: Path) -> Iterator[str]:
    """Files that only one of the folders has, or whose pixels differ."""
    files = [{path.relative_to(root / "images") for path in (root / "images").rglob("*") if path.is_file()} for root in (before, after)]
    yield from (f"images: only one run wrote {path}" for path in sorted(files[0] ^ files[1]))
    for path in sorted(files[0] & files[1]):
        one, other = before / "images" / path, after / "images" / path
        if one.read_bytes() != other.read_bytes() and not np.array_equal(pixels_of(one), pixels_of(other)):
            yield f"images: {path} has other pixels"


def different_rows(before: Path, after: Path) -> Iterator[str]:
    """Rows of text.csv that only one of the runs has, told by image and box, without the text."""
    tables = []
    for root in (before, after):
        with open(root / "phi" / "text.csv", newline="", encoding="utf-8") as file:
            tables.append([tuple(sorted(row.items())) for row in csv.DictReader(file)])
    for label, rows, others in (("before", tables[0], tables[1]), ("after", tables[1], tables[0])):
        rest = list(others)
        for row in rows:
            if row in rest:
                rest.remove(row)
            else:
                cells = dict(row)
                yield f"text.csv: only {label}: {cells['name']} at {cells['x0']}, {cells['y0']}, {cells['x1']}, {cells['y1']}"


def different_fields(before: Any, after: Any, left_out: frozenset[str], where: str = "report.json") -> Iterator[str]:
    """Paths of fields whose values differ."""
    if isinstance(before, dict) and isinstance(after, dict):
        for key in sorted((before.keys() | after.keys()) - left_out):
            if key in before and key in after:
                yield from different_fields(before[key], after[key], left_out, f"{where}: {key}")
            else:
                yield f"{where}: only one run has {key}"
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for number, (one, other) in enumerate(zip(before, after, strict=True)):
            name = one.get("name", number) if isinstance(one, dict) else number
            yield from different_fields(one, other, left_out, f"{where}: {name}")
    elif before != after:
        yield f"{where}: {before!r} and {after!r}"


def report_of(root: Path) -> dict:
    report = json.loads((root / "report.json").read_text(encoding="utf-8"))
    return {**report, "images": sorted(report["images"], key=lambda image: image["name"])}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("before", type=Path)
    parser.add_argument("after", type=Path)
    parser.add_argument("--except", dest="left_out", nargs="*", default=[], metavar="FIELD", help="fields of report.json to leave out too")
    arguments = parser.parse_args()
    left_out = frozenset((*OF_THE_RUN, *arguments.left_out))
    differences = [
        *different_images(arguments.before, arguments.after),
        *different_rows(arguments.before, arguments.after),
        *different_fields(report_of(arguments.before), report_of(arguments.after), left_out),
    ]
    print("\n".join(differences) if differences else f"the same: {len(report_of(arguments.after)['images'])} images")
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
