#!/usr/bin/env python3
"""Time and memory of comparing two 512 x 512 x 512 masks of 10 labels (issue: Dice below 5 s and 1 GB extra on two cores).

    python Testing/Benchmarks/compare_speed.py [--size 512] [--labels 10]

Two kinds of masks: balls, as organs lie, and noise, in which every label meets every other in every slice. Each figure comes
from a process of its own, kept to two cores. Linux only: it resets and reads VmHWM of the process.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from results import HERE, write_section

sys.path.insert(0, str(HERE.parents[1] / "PyLogikSlicer"))

from PyLogikSlicerLib.comparing import compare, match_labels  # noqa: E402

MEASURES = {
    "Dice, Jaccard, precision, recall, sizes": lambda *pair: compare(*pair, (1, 1, 1), distances=False),
    "the same and surface distances": lambda *pair: compare(*pair, (1, 1, 1)),
    "which label is which": match_labels,
}
# Distances of noise are of no use to anybody.
RUNS = [(measure, kind, dtype) for measure in MEASURES for kind in ("balls", "noise") for dtype in ("uint8", "int32")]
RUNS = [run for run in RUNS if "distances" not in run[0] or run[1:] == ("balls", "uint8")]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--labels", type=int, default=10)
    parser.add_argument("--run", type=int, help="one row, in this process")
    arguments = parser.parse_args()
    if arguments.run is not None:
        print(row(*RUNS[arguments.run], arguments.size, arguments.labels))
        return
    options = ["--size", str(arguments.size), "--labels", str(arguments.labels)]
    rows = []
    for run in range(len(RUNS)):
        rows.append(subprocess.check_output([sys.executable, __file__, *options, "--run", str(run)], text=True).strip())
        print(rows[-1], flush=True)
    head = "| what | masks | type | time | extra memory |\n| --- | --- | --- | ---: | ---: |\n"
    told = f"Two masks of {arguments.size}^3 voxels and {arguments.labels} labels, two cores.\n\n"
    write_section("compare", told + head + "\n".join(rows))


def row(measure: str, kind: str, dtype: str, size: int, labels: int) -> str:
    os.sched_setaffinity(0, set(sorted(os.sched_getaffinity(0))[:2]))
    pair = [mask.astype(dtype) for mask in (balls(size, labels) if kind == "balls" else noise(size, labels))]
    # The libraries are loaded and their threads started before.
    MEASURES[measure](*(mask[:8, :64, :64] for mask in pair))
    Path("/proc/self/clear_refs").write_text("5")
    before, start = memory("VmRSS"), time.perf_counter()
    MEASURES[measure](*pair)
    seconds, extra = time.perf_counter() - start, memory("VmHWM") - before
    return f"| {measure} | {kind} | {dtype} | {seconds:.2f} s | {extra / 1e6:.0f} MB |"


def balls(size: int, labels: int) -> list[np.ndarray]:
    """One ball for each label, up to a quarter of the cube wide, and the same ones moved by a hundredth of it."""
    generator = np.random.default_rng(1)
    pair = [np.zeros((size, size, size), np.uint8) for _ in range(2)]
    for label in range(1, labels + 1):
        radius = size * generator.uniform(0.08, 0.125)
        center = generator.uniform(radius, size - radius, 3)
        for mask, moved in zip(pair, (0, size / 100), strict=True):
            distances = [np.square(np.arange(size) - place - moved, dtype=np.float32) for place in center]
            for index in np.flatnonzero(distances[0] < radius**2):
                mask[index][distances[1][:, None] + distances[2] < radius**2 - distances[0][index]] = label
    return pair


def noise(size: int, labels: int) -> list[np.ndarray]:
    generator = np.random.default_rng(1)
    return [generator.integers(0, labels + 1, (size, size, size), dtype=np.uint8) for _ in range(2)]


def memory(name: str) -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    raise SystemExit(f"no {name} in /proc/self/status: this needs Linux")


if __name__ == "__main__":
    main()
