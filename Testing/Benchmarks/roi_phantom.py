"""Ultrasound screens whose region of interest is known exactly, and the score of the region finder on them.

    python Testing/Benchmarks/roi_phantom.py [--count 80] [--seed 0] [--kind phased] [--content tissue] [--pictures DIR]

needs the package on the path (``pip install .`` or ``PYTHONPATH=PyLogikSlicer``). Screens are drawn from ``seed``, ``seed + 1``...; the
same seed gives the same screen. The tables tell, per kind of display and per content, the mean and worst Dice, the share of screens from
0.97 on, the mean and the 1 % quantile of the share of the true region that is kept, how many regions are called uncertain, and seconds of
processor time; beside them the mean Dice of what PyLogik does (threshold 0, erosion, largest component, convex hull). ``--pictures``
writes the screens below 0.97 with both outlines (true: green, found: red).
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from phantom_echo import CONTENTS, Echo, spectrum
from phantom_fields import KINDS, place_fields
from phantom_screen import furnish

from PyLogikSlicerLib.core.errors import NoRegionFound
from PyLogikSlicerLib.core.projections import CompositeAccumulator, Composites
from PyLogikSlicerLib.roi import find_roi

__all__ = ["CONTENTS", "KINDS", "Phantom", "composites_of", "dice", "make_phantom", "pylogik"]

SIZES = ((600, 800), (480, 640), (768, 1024), (434, 636), (720, 960), (576, 768), (512, 512), (540, 960), (240, 320), (800, 600))
# How likely each of CONTENTS is.
LIKELY = (0.4, 0.1, 0.16, 0.14, 0.12, 0.08)


@dataclass(frozen=True)
class Phantom:
    """A screen: its frames (uint8, color), the true region, and what a text detector would report."""

    kind: str
    content: str
    frames: tuple[np.ndarray, ...]
    mask: np.ndarray
    text: np.ndarray
    traits: tuple[str, ...]


def make_phantom(seed: int, kind: str | None = None, content: str | None = None) -> Phantom:
    """Draw the screen of a seed; ``kind`` is one of KINDS and ``content`` one of CONTENTS, else the seed chooses."""
    random = np.random.default_rng(seed)
    kind = kind or KINDS[seed % len(KINDS)]
    content = content or str(random.choice(CONTENTS, p=LIKELY))
    shape = SIZES[random.integers(len(SIZES))]
    fields = place_fields(random, kind, shape)
    screen = furnish(random, shape, fields)
    frame_count = 5 if random.random() < 0.4 else 1
    echoes = [Echo.draw(random, content) for _ in fields]
    frames = []
    for index in range(frame_count):
        frame = screen.page.astype(np.float32)
        for number, (field, echo) in enumerate(zip(fields, echoes, strict=True)):
            box, part = field.cut_out()
            if part.strip and kind == "spectral":
                shown = np.repeat(np.maximum(spectrum(np.random.default_rng([seed, number]), part), echo.floor)[..., None], 3, axis=2)
            else:
                shown = echo.render([seed, number], part, index)
            frame[box][part.mask] = shown[part.mask]
        frame = np.where(screen.over[..., None] > 0, screen.over[..., None], frame)
        frames.append(np.clip(frame, 0, 255).astype(np.uint8))
    traits = [*screen.traits, f"floor {echoes[0].floor}", f"frames {frame_count}"]
    mask, text = screen.mask, screen.text
    if random.random() < 0.25:  # as a screen grabber or a video converter leaves it
        scale = random.uniform(0.7, 1.25)
        frames = [cv2.resize(frame, None, fx=scale, fy=scale, interpolation=cv2.INTER_LINEAR) for frame in frames]
        size = frames[0].shape[1::-1]
        mask, text = (cv2.resize(item.astype(np.float32), size, interpolation=cv2.INTER_LINEAR) >= 0.5 for item in (mask, text))
        traits.append(f"scaled {scale:.2f}")
    if random.random() < 0.4:
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(random.integers(60, 97))]
        frames = [cv2.imdecode(cv2.imencode(".jpg", frame, quality)[1], cv2.IMREAD_COLOR) for frame in frames]
        traits.append(f"jpeg {quality[1]}")
    return Phantom(kind, content, tuple(frames), mask, text, tuple(traits))


# --- the score -------------------------------------------------------------------------------------------------------------------------


def composites_of(phantom: Phantom) -> Composites:
    accumulator = CompositeAccumulator()
    for frame in phantom.frames:
        accumulator.add(frame)
    return accumulator.result()


def dice(found: np.ndarray, true: np.ndarray) -> float:
    return float(2 * (found & true).sum() / max(found.sum() + true.sum(), 1))


def pylogik(composites: Composites) -> np.ndarray:
    """Threshold 0, erosion, largest component, convex hull: the steps of PyLogik's ``deid_us``."""
    seen = cv2.erode((composites.maximum > 0).astype(np.uint8), np.ones((5, 5), np.uint8))
    _, labels, stats, _ = cv2.connectedComponentsWithStats(seen)
    hull = np.zeros_like(seen)
    if len(stats) > 1:
        largest = (labels == 1 + stats[1:, cv2.CC_STAT_AREA].argmax()).astype(np.uint8)
        cv2.fillConvexPoly(hull, cv2.convexHull(cv2.findNonZero(largest)), 1)
    return hull.astype(bool)


def picture(phantom: Phantom, found: np.ndarray) -> np.ndarray:
    shown = (255 * (phantom.frames[0] / 255.0) ** 0.6).astype(np.uint8)
    for mask, color in ((phantom.mask, (0, 255, 0)), (found, (0, 0, 255))):
        contours, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(shown, contours, -1, color, 1)
    return shown


def score(phantom: Phantom) -> tuple[tuple[float, ...], np.ndarray, tuple[str, ...]]:
    """Of the region found: (Dice, share kept, whether it is uncertain, seconds, Dice of PyLogik's steps), its mask and its notes."""
    composites = composites_of(phantom)
    start = time.process_time()
    try:
        roi = find_roi(composites, phantom.text, "deid-us")
        found, notes, uncertain = roi.mask(), roi.notes, roi.is_uncertain
    except NoRegionFound as error:
        found, notes, uncertain = np.zeros_like(phantom.mask), (str(error),), True
    seconds = time.process_time() - start
    kept = float((found & phantom.mask).sum() / phantom.mask.sum())
    values = (dice(found, phantom.mask), kept, float(uncertain), seconds, dice(pylogik(composites), phantom.mask))
    return values, found, notes


def print_table(name: str, groups: dict[str, list[tuple[float, ...]]]) -> None:
    """One line for each group, and one for all."""
    titles = ("mean", "worst", ">=0.97", "kept", "1 %")
    print(f"{name:14s} {'n':>4s} {' '.join(f'{title:>7s}' for title in titles)} {'uncertain':>9s} {'seconds':>8s} {'PyLogik':>8s}")
    everything = [row for group in groups.values() for row in group]
    for label, group in [*sorted(groups.items()), ("all", everything)]:
        found, kept, uncertain, seconds, before = np.array(group).T
        print(
            f"{label:14s} {len(group):4d} {found.mean():7.4f} {found.min():7.4f} {(found >= 0.97).mean():7.3f} {kept.mean():7.4f} "
            f"{np.quantile(kept, 0.01):7.4f} {int(uncertain.sum()):9d} {seconds.mean():8.2f} {before.mean():8.4f}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=80)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kind", choices=KINDS)
    parser.add_argument("--content", choices=CONTENTS)
    parser.add_argument("--pictures", type=Path)
    parser.add_argument("--verbose", action="store_true", help="one line per screen below 0.97")
    options = parser.parse_args()
    kinds: dict[str, list[tuple[float, ...]]] = {}
    contents: dict[str, list[tuple[float, ...]]] = {}
    for seed in range(options.seed, options.seed + options.count):
        phantom = make_phantom(seed, options.kind, options.content)
        values, found, notes = score(phantom)
        kinds.setdefault(phantom.kind, []).append(values)
        contents.setdefault(phantom.content, []).append(values)
        if values[0] < 0.97:
            if options.verbose:
                what = f"{phantom.kind}, {phantom.content}, {', '.join(phantom.traits)}"
                print(f"{seed:5d} dice {values[0]:.3f} kept {values[1]:.3f}  {what} | {'; '.join(notes)}")
            if options.pictures:
                options.pictures.mkdir(parents=True, exist_ok=True)
                cv2.imwrite(str(options.pictures / f"{phantom.kind}_{seed:05d}_{values[0]:.3f}.png"), picture(phantom, found))
    print_table("kind", kinds)
    print_table("content", contents)


if __name__ == "__main__":
    main()
