"""RESULTS.md: each script writes its own section, between its own marks; what people write stays."""

from __future__ import annotations

import csv
import re
from datetime import date
from pathlib import Path

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "RESULTS.md"
FREE_LICENCES = ("MIT", "Apache-2.0", "BSD", "CC0")


def write_section(name: str, text: str) -> None:
    """Replace what stands between ``<!-- name -->`` and ``<!-- /name -->`` in RESULTS.md by ``text`` and the date."""
    page = RESULTS.read_text(encoding="utf-8")
    marks = f"<!-- {name} -->", f"<!-- /{name} -->"
    pattern = re.compile(f"{re.escape(marks[0])}.*?{re.escape(marks[1])}", re.DOTALL)
    if not pattern.search(page):
        raise SystemExit(f"RESULTS.md has no place marked {marks[0]} ... {marks[1]}")
    section = f"{marks[0]}\nMeasured {date.today():%Y-%m-%d}.\n\n{text.strip()}\n{marks[1]}"
    RESULTS.write_text(pattern.sub(lambda _: section, page), encoding="utf-8")


def may_be_shown(name: str, corpus: Path) -> bool:
    """Whether the licence of the corpus' image of this name lets us show it."""
    with open(corpus / "MANIFEST.csv", newline="", encoding="utf-8") as file:
        licences = {Path(row["file"]).stem: row["licence"] for row in csv.DictReader(file)}
    return licences.get(name, "").startswith(FREE_LICENCES)
