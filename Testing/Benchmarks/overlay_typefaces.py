"""Typefaces of the bench: those that come with Pillow, matplotlib and OpenCV and so are always there, and installed ones when asked for.

Every line is rendered to the coverage of its ink with capitals exactly (or, for the bitmap face, nearly) as high as asked.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path

import cv2
import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont

MATPLOTLIB = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
OUTLINES = ("DejaVuSans", "DejaVuSans-Bold", "DejaVuSansMono", "DejaVuSerif")
# Those of Debian's fonts-liberation, fonts-roboto, fonts-freefont-ttf and xfonts: common on screens, not installed everywhere.
INSTALLED = ("truetype/liberation/*.ttf", "truetype/roboto/unhinted/RobotoTTF/*.ttf", "truetype/freefont/FreeMono*.ttf")
SYSTEM = Path("/usr/share/fonts")
HERSHEY = {"simplex": cv2.FONT_HERSHEY_SIMPLEX, "plain": cv2.FONT_HERSHEY_PLAIN, "duplex": cv2.FONT_HERSHEY_DUPLEX}


@dataclass(frozen=True)
class Face:
    """``kind``: ``outline`` (smoothed), ``crisp`` (an outline without smoothing, as old screens draw), ``bitmap`` (Pillow's 11 px letters,
    enlarged by whole numbers) or ``hershey`` (OpenCV's strokes). ``source``: a font file, or a name of :data:`HERSHEY`. ``shaped``:
    letters join, stack and run to the left as their script wants it, where Pillow has libraqm."""

    kind: str
    name: str
    source: str = ""
    shaped: bool = False

    def write(self, text: str, height: int) -> np.ndarray:
        """Coverage of the ink of one line, float32 0 to 1 ``(rows, columns)``, trimmed; capitals are ``height`` pixels high."""
        if self.kind == "bitmap":
            times = max(round(height / _inked(_bitmap("H")).shape[0]), 1)
            return np.kron(_inked(_bitmap(text)), np.ones((times, times), np.float32))
        if self.kind == "hershey":
            return _inked(_strokes(text, self.source, _hershey_scale(self.source, height), max(1, round(height / 10))))
        size = _outline_size(self.source, height)
        return _inked(_outline(text, _outline_face(self.source, size, self.shaped), self.kind == "outline"))


@functools.cache
def faces(installed: bool = False) -> tuple[Face, ...]:
    """The faces that are there on every machine, and with ``installed`` also the system's, which differ between machines."""
    found = [Face("outline", "Aileron (Pillow)"), Face("bitmap", "Pillow 11 px")]
    for name in OUTLINES:
        found += [Face(kind, name, str(MATPLOTLIB / f"{name}.ttf")) for kind in ("outline", "crisp")]
    found += [Face("hershey", f"Hershey {name}", name) for name in HERSHEY]
    if installed:
        files = sorted(path for pattern in INSTALLED for path in SYSTEM.glob(pattern))
        found += [Face(kind, path.stem, str(path)) for path in files for kind in ("outline", "crisp")]
    return tuple(found)


@functools.cache
def _outline_face(source: str, size: int, shaped: bool = False) -> ImageFont.FreeTypeFont:
    layout = None if shaped else ImageFont.Layout.BASIC
    return ImageFont.truetype(source, size, layout_engine=layout) if source else ImageFont.load_default(size)


@functools.cache
def _outline_size(source: str, height: int) -> int:
    """The smallest nominal size whose capitals are as high as asked."""
    size = height
    while _inked(_outline("H", _outline_face(source, size), smooth=False)).shape[0] < height:
        size += 1
    return size


def _outline(text: str, face: ImageFont.FreeTypeFont, smooth: bool) -> np.ndarray:
    left, top, right, bottom = (int(round(edge)) for edge in face.getbbox(text))
    page = Image.new("L" if smooth else "1", (right - min(left, 0) + 4, bottom - min(top, 0) + 4))
    ImageDraw.Draw(page).text((2 - min(left, 0), 2 - min(top, 0)), text, font=face, fill=255 if smooth else 1)
    return np.asarray(page.convert("L"), np.float32) / 255


def _bitmap(text: str) -> np.ndarray:
    mask = ImageFont.load_default_imagefont().getmask(text)
    return np.asarray(mask, np.float32).reshape(mask.size[1], mask.size[0]) / 255


@functools.cache
def _hershey_scale(name: str, height: int) -> float:
    """Found by drawing: what ``getFontScaleFromHeight`` answers differs between versions of OpenCV."""
    thickness = max(1, round(height / 10))
    scales = np.arange(0.1, 4.0, 0.02) * (1.6 if name == "plain" else 1.0)
    return float(min(scales, key=lambda scale: abs(_inked(_strokes("H", name, float(scale), thickness)).shape[0] - height)))


def _strokes(text: str, name: str, scale: float, thickness: int) -> np.ndarray:
    (width, ascent), descent = cv2.getTextSize(text, HERSHEY[name], scale, thickness)
    pad = 4 + thickness
    page = np.zeros((ascent + descent + 2 * pad, width + 2 * pad), np.uint8)
    cv2.putText(page, text, (pad, ascent + pad), HERSHEY[name], scale, 255, thickness, cv2.LINE_AA)
    return page.astype(np.float32) / 255


def _inked(coverage: np.ndarray) -> np.ndarray:
    """Without its empty margins; what smoothing only tinges is no part of a letter's height."""
    there = coverage > 0.25
    rows, columns = np.flatnonzero(there.any(axis=1)), np.flatnonzero(there.any(axis=0))
    return coverage[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] if rows.size else coverage[:0, :0]
