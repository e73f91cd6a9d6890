"""Scores as a table for people and as a file for programs."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from math import isnan, nan
from pathlib import Path

import numpy as np

from ..writing.cells import as_cell
from .comparison import Comparison, Row, Score


def write_csv(results: Mapping[str, Comparison], path: Path) -> None:
    """All values in long form: ``item, label, frame, metric, value``.

    The keys are the items; ``label`` is ``all`` for all labels together, ``frame`` is empty over all frames, and ``value`` is
    empty where it is undefined. Raises OSError where ``path`` cannot be written.
    """
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(Row._fields)
        for name, comparison in results.items():
            writer.writerows(_csv_cells(row) for row in comparison.rows(name))


def _csv_cells(row: Row) -> tuple:
    return as_cell(row.item), "all" if row.label is None else row.label, *("" if cell is None else cell for cell in row[2:])


def table(results: dict[str, Comparison]) -> Iterator[str]:
    """Lines for people: a row for each label, and for all labels of an item together where it has several."""
    unit = {comparison.unit for comparison in results.values()}
    distance = f"({unit.pop()})" if len(unit) == 1 else ""
    rows = [["item", "label", "Dice", "Jaccard", "precision", "recall", f"Hausdorff {distance}", "95 %", "mean", "worst frame"]]
    for name, comparison in results.items():
        for score in (*comparison.overall, *([comparison.total] if len(comparison.overall) != 1 else [])):
            rows.append([name, *_cells(comparison, score)])
    if len({row[0] for row in rows[1:]}) == 1:
        rows = [row[1:] for row in rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
    if len(results) > 1:
        yield f"mean Dice of {len(results)} items: {np.mean([comparison.total.dice for comparison in results.values()]):.4f}"


def _cells(comparison: Comparison, score: Score) -> list[str]:
    shares = [f"{value:.4f}" for value in (score.dice, score.jaccard, score.precision, score.recall)]
    far = score.distances
    distances = ["-" if isnan(value) else f"{value:.2f}" for value in ((far.hausdorff, far.hausdorff95, far.mean) if far else (nan,) * 3)]
    worst = "" if score.label is None else next((str(frame) for frame in comparison.worst_frames(score.label)), "")
    return ["all" if score.label is None else str(score.label), *("-" if share == "nan" else share for share in shares), *distances, worst]
