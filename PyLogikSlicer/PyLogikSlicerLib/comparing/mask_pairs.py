"""Finds the pairs of masks to compare: mask files, folders of them, and the regions of interest in an output folder of this tool."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ..core.errors import UnreadableInput, UsageError
from ..core.geometry import to_pixel_centers
from ..core.label_mask import Mask
from ..roi.region import rasterize
from .mask_files import is_mask_file, load_mask

Load = Callable[[], Mask]


@dataclass(frozen=True)
class MaskPairs:
    """The pairs to compare, by a name that identifies nobody, and the number of masks without a partner of prediction and truth."""

    pairs: dict[str, tuple[Load, Load]]
    unpaired: tuple[int, int]


@dataclass(frozen=True)
class _Source:
    """The masks at a path by their names, and whether these names may be printed."""

    masks: dict[str, Load]
    names_are_printable: bool


def find_mask_pairs(pred: Path, true: Path) -> MaskPairs:
    """The pairs of masks at two paths.

    A path is a mask file, an output folder of this tool (whose masks are the regions of interest, in pixels of the source
    frames), or a folder of mask files. Two single masks are a pair, whatever their names. Otherwise a mask file whose name before the
    suffix is the name of an image in the output folder is the partner of that image's region.

    Raises
    ------
    UsageError
        A path does not exist or has no mask, or no name is in both; or both are folders of mask files, whose names may identify
        patients and so cannot be printed.
    """
    sources = _source(pred, "prediction"), _source(true, "truth")
    predicted, expected = (source.masks for source in sources)
    if len(predicted) == len(expected) == 1:
        name = next((name for source in sources if source.names_are_printable for name in source.masks), "1")
        return MaskPairs({name: (next(iter(predicted.values())), next(iter(expected.values())))}, (0, 0))
    if not any(source.names_are_printable for source in sources):
        raise UsageError("one of the two must be a single mask file or an output folder of this tool, so that its names can be printed")
    common = [name for name in predicted if name in expected]
    if not common:
        raise UsageError("no mask of the prediction has the name of one of the truth: name the files like the images in report.json")
    pairs = {name: (predicted[name], expected[name]) for name in common}
    return MaskPairs(pairs, (len(predicted) - len(common), len(expected) - len(common)))


def _source(path: Path, side: str) -> _Source:
    """The masks at a path; ``side`` is what messages call it. Raises UsageError where there are none."""
    if path.is_dir():
        is_output = (path / "report.json").is_file()
        masks = _regions_in_report(path / "report.json", side) if is_output else _files(path)
        if not masks:
            raise UsageError(f"the folder of the {side} holds {'no region of interest' if is_output else 'no mask file'}")
        return _Source(masks, names_are_printable=is_output)
    if not path.exists():
        raise UsageError(f"the mask file of the {side} does not exist")
    return _Source({"1": lambda: load_mask(path)}, False)


def _files(folder: Path) -> dict[str, Load]:
    """The mask files in a folder, by their names before the suffix."""
    return {_stem(path): partial(load_mask, path) for path in sorted(folder.iterdir()) if is_mask_file(path)}


def _stem(path: Path) -> str:
    """The name of a file before its suffix; ``.nii.gz`` is one suffix."""
    return path.name[: -len(".nii.gz")] if path.name.lower().endswith(".nii.gz") else path.stem


def _regions_in_report(report: Path, side: str) -> dict[str, Load]:
    """The regions of interest in a report, by the names of their images."""
    try:
        images = json.loads(report.read_text(encoding="utf-8"))["images"]
        return {image["name"]: partial(_region, image) for image in images if image.get("roi")}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise UsageError(f"report.json in the folder of the {side} is not one of this tool, or is damaged") from None


def _region(image: dict) -> Mask:
    """The region of interest of an image in the report, as a mask. Raises UnreadableInput where the report does not have all of it."""
    roi = image["roi"]
    try:
        polygons = [to_pixel_centers(polygon).reshape(-1, 2) for polygon in roi["polygons"]]
        return Mask(rasterize(polygons, roi["rows"], roi["columns"]), frames=image["frames"])
    except (KeyError, TypeError, ValueError):
        raise UnreadableInput("report.json does not tell the region of interest in full: run again with --overwrite") from None
