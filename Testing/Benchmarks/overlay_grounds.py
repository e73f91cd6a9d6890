"""Text-free grounds to burn text into: synthetic ultrasound, CT, X-ray and endoscopy, and real images that were looked at one by one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pydicom
import pydicom.data

# Real images without any text. Those of pydicom are always there; those of the corpus where its folder is.
PYDICOM_FILES = ("CT_small.dcm", "693_J2KI.dcm", "examples_overlay.dcm")
CORPUS_STILLS = (
    "ct/ct_rle.dcm",
    "cr/cr_fuji_chest_mono1.dcm",
    "rf/rf_shoulder.dcm",
    "xa/xa_nema_notext.dcm",
    "us/us_esopecho_rgb_notext.dcm",
)
CORPUS_CINES = ("us/us_cdoppler_cine_notext.dcm",)
# Speckle: standard deviation of fully developed speckle in dB (Goodman, "Speckle Phenomena in Optics", 2007), shown over 60 dB.
DYNAMIC_RANGE = 60.0
# How much of the speckle of one frame is still there on the next.
CORRELATION = 0.8
DARK = 10


@dataclass(frozen=True)
class Ground:
    """``frames``: uint8 ``(frames, rows, columns, 3)``. ``anatomy``: bool ``(rows, columns)``, True where the image is rather than the
    empty screen around it."""

    name: str
    frames: np.ndarray
    anatomy: np.ndarray
    modality: str


def ground(rng: np.random.Generator, index: int, frames: int, shape: tuple[int, int], corpus: Path | None) -> Ground:
    """Ground ``index`` of an endless series that goes through all kinds; a still for ``frames`` = 1, else a cine."""
    makers = _still_makers(corpus) if frames == 1 else _cine_makers(corpus)
    return makers[index % len(makers)](rng, frames, shape)


def _still_makers(corpus: Path | None) -> list:
    real = [_real(Path(pydicom.data.get_testdata_file(name, download=False))) for name in PYDICOM_FILES]
    real += [_real(corpus / name) for name in CORPUS_STILLS] if corpus else []
    made = [speckle_cine, xray, ct, endoscopy]
    # One made, one real: so that few screens already hold every kind.
    return [maker for pair in zip(made * len(real), real * len(made), strict=True) for maker in pair]


def _cine_makers(corpus: Path | None) -> list:
    return [speckle_cine, standing_cine, *((_real(corpus / name) for name in CORPUS_CINES) if corpus else ())]


def fan(shape: tuple[int, int]) -> np.ndarray:
    """A curved sector with a margin around it, bool ``(rows, columns)``."""
    rows, columns = shape
    ys, xs = np.mgrid[:rows, :columns]
    angle, radius = np.arctan2(xs - columns / 2, ys + 0.15 * rows), np.hypot(xs - columns / 2, ys + 0.15 * rows)
    return (np.abs(angle) < 0.62) & (radius > 0.3 * rows) & (radius < 1.05 * rows)


def speckle_cine(rng: np.random.Generator, frames: int, shape: tuple[int, int]) -> Ground:
    """Log-compressed speckle over a slow map of echogenicity, in a fan; it drifts and decorrelates from frame to frame."""
    return _speckle(rng, frames, shape, moving=True)


def standing_cine(rng: np.random.Generator, frames: int, shape: tuple[int, int]) -> Ground:
    """The same, frozen."""
    return _speckle(rng, frames, shape, moving=False)


def _speckle(rng: np.random.Generator, frames: int, shape: tuple[int, int], moving: bool) -> Ground:
    tissue = cv2.resize(rng.uniform(25, 150, (5, 6)).astype(np.float32), shape[::-1], interpolation=cv2.INTER_CUBIC)
    inside, waves, shown = fan(shape), _waves(rng, shape), []
    for number in range(frames):
        if number and moving:
            fresh = _waves(rng, shape)
            waves = [CORRELATION * np.roll(a, 1, axis=0) + np.sqrt(1 - CORRELATION**2) * b for a, b in zip(waves, fresh, strict=True)]
        amplitude = np.hypot(*waves)
        level = 20 * np.log10(amplitude / amplitude.mean() + 1e-3) * 255 / DYNAMIC_RANGE + tissue
        shown.append(np.where(inside, np.clip(level, 0, 255), 0).astype(np.uint8))
    return _ground("speckle, moving" if moving else "speckle, standing", shown, inside, "US")


def _waves(rng: np.random.Generator, shape: tuple[int, int]) -> list[np.ndarray]:
    return [cv2.GaussianBlur(rng.standard_normal(shape).astype(np.float32), (0, 0), sigmaX=1.6, sigmaY=0.9) for _ in range(2)]


def ct(rng: np.random.Generator, frames: int, shape: tuple[int, int]) -> Ground:
    """An axial slice: a body with organs, ribs and a spine, the table below, noise."""
    rows, columns = shape
    image = np.zeros(shape, np.float32)
    middle = (columns // 2, rows // 2)
    cv2.ellipse(image, middle, (int(0.42 * columns), int(0.4 * rows)), 0, 0, 360, 70, -1)
    for _ in range(7):
        place = tuple(int(m + rng.uniform(-0.22, 0.22) * side) for m, side in zip(middle, (columns, rows), strict=True))
        axes = tuple(int(rng.uniform(0.04, 0.14) * side) for side in (columns, rows))
        cv2.ellipse(image, place, axes, float(rng.uniform(0, 180)), 0, 360, float(rng.uniform(85, 150)), -1)
    for angle in np.linspace(0, 2 * np.pi, 15)[:-1]:
        rib = (int(middle[0] + 0.39 * columns * np.cos(angle)), int(middle[1] + 0.37 * rows * np.sin(angle)))
        cv2.ellipse(image, rib, (14, 5), float(np.degrees(angle) + 90), 0, 360, 235, -1)
    cv2.ellipse(image, (middle[0], int(0.72 * rows)), (26, 22), 0, 0, 360, 230, -1)
    cv2.ellipse(image, (middle[0], int(0.6 * rows)), (int(0.5 * columns), int(0.36 * rows)), 0, 35, 145, 60, 2)
    anatomy = image > 0
    image = cv2.GaussianBlur(image, (0, 0), 1.2) + rng.normal(0, 7, shape) * anatomy
    return _ground("CT phantom", [_grey(image)] * frames, anatomy, "CT")


def xray(rng: np.random.Generator, frames: int, shape: tuple[int, int]) -> Ground:
    """A projection: two lungs in a bright body, ribs across, quantum noise; large parts are bright, for dark text."""
    rows, columns = shape
    ys, xs = np.mgrid[:rows, :columns].astype(np.float32)
    image = 215 - 40 * np.abs(xs / columns - 0.5)
    for side in (-1, 1):
        lung = ((xs - columns * (0.5 + 0.21 * side)) / (0.17 * columns)) ** 2 + ((ys - 0.48 * rows) / (0.36 * rows)) ** 2
        image -= 140 / (1 + np.exp(np.minimum(8 * (lung - 1), 60)))
    for number in range(9):
        curve = rows * (0.1 + 0.1 * number) + 50 * ((xs / columns - 0.5) * 2) ** 2
        image += 22 * np.exp(-(((ys - curve) / 7) ** 2))
    image += cv2.GaussianBlur(rng.normal(0, 14, shape).astype(np.float32), (0, 0), 0.8)
    return _ground("X-ray phantom", [_grey(image)] * frames, np.ones(shape, bool), "DX")


def endoscopy(rng: np.random.Generator, frames: int, shape: tuple[int, int]) -> Ground:
    """Mucosa in a round field on a black screen: warm, softly shaded, with specular highlights."""
    rows, columns = shape
    shade = cv2.resize(rng.uniform(0.4, 1.0, (5, 6)).astype(np.float32), (columns, rows), interpolation=cv2.INTER_CUBIC)
    image = shade[..., None] * np.array([205, 110, 85], np.float32)
    spots = cv2.GaussianBlur(rng.standard_normal(shape).astype(np.float32), (0, 0), 4)
    wet = cv2.GaussianBlur((spots > 3.2 * spots.std()).astype(np.float32), (0, 0), 0.8)
    image += (250 - image) * wet[..., None]
    ys, xs = np.mgrid[:rows, :columns]
    anatomy = ((xs - columns / 2) / (0.4 * columns)) ** 2 + ((ys - rows / 2) / (0.47 * rows)) ** 2 < 1
    return _ground("endoscopy phantom", [np.where(anatomy[..., None], _grey(image), 0).astype(np.uint8)] * frames, anatomy, "ES")


def _real(path: Path):
    """A maker of grounds from a DICOM file: fitted into the screen, a cine played forth and back for as long as is needed."""

    def make(rng: np.random.Generator, frames: int, shape: tuple[int, int]) -> Ground:
        dataset = pydicom.dcmread(path)
        pixels = dataset.pixel_array
        stored = list(pixels) if int(dataset.get("NumberOfFrames", 1) or 1) > 1 else [pixels]
        if dataset.PhotometricInterpretation == "MONOCHROME1":
            stored = [frame.max() - frame for frame in stored]
        shown = [_fitted(_windowed(frame), shape) for frame in stored[: frames + 1]]
        forth_and_back = [*range(len(shown)), *range(len(shown) - 2, 0, -1)]
        played = [shown[forth_and_back[number % len(forth_and_back)]] for number in range(frames)]
        bright = np.max(played, axis=0).max(axis=-1) > DARK
        anatomy = cv2.morphologyEx(bright.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((15, 15), np.uint8)) > 0
        return _ground(path.stem, played, anatomy, dataset.get("Modality", "OT"))

    return make


def _windowed(frame: np.ndarray) -> np.ndarray:
    if frame.dtype != np.uint8:
        low, high = np.percentile(frame, (0.5, 99.7))
        frame = _grey((frame.astype(np.float32) - low) / max(high - low, 1e-6) * 255)
    return frame if frame.ndim == 3 else cv2.cvtColor(frame, cv2.COLOR_GRAY2RGB)


def _fitted(frame: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Scaled to nine tenths of the screen and centered on black."""
    scale = 0.9 * min(shape[0] / frame.shape[0], shape[1] / frame.shape[1])
    size = round(frame.shape[1] * scale), round(frame.shape[0] * scale)
    small = cv2.resize(frame, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    screen = np.zeros((*shape, 3), np.uint8)
    top, left = (shape[0] - size[1]) // 2, (shape[1] - size[0]) // 2
    screen[top : top + size[1], left : left + size[0]] = small
    return screen


def _grey(image: np.ndarray) -> np.ndarray:
    return np.clip(image, 0, 255).astype(np.uint8)


def _ground(name: str, shown: list[np.ndarray], anatomy: np.ndarray, modality: str) -> Ground:
    frames = np.stack([frame if frame.ndim == 3 else np.repeat(frame[..., None], 3, axis=2) for frame in shown])
    return Ground(name, frames, anatomy, modality)
