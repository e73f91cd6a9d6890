"""Writes the files of a comparison: ``dice.csv`` and its pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from ..core.errors import UsageError
from .comparison import Comparison
from .pictures import Panel, write_frame_plot, write_pairs
from .tables import write_csv


def write_files(folder: Path, results: Mapping[str, Comparison], panels: Sequence[Panel]) -> list[Path]:
    """Write ``dice.csv``, ``dice.png`` where there are panels, and ``dice_per_frame.png`` where panels have several frames.

    Parameters
    ----------
    folder
        Where the files are written; made if it does not exist.
    results
        The comparisons by the names of their items.
    panels
        What the pictures show.

    Returns
    -------
    list of pathlib.Path
        The files that were written.

    Raises
    ------
    UsageError
        The folder cannot be written to.
    """
    table, pairs, plot = (folder / name for name in ("dice.csv", "dice.png", "dice_per_frame.png"))
    stacks = [panel for panel in panels if panel.frame_dice]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_csv(results, table)
        if panels:
            write_pairs(panels, pairs)
        if stacks:
            write_frame_plot(stacks, plot)
    except OSError as error:
        raise UsageError(f"dice.csv and its pictures cannot be written to the output folder: {error.strerror}") from None
    return [table, *([pairs] if panels else []), *([plot] if stacks else [])]
