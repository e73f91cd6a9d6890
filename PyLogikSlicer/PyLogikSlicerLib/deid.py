"""PyLogik's functions, under their own names and defaults (Kline et al., arXiv 2304.12322), on this engine.

Each writes ``images/``, ``phi/`` and ``report.json`` below ``output_path`` and returns the report. What cannot be done is
logged in ``phi/log.csv``; a call that is wrong raises :class:`~PyLogikSlicerLib.core.errors.UsageError`. By default images have the
names of their files, as in PyLogik: a file whose name holds what its header says of a person fails, and one whose name may hold
it gets a random name.
"""

from __future__ import annotations

from os import PathLike
from pathlib import Path

from .batch import run
from .core.options import Options

__all__ = ["deid", "deid_clean", "deid_one", "deid_us", "find_txt"]


def deid(input_path: str | PathLike, output_path: str | PathLike, rename_files: bool = False, threshold: int = 0) -> dict:
    """Remove the text; the whole image remains."""
    return _run("deid", input_path, output_path, rename_files, threshold)


def deid_us(input_path: str | PathLike, output_path: str | PathLike, rename_files: bool = False, threshold: int = 0) -> dict:
    """Remove the text; the ultrasound sector remains, cropped. ``threshold``: grey levels at or below it are background."""
    return _run("deid-us", input_path, output_path, rename_files, threshold)


def deid_one(input_path: str | PathLike, output_path: str | PathLike, rename_files: bool = False, threshold: int = 0) -> dict:
    """Remove the text; the single largest object remains, cropped. ``threshold``: grey levels at or below it are background."""
    return _run("deid-one", input_path, output_path, rename_files, threshold)


def deid_clean(input_path: str | PathLike, output_path: str | PathLike, rename_files: bool = False, threshold: int = 0) -> dict:
    """Remove the text and small objects; all large objects remain, cropped. ``threshold`` as in :func:`deid_one`."""
    return _run("deid-clean", input_path, output_path, rename_files, threshold)


def find_txt(input_path: str | PathLike, output_path: str | PathLike) -> dict:
    """Write what text there is, and where, to ``phi/text.csv``; no image is written."""
    return run([Path(input_path)], Path(output_path), Options(images=False, rename=False))


def _run(variant: str, input_path: str | PathLike, output_path: str | PathLike, rename: bool, threshold: int) -> dict:
    return run([Path(input_path)], Path(output_path), Options(variant=variant, rename=rename, threshold=threshold))
