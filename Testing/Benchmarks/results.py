"""RESULTS.md: each script writes its own section, between its own marks; what people write stays."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "RESULTS.md"


def write_section(name: str, text: str) -> None:
    """Replace what stands between ``<!-- name -->`` and ``<!-- /name -->`` in RESULTS.md by ``text`` and the date."""
    page = RESULTS.read_text(encoding="utf-8")
    marks = f"<!-- {name} -->", f"<!-- /{name} -->"
    pattern = re.compile(f"{re.escape(marks[0])}.*?{re.escape(marks[1])}", re.DOTALL)
    if not pattern.search(page):
        raise SystemExit(f"RESULTS.md has no place marked {marks[0]} ... {marks[1]}")
    section = f"{marks[0]}\nMeasured {date.today():%Y-%m-%d}.\n\n{text.strip()}\n{marks[1]}"
    RESULTS.write_text(pattern.sub(lambda _: section, page), encoding="utf-8")
