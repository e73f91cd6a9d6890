#!/usr/bin/env python3
"""How much of the generator's text is found, and what else is masked: by height, contrast, place, duration and color, per reader.

    python Testing/Benchmarks/recall.py [--stills 16] [--cines 5] [--dim 4] [--frames 30] [--seeds 1 2 3]
        [--modes verified both ppocr glyphs]

The modes: ``both`` is the examination with PP-OCR and the glyph network, ``verified`` the whole of the pipeline on top of it,
``ppocr`` and ``glyphs`` the examination with one of them alone. Writes its section of RESULTS.md, unless --dry.

An item leaks by the rule of the corpus' ``score.py``: more than 5 % of its ink lies farther than 3 pixels from all that is masked.
Here the ink is known rather than guessed, and every frame that shows the item is asked, not a few reference frames. The 3 pixels
forgive the edges of letters; ``to the pixel`` does not. The interval is Wilson's, of 95 %, for the first mode.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from overlay_generator import Item, Screen, add_options, screens, write_screen
from results import HERE, write_section
from scipy.stats import binomtest

sys.path.insert(0, str(HERE.parents[1] / "PyLogikSlicer"))

from PyLogikSlicerLib.core.errors import VerificationFailed  # noqa: E402
from PyLogikSlicerLib.core.masking import region_mask  # noqa: E402
from PyLogikSlicerLib.core.options import Options  # noqa: E402
from PyLogikSlicerLib.core.text_map import Region  # noqa: E402
from PyLogikSlicerLib.detection.engines import Engine, choose_engine  # noqa: E402
from PyLogikSlicerLib.pipeline import analyse, publish  # noqa: E402
from PyLogikSlicerLib.reading import open_stacks  # noqa: E402

MODES = ("verified", "both", "ppocr", "glyphs")
# As score.py has it.
LEAK, REACH, HALO = 0.05, 3, 12
# Bounds, in grey levels, between the contrasts that the generator aims at.
DIM, LOW, MIDDLE = 32, 60, 120
# What the issue asks to be found without exception: letters that a person reads at normal contrast.
READABLE_HEIGHT = 8


@dataclass(frozen=True)
class Found:
    """What became of one item in one mode: the largest share of its ink that is visible on a frame, and on how many it leaks;
    ``bare``: the largest share that is not masked at all, be a mask ever so near."""

    screen: Screen
    item: Item
    visible: float
    bare: float
    frames: int

    @property
    def leaks(self) -> bool:
        return self.visible > LEAK


@dataclass
class Tally:
    """All that one mode did. ``over``: share of the frame and of the anatomy that was masked in vain, by ground, one pair per frame;
    ``withheld``: screens that the verification gave no output."""

    found: list[Found]
    over: dict[str, list[tuple[float, float]]]
    withheld: int = 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_options(parser, stills=16, cines=5, dim=4)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3], help="take the place of --seed")
    parser.add_argument("--modes", nargs="+", choices=MODES, default=list(MODES))
    parser.add_argument("--dry", action="store_true", help="print, and leave RESULTS.md alone")
    arguments = parser.parse_args()
    engine = choose_engine("ppocr", "cpu")
    tallies = {mode: Tally([], defaultdict(list)) for mode in arguments.modes}
    with tempfile.TemporaryDirectory() as folder:
        for made in (made for seed in arguments.seeds for made in screens(argparse.Namespace(**vars(arguments) | {"seed": seed}))):
            path = write_screen(made, Path(folder))
            judge(made, path, engine, tallies, Path(folder))
            path.unlink()
            print(made.name, *(f"{mode} {sum(f.leaks for f in t.found if f.screen is made)}" for mode, t in tallies.items()), flush=True)
    text = section(tallies, arguments)
    print(text)
    if not arguments.dry:
        write_section("recall", text)


def judge(made: Screen, path: Path, engine: Engine, tallies: dict[str, Tally], folder: Path) -> None:
    (stack,) = open_stacks(path)
    options = Options(format="png")
    readers = {reader.name: reader for reader in engine.readers}
    for name in (name for name in readers if name in tallies):
        alone = Engine((readers[name],))
        count(tallies[name], made, analyse(stack, options, alone).text_map.regions)
    if not {"both", "verified"} & set(tallies):
        return
    analysis = analyse(stack, options, engine)
    if "both" in tallies:
        count(tallies["both"], made, analysis.text_map.regions)
    if "verified" in tallies:
        with tempfile.TemporaryDirectory(dir=folder) as out:
            try:
                result = publish(stack, made.name, Path(out), analysis, options, engine)
            except VerificationFailed:
                tallies["verified"].withheld += 1
            else:
                count(tallies["verified"], made, result.text_map.regions)


def count(tally: Tally, made: Screen, regions: Sequence[Region]) -> None:
    """Add what these regions, masked, leave of the items and take of the rest."""
    frames, rows, columns = made.frames.shape[:3]
    worst, bare, leaky = [0.0] * len(made.items), [0.0] * len(made.items), [0] * len(made.items)
    for frame in range(frames):
        mask = region_mask([region for region in regions if region.covers(frame)], rows, columns)
        near = cv2.dilate(mask.astype(np.uint8), np.ones((2 * REACH + 1,) * 2, np.uint8)) > 0
        free = np.ones(mask.shape, bool)
        for number, item in enumerate(made.items):
            mark = item.on_frame(frame)
            if mark is None:
                continue
            x0, y0, x1, y1 = mark.box
            free[max(y0 - HALO, 0) : y1 + HALO, max(x0 - HALO, 0) : x1 + HALO] = False
            visible = float((mark.ink & ~near[y0:y1, x0:x1]).sum() / mark.ink.sum())
            worst[number] = max(worst[number], visible)
            bare[number] = max(bare[number], float((mark.ink & ~mask[y0:y1, x0:x1]).sum() / mark.ink.sum()))
            leaky[number] += visible > LEAK
        over = mask & free
        tally.over[made.ground].append((float(over.mean()), float(over[made.anatomy].mean())))
    tally.found += [Found(made, *what) for what in zip(made.items, worst, bare, leaky, strict=True)]


def section(tallies: dict[str, Tally], arguments: argparse.Namespace) -> str:
    first, *_ = tallies
    screens_seen = {found.screen.name: found.screen for found in tallies[first].found}.values()
    fonts = "the fonts of Pillow, matplotlib and OpenCV" + (" and the system's" if arguments.installed_fonts else "")
    lines = [
        f"Seeds {', '.join(map(str, arguments.seeds))}: of each {arguments.stills} stills, {arguments.cines} cines and "
        f"{arguments.dim} with dim text only, of {arguments.frames} frames; {len(tallies[first].found)} items, {fonts}; "
        f"grounds: {', '.join(sorted({screen.ground for screen in screens_seen}))}.",
        "",
        f"| | items | {first} | interval | to the pixel | " + " | ".join(list(tallies)[1:]) + " |",
        "| --- | ---: | ---: | --- | ---: |" + " ---: |" * (len(tallies) - 1),
    ]
    grouped = {mode: _by_group(tally.found) for mode, tally in tallies.items()}
    for group in sorted(set().union(*grouped.values()), key=_order):
        own = grouped[first].get(group, ())
        safe = [not found.leaks for found in own]
        bounds = binomtest(sum(safe), len(safe)).proportion_ci(method="wilson") if safe else None
        cells = [
            _share(safe),
            f"{bounds.low:.3f} to {bounds.high:.3f}" if bounds else "-",
            _share([found.bare <= LEAK for found in own]),
            *(_share([not found.leaks for found in groups.get(group, ())]) for mode, groups in grouped.items() if mode != first),
        ]
        lines.append(f"| {group[1]} | {max(len(groups.get(group, ())) for groups in grouped.values())} | " + " | ".join(cells) + " |")
    lines += ["", "| over-masked share | " + " | ".join(tallies) + " |", "| --- |" + " ---: |" * len(tallies)]
    for name, which, grounds in (
        ("of the frame", 0, None),
        ("of the anatomy", 1, None),
        *((f"of the anatomy: {ground}", 1, ground) for ground in sorted({screen.ground for screen in screens_seen})),
    ):
        overs = (
            [pair[which] for own, pairs in tally.over.items() if grounds in (None, own) for pair in pairs] for tally in tallies.values()
        )
        cells = (f"{np.mean(shares):.2%}" if shares else "-" for shares in overs)
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    lines += ["", *(f"Withheld by verification: {tally.withheld} screens." for tally in tallies.values() if tally.withheld)]
    leaks = [found for found in tallies[first].found if found.leaks]
    lines += ["", f"What leaks ({first}):" if leaks else f"Nothing leaks ({first}).", "", *(told(found) for found in leaks)]
    return "\n".join(lines)


def _share(safe: Sequence[bool]) -> str:
    return f"{np.mean(safe):.3f}" if safe else "-"


def _by_group(found: Sequence[Found]) -> dict[tuple[int, str], list[Found]]:
    """The items by (place in the table, name of the group)."""
    groups: dict[tuple[int, str], list[Found]] = defaultdict(list)
    for one in found:
        for group in _groups(one):
            groups[group].append(one)
    return groups


def _groups(found: Found) -> list[tuple[int, str]]:
    item = found.item
    contrast = "25" if item.contrast < DIM else "40" if item.contrast < LOW else "80" if item.contrast < MIDDLE else "160"
    single = len(item.marks[0].text) == 1
    cine = len(found.screen.frames) > 1
    groups = [
        (0, "all"),
        (1, "one character" if single else "two or more characters"),
        (2, f"capitals {item.height:2} px"),
        (3, f"contrast about {contrast}"),
        (4, f"place: {item.place}"),
        (5, f"cine: {item.duration}" if cine else "still"),
        (6, f"color: {item.color}"),
        (7, "opaque" if item.opacity == 1 else "half transparent"),
        (8, "level" if item.angle == 0 else "a quarter turn" if item.angle % 90 == 0 else "slanted"),
        (9, f"ground: {found.screen.ground.split(',')[0]}"),
    ]
    if item.height >= READABLE_HEIGHT and item.contrast >= LOW and item.duration in ("static", "brief", "ten"):
        groups.append((10, f"asked for 1.00: {READABLE_HEIGHT} px or more, contrast {LOW} or more, still for 3 frames or more"))
    over_moving = item.place == "anatomy" and found.screen.ground == "speckle, moving"
    if cine and over_moving and item.contrast < DIM and item.height >= READABLE_HEIGHT and item.duration in ("static", "ten"):
        groups.append((11, "asked for 0.95: dim, over moving speckle, still for 10 frames or more"))
    return groups


def _order(group: tuple[int, str]) -> tuple[int, float, str]:
    digits = "".join(letter for letter in group[1] if letter.isdigit())
    return group[0], float(digits) if digits and group[0] in (2, 3) else 0, group[1]


def told(found: Found) -> str:
    item, screen = found.item, found.screen
    box = ", ".join(map(str, item.marks[0].box))
    looks = (
        f"{item.height} px, contrast {item.contrast:.0f}, {item.color}, {item.opacity:.0%} opaque, {item.angle} degrees, {item.typeface}"
    )
    frames = f"frames {item.marks[0].first} to {item.marks[-1].last}"
    when = f"{item.duration}, {frames}" if len(screen.frames) > 1 else "still"
    told = f"- `{screen.name}` ({screen.ground}) `{item.marks[0].text}` at {box}: {looks}; {item.place}; {when}"
    return f"{told}; up to {found.visible:.0%} of its ink visible" + (f", on {found.frames} frames" if len(screen.frames) > 1 else "")


if __name__ == "__main__":
    main()
