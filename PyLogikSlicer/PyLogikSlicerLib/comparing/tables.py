"""Scores as a table for reading and as a CSV file for programs."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from math import isnan, nan
from pathlib import Path

import numpy as np

from ..writing.cells import as_cell
from .comparison import Comparison, Row, Score, worst_first


def write_csv(results: Mapping[str, Comparison], path: Path) -> None:
    """Write all values in long form, with the columns ``item, label, true_label, name, frame, metric, value``.

    The keys of ``results`` are the items. ``label`` is that of the prediction and ``true_label`` that of the truth; both are ``all`` for
    all labels together, and one is empty for a label without a partner. ``frame`` is empty over all frames, and ``value`` where it is
    undefined. Raises OSError where ``path`` cannot be written.
    """
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(Row._fields)
        for name, comparison in results.items():
            writer.writerows(_csv_cells(row) for row in comparison.rows(name))


def _csv_cells(row: Row) -> tuple:
    is_total = row.label is None and row.true_label is None
    labels = ("all", "all") if is_total else (row.label, row.true_label)
    cells = ("" if cell is None else as_cell(cell) if isinstance(cell, str) else cell for cell in (*labels, *row[3:]))
    return as_cell(row.item), *cells


def table(results: dict[str, Comparison]) -> Iterator[str]:
    """The lines of a table with a row for each label, and one for all labels of an item together where it has several."""
    unit = {comparison.unit for comparison in results.values()}
    distance = f"({unit.pop()})" if len(unit) == 1 else ""
    rows = [
        ["item", "label", "Dice", "Jaccard", "precision", "recall", f"Hausdorff {distance}", "95 %", "mean", "worst frame", "paired by"]
    ]
    for name, comparison in results.items():
        for score, frames in zip(comparison.overall, comparison.frames or [()] * len(comparison.overall), strict=True):
            worst = next((str(frame) for frame in worst_first(frames)), "")
            rows.append([name, score.title, *_cells(score), worst, score.paired_by or "no partner"])
        if len(comparison.overall) != 1:
            rows.append([name, "all", *_cells(comparison.total), "", ""])
    if len({row[0] for row in rows[1:]}) == 1:
        rows = [row[1:] for row in rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
    if len(results) > 1:
        yield f"mean Dice of {len(results)} items: {np.mean([comparison.total.dice for comparison in results.values()]):.4f}"


def _cells(score: Score) -> list[str]:
    shares = [f"{value:.4f}" for value in (score.dice, score.jaccard, score.precision, score.recall)]
    far = score.distances
    distances = ["-" if isnan(value) else f"{value:.2f}" for value in ((far.hausdorff, far.hausdorff95, far.mean) if far else (nan,) * 3)]
    return [*("-" if share == "nan" else share for share in shares), *distances]
