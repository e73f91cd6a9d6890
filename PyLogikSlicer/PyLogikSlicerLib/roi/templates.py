"""Regions that a person accepted, kept per scanner, and proposed again where they agree with what an image shows.

One JSON file, meant to be read, moved and deleted by people: a list of ``{manufacturer, model, rows, columns, kind, shape,
polygons}``. Nothing in it identifies a patient.
"""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from ..core.errors import UsageError
from ..core.stack import Header
from .region import Roi, make_roi

HELD = 0.95  # share of the found region that a proposed template has to hold
ALIKE = 0.85  # Dice of template and found region from which they agree


def remember(path: Path, header: Header, roi: Roi) -> bool:
    """Keep an accepted region for the scanner of an image; a former one of the same scanner and matrix is replaced.

    Returns
    -------
    bool
        False when the header names neither manufacturer nor model: then nothing is kept.

    Raises
    ------
    UsageError
        When the file exists and is not a template file.
    """
    key = _key(header, roi.rows, roi.columns)
    if key is None:
        return False
    polygons = [np.round(polygon, 2).tolist() for polygon in roi.polygons]
    entry = {**key, "kind": roi.kind, "shape": dict(roi.shape), "polygons": polygons}
    others = [other for other in _entries(path) if {name: other.get(name) for name in key} != key]
    _write(path, [*others, entry])
    return True


def propose(path: Path, header: Header, found: Roi) -> Roi | None:
    """The template of this scanner and matrix size, if it agrees with the region found in the image; else None.

    It agrees when it holds nearly all of the found region and is not much larger. ``found`` is evidence of this very
    image; a template is never used without any.
    """
    key = _key(header, found.rows, found.columns)
    for entry in _entries(path) if key else []:
        if {name: entry.get(name) for name in key} == key:
            polygons = [np.array(polygon, float) for polygon in entry["polygons"]]
            template = make_roi(entry["kind"], entry["shape"], polygons, found.rows, found.columns, ("template of this scanner",))
            kept, seen = template.mask(), found.mask()
            both = int((kept & seen).sum())
            if both >= HELD * seen.sum() and 2 * both >= ALIKE * (int(kept.sum()) + int(seen.sum())):
                return template
    return None


def _key(header: Header, rows: int, columns: int) -> dict[str, Any] | None:
    if not (header.manufacturer.strip() or header.model.strip()):
        return None
    return {"manufacturer": header.manufacturer.strip(), "model": header.model.strip(), "rows": rows, "columns": columns}


def _entries(path: Path) -> list[dict[str, Any]]:
    if not path.exists():
        return []
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(entries, list) and all(isinstance(entry, dict) and {"kind", "shape", "polygons"} <= set(entry) for entry in entries):
            return entries
    except (OSError, UnicodeDecodeError, json.JSONDecodeError):
        pass
    raise UsageError("the file of region templates cannot be understood: move it away or delete it")


def _write(path: Path, entries: list[dict[str, Any]]) -> None:
    """Whole or not at all: an interrupted write leaves the old file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".templates-", suffix=".json")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(entries, file, indent=1)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
