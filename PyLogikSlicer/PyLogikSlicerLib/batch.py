"""A run over many inputs: what to read, under which name, what is done already, and the tables that tell of it all."""

from __future__ import annotations

import hashlib
import platform
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from . import __version__
from .decisions import telling_keyword
from .detection.engines import Engine, choose_engine
from .errors import PyLogikSlicerError, UsageError
from .options import Options
from .pipeline import Result, process
from .reading import find_inputs, is_still, open_stacks, stack_stills
from .stack import ImageStack
from .writing.output import CROSSWALK_COLUMNS, LOG_COLUMNS, TEXT_COLUMNS, OutputFolder, distinct_name, file_sha256, random_name

STATUSES = ("done", "skipped", "failed")
VERSIONED = ("numpy", "opencv-python-headless", "pydicom", "onnxruntime", "rapidocr", "easyocr", "torch", "zxing-cpp")

OnProgress = Callable[[int, int, str, int, int], None]
OnEvent = Callable[[int, str, str], None]


@dataclass(frozen=True)
class Source:
    """One input that becomes one image (or several): its files, and how it stands in the log. ``number`` counts from 1."""

    number: int
    files: tuple[Path, ...]

    @property
    def label(self) -> str:
        return str(self.files[0])


def run(
    inputs: Sequence[Path],
    output: Path,
    options: Options,
    on_progress: OnProgress = lambda *_: None,
    on_event: OnEvent = lambda *_: None,
    engine: Engine | None = None,
) -> dict:
    """De-identify all ``inputs`` (files and folders) into ``output`` and return the report, which is also written there.

    ``on_progress(source, sources, stage, frames_done, frames)`` may raise to cancel. ``on_event(source, status, reason)``
    tells what became of each input, by number and without identifying text. Raises :class:`UsageError` when the call is
    wrong and :class:`EngineUnavailable` when no reader can start; what is wrong with one input does not stop the others.
    """
    _check_places(inputs, output)
    sources = _sources(inputs, output, options)
    folder = OutputFolder(output)
    engine = engine or choose_engine(options.engine, options.device, options.models, options.download)
    book = _Book(folder, options, engine)
    for source in sources:
        progress = _bound(on_progress, source.number, len(sources))
        for status, reason in _process_source(source, folder, options, engine, book, progress):
            on_event(source.number, status, reason)
    return book.report()


def _process_source(source, folder, options, engine, book, progress) -> Iterator[tuple[str, str]]:
    """Work on one input; yields (status, reason) for each image in it. Tables are up to date after each."""
    try:
        digest = _digest(source)
        if not options.overwrite and book.is_done(source, digest):
            book.keep(source)
            yield "done", "unchanged since the last run"
            return
        stacks = stack_stills(source.files) if len(source.files) > 1 else open_stacks(source.files[0])
    except PyLogikSlicerError as error:
        yield book.note(source, "skipped", str(error))
        return
    except OSError as error:
        yield book.note(source, "skipped", f"the file cannot be read ({error.strerror or type(error).__name__})")
        return
    for stack in stacks:
        yield _process_stack(source, digest, stack, folder, options, engine, book, progress)


def _process_stack(
    source, digest, stack: ImageStack, folder: OutputFolder, options: Options, engine: Engine, book, progress
) -> tuple[str, str]:
    name = book.name_for(source, stack.name)
    with _staged(folder) as staged:
        try:
            _refuse_telling_name(stack, options)
            result = process(stack, name, staged, options, engine, progress)
            if result.files:
                folder.publish(staged, name)
            else:
                folder.withdraw(name)
        except PyLogikSlicerError as error:
            folder.withdraw(name)
            return book.note(source, "failed", str(error), name)
        except OSError as error:
            folder.withdraw(name)
            return book.note(source, "failed", f"the output could not be written ({error.strerror or type(error).__name__})", name)
        except MemoryError:
            folder.withdraw(name)
            return book.note(source, "failed", "the image does not fit into memory", name)
        except (ValueError, ArithmeticError, LookupError, RuntimeError, TypeError, AttributeError) as error:
            # A fault of ours or of a library on an input nobody thought of: no output, and the rest goes on.
            folder.withdraw(name)
            return book.note(source, "failed", f"unexpected {type(error).__name__} in {_where(error)}; please report this", name)
    return book.enter(source, digest, stack, name, result)


@contextmanager
def _staged(folder: OutputFolder) -> Iterator[Path]:
    """A private place to write to that is gone afterwards, whatever happens."""
    staged = folder.staging()
    try:
        yield staged
    finally:
        shutil.rmtree(staged, ignore_errors=True)


def _refuse_telling_name(stack: ImageStack, options: Options) -> None:
    keyword = None if options.rename or options.variant == "find-txt" else telling_keyword(stack.name, stack.header)
    if keyword:
        raise PyLogikSlicerError(f"the file name holds the header's {keyword}: use --rename to give random names")


class _Book:
    """The tables of an output folder while a run goes on: what earlier runs left, and what this one adds."""

    def __init__(self, folder: OutputFolder, options: Options, engine: Engine) -> None:
        self._folder, self._options, self._engine = folder, options, engine
        report = folder.read_report()
        self._same_settings = report.get("version") == __version__ and report.get("options") == self._settings()
        self._images: dict[str, dict] = {image["name"]: image for image in report.get("images", [])}
        self._crosswalk = {(row["source"], row["name"]): row for row in folder.read_table("crosswalk")}
        self._text = folder.read_table("text")
        self._log = {(row["source"], row["name"]): row for row in folder.read_table("log")}
        self._seen: set[str] = set()

    def _settings(self) -> dict:
        return {**self._options.report(), "readers": self._engine.description}

    def is_done(self, source: Source, digest: str) -> bool:
        """Whether an earlier run with the same settings finished this very content and its files are still what they were."""
        rows = [row for (label, _), row in self._crosswalk.items() if label == source.label]
        return bool(rows) and self._same_settings and all(row["sha256"] == digest and self._intact(row["name"]) for row in rows)

    def _intact(self, name: str) -> bool:
        image = self._images.get(name, {})
        if image.get("status") != "done":
            return False
        return all(_has_digest(self._folder.root / path, digest) for path, digest in image["files"].items())

    def keep(self, source: Source) -> None:
        self._seen.update(name for label, name in self._crosswalk if label == source.label)

    def name_for(self, source: Source, stem: str) -> str:
        """The name this source had before, else a new one that no other image has."""
        taken = {*self._images, *(name for _, name in self._crosswalk), *self._seen}
        before = [name for label, name in self._crosswalk if label == source.label and name not in self._seen]
        if before and (self._options.rename or before[0].startswith(distinct_name(stem, ()))):
            name = before[0]
        else:
            name = random_name(taken) if self._options.rename else distinct_name(stem, taken)
        self._seen.add(name)
        return name

    def note(self, source: Source, status: str, reason: str, name: str = "") -> tuple[str, str]:
        """Log an input that gave no image. What an earlier run knew of it under this name goes."""
        self._forget(source, name)
        self._log[source.label, name] = {"source": source.label, "name": name, "status": status, "reason": reason}
        if name:
            self._images[name] = {"name": name, "status": status, "reason": reason}
        self._save()
        return status, reason

    def enter(self, source: Source, digest: str, stack: ImageStack, name: str, result: Result) -> tuple[str, str]:
        self._forget(source, name)
        self._images[name] = _image_report(stack, name, source, result)
        self._crosswalk[source.label, name] = {"name": name, "source": source.label, "sha256": digest}
        self._text += [_text_row(name, source.label, region) for region in result.text_map.regions]
        reason = f"{result.text_map.frames_examined}/{stack.frame_count} frames examined"
        self._log[source.label, name] = {"source": source.label, "name": name, "status": "done", "reason": reason}
        self._save()
        return "done", reason

    def _forget(self, source: Source, name: str) -> None:
        self._images.pop(name, None)
        self._crosswalk.pop((source.label, name), None)
        for key in [key for key in self._log if key[0] == source.label and key[1] in ("", name)]:
            del self._log[key]
        self._text = [row for row in self._text if row["name"] != name]

    def report(self) -> dict:
        return {
            "version": __version__,
            "options": self._settings(),
            "python": platform.python_version(),
            "packages": {package: _installed(package) for package in VERSIONED if _installed(package)},
            "engine_notes": list(self._engine.notes),
            "counts": {status: sum(row["status"] == status for row in self._log.values()) for status in STATUSES},
            "images": list(self._images.values()),
        }

    def _save(self) -> None:
        self._folder.write_table("crosswalk", CROSSWALK_COLUMNS, self._crosswalk.values())
        self._folder.write_table("text", TEXT_COLUMNS, self._text)
        self._folder.write_table("log", LOG_COLUMNS, self._log.values())
        self._folder.write_report(self.report())


def _image_report(stack: ImageStack, name: str, source: Source, result: Result) -> dict:
    redacted = sum(region.decision == "redact" for region in result.text_map.regions)
    report = {
        "name": name,
        "status": "done",
        "frames": stack.frame_count,
        "frames_examined": result.text_map.frames_examined,
        "regions": len(result.text_map.regions),
        "redacted": redacted,
        "roi": _roi_report(result),
        "bytes_source": sum(path.stat().st_size for path in (stack.sources or source.files)),
        "bytes_written": result.bytes_written,
        "seconds": result.seconds,
        "files": {f"images/{name}/{file}": digest for file, digest in result.files.items()},
        "dropped": list(stack.dropped),
        "coverage": _coverage_counts(result.text_map.coverage),
    }
    if result.rendering and result.verification:
        report["pixels"] = result.rendering.report
        report["verification"] = {
            "verdict": "passed",
            "rounds": result.rounds,
            "frames": result.verification.frames,
            "files": len(result.files),
            "readable_residues": len(result.verification.readable),
            "unreadable_residues": len(result.verification.residues),
            "largest_error": result.verification.largest_error,
        }
    return report


def _roi_report(result: Result) -> dict | None:
    roi = result.roi
    if roi is None:
        return None
    return {
        "kind": roi.kind,
        "shape": dict(roi.shape),
        "crop": [int(edge) for edge in roi.crop],
        "polygons": [[[round(float(x), 2), round(float(y), 2)] for x, y in polygon] for polygon in roi.polygons],
        "kept_share": round(float(roi.kept_share), 4),
        "notes": list(roi.notes),
    }


def _coverage_counts(coverage: Iterable[str]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for how in coverage:
        kind = how.split()[0]
        counts[kind] = counts.get(kind, 0) + 1
    return counts


def _text_row(name: str, source: str, region) -> dict:
    x0, y0, x1, y1 = region.box
    return {
        **{"name": name, "source": source, "frame_first": region.frame_first, "frame_last": region.frame_last},
        **{"x0": x0, "y0": y0, "x1": x1, "y1": y1},
        "polygon": " ".join(f"{x:g},{y:g}" for x, y in region.polygon),
        **{"text": region.text, "confidence": region.confidence, "engine": region.engine},
        **{"reason": region.reason, "decision": region.decision},
    }


def _check_places(inputs: Sequence[Path], output: Path) -> None:
    if not inputs:
        raise UsageError("nothing to read: name files or folders")
    target = output.resolve()
    for path in inputs:
        if not path.exists():
            raise UsageError(f"input {inputs.index(path) + 1} does not exist")
        if path.is_dir() and (target == path.resolve() or path.resolve() in target.parents):
            raise UsageError("the output folder lies inside an input folder: it would be read again; choose another with -o")
        if path.resolve() == target or target in path.resolve().parents:
            raise UsageError("an input lies inside the output folder: originals do not belong there; choose another with -o")


def _sources(inputs: Sequence[Path], output: Path, options: Options) -> list[Source]:
    files = find_inputs(inputs, exclude=output)
    if not files:
        raise UsageError("nothing to read: the folders are empty")
    groups = _stills_by_folder(files) if options.stack else [(file,) for file in files]
    return [Source(number, tuple(group)) for number, group in enumerate(groups, 1)]


def _stills_by_folder(files: Sequence[Path]) -> list[tuple[Path, ...]]:
    """With --stack: the still images of a folder belong together, everything else stands alone."""
    groups: dict[object, list[Path]] = {}
    for file in files:
        groups.setdefault(file.parent if is_still(file) else file, []).append(file)
    return [tuple(group) for group in groups.values()]


def _digest(source: Source) -> str:
    if len(source.files) == 1:
        return file_sha256(source.files[0])
    return hashlib.sha256("".join(map(file_sha256, source.files)).encode()).hexdigest()


def _has_digest(path: Path, digest: str) -> bool:
    return path.is_file() and file_sha256(path) == digest


def _bound(on_progress: OnProgress, number: int, total: int) -> Callable[[str, int, int], None]:
    return lambda stage, done, frames: on_progress(number, total, stage, done, frames)


def _where(error: BaseException) -> str:
    """Module and line of a fault, which tell us where to look and nothing of the input."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return "an unknown place" if trace is None else f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}"


def _installed(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
