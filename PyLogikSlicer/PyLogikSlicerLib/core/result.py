"""Result: what was written of one image, and what was found out on the way."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..roi import Roi
    from ..verifying import Verification
    from ..writing.rendering import Rendering
    from .text_map import TextMap


@dataclass(frozen=True)
class Result:
    """What became of one image. ``files``: relative path -> SHA-256, below the folder given to ``pipeline.process``. ``confirmed``: how
    many frames of the source a second decoder gave alike."""

    text_map: TextMap
    roi: Roi | None = None
    rendering: Rendering | None = None
    verification: Verification | None = None
    rounds: int = 0
    files: dict[str, str] = field(default_factory=dict)
    bytes_written: int = 0
    seconds: dict[str, float] = field(default_factory=dict)
    confirmed: int = 0
