"""A run over many inputs, one image after the other. A bad input does not stop the others, and finished inputs are not done again."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from .core.analysis import Analysis
from .core.errors import DecoderFailed, UsageError, failure_reason
from .core.options import Options
from .core.private_folders import remove_abandoned
from .core.progress import OnProgress, Progress, ignore_progress
from .core.result import Result
from .core.stack import ImageStack
from .detection.engines import Engine, choose_engine
from .names import find_disclosure
from .pipeline import process, publish
from .reading import Limits, find_inputs, is_still, open_stacks, stack_stills
from .reading.decoding.client import shared_decoder
from .reading.decoding.limits import GIB
from .roi.region import UNCERTAIN_NOTE
from .roi.templates import require_templates
from .writing.ledger import Ledger, Outcome
from .writing.output_folder import OutputFolder, file_sha256

OnSourceProgress = Callable[[int, int, Progress], None]
OnEvent = Callable[[int, str, str], None]
# Beginning of the remark on an image that did not get the name of its file.
RANDOM_NAME = "under a random name"
Work = Callable[[ImageStack, str, Path, OnProgress], Result]


@dataclass(frozen=True)
class Input:
    """One input that becomes one image (or several): its files, and how it stands in the log. ``number`` counts from 1.

    ``called`` is how it stands in the log where its files are only there for the time of the work.
    """

    number: int
    files: tuple[Path, ...]
    called: str = ""

    @property
    def label(self) -> str:
        """The absolute path, so that the same input is known again from any folder; what no table can hold is escaped."""
        path = (self.called or os.path.abspath(self.files[0])).encode("utf-8", "backslashreplace").decode()
        return re.sub(r"[\x00-\x1f\x7f]", lambda letter: f"\\x{ord(letter[0]):02x}", path)


def run(
    inputs: Sequence[Path],
    output: Path,
    options: Options,
    on_progress: OnSourceProgress = lambda *_: None,
    on_event: OnEvent = lambda *_: None,
    engine: Engine | None = None,
) -> dict:
    """De-identify all ``inputs`` (files and folders) into ``output`` and return the report, which is also written there.

    ``on_progress(source, sources, progress)`` may raise to cancel; what it raises is raised here, once
    the tables are saved. ``on_event(source, status, reason)`` tells what became of each input, by number and without
    identifying text. Raises :class:`UsageError` when the call is wrong, :class:`EngineUnavailable` when no reader can start
    and :class:`PyLogikSlicerError` when the tables cannot be written; what is wrong with one input does not stop the others.
    """
    _check_places(inputs, output)
    if options.template:
        require_templates(options.template)
    remove_abandoned()
    shared_decoder().start()  # while the text engine starts
    sources = _sources(inputs, output, options)
    with OutputFolder(output) as folder:
        engine = engine or choose_engine(options.engine, options.device, options.models, options.download)
        ledger = Ledger(folder, options, engine)
        try:
            for source in sources:
                progress = _cancelable(partial(on_progress, source.number, len(sources)))
                for status, reason in _process_source(source, folder, options, engine, ledger, progress):
                    on_event(source.number, status, reason)
        except _Canceled as canceled:
            raise canceled.reason from None
        finally:
            ledger.save()
        return ledger.report()


def export_reviewed(
    source: Input,
    stack: ImageStack,
    analysis: Analysis,
    output: Path,
    options: Options,
    engine: Engine,
    on_progress: OnProgress = ignore_progress,
) -> tuple[Outcome, dict]:
    """Write one image as a person reviewed it into ``output``: by the road, and with the tables and the report, of :func:`run`.

    Returns what became of it, (status, reason), and its entry in the report. ``on_progress`` may raise to cancel. Raises as
    :func:`run` does.
    """
    _check_places(source.files, output)
    with OutputFolder(output) as folder:
        ledger = Ledger(folder, options, engine)
        digest = _digest(source)
        ledger.begin(source.label)
        try:
            work = _published_with(analysis, options, engine)
            outcome, name = _process_stack(source, digest, stack, folder, options, ledger, work, _cancelable(on_progress))
            ledger.finish(source.label)
        except _Canceled as canceled:
            raise canceled.reason from None
        finally:
            ledger.save()
        return outcome, ledger.image(name)


def _published_with(analysis: Analysis, options: Options, engine: Engine) -> Work:
    return lambda stack, name, staged, on_progress: publish(stack, name, staged, analysis, options, engine, on_progress)


def _process_source(source: Input, folder: OutputFolder, options: Options, engine: Engine, ledger: Ledger, progress) -> list[Outcome]:
    """Work on one input; an outcome for each image in it, or for the input itself where there is none."""
    digest = _digest(source)
    known = None if options.overwrite or not digest else _known(source, digest, options, ledger)
    if known is not None:
        return [known]
    ledger.begin(source.label)
    limits = limits_of(options)
    try:
        stacks = stack_stills(source.files, limits) if len(source.files) > 1 else open_stacks(source.files[0], limits)
    except DecoderFailed as error:
        outcomes = [ledger.refuse(source.label, digest, str(error))]
    except Exception as error:
        outcomes = [ledger.note(source.label, "skipped", failure_reason(error, "the file cannot be read"))]
    else:

        def work(stack: ImageStack, name: str, staged: Path, on_progress: OnProgress) -> Result:
            return process(stack, name, staged, options, engine, on_progress)

        outcomes = [_process_stack(source, digest, stack, folder, options, ledger, work, progress)[0] for stack in stacks]
    ledger.finish(source.label)
    return outcomes


def _known(source: Input, digest: str, options: Options, ledger: Ledger) -> Outcome | None:
    """The outcome of an input that need not be worked on; None where it must be."""
    if ledger.is_done(source.label, digest):
        return "done", "unchanged since the last run"
    refusal = ledger.refusal(source.label, digest)
    if refusal is not None:
        return "failed", f"{refusal}; not tried again without --overwrite"
    published = ledger.published_as(source.label, digest) if not options.images else None
    if published is None:
        return None
    # find-txt removes no images: their text was found when they were made.
    if published:
        return "done", "its images stand in the folder, and the text that was found in them in phi/text.csv"
    return "failed", "the folder holds images of its former content: choose another folder with -o, or remove them"


def limits_of(options: Options) -> Limits:
    """What decoding a file may take, as the options say."""
    return Limits(
        memory=int(options.memory_limit * GIB),
        seconds=options.time_limit,
        frame_bytes=int(options.frame_limit * GIB),
    )


def _process_stack(
    source: Input,
    digest: str,
    stack: ImageStack,
    folder: OutputFolder,
    options: Options,
    ledger: Ledger,
    work: Work,
    on_progress: OnProgress,
) -> tuple[Outcome, str]:
    """Let ``work`` write one image into a staging folder, and publish it; returns the outcome and the name of the image."""
    disclosure = None if options.rename else find_disclosure(stack.name, stack.header)
    name = ledger.name_for(stack.name, secret=disclosure is not None)
    if disclosure and disclosure.certain and options.images:
        reason = f"its name holds the header's {disclosure.what}: use --rename to give random names"
        return ledger.note(source.label, "failed", reason, name), name
    remark = (
        f"{RANDOM_NAME}, since its own {'holds' if disclosure.certain else 'may hold'} the header's {disclosure.what}" if disclosure else ""
    )
    try:
        with _staged(folder) as staged:
            result = work(stack, name, staged, on_progress)
            ledger.announce(source.label, name, digest)
            if result.files:
                folder.publish(staged, name)
            else:
                folder.withdraw(name)
        remarks = (remark, UNCERTAIN_NOTE if result.roi and result.roi.is_uncertain else "")
        return ledger.enter(source.label, name, stack, result, "; ".join(filter(None, remarks))), name
    except DecoderFailed as error:
        ledger.refuse(source.label, digest, str(error))
        return ledger.note(source.label, "failed", str(error), name), name
    except Exception as error:
        # A fault of ours or of a library on an input nobody thought of must not stop the others either.
        reason = failure_reason(error, "its frames cannot be read, or the output cannot be written")
        return ledger.note(source.label, "failed", reason, name), name


@contextmanager
def _staged(folder: OutputFolder) -> Iterator[Path]:
    """A staging folder that is removed afterwards, whatever happens."""
    staged = folder.staging()
    try:
        yield staged
    finally:
        shutil.rmtree(staged, ignore_errors=True)


class _Canceled(BaseException):
    """Wraps what a progress callback raised, so that the handlers of an input's faults do not catch it."""

    def __init__(self, reason: BaseException) -> None:
        self.reason = reason


def _cancelable(on_progress: OnProgress) -> OnProgress:
    def report(progress: Progress) -> None:
        try:
            on_progress(progress)
        except BaseException as error:
            raise _Canceled(error) from None

    return report


def _check_places(inputs: Sequence[Path], output: Path) -> None:
    if not inputs:
        raise UsageError("nothing to read: name files or folders")
    target = Path(os.path.realpath(output))
    for number, path in enumerate(inputs, 1):
        if not os.path.exists(path):
            raise UsageError(f"input {number} does not exist: check its path")
        place = Path(os.path.realpath(path))
        if target == place or place in target.parents:
            raise UsageError("the output folder lies inside an input folder: it would be read again; choose another with -o")
        if target in place.parents:
            raise UsageError("an input lies inside the output folder: originals do not belong there; choose another with -o")


def _sources(inputs: Sequence[Path], output: Path, options: Options) -> list[Input]:
    files = find_inputs(inputs, exclude=output)
    if not files:
        raise UsageError("nothing to read: the folders are empty")
    groups = _stills_by_folder(files) if options.stack else [(file,) for file in files]
    return [Input(number, tuple(group)) for number, group in enumerate(groups, 1)]


def _stills_by_folder(files: Sequence[Path]) -> list[tuple[Path, ...]]:
    """With --stack: the still images of a folder belong together, everything else stands alone."""
    groups: dict[object, list[Path]] = {}
    for file in files:
        groups.setdefault(file.parent if is_still(file) else file, []).append(file)
    return [tuple(group) for group in groups.values()]


def _digest(source: Input) -> str:
    """SHA-256 of the content; empty where a file cannot be read, and opening it will say why."""
    try:
        digests = [file_sha256(file) for file in source.files]
    except OSError:
        return ""
    return digests[0] if len(digests) == 1 else hashlib.sha256("".join(digests).encode()).hexdigest()
