"""Options of a run, as the command line and PyLogik's functions give them, in the groups that travel together. They validate themselves.

This module imports nothing that has to be installed: the panel uses it before the packages are there.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from .errors import UsageError
from .text_engines import ENGINES

# By name, what remains of an image; the function that finds it is in PyLogikSlicerLib.roi.ROI_FINDERS.
VARIANTS: dict[str, str] = {
    "deid": "the whole image, text removed",
    "deid-us": "the ultrasound sector, cropped",
    "deid-one": "the single largest object, cropped",
    "deid-clean": "all large objects, small ones removed, cropped",
}
# The variant that finds no region of interest.
WHOLE_IMAGE = "deid"
# Given in place of a region of interest: the whole image is kept.
NO_REGION: Literal["none"] = "none"
# Pixels from the origin up to which a coordinate may lie: beyond any image, and exact to far less than a pixel in all that is computed.
FARTHEST = 1e9
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

    ``roi``: the region of interest where a person gives it: x0, y0, x1, y1 of a box, or x, y of three or more points of a polygon, in
    pixels of the source frame as in :mod:`.geometry`; :data:`NO_REGION` keeps the whole image; None finds it. ``template``: a file of
    :mod:`PyLogikSlicerLib.roi.templates`, whose regions are used where they agree with what was found. Both are for the variants that find
    a region of interest.
    """

    variant: str = WHOLE_IMAGE
    threshold: int = 0
    keep: str = "none"
    roi: Literal["none"] | tuple[float, ...] | None = None
    template: Path | None = None

    def check_analysis(self) -> None:
        """Raise UsageError where a value is none of those that there are; so do the checks of the other groups."""
        if isinstance(self.variant, str):
            object.__setattr__(self, "variant", self.variant.replace("_", "-"))
        _check_choice("variant", self.variant, VARIANTS)
        _check_choice("keep", self.keep, KEEP)
        if isinstance(self.threshold, bool) or not isinstance(self.threshold, int) or not 0 <= self.threshold <= BRIGHTEST:
            raise UsageError(f"the threshold is a grey level from 0 to {BRIGHTEST}")
        self._check_region()

    def _check_region(self) -> None:
        if self.roi is None and self.template is None:
            return
        if self.variant == WHOLE_IMAGE:
            others = ", ".join(variant for variant in VARIANTS if variant != WHOLE_IMAGE)
            raise UsageError(f"--roi and --template are for the variants that keep a region of interest: {others}")
        if self.roi is not None and self.template is not None:
            raise UsageError("--roi and --template exclude each other: a region that is given needs no template")
        if self.roi is not None and self.roi != NO_REGION:
            object.__setattr__(self, "roi", _checked_region(self.roi))


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
        """The options that decide the result, for report.json and for knowing whether a result is still valid.

        Files are not among them: their content decides, and a path may name a person.
        """
        deciding = ("variant", "images", "threshold", "rename", "engine", "device", "format", "keep", "stack")
        roi = list(self.roi) if isinstance(self.roi, tuple) else self.roi
        return {**{name: getattr(self, name) for name in deciding}, "roi": roi}


def _check_choice(name: str, value: object, allowed: Collection[str]) -> None:
    if value not in allowed:
        raise UsageError(f"unknown {name}: choose one of {', '.join(allowed)}")


def _checked_region(numbers: object) -> tuple[float, ...]:
    """The numbers of a given region of interest as floats. Raises UsageError where they are no box and no polygon."""
    if not isinstance(numbers, tuple | list) or not all(isinstance(number, int | float) for number in numbers):
        raise UsageError(f"the roi consists of numbers, or is {NO_REGION}")
    if len(numbers) < 4 or len(numbers) % 2:
        raise UsageError(
            f"the roi has {len(numbers)} numbers: a box has four, x0,y0,x1,y1, and a polygon x,y of each of its three or more points"
        )
    if not all(abs(number) <= FARTHEST for number in numbers):
        raise UsageError(f"a number of the roi is not finite, or beyond {FARTHEST:,.0f}: coordinates are pixels of the image")
    region = tuple(map(float, numbers))
    if len(region) == 4 and not (region[0] < region[2] and region[1] < region[3]):
        raise UsageError("the roi is a box of no area: its numbers are x0,y0,x1,y1 with x0 below x1 and y0 below y1")
    from .geometry import polygon_area  # brings NumPy, which Slicer's start does without

    if len(region) > 4 and not polygon_area(tuple(zip(region[::2], region[1::2], strict=True))):
        raise UsageError("the roi is a polygon of no area: give its points in their order around the region")
    return region
