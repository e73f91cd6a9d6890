#!/usr/bin/env python3
"""How many names in other scripts than Latin are found: the readers here were trained for few of them, and all must be masked.

    python Testing/Benchmarks/scripts.py [--seed 1] [--stills 12]

Stills of the generator (overlay_generator.py), whose text is names in one script each (overlay_scripts.py); scripts whose font is not
installed are left out, and told. Writes its section of RESULTS.md, unless --dry. What a leak is: see recall.py.
"""

from __future__ import annotations

import argparse
import tempfile
from collections import defaultdict
from pathlib import Path

from overlay_generator import CORPUS, SCRIPTS, script_screen, write_screen
from recall import DIM, LOW, Found, Tally, choose_engine, judge, told
from results import write_section


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--stills", type=int, default=12, help="of each script")
    parser.add_argument("--dry", action="store_true", help="print, and leave RESULTS.md alone")
    arguments = parser.parse_args()
    engine = choose_engine("ppocr", "cpu")
    corpus = CORPUS if CORPUS.is_dir() else None
    lines = [f"Seed {arguments.seed}, {arguments.stills} stills of each script, letters of 8 px and more.", ""]
    lines += ["| script | font | items | all | dim | low | plain |", "| --- | --- | ---: | ---: | ---: | ---: | ---: |"]
    leaks: list[Found] = []
    for name in (name for name, script in SCRIPTS.items() if script.faces):
        tally = Tally([], defaultdict(list))
        with tempfile.TemporaryDirectory() as folder:
            for index in range(arguments.stills):
                made = script_screen(arguments.seed, index, name, corpus)
                judge(made, write_screen(made, Path(folder)), engine, {"both": tally}, Path(folder))
        dim, low, plain = ([found for found in tally.found if _contrast(found) == wanted] for wanted in range(3))
        cells = (_recall(found) for found in (tally.found, dim, low, plain))
        lines.append(f"| {name} | {SCRIPTS[name].faces[0].name} | {len(tally.found)} | " + " | ".join(cells) + " |")
        leaks += [found for found in plain if found.leaks]
        print(lines[-1], flush=True)
    missing = [name for name, script in SCRIPTS.items() if not script.faces]
    lines += ["", f"Dim: contrast below {DIM}; low: below {LOW}; plain: {LOW} and more."]
    lines += ["", f"Not measured, as their fonts are not installed: {', '.join(missing)}."] if missing else []
    lines += ["", "What leaks of the plain ones:" if leaks else "Of the plain ones nothing leaks.", "", *map(told, leaks)]
    text = "\n".join(lines)
    print(text)
    if not arguments.dry:
        write_section("scripts", text)


def _contrast(found: Found) -> int:
    return (found.item.contrast >= DIM) + (found.item.contrast >= LOW)


def _recall(found: list[Found]) -> str:
    return f"{sum(not one.leaks for one in found) / len(found):.3f} of {len(found)}" if found else "-"


if __name__ == "__main__":
    main()
