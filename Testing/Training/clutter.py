"""What is drawn on screens and is not text: ticks, rulers, bars, traces, frames, icons, arrows, calipers, catheters, highlights."""

from __future__ import annotations

import cv2
import numpy as np
from backgrounds import doppler, speckle


def colour_of(rng: np.random.Generator) -> tuple[int, ...]:
    """A screen's drawing colour: white, grey, or saturated."""
    kind = rng.random()
    if kind < 0.45:
        return (int(rng.integers(180, 256)),) * 3
    if kind < 0.6:
        return (int(rng.integers(70, 200)),) * 3
    if kind < 0.65:
        return (int(rng.integers(0, 40)),) * 3
    named = ((255, 255, 0), (0, 255, 0), (0, 255, 255), (255, 128, 0), (255, 0, 0), (64, 128, 255), (255, 0, 255), (255, 200, 80))
    return tuple(int(v * rng.uniform(0.6, 1.0)) for v in named[rng.integers(len(named))])


def place(rng: np.random.Generator, image: np.ndarray) -> tuple[int, int]:
    return int(rng.integers(0, image.shape[1])), int(rng.integers(0, image.shape[0]))


def ruler(rng: np.random.Generator, image: np.ndarray) -> None:
    """Ticks, dots or dashes at equal distances along a row, a column or a slanted line; every fifth or tenth may be longer."""
    x, y = place(rng, image)
    upright = rng.random() < 0.6
    step, count = rng.uniform(4, 40), int(rng.integers(4, 40))
    short, long, every = int(rng.integers(1, 6)), int(rng.integers(3, 14)), int(rng.choice([1, 2, 4, 5, 10]))
    kind, thick, colour = rng.random(), int(rng.choice([1, 1, 1, 2, 2, 3])), colour_of(rng)
    slant = rng.uniform(-0.4, 0.4) if rng.random() < 0.15 else 0.0
    start = y if upright else x
    if rng.random() < 0.5:
        start = 0
    for k in range(count):
        along, across = start + k * step, slant * k * step
        length = long if k % every == 0 else short
        px, py = (x + across, along) if upright else (along, y + across)
        px, py = int(px), int(py)
        if kind < 0.55:
            end = (px + length, py) if upright else (px, py + length)
            cv2.line(image, (px, py), end, colour, thick)
        elif kind < 0.8:
            cv2.circle(image, (px, py), int(rng.choice([0, 1, 1, 2])) if every == 1 else (2 if k % every == 0 else 1), colour, -1)
        else:
            cv2.rectangle(image, (px, py), (px + thick, py + thick), colour, -1)
    if kind < 0.55 and rng.random() < 0.35:
        end = (x, int(start + count * step)) if upright else (int(start + count * step), y)
        cv2.line(image, (x, start) if upright else (start, y), end, colour, 1)


def bar(rng: np.random.Generator, image: np.ndarray) -> None:
    """A grey or colour bar, smooth or in steps, sometimes framed."""
    x, y = place(rng, image)
    long, short = int(rng.integers(40, 240)), int(rng.integers(5, 26))
    ramp = np.linspace(0, 255, long).astype(np.uint8)
    if rng.random() < 0.3:
        ramp = (ramp // 32) * 36
    ramp = ramp[::-1] if rng.random() < 0.7 else ramp
    maps = (cv2.COLORMAP_JET, cv2.COLORMAP_HOT, cv2.COLORMAP_BONE, cv2.COLORMAP_RAINBOW, cv2.COLORMAP_WINTER)
    strip = cv2.applyColorMap(ramp[:, None], int(rng.choice(maps))) if rng.random() < 0.5 else np.repeat(ramp[:, None, None], 3, 2)
    strip = np.repeat(strip, short, axis=1)
    strip = strip if rng.random() < 0.75 else strip.transpose(1, 0, 2)
    part = image[y : y + strip.shape[0], x : x + strip.shape[1]]
    part[:] = strip[: part.shape[0], : part.shape[1]]
    if rng.random() < 0.4:
        cv2.rectangle(image, (x - 1, y - 1), (x + strip.shape[1], y + strip.shape[0]), colour_of(rng), 1)


def trace(rng: np.random.Generator, image: np.ndarray) -> None:
    """An ECG or respiration trace."""
    rows, columns = image.shape[:2]
    base, height, period = rng.uniform(0, rows), rng.uniform(8, 70), rng.uniform(25, 160)
    t = (np.arange(columns) + rng.uniform(0, period)) % period / period
    if rng.random() < 0.7:
        beat = (
            1.0 * np.exp(-(((t - 0.3) / 0.012) ** 2))
            - 0.3 * np.exp(-(((t - 0.33) / 0.015) ** 2))
            + 0.2 * np.exp(-(((t - 0.55) / 0.05) ** 2))
        )
        beat += 0.1 * np.exp(-(((t - 0.18) / 0.03) ** 2))
    else:
        beat = np.sin(2 * np.pi * t) * 0.5
    y = base - beat * height + rng.normal(0, rng.uniform(0, 0.8), columns)
    points = np.stack([np.arange(columns), y], -1).astype(np.int32)
    cv2.polylines(image, [points[: int(rng.integers(columns // 3, columns + 1))]], False, colour_of(rng), int(rng.choice([1, 1, 2])))


def spectrum(rng: np.random.Generator, image: np.ndarray) -> None:
    """A Doppler spectrum or an M-mode strip: bright ragged flow above or below a base line."""
    rows, columns = image.shape[:2]
    x, w, base = int(rng.integers(0, columns // 2)), int(rng.integers(60, columns)), int(rng.integers(0, rows))
    period, high = rng.uniform(30, 120), rng.uniform(15, 90)
    t = np.arange(w) % period / period
    top = high * (0.25 + 0.75 * np.exp(-(((t - 0.3) / 0.15) ** 2))) * (1 if rng.random() < 0.7 else -1)
    yy = base - np.arange(rows)[:, None]
    share = yy / top[None, :]
    flow = ((share > 0) & (share < 1 + rng.normal(0, 0.1, (rows, w)))) * (90 + 120 * share) * rng.gamma(3, 1 / 3, (rows, w))
    part = image[:, x : x + w].astype(np.float32)
    flow = flow[:, : part.shape[1], None]
    image[:, x : x + w] = np.clip(np.where(flow > 20, flow, part), 0, 255).astype(np.uint8)
    cv2.line(image, (x, base), (x + w, base), colour_of(rng), 1)


def frame(rng: np.random.Generator, image: np.ndarray) -> None:
    """A box, filled or not, plain, dashed, shaded like a button, sometimes with a check or a gap."""
    x, y = place(rng, image)
    w, h = int(rng.integers(5, 160)), int(rng.integers(5, 80))
    colour, thick = colour_of(rng), int(rng.choice([1, 1, 1, 2, 3, -1]))
    cv2.rectangle(image, (x, y), (x + w, y + h), colour, thick)
    if thick == -1 and rng.random() < 0.5:
        cv2.line(image, (x, y), (x + w, y), (230,) * 3, 1)
        cv2.line(image, (x, y + h), (x + w, y + h), (40,) * 3, 1)


def lines(rng: np.random.Generator, image: np.ndarray) -> None:
    """Straight lines at any angle, whole or dashed: beams, biopsy guides, midlines, cursors."""
    for _ in range(int(rng.integers(1, 4))):
        a, b = np.array(place(rng, image), float), np.array(place(rng, image), float)
        if rng.random() < 0.5:
            b[int(rng.integers(2))] = a[int(rng.integers(2))]
        colour, thick = colour_of(rng), int(rng.choice([1, 1, 2, 3]))
        pieces = int(rng.integers(6, 50)) if rng.random() < 0.45 else 1
        share = rng.uniform(0.2, 0.8) if pieces > 1 else 1.0
        for k in range(pieces):
            p, q = a + (b - a) * k / pieces, a + (b - a) * (k + share) / pieces
            cv2.line(
                image, tuple(int(v) for v in p), tuple(int(v) for v in q), colour, thick, cv2.LINE_AA if rng.random() < 0.5 else cv2.LINE_8
            )


def grid(rng: np.random.Generator, image: np.ndarray) -> None:
    x0, y0 = place(rng, image)
    step, n, colour = int(rng.integers(6, 50)), int(rng.integers(2, 12)), colour_of(rng)
    for k in range(n):
        cv2.line(image, (x0 + k * step, y0), (x0 + k * step, y0 + (n - 1) * step), colour, 1)
        cv2.line(image, (x0, y0 + k * step), (x0 + (n - 1) * step, y0 + k * step), colour, 1)


def arc(rng: np.random.Generator, image: np.ndarray) -> None:
    centre, radius = place(rng, image), int(rng.integers(15, 300))
    start = rng.uniform(0, 360)
    smooth = cv2.LINE_AA if rng.random() < 0.5 else cv2.LINE_8
    sweep = rng.uniform(20, 200)
    cv2.ellipse(
        image,
        centre,
        (radius, int(radius * rng.uniform(0.5, 1))),
        rng.uniform(0, 180),
        start,
        start + sweep,
        colour_of(rng),
        int(rng.choice([1, 1, 2, 4])),
        smooth,
    )


def arrow(rng: np.random.Generator, image: np.ndarray) -> None:
    x, y = place(rng, image)
    if rng.random() < 0.5:
        angle, length = rng.uniform(0, 2 * np.pi), rng.uniform(12, 60)
        end = (int(x + length * np.cos(angle)), int(y + length * np.sin(angle)))
        cv2.arrowedLine(image, (x, y), end, colour_of(rng), int(rng.choice([1, 2, 3])), tipLength=rng.uniform(0.15, 0.5))
        return
    r, turn = rng.uniform(3, 12), rng.choice([0, 0.5, 1, 1.5]) * np.pi  # focus mark: a small triangle
    angles = turn + np.array([0, 2.2, -2.2])
    points = np.stack([x + r * np.cos(angles), y + r * np.sin(angles)], -1).astype(np.int32)
    if rng.random() < 0.7:
        cv2.fillPoly(image, [points], colour_of(rng))
    else:
        cv2.polylines(image, [points], True, colour_of(rng), 1)


def icon(rng: np.random.Generator, image: np.ndarray) -> None:
    """A pictogram 10 to 50 pixels wide: body marks, probes, gears, hands; shapes over shapes."""
    x, y = place(rng, image)
    size, colour = rng.uniform(10, 50), colour_of(rng)
    thick = int(rng.choice([1, 1, 2, -1]))
    for _ in range(int(rng.integers(2, 6))):
        cx, cy = (int(v) for v in (x + rng.normal(0, size / 5), y + rng.normal(0, size / 5)))
        if rng.random() < 0.5:
            axes = tuple(int(v) for v in rng.uniform(3, size / 2, 2))
            cv2.ellipse(image, (cx, cy), axes, rng.uniform(0, 180), 0, float(rng.choice([180, 270, 360, 360])), colour, thick)
        else:
            n = int(rng.integers(5, 9))
            angles = np.sort(rng.uniform(0, 2 * np.pi, n))
            radii = rng.uniform(0.4, 1.0, n) * size / 2
            points = np.stack([cx + radii * np.cos(angles), cy + radii * np.sin(angles)], -1).astype(np.int32)
            if thick < 0:
                cv2.fillPoly(image, [points], colour)
            else:
                cv2.polylines(image, [points], True, colour, thick)
        if rng.random() < 0.3:
            colour = colour_of(rng)


def highlights(rng: np.random.Generator, image: np.ndarray) -> None:
    """Small saturated spots of any form: specular reflections, calcifications, bright speckle, clips."""
    for _ in range(int(rng.integers(1, 14))):
        x, y = place(rng, image)
        axes = tuple(int(v) for v in rng.integers(1, 9, 2))
        cv2.ellipse(image, (x, y), axes, rng.uniform(0, 180), 0, 360, (int(rng.integers(200, 256)),) * 3, -1, cv2.LINE_AA)
        if rng.random() < 0.4:
            cv2.ellipse(
                image,
                (x + int(rng.integers(-5, 6)), y + int(rng.integers(-5, 6))),
                axes[::-1],
                rng.uniform(0, 180),
                0,
                360,
                (250,) * 3,
                -1,
                cv2.LINE_AA,
            )


def catheter(rng: np.random.Generator, image: np.ndarray) -> None:
    """A smooth curve with a bright or dark core, as catheters, wires, needles, bone edges and vessel walls look."""
    anchors = np.array([place(rng, image) for _ in range(4)], float)
    t = np.linspace(0, 1, 60)[:, None]
    curve = (1 - t) ** 3 * anchors[0] + 3 * (1 - t) ** 2 * t * anchors[1] + 3 * (1 - t) * t**2 * anchors[2] + t**3 * anchors[3]
    thick, colour = int(rng.integers(1, 8)), (int(rng.integers(0, 256)),) * 3
    layer = image.copy()
    cv2.polylines(layer, [curve.astype(np.int32)], False, colour, thick, cv2.LINE_AA)
    alpha = rng.uniform(0.3, 1.0)
    image[:] = cv2.addWeighted(layer, alpha, image, 1 - alpha, 0)
    if rng.random() < 0.3:
        for point in curve[:: int(rng.integers(3, 10))]:
            cv2.circle(image, tuple(int(v) for v in point), thick + 1, colour, -1, cv2.LINE_AA)


def patch(rng: np.random.Generator, image: np.ndarray) -> None:
    """A small picture in the picture: a box of speckle with a hard edge."""
    x, y = place(rng, image)
    h, w = (int(v) for v in rng.integers(20, 120, 2))
    part = image[y : y + h, x : x + w]
    part[:] = speckle(rng, max(h, w))[: part.shape[0], : part.shape[1]]


def grating(rng: np.random.Generator, image: np.ndarray) -> None:
    """Stripes or a checkerboard: test patterns, halftones, fences of equal lines."""
    x, y = place(rng, image)
    h, w = (int(v) for v in rng.integers(12, 120, 2))
    period = rng.uniform(2, 14)
    rows, columns = np.arange(h)[:, None] % period < period / 2, np.arange(w)[None, :] % period < period / 2
    kind = rng.random()
    wave = np.broadcast_to(rows, (h, w)) if kind < 0.4 else np.broadcast_to(columns, (h, w)) if kind < 0.8 else rows ^ columns
    part = image[y : y + h, x : x + w]
    dark, light = np.sort(rng.integers(0, 256, 2))
    part[:] = np.where(wave, light, dark)[: part.shape[0], : part.shape[1], None]


def implants(rng: np.random.Generator, image: np.ndarray) -> None:
    """Metal on X-rays: clips and staples in a row, or a pulse generator with what is inside it."""
    x, y = place(rng, image)
    tone = (int(rng.integers(170, 256)),) * 3 if rng.random() < 0.8 else (int(rng.integers(0, 60)),) * 3
    if rng.random() < 0.6:
        step = rng.normal(0, 14, 2)
        for k in range(int(rng.integers(1, 9))):
            at = tuple(int(v) for v in (x, y) + k * step + rng.normal(0, 2, 2))
            axes, sweep = tuple(int(v) for v in rng.integers(2, 10, 2)), float(rng.uniform(40, 140))
            cv2.ellipse(image, at, axes, rng.uniform(0, 180), 0, sweep, tone, int(rng.choice([1, 1, 2, 3])), cv2.LINE_AA)
        return
    wide, high = (int(v) for v in rng.integers(30, 90, 2))
    cv2.ellipse(image, (x, y), (wide // 2, high // 2), 0, 0, 360, tone, -1, cv2.LINE_AA)
    for _ in range(int(rng.integers(3, 14))):
        corner = np.array((x, y)) + rng.uniform(-0.35, 0.35, 2) * (wide, high)
        size = rng.uniform(2, 14, 2)
        ends = [tuple(int(v) for v in end) for end in (corner - size / 2, corner + size / 2)]
        shade = (int(np.clip(tone[0] - rng.uniform(-120, 180), 0, 255)),) * 3
        cv2.rectangle(image, *ends, shade, int(rng.choice([-1, 1, 2])))


def flow(rng: np.random.Generator, image: np.ndarray) -> None:
    image[:] = doppler(rng, image)


DRAWERS = (ruler, bar, trace, spectrum, frame, lines, grid, arc, arrow, icon, highlights, catheter, patch, flow, grating, implants)
SHARES = np.array([8, 1.5, 1.5, 1, 2, 2.5, 0.7, 1.5, 1.6, 1.6, 2, 1.5, 0.5, 1.0, 0.5, 1.0])


def draw_clutter(rng: np.random.Generator, image: np.ndarray, most: int) -> np.ndarray:
    """The image with up to ``most`` pieces of clutter."""
    image = image.copy()
    for which in rng.choice(len(DRAWERS), int(rng.integers(0, most + 1)), p=SHARES / SHARES.sum()):
        DRAWERS[which](rng, image)
    return image


def calipers(rng: np.random.Generator, image: np.ndarray, ignored: np.ndarray) -> None:
    """Measuring marks (+, x, T and dotted lines between them). Neither text nor not: their places are set True in ``ignored``."""
    colour = colour_of(rng)
    for _ in range(int(rng.integers(1, 5))):
        (x, y), r = place(rng, image), int(rng.integers(2, 8))
        thick = int(rng.choice([1, 1, 2]))
        if rng.random() < 0.6:
            cv2.line(image, (x - r, y), (x + r, y), colour, thick)
            cv2.line(image, (x, y - r), (x, y + r), colour, thick)
        else:
            cv2.line(image, (x - r, y - r), (x + r, y + r), colour, thick)
            cv2.line(image, (x - r, y + r), (x + r, y - r), colour, thick)
        ignored[max(y - r - 3, 0) : y + r + 4, max(x - r - 3, 0) : x + r + 4] = True
