"""Which readers examine the images: chosen by name, or the best that is installed and whose weights are there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ..core.errors import EngineUnavailable
from ..core.options import ENGINES
from .devices import candidates, first_that_starts
from .glyphs import GlyphReader
from .reader import TextReader

EngineName = Literal["auto", "ppocr", "easyocr", "thorough"]

Started = tuple[TextReader, Sequence[str]]  # with what there is to note
Start = Callable[[], Started]


@dataclass(frozen=True)
class Engine:
    """The readers at work and where they run, for the report. ``notes`` says what was left out and why."""

    readers: tuple[TextReader, ...]
    notes: tuple[str, ...] = ()

    @property
    def description(self) -> str:
        return " + ".join(f"{reader.name} on {reader.device}" for reader in self.readers)

    @property
    def weights(self) -> str:
        """Which weights they have: results of other weights are other results."""
        return " + ".join(reader.weights_digest for reader in self.readers)


def choose_engine(engine: EngineName = "auto", device: str = "auto", models: Path | None = None, download: bool = False) -> Engine:
    """Start the readers that ``engine`` asks for.

    ``auto`` takes PP-OCR, the best measured so far (Testing/Benchmarks/RESULTS.md), else EasyOCR. ``thorough`` takes the
    union of both. The glyph network joins each of them: it sees the single letters and digits to which word detectors are
    blind. Each runs on ``device``: ``auto`` is the GPU where one can be used, else the CPU. Raises
    :class:`EngineUnavailable` saying what is missing.
    """
    starters: dict[str, Start] = {"ppocr": lambda: _ppocr(device, models), "easyocr": lambda: _easyocr(device, models, download)}
    if engine in starters:
        return _joined([starters[engine](), _glyphs(device)])
    if engine not in ENGINES:
        raise EngineUnavailable(f"unknown engine {engine!r}: choose one of {', '.join(ENGINES)}")
    started, missing = _start_all(starters.values(), first_only=engine == "auto")
    if not started:
        raise EngineUnavailable("no text engine can start: " + "; ".join(missing))
    if engine == "thorough" and missing:
        raise EngineUnavailable("'thorough' is the union of all engines, and one cannot start: " + "; ".join(missing))
    return _joined([*started, _glyphs(device)], missing)


def _joined(started: Sequence[Started], missing: Sequence[str] = ()) -> Engine:
    notes = dict.fromkeys(note for _, notes in started for note in notes)
    return Engine(tuple(reader for reader, _ in started), (*missing, *notes))


def _start_all(starters: Iterable[Start], first_only: bool) -> tuple[list[Started], list[str]]:
    started, missing = [], []
    for start in starters:
        try:
            started.append(start())
        except EngineUnavailable as error:
            missing.append(str(error))
        if first_only and started:
            break
    return started, missing


def _ppocr(device: str, models: Path | None) -> Started:
    from .ppocr import PPOCRReader

    return first_that_starts(candidates(device), lambda found: PPOCRReader(found, models))


def _easyocr(device: str, models: Path | None, download: bool) -> Started:
    from .easyocr_reader import EasyOCRReader

    return EasyOCRReader(device, models, download), ()


def _glyphs(device: str) -> Started:
    """It goes along with the others, on the CPU where it must: EasyOCR needs less than it does to use a GPU."""
    try:
        return first_that_starts(candidates(device), lambda found: GlyphReader(device=found))
    except EngineUnavailable as error:
        return GlyphReader(), (f"glyphs on the CPU: {error}",)
