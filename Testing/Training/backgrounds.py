"""Images without text to write on: speckle phantoms, flat screens, gradients, and crops of real images that hold no text."""

from __future__ import annotations

import functools
from pathlib import Path

import cv2
import numpy as np
import pydicom
import pydicom.data
import skimage

# Looked at one by one: none of these holds text. (Others of the same collections do, and are not named here.)
# fmt: off
PYDICOM_FILES = (
    "CT_small.dcm", "MR_small.dcm", "693_J2KI.dcm", "JPEG2000.dcm", "examples_overlay.dcm", "liver_1frame.dcm", "image_dfl.dcm",
)
SKIMAGE_FILES = (
    "brick.png", "grass.png", "gravel.png", "moon.png", "cell.png", "microaneurysms.png", "retina.jpg", "hubble_deep_field.jpg",
    "ihc.png", "coffee.png", "camera.png",
)
CORPUS_FILES = (
    "ct/ct_rle.dcm", "ct/seg_ct_3slice_01.dcm", "ct/seg_ct_3slice_02.dcm", "ct/seg_ct_3slice_03.dcm", "cr/cr_fuji_chest_mono1.dcm",
    "cr/cr_nema_rg1_mono1_j2k.dcm", "mr/mr_enhanced_nema_brmulti.dcm", "mr/mr_enhanced_small.dcm", "mr/mr_multiframe_16x8bit.dcm",
    "ot/rgb_sc_palette16.dcm", "ot/sc_rgb_16bit_2frame.dcm", "pt/rgb_petct_fusion.dcm", "rf/rf_shoulder.dcm", "seg/seg_liver.dcm",
    "us/us_cdoppler_cine_notext.dcm", "us/us_esopecho_rgb_notext.dcm", "xa/xa_nema_notext.dcm",
)
# fmt: on
FRAMES_PER_FILE = 6


def windowed(frame: np.ndarray) -> np.ndarray:
    """Any stored frame as uint8 RGB."""
    if frame.dtype != np.uint8:
        low, high = np.percentile(frame, (0.5, 99.7))
        frame = np.clip((frame.astype(np.float32) - low) / max(high - low, 1e-6) * 255, 0, 255).astype(np.uint8)
    return cv2.cvtColor(frame, cv2.COLOR_GRAY2RGB) if frame.ndim == 2 else np.ascontiguousarray(frame[..., :3])


def frames_of(path: Path) -> list[np.ndarray]:
    if path.suffix in (".jpg", ".png"):
        return [cv2.imread(str(path), cv2.IMREAD_COLOR)[..., ::-1]]
    dataset = pydicom.dcmread(path)
    pixels = dataset.pixel_array
    frames = list(pixels) if int(getattr(dataset, "NumberOfFrames", 1) or 1) > 1 else [pixels]
    if dataset.PhotometricInterpretation == "MONOCHROME1":
        frames = [frame.max() - frame for frame in frames]
    return frames[:: max(len(frames) // FRAMES_PER_FILE, 1)][:FRAMES_PER_FILE]


@functools.cache
def library(corpus: str | None) -> tuple[tuple[np.ndarray, ...], ...]:
    """Real images without text, one tuple of frames per file. ``corpus``: a folder with CORPUS_FILES, or None to do without."""
    paths = [Path(pydicom.data.get_testdata_file(name, download=False)) for name in PYDICOM_FILES]
    paths += [Path(skimage.data_dir) / name for name in SKIMAGE_FILES]
    if corpus:
        paths += [Path(corpus) / name for name in CORPUS_FILES]
    return tuple(tuple(np.ascontiguousarray(windowed(frame)) for frame in frames_of(path)) for path in paths)


def real(rng: np.random.Generator, size: int, corpus: str | None) -> np.ndarray:
    """A crop of a real image at a chance scale, window and orientation."""
    files = library(corpus)
    frames = files[rng.integers(len(files))]
    image = frames[rng.integers(len(frames))]
    smallest = size / min(image.shape[:2])
    scale = max(float(rng.choice([0.5, 0.75, 1.0, 1.0, 1.0, 1.5, 2.0])), smallest if rng.random() < 0.8 else 0.0)
    rows, columns = (max(int(n * scale), 8) for n in image.shape[:2])
    need = int(np.ceil(size / scale)) + 1
    top, left = (int(rng.integers(0, max(n - need, 0) + 1)) for n in image.shape[:2])
    part = image[top : top + need, left : left + need]
    how = cv2.INTER_AREA if scale < 1 else int(rng.choice([cv2.INTER_NEAREST, cv2.INTER_LINEAR, cv2.INTER_CUBIC]))
    part = cv2.resize(part, (min(size, columns), min(size, rows)), interpolation=how)
    canvas = np.zeros((size, size, 3), np.uint8)
    y, x = (int(rng.integers(0, size - n + 1)) for n in part.shape[:2])
    canvas[y : y + part.shape[0], x : x + part.shape[1]] = part
    return contrasted(rng, turned(rng, canvas))


def turned(rng: np.random.Generator, image: np.ndarray) -> np.ndarray:
    image = np.rot90(image, int(rng.integers(4)))
    return np.ascontiguousarray(image[:, ::-1] if rng.random() < 0.5 else image)


def contrasted(rng: np.random.Generator, image: np.ndarray) -> np.ndarray:
    table = (np.linspace(0, 1, 256) ** rng.uniform(0.6, 1.6)) * rng.uniform(0.5, 1.2) + rng.uniform(-0.05, 0.1)
    if rng.random() < 0.08:  # a narrow window: little is between black and white
        table = (np.linspace(0, 1, 256) - rng.uniform(0.1, 0.8)) * rng.uniform(3, 12)
    if rng.random() < 0.12:
        table = table[::-1]
    return cv2.LUT(image, np.clip(table * 255, 0, 255).astype(np.uint8))


def speckle(rng: np.random.Generator, size: int, frames: int = 1) -> np.ndarray:
    """Log-compressed Rayleigh speckle over a slow map of echogenicity, coarser across the beam than along it; grey or slightly tinted.
    The mean of so many ``frames`` with the same echogenicity, none of which has any of another's speckle."""
    half = size // 2 + 1
    tissue = cv2.resize(
        rng.random((int(rng.integers(2, 9)), int(rng.integers(2, 9)))).astype(np.float32), (size, size), interpolation=cv2.INTER_CUBIC
    )
    if rng.random() < 0.4:  # vessels, cysts, organs with sharp edges
        for _ in range(int(rng.integers(1, 5))):
            centre, axes = rng.integers(0, size, 2).tolist(), rng.integers(6, size // 2, 2).tolist()
            cv2.ellipse(
                tissue, centre, axes, float(rng.uniform(0, 180)), 0, 360, float(rng.uniform(-0.2, 1.4)), int(rng.choice([-1, -1, 2, 4]))
            )
    fine = rng.random() < 0.5
    shape = (size, size) if fine else (half, half)
    waves = rng.standard_normal((frames, 2, *shape)).astype(np.float32)
    along, across = rng.uniform(0.4, 1.6), rng.uniform(0.6, 3.0) * (1 if rng.random() < 0.75 else 2.5)
    if rng.random() < 0.2:
        along, across = across, along
    level = np.mean([_decibels(pair, across, along) for pair in waves], axis=0)
    if not fine:
        level = cv2.resize(level, (size, size), interpolation=cv2.INTER_LINEAR)
    brighter = 0.4 if rng.random() < 0.15 else 0.0  # whole organs that are bright, where its grains look most like letters
    grey = (level / rng.uniform(30, 60) + tissue * rng.uniform(0.3, 1.0) + rng.uniform(-0.3, 0.3) + brighter) * 255 * rng.uniform(0.4, 1.0)
    tint = rng.uniform(0.8, 1.0, 3) if rng.random() < 0.2 else np.ones(3)
    return np.clip(grey[..., None] * tint, 0, 255).astype(np.uint8)


def plain_speckle(rng: np.random.Generator, size: int) -> np.ndarray:
    """Fully developed Rayleigh speckle as it is, neither log-compressed nor shaded, of any brightness: its brightest grains are as sharp
    and as high above their ground as letters."""
    waves = rng.standard_normal((2, size, size)).astype(np.float32)
    across, along = rng.uniform(0.6, 3.0), rng.uniform(0.4, 1.6)
    amplitude = np.hypot(*(cv2.GaussianBlur(wave, (0, 0), sigmaX=across, sigmaY=along) for wave in waves))
    brightness = np.exp(rng.uniform(np.log(12), np.log(160)))
    grey = np.clip(amplitude / amplitude.mean() * brightness, 0, 255).astype(np.uint8)
    image = cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB)
    return sector(rng, image) if rng.random() < 0.4 else image


def _decibels(waves: np.ndarray, across: float, along: float) -> np.ndarray:
    amplitude = np.hypot(*(cv2.GaussianBlur(wave, (0, 0), sigmaX=across, sigmaY=along) for wave in waves))
    return 20 * np.log10(amplitude / amplitude.mean() + 1e-3)


def sector(rng: np.random.Generator, image: np.ndarray) -> np.ndarray:
    """The image seen through a fan or a box: black outside, sometimes with a drawn edge."""
    size = image.shape[0]
    inside = np.zeros((size, size), np.uint8)
    line = int(rng.random() < 0.2)
    if rng.random() < 0.7:
        apex = (int(rng.uniform(-0.5, 1.5) * size), int(rng.uniform(-1.5, 0.3) * size))
        outer = int(rng.uniform(0.7, 3) * size)
        middle, half = rng.uniform(40, 140), rng.uniform(20, 50)
        cv2.ellipse(inside, apex, (outer, outer), 0, middle - half, middle + half, 255, -1)
        inner = int(outer * rng.uniform(0, 0.6))
        if inner:
            cv2.circle(inside, apex, inner, 0, -1)
    else:
        x0, y0 = (int(v) for v in rng.integers(-size // 2, size // 2, 2))
        x1, y1 = (int(v) for v in rng.integers(size // 2, size * 3 // 2, 2))
        inside[max(y0, 0) : y1, max(x0, 0) : x1] = 255
    shade = int(rng.choice([0, 0, 0, 0, 12, 30]))
    image = np.where(inside[..., None] > 0, image, np.uint8(shade))
    if line:
        outline, _ = cv2.findContours(inside, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(image, outline, -1, [int(v) for v in rng.integers(60, 256, 3)], 1)
    return image


def flat(rng: np.random.Generator, size: int) -> np.ndarray:
    """A screen's own ground: mostly black, else a plain colour or a gradient, with panels."""
    kind = rng.random()
    colour = (
        np.zeros(3)
        if kind < 0.5
        else np.full(3, rng.uniform(0, 80))
        if kind < 0.65
        else rng.uniform(0, 256, 3)
        if kind < 0.8
        else np.full(3, rng.uniform(150, 256))
    )
    image = np.broadcast_to(colour, (size, size, 3)).astype(np.float32).copy()
    if rng.random() < 0.25:
        slope = np.linspace(0, 1, size, dtype=np.float32)
        slope = slope[:, None] if rng.random() < 0.5 else slope[None, :]
        image += (slope * rng.uniform(-120, 120))[..., None]
    if rng.random() < 0.35:  # bars and panels of a user interface
        for _ in range(int(rng.integers(1, 5))):
            x, y = (int(v) for v in rng.integers(-20, size, 2))
            w, h = (int(v) for v in rng.integers(10, size, 2))
            image[max(y, 0) : max(y + h, 0), max(x, 0) : max(x + w, 0)] = (
                rng.uniform(0, 256, 3) if rng.random() < 0.4 else rng.uniform(0, 256)
            )
    if rng.random() < 0.35:
        image += rng.normal(0, rng.uniform(1, 12), (size, size, 1 if rng.random() < 0.6 else 3))
    return np.clip(image, 0, 255).astype(np.uint8)


def moments_together(rng: np.random.Generator, size: int) -> np.ndarray:
    """What many frames of a moving sector show together: little of the speckle and all of what stands still."""
    image = speckle(rng, size, int(rng.integers(2, 8)))
    return sector(rng, image) if rng.random() < 0.3 else image


def doppler(rng: np.random.Generator, image: np.ndarray) -> np.ndarray:
    """Colour flow in a box of the image: ragged blobs, streaks or branches of red-yellow and blue-cyan, or of power's orange."""
    size = image.shape[0]
    broad, fine = rng.uniform(4, 16), rng.uniform(1.2, 5)
    along, across = (broad, broad) if rng.random() < 0.4 else (broad, fine) if rng.random() < 0.5 else (fine, fine)
    field = cv2.GaussianBlur(rng.standard_normal((size, size)).astype(np.float32), (0, 0), sigmaX=across, sigmaY=along)
    field = field / (np.abs(field).max() + 1e-6) + rng.normal(0, 0.05, field.shape)
    least = rng.uniform(0.25, 0.6)
    there = np.abs(field) > least
    if rng.random() < 0.6:
        x0, y0 = (int(v) for v in rng.integers(0, size * 2 // 3, 2))
        w, h = (int(v) for v in rng.integers(20, size, 2))
        there[:y0], there[y0 + h :], there[:, :x0], there[:, x0 + w :] = False, False, False, False
    strength = np.clip((np.abs(field) - least) / (1 - least) * rng.uniform(0.6, 2.5), 0, 1)
    warm = np.stack([np.full_like(field, 220), strength * 230, strength**3 * rng.uniform(0, 200)], -1)
    cold = np.stack([np.zeros_like(field), strength * 230, np.full_like(field, 220)], -1)
    power = rng.random() < 0.3
    colour = np.where(((field > 0) | power)[..., None], warm, cold)
    if rng.random() < 0.2:
        colour *= rng.uniform(0.6, 1.0, field.shape)[..., None]
    return np.where(there[..., None], colour, image).clip(0, 255).astype(np.uint8)


def tissue(rng: np.random.Generator, size: int) -> np.ndarray:
    """Mucosa as an endoscope shows it: warm, softly shaded, folded, with ragged specular highlights that the camera has sharpened."""
    shade = cv2.resize(
        rng.random((int(rng.integers(2, 7)), int(rng.integers(2, 7)))).astype(np.float32), (size, size), interpolation=cv2.INTER_CUBIC
    )
    grain = cv2.GaussianBlur(rng.standard_normal((size, size)).astype(np.float32), (0, 0), rng.uniform(0.7, 2.5))
    light = 0.35 + 0.75 * shade + grain * rng.uniform(0, 0.12)
    image = light[..., None] * np.array([rng.uniform(150, 240), rng.uniform(80, 150), rng.uniform(60, 130)], np.float32)
    spots = cv2.GaussianBlur(rng.standard_normal((size, size)).astype(np.float32), (0, 0), rng.uniform(1.5, 6), sigmaY=rng.uniform(1.2, 5))
    where = cv2.resize(rng.random((6, 6)).astype(np.float32), (size, size), interpolation=cv2.INTER_CUBIC)
    wet = (spots / (spots.std() + 1e-6) + 1.5 * where > rng.uniform(2.6, 3.6)).astype(np.float32)
    wet = cv2.GaussianBlur(wet, (0, 0), rng.uniform(0.5, 1.0))
    image += (260 - image) * wet[..., None] - (cv2.GaussianBlur(wet, (0, 0), 2.0) * (1 - wet) * rng.uniform(0, 160))[..., None]
    return np.clip(image, 0, 255).astype(np.uint8)


def background(rng: np.random.Generator, size: int, corpus: str | None) -> np.ndarray:
    """uint8 RGB ``(size, size, 3)`` without text."""
    kind = rng.random()
    if kind < 0.24:
        return flat(rng, size)
    if kind < 0.31:
        return sector(rng, tissue(rng, size)) if rng.random() < 0.3 else tissue(rng, size)
    if kind < 0.63:
        image = speckle(rng, size)
        if rng.random() < 0.2:
            image = doppler(rng, image)
        return sector(rng, image) if rng.random() < 0.5 else image
    return real(rng, size, corpus)
