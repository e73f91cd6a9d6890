"""The messages between a program and its worker process: requests, and the events that answer them, to JSON and back.

Each message is one JSON object on a line of its own. Importing this module imports nothing that has to be installed; decoding an
analysis imports the region of interest's package.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.errors import UsageError
from ..core.geometry import Box
from ..core.options import Options
from ..core.progress import Progress
from ..core.text_map import Coverage, CoverageKind, Region, TextMap

if TYPE_CHECKING:
    from ..core.analysis import Analysis
    from ..roi import Roi

Json = dict[str, Any]
_OPTIONS_THAT_ARE_PATHS = ("models", "template")


@dataclass(frozen=True)
class Source:
    """One image: the files that it comes from, or a file that holds its frames as an array.

    ``files`` are in the order of the frames; with ``stack`` all of them together are the frames of one image. ``array`` is a file of
    :mod:`.array_file` in a private folder, for an image without files, and ``name`` is what such an image is called in the log.
    """

    files: tuple[str, ...] = ()
    stack: bool = False
    array: str | None = None
    name: str = ""

    def to_json(self) -> Json:
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Source:
        """Raises UsageError when ``data`` is not a source."""
        with _decoding("source"):
            array = str(data["array"]) if data["array"] else None
            source = cls(tuple(map(str, data["files"])), bool(data["stack"]), array, str(data["name"]))
        if not source.files and source.array is None:
            raise UsageError("nothing to read: the source has neither files nor an array")
        return source


@dataclass(frozen=True)
class AnalyseRequest:
    """Find the text and the region of interest of an image.

    Where ``fingerprint`` (rows of :func:`.frame_fingerprint.fingerprint_of`) is given, an image with other frames counts as
    unreadable. ``templates`` is the file of the regions of interest that were accepted per scanner.
    """

    source: Source
    options: Options
    fingerprint: list[list[float]] | None = None
    templates: str | None = None


@dataclass(frozen=True)
class ExportRequest:
    """Write an image as reviewed into the folder ``output``; ``templates`` as in :class:`AnalyseRequest`."""

    source: Source
    options: Options
    analysis: Analysis
    output: str
    templates: str | None = None


@dataclass(frozen=True)
class DevicesRequest:
    """Name the GPU that a text reader can use."""


Request = AnalyseRequest | ExportRequest | DevicesRequest


@dataclass(frozen=True)
class AnalysisResult:
    """What was found in an image of this size; ``engine`` names the readers and the device, ``notes`` are for the person."""

    analysis: Analysis
    rows: int
    columns: int
    frames: int
    engine: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class ExportResult:
    """The entry of a published image in ``report.json``, and what else the log says about it."""

    image: Mapping[str, Any]
    remark: str = ""


@dataclass(frozen=True)
class DevicesResult:
    """The name of the GPU, or the reason why there is none; the other one is empty."""

    gpu: str
    reason: str


TaskResult = AnalysisResult | ExportResult | DevicesResult


@dataclass(frozen=True)
class Done:
    """A request was carried out."""

    result: TaskResult


@dataclass(frozen=True)
class Failed:
    """A request failed. ``unreadable``: its source could not be read, or does not show the frames that were expected."""

    reason: str
    unreadable: bool = False


# Any number of Progress, then one Done or Failed.
Event = Progress | Done | Failed


@dataclass(frozen=True)
class Message:
    """An event, and the number of the request that it answers (None where a request could not be decoded)."""

    id: int | None
    event: Event

    def to_json(self) -> Json:
        if isinstance(self.event, Progress):
            return {"id": self.id, "event": "progress", **asdict(self.event)}
        if isinstance(self.event, Failed):
            return {"id": self.id, "event": "failed", **asdict(self.event)}
        return {"id": self.id, "event": "done", "result": _result_to_json(self.event.result)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Message:
        """Raises UsageError when ``data`` is not a message."""
        with _decoding("answer"):
            return cls(data["id"], _event_from_json(data))


def request_to_json(request: Request) -> Json:
    if isinstance(request, DevicesRequest):
        return {"do": "devices"}
    data = {"source": request.source.to_json(), "options": options_to_json(request.options), "templates": request.templates}
    if isinstance(request, AnalyseRequest):
        return {"do": "analyse", **data, "fingerprint": request.fingerprint}
    return {"do": "export", **data, "analysis": analysis_to_json(request.analysis), "output": request.output}


def request_from_json(data: Mapping[str, Any]) -> Request:
    """What is missing takes its default. Raises UsageError when ``data`` is not a request, or lacks what is needed."""
    task = data.get("do")
    if task == "devices":
        return DevicesRequest()
    if task not in ("analyse", "export"):
        raise UsageError("the worker does not know what is asked for: please report this")
    options = options_from_json(data.get("options", {}))
    source = Source.from_json(data.get("source", {}))
    templates = data.get("templates") or None
    if task == "analyse":
        return AnalyseRequest(source, options, data.get("fingerprint"), templates)
    analysis = analysis_from_json(data.get("analysis", {}))
    output = data.get("output")
    if not output or not isinstance(output, str):
        raise UsageError("no output folder is named: choose one")
    return ExportRequest(source, options, analysis, output, templates)


def options_to_json(options: Options) -> Json:
    values = asdict(options)
    return {**values, **{name: str(values[name]) for name in _OPTIONS_THAT_ARE_PATHS if values[name]}}


def options_from_json(data: Mapping[str, Any]) -> Options:
    """What is missing takes its default. Raises UsageError when a key is not the name of an option."""
    with _decoding("options"):
        return Options(**{**data, **{name: Path(data[name]) if data.get(name) else None for name in _OPTIONS_THAT_ARE_PATHS}})


def analysis_to_json(analysis: Analysis) -> Json:
    return {
        "regions": [_region_to_json(region) for region in analysis.text_map.regions],
        "coverage": [[coverage.kind.value, coverage.share] for coverage in analysis.text_map.coverage],
        "roi": analysis.roi and _roi_to_json(analysis.roi),
        "value_range": [float(value) for value in analysis.value_range],
        "seconds": dict(analysis.seconds),
    }


def analysis_from_json(data: Mapping[str, Any]) -> Analysis:
    """Raises UsageError when ``data`` is not an analysis."""
    from ..core.analysis import Analysis

    with _decoding("analysis"):
        regions = tuple(_region_from_json(region) for region in data["regions"])
        coverage = tuple(Coverage(CoverageKind(kind), float(share)) for kind, share in data["coverage"])
        low, high = map(float, data["value_range"])
        roi = _roi_from_json(data["roi"]) if data["roi"] else None
        return Analysis(TextMap(regions, coverage), roi, (low, high), dict(data["seconds"]))


def _event_from_json(data: Mapping[str, Any]) -> Event:
    if data["event"] == "progress":
        return Progress(str(data["stage"]), int(data["done"]), int(data["total"]))
    if data["event"] == "failed":
        return Failed(str(data["reason"]), bool(data["unreadable"]))
    if data["event"] == "done":
        return Done(_result_from_json(data["result"]))
    raise ValueError


def _result_to_json(result: TaskResult) -> Json:
    if isinstance(result, AnalysisResult):
        values = {field.name: getattr(result, field.name) for field in fields(result)}
        return {**values, "analysis": analysis_to_json(result.analysis), "notes": list(result.notes)}
    return asdict(result)


def _result_from_json(data: Mapping[str, Any]) -> TaskResult:
    """The kind of a result is known by its fields."""
    if "analysis" in data:
        return AnalysisResult(**{**data, "analysis": analysis_from_json(data["analysis"]), "notes": tuple(data["notes"])})
    return ExportResult(**data) if "image" in data else DevicesResult(**data)


def _roi_to_json(roi: Roi) -> Json:
    return {
        "kind": roi.kind,
        "shape": dict(roi.shape),
        "polygons": [[[float(x), float(y)] for x, y in polygon] for polygon in roi.polygons],
        "crop": [int(edge) for edge in roi.crop],
        "rows": roi.rows,
        "columns": roi.columns,
        "notes": list(roi.notes),
        "confidence": roi.confidence,
    }


def _roi_from_json(data: Mapping[str, Any]) -> Roi:
    import numpy as np

    from ..roi import Roi

    polygons = tuple(np.array(polygon, float).reshape(-1, 2) for polygon in data["polygons"])
    crop = Box(*map(int, data["crop"]))
    return Roi(
        data["kind"], dict(data["shape"]), polygons, crop, int(data["rows"]), int(data["columns"]), tuple(data["notes"]), data["confidence"]
    )


def _region_to_json(region: Region) -> Json:
    values = {field.name: getattr(region, field.name) for field in fields(region)}
    return {
        **values,
        "polygon": [[float(x), float(y)] for x, y in region.polygon],
        "readings": list(region.readings),
        "confidence": float(region.confidence),
        "frame_first": int(region.frame_first),
        "frame_last": int(region.frame_last),
    }


def _region_from_json(data: Mapping[str, Any]) -> Region:
    # A region that is neither masked nor listed as kept would leave its text in the output unnoticed.
    if data["decision"] not in ("redact", "keep"):
        raise ValueError
    polygon = tuple((float(x), float(y)) for x, y in data["polygon"])
    return Region(**{**data, "polygon": polygon, "readings": tuple(map(str, data["readings"]))})


@contextmanager
def _decoding(part: str) -> Iterator[None]:
    """Turn what goes wrong inside into a UsageError that names the part of the message, never its content."""
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError):
        raise UsageError(f"the {part} of a request to the worker cannot be understood: please report this") from None
