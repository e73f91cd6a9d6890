"""Engines: which readers examine the images, by the user's choice or by what is installed, and on which device each runs."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..core.errors import EngineUnavailable
from ..core.text_engines import AUTO, ENGINES, TEXT_ENGINES, THOROUGH, EngineSpec
from .devices import candidate_devices, first_that_starts
from .glyphs import GlyphReader
from .reader import TextReader

# A reader that was started, and notes for the report: why it does not run on a better device.
StartedReader = tuple[TextReader, Sequence[str]]


@dataclass(frozen=True)
class Engine:
    """The readers that were started. ``notes``: what could not be started, and why."""

    readers: tuple[TextReader, ...]
    notes: tuple[str, ...] = ()

    @property
    def description(self) -> str:
        """The readers and where they run, for the report."""
        return " + ".join(f"{reader.name} on {reader.device}" for reader in self.readers)

    @property
    def weights(self) -> str:
        """The digests of all weights, for the report: other weights give other results."""
        return " + ".join(reader.weights_digest for reader in self.readers)


def choose_engine(engine: str = AUTO, device: str = "auto", models: Path | None = None, download: bool = False) -> Engine:
    """Start the readers of an engine, and the glyph network with them.

    The glyph network detects the single letters and digits that word detectors miss. The engines are in
    :data:`~PyLogikSlicerLib.core.text_engines.TEXT_ENGINES`, the best measured one (Testing/Benchmarks/RESULTS.md) first.

    Parameters
    ----------
    engine
        The name of one; ``auto`` for the first that can be started; ``thorough`` for all of them, whose detections are united.
    device
        One of :data:`~PyLogikSlicerLib.core.options.DEVICES`; ``auto`` is the GPU where one can be used, else the CPU.
    models
        A folder with files of weights.
    download
        Whether weights may be downloaded.

    Raises
    ------
    EngineUnavailable
        What was asked for cannot be started; the message says what is missing.
    UsageError
        There is no such device.
    """
    if engine not in ENGINES:
        raise EngineUnavailable(f"unknown engine {engine!r}: choose one of {', '.join(ENGINES)}")
    by_name = {spec.name: spec for spec in TEXT_ENGINES}
    if engine in by_name:
        return _combine([_start_reader(by_name[engine], device, models, download), _start_glyph_reader(device)])
    started, obstacles = _start_readers(TEXT_ENGINES, device, models, download, first_only=engine == AUTO)
    if not started:
        raise EngineUnavailable("no text engine can start: " + "; ".join(obstacles))
    if engine == THOROUGH and obstacles:
        raise EngineUnavailable("'thorough' is the union of all engines, and one cannot start: " + "; ".join(obstacles))
    return _combine([*started, _start_glyph_reader(device)], obstacles)


def _combine(started: Sequence[StartedReader], obstacles: Sequence[str] = ()) -> Engine:
    notes = dict.fromkeys(note for _, notes in started for note in notes)
    return Engine(tuple(reader for reader, _ in started), (*obstacles, *notes))


def _start_readers(
    specs: Iterable[EngineSpec], device: str, models: Path | None, download: bool, first_only: bool
) -> tuple[list[StartedReader], list[str]]:
    """The readers of those of some engines that can be started, and why the others cannot; at most one reader with ``first_only``."""
    started: list[StartedReader] = []
    obstacles: list[str] = []
    for spec in specs:
        try:
            started.append(_start_reader(spec, device, models, download))
        except EngineUnavailable as error:
            obstacles.append(str(error))
        if first_only and started:
            break
    return started, obstacles


def _start_reader(spec: EngineSpec, device: str, models: Path | None, download: bool) -> StartedReader:
    module = importlib.import_module(f".{spec.module}", __package__)
    started: StartedReader = module.start(device, models, download)
    return started


def _start_glyph_reader(device: str) -> StartedReader:
    """The glyph network on that device, or on the CPU where it cannot use it: EasyOCR needs less than it does to use a GPU."""
    try:
        return first_that_starts(candidate_devices(device), lambda found: GlyphReader(device=found))
    except EngineUnavailable as error:
        return GlyphReader(), (f"glyphs on the CPU: {error}",)
