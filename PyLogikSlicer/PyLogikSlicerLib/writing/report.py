"""What ``report.json`` and ``phi/text.csv`` say of one image, and of the machine it was made on."""

from __future__ import annotations

import platform
import unicodedata
from collections import Counter
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version

from ..core.result import Result
from ..core.stack import ImageStack
from ..core.text_map import Region
from ..roi import Roi

_VERSIONED = ("numpy", "opencv-python-headless", "pydicom", "onnxruntime", "rapidocr", "easyocr", "torch", "zxing-cpp")


def image_report(stack: ImageStack, name: str, result: Result) -> dict:
    """The entry of a finished image, JSON-ready and without identifying data (``name`` is what the user allowed)."""
    text_map = result.text_map
    report = {
        "name": name,
        "status": "done",
        "frames": stack.frame_count,
        "frames_examined": text_map.frames_examined,
        "regions": len(text_map.regions),
        "redacted": sum(region.decision == "redact" for region in text_map.regions),
        "roi": _roi_report(result.roi),
        "bytes_source": sum(path.stat().st_size for path in (stack.sources or (stack.source,))),
        "bytes_written": result.bytes_written,
        "seconds": result.seconds,
        "files": {f"images/{name}/{file}": digest for file, digest in result.files.items()},
        "dropped": list(stack.dropped),
        "coverage": dict(Counter(coverage.kind.value for coverage in text_map.coverage)),
    }
    if result.rendering and result.verification:
        # Exact only if every pixel that is not masked tells its stored value; JPEG never promises that.
        report["pixels"] = {**result.rendering.report, "exact": result.rendering.exact and result.verification.largest_error == 0}
        report["verification"] = {
            "verdict": "passed",
            "rounds": result.rounds,
            "frames": result.verification.frames,
            "confirmed_by_another_decoder": result.confirmed,
            "files": len(result.files),
            "readable_residues": len(result.verification.readable),
            "unreadable_residues": len(result.verification.residues),
            "largest_error": result.verification.largest_error,
        }
    return report


def text_row(name: str, source: str, region: Region) -> dict[str, str]:
    """One row of ``text.csv``, all in text, as it is read again."""
    x0, y0, x1, y1 = region.box
    row = {
        **{"name": name, "source": source, "frame_first": region.frame_first, "frame_last": region.frame_last},
        **{"x0": x0, "y0": y0, "x1": x1, "y1": y1},
        "polygon": " ".join(f"{x:g},{y:g}" for x, y in region.polygon),
        **{"text": _printable(region.text), "confidence": f"{region.confidence:.4f}", "engine": region.engine},
        **{"reason": region.reason, "decision": region.decision},
    }
    return {column: str(value) for column, value in row.items()}


@lru_cache(maxsize=1)
def machine_report() -> dict:
    """The versions that decide the pixels."""
    versions = {package: _installed(package) for package in _VERSIONED}
    return {"python": platform.python_version(), "packages": {package: found for package, found in versions.items() if found}}


def _roi_report(roi: Roi | None) -> dict | None:
    if roi is None:
        return None
    return {
        "kind": roi.kind,
        "shape": dict(roi.shape),
        "rows": roi.rows,
        "columns": roi.columns,
        "crop": [int(edge) for edge in roi.crop],
        "polygons": [[[round(float(x), 2), round(float(y), 2)] for x, y in polygon] for polygon in roi.polygons],
        "kept_share": round(float(roi.kept_share), 4),
        "confidence": None if roi.confidence is None else round(roi.confidence, 3),
        "uncertain": roi.is_uncertain,
        "notes": list(roi.notes),
    }


def _printable(text: str) -> str:
    """Codes carry any bytes; a table keeps to one line of text for each value."""
    return "".join(" " if unicodedata.category(letter) in ("Cc", "Cs") else letter for letter in text)


def _installed(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
