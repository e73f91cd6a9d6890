"""What simulated ultrasound screens show around and over the fields: pages, bars, rulers, marks, text, traces (:mod:`roi_phantom`)."""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
from phantom_fields import Field

LETTERS = "ABCDEFGHIKLMNOPRSTUVabcdefghiklmnoprstuv0123456789./:%"
FONTS = (cv2.FONT_HERSHEY_SIMPLEX, cv2.FONT_HERSHEY_DUPLEX, cv2.FONT_HERSHEY_PLAIN, cv2.FONT_HERSHEY_TRIPLEX)


@dataclass
class Screen:
    """A screen that is being drawn.

    Parameters
    ----------
    random
        Where its choices come from.
    shape
        (rows, columns).
    fields
        What is displayed on it.
    page
        ``(rows, columns, 3)`` uint8: what is beside the fields.
    over
        ``(rows, columns)`` uint8: what is drawn over everything; 0 for nothing.
    mask
        Bool ``(rows, columns)``: where the fields are.
    text
        Bool ``(rows, columns)``: where a text detector finds text.
    traits
        What was drawn.
    """

    random: np.random.Generator
    shape: tuple[int, int]
    fields: list[Field]
    page: np.ndarray
    over: np.ndarray
    mask: np.ndarray
    text: np.ndarray
    traits: list[str] = field(default_factory=list)

    def grey(self, low: int = 120, high: int = 256) -> tuple[int, int, int]:
        """A drawing color: mostly grey, some green, yellow, orange or blue."""
        level = int(self.random.integers(low, high))
        if self.random.random() < 0.75:
            return level, level, level
        return tuple(int(level * share) for share in self.random.choice([(0.4, 1, 0.5), (0.2, 0.9, 1), (0.3, 0.6, 1), (1, 0.7, 0.4)]))


def furnish(random: np.random.Generator, shape: tuple[int, int], fields: list[Field]) -> Screen:
    """A screen with everything but echo. A depth ruler is always there where ``random`` does not leave it out (one screen in eight)."""
    page, mask = np.zeros((*shape, 3), np.uint8), np.logical_or.reduce([part.mask for part in fields])
    screen = Screen(random, shape, fields, page, np.zeros(shape, np.uint8), mask, np.zeros(shape, bool))
    draw_theme(screen)
    for draw, likely in (
        (draw_header, 0.5),
        (draw_footer, 0.25),
        (draw_toolbar, 0.15),
        (draw_thumbnails, 0.12),
        (draw_gray_bar, 0.75),
        (draw_color_bar, 0.3),
        (draw_logo, 0.6),
        (draw_trace, 0.3),
        (draw_icon, 0.35),
        (draw_rules, 0.12),
        (draw_ruler, 0.88),
        (draw_width_ruler, 0.15),
        (draw_corner_marks, 0.2),
        (draw_outline, 0.08),
        (draw_focus, 0.4),
        (draw_calipers, 0.4),
        (draw_cursor, 0.06),
    ):
        if random.random() < likely:
            draw(screen)
            screen.traits.append(draw.__name__.removeprefix("draw_"))
    write_page(screen)
    return screen


def draw_theme(screen: Screen) -> None:
    """The page: black, nearly black, grey or light; light pages have a black area around the image."""
    random, (rows, columns) = screen.random, screen.shape
    level = int(random.choice([0, 0, 0, 0, 0, 0, 1, 2, 8, 16, 30, 60, int(random.integers(60, 256))]))
    tint = random.uniform(0.85, 1.0, 3) if level > 10 else np.ones(3)
    screen.page[:] = np.round(level * tint)
    screen.traits.append(f"page {level}")
    if level > 4 and random.random() < (0.85 if level > 60 else 0.4):
        ys, xs = np.flatnonzero(screen.mask.any(axis=1)), np.flatnonzero(screen.mask.any(axis=0))
        margins = random.uniform(0.0, 0.08, 4) * (columns, rows, columns, rows) * (random.random(4) < 0.8)
        x0, y0, x1, y1 = (int(value) for value in np.array((xs[0], ys[0], xs[-1] + 1, ys[-1] + 1)) + margins * (-1, -1, 1, 1))
        screen.page[max(y0, 0) : y1, max(x0, 0) : x1] = 0
        screen.traits.append("image area")


def draw_header(screen: Screen) -> None:
    _draw_bar_of_page(screen, slice(0, int(screen.shape[0] * screen.random.uniform(0.02, 0.12))))


def draw_footer(screen: Screen) -> None:
    _draw_bar_of_page(screen, slice(int(screen.shape[0] * screen.random.uniform(0.9, 0.98)), None))


def _draw_bar_of_page(screen: Screen, rows: slice) -> None:
    color = screen.random.integers(15, 230) * screen.random.uniform(0.8, 1.0, 3)
    height = screen.page[rows].shape[0]
    screen.page[rows] = color * np.linspace(1, screen.random.choice([1.0, 1.0, 0.6]), height)[:, None, None]


def draw_toolbar(screen: Screen) -> None:
    """A column of buttons at the left or right edge."""
    random, (rows, columns) = screen.random, screen.shape
    width = int(columns * random.uniform(0.04, 0.12))
    x0 = 0 if random.random() < 0.4 else columns - width
    top, pitch = int(rows * random.uniform(0, 0.2)), int(width * random.uniform(0.7, 1.3))
    screen.page[top : int(rows * random.uniform(0.6, 1.0)), x0 : x0 + width] = random.integers(20, 160)
    for y in range(top, rows, max(pitch, 8)):
        color = screen.grey(60)
        cv2.rectangle(screen.page, (x0 + 3, y + 3), (x0 + width - 4, y + pitch - 4), color, int(random.choice([-1, 1])))
        cv2.circle(screen.page, (x0 + width // 2, y + pitch // 2), max(pitch // 5, 2), screen.grey(), int(random.choice([-1, 1, 2])))


def draw_thumbnails(screen: Screen) -> None:
    random, (rows, columns) = screen.random, screen.shape
    height, width = int(rows * random.uniform(0.06, 0.14)), int(columns * random.uniform(0.05, 0.12))
    x, y = int(columns * random.choice([0.01, 0.87])), int(rows * random.uniform(0.1, 0.8))
    for number in range(int(random.integers(1, 6))):
        target = screen.page[y + number * (height + 4) :, x:][:height, :width]
        noise = cv2.GaussianBlur(random.integers(0, 200, target.shape).astype(np.float32), (0, 0), 1.5) if target.size else target
        target[:] = noise


def draw_gray_bar(screen: Screen) -> None:
    """A grey bar, anywhere beside the image or close to its flank."""
    _draw_bar(screen, np.repeat(np.linspace(255, 0, 256)[:, None], 3, axis=1))


def draw_color_bar(screen: Screen) -> None:
    ramp = np.linspace(-1, 1, 256)
    bar = np.stack([np.clip(ramp, 0, 1), np.abs(ramp) ** 2, np.clip(-ramp, 0, 1)], axis=1) * 255
    if screen.random.random() < 0.3:
        bar[118:138] = 0
    _draw_bar(screen, bar)


def _draw_bar(screen: Screen, colors: np.ndarray) -> None:
    random, (rows, columns) = screen.random, screen.shape
    height, width = int(rows * random.uniform(0.1, 0.6)), int(columns * random.uniform(0.008, 0.045))
    ys, xs = np.flatnonzero(screen.mask.any(axis=1)), np.flatnonzero(screen.mask.any(axis=0))
    beside = random.random()
    if beside < 0.35:  # at the edge of the screen
        x = int(columns * random.choice([0.005, 0.02, 0.93, 0.96]))
    elif beside < 0.7:  # close to the image
        x = int(random.choice([xs[0] - width - random.integers(1, 14), xs[-1] + random.integers(2, 14)]))
    else:
        x = int(random.integers(0, columns - width))
    y = int(random.choice([ys[0], int(rows * random.uniform(0.03, 0.8))]))
    bar = cv2.resize(colors[:, None].astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR)
    x, target = max(x, 0), screen.page[y : y + height, max(x, 0) : max(x, 0) + width]
    if target.size and not screen.mask[y : y + height, x : x + width].all():
        target[:] = bar[: target.shape[0], : target.shape[1]]
        if random.random() < 0.3:
            cv2.rectangle(screen.page, (x - 1, y - 1), (x + width, y + height), screen.grey(), 1)


def draw_logo(screen: Screen) -> None:
    """The mark of the transducer's side near the upper end of the image, and a logo somewhere."""
    random, (rows, columns) = screen.random, screen.shape
    first = screen.fields[0]
    xs = np.flatnonzero(first.mask[min(int(first.top) + 3, rows - 1)])
    if len(xs):
        x = int((xs[0] if random.random() < 0.6 else xs[-1]) + random.integers(-25, 26) * columns / 800)
        y, size = int(first.top + random.integers(-25, 12) * rows / 600), int(rows * random.uniform(0.006, 0.02)) + 2
        kind = random.random()
        if kind < 0.5:
            cv2.circle(screen.page, (x, y), size, screen.grey(), int(random.choice([-1, 1, 2])), cv2.LINE_AA)
        elif kind < 0.75:
            cv2.putText(screen.page, str(random.choice(list("VPMGSE"))), (x, y), FONTS[0], size / 14, screen.grey(), 2, cv2.LINE_AA)
        else:
            cv2.rectangle(screen.page, (x, y), (x + size, y + size), screen.grey(), -1)
    if random.random() < 0.5:
        place = (int(columns * random.uniform(0.02, 0.98)), int(rows * random.uniform(0.02, 0.98)))
        cv2.circle(
            screen.page, place, int(rows * random.uniform(0.01, 0.04)) + 2, screen.grey(), int(random.choice([-1, 1, 2])), cv2.LINE_AA
        )


def draw_trace(screen: Screen) -> None:
    """An ECG or a respiration curve: near the lower end of the image, over it on some screens."""
    random, (rows, columns) = screen.random, screen.shape
    x = np.arange(int(columns * random.uniform(0, 0.3)), int(columns * random.uniform(0.4, 1.0)))
    period, height = random.uniform(50, 220), rows * random.uniform(0.02, 0.08)
    y = (
        rows * random.uniform(0.78, 0.97)
        - height * np.exp(-(((x % period) - period / 2) ** 2) / 20)
        + 3 * np.sin(x / random.uniform(5, 15))
    )
    points = np.column_stack([x, y]).astype(np.int32)
    if random.random() < 0.4:
        cv2.polylines(screen.over, [points], False, int(random.integers(120, 256)), int(random.choice([1, 2])), cv2.LINE_AA)
    else:
        cv2.polylines(screen.page, [points], False, screen.grey(), int(random.choice([1, 2])), cv2.LINE_AA)


def draw_icon(screen: Screen) -> None:
    """A body mark or a sign of line drawings, in the lower half; over the image on some screens."""
    random, (rows, columns) = screen.random, screen.shape
    x, y = int(columns * random.uniform(0.03, 0.93)), int(rows * random.uniform(0.4, 0.92))
    size = int(rows * random.uniform(0.03, 0.09))
    target, color = (screen.over, 220) if random.random() < 0.3 else (screen.page, screen.grey())
    cv2.ellipse(target, (x, y), (size, size // 2), random.uniform(0, 180), 0, 360, color, 1, cv2.LINE_AA)
    points = np.array([x, y]) + random.integers(-size, size, (6, 2))
    cv2.polylines(target, [points.astype(np.int32)], bool(random.random() < 0.5), color, 1, cv2.LINE_AA)


def draw_rules(screen: Screen) -> None:
    """Thin lines over the whole width or height."""
    random, (rows, columns) = screen.random, screen.shape
    for _ in range(int(random.integers(1, 3))):
        if random.random() < 0.6:
            y = int(random.choice([screen.fields[0].top - 1, random.uniform(0, rows)]))
            cv2.line(screen.page, (0, y), (columns, y), screen.grey(60), 1)
        else:
            x = int(random.uniform(0, columns))
            cv2.line(screen.page, (x, 0), (x, rows), screen.grey(60), 1)


def draw_ruler(screen: Screen) -> None:
    """The depth ruler of each field: ticks or dots from depth 0 to the end of the display, upright beside it, or along its flank."""
    random, columns = screen.random, screen.shape[1]
    style = random.integers(2**31)
    for part in screen.fields:
        own = np.random.default_rng(style)
        xs = np.flatnonzero(part.mask.any(axis=0))
        if own.random() < 0.12 and not part.strip:
            start = np.array(
                (float(np.flatnonzero(part.mask[min(int(part.top) + 2, part.mask.shape[0] - 1)])[-1:].sum() or xs.mean()), part.top)
            )
            end = np.array(part.corners[1])
        else:
            near = own.choice([1.0, 4.0, 14.0, 40.0, 90.0])
            x = xs[-1] + near if own.random() < 0.7 else xs[0] - near
            if own.random() < 0.2:
                x = columns * 0.96
            start, end = np.array((x, part.top)), np.array((x, part.bottom))
        start[0], end[0] = np.clip((start[0], end[0]), 2, columns - 14)
        _draw_ticks(screen, own, start, end)


def _draw_ticks(screen: Screen, random: np.random.Generator, start: np.ndarray, end: np.ndarray) -> None:
    """Marks at even distances, every fifth or so larger and numbered; the last one lies at the end or a part of a step before it."""
    count = float(random.choice([random.integers(3, 12), random.integers(10, 40)])) + random.choice([0.0, 0.0, random.random()])
    every, long, short = int(random.choice([1, 2, 5, 10])), int(random.integers(4, 13)), int(random.integers(1, 8))
    color, thick, dots = screen.grey(90), int(random.choice([1, 1, 2])), random.random() < 0.3
    direction = -1 if random.random() < 0.3 else 1
    numbers = random.random() < 0.5
    for number in range(int(count) + 1):
        x, y = np.round(start + (end - start) * number / count).astype(int)
        length = long if number % every == 0 else short
        if dots:
            cv2.circle(screen.page, (x, y), 2 if length == long else 1, color, -1)
        else:
            cv2.line(screen.page, (x, y), (x + direction * length, y), color, thick)
        if numbers and number % every == 0:
            _write(screen, random, (x + direction * long + (3 if direction > 0 else -22), y + 4), str(number), color)
    if random.random() < 0.25:
        cv2.line(screen.page, *(tuple(np.round(point).astype(int).tolist()) for point in (start, end)), color, 1)


def draw_width_ruler(screen: Screen) -> None:
    """Ticks below or above the image."""
    part, random = screen.fields[-1], screen.random
    xs, ys = np.flatnonzero(part.mask.any(axis=0)), np.flatnonzero(part.mask.any(axis=1))
    y = float(ys[-1] + random.integers(1, 20) if random.random() < 0.7 else ys[0] - random.integers(1, 20))
    for x in np.linspace(xs[0], xs[-1], int(random.integers(4, 30))):
        cv2.line(screen.page, (int(x), int(y)), (int(x), int(y) + int(random.integers(2, 8))), screen.grey(90), 1)


def draw_corner_marks(screen: Screen) -> None:
    """Small triangles at the lower ends of the sides."""
    size = int(screen.random.integers(3, 9))
    for x, y in screen.fields[0].corners:
        points = np.array([(x - size, y + size), (x + size, y + size), (x, y)])
        cv2.fillPoly(screen.page, [np.round(points).astype(np.int32)], screen.grey(180))


def draw_outline(screen: Screen) -> None:
    """A thin line around the display."""
    contours, _ = cv2.findContours(screen.mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(screen.page, contours, -1, screen.grey(80), 2)


def draw_focus(screen: Screen) -> None:
    """Marks of the focal depth beside the image: triangles, hourglasses, brackets."""
    random, part = screen.random, screen.fields[0]
    xs = np.flatnonzero(part.mask.any(axis=0))
    x = int(np.clip((xs[-1] if random.random() < 0.7 else xs[0]) + random.integers(-30, 30), 2, screen.shape[1] - 14))
    for _ in range(int(random.integers(1, 3))):
        y, size = int(part.top + (part.bottom - part.top) * random.uniform(0.1, 0.9)), int(random.integers(4, 9))
        points = np.array([(x, y), (x + 2 * size, y - size), (x + 2 * size, y + size)])
        cv2.fillPoly(screen.page, [points.astype(np.int32)], screen.grey())
    if random.random() < 0.3:
        y0, y1 = (int(part.top + (part.bottom - part.top) * share) for share in (0.3, 0.7))
        cv2.line(screen.page, (x, y0), (x, y1), screen.grey(), 1)


def draw_calipers(screen: Screen) -> None:
    """Crosses over the image, joined by dotted lines on some, with a short text on some."""
    random = screen.random
    ys, xs = np.nonzero(screen.mask)
    places = [(int(xs[at]), int(ys[at])) for at in random.integers(len(ys), size=int(random.integers(1, 5)))]
    for place in places:
        cv2.drawMarker(
            screen.over, place, int(random.integers(150, 256)), int(random.choice([cv2.MARKER_CROSS, cv2.MARKER_TILTED_CROSS])), 11, 1
        )
    if len(places) > 1 and random.random() < 0.6:
        for share in np.linspace(0, 1, 30):
            x, y = np.round(np.array(places[0]) * share + np.array(places[1]) * (1 - share)).astype(int)
            screen.over[y, x] = 200
    if random.random() < 0.5:
        x, y = places[0]
        what = words(random)
        (width, height), base = cv2.getTextSize(what, FONTS[0], 0.45, 1)
        cv2.putText(screen.over, what, (x, y), FONTS[0], 0.45, 230, 1, cv2.LINE_AA)
        screen.text[max(y - height - 3, 0) : y + base + 3, max(x - 3, 0) : x + width + 3] = True


def draw_cursor(screen: Screen) -> None:
    x, y = int(screen.random.integers(0, screen.shape[1] - 20)), int(screen.random.integers(0, screen.shape[0] - 20))
    cv2.fillPoly(screen.over, [np.array([(x, y), (x + 10, y + 10), (x, y + 14)], np.int32)], 255)


def write_page(screen: Screen) -> None:
    """Lines of text beside the image and single characters."""
    random, (rows, columns) = screen.random, screen.shape
    color, left = screen.grey(110), float(random.choice([0.01, 0.01, 0.3, 0.75]))
    for line in range(int(random.integers(2, 22))):
        column = left if random.random() < 0.6 else random.uniform(0, 0.85)
        _write(screen, random, (int(columns * column), int(18 + (rows - 30) * ((line * 0.381) % 1))), words(random), color)
    for _ in range(int(random.integers(0, 6))):
        place = (int(random.uniform(0, columns - 20)), int(random.uniform(15, rows - 5)))
        _write(screen, random, place, str(random.integers(10)), color)


def words(random: np.random.Generator) -> str:
    return "".join(random.choice(list(LETTERS), int(random.integers(2, 16))))


def _write(screen: Screen, random: np.random.Generator, place: tuple[int, int], what: str, color: tuple[int, int, int]) -> None:
    """Write beside the image; the text detector misses one single character in five and pads what it finds."""
    font, scale = FONTS[random.integers(len(FONTS))], screen.shape[0] / 600 * random.uniform(0.35, 0.65)
    (width, height), base = cv2.getTextSize(what, font, scale, 1)
    x0, y0, x1, y1 = place[0] - 3, place[1] - height - 3, place[0] + width + 3, place[1] + base + 3
    covered = screen.mask[max(y0, 0) : y1, max(x0, 0) : x1]
    if covered.size and covered.mean() > 0.02:
        return
    cv2.putText(screen.page, what, place, font, scale, color, 1, cv2.LINE_AA)
    if len(what) > 1 or random.random() > 0.2:
        screen.text[max(y0, 0) : y1, max(x0, 0) : x1] = True
