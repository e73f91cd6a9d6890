"""TextReader: what every text engine offers, whatever its network and device."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np

from .polygons import Polygon

# Hexadecimal digits of the SHA-256 of weights that tell them apart in reports.
DIGEST_LENGTH = 16


@dataclass(frozen=True)
class Detection:
    """A place where there is text. ``polygon``: (x, y) corners in pixels of the image given, x right, y down, pixel edges
    at integers. ``score``: 0 to 1, the engine's own. ``doubtful``: too faint to count as text, but worth a closer look. ``marks``:
    polygons of what the engine itself marked there, be it the middle of a line or letter by letter, before it guessed how far the
    text reaches; empty where it does not tell."""

    polygon: Polygon
    score: float
    doubtful: bool = False
    marks: tuple[Polygon, ...] = ()


Sees = Literal["words", "letters"]


class TextReader(Protocol):
    """Finds text in images. Scale, polarity, borders and tiles are the caller's work: it looks at what it is given.

    ``sees`` tells what it was trained to see, which decides what it is shown. ``certain``: the score from which its word
    alone is believed for something no longer than a letter; above 1 where no score says so much. ``weights_digest``: other
    weights, other digest.
    """

    name: str
    device: str
    weights_digest: str
    sees: Sees
    certain: float

    def detect(self, images: Sequence[np.ndarray]) -> list[list[Detection]]:
        """Text in each of the images, uint8 ``(rows, columns, 3)`` RGB."""
        ...


class LineReader(TextReader, Protocol):
    """A reader that also reads what was found."""

    def recognise(self, crops: Sequence[np.ndarray]) -> list[tuple[str, float]]:
        """Text and confidence (0 to 1) of crops that hold one line each, uint8 ``(rows, columns, 3)`` RGB; ("", 0.0) where none is read."""
        ...
