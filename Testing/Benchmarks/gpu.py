#!/usr/bin/env python3
"""Frames per second of a full examination on a GPU, the share of that time on the card, and whether it finds what the CPU finds.

    python Testing/Benchmarks/gpu.py [--device cuda] [--frames 300] [--rows 600] [--columns 800] [--batch 8] [--half] [--models DIR]

Every frame of a cine (that of memory.py) gets all passes of the detection plan. The share on the card is the time inside the
networks: frames going there, computation, maps coming back; the rest is OpenCV and Python before and after. RESULTS.md is written
only where there is a GPU; with ``--device cpu`` the table shows what the same work costs there.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from memory import pictures_of
from results import HERE, write_section

sys.path.insert(0, str(HERE.parents[1] / "PyLogikSlicer"))

from PyLogikSlicerLib.core.errors import EngineUnavailable  # noqa: E402
from PyLogikSlicerLib.detection.devices import DEVICES, candidate_devices, first_that_starts  # noqa: E402
from PyLogikSlicerLib.detection.easyocr_reader import EasyOCRReader  # noqa: E402
from PyLogikSlicerLib.detection.glyphs import GlyphReader  # noqa: E402
from PyLogikSlicerLib.detection.onnx_network import OnnxNetwork  # noqa: E402
from PyLogikSlicerLib.detection.passes import DETECTION, Detection, run_passes  # noqa: E402
from PyLogikSlicerLib.detection.ppocr import PPOCRReader  # noqa: E402
from PyLogikSlicerLib.detection.reader import TextReader  # noqa: E402
from PyLogikSlicerLib.detection.torch_network import TorchNetwork  # noqa: E402

Readers = tuple[TextReader, ...]
SAME = 1.0  # pixels: regions whose corners are nearer are the same


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", choices=DEVICES, default="auto")
    parser.add_argument("--frames", type=int, default=300)
    parser.add_argument("--rows", type=int, default=600)
    parser.add_argument("--columns", type=int, default=800)
    parser.add_argument("--batch", type=int, default=8, help="frames that are examined together")
    parser.add_argument("--compare", type=int, default=8, help="frames that are examined on the CPU too")
    parser.add_argument("--half", action="store_true", help="half precision of the networks on torch")
    parser.add_argument("--models", type=Path, metavar="DIR", help="folder of EasyOCR's weights")
    arguments = parser.parse_args()
    frames = list(pictures_of(arguments.frames, arguments.rows, arguments.columns))
    rows = []
    for start in (ppocr_readers, easyocr_readers):
        try:
            readers, on_cpu = start(arguments.device, arguments), start("cpu", arguments)
        except EngineUnavailable as error:
            print(f"left out: {error}")
            continue
        rows.append(row(readers, on_cpu, frames, arguments))
        print(rows[-1], flush=True)
    head = "| readers | frames/s | on the card | regions as on the CPU |\n| --- | ---: | ---: | ---: |\n"
    precision = "half" if arguments.half else "single"
    told = (
        f"{arguments.frames} frames of {arguments.columns} x {arguments.rows}, {arguments.batch} at a time, {precision} precision on torch."
    )
    if rows and candidate_devices(arguments.device)[0].kind != "cpu":
        write_section("gpu", f"{told}\n\n{head}" + "\n".join(rows))
    return 0 if rows else 1


def ppocr_readers(device: str, arguments: argparse.Namespace) -> Readers:
    readers, notes = first_that_starts(
        candidate_devices(device),
        lambda found: (PPOCRReader(found, half=arguments.half), GlyphReader(device=found, half_precision=arguments.half)),
    )
    for note in notes:
        print(note)
    return readers


def easyocr_readers(device: str, arguments: argparse.Namespace) -> Readers:
    return (EasyOCRReader(device, arguments.models),)


def row(readers: Readers, on_cpu: Readers, frames: Sequence[np.ndarray], arguments: argparse.Namespace) -> str:
    examined(frames[: arguments.batch], readers, arguments.batch)  # the first run chooses algorithms and takes memory
    with time_in_networks(readers) as watch:
        start = time.perf_counter()
        seen = examined(frames, readers, arguments.batch)
        seconds = time.perf_counter() - start
    expected = examined(frames[: arguments.compare], on_cpu, 1)
    same = sum(map(same_regions, seen, expected))
    names = " + ".join(f"{reader.name} on {reader.device}" for reader in readers)
    return f"| {names} | {len(frames) / seconds:.1f} | {watch.seconds / seconds:.0%} | {same} of {len(expected)} frames |"


def examined(frames: Sequence[np.ndarray], readers: Readers, batch: int) -> list[list[Detection]]:
    found = []
    remaining = iter(frames)
    while together := list(islice(remaining, batch)):
        found += run_passes(together, DETECTION, "full", readers)
    return found


def same_regions(one: Sequence[Detection], other: Sequence[Detection]) -> bool:
    """Whether each text that either detected was detected by the other, by the same reader in the same pass."""
    if sorted(detection.found_by for detection in one) != sorted(detection.found_by for detection in other):
        return False
    return all(any(is_same(detection, candidate) for candidate in other) for detection in one)


def is_same(one: Detection, other: Detection) -> bool:
    return one.found_by == other.found_by and float(np.abs(np.subtract(one.polygon, other.polygon)).max()) < SAME


# --- the time on the card ----------------------------------------------------------------------------------------------------


class Stopwatch:
    """Adds up the time inside the functions that it is put around."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def around(self, function: Callable[..., Any], wait: Callable[[], None] = lambda: None) -> Callable[..., Any]:
        """``wait`` returns when the card has done what it was told."""

        @wraps(function)
        def timed(*arguments: Any, **options: Any) -> Any:
            start = time.perf_counter()
            result = function(*arguments, **options)
            wait()
            self.seconds += time.perf_counter() - start
            return result

        return timed


@contextmanager
def time_in_networks(readers: Readers) -> Iterator[Stopwatch]:
    """Time inside the networks of these readers. EasyOCR's are torch modules that return before the card is done."""
    watch = Stopwatch()
    plain = [(network, "run", network.run, lambda: None) for network in (OnnxNetwork, TorchNetwork)]
    for reader in readers:
        if isinstance(reader, EasyOCRReader):
            plain.append((reader._detector, "forward", reader._detector.forward, waiting_for(reader._device)))
    for owner, name, function, wait in plain:
        setattr(owner, name, watch.around(function, wait))
    try:
        yield watch
    finally:
        for owner, name, function, _ in plain:
            setattr(owner, name, function)


def waiting_for(device: str) -> Callable[[], None]:
    import torch

    return {"cuda": torch.cuda.synchronize, "mps": torch.mps.synchronize}.get(device, lambda: None)


if __name__ == "__main__":
    sys.exit(main())
