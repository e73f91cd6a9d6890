"""An output folder as the scorers want it: every image under the stem of its source, also one whose stem tells of a person.

Such an image has a random name even with ``--keep-names``; ``phi/crosswalk.csv`` says which one.
"""

from __future__ import annotations

import csv
import json
from pathlib import Path


def under_stems(out: Path, view: Path) -> Path:
    """Fill the empty folder ``view`` with links to the images of the run in ``out`` and its report, all by stem; returns it."""
    with open(out / "phi" / "crosswalk.csv", newline="", encoding="utf-8") as file:
        stems = {row["name"]: _own(row["name"], Path(row["source"]).stem) for row in csv.DictReader(file)}
    report = json.loads((out / "report.json").read_text(encoding="utf-8"))
    for image in report["images"]:
        name, stem = image["name"], stems.get(image["name"], image["name"])
        image["name"] = stem
        folder = view / "images" / stem
        folder.mkdir(parents=True, exist_ok=True)
        for path in (out / "images" / name).glob("*"):
            (folder / path.name.replace(name, stem, 1)).symlink_to(path.resolve())
    (view / "report.json").write_text(json.dumps(report), encoding="utf-8")
    return view


def _own(name: str, stem: str) -> str:
    """A page or a second source of a stem (``stem-2``) keeps its name."""
    return name if name.startswith(stem) else stem
