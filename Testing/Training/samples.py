"""One training sample from one seed: a screen with text, what is text in it, and what counts.

``python samples.py sheet.png`` draws a sheet of samples to look at.
"""

from __future__ import annotations

import sys

import cv2
import numpy as np
from backgrounds import background, moments_together, plain_speckle
from clutter import calipers, colour_of, draw_clutter
from typefaces import Pen
from words import few, foreign, phrase, single

SIZE = 256
LEAST_CONTRAST = 16  # grey levels between ink and ground; below, a person would not read it: neither text nor not
# Nor what stands out by less than this share of the noise under it; letters far larger than its grain are read in more.
NOISE_HIDES, NOISE_HIDES_TALL, TALL = 0.9, 0.6, 14
MOST_SLANT = 28  # degrees
TOGETHER = 0.15  # of the samples: many frames seen together
BARE = 0.18  # of the other samples: plain speckle without any text
AROUND = 20  # pixels, the standard deviation of what is around


class Page:
    """A screen being drawn: the image, the ink of its text, the weight of each pixel of ink, and where nothing is learned.
    ``faint``: the share of its text that hardly stands out of what lies behind."""

    def __init__(self, image: np.ndarray, faint: float = 0.03):
        self.image, self.faint = image, faint
        self.ink = np.zeros(image.shape[:2], bool)
        self.weight = np.ones(image.shape[:2], np.float32)
        self.ignored = np.zeros(image.shape[:2], bool)

    def stamp(self, rng: np.random.Generator, ink: np.ndarray, x: int, y: int, style: Style) -> None:
        """Blend a line's ink at ``(x, y)``, its upper left corner; what falls outside is cut off."""
        ground = self.image.copy() if style.shadow or style.box is not None else self.image
        if style.box is not None:
            pad = style.box_pad
            cv2.rectangle(ground, (x - pad, y - pad), (x + ink.shape[1] + pad, y + ink.shape[0] + pad), style.box, -1)
        if style.shadow == "drop":
            blend(ground, ink, x + style.offset, y + style.offset, style.shade, 0.9)
        elif style.shadow == "outline":
            blend(ground, cv2.dilate(np.pad(ink, 1), np.ones((3, 3))), x - 1, y - 1, style.shade, 0.9)
        drawn = ground.copy()
        window = blend(drawn, ink, x, y, style.colour, style.alpha)
        if window is None:
            return
        rows, columns, part = window
        there = part > 0.4
        before, after = ground[rows, columns].astype(np.int16), drawn[rows, columns].astype(np.int16)
        if not there.any():
            return
        contrast = brightest(np.abs(after - before))[there].mean()
        noise = brightest(before).std()
        hidden = NOISE_HIDES if min(ink.shape) < TALL else NOISE_HIDES_TALL
        readable = contrast >= max(LEAST_CONTRAST, hidden * noise) and there.sum() >= 0.6 * (ink > 0.4).sum()
        self.image = drawn
        if readable:
            self.ink[rows, columns] |= there
            self.weight[rows, columns][there] = np.clip(45 / np.sqrt(there.sum()), 1.0, 8.0)
        else:
            self.ignored[rows, columns] = True


class Style:
    """Colour, opacity, shadow and box of one block of text."""

    def __init__(self, rng: np.random.Generator, page: Page):
        """The colour is chosen to differ from the mean of the page."""
        ground = page.image[::4, ::4]
        level = brightest(ground).mean()
        self.alpha = 1.0 if rng.random() < 0.75 else rng.uniform(0.35, 1.0)
        for _ in range(8):
            self.colour = colour_of(rng)
            if rng.random() < 0.1:
                self.colour = tuple(int(v) for v in rng.integers(0, 256, 3))
            if np.abs(np.array(self.colour) - level).max() * self.alpha > 40 or rng.random() < 0.1:
                break
        else:
            self.colour = (0, 0, 0) if level > 128 else (255, 255, 255)
        if rng.random() < 0.25:  # dim text
            step = rng.uniform(20, 60) * (1 if level < 150 else -1)
            self.colour = tuple(int(np.clip(v, 0, 255)) for v in ground.reshape(-1, 3).mean(0) + step)
        if rng.random() < page.faint:
            self.alpha = rng.uniform(0.1, 0.3)
            self.colour = colour_of(rng) if level < 150 else (0, 0, 0)
        self.shadow = str(rng.choice(["", "", "", "", "", "drop", "outline"]))
        self.offset = int(rng.integers(1, 3))
        self.shade = (0, 0, 0) if max(self.colour) > 100 else (255, 255, 255)
        self.box, self.box_pad = None, int(rng.integers(0, 6))
        if rng.random() < 0.12:
            self.box = tuple(int(v) for v in (rng.integers(0, 256, 3) if rng.random() < 0.4 else np.repeat(rng.integers(0, 256), 3)))
            if abs(max(self.box) - max(self.colour)) < 40:
                self.box = self.shade


def blend(image: np.ndarray, ink: np.ndarray, x: int, y: int, colour: tuple[int, ...], alpha: float):
    """Draw into ``image``; the window (rows, columns) drawn to and the part of the ink there, or None where it lies outside."""
    top, left = max(-y, 0), max(-x, 0)
    part = ink[top : image.shape[0] - y, left : image.shape[1] - x] if y < image.shape[0] and x < image.shape[1] else ink[:0]
    if not part.size:
        return None
    rows, columns = slice(y + top, y + top + part.shape[0]), slice(x + left, x + left + part.shape[1])
    share = (part * alpha)[..., None]
    image[rows, columns] = (image[rows, columns] * (1 - share) + np.array(colour, np.float32) * share + 0.5).astype(np.uint8)
    return rows, columns, part


def turn_ink(rng: np.random.Generator, ink: np.ndarray, quarter: int, angle: float) -> np.ndarray:
    ink = np.ascontiguousarray(np.rot90(ink, quarter))
    if not angle:
        return ink
    rows, columns = ink.shape
    cosine, sine = abs(np.cos(np.radians(angle))), abs(np.sin(np.radians(angle)))
    height, width = int(rows * cosine + columns * sine) + 2, int(columns * cosine + rows * sine) + 2
    matrix = cv2.getRotationMatrix2D((columns / 2, rows / 2), angle, 1.0)
    matrix[:, 2] += (width / 2 - columns / 2, height / 2 - rows / 2)
    return cv2.warpAffine(ink, matrix, (width, height), flags=cv2.INTER_LINEAR)


def turn_of(rng: np.random.Generator) -> tuple[int, float]:
    """Quarter turns and degrees of a line: mostly none."""
    quarter = int(rng.choice([0, 1, 2, 3], p=[0.7, 0.12, 0.06, 0.12]))
    return quarter, float(rng.uniform(-MOST_SLANT, MOST_SLANT)) if rng.random() < 0.15 else 0.0


def height_of(rng: np.random.Generator, least: float, most: float) -> float:
    """Height of capitals; small ones are commonest on screens."""
    return float(np.exp(rng.uniform(np.log(least), np.log(most)) * 0.6 + 0.4 * rng.uniform(np.log(least), np.log(min(most, 2.2 * least)))))


def corner(rng: np.random.Generator, page: Page, ink: np.ndarray) -> tuple[int, int]:
    """Where a line goes: anywhere, often at the very edge, sometimes a little over it."""
    rows, columns = page.image.shape[:2]
    x = int(rng.integers(-ink.shape[1] // 6, max(columns - ink.shape[1] * 5 // 6, 1)))
    y = int(rng.integers(-ink.shape[0] // 6, max(rows - ink.shape[0] * 5 // 6, 1)))
    if rng.random() < 0.12:
        x = int(rng.choice([0, 1, 2, columns - ink.shape[1], columns - ink.shape[1] - 2]))
    if rng.random() < 0.12:
        y = int(rng.choice([0, 1, 2, rows - ink.shape[0], rows - ink.shape[0] - 2]))
    return x, y


def scattered(rng: np.random.Generator, page: Page, height: float) -> None:
    """Single letters, digits and words, apart from one another."""
    pen, style = Pen(rng, height), Style(rng, page)
    for _ in range(int(rng.integers(1, 9))):
        if rng.random() < 0.25:
            pen, style = Pen(rng, height * rng.uniform(0.8, 1.4)), Style(rng, page)
        ink = turn_ink(rng, pen.write(few(rng) if rng.random() < 0.8 else phrase(rng)), *turn_of(rng))
        page.stamp(rng, ink, *corner(rng, page, ink), style)


def scale_numbers(rng: np.random.Generator, page: Page, height: float) -> None:
    """A ruler with a number at some of its ticks; the numbers are mostly as small as screens have them."""
    height = min(height, height_of(rng, 6, 14)) if rng.random() < 0.6 else height
    pen, style, colour = Pen(rng, height), Style(rng, page), colour_of(rng)
    x, y = corner(rng, page, np.zeros((8, 8)))
    x, y, upright = max(x, 0), max(y, 0), rng.random() < 0.7
    first, stride = int(rng.choice([0, 0, 1, 2, 5, -100])), int(rng.choice([1, 1, 1, 2, 5, 10, 20]))
    minor, gap = int(rng.choice([1, 2, 5, 10])), int(rng.integers(2, 12))
    step = max(rng.uniform(1.6, 6) * height / minor, 3.0)
    ticks, length, side = rng.random() < 0.8, int(rng.integers(2, 14)), int(rng.choice([-1, 1]))
    for k in range(int(rng.integers(3, 60))):
        px, py = (x, int(y + k * step)) if upright else (int(x + k * step), y)
        if ticks:
            reach = length if k % minor == 0 else max(length // 2, 1)
            cv2.line(page.image, (px, py), (px - side * reach, py) if upright else (px, py - side * reach), colour, 1)
        if k % minor == 0:
            ink = pen.write(str(first + stride * (k // minor)))
            w, h = ink.shape[1], ink.shape[0]
            if upright:
                page.stamp(rng, ink, px + gap if side > 0 else px - gap - w, py - h // 2, style)
            else:
                page.stamp(rng, ink, px - w // 2, py + gap if side > 0 else py - gap - h, style)


def block(rng: np.random.Generator, page: Page, height: float) -> None:
    """One to eight lines, aligned, as headers, measurements and lists are."""
    pen, style = Pen(rng, height), Style(rng, page)
    quarter, angle = turn_of(rng)
    inks = [turn_ink(rng, pen.write(phrase(rng)), quarter, angle) for _ in range(int(rng.choice([1, 1, 1, 2, 3, 5, 8])))]
    x, y = corner(rng, page, inks[0])
    leading = height * rng.uniform(1.25, 2.2)
    ragged = rng.random() < 0.3
    for k, ink in enumerate(inks):
        shift = int(k * leading)
        back = inks[0].shape[1] - ink.shape[1] if ragged else 0
        page.stamp(rng, ink, x + (shift if quarter % 2 else back), y + (0 if quarter % 2 else shift), style)


def buttons(rng: np.random.Generator, page: Page, height: float) -> None:
    """Words or letters in boxes: menus, soft keys, probe marks."""
    pen, style = Pen(rng, height), Style(rng, page)
    style.box, style.shadow = None, ""
    face = tuple(int(v) for v in np.repeat(rng.integers(30, 230), 3) + rng.integers(-20, 25, 3))
    x, y = corner(rng, page, np.zeros((8, 8)))
    across, filled, pad = rng.random() < 0.6, rng.random() < 0.6, int(rng.integers(2, 8))
    for _ in range(int(rng.integers(1, 6))):
        ink = pen.write(phrase(rng) if rng.random() < 0.7 else few(rng))
        w, h = ink.shape[1] + 2 * pad, ink.shape[0] + 2 * pad
        if rng.random() < 0.15 and ink.shape[1] < 2 * ink.shape[0]:
            cv2.circle(page.image, (x + w // 2, y + h // 2), max(w, h) // 2, face, -1 if filled else 1, cv2.LINE_AA)
        else:
            cv2.rectangle(page.image, (x, y), (x + w, y + h), face, -1 if filled else 1)
        if filled and abs(max(face) - max(style.colour)) < 50:
            style.colour = (0, 0, 0) if max(face) > 128 else (255, 255, 255)
        page.stamp(rng, ink, x + pad, y + pad, style)
        x, y = (x + w + pad, y) if across else (x, y + h + pad)


def marker(rng: np.random.Generator, page: Page, height: float) -> None:
    """A large letter or two alone: L, R, a lead marker, a probe mark."""
    pen, style = Pen(rng, min(height * rng.uniform(1.2, 2.5), 44)), Style(rng, page)
    ink = turn_ink(rng, pen.write(single(rng) if rng.random() < 0.7 else few(rng)), *turn_of(rng))
    page.stamp(rng, ink, *corner(rng, page, ink), style)


def other_letters(rng: np.random.Generator, page: Page, height: float) -> None:
    text, wide = foreign(rng)
    pen, style = Pen(rng, max(height, 10), wide), Style(rng, page)
    while not wide and (pen.hershey or ".pcf" in str(pen.face.path)):
        pen = Pen(rng, max(height, 10))
    ink = pen.write(text)
    page.stamp(rng, ink, *corner(rng, page, ink), style)


def badge(rng: np.random.Generator, page: Page, height: float) -> None:
    """A letter in a disc or on a shaded ball: probe marks of many makers."""
    pen, style = Pen(rng, min(height, 22)), Style(rng, page)
    style.box, style.shadow, style.alpha = None, "", 1.0
    ink = pen.write(single(rng))
    radius = int(max(ink.shape) * rng.uniform(0.75, 1.3)) + 1
    x, y = corner(rng, page, np.zeros((2 * radius, 2 * radius)))
    face = rng.uniform(30, 150) * (np.ones(3) if rng.random() < 0.5 else rng.uniform(0.4, 1.4, 3))
    if rng.random() < 0.7:
        for k in range(radius, 0, -1):  # lighter towards the upper left, as lit
            shift = (radius - k) // 3
            tone = np.clip(face * (1 + rng.uniform(0, 0.02)) + (radius - k) * rng.uniform(0, 60) / radius, 0, 255)
            cv2.circle(page.image, (x + radius - shift, y + radius - shift), k, tuple(int(v) for v in tone), -1, cv2.LINE_AA)
    else:
        cv2.circle(page.image, (x + radius, y + radius), radius, colour_of(rng), 1, cv2.LINE_AA)
        face = (
            page.image[max(y, 0) : y + radius, max(x, 0) : x + radius].reshape(-1, 3).mean(axis=0) if x + radius > 0 < y + radius else face
        )
    bright = min(max(face) + rng.uniform(50, 150), 255)
    style.colour = (int(bright),) * 3 if max(face) < 160 else (0, 0, 0)
    page.stamp(rng, ink, x + radius - ink.shape[1] // 2, y + radius - ink.shape[0] // 2, style)


def cube(rng: np.random.Generator, page: Page, height: float) -> None:
    """An orientation cube: a letter on each of two faces that are seen aslant."""
    pen, style = Pen(rng, 40), Style(rng, page)
    style.box, style.shadow = None, ""
    side = max(height, 16) * rng.uniform(1.4, 2.4)
    lean, open_by = rng.uniform(-0.6, 0.6), rng.uniform(0.7, 1.5)
    along = side * np.array([np.cos(lean), np.sin(lean)])
    down = side * np.array([np.cos(lean + np.pi / 2 * open_by), np.sin(lean + np.pi / 2 * open_by)])
    back = side * rng.uniform(0.4, 0.9) * np.array([np.cos(lean - 1.1), np.sin(lean - 1.1)])
    start = np.array(corner(rng, page, np.zeros((int(side), int(side)))), float)
    for origin, first, second in ((start, along, down), (start + back, along, -back)):
        outline = np.array([origin, origin + first, origin + first + second, origin + second]).astype(np.int32)
        cv2.polylines(page.image, [outline], True, style.colour, 1, cv2.LINE_AA if rng.random() < 0.5 else cv2.LINE_8)
        ink = pen.write(str(rng.choice(list("APLRSIHF"))))
        inner = origin + 0.2 * (first + second)
        to_page = np.column_stack([0.6 * first / ink.shape[1], 0.6 * second / ink.shape[0], inner])
        x, y = np.floor(np.minimum.reduce([inner, inner + 0.6 * first, inner + 0.6 * second, inner + 0.6 * (first + second)])).astype(int)
        to_page[:, 2] -= (x, y)
        reach = int(2.5 * side)
        seen = cv2.warpAffine(cv2.dilate(ink, np.ones((2, 2))), to_page, (reach, reach), flags=cv2.INTER_AREA)
        page.stamp(rng, seen, int(x), int(y), style)


LAYOUTS = (scattered, scale_numbers, block, buttons, marker, other_letters, badge, cube)
SHARES = np.array([3.2, 3.2, 3.0, 1, 1.3, 0.5, 0.7, 0.3])


def stretched(image: np.ndarray, gain: float) -> np.ndarray:
    """The differences from the mean of what is around, times ``gain``."""
    around = cv2.GaussianBlur(image, (0, 0), AROUND).astype(np.float32)
    return np.clip((image - around) * gain + around, 0, 255).astype(np.uint8)


def degraded(rng: np.random.Generator, image: np.ndarray) -> np.ndarray:
    """What happens to an image on its way: blur, grey, noise, JPEG."""
    if rng.random() < 0.12:
        image = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.3, 0.8))
    if rng.random() < 0.5:
        image = cv2.cvtColor(brightest(image) if rng.random() < 0.5 else cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    if rng.random() < 0.1:
        image = 255 - image
    if rng.random() < 0.15:
        image = np.clip(image + rng.normal(0, rng.uniform(1, 6), image.shape), 0, 255).astype(np.uint8)
    if rng.random() < 0.3:
        coded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(35, 96))])[1]
        image = cv2.imdecode(coded, cv2.IMREAD_COLOR)
    return image


def sample(seed: int, index: int, corpus: str | None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Sample ``index`` of the endless series ``seed``.

    Returns the image uint8 RGB ``(SIZE, SIZE, 3)``, and at half resolution the target ``bool`` (ink, one pixel wider) and the weight
    ``float32`` of each pixel in the loss (0 where nothing is learned: calipers, unreadable text, the rim of letters).
    """
    rng = np.random.default_rng([seed, index])
    scale = float(rng.choice([0.5, 0.7, 1.0, 1.5, 2.0], p=[0.06, 0.08, 0.62, 0.08, 0.16]))
    side = int(round(SIZE / scale / 2)) * 2
    together = rng.random() < TOGETHER
    bare = not together and rng.random() < BARE
    ground = moments_together(rng, side) if together else plain_speckle(rng, side) if bare else background(rng, side, corpus)
    page = Page(draw_clutter(rng, ground, 5 if rng.random() < 0.6 else 2), *([0.5] if together else ()))
    if rng.random() < 0.12:
        calipers(rng, page.image, page.ignored)
    if not bare and rng.random() < 0.84:
        least, most = max(6.0, 6.0 / scale), min(40.0, 40.0 / scale)
        for which in rng.choice(len(LAYOUTS), int(rng.integers(1, 4)), p=SHARES / SHARES.sum()):
            LAYOUTS[which](rng, page, height_of(rng, least, most))
    image, ink, weight, ignored = page.image, page.ink, page.weight, page.ignored
    if side != SIZE:
        how = cv2.INTER_AREA if scale < 1 else int(rng.choice([cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_NEAREST], p=[0.5, 0.4, 0.1]))
        image = cv2.resize(image, (SIZE, SIZE), interpolation=how)
        ink = cv2.resize(ink.astype(np.float32), (SIZE, SIZE), interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR) > 0.4
        weight = cv2.resize(weight, (SIZE, SIZE), interpolation=cv2.INTER_NEAREST)
        ignored = cv2.resize(ignored.astype(np.uint8), (SIZE, SIZE), interpolation=cv2.INTER_NEAREST) > 0
    target = halved(cv2.dilate(ink.astype(np.uint8), np.ones((3, 3), np.uint8)))
    rim = cv2.dilate(target, np.ones((3, 3), np.uint8)) > target
    weights = halved(cv2.dilate(np.where(ink, weight, 0), np.ones((3, 3))))
    weights = np.where(target > 0, np.maximum(weights, 1), 1).astype(np.float32)
    weights[rim | ((halved(ignored.astype(np.uint8)) > 0) & (target == 0))] = 0
    if together:
        image = stretched(image, rng.uniform(1, 3))
    return degraded(rng, image), target > 0, weights


def brightest(image: np.ndarray) -> np.ndarray:
    """The largest of the three channels."""
    return np.maximum(np.maximum(image[..., 0], image[..., 1]), image[..., 2])


def halved(image: np.ndarray) -> np.ndarray:
    """The largest of each two by two pixels."""
    return np.maximum(np.maximum(image[::2, ::2], image[1::2, ::2]), np.maximum(image[::2, 1::2], image[1::2, 1::2]))


def sheet(path: str, corpus: str | None) -> None:
    """Samples, and beside each its target (white) and what is not learned (grey)."""
    cells = []
    for index in range(24):
        image, target, weight = sample(1, index, corpus)
        truth = np.where(target, 255, np.where(weight == 0, 90, 0)).astype(np.uint8)
        truth = cv2.resize(truth, (SIZE, SIZE), interpolation=cv2.INTER_NEAREST)
        cells.append(np.hstack([image, cv2.cvtColor(truth, cv2.COLOR_GRAY2RGB)]))
    rows = [np.hstack(cells[k : k + 4]) for k in range(0, len(cells), 4)]
    cv2.imwrite(path, np.vstack(rows)[..., ::-1])


if __name__ == "__main__":
    sheet(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else None)
