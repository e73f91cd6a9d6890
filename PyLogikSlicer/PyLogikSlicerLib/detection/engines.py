"""Which readers examine the images: chosen by name, or the best that is installed and whose weights are there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ..errors import EngineUnavailable
from .glyphs import GlyphReader
from .reader import TextReader

EngineName = Literal["auto", "ppocr", "easyocr", "thorough"]
ENGINES: tuple[EngineName, ...] = ("auto", "ppocr", "easyocr", "thorough")
DEVICES = ("auto", "cpu", "cuda", "mps")


@dataclass(frozen=True)
class Engine:
    """The readers at work and where they run, for the report. ``notes`` says what was left out and why."""

    readers: tuple[TextReader, ...]
    notes: tuple[str, ...] = ()

    @property
    def description(self) -> str:
        return " + ".join(f"{reader.name} on {reader.device}" for reader in self.readers)


def choose_engine(engine: EngineName = "auto", device: str = "auto", models: Path | None = None, download: bool = False) -> Engine:
    """Start the readers that ``engine`` asks for.

    ``auto`` takes PP-OCR, the best measured so far (Testing/Benchmarks/RESULTS.md), else EasyOCR. ``thorough`` takes the
    union of both. The glyph network joins each of them: it sees the single letters and digits to which word detectors are
    blind. Raises :class:`EngineUnavailable` saying what is missing.
    """
    starters = {"ppocr": lambda: _ppocr(device, models), "easyocr": lambda: _easyocr(device, models, download)}
    if engine in starters:
        return Engine((starters[engine](), GlyphReader()))
    if engine not in ENGINES:
        raise EngineUnavailable(f"unknown engine {engine!r}: choose one of {', '.join(ENGINES)}")
    readers, missing = _start_all(starters.values(), first_only=engine == "auto")
    if not readers:
        raise EngineUnavailable("no text engine can start: " + "; ".join(missing))
    if engine == "thorough" and missing:
        raise EngineUnavailable("'thorough' is the union of all engines, and one cannot start: " + "; ".join(missing))
    return Engine((*readers, GlyphReader()), tuple(missing))


def _start_all(starters, first_only: bool) -> tuple[Sequence[TextReader], list[str]]:
    readers, missing = [], []
    for start in starters:
        try:
            readers.append(start())
        except EngineUnavailable as error:
            missing.append(str(error))
        if first_only and readers:
            break
    return readers, missing


def _ppocr(device: str, models: Path | None) -> TextReader:
    from .ppocr import PPOCRReader

    return PPOCRReader(device, models)


def _easyocr(device: str, models: Path | None, download: bool) -> TextReader:
    from .easyocr_reader import EasyOCRReader

    return EasyOCRReader(device, models, download)
