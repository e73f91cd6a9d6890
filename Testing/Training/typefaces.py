"""Typefaces for burned-in text: outline fonts, X11 bitmap fonts, OpenCV's Hershey strokes; each rendered to the coverage of its ink."""

from __future__ import annotations

import functools
from pathlib import Path

import cv2
import numpy as np
from PIL import ImageFont

FONT_ROOT = Path("/usr/share/fonts")
# Debian packages; see CARD.md for their licences. CJK and symbol-only faces are apart: they lack Latin letters.
OUTLINE = (
    "truetype/dejavu/DejaVuSans*.ttf",
    "truetype/dejavu/DejaVuSerif*.ttf",
    "truetype/liberation/*.ttf",
    "truetype/freefont/*.ttf",
    "truetype/hack/*.ttf",
    "truetype/inconsolata/*.otf",
    "truetype/lato/Lato-[BMRHS]*.ttf",
    "truetype/noto/NotoSans-*.ttf",
    "truetype/noto/NotoSerif-*.ttf",
    "truetype/noto/NotoSansDisplay-*.ttf",
    "truetype/open-sans/*.ttf",
    "truetype/roboto/unhinted/RobotoTTF/*.ttf",
    "truetype/crosextra/*.ttf",
    "opentype/cantarell/*.otf",
    "opentype/urw-base35/Nimbus*.otf",
    "opentype/urw-base35/URWGothic*.otf",
)
PIXEL_OUTLINE = ("opentype/spleen/*.otf", "opentype/unifont/unifont.otf")  # outlines of bitmap letters: crisp at whole multiples
BITMAP = (
    "X11/75dpi/[chlnt]*[RB][0-9]*.pcf.gz",
    "X11/75dpi/lu[BRt]*.pcf.gz",
    "X11/100dpi/[chlnt]*[RB][0-9]*.pcf.gz",
    "X11/100dpi/lu[BRt]*.pcf.gz",
    "X11/misc/[0-9]*x[0-9]*.pcf.gz",
    "X11/misc/ter-*.pcf.gz",
    "opentype/terminus/terminus-[bn]*.otb",
)
WIDE = ("truetype/droid/DroidSansFallbackFull.ttf", "truetype/wqy/wqy-zenhei.ttc")
HERSHEY = (cv2.FONT_HERSHEY_SIMPLEX, cv2.FONT_HERSHEY_PLAIN, cv2.FONT_HERSHEY_DUPLEX, cv2.FONT_HERSHEY_COMPLEX_SMALL)


@functools.cache
def files(patterns: tuple[str, ...]) -> tuple[str, ...]:
    found = sorted({str(path) for pattern in patterns for path in FONT_ROOT.glob(pattern)})
    if not found:
        raise FileNotFoundError(f"no typefaces under {FONT_ROOT} for {patterns}: install the Debian packages listed in CARD.md")
    return tuple(found)


@functools.lru_cache(maxsize=4096)
def typeface(path: str, size: int) -> ImageFont.FreeTypeFont | None:
    """The face at a nominal pixel size; None where a bitmap face has no strike of that size or no Latin digits."""
    try:
        face = ImageFont.truetype(path, size, layout_engine=ImageFont.Layout.BASIC)
        different = {face.getmask(letter, "1").size + (bytes(face.getmask(letter, "1")),) for letter in "A8g"}
    except OSError:
        return None
    return face if len(different) == 3 else None


@functools.cache
def strikes() -> tuple[tuple[str, int], ...]:
    """(path, size) of every bitmap face with Latin letters, 6 to 40 pixels; X11 faces by the sizes that their fonts.dir states."""
    wanted = set(files(BITMAP))
    found = [(path, size) for path in wanted if path.endswith(".otb") for size in (12, 14, 16, 18, 20, 22, 24, 28, 32)]
    for listing in sorted(FONT_ROOT.glob("X11/*/fonts.dir")):
        for line in listing.read_text(encoding="latin-1").splitlines()[1:]:
            name, _, description = line.partition(" ")
            fields, path = description.split("-"), str(listing.parent / name)
            if path in wanted and description.endswith(("iso8859-1", "iso10646-1")) and 6 <= int(fields[7]) <= 40:
                found.append((path, int(fields[7])))
    return tuple(sorted(set(found)))


def coverage(face: ImageFont.FreeTypeFont, text: str, smooth: bool, spacing: int = 0) -> np.ndarray:
    """Ink of one line, float32 0 to 1, cropped to the ink; empty where nothing is drawn. ``spacing``: extra pixels between letters."""
    if spacing:
        letters = [mask_of(face, letter, smooth) for letter in text]
        rows = max(letter.shape[0] for letter in letters)
        parts = [np.pad(letter, ((0, rows - letter.shape[0]), (0, spacing))) for letter in letters]
        return np.concatenate(parts, axis=1)
    return mask_of(face, text, smooth)


def mask_of(face: ImageFont.FreeTypeFont, text: str, smooth: bool) -> np.ndarray:
    left, top, right, bottom = face.getbbox(text)
    mask = face.getmask(text, "L" if smooth else "1")
    if 0 in mask.size:
        return np.zeros((max(int(bottom - top), 1), max(int(right - left), 1)), np.float32)
    ink = np.asarray(mask, dtype=np.float32).reshape(mask.size[1], mask.size[0]) / 255.0
    return np.pad(ink, ((max(int(top), 0), 0), (0, 0)))  # keep the baseline: letters of a spaced line must not jump up


def hershey(text: str, height: int, which: int, thickness: int, smooth: bool) -> np.ndarray:
    """A line in OpenCV's stroke letters with capitals ``height`` pixels high."""
    scale = cv2.getFontScaleFromHeight(which, height, thickness)
    (width, ascent), descent = cv2.getTextSize(text, which, scale, thickness)
    canvas = np.zeros((ascent + descent + 2 * thickness, width + 2 * thickness), np.uint8)
    cv2.putText(canvas, text, (thickness, ascent + thickness), which, scale, 255, thickness, cv2.LINE_AA if smooth else cv2.LINE_8)
    return canvas.astype(np.float32) / 255.0


def trimmed(ink: np.ndarray) -> np.ndarray:
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    if not rows.size:
        return ink[:0, :0]
    return ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


class Pen:
    """One way of writing (typeface, size, smoothing): every line of a block is drawn with the same pen."""

    def __init__(self, rng: np.random.Generator, height: float, wide: bool = False):
        """``height``: of capitals, in pixels (bitmap faces: the nearest strikes). ``wide``: a face with CJK."""
        kind = rng.random()
        self.smooth = bool(rng.random() < 0.75)
        self.spacing = int(rng.integers(1, 3)) if rng.random() < 0.08 else 0
        self.hershey: tuple[int, int, int] | None = None
        if wide:
            self.face = typeface_any(files(WIDE)[rng.integers(len(files(WIDE)))], max(round(height / 0.8), 8))
        elif kind < 0.3:
            near = [s for s in strikes() if 0.75 * height <= 0.68 * s[1] <= 1.3 * height] or list(strikes())
            self.face, self.smooth = None, False
            while self.face is None:
                self.face = typeface(*near[rng.integers(len(near))])
        elif kind < 0.38:
            chosen = files(PIXEL_OUTLINE)[rng.integers(len(files(PIXEL_OUTLINE)))]
            native = 16 if "unifont" in chosen else int(chosen.rsplit("x", 1)[1].split(".")[0])
            self.face, self.smooth = (
                typeface_any(chosen, native if native >= height else native * max(round(height / 0.65 / native), 1)),
                False,
            )
        elif kind < 0.5:
            thick = max(1, round(height / rng.uniform(7, 14)))
            self.face, self.hershey = None, (HERSHEY[rng.integers(len(HERSHEY))], max(round(height), 6), thick)
        else:
            chosen = files(OUTLINE)[rng.integers(len(files(OUTLINE)))]
            self.face = typeface_any(chosen, max(round(height / 0.72), 7))

    def write(self, text: str) -> np.ndarray:
        """Coverage of the line's ink, float32 0 to 1, trimmed to the ink."""
        if self.hershey is not None:
            which, height, thickness = self.hershey
            ascii_only = text.encode("ascii", "ignore").decode() or "A"
            return trimmed(hershey(ascii_only, height, which, thickness, self.smooth))
        return trimmed(coverage(self.face, text, self.smooth, self.spacing))


@functools.lru_cache(maxsize=4096)
def typeface_any(path: str, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(path, size, layout_engine=ImageFont.Layout.BASIC)
