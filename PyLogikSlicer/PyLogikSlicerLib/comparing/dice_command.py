"""``pylogikslicer dice``: compare files or folders, print a table, write ``dice.csv`` and two pictures."""

from __future__ import annotations

import sys
from pathlib import Path

from ..core.errors import PyLogikSlicerError, UsageError
from ..core.label_mask import Mask
from .alignment import aligned
from .comparison import Comparison, compare
from .files import write_files
from .mask_pairs import Load, paired
from .pairing import LabelPair, chosen, number_in, paired_labels
from .pictures import Panel, least_alike, panels_of
from .tables import table


def run_dice(pred: Path, true: Path, label: str | None = None, output: Path | None = None) -> bool:
    """Compare, print the table to stdout, and with ``output`` write the files there. ``label``: a number or a name; by default all.

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


def _compared(loads: tuple[Load, Load], label: str | None, title: str) -> tuple[Comparison, list[Panel]]:
    masks = tuple(load() for load in loads)
    pred, true, spacing = aligned(*masks)
    pairs = paired_labels(*masks)
    if len(pairs) == 2 and pairs[0].true_label is None and pairs[1].label is None:
        print(
            f"{title}each mask has one label, {pairs[0].label} and {pairs[1].true_label}, which were not taken for the same: "
            "if they are, give them one number or name",
            file=sys.stderr,
        )
    if label is not None:
        pairs = _chosen(pairs, label, masks)
    comparison = compare(pred, true, spacing, pairs)
    return comparison, panels_of(pred, true, comparison, title, pairs)


def _chosen(pairs: list[LabelPair], label: str, masks: tuple[Mask, Mask]) -> list[LabelPair]:
    found, number = chosen(pairs, label, *masks), number_in(label)
    if not found and not pairs and number is not None:
        return [LabelPair(number, number)]  # two empty masks, which agree
    if not found:
        numbers = sorted({one for pair in pairs for one in (pair.label, pair.true_label) if one is not None})
        choices = ", ".join(map(str, numbers)) or "none, since both masks are empty"
        named = "that name" if number is None else f"the label {number}"
        raise UsageError(f"neither mask has {named}; choose one of {choices} or a name of the table with -k, or leave it out for all")
    return found
