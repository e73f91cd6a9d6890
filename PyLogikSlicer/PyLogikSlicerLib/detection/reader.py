"""The interface of a text reader: what every text engine offers, whatever its network and device."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np

from ..core.geometry import Polygon

# Hexadecimal digits of the SHA-256 of a file of weights that stand in reports: enough to tell weights apart.
DIGEST_LENGTH = 16

# Text and confidence, 0 to 1; ("", 0.0) where nothing could be read.
Reading = tuple[str, float]

# What a reader's detector was trained to find. Which passes it takes part in depends on this.
Granularity = Literal["words", "letters"]


@dataclass(frozen=True)
class RawDetection:
    """What a reader detected in one image that it was given.

    Attributes
    ----------
    polygon
        (x, y) corners in pixels of the image given, x right, y down, pixel edges at integers.
    score
        0 to 1, on the engine's own scale.
    tentative
        It does not count as text (too faint, or rejected as a word); it only asks for another pass.
    kernels
        The polygons that the network itself marked, before the extent of the text was estimated from them: the shrunk text
        kernel of a DBNet, or the box of each letter of the glyph network. Empty where the engine does not tell.
    """

    polygon: Polygon
    score: float
    tentative: bool = False
    kernels: tuple[Polygon, ...] = ()


class TextReader(Protocol):
    """Detects text in images. The caller chooses scale, polarity and tiles: a reader takes images as they are.

    Attributes
    ----------
    name
        As in reports, e.g. ``ppocr``.
    device
        Where its networks run, as in reports.
    weights_digest
        Other weights have another digest, so that results of other weights are known as such.
    granularity
        Whether its detector was trained on words and lines, or on single letters.
    conclusive_score
        The score from which one detection of this reader is accepted as text without a second one, even if it is no longer than
        a letter. Above 1 for a reader whose scores never say that much.
    """

    @property
    def name(self) -> str: ...

    @property
    def device(self) -> str: ...

    @property
    def weights_digest(self) -> str: ...

    @property
    def granularity(self) -> Granularity: ...

    @property
    def conclusive_score(self) -> float: ...

    def detect(self, images: Sequence[np.ndarray]) -> list[list[RawDetection]]:
        """The text in each of the images, uint8 ``(rows, columns, 3)`` RGB."""
        ...


class LineReader(TextReader, Protocol):
    """A reader that can also recognize what a detected line says."""

    def recognize(self, crops: Sequence[np.ndarray]) -> list[Reading]:
        """The reading of each crop, uint8 ``(rows, columns, 3)`` RGB, that holds one line of text."""
        ...
