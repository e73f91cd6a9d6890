"""``pylogikslicer dice``: compare files or folders, print a table, write ``dice.csv`` and two pictures."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from ..errors import PyLogikSlicerError, UsageError
from .alignment import aligned
from .comparison import Comparison, compare
from .pictures import Panel, least_alike, panels_of, write_frame_plot, write_pairs
from .sources import Load, paired
from .tables import table, write_csv


def run_dice(pred: Path, true: Path, label: int | None = None, output: Path | None = None) -> bool:
    """Compare, print the table to stdout, and with ``output`` write the files there.

    ``dice.csv`` holds every value (:func:`~PyLogikSlicerLib.comparing.write_csv`), ``dice.png`` shows both masks, and
    ``dice_per_frame.png`` Dice over the frames of stacks; of many labels the pictures show those that agree least. No name of
    a mask file is in them.

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
        panels = least_alike(panels + drawn)
    for line in table(results):
        print(line)
    if output is not None and results:
        _write(output, results, panels)
    for side, count in zip(("prediction", "truth"), pairing.lonely, strict=True):
        if count:
            print(f"{count} of the {side} had no partner of the same name", file=sys.stderr)
    return len(results) == len(pairing.pairs) and not any(pairing.lonely)


def _compared(loads: tuple[Load, Load], label: int | None, title: str) -> tuple[Comparison, list[Panel]]:
    pred, true, spacing = aligned(*(load() for load in loads))
    comparison = compare(pred, true, spacing, None if label is None else [label])
    if label is not None and not (comparison.total.predicted or comparison.total.true):
        present = np.union1d(pred, true)
        if present.any():
            choices = ", ".join(str(int(value)) for value in present if value)
            raise UsageError(f"neither mask has the label {label}; choose one of {choices} with -k, or leave it out for all")
    return comparison, panels_of(pred, true, comparison, title)


def _write(folder: Path, results: dict[str, Comparison], panels: list[Panel]) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_csv(results, folder / "dice.csv")
        if panels:
            write_pairs(panels, folder / "dice.png")
        stacks = [panel for panel in panels if panel.frame_dice]
        if stacks:
            write_frame_plot(stacks, folder / "dice_per_frame.png")
    except OSError as error:
        raise UsageError(f"dice.csv and its pictures cannot be written to the output folder: {error.strerror}") from None
