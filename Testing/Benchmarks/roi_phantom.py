"""Ultrasound screens whose region of interest is known exactly, and the score of the region finder on them.

    python Testing/Benchmarks/roi_phantom.py [--count 80] [--seed 0] [--kind phased] [--pictures DIR]

needs the package on the path (``pip install .`` or ``PYTHONPATH=PyLogikSlicer``). Screens are drawn from ``seed``, ``seed + 1``...; the
same seed gives the same screen. The table tells, per kind of display, the mean and worst Dice, the share of screens from 0.97 on, the
share of the true region that is kept, and seconds of processor time; beside it the mean Dice of what PyLogik does (threshold 0, erosion,
largest component, convex hull). ``--pictures`` writes the screens below 0.97 with both outlines (true: green, found: red).
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from PyLogikSlicerLib.core.errors import NoRegionFound
from PyLogikSlicerLib.core.projections import CompositeAccumulator, Composites
from PyLogikSlicerLib.roi import find_roi

SIZES = ((600, 800), (480, 640), (768, 1024), (434, 636), (720, 960))
KINDS = ("phased", "curved", "linear", "trapezoid", "wide", "clipped", "dual", "mmode")


@dataclass(frozen=True)
class Field:
    """One display area: where it is, and for its pixels the lateral and the depth coordinate of the probe, 0 to 1."""

    mask: np.ndarray
    lateral: np.ndarray
    depth: np.ndarray


@dataclass(frozen=True)
class Phantom:
    """A screen: its frames (uint8, color), the true region, and what a text detector would report."""

    kind: str
    frames: tuple[np.ndarray, ...]
    mask: np.ndarray
    text: np.ndarray
    traits: tuple[str, ...]


def make_phantom(seed: int, kind: str | None = None) -> Phantom:
    """Draw the screen of a seed; ``kind`` is one of KINDS, else the seed chooses."""
    random = np.random.default_rng(seed)
    kind = kind or KINDS[seed % len(KINDS)]
    shape = SIZES[random.integers(len(SIZES))]
    fields = place_fields(random, kind, shape)
    mask = np.logical_or.reduce([field.mask for field in fields])
    screen, text, traits = furnish(random, shape, mask)
    frame_count = 6 if random.random() < 0.4 else 1
    floor = int(random.choice([0, 0, 1, 4, 12]))
    tissues = [Tissue.draw(random, whole=floor == 0) for _ in fields]
    frames = []
    for index in range(frame_count):
        frame = screen.copy()
        for field, tissue in zip(fields, tissues, strict=True):
            echo = tissue.echo(np.random.default_rng([seed, index]), field, index)
            frame[field.mask] = np.maximum(echo, floor)[field.mask][:, None]
        marks, characters = overlay(np.random.default_rng([seed, 999]), mask)
        frame = np.where(marks[..., None] > 0, marks[..., None], frame)
        frames.append(frame.astype(np.uint8))
    text = text | characters
    if random.random() < 0.4:
        quality = int(random.integers(75, 96))
        frames = [cv2.imdecode(cv2.imencode(".jpg", frame, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], cv2.IMREAD_COLOR) for frame in frames]
        traits.append(f"jpeg {quality}")
    return Phantom(kind, tuple(frames), mask, text, (*traits, f"floor {floor}", f"frames {frame_count}"))


# --- where the echo is displayed -------------------------------------------------------------------------------------------------------


def place_fields(random: np.random.Generator, kind: str, shape: tuple[int, int]) -> list[Field]:
    rows, columns = shape
    left, right = columns * random.uniform(0.1, 0.16), columns * random.uniform(0.84, 0.95)
    top, bottom = rows * random.uniform(0.09, 0.14), rows * random.uniform(0.82, 0.93)
    box = (left, top, right, bottom)
    if kind == "dual":
        middle = (left + right) / 2 + random.uniform(-0.02, 0.02) * columns
        gap = random.choice([0.0, 0.0, 0.02]) * columns
        inner = str(random.choice(["curved", "linear", "clipped"]))
        state = random.integers(2**31)
        halves = ((left, top, middle - gap, bottom), (middle + gap, top, right, bottom))
        return [place_field(np.random.default_rng(state), inner, shape, half) for half in halves]
    if kind == "mmode":
        cut = top + (bottom - top) * random.uniform(0.3, 0.45)
        space = random.uniform(0.01, 0.04) * rows
        width = (right - left) * random.uniform(0.3, 0.5)
        center = (left + right) / 2
        upper = place_field(random, str(random.choice(["phased", "linear"])), shape, (center - width / 2, top, center + width / 2, cut))
        return [upper, place_field(random, "linear", shape, (left, cut + space, right, bottom))]
    return [place_field(random, kind, shape, box)]


def place_field(random: np.random.Generator, kind: str, shape: tuple[int, int], box: tuple[float, float, float, float]) -> Field:
    x0, y0, x1, y1 = np.round(box)
    y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float64)
    inside = (x >= x0) & (x <= x1) & (y >= y0) & (y <= y1)
    if kind in ("linear", "trapezoid"):
        slant = [0.0, 0.0]
        if kind == "trapezoid":
            lean = random.uniform(0.04, 0.3)
            slant = [lean, lean] if random.random() < 0.4 else [-lean, lean]
        depth = (y - y0) / (y1 - y0)
        start, end = x0 + max(-slant[0], 0) * (y1 - y0) + max(slant[1], 0) * 0, x1 - max(slant[1], 0) * (y1 - y0)
        lateral = (x - start - slant[0] * (y - y0)) / ((end - start) + (slant[1] - slant[0]) * (y - y0))
        return Field(inside & (lateral >= 0) & (lateral <= 1), lateral, depth)
    return ring(random, kind, (x0, y0, x1, y1), inside, x, y)


def ring(random: np.random.Generator, kind: str, box: tuple[float, ...], inside: np.ndarray, x: np.ndarray, y: np.ndarray) -> Field:
    """Phased, curved and wide displays; "clipped" is a curved one larger than its box."""
    x0, y0, x1, y1 = box
    half = {"phased": random.uniform(0.55, 0.8), "wide": random.uniform(0.1, 0.3)}.get(kind, random.uniform(0.45, 1.05))
    apex_x = (x0 + x1) / 2 + random.uniform(-0.02, 0.02) * (x1 - x0)
    inner_share = {"phased": 0.02, "wide": random.uniform(0.5, 0.7)}.get(kind, random.uniform(0.2, 0.45))
    grow = random.uniform(1.1, 1.35) if kind == "clipped" else 1.0
    outer = min((y1 - y0) / (1 - inner_share * np.cos(half)), 0.5 * (x1 - x0) / np.sin(half)) * grow
    inner = inner_share * outer
    apex_y = y0 - inner * np.cos(half)
    if kind == "wide":  # a flat transducer that steers outward: cut straight at the top
        inner, apex_y = 0.0, y0 - inner
    radius, angle = np.hypot(x - apex_x, y - apex_y), np.arctan2(x - apex_x, y - apex_y)
    mask = inside & (radius >= inner) & (radius <= outer) & (np.abs(angle) <= half)
    return Field(mask, (angle + half) / (2 * half), (radius - inner) / (outer - inner))


# --- what it shows ---------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Tissue:
    """Gain, and the layers, cysts and shadows that leave parts of the display dark."""

    gain: float
    decay: float
    layers: np.ndarray
    cysts: np.ndarray  # lateral, depth, width, height
    shadows: np.ndarray  # lateral, width, depth from which
    contact: float  # share of the probe that touches, from the left

    @staticmethod
    def draw(random: np.random.Generator, whole: bool) -> Tissue:
        """``whole``: all of the probe touches, because a dark border would leave no trace of where the display ends."""
        cysts = np.column_stack([random.uniform(0.1, 0.9, 3), random.uniform(0.2, 0.9, 3), random.uniform(0.05, 0.2, (3, 2))])
        shadows = np.column_stack([random.uniform(0, 1, 2), random.uniform(0.02, 0.1, 2), random.uniform(0.1, 0.6, 2)])
        return Tissue(
            gain=random.uniform(55, 130),
            decay=random.choice([0.0, 30.0, 60.0, 110.0]),
            layers=random.uniform(0, 1, 5),
            cysts=cysts[: random.integers(0, 4)],
            shadows=shadows[: random.integers(0, 3)],
            contact=1.0 if random.random() < 0.85 or whole else random.uniform(0.75, 0.95),
        )

    def echo(self, random: np.random.Generator, field: Field, index: int) -> np.ndarray:
        """Grey levels of one frame: log-compressed speckle of a few pixels' grain."""
        shape = field.mask.shape
        real, imaginary = (cv2.GaussianBlur(random.standard_normal(shape), (0, 0), 1.6, sigmaY=1.1) for _ in range(2))
        speckle = 20 * np.log10(np.hypot(real, imaginary) * 4 + 1e-3)
        level = self.gain - self.decay * field.depth + 2.2 * speckle
        for layer in self.layers:
            level += 45 * np.exp(-(((field.depth - layer - 0.01 * np.sin(index + 8 * field.lateral)) / 0.012) ** 2))
        for lateral, depth, width, height in self.cysts:
            level -= 200 * (((field.lateral - lateral) / width) ** 2 + ((field.depth - depth) / height) ** 2 < 1)
        for lateral, width, start in self.shadows:
            level -= 150 / (1 + np.exp(-40 * (field.depth - start))) * np.exp(-(((field.lateral - lateral) / width) ** 4))
        level -= 200.0 * (field.lateral > self.contact)
        level += 60 * np.exp(-field.depth / 0.02)
        return np.clip(level, 0, 255)


# --- the screen around it --------------------------------------------------------------------------------------------------------------


def furnish(random: np.random.Generator, shape: tuple[int, int], mask: np.ndarray) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Draw bars, ticks, text, an ECG trace... beside the echo; the screen, what of its text is known, and the traits."""
    rows, columns = shape
    page = int(random.choice([0, 0, 0, 0, 2, 16, 60]))
    screen = np.full((rows, columns, 3), page, np.uint8)
    text = np.zeros(shape, bool)
    traits = [f"page {page}"]
    if random.random() < 0.5:
        draw_header(random, screen)
        traits.append("header bar")
    clear = ~cv2.dilate(mask.astype(np.uint8), np.ones((5, 5), np.uint8)).astype(bool)
    pieces: tuple[tuple[str, float, Callable], ...] = (
        ("grey bar", 0.7, draw_grey_bar),
        ("color bar", 0.3, draw_color_bar),
        ("ruler", 0.7, draw_ruler),
        ("trace", 0.3, draw_trace),
        ("logo", 0.5, draw_logo),
        ("thumbnail", 0.15, draw_thumbnail),
    )
    for name, likely, draw in pieces:
        if random.random() < likely:
            layer = screen.copy()
            draw(random, layer, mask)
            screen = np.where(clear[..., None], layer, screen)
            traits.append(name)
    for line in range(int(random.integers(4, 14))):
        place = (int(columns * random.choice([0.01, 0.3, 0.72])), int(18 + (rows - 30) * ((line * 0.381) % 1)))
        write(random, screen, text, clear, place, words(random))
    for _ in range(int(random.integers(0, 6))):
        place = (int(random.uniform(0, columns - 20)), int(random.uniform(15, rows - 5)))
        write(random, screen, text, clear, place, str(random.integers(10)))
    return screen, text, traits


def words(random: np.random.Generator) -> str:
    letters = "ABCDEFGHIKLMNOPRSTUVabcdefghiklmnoprstuv0123456789./:%"
    return "".join(random.choice(list(letters), int(random.integers(2, 14))))


def write(random: np.random.Generator, screen: np.ndarray, text: np.ndarray, clear: np.ndarray, place: tuple[int, int], what: str) -> None:
    """Write beside the echo; the text detector misses one single character in five and pads what it finds."""
    scale = screen.shape[0] / 600 * random.uniform(0.4, 0.6)
    (width, height), base = cv2.getTextSize(what, cv2.FONT_HERSHEY_SIMPLEX, scale, 1)
    x0, y0, x1, y1 = place[0] - 3, place[1] - height - 3, place[0] + width + 3, place[1] + base + 3
    if not clear[max(y0, 0) : y1, max(x0, 0) : x1].all():
        return
    cv2.putText(screen, what, place, cv2.FONT_HERSHEY_SIMPLEX, scale, (int(random.integers(150, 256)),) * 3, 1, cv2.LINE_AA)
    if len(what) > 1 or random.random() > 0.2:
        text[max(y0, 0) : y1, max(x0, 0) : x1] = True


def draw_header(random: np.random.Generator, screen: np.ndarray) -> None:
    height = int(screen.shape[0] * random.uniform(0.04, 0.08))
    color = random.integers(30, 130, 3)
    ramp = np.linspace(1, random.choice([1.0, 0.8]), height)[:, None, None]
    screen[:height] = color * ramp


def draw_grey_bar(random: np.random.Generator, screen: np.ndarray, mask: np.ndarray) -> None:
    rows, columns = mask.shape
    width, height = int(columns * random.uniform(0.012, 0.04)), int(rows * random.uniform(0.12, 0.4))
    x, y = int(columns * random.choice([0.01, 0.96 - width / columns])), int(rows * 0.15)
    screen[y : y + height, x : x + width] = np.linspace(255, 0, height)[:, None, None]


def draw_color_bar(random: np.random.Generator, screen: np.ndarray, mask: np.ndarray) -> None:
    rows, columns = mask.shape
    height, width = int(rows * 0.25), int(columns * 0.02)
    y, x = int(rows * 0.55), int(columns * 0.965)
    ramp = np.linspace(-1, 1, height)[:, None]
    bar = np.stack([np.clip(ramp, 0, 1), np.abs(ramp) ** 2, np.clip(-ramp, 0, 1)], axis=2) * 255
    screen[y : y + height, x : x + width] = bar


def draw_ruler(random: np.random.Generator, screen: np.ndarray, mask: np.ndarray) -> None:
    """Ticks along the display's depth, some of them touching its edge."""
    rows, columns = mask.shape
    ys, xs = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    x = min(int(xs[-1] + random.choice([1, 4, 20])), columns - 8)
    for number, y in enumerate(np.linspace(ys[0], ys[-1], int(random.integers(6, 20))).astype(int)):
        length = 6 if number % 5 else 10
        cv2.line(screen, (x, int(y)), (x + length, int(y)), (200, 200, 200), int(random.choice([1, 2])))
    if random.random() < 0.3:
        cv2.line(screen, (x, int(ys[0])), (x, int(ys[-1])), (180, 180, 180), 1)


def draw_trace(random: np.random.Generator, screen: np.ndarray, mask: np.ndarray) -> None:
    rows, columns = mask.shape
    x = np.arange(int(columns * 0.05), int(columns * random.uniform(0.3, 0.9)))
    y = rows * 0.955 - 0.03 * rows * np.exp(-(((x % 120) - 60.0) ** 2) / 20) + 2 * np.sin(x / 9)
    cv2.polylines(screen, [np.column_stack([x, y]).astype(np.int32)], False, (90, 230, 120), 1, cv2.LINE_AA)


def draw_logo(random: np.random.Generator, screen: np.ndarray, mask: np.ndarray) -> None:
    rows, columns = mask.shape
    place = (int(columns * random.uniform(0.2, 0.8)), int(rows * random.uniform(0.09, 0.13)))
    cv2.circle(screen, place, int(rows * 0.015) + 2, (230, 140, 60), -1, cv2.LINE_AA)
    cv2.circle(screen, (int(columns * 0.03), int(rows * 0.95)), int(rows * 0.02) + 2, (180, 180, 180), 2, cv2.LINE_AA)


def draw_thumbnail(random: np.random.Generator, screen: np.ndarray, mask: np.ndarray) -> None:
    rows, columns = mask.shape
    height, width = int(rows * 0.09), int(columns * 0.08)
    y, x = int(rows * 0.88), int(columns * 0.01)
    screen[y : y + height, x : x + width] = random.integers(0, 160, (height, width, 1))


def overlay(random: np.random.Generator, mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Calipers and short text over the echo: grey levels (0 for none), and where the text is."""
    marks, text = np.zeros(mask.shape, np.uint8), np.zeros(mask.shape, bool)
    ys, xs = np.nonzero(mask)
    for _ in range(int(random.integers(0, 4))):
        at = int(random.integers(len(ys)))
        cv2.drawMarker(marks, (int(xs[at]), int(ys[at])), 255, cv2.MARKER_CROSS, 11, 1)
    if random.random() < 0.3:
        at = int(random.integers(len(ys)))
        x, y = int(xs[at]), int(ys[at])
        cv2.putText(marks, words(random), (x, y), cv2.FONT_HERSHEY_SIMPLEX, 0.45, 230, 1, cv2.LINE_AA)
        text[max(y - 16, 0) : y + 7, max(x - 3, 0) : x + 120] = True
    return marks, text


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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=80)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kind", choices=KINDS)
    parser.add_argument("--pictures", type=Path)
    parser.add_argument("--verbose", action="store_true", help="one line per screen below 0.97")
    options = parser.parse_args()
    rows: dict[str, list[tuple[float, float, float, float]]] = {}
    for seed in range(options.seed, options.seed + options.count):
        phantom = make_phantom(seed, options.kind)
        composites = composites_of(phantom)
        start = time.process_time()
        try:
            roi = find_roi(composites, phantom.text, "deid-us")
            found, notes = roi.mask(), roi.notes
        except NoRegionFound as error:
            found, notes = np.zeros_like(phantom.mask), (str(error),)
        seconds = time.process_time() - start
        score = dice(found, phantom.mask)
        kept = float((found & phantom.mask).sum() / phantom.mask.sum())
        rows.setdefault(phantom.kind, []).append((score, kept, seconds, dice(pylogik(composites), phantom.mask)))
        if score < 0.97:
            if options.verbose:
                print(f"{seed:5d} {phantom.kind:10s} dice {score:.3f} kept {kept:.3f}  {', '.join(phantom.traits)} | {'; '.join(notes)}")
            if options.pictures:
                options.pictures.mkdir(parents=True, exist_ok=True)
                cv2.imwrite(str(options.pictures / f"{phantom.kind}_{seed:05d}_{score:.3f}.png"), picture(phantom, found))
    print(f"{'kind':10s} {'n':>4s} {'mean':>7s} {'worst':>7s} {'>=0.97':>7s} {'kept':>7s} {'seconds':>8s} {'PyLogik':>8s}")
    everything = [row for group in rows.values() for row in group]
    for kind, group in [*sorted(rows.items()), ("all", everything)]:
        score, kept, seconds, before = np.array(group).T
        print(
            f"{kind:10s} {len(group):4d} {score.mean():7.4f} {score.min():7.4f} {(score >= 0.97).mean():7.3f} {kept.mean():7.4f} "
            f"{seconds.mean():8.2f} {before.mean():8.4f}"
        )


if __name__ == "__main__":
    main()
