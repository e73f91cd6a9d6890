"""What goes through the pipe between the program that a person uses and the worker: values to JSON-able dicts, and back.

Nothing heavy is imported with this module; what is made from a dict imports what it needs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.errors import UsageError
from ..core.options import Options
from ..core.text_map import Region, TextMap

if TYPE_CHECKING:
    from ..core.analysis import Analysis
    from ..roi import Roi


@dataclass(frozen=True)
class Source:
    """One image of the program: the files it comes from, or an array of it.

    ``files`` in the order of the frames; with ``stack`` they are the frames of one image. ``array`` is a file of
    :mod:`.array_file` in a private folder, for an image without files. ``name`` is what such an image is called in the log.
    """

    files: tuple[str, ...] = ()
    stack: bool = False
    array: str | None = None
    name: str = ""


def source_to_json(source: Source) -> dict:
    return asdict(source)


def source_from_json(data: Mapping[str, Any]) -> Source:
    """Raises UsageError when ``data`` is no source."""
    with _understood("source"):
        source = Source(tuple(map(str, data["files"])), bool(data["stack"]), data["array"] and str(data["array"]), str(data["name"]))
    if not source.files and source.array is None:
        raise UsageError("nothing to read: the source has neither files nor an array")
    return source


def options_to_json(options: Options) -> dict:
    return {**asdict(options), "models": str(options.models) if options.models else None}


def options_from_json(data: Mapping[str, Any]) -> Options:
    """What is missing takes its default. Raises UsageError when there is something that no option is called."""
    with _understood("options"):
        return Options(**{**data, "models": Path(data["models"]) if data.get("models") else None})


def analysis_to_json(analysis: Analysis) -> dict:
    return {
        "regions": [_region_to_json(region) for region in analysis.text_map.regions],
        "coverage": list(analysis.text_map.coverage),
        "roi": analysis.roi and roi_to_json(analysis.roi),
        "value_range": [float(value) for value in analysis.value_range],
        "seconds": dict(analysis.seconds),
    }


def analysis_from_json(data: Mapping[str, Any]) -> Analysis:
    """Raises UsageError when ``data`` is no analysis."""
    from ..core.analysis import Analysis

    with _understood("analysis"):
        regions = tuple(_region_from_json(region) for region in data["regions"])
        text_map = TextMap(regions, tuple(map(str, data["coverage"])))
        low, high = map(float, data["value_range"])
        return Analysis(text_map, data["roi"] and roi_from_json(data["roi"]), (low, high), dict(data["seconds"]))


def roi_to_json(roi: Roi) -> dict:
    return {
        "kind": roi.kind,
        "shape": dict(roi.shape),
        "polygons": [[[float(x), float(y)] for x, y in polygon] for polygon in roi.polygons],
        "crop": [int(edge) for edge in roi.crop],
        "rows": roi.rows,
        "columns": roi.columns,
        "notes": list(roi.notes),
    }


def roi_from_json(data: Mapping[str, Any]) -> Roi:
    import numpy as np

    from ..roi import Roi

    polygons = tuple(np.array(polygon, float).reshape(-1, 2) for polygon in data["polygons"])
    x0, y0, x1, y1 = map(int, data["crop"])
    return Roi(data["kind"], dict(data["shape"]), polygons, (x0, y0, x1, y1), int(data["rows"]), int(data["columns"]), tuple(data["notes"]))


def _region_to_json(region: Region) -> dict:
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
    if data["decision"] not in ("redact", "keep"):
        raise ValueError
    polygon = tuple((float(x), float(y)) for x, y in data["polygon"])
    return Region(**{**data, "polygon": polygon, "readings": tuple(map(str, data["readings"]))})


class _understood:
    """What is wrong with a message is told by the part of it, never by its content."""

    def __init__(self, part: str) -> None:
        self._part = part

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, *_) -> None:
        if kind and issubclass(kind, KeyError | TypeError | ValueError | AttributeError):
            raise UsageError(f"the {self._part} of a request to the worker cannot be understood: please report this") from None
