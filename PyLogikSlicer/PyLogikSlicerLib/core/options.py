"""Options of a run, as the command line and PyLogik's functions give them, in the groups that travel together. They validate themselves.

This module imports nothing that has to be installed: the panel uses it before the packages are there.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from .errors import UsageError
from .text_engines import ENGINES

# By name, what remains of an image; the function that finds it is in PyLogikSlicerLib.roi.ROI_FINDERS.
VARIANTS: dict[str, str] = {
    "deid": "the whole image, text removed",
    "deid-us": "the ultrasound sector, cropped",
    "deid-one": "the single largest object, cropped",
    "deid-clean": "all large objects, small ones removed, cropped",
}
KEEP = ("none", "measurements")
# Their codecs are in PyLogikSlicerLib.writing.formats.FORMATS.
FORMATS = ("jpeg", "jpeg-lossless", "png")
DEVICES = ("auto", "cpu", "cuda", "mps")
# The largest grey level of an image as it is shown.
BRIGHTEST = 255


@dataclass(frozen=True)
class AnalysisOptions:
    """What is redacted and what remains.

    ``variant``: one of :data:`VARIANTS`; PyLogik's own spelling (``deid_us``) is the same variant. ``threshold``: grey levels at or below
    it are background, 0 to 255. ``keep``: text that may stay, one of :data:`KEEP`.
    """

    variant: str = "deid"
    threshold: int = 0
    keep: str = "none"

    def check_analysis(self) -> None:
        """Raise UsageError where a value is none of those that there are; so do the checks of the other groups."""
        if isinstance(self.variant, str):
            object.__setattr__(self, "variant", self.variant.replace("_", "-"))
        _check_choice("variant", self.variant, VARIANTS)
        _check_choice("keep", self.keep, KEEP)
        if isinstance(self.threshold, bool) or not isinstance(self.threshold, int) or not 0 <= self.threshold <= BRIGHTEST:
            raise UsageError(f"the threshold is a grey level from 0 to {BRIGHTEST}")


@dataclass(frozen=True)
class OutputOptions:
    """What is written.

    ``images``: False writes only the text that was found. ``rename``: random names; what a file is called may tell who it is, and no check
    can know all that a name tells. ``overwrite``: do again what is done.
    """

    format: str = "jpeg"
    images: bool = True
    rename: bool = True
    overwrite: bool = False

    def check_output(self) -> None:
        _check_choice("format", self.format, FORMATS)


@dataclass(frozen=True)
class EngineOptions:
    """Which text reader runs where: see :func:`~PyLogikSlicerLib.detection.engines.choose_engine`."""

    engine: str = "auto"
    device: str = "auto"
    models: Path | None = None
    download: bool = False

    def check_engine(self) -> None:
        _check_choice("engine", self.engine, ENGINES)
        _check_choice("device", self.device, DEVICES)


@dataclass(frozen=True)
class InputOptions:
    """How inputs are read.

    ``stack``: the stills of a folder are the frames of one image. ``memory_limit`` and ``frame_limit`` in GiB, ``time_limit`` in seconds:
    what decoding a file may take, see :class:`~PyLogikSlicerLib.reading.decoding.limits.Limits`.
    """

    stack: bool = False
    memory_limit: float = 2.0
    time_limit: float = 60.0
    frame_limit: float = 1.0

    def check_input(self) -> None:
        for name in ("memory_limit", "time_limit", "frame_limit"):
            if not getattr(self, name) > 0:
                raise UsageError(f"the {name.replace('_', ' ')} is a number above 0")


@dataclass(frozen=True)
class Options(InputOptions, EngineOptions, OutputOptions, AnalysisOptions):
    """All options of a run.

    Raises
    ------
    UsageError
        A value is none of those that there are; the message names the option and what there is.
    """

    def __post_init__(self) -> None:
        self.check_analysis()
        self.check_engine()
        self.check_output()
        self.check_input()

    def report(self) -> dict[str, object]:
        """The options that decide the result, for report.json and for knowing whether a result is still valid."""
        deciding = ("variant", "images", "threshold", "rename", "engine", "device", "format", "keep", "stack")
        return {name: getattr(self, name) for name in deciding}


def _check_choice(name: str, value: object, allowed: Collection[str]) -> None:
    if value not in allowed:
        raise UsageError(f"unknown {name}: choose one of {', '.join(allowed)}")
