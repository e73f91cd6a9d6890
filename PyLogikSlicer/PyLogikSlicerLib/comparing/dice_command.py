"""``pylogikslicer dice``: compare files or folders, print a table, write ``dice.csv`` and two pictures."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator
from math import isnan, nan
from pathlib import Path

import numpy as np

from ..errors import PyLogikSlicerError, UsageError
from .alignment import aligned
from .comparison import Comparison, Row, Score, compare
from .overlap import as_frames
from .pictures import Panel, shown_frames, write_frame_plot, write_pairs
from .sources import Load, paired

# Pictures show so many labels; of more, those that agree least.
_MOST_PANELS = 12


def run_dice(pred: Path, true: Path, label: int | None = None, output: Path | None = None) -> bool:
    """Compare, print the table to stdout, and with ``output`` write the files there.

    ``dice.csv`` is in long form: ``item, label, frame, metric, value``, where ``label`` is ``all`` for all labels together,
    ``frame`` is empty over all frames, and ``value`` is empty where it is undefined. ``dice.png`` shows both masks,
    ``dice_per_frame.png`` Dice over the frames of stacks. No name of a mask file is in them.

    Returns
    -------
    bool
        Whether all that was given was compared; if not, stderr says what was not.

    Raises
    ------
    UnreadableInput, UsageError
        The only pair cannot be compared, no pair is found, or ``output`` cannot be written.
    """
    pairing = paired(pred, true)
    several = len(pairing.pairs) > 1
    results: dict[str, Comparison] = {}
    panels: list[Panel] = []
    for name, loads in pairing.pairs.items():
        try:
            results[name], drawn = _compared(loads, label, f"{name}, " if several else "")
        except PyLogikSlicerError as error:
            if not several:
                raise
            print(f"{name} was not compared: {error}", file=sys.stderr)
            continue
        panels = sorted(panels + drawn, key=lambda panel: panel.dice)[:_MOST_PANELS]
    for line in table(results):
        print(line)
    if output is not None and results:
        _write(output, results, panels)
    for side, count in zip(("prediction", "truth"), pairing.lonely, strict=True):
        if count:
            print(f"{count} of the {side} had no partner of the same name", file=sys.stderr)
    return len(results) == len(pairing.pairs) and not any(pairing.lonely)


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


def _compared(loads: tuple[Load, Load], label: int | None, title: str) -> tuple[Comparison, list[Panel]]:
    pred, true, spacing = aligned(*(load() for load in loads))
    comparison = compare(pred, true, spacing, None if label is None else [label])
    if label is not None and not (comparison.total.predicted or comparison.total.true):
        present = np.union1d(pred, true)
        if present.any():
            choices = ", ".join(str(int(value)) for value in present if value)
            raise UsageError(f"neither mask has the label {label}; choose one of {choices} with -k, or leave it out for all")
    return comparison, [_panel(pred, true, comparison, score, title) for score in _least_alike(comparison)]


def _least_alike(comparison: Comparison) -> list[Score]:
    return sorted(comparison.overall, key=lambda score: score.dice)[:_MOST_PANELS]


def _panel(pred: np.ndarray, true: np.ndarray, comparison: Comparison, score: Score, title: str) -> Panel:
    scores = comparison.of_frames(score.label)
    held = shown_frames(comparison.worst_frames(score.label) or [0])
    return Panel(
        title=f"{title}label {score.label}: Dice {score.dice:.4f}",
        dice=score.dice,
        pred=as_frames(pred)[list(held)] == score.label,
        true=as_frames(true)[list(held)] == score.label,
        shown=held,
        frame_dice=tuple(one.dice if one.predicted or one.true else nan for one in scores),
    )


def _write(folder: Path, results: dict[str, Comparison], panels: list[Panel]) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / "dice.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(Row._fields)
            for name, comparison in results.items():
                writer.writerows(_csv_cells(row) for row in comparison.rows(name))
        if panels:
            write_pairs(panels, folder / "dice.png")
        stacks = [panel for panel in panels if panel.frame_dice]
        if stacks:
            write_frame_plot(stacks, folder / "dice_per_frame.png")
    except OSError as error:
        raise UsageError(f"dice.csv and its pictures cannot be written to the output folder: {error.strerror}") from None


def _csv_cells(row: Row) -> tuple:
    return row.item, "all" if row.label is None else row.label, *("" if cell is None else cell for cell in row[2:])
