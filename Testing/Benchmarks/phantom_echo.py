"""What the fields of simulated screens (:mod:`roi_phantom`) show: speckle, layers, cysts, shadows, color, and much that is dark."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from phantom_fields import Field

# What the field shows; all but the first two leave much of it dark.
CONTENTS = ("tissue", "cystic", "near field", "dark far field", "shadowed", "faint")


@dataclass(frozen=True)
class Echo:
    """The appearance of one field.

    Parameters
    ----------
    content
        One of CONTENTS.
    gain, contrast
        Mean grey level at the transducer, and how strongly speckle varies.
    decay
        Grey levels lost from depth 0 to 1.
    end
        Depth at which near field or echo ends, 0 to 1.
    grain
        Size of the speckle, pixels, across and in depth.
    layers
        Depths of bright interfaces.
    cysts
        Rows of lateral, depth, width, height.
    shadows
        Rows of lateral, half width, depth from which.
    contact
        The share of the transducer that touches, from one side.
    floor
        The grey level below which nothing in the field is: 0 where dark parts look like the screen around.
    color
        Whether there is a color box, and its lateral and depth range.
    moves
        Whether speckle differs from frame to frame.
    """

    content: str
    gain: float
    contrast: float
    decay: float
    end: float
    grain: tuple[float, float]
    layers: np.ndarray
    cysts: np.ndarray
    shadows: np.ndarray
    contact: tuple[float, float]
    floor: int
    color: tuple[float, float, float, float] | None
    moves: bool

    @staticmethod
    def draw(random: np.random.Generator, content: str) -> Echo:
        cysts = np.column_stack([random.uniform(0, 1, 3), random.uniform(0.1, 1, 3), random.uniform(0.05, 0.2, (3, 2))])
        if content == "cystic":
            cysts[0, 2:] = random.uniform(0.2, 0.5, 2)
        shadows = np.column_stack([random.uniform(0, 1, 3), random.uniform(0.02, 0.1, 3), random.uniform(0.03, 0.6, 3)])
        if content == "shadowed":
            shadows[:, 1] *= random.uniform(1, 4)
        contact = (0.0, 1.0)
        if random.random() < (0.4 if content == "shadowed" else 0.12):
            contact = (0.0, random.uniform(0.6, 0.97)) if random.random() < 0.5 else (random.uniform(0.03, 0.4), 1.0)
        color = None
        if random.random() < 0.2:
            lateral, depth = random.uniform(0.05, 0.5), random.uniform(0.1, 0.5)
            color = (lateral, lateral + random.uniform(0.2, 0.45), depth, depth + random.uniform(0.2, 0.45))
        coarse = random.uniform(0.7, 3.5)
        return Echo(
            content=content,
            gain=random.uniform(40, 150),
            contrast=random.uniform(1.0, 2.6),
            decay=float(random.choice([-20.0, 0.0, 30.0, 60.0, 110.0])),
            end={"near field": random.uniform(0.03, 0.3), "dark far field": random.uniform(0.3, 0.85)}.get(content, 9.0),
            grain=(coarse, coarse * random.uniform(0.4, 0.9)),
            layers=random.uniform(0, 1, random.integers(0, 7)),
            cysts=cysts[: random.integers(1 if content == "cystic" else 0, 4)],
            shadows=shadows[: random.integers(1 if content == "shadowed" else 0, 4)],
            contact=contact,
            floor=int(random.choice([0, 0, 0, 0, 1, 2, 4, 8, 16, 30])) if random.random() < 0.97 else int(random.integers(60, 210)),
            color=color,
            moves=random.random() < 0.8,
        )

    def render(self, seed: list[int], field: Field, index: int) -> np.ndarray:
        """Colors ``(rows, columns, 3)``, float32, 0 to 255, of frame ``index``; valid within the field."""
        random = np.random.default_rng([*seed, index if self.moves else 0])
        level = self._level(random, field, index if self.moves else 0)
        color = np.repeat(np.clip(level, self.floor, 255)[..., None], 3, axis=2)
        if self.color and not field.strip:
            self._paint_flow(random, field, color)
        return color

    def _level(self, random: np.random.Generator, field: Field, index: int) -> np.ndarray:
        shape = field.mask.shape
        lateral, depth = field.lateral.astype(np.float32), np.clip(field.depth, -0.2, 1.5).astype(np.float32)
        noise = _speckle(
            random, shape, (self.grain[0] if not field.strip else self.grain[0] / 2, self.grain[1] * (2 if field.strip else 1))
        )
        level = self.gain - self.decay * depth + self.contrast * noise
        for layer in self.layers.tolist():
            wave = 0.01 * np.sin(index + (40 if field.strip else 8) * lateral + 9 * layer)
            level += 45 * np.exp(-(((depth - layer - wave) / 0.012) ** 2))
        for place, down, width, height in self.cysts.tolist():
            level -= 200 * (((lateral - place) / width) ** 2 + ((depth - down) / height) ** 2 < 1)
        for place, width, start in self.shadows.tolist():
            level -= 170 / (1 + np.exp(-40 * (depth - start))) * np.exp(-(((lateral - place) / width) ** 4))
        level -= 220.0 * ((lateral < self.contact[0]) | (lateral > self.contact[1]))
        if self.end < 1:
            level -= 250 / (1 + np.exp(-30 * (depth - self.end - 0.05 * np.sin(5 * lateral))))
        if self.content == "faint":
            level = np.clip(self.contrast * noise / 12 + random.uniform(0, 2), 0, 3 + 3 * random.random())
        level += 60 * np.exp(-np.maximum(depth, 0) / 0.02) * (1 if self.content != "faint" else random.random())
        if self.content in ("near field", "dark far field") and random.random() < 0.5:  # single faint pixels are left of the rest
            sparse = random.random(shape, dtype=np.float32) < 10 ** random.uniform(-4, -1.3)
            level = np.maximum(level, sparse * random.uniform(1, 5))
        return level

    def _paint_flow(self, random: np.random.Generator, field: Field, color: np.ndarray) -> None:
        first, last, upper, lower = self.color
        box = field.mask & (field.lateral > first) & (field.lateral < last) & (field.depth > upper) & (field.depth < lower)
        field_of_flow = cv2.GaussianBlur(random.standard_normal(box.shape).astype(np.float32), (0, 0), 9)
        flows = box & (field_of_flow > np.quantile(field_of_flow, random.uniform(0.3, 0.9)))
        speed = np.clip(128 + 90 * _speckle(random, box.shape, (2.0, 2.0)) / 20, 40, 255)
        direction = cv2.GaussianBlur(random.standard_normal(box.shape).astype(np.float32), (0, 0), 20) > 0
        red = np.stack([speed * 0.1, speed * 0.4, speed], axis=2)
        blue = red[..., ::-1]
        color[flows] = np.where(direction[..., None], red, blue)[flows]
        edge = box & ~cv2.erode(box.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool)
        color[edge] = random.uniform(150, 255)


def _speckle(random: np.random.Generator, shape: tuple[int, int], grain: tuple[float, float]) -> np.ndarray:
    """Log-compressed speckle, float32, about -20 to 10."""
    parts = [
        cv2.GaussianBlur(random.standard_normal(shape, dtype=np.float32), (0, 0), grain[0], sigmaY=max(grain[1], 0.3)) for _ in range(2)
    ]
    power = parts[0] ** 2 + parts[1] ** 2
    return 10 * np.log10(power / power.mean() + 1e-4)


def spectrum(random: np.random.Generator, field: Field) -> np.ndarray:
    """A spectral Doppler strip ``(rows, columns)``, float32: waves above and below a baseline over black."""
    base = random.uniform(0.2, 0.8)
    beats = np.abs(np.sin(np.pi * random.uniform(2, 9) * field.lateral + random.uniform(0, 3))) ** random.uniform(0.5, 4)
    height = beats * random.uniform(0.1, 0.8) * (base if random.random() < 0.5 else base - 1)
    lower, upper = np.minimum(0, height), np.maximum(0, height)
    above = base - field.depth
    noise = _speckle(random, field.mask.shape, (0.8, 0.8))
    level = np.where((above >= lower) & (above <= upper), random.uniform(60, 160) + 2.2 * noise, 0)
    return np.where(np.abs(above) < 0.004, 120, np.maximum(level, 0)).astype(np.float32)
