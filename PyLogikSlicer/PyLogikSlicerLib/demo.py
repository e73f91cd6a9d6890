"""The demo: every variant on the real ultrasound images that come with pydicom, and one picture of what became of them."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from pydicom import examples

from .batch import run
from .core.options import VARIANTS, Options
from .detection.engines import choose_engine
from .reading import open_stacks
from .writing.cells import from_cell
from .writing.formats import FORMATS, decode

EXAMPLES = ("palette_color", "rgb_color", "ybr_color")
PICTURE = "before-after.png"
# The command that writes no images, and its folder.
TEXT_ONLY = "find-txt"
# Rows and columns of one picture in the grid, and rows of its caption, in pixels.
_CELL = (300, 420)
_CAPTION = 26
# RGB of the ground, the captions, and the outlines of text.
_GROUND = (38, 38, 42)
_INK = (235, 235, 235)
_FOUND = (80, 220, 255)


def run_demo(output: Path) -> bool:
    """De-identify the examples with each variant into ``output/<variant>`` and draw ``output/before-after.png``.

    Prints what was found, as counts. True when everything was done.
    """
    sources = [Path(examples.get_path(name)) for name in EXAMPLES]
    engine = choose_engine()
    print(f"{len(sources)} ultrasound images that come with pydicom; text reader: {engine.description}")
    all_done = True
    for command, remains in (*VARIANTS.items(), (TEXT_ONLY, "only the text is written")):
        print(f"\n{command}: {remains}")
        outcomes: list[tuple[str, str]] = []
        options = Options(rename=False, overwrite=True)
        options = replace(options, images=False) if command == TEXT_ONLY else replace(options, variant=command)
        report = run(sources, output / command, options, on_event=lambda _, *outcome, o=outcomes: o.append(outcome), engine=engine)
        images, names = {image["name"]: image for image in report["images"]}, _names(output / command)
        for example, source, (status, reason) in zip(EXAMPLES, sources, outcomes, strict=True):
            all_done = all_done and status == "done"
            print(f"  {example:14} {_summary(images[names[str(source)]]) if status == 'done' else f'{status}: {reason}'}")
    picture = output / PICTURE
    cv2.imwrite(str(picture), cv2.cvtColor(_grid(sources, output), cv2.COLOR_RGB2BGR))
    print(f"\nBefore and after, side by side: {picture}")
    print(f"The images: {output / 'deid' / 'images'} (may be shared); the text found: {output / 'deid' / 'phi'} (may not)")
    return all_done


def _summary(image: dict) -> str:
    """One line about a finished image, from its entry in the report."""
    summary = f"{image['frames_examined']}/{image['frames']} frames examined, {image['redacted']} regions of text"
    if image.get("verification"):
        summary += f" masked, {image['verification']['readable_residues']} readable afterwards, {len(image['files'])} files"
    if image["roi"]:
        summary += f"; {image['roi']['kind']}, {image['roi']['kept_share']:.0%} of the pixels kept"
    return f"{summary} ({sum(image['seconds'].values()):.1f} s)"


def _names(folder: Path) -> dict[str, str]:
    """The name that each source got, by the crosswalk."""
    with open(folder / "phi" / "crosswalk.csv", newline="", encoding="utf-8") as file:
        return {from_cell(row["source"]): row["name"] for row in csv.DictReader(file)}


def _grid(sources: list[Path], output: Path) -> np.ndarray:
    """A row for each image: the first frame with what was found outlined, and the first frame that each variant wrote."""
    writing = list(VARIANTS)
    rows = [np.hstack([_caption(title) for title in ("before, text outlined", *writing)])]
    for source in sources:
        stack = open_stacks(source)[0]
        shown = stack.display.show(next(stack.frames()))
        cells = [_outlined(shown, output / TEXT_ONLY / "phi" / "text.csv", source)]
        cells += [_first_frame(output / variant / "images" / _names(output / variant).get(str(source), "")) for variant in writing]
        rows.append(np.hstack([_in_cell(cell) for cell in cells]))
    return np.vstack(rows)


def _outlined(shown: np.ndarray, table: Path, source: Path) -> np.ndarray:
    picture = shown.copy() if shown.ndim == 3 else cv2.cvtColor(shown, cv2.COLOR_GRAY2RGB)
    with open(table, newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if from_cell(row["source"]) == str(source) and int(row["frame_first"]) == 0:
                corners = [tuple(float(edge) for edge in corner.split(",")) for corner in row["polygon"].split()]
                cv2.polylines(picture, [np.round(corners).astype(np.int32)], True, _FOUND, 1, cv2.LINE_AA)
    return picture


def _first_frame(folder: Path) -> np.ndarray:
    files = sorted(folder.glob("*.jpg"))
    if not files:
        return _caption("nothing was written")
    return decode(files[0], FORMATS["jpeg"])


def _in_cell(picture: np.ndarray) -> np.ndarray:
    """The picture scaled to fit a cell, in its middle."""
    rows, columns = _CELL
    scale = min((rows - 8) / picture.shape[0], (columns - 8) / picture.shape[1])
    scaled = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    cell = np.full((rows, columns, 3), _GROUND, np.uint8)
    top, left = (rows - scaled.shape[0]) // 2, (columns - scaled.shape[1]) // 2
    cell[top : top + scaled.shape[0], left : left + scaled.shape[1]] = scaled
    return cell


def _caption(text: str) -> np.ndarray:
    cell = np.full((_CAPTION, _CELL[1], 3), _GROUND, np.uint8)
    cv2.putText(cell, text, (8, 18), cv2.FONT_HERSHEY_SIMPLEX, 0.5, _INK, 1, cv2.LINE_AA)
    return cell
