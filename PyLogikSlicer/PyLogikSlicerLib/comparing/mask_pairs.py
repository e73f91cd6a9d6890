"""What is compared with what: mask files, folders of them, and the regions of interest in an output folder of this tool."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..core.errors import UnreadableInput, UsageError
from ..core.label_mask import Mask
from ..roi.region import rasterize
from .mask_files import is_mask_file, load_mask

Load = Callable[[], Mask]


@dataclass(frozen=True)
class Pairing:
    """Pairs to compare, by a name that may be shown, and how many masks of either side have no partner."""

    pairs: dict[str, tuple[Load, Load]]
    lonely: tuple[int, int]


@dataclass(frozen=True)
class _Source:
    masks: dict[str, Load]
    names_are_shareable: bool


def paired(pred: Path, true: Path) -> Pairing:
    """The masks of two paths, paired.

    A path is a mask file, an output folder of this tool (whose masks are the regions of interest, in pixels of the source
    frames), or a folder of mask files. One mask and one mask are a pair, whatever their names; otherwise what has the name
    of an image in the output folder is its partner (``name.png`` for example).

    Raises
    ------
    UsageError
        A path is not there, holds no mask, or nothing of the two has the same name; or both are folders of mask files,
        whose names may tell whom they show, and so cannot be printed.
    """
    sources = _source(pred, "prediction"), _source(true, "truth")
    masks = [source.masks for source in sources]
    if len(masks[0]) == len(masks[1]) == 1:
        name = next((name for source in sources if source.names_are_shareable for name in source.masks), "1")
        return Pairing({name: tuple(next(iter(side.values())) for side in masks)}, (0, 0))
    if not any(source.names_are_shareable for source in sources):
        raise UsageError("one of the two must be a single mask file or an output folder of this tool, so that its names can be printed")
    common = [name for name in masks[0] if name in masks[1]]
    if not common:
        raise UsageError("no mask of the prediction has the name of one of the truth: name the files like the images in report.json")
    return Pairing({name: (masks[0][name], masks[1][name]) for name in common}, tuple(len(side) - len(common) for side in masks))


def _source(path: Path, side: str) -> _Source:
    if path.is_dir():
        shareable = (path / "report.json").is_file()
        masks = _regions(path / "report.json", side) if shareable else _files(path)
        if not masks:
            raise UsageError(f"the folder of the {side} holds {'no region of interest' if shareable else 'no mask file'}")
        return _Source(masks, shareable)
    if not path.exists():
        raise UsageError(f"the mask file of the {side} does not exist")
    return _Source({"1": lambda: load_mask(path)}, False)


def _files(folder: Path) -> dict[str, Load]:
    """By the name before the suffix, ``.nii.gz`` being one suffix."""
    files = [path for path in sorted(folder.iterdir()) if is_mask_file(path)]
    return {_stem(path): lambda path=path: load_mask(path) for path in files}


def _stem(path: Path) -> str:
    return path.name[: -len(".nii.gz")] if path.name.lower().endswith(".nii.gz") else path.stem


def _regions(report: Path, side: str) -> dict[str, Load]:
    try:
        images = json.loads(report.read_text(encoding="utf-8"))["images"]
        return {image["name"]: lambda image=image: _region(image) for image in images if image.get("roi")}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise UsageError(f"report.json in the folder of the {side} is not one of this tool, or is damaged") from None


def _region(image: dict) -> Mask:
    roi = image["roi"]
    try:
        polygons = [np.asarray(polygon, float).reshape(-1, 2) for polygon in roi["polygons"]]
        return Mask(rasterize(polygons, roi["rows"], roi["columns"]), frames=image["frames"])
    except (KeyError, TypeError, ValueError):
        raise UnreadableInput("report.json does not tell the region of interest in full: run again with --overwrite") from None
