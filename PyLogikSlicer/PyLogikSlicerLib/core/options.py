"""Options of a run, as the command line and PyLogik's functions give them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, fields
from pathlib import Path

from .errors import UsageError
from .text_engines import ENGINES

VARIANTS: dict[str, str] = {
    "deid": "the whole image, text removed",
    "deid-us": "the ultrasound sector, cropped",
    "deid-one": "the single largest object, cropped",
    "deid-clean": "all large objects, small ones removed, cropped",
    "find-txt": "only the text is written",
}
KEEP = ("none", "measurements")
FORMATS = ("jpeg", "jpeg-lossless", "png")
DEVICES = ("auto", "cpu", "cuda", "mps")
BRIGHTEST = 255


@dataclass(frozen=True)
class Options:
    """``threshold``: grey levels at or below it are background (0..255). ``memory_limit`` and ``frame_limit`` in GiB, ``time_limit`` in
    seconds: what decoding a file may take, see :class:`~..reading.decoding.limits.Limits`. The rest as in the command line's help.

    Names are random unless a caller asks for those of the files: what a file is called may tell who it is, and no check can
    know all that a name tells. PyLogik's own spelling of a variant (``deid_us``) is the same variant.

    Raises
    ------
    UsageError
        A value is none of those that there are; the message names the option and what there is.
    """

    variant: str = "deid"
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
    memory_limit: float = 2.0
    time_limit: float = 60.0
    frame_limit: float = 1.0

    def __post_init__(self) -> None:
        if isinstance(self.variant, str):
            object.__setattr__(self, "variant", self.variant.replace("_", "-"))
        choices: dict[str, Collection[str]] = {
            "variant": VARIANTS,
            "engine": ENGINES,
            "device": DEVICES,
            "format": FORMATS,
            "keep": KEEP,
        }
        for name, allowed in choices.items():
            if getattr(self, name) not in allowed:
                raise UsageError(f"unknown {name}: choose one of {', '.join(allowed)}")
        if isinstance(self.threshold, bool) or not isinstance(self.threshold, int) or not 0 <= self.threshold <= BRIGHTEST:
            raise UsageError(f"the threshold is a grey level from 0 to {BRIGHTEST}")
        for name in ("memory_limit", "time_limit", "frame_limit"):
            if not getattr(self, name) > 0:
                raise UsageError(f"the {name.replace('_', ' ')} is a number above 0")

    def report(self) -> dict:
        """What of the options decides the pixels, for report.json and for knowing whether a result is still valid."""
        undecided = ("models", "download", "overwrite", "memory_limit", "time_limit", "frame_limit")
        return {field.name: getattr(self, field.name) for field in fields(self) if field.name not in undecided}
