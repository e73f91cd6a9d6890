"""Fit the weights with which candidates for the region of interest are judged (PyLogikSlicerLib/roi/quality.py), on simulated screens.

    python fit_region_quality.py [--count 600] [--seed 600000] [--write]

Ridge regression of the mean of Dice and recall of every candidate of every screen; half of the screens are left out and tell how good the
chosen candidates are. The grey levels of a quarter of the screens are changed by a random curve, so that they are unlike those that the
region network was trained on: the weights must know how far to trust it there. A region is called uncertain below the predicted quality
of the worst twentieth of what is chosen on the other screens.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "PyLogikSlicer"), str(ROOT / "Testing" / "Benchmarks")]

from roi_phantom import composites_of, dice, make_phantom  # noqa: E402

from PyLogikSlicerLib.core.stack import Header  # noqa: E402
from PyLogikSlicerLib.roi import ultrasound  # noqa: E402
from PyLogikSlicerLib.roi.quality import WEIGHTS, measure  # noqa: E402

RIDGE = 1e-3
# Share of the chosen regions that are called uncertain.
UNCERTAIN = 0.05


def random_curve(random: np.random.Generator) -> np.ndarray:
    """A table of 256 grey levels, uint8: a curve through a few random points, which rises in most and is steep in some."""
    levels = random.uniform(0, 255, int(random.integers(2, 6)))
    if random.random() < 0.6:
        levels.sort()
    return np.interp(np.arange(256), np.linspace(0, 255, len(levels)), levels).astype(np.uint8)


def examine(seed: int) -> tuple[np.ndarray, np.ndarray, bool]:
    """Features and (Dice, recall) of the candidates of a screen, and whether its grey levels are those that were drawn."""
    cv2.setNumThreads(1)
    phantom = make_phantom(seed)
    as_drawn = seed % 4 > 0
    if not as_drawn:
        curve = random_curve(np.random.default_rng(seed))
        phantom = replace(phantom, frames=tuple(curve[frame] for frame in phantom.frames))
    candidates, witnesses = ultrasound.gather(composites_of(phantom), phantom.text, 0, Header())
    if not candidates:
        return np.zeros((0, 0)), np.zeros((0, 2)), as_drawn
    masks = [candidate.mask(*phantom.mask.shape) for candidate in candidates]
    scores = [(dice(mask, phantom.mask), (mask & phantom.mask).sum() / phantom.mask.sum()) for mask in masks]
    return measure(candidates, witnesses), np.array(scores), as_drawn


def fit(features: np.ndarray, target: np.ndarray) -> np.ndarray:
    """The weights, the constant being the last."""
    rows = np.hstack([features, np.ones((len(features), 1))])
    return np.linalg.solve(rows.T @ rows + RIDGE * len(rows) * np.eye(rows.shape[1]), rows.T @ target)


def chosen(weights: np.ndarray, screens: list) -> tuple[np.ndarray, np.ndarray]:
    """The predicted quality and the (Dice, recall) of the candidate that is chosen on each screen."""
    qualities, scores = [], []
    for features, score, _ in screens:
        predicted = features @ weights[:-1] + weights[-1]
        qualities.append(predicted.max()), scores.append(score[predicted.argmax()])
    return np.array(qualities), np.array(scores)


def tell(name: str, scores: np.ndarray) -> None:
    if len(scores):
        dices, recalls = scores.T
        lowest = np.quantile(recalls, 0.01)
        print(f"  {name:28s} {len(scores):4d}: Dice mean {dices.mean():.4f}, recall mean {recalls.mean():.4f}, 1 % {lowest:.4f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=240)
    parser.add_argument("--seed", type=int, default=600_000)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--write", action="store_true", help="write the weights of all screens into the package")
    options = parser.parse_args()
    with get_context("spawn").Pool(options.processes) as pool:
        found = pool.map(examine, range(options.seed, options.seed + options.count), chunksize=5)
    screens = [screen for screen in found if len(screen[1])]
    print(f"{len(screens)} of {len(found)} screens have candidates")
    fitted, left_out = ([screen for number, screen in enumerate(screens) if number // 4 % 2 == half] for half in (0, 1))

    def weights_of(part: list) -> np.ndarray:
        return fit(np.vstack([screen[0] for screen in part]), np.hstack([screen[1].mean(axis=1) for screen in part]))

    if options.write:
        weights = weights_of(screens)
        limit = float(np.quantile(chosen(weights, [screen for screen in screens if screen[2]])[0], UNCERTAIN))
        path = ROOT / "PyLogikSlicer" / "PyLogikSlicerLib" / "roi" / "models" / WEIGHTS
        path.write_text(json.dumps({"weights": [round(float(w), 5) for w in weights], "uncertain_below": round(limit, 4)}) + "\n")
    weights = weights_of(fitted)
    for name, as_drawn in (("as drawn", True), ("changed", False)):
        part = [screen for screen in left_out if screen[2] is as_drawn]
        qualities, scores = chosen(weights, part)
        print(f"{len(part)} screens, grey levels {name}")
        tell("chosen", scores)
        tell("best there is", np.array([score[score.mean(axis=1).argmax()] for _, score, _ in part]))
        tell("first (echo, where any)", np.array([score[0] for _, score, _ in part]))
        if as_drawn:
            limit = float(np.quantile(qualities, UNCERTAIN))
        tell(f"certain (from {limit:.3f})", scores[qualities >= limit]), tell("uncertain", scores[qualities < limit])


if __name__ == "__main__":
    main()
