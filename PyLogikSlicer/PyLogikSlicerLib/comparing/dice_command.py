"""The command ``pylogikslicer dice``: compares files or folders, prints a table, writes ``dice.csv`` and two pictures."""

from __future__ import annotations

import sys
from pathlib import Path

from ..core.errors import PyLogikSlicerError, UsageError
from ..core.label_mask import Mask
from .alignment import align_masks
from .comparison import Comparison, compare
from .files import write_files
from .mask_pairs import Load, find_mask_pairs
from .pairing import LabelPair, pair_labels, parse_number, select_pairs
from .pictures import Panel, lowest_dice, panels_of
from .tables import table


def run_dice(pred: Path, true: Path, label: str | None = None, output: Path | None = None) -> bool:
    """Compare masks, print the table of scores to stdout, and write files.

    Parameters
    ----------
    pred, true
        Mask files, or folders of them; see :func:`~PyLogikSlicerLib.comparing.mask_pairs.find_mask_pairs`.
    label
        Number or name of the only label to compare; by default all.
    output
        The folder to which files are written; by default none are. ``dice.csv`` has every value
        (:func:`~PyLogikSlicerLib.comparing.write_csv`), ``dice.png`` shows both masks, and ``dice_per_frame.png`` Dice over the frames
        of stacks. Of many labels, the pictures show those with the lowest Dice. No file contains the name of a mask file.

    Returns
    -------
    bool
        Whether all masks were compared; if not, stderr names those that were not.

    Raises
    ------
    UnreadableInput, UsageError
        The only pair cannot be compared, no pair is found, or ``output`` cannot be written.
    """
    pairing = find_mask_pairs(pred, true)
    several = len(pairing.pairs) > 1
    results: dict[str, Comparison] = {}
    panels: list[Panel] = []
    for name, loads in pairing.pairs.items():
        try:
            results[name], pair_panels = _compare_pair(loads, label, f"{name}, " if several else "")
        except PyLogikSlicerError as error:
            if not several:
                raise
            print(f"{name} was not compared: {error}", file=sys.stderr)
            continue
        panels = lowest_dice(panels + pair_panels)
    for line in table(results):
        print(line)
    if output is not None and results:
        write_files(output, results, panels)
    for side, count in zip(("prediction", "truth"), pairing.unpaired, strict=True):
        if count:
            print(f"{count} of the {side} had no partner of the same name", file=sys.stderr)
    return len(results) == len(pairing.pairs) and not any(pairing.unpaired)


def _compare_pair(loads: tuple[Load, Load], label: str | None, title: str) -> tuple[Comparison, list[Panel]]:
    """The comparison of a pair of masks, and its panels; ``title`` is put before the labels on panels and in a warning."""
    masks = loads[0](), loads[1]()
    pred, true, spacing = align_masks(*masks)
    pairs = pair_labels(*masks)
    if len(pairs) == 2 and pairs[0].true_label is None and pairs[1].label is None:
        print(
            f"{title}each mask has one label, {pairs[0].label} and {pairs[1].true_label}, which were not taken for the same: "
            "if they are, give them one number or name",
            file=sys.stderr,
        )
    if label is not None:
        pairs = _select_pairs(pairs, label, masks)
    comparison = compare(pred, true, spacing, pairs)
    return comparison, panels_of(pred, true, comparison, title, pairs)


def _select_pairs(pairs: list[LabelPair], label: str, masks: tuple[Mask, Mask]) -> list[LabelPair]:
    """The pairs with the label that the user asked for. Raises UsageError where neither mask has it."""
    found, number = select_pairs(pairs, label, *masks), parse_number(label)
    if not found and not pairs and number is not None:
        return [LabelPair(number, number)]  # two empty masks, which agree
    if not found:
        numbers = sorted({one for pair in pairs for one in (pair.label, pair.true_label) if one is not None})
        choices = ", ".join(map(str, numbers)) or "none, since both masks are empty"
        named = "that name" if number is None else f"the label {number}"
        raise UsageError(f"neither mask has {named}; choose one of {choices} or a name of the table with -k, or leave it out for all")
    return found
