#!/usr/bin/env python3
"""Compare two output folders of the same inputs: pixels, text.csv and report.json. Exit status 0 where they are the same.

    python Testing/Benchmarks/compare_output.py BEFORE AFTER [--except FIELD ...]

The proof that a change of the structure changes no result: run `pylogikslicer deid --keep-names` over the same inputs with the code
before and after, then compare. Images are matched by the content of their sources (crosswalk.csv), since some names are random. Fields of
report.json that tell of the run and not of the result (times, versions) are left out; further ones are named with --except.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections import Counter
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


def rows_of(root: Path, table: str) -> list[dict[str, str]]:
    with open(root / "phi" / f"{table}.csv", newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def common_names(before: Path, after: Path) -> dict[str, str]:
    """Names of images after, to the names that images of the same source and number in it have before."""
    named = []
    for root in (before, after):
        names: dict[tuple[str, int], str] = {}
        for row in rows_of(root, "crosswalk"):
            number = 0
            while (row["sha256"], number) in names:
                number += 1
            names[row["sha256"], number] = row["name"]
        named.append(names)
    return {name: named[0].get(key, name) for key, name in named[1].items()}


def different_images(before: Path, after: Path, names: dict[str, str]) -> Iterator[str]:
    """Files that only one of the folders has, or whose pixels differ."""
    found = [
        {path.relative_to(root / "images"): path for path in (root / "images").rglob("*") if path.is_file()} for root in (before, after)
    ]
    found[1] = {Path(*(part.replace(key.parts[0], names[key.parts[0]]) for part in key.parts)): path for key, path in found[1].items()}
    yield from (f"images: only one run wrote {path}" for path in sorted(found[0].keys() ^ found[1].keys()))
    for path in sorted(found[0].keys() & found[1].keys()):
        one, other = found[0][path], found[1][path]
        if one.read_bytes() != other.read_bytes() and not np.array_equal(pixels_of(one), pixels_of(other)):
            yield f"images: {path} has other pixels"


def different_rows(before: Path, after: Path, names: dict[str, str]) -> Iterator[str]:
    """Rows of text.csv that only one of the runs has, named by image and box, without the text."""
    tables = [Counter(tuple({**row, "source": ""}.items()) for row in rows_of(before, "text"))]
    tables.append(Counter(tuple({**row, "source": "", "name": names[row["name"]]}.items()) for row in rows_of(after, "text")))
    for label, rows in (("before", tables[0] - tables[1]), ("after", tables[1] - tables[0])):
        for cells in map(dict, rows):
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


def report_of(root: Path, names: dict[str, str]) -> dict:
    report = json.loads((root / "report.json").read_text(encoding="utf-8"))
    images = [{**image, "name": names.get(image["name"], image["name"])} for image in report["images"]]
    return {**report, "images": sorted(images, key=lambda image: image["name"])}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("before", type=Path)
    parser.add_argument("after", type=Path)
    parser.add_argument("--except", dest="left_out", nargs="*", default=[], metavar="FIELD", help="fields of report.json to leave out too")
    arguments = parser.parse_args()
    left_out = frozenset((*OF_THE_RUN, *arguments.left_out))
    names = common_names(arguments.before, arguments.after)
    before, after = report_of(arguments.before, {}), report_of(arguments.after, names)
    differences = [
        *different_images(arguments.before, arguments.after, names),
        *different_rows(arguments.before, arguments.after, names),
        *different_fields(before, after, left_out),
    ]
    print("\n".join(differences) if differences else f"the same: {len(after['images'])} images")
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
