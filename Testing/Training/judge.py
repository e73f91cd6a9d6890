"""Judge the glyph reader: on generated screens of a held-out seed, and on real images with ground truth.

    python judge.py [--truth ../../../shared/corpus/truth --score ../../../shared/score.py] [--scales 0.5 1] [--model FILE.onnx]

Plain speckle: how many things it sees in it, and how sure it is of the surest. Generated: the share of single characters and of
words that are covered, by height and by contrast with the speckle under them,
and the share of the rest that is covered. Real: what ``score.py`` says of the frames with the reader's boxes filled in.
"""

from __future__ import annotations

import argparse
import importlib.util
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "PyLogikSlicer"))

from backgrounds import plain_speckle, sector, speckle  # noqa: E402
from typefaces import Pen  # noqa: E402
from words import phrase, single  # noqa: E402

from PyLogikSlicerLib.detection.glyphs import GlyphReader  # noqa: E402
from PyLogikSlicerLib.detection.reader import RawDetection  # noqa: E402

SEED = 990_002
SCREENS, PLAIN_SCREENS = 60, 200
SIDE = 512
HEIGHTS = (6, 8, 10, 14, 20, 28, 40)
CONTRASTS = (25, 40, 80, 160)
FOUND = 0.9  # share of an item's box that must be covered


def screen(index: int) -> tuple[np.ndarray, list[tuple[tuple[int, int, int, int], str, int, int]]]:
    """A sector of speckle with items (box, kind, height, contrast) in a grid of cells, so that none touches another."""
    rng = np.random.default_rng([SEED, index])
    image, items = sector(rng, speckle(rng, SIDE)), []
    for top in range(8, SIDE - 56, 64):
        for left in range(8, SIDE - 120, 128):
            height, contrast, kind = int(rng.choice(HEIGHTS)), int(rng.choice(CONTRASTS)), str(rng.choice(["single", "word"]))
            ink = Pen(rng, height).write(single(rng) if kind == "single" else phrase(rng).split(" ")[0] or "A")[:48, :112]
            x, y = left + int(rng.integers(0, 113 - ink.shape[1])), top + int(rng.integers(0, 49 - ink.shape[0]))
            ground = image[y : y + ink.shape[0], x : x + ink.shape[1]]
            level = min(float(ground.mean()) + contrast, 255.0)
            ground[:] = (ground * (1 - ink[..., None]) + level * ink[..., None]).astype(np.uint8)
            items.append(((x, y, x + ink.shape[1], y + ink.shape[0]), kind, height, contrast))
    return image, items


def told(reader: GlyphReader, image: np.ndarray) -> list[RawDetection]:
    """What the reader takes for text; what it is in doubt of earns a closer look and is no text by itself."""
    return [found for found in reader.detect([np.ascontiguousarray(image)])[0] if not found.tentative]


def scaled(image: np.ndarray, scale: float) -> np.ndarray:
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return image if scale == 1 else cv2.resize(image, None, fx=scale, fy=scale, interpolation=how)


def mask_of(reader: GlyphReader, image: np.ndarray, scales: list[float]) -> np.ndarray:
    """Where the reader sees text at any of the scales, bool ``(rows, columns)``."""
    mask = np.zeros(image.shape[:2], np.uint8)
    for scale in scales:
        for detection in told(reader, scaled(image, scale)):
            cv2.fillPoly(mask, [pixels_inside(np.array(detection.polygon) / scale)], 1)
    return mask > 0


def pixels_inside(polygon: np.ndarray) -> np.ndarray:
    """Corners at pixel edges as the pixels that OpenCV fills up to, inclusive."""
    middle = polygon.mean(axis=0)
    return np.where(polygon > middle, np.ceil(polygon) - 1, np.floor(polygon)).astype(np.int32)


def judge_plain(reader: GlyphReader, scales: list[float]) -> None:
    for scale in scales:
        images = (scaled(plain_speckle(np.random.default_rng([SEED, index]), SIDE), scale) for index in range(PLAIN_SCREENS))
        scores = [found.score for image in images for found in told(reader, image)]
        print(f"plain speckle, x{scale:g}: {len(scores)} things in {PLAIN_SCREENS} screens, the surest {max(scores, default=0):.3f}")


def judge_generated(reader: GlyphReader, scales: list[float]) -> None:
    found, rest = defaultdict(list), []
    for index in range(SCREENS):
        image, items = screen(index)
        mask = mask_of(reader, image, scales)
        free = np.ones(mask.shape, bool)
        for (x0, y0, x1, y1), kind, height, contrast in items:
            hit = mask[y0:y1, x0:x1].mean() >= FOUND
            for group in ("all", kind, f"{kind} {height} px", f"{kind} contrast {contrast}"):
                found[group].append(hit)
            free[max(y0 - 4, 0) : y1 + 4, max(x0 - 4, 0) : x1 + 4] = False
        rest.append((mask & free).sum() / free.sum())
    for group, hits in sorted(found.items()):
        print(f"{group:24} {np.mean(hits):.3f} of {len(hits)}")
    print(f"covered elsewhere: {np.mean(rest):.4%}")


def judge_real(reader: GlyphReader, scales: list[float], truth: Path, score_file: Path) -> None:
    specification = importlib.util.spec_from_file_location("score", score_file)
    score = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(score)
    with tempfile.TemporaryDirectory() as folder:
        for path in sorted(truth.glob("*.png")):
            name, _, frame = path.stem.rpartition("_")
            if not (truth / f"{name}.json").exists():
                continue
            image = cv2.imread(str(path), cv2.IMREAD_COLOR)
            image[mask_of(reader, np.ascontiguousarray(image[..., ::-1]), scales)] = 0
            written = Path(folder) / "images" / name / f"{name}_{int(frame):04d}.png"
            written.parent.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(written), image)
        result = score.score(truth, folder)
    for group, row in result["recall"].items():
        print(f"{group:24} {row['items']:5} items {row['leaks']:4} leaks  recall {row['recall']:.4f}")
    print(f"over-masked: {result['over_masked_frame']:.4%} of the frame, {result['over_masked_roi']:.4%} of the roi")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--truth", type=Path)
    parser.add_argument("--score", type=Path)
    parser.add_argument("--scales", type=float, nargs="+", default=[1.0])
    parser.add_argument("--model", type=Path, help="a network that is not shipped")
    options = parser.parse_args()
    glyph_reader = GlyphReader(model=options.model.read_bytes() if options.model else None)
    judge_plain(glyph_reader, options.scales)
    judge_generated(glyph_reader, options.scales)
    if options.truth:
        judge_real(glyph_reader, options.scales, options.truth, options.score)
