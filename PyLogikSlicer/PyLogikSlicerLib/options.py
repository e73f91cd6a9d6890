"""Options of a run, as the command line and the seed's functions give them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Variant = Literal["deid", "deid-us", "deid-one", "deid-clean", "find-txt"]
VARIANTS: dict[str, str] = {
    "deid": "the whole image, text removed",
    "deid-us": "the ultrasound sector, cropped",
    "deid-one": "the single largest object, cropped",
    "deid-clean": "all large objects, small ones removed, cropped",
    "find-txt": "only the text is written",
}
KEEP = ("none", "measurements")


@dataclass(frozen=True)
class Options:
    """``threshold``: grey levels at or below it are background (0..255). The rest as in the command line's help.

    Names are random unless a caller asks for those of the files: what a file is called may tell who it is, and no check can
    know all that a name tells.
    """

    variant: Variant = "deid"
    threshold: int = 0
    rename: bool = True
    engine: str = "auto"
    device: str = "auto"
    models: Path | None = None
    download: bool = False
    format: str = "jpeg"
    keep: str = "none"
    stack: bool = False
    overwrite: bool = False

    def report(self) -> dict:
        """What of the options decides the pixels, for report.json and for knowing whether a result is still valid."""
        return {key: getattr(self, key) for key in ("variant", "threshold", "engine", "device", "format", "keep", "stack", "rename")}
