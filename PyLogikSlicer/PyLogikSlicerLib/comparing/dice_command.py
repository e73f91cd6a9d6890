"""``pylogikslicer dice``: compare files or folders, print a table, write ``dice.csv`` and two pictures."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from ..errors import PyLogikSlicerError, UsageError
from .alignment import aligned
from .comparison import Comparison, compare
from .files import write_files
from .pictures import Panel, least_alike, panels_of
from .sources import Load, paired
from .tables import table


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
        write_files(output, results, panels)
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
