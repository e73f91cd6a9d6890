"""Region templates: regions that the user accepted, one for each scanner, proposed again where they agree with an image.

They are kept in one JSON file, which the user can read, move and delete: a list of ``{manufacturer, model, rows, columns, kind, shape,
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

# The least share of the found region that a template must contain.
_HELD = 0.95
# The least Dice score of template and found region.
_ALIKE = 0.85


def remember(path: Path, header: Header, roi: Roi) -> bool:
    """Save an accepted region as the template of the image's scanner and matrix size; a previous one is replaced.

    Parameters
    ----------
    path
        The file of templates; made if it does not exist.
    header
        The header of the image, with manufacturer and model.
    roi
        The accepted region.

    Returns
    -------
    bool
        Whether it was saved; False when the header states neither manufacturer nor model.

    Raises
    ------
    UsageError
        The file exists and is no template file.
    """
    key = _key(header, roi.rows, roi.columns)
    if key is None:
        return False
    polygons = [np.round(polygon, 2).tolist() for polygon in roi.polygons]
    entry = {**key, "kind": roi.kind, "shape": dict(roi.shape), "polygons": polygons}
    others = [other for other in _entries(path) if {name: other.get(name) for name in key} != key]
    _write(path, [*others, entry])
    return True


def require_templates(path: Path) -> None:
    """Raise UsageError where the file that a user named with --template does not exist or is no template file."""
    if not os.path.isfile(path):
        raise UsageError("the file given with --template does not exist: check its path")
    if _read(path) is None:
        raise UsageError("the file given with --template is no file of region templates: give the one that the module in Slicer writes")


def propose(path: Path, header: Header, found: Roi) -> Roi | None:
    """The template of this scanner and matrix size, if it agrees with the region ``found`` in the image; else None.

    It agrees when it contains nearly all of the found region and is not much larger. A template is never proposed for an image in which
    no region was found. Raises UsageError where the file is no template file.
    """
    key = _key(header, found.rows, found.columns)
    if key is None:
        return None
    for entry in _entries(path):
        if {name: entry.get(name) for name in key} == key:
            polygons = [np.array(polygon, float) for polygon in entry["polygons"]]
            template = make_roi(entry["kind"], entry["shape"], polygons, found.rows, found.columns, ("template of this scanner",))
            kept, seen = template.mask(), found.mask()
            both = int((kept & seen).sum())
            if both >= _HELD * seen.sum() and 2 * both >= _ALIKE * (int(kept.sum()) + int(seen.sum())):
                return template
    return None


def _key(header: Header, rows: int, columns: int) -> dict[str, Any] | None:
    """The values by which a template is found; None where the header states neither manufacturer nor model."""
    if not (header.manufacturer.strip() or header.model.strip()):
        return None
    return {"manufacturer": header.manufacturer.strip(), "model": header.model.strip(), "rows": rows, "columns": columns}


def _entries(path: Path) -> list[dict[str, Any]]:
    """The templates in a file; none where it does not exist. Raises UsageError where it is no template file."""
    if not path.exists():
        return []
    entries = _read(path)
    if entries is None:
        raise UsageError("the file of region templates cannot be understood: move it away or delete it")
    return entries


def _read(path: Path) -> list[dict[str, Any]] | None:
    """The templates in a file; None where it cannot be read as a template file."""
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError, RecursionError):
        return None
    return entries if isinstance(entries, list) and all(map(_is_template, entries)) else None


def _is_template(entry: Any) -> bool:
    if not (isinstance(entry, dict) and isinstance(entry.get("kind"), str) and isinstance(entry.get("shape"), dict)):
        return False
    try:
        polygons = [np.array(polygon, float) for polygon in entry["polygons"]]
    except (KeyError, TypeError, ValueError, OverflowError):
        return False
    return bool(polygons) and all(polygon.ndim == 2 and polygon.shape[1] == 2 and np.isfinite(polygon).all() for polygon in polygons)


def _write(path: Path, entries: list[dict[str, Any]]) -> None:
    """Write the file atomically: an interrupted write leaves the previous file unchanged."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".templates-", suffix=".json")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(entries, file, indent=1)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
