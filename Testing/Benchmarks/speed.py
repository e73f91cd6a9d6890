#!/usr/bin/env python3
"""How long the examination takes, as ratios measured in one run.

    python Testing/Benchmarks/speed.py [--frames 30 100 300 1000] [--parts cines moving stills start]

Cines are 800 x 600 RGB, uncompressed (what decodes fastest makes the strictest floor), with lines of text around a sector of
speckle, a timer that runs with every frame and a heart rate that changes every ten. What they are compared with:

- *every frame*: each frame examined as if it stood alone; measured on a sample of frames and multiplied;
- *floor*: decoding, rendering, encoding and writing (the default format), nothing examined;
- *EasyOCR, middle frame*: what PyLogik does: CRAFT on the middle frame and the CRNN on its lines. Only its time counts, so the
  networks have random weights and lines as many as there are.

Writes its section of RESULTS.md after each part, unless --dry. Ratios of one row come from interleaved measurements.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from memory import write_cine
from overlay_grounds import speckle_cine, standing_cine
from overlay_typefaces import faces
from passes import run_plan_in_use
from results import HERE, write_section

sys.path.insert(0, str(HERE.parents[1] / "PyLogikSlicer"))

from PyLogikSlicerLib.core.masking import region_mask  # noqa: E402
from PyLogikSlicerLib.core.options import Options  # noqa: E402
from PyLogikSlicerLib.core.stack import ImageStack  # noqa: E402
from PyLogikSlicerLib.detection.engines import Engine, choose_engine  # noqa: E402
from PyLogikSlicerLib.detection.examine import examine  # noqa: E402
from PyLogikSlicerLib.detection.passes import NATIVE, PassSet, Plan, run_passes  # noqa: E402
from PyLogikSlicerLib.pipeline import process  # noqa: E402
from PyLogikSlicerLib.reading import open_stacks  # noqa: E402
from PyLogikSlicerLib.writing.formats import FORMATS, encode  # noqa: E402
from PyLogikSlicerLib.writing.rendering import rendering_for  # noqa: E402

SCREEN = (600, 800)
SEED = 7
LINES = (
    "DOE^JANE  F  1961-04-12", "ID 00451972", "ST. ELSEWHERE HOSPITAL", "12.05.2024 10:41", "MI 0.8", "TIs 0.4", "C5-1", "20 Hz", "16.0 cm",
    "2D 63%", "DR 50", "P Low", "HGen", "Dist 2.31 cm",
)  # fmt: skip
# The last lines are colored, and so is the heart rate.
COLORED_FROM, WHITE, YELLOW, GREEN = 10, (255, 255, 255), (255, 255, 0), (0, 255, 0)
# A moving sector is examined on every frame: more of it tells nothing new.
MOVING_FRAMES = 100
LOOP = 8
SAMPLE = 4
MEGAPIXELS = (0.3, 1, 2, 4, 8)
REPEATS = {0.3: 5, 1: 3}
NATIVE_PASS = Plan(full=PassSet(words=(NATIVE,)), words=PassSet(), quick=PassSet())
ALIKE = 0.9  # share of a fresh frame's region that the cine's mask must cover to count as the same

COLD = """
import time
start = time.perf_counter()
import numpy as np, cv2, onnxruntime
libraries = time.perf_counter()
import sys
sys.path[:0] = {paths!r}
from pathlib import Path
from PyLogikSlicerLib.detection.engines import choose_engine
from PyLogikSlicerLib.detection.examine import examine
from PyLogikSlicerLib.reading import open_stacks
engine = choose_engine("auto", "cpu")
ready = time.perf_counter()
(stack,) = open_stacks(Path({still!r}))
examine(stack, engine.readers)
print(libraries - start, ready - libraries, time.perf_counter() - ready)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=int, nargs="+", default=[30, 100, 300, 1000])
    parser.add_argument(
        "--parts", nargs="+", choices=["cines", "moving", "stills", "start"], default=["cines", "moving", "stills", "start"]
    )
    parser.add_argument("--dry", action="store_true", help="print, and leave RESULTS.md alone")
    arguments = parser.parse_args()
    engine = choose_engine("ppocr", "cpu")
    examine_once(engine, screen_image(SCREEN))  # libraries and sessions are warm from here on
    load = os.getloadavg()[0]
    lines = [f"Readers: {engine.description}; {os.cpu_count()} cores, on which a load of {load:.1f} lay when it began."]
    for part in arguments.parts:
        lines += ["", *PARTS[part](arguments.frames, engine)]
        print("\n".join(lines), flush=True)
        if not arguments.dry:
            write_section("speed", "\n".join(lines))


# --- cines -------------------------------------------------------------------------------------------------------------------


def standing(frames: list[int], engine: Engine) -> list[str]:
    return cines(frames, engine, "A sector that stands still, with a timer and a heart rate that change:", moving=False)


def moving(frames: list[int], engine: Engine) -> list[str]:
    few = sorted({min(count, MOVING_FRAMES) for count in frames})
    return cines(few, engine, "The same with a sector that moves:", moving=True)


def cines(counts: list[int], engine: Engine, told: str, moving: bool) -> list[str]:
    columns = ("every frame / examination", "examination / floor", "examination + write / floor", "all with verification / floor")
    easyocr = easyocr_pass(screen_image(SCREEN))
    lines = [told, "", "| frames | " + " | ".join(columns) + " | examination / EasyOCR, middle frame | regions | only in fresh frames |"]
    lines.append("| ---: |" + " ---: |" * 7)
    seconds: dict[int, tuple[float, float]] = {}
    for count in counts:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "cine.dcm"
            write_cine(path, pictures(count, moving), count, *SCREEN)
            (stack,) = open_stacks(path)
            row, seconds[count] = cine_row(stack, engine, Path(folder), easyocr)
        lines.append(f"| {count} | {row} |")
    if len(counts) > 1:
        few, many = min(counts), max(counts)
        added = [(seconds[many][which] - seconds[few][which]) / (many - few) for which in range(2)]
        lines += ["", f"An added frame (from {few} to {many}): examination + write take {added[0] / added[1]:.1f} times its floor."]
    lines += [
        "",
        f"Every frame: extrapolated from {SAMPLE} frames. Regions only in fresh frames: of those {SAMPLE}, less than {ALIKE:.0%} masked.",
    ]
    return lines


def cine_row(stack: ImageStack, engine: Engine, folder: Path, easyocr: Callable[[], None] | None) -> tuple[str, tuple[float, float]]:
    """The row of one cine, and the seconds of its examination + write, and of its floor."""
    sample = sorted({round(place) for place in np.linspace(0, stack.frame_count - 1, SAMPLE)})
    wanted = {number: frame for number, frame in enumerate(stack.frames()) if number in sample}
    floors, fresh, regions_fresh, others = [], [], {}, []
    for half in (sample[::2], sample[1::2]):
        floors.append(timed(lambda: write_floor(stack, folder)))
        if not fresh:
            (folder / "out").mkdir()
            result = process(stack, "cine", folder / "out", Options(), engine)
        for number in half:
            start = time.perf_counter()
            regions_fresh[number] = examine(alone(stack, wanted[number]), engine.readers).text_map.regions
            fresh.append(time.perf_counter() - start)
        if easyocr is not None:
            others.append(timed(easyocr))
    floor, examined, written = min(floors), result.seconds["examine"], result.seconds["write"]
    whole = sum(result.seconds.values())
    missed = sum(_missed(result.text_map.on_frame(number), found, stack) for number, found in regions_fresh.items())
    other = f"{examined / min(others):.1f}" if others else "not installed"
    ratios = (statistics.mean(fresh) * stack.frame_count / examined, examined / floor, (examined + written) / floor, whole / floor)
    cells = [*(f"{ratio:.1f}" for ratio in ratios), other, str(len(result.text_map.regions)), str(missed)]
    return " | ".join(cells), (examined + written, floor)


def _missed(masked, found, stack: ImageStack) -> int:
    mask = region_mask(masked, stack.rows, stack.columns)
    own = (region_mask([region], stack.rows, stack.columns) for region in found)
    return sum((mask & one).sum() < ALIKE * one.sum() for one in own)


def write_floor(stack: ImageStack, folder: Path) -> None:
    """Decode, render, encode and write every frame as the pipeline does, and nothing else."""
    fmt = FORMATS[Options().format]
    rendering = rendering_for(stack, (0, 255), shown=not fmt.exact)
    for number, frame in enumerate(stack.frames()):
        (folder / f"floor_{number}{fmt.suffix}").write_bytes(encode(rendering.render(frame), fmt))


def pictures(count: int, moving: bool) -> Iterator[np.ndarray]:
    """RGB frames of a cine: furniture, a sector, a timer, a heart rate. A moving sector runs forth and back."""
    rng = np.random.default_rng(SEED)
    sector = (speckle_cine(rng, LOOP, SCREEN) if moving else standing_cine(rng, 1, SCREEN)).frames
    order = [*range(len(sector)), *range(len(sector) - 2, 0, -1)]
    ground = [furnished(frame) for frame in sector]
    for number in range(count):
        picture = ground[order[number % len(order)]].copy()
        written(picture, f"00:{number // 30 % 60:02}:{number % 30:02}", 12, 660, 560)
        written(picture, f"HR {60 + number // 10 % 40}", 14, 660, 520, GREEN)
        yield picture


def furnished(frame: np.ndarray) -> np.ndarray:
    """A screen with the lines of text in the corners that a sector leaves free, as many as there is room for."""
    picture = frame.copy()
    rows, columns = picture.shape[:2]
    for number, line in enumerate(LINES):
        x, y = (12, 14 + 24 * number) if number < 7 else (columns - 150, 14 + 24 * (number - 7))
        written(picture, line if number > 3 else line[:24], 10, x, y, YELLOW if number >= COLORED_FROM else WHITE)
    return picture


def written(picture: np.ndarray, text: str, height: int, x: int, y: int, color: tuple[int, int, int] = WHITE) -> None:
    """Put text with its upper left corner at (x, y) into ``picture``."""
    ink = faces()[2].write(text, height)[: picture.shape[0] - y, : picture.shape[1] - x]
    window = picture[y : y + ink.shape[0], x : x + ink.shape[1]]
    window[:] = np.maximum(window, np.rint(ink[..., None] * color).astype(np.uint8))


def alone(stack: ImageStack, frame: np.ndarray) -> ImageStack:
    return replace(stack, frame_count=1, decode=lambda: iter([frame]))


# --- stills ------------------------------------------------------------------------------------------------------------------


def stills(_: list[int], engine: Engine) -> list[str]:
    lines = [
        "Stills, against one pass of PP-OCR at the native scale over the same tiles (the passes detect, the examination also reads):",
        "",
    ]
    lines += ["| megapixels | size | the passes | the examination | all with verification |", "| ---: | --- | ---: | ---: | ---: |"]
    words = [reader for reader in engine.readers if reader.name == "ppocr"]
    for megapixels in MEGAPIXELS:
        image = screen_image(side(megapixels))
        rounds = [still_seconds(image, engine, words) for _ in range(REPEATS.get(megapixels, 1))]
        native, *others = np.median(rounds, axis=0)
        ratios = " | ".join(f"{other / native:.1f}" for other in others)
        lines.append(f"| {megapixels} | {image.shape[1]} x {image.shape[0]} | {ratios} |")
    return lines


def still_seconds(image: np.ndarray, engine: Engine, words: list) -> tuple[float, ...]:
    """Seconds of a native pass (the mean of one before and one after), of all passes, of the examination, and of all with verification."""
    before = timed(lambda: run_passes([image], NATIVE_PASS, "full", words))
    passes = timed(lambda: run_plan_in_use(image, engine.readers))
    with tempfile.TemporaryDirectory() as folder:
        seconds = process(stack_of(image), "still", Path(folder), Options(), engine).seconds
    after = timed(lambda: run_passes([image], NATIVE_PASS, "full", words))
    return (before + after) / 2, passes, seconds["examine"], sum(seconds.values())


def side(megapixels: float) -> tuple[int, int]:
    """Rows and columns, 3 to 4, in multiples of 16: 0.3 megapixels are 640 x 480."""
    unit = round((megapixels * 1e6 / 12) ** 0.5 / 16) * 16
    return 3 * unit, 4 * unit


def screen_image(shape: tuple[int, int]) -> np.ndarray:
    return furnished(standing_cine(np.random.default_rng(SEED), 1, shape).frames[0])


def stack_of(image: np.ndarray) -> ImageStack:
    rows, columns = image.shape[:2]
    return ImageStack(Path("still"), "still", 1, rows, columns, 3, image.dtype, lambda: iter([image]))


def examine_once(engine: Engine, image: np.ndarray) -> None:
    examine(stack_of(image), engine.readers)


# --- start -------------------------------------------------------------------------------------------------------------------


def start_up(_: list[int], engine: Engine) -> list[str]:
    """A cold process on a 640 x 480 still, and a warm engine on the same."""
    image = screen_image(side(0.3))
    words = [reader for reader in engine.readers if reader.name == "ppocr"]
    with tempfile.TemporaryDirectory() as folder:
        still = Path(folder) / "still.png"
        cv2.imwrite(str(still), image[..., ::-1])
        script = COLD.format(paths=[str(HERE.parents[1] / "PyLogikSlicer")], still=str(still))
        native, warm, cold, stages = [], [], [], []
        for _ in range(3):
            native.append(timed(lambda: run_passes([image], NATIVE_PASS, "full", words)))
            start = time.perf_counter()
            told = subprocess.check_output([sys.executable, "-c", script], text=True)
            cold.append(time.perf_counter() - start)
            stages.append([float(part) for part in told.split()])
            warm.append(timed(lambda: examine_once(engine, image)))
    one, whole, again = (statistics.median(times) for times in (native, cold, warm))
    libraries, ready, first = np.median(stages, axis=0) / whole
    return [
        f"From a cold process to the regions of a 640 x 480 still: {whole / one:.1f} native passes of PP-OCR ({whole:.1f} s under that "
        f"load). Of it NumPy, OpenCV and ONNX Runtime take {libraries:.0%}, our modules and the weights {ready:.0%}, "
        f"the still {first:.0%}.",
        "",
        f"A warm engine on the same still: {again / one:.1f} native passes ({again:.2f} s under that load), "
        f"{again / whole:.0%} of the cold process.",
    ]


def easyocr_pass(image: np.ndarray) -> Callable[[], None] | None:
    """What EasyOCR's networks do with a frame, with random weights; None where it is not installed."""
    if importlib.util.find_spec("easyocr") is None:
        return None
    import torch
    from easyocr.craft import CRAFT
    from easyocr.model.vgg_model import Model

    torch.manual_seed(0)
    detector, recognizer = CRAFT().eval(), Model(1, 256, 256, 97).eval()
    padded = np.pad(image, ((0, -image.shape[0] % 32), (0, -image.shape[1] % 32), (0, 0)))
    planes = torch.from_numpy(padded.astype(np.float32) / 255).permute(2, 0, 1)[None].contiguous()
    lines = torch.zeros(len(LINES) + 2, 1, 64, 512)

    def run() -> None:
        with torch.inference_mode():
            detector(planes)
            # On the CPU EasyOCR reads the lines one by one.
            for line in lines:
                recognizer(line[None], None)

    run()
    return run


def timed(action: Callable[[], object]) -> float:
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


PARTS = {"cines": standing, "moving": moving, "stills": stills, "start": start_up}


if __name__ == "__main__":
    main()
