#!/usr/bin/env python3
"""How much text leaves that no window of the header shows: text of any contrast from one stored level on, in every type and ground.

    python Testing/Benchmarks/hidden_text.py [--seed 1] [--rounds 3] [--dry]

Each image is one line of text over one ground, in one type, shown by one window, and goes through the whole road into PNG, which
carries every stored value. Text leaks when more than 5 % of its pixels are in the written file as they were. Writes its section of
RESULTS.md, unless --dry.
"""

from __future__ import annotations

import argparse
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from pydicom import dcmread
from pydicom.data import get_testdata_file
from results import HERE, write_section

ROWS, COLUMNS = 256, 384
WORDS = ("DOE JANE 1962", "MRN 770193", "12.03.1961", "BRANDT ANNA", "Acc 55-1204", "KIM MINJUN")
HEIGHTS = (9, 12, 16, 24, 40)
TYPES = ("uint8", "int16", "uint16", "uint32", "float32", "rgb 8", "rgb 16")
# Noise from which text stands out: contrast in standard deviations of it. Below, it is a part of the noise.
STANDS_OUT = 6
LEAK_SHARE = 0.05


@dataclass(frozen=True)
class Sample:
    """``frame`` with text where ``text`` is True; ``window``: (low, high) by which the header shows it, or None."""

    name: str
    frame: np.ndarray
    text: np.ndarray
    window: tuple[float, float] | None
    contrast: int
    height: int
    ground: str
    type: str


def samples(seed: int) -> Iterator[Sample]:
    """One image of each type on each ground."""
    generator = np.random.default_rng(seed)
    for kind in TYPES:
        for ground, (values, noise) in grounds(kind, generator).items():
            yield _sample(kind, ground, values, noise, generator)


def grounds(kind: str, generator: np.random.Generator) -> dict[str, tuple[np.ndarray, float]]:
    """By name the values, float64 ``(rows, columns)``, and the standard deviation of their noise."""
    low, high = _limits(kind)
    offset = round(generator.uniform(low + 0.1 * (high - low), low + 0.6 * (high - low)))
    across = np.tile(np.linspace(0, min((high - offset) / 2, 4000), COLUMNS), (ROWS, 1))
    smooth = cv2.GaussianBlur(generator.normal(size=(ROWS, COLUMNS)), (0, 0), 1.5)
    outliers = np.full((ROWS, COLUMNS), float(offset))
    outliers[0], outliers[generator.integers(ROWS), generator.integers(COLUMNS)] = low, high if high - low <= 65535 else low + 65535
    noise = 3 if kind in ("uint8", "rgb 8") else 25
    made = {
        "black": (np.full((ROWS, COLUMNS), float(low)), 0.0),
        "flat": (np.full((ROWS, COLUMNS), float(offset)), 0.0),
        "gradient": (np.round(offset + across), 0.0),
        "white noise": (np.round(offset + generator.normal(0, noise, (ROWS, COLUMNS))), noise),
        "speckle": (np.round(offset + noise / smooth.std() * smooth), noise),
        "padding and a hot pixel": (outliers, 0.0),
    }
    if kind == "int16":
        slice_ = dcmread(get_testdata_file("CT_small.dcm")).pixel_array.astype(np.float64)
        made["CT"] = (np.round(cv2.resize(slice_, (COLUMNS, COLUMNS))[:ROWS]), 12.0)
    return made


def _sample(kind: str, ground: str, values: np.ndarray, noise: float, generator: np.random.Generator) -> Sample:
    height = int(generator.choice(HEIGHTS))
    contrast = int(generator.choice([1, 1, 2, 4])) + int(np.ceil(STANDS_OUT * noise))
    words = str(generator.choice(WORDS))[: max(3, int(COLUMNS * 1.2 / height))]
    text = np.zeros((ROWS, COLUMNS), np.uint8)
    at = int(generator.integers(4, 24)), int(generator.integers(height + 4, ROWS - 8))
    cv2.putText(text, words, at, cv2.FONT_HERSHEY_SIMPLEX, height / 22, 255, max(1, round(height / 11)))
    ink, (low, high) = text > 127, _limits(kind)
    darker = bool(generator.integers(2)) and values.min() - contrast >= low
    values = np.clip(values - contrast * ink if darker else values + contrast * ink, low, high)
    if kind.startswith("rgb"):
        plain = np.clip(values + (contrast * ink if darker else -contrast * ink), low, high)
        channel = int(generator.integers(3))
        frame = np.stack([values if number == channel else plain for number in range(3)], -1).astype(
            np.uint8 if kind == "rgb 8" else np.uint16
        )
    else:
        frame = values.astype(kind)
    hiding = (
        (float(values.max() + 1), float(values.max() + 1000)) if generator.integers(2) and frame.ndim == 2 and kind != "uint8" else None
    )
    return Sample(f"{kind} {ground}", frame, ink, hiding, contrast, height, ground, kind)


def _limits(kind: str) -> tuple[float, float]:
    if kind == "float32":
        return 0.0, 60000.0
    if kind == "uint32":
        return 3_000_000_000.0, 3_000_065_535.0
    info = np.iinfo({"rgb 8": "uint8", "rgb 16": "uint16"}.get(kind, kind))
    return float(info.min), float(info.max)


def outcome(sample: Sample, engine, folder: Path) -> str:
    """``masked``, ``refused`` or ``leaked``."""
    from PyLogikSlicerLib.core.errors import PyLogikSlicerError
    from PyLogikSlicerLib.core.masking import region_mask
    from PyLogikSlicerLib.core.options import Options
    from PyLogikSlicerLib.core.stack import Display, ImageStack
    from PyLogikSlicerLib.pipeline import process

    stack = ImageStack(
        source=folder,
        name="hidden",
        frame_count=1,
        rows=ROWS,
        columns=COLUMNS,
        channels=3 if sample.frame.ndim == 3 else 1,
        dtype=sample.frame.dtype,
        decode=lambda: iter([sample.frame]),
        display=Display(window=sample.window),
    )
    try:
        result = process(stack, "hidden", folder, Options(format="png"), engine)
    except PyLogikSlicerError:
        return "refused"
    masked = region_mask(result.text_map.on_frame(0), ROWS, COLUMNS)
    return "leaked" if (sample.text & ~masked).sum() > LEAK_SHARE * sample.text.sum() else "masked"


def main() -> None:
    import sys

    sys.path.insert(0, str(HERE.parents[1] / "PyLogikSlicer"))
    from PyLogikSlicerLib.detection.engines import choose_engine

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=3, help="each one image of every type on every ground")
    parser.add_argument("--dry", action="store_true", help="print, and leave RESULTS.md alone")
    arguments = parser.parse_args()
    engine = choose_engine("ppocr", "cpu")
    counts: dict[tuple[str, str], list[str]] = defaultdict(list)
    leaks = []
    for number in range(arguments.rounds):
        for sample in samples(arguments.seed + number):
            with tempfile.TemporaryDirectory() as folder:
                became = outcome(sample, engine, Path(folder))
            counts[sample.type, sample.ground].append(became)
            if became == "leaked":
                leaks.append(f"- {sample.name}: contrast {sample.contrast}, {sample.height} px, seed {arguments.seed + number}")
                print(leaks[-1], flush=True)
    text = _table(counts, leaks, arguments)
    print(text)
    if not arguments.dry:
        write_section("hidden", text)


def _table(counts: dict[tuple[str, str], list[str]], leaks: list[str], arguments: argparse.Namespace) -> str:
    grounds_ = list(dict.fromkeys(ground for _, ground in counts))
    rows = [f"Seeds {arguments.seed} to {arguments.seed + arguments.rounds - 1}; masked (+ refused) of images.", ""]
    rows += ["| type | " + " | ".join(grounds_) + " |", "| --- |" + " ---: |" * len(grounds_)]
    for kind in TYPES:
        cells = []
        for ground in grounds_:
            became = counts.get((kind, ground), [])
            refused = f" + {became.count('refused')}" if "refused" in became else ""
            cells.append(f"{became.count('masked')}{refused} of {len(became)}" if became else "-")
        rows.append(f"| {kind} | " + " | ".join(cells) + " |")
    total = [one for became in counts.values() for one in became]
    rows += [
        "",
        f"In all {total.count('masked')} masked, {total.count('refused')} refused, {total.count('leaked')} leaked of {len(total)}.",
        *(["", *leaks] if leaks else []),
    ]
    return "\n".join(rows)


if __name__ == "__main__":
    main()
