"""The command line: ``pylogikslicer deid INPUT... -o OUT`` and its kin. Exit status 0 all done, 1 something was not, 2 wrong usage."""

from __future__ import annotations

import argparse
import json
import re
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

from tqdm import tqdm

from . import __version__
from .batch import RANDOM_NAME, run
from .core.errors import PyLogikSlicerError, UsageError, where
from .core.options import DEVICES, FORMATS, KEEP, NO_REGION, VARIANTS, WHOLE_IMAGE, Options
from .core.progress import Progress
from .core.text_engines import ENGINES, TEXT_ENGINES
from .roi.region import UNCERTAIN_NOTE

# Exit status.
ALL_DONE = 0
NOT_ALL_DONE = 1
WRONG_USAGE = 2
# 128 + SIGINT, as shells report it.
INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return the exit status; nothing that identifies anybody is printed."""
    options = _parser().parse_args(_join_region(sys.argv[1:] if arguments is None else arguments))
    try:
        with _interrupted_by(signal.SIGTERM):
            return options.command(options)
    except UsageError as error:
        return _complain(str(error), WRONG_USAGE)
    except PyLogikSlicerError as error:
        return _complain(str(error), NOT_ALL_DONE)
    except KeyboardInterrupt:
        return _complain("interrupted: what was finished is kept, the same command continues from there", INTERRUPTED)
    except Exception as error:
        # A traceback ends with the message of the exception, and that may hold a path or a header value.
        return _complain(f"unexpected {type(error).__name__} in {where(error)}: please report this", NOT_ALL_DONE)


@contextmanager
def _interrupted_by(signal_number: int) -> Iterator[None]:
    """Within this context the signal raises KeyboardInterrupt, as Ctrl-C does, so that staging folders are removed and tables saved."""

    def interrupt(*_) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal_number, interrupt)
    try:
        yield
    finally:
        signal.signal(signal_number, before)


def _complain(message: str, status: int) -> int:
    print(f"pylogikslicer: {message}", file=sys.stderr)
    return status


class _Parser(argparse.ArgumentParser):
    """Reports wrong usage without repeating what was typed: it may be a path that names a patient."""

    def error(self, message: str) -> NoReturn:
        message = re.sub(r"invalid choice: .* \(choose", "invalid choice (choose", message, flags=re.DOTALL)
        super().error(re.sub(r"((?:unrecognized|ambiguous|invalid) [^:]*): .*", r"\1", message, flags=re.DOTALL))


def _join_region(arguments: Sequence[str]) -> list[str]:
    """The arguments with ``--roi`` and its value as one: argparse takes a value that begins with a minus sign for an option."""
    joined: list[str] = []
    for argument in arguments:
        if joined and joined[-1] == "--roi" and re.match(r"-[\d.]", argument):
            joined[-1] = f"--roi={argument}"
        else:
            joined.append(argument)
    return joined


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="pylogikslicer", description="Remove text burned into medical images.")
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for variant, what in VARIANTS.items():
        _add_variant(commands.add_parser(variant, help=f"write {what}", description=f"What remains: {what}."), variant)
    text = commands.add_parser("find-txt", help="write only the text", description="Only the text is written, and no image.")
    _add_variant(text, WHOLE_IMAGE, images=False)
    masks = "PNG, NIfTI, NRRD, MetaImage or DICOM SEG, an output folder of this tool (its regions of interest), or a folder of masks"
    dice = commands.add_parser("dice", help="compare masks", description=f"Dice and other scores of masks: {masks}.")
    dice.add_argument("pred", type=Path, metavar="PRED")
    dice.add_argument("true", type=Path, metavar="TRUE", help="the truth; in a folder, masks have the names of the images")
    dice.add_argument("-k", metavar="LABEL", help="the number or name of the label to compare (default: all)")
    dice.add_argument("-o", dest="output", type=Path, metavar="OUT", help="write dice.csv, dice.png and dice_per_frame.png there")
    dice.set_defaults(command=_dice)
    demo = commands.add_parser("demo", help="run every variant on real ultrasound images that come with pydicom")
    demo.add_argument("-o", dest="output", type=Path, default=Path("demo-output"), metavar="OUT", help="default %(default)s")
    demo.set_defaults(command=_demo)
    return parser


def _add_variant(parser: argparse.ArgumentParser, variant: str, images: bool = True) -> None:
    default = Options()
    parser.add_argument("inputs", nargs="+", type=Path, metavar="INPUT", help="files and folders (searched to their end)")
    parser.add_argument("-o", dest="output", type=Path, required=True, metavar="OUT", help="folder for images/, phi/ and report.json")
    parser.add_argument("--threshold", type=_grey_level, default=default.threshold, metavar="N", help="grey level of the background (0)")
    _add_region(parser, variant)
    names = parser.add_mutually_exclusive_group()
    names.add_argument("--rename", action="store_true", help="random names (default); phi/crosswalk.csv tells which is which")
    names.add_argument(
        "--keep-names",
        dest="rename",
        action="store_false",
        help="the names of the files; what their headers say of a person is not published",
    )
    weights = "; ".join(f"those of {spec.name} {spec.weights}" for spec in TEXT_ENGINES)
    downloading = " or ".join(spec.name for spec in TEXT_ENGINES if spec.downloads_weights)
    parser.add_argument("--engine", choices=ENGINES, default=default.engine, help="the text reader")
    parser.add_argument("--device", choices=DEVICES, default=default.device)
    parser.add_argument("--models", type=Path, metavar="DIR", help=f"folder of weights files ({weights})")
    parser.add_argument("--download", action="store_true", help=f"let the {downloading} engine download its weights")
    parser.add_argument("--format", choices=FORMATS, default=default.format)
    parser.add_argument("--keep", choices=KEEP, default=default.keep, help="what text stays (default %(default)s)")
    parser.add_argument("--stack", action="store_true", help="the stills of a folder are the frames of one image")
    parser.add_argument("--overwrite", action="store_true", help="do again what is done already")
    limits = parser.add_argument_group("limits of decoding a file; what takes more is skipped, with a reason")
    limits.add_argument("--memory-limit", type=float, default=default.memory_limit, metavar="GIB", help="(default %(default)g)")
    limits.add_argument("--time-limit", type=float, default=default.time_limit, metavar="SECONDS", help="(default %(default)g)")
    limits.add_argument("--frame-limit", type=float, default=default.frame_limit, metavar="GIB", help="of a frame (default %(default)g)")
    parser.add_argument("--json", action="store_true", help="print the report, and nothing else, on stdout")
    parser.set_defaults(command=_deidentify, variant=variant, images=images, rename=default.rename)


def _add_region(parser: argparse.ArgumentParser, variant: str) -> None:
    """The options of the region of interest. Variants that find none take them too, to say which variants they are for."""
    given = "the region of interest, in pixels of the image, instead of finding it: x0,y0,x1,y1 of a box; x,y of each point of a polygon"
    given += f"; {NO_REGION} keeps the whole image"
    known = "region templates as the module in Slicer writes them; that of the scanner is used where it agrees with what was found"
    finds_region = variant != WHOLE_IMAGE
    parser.add_argument("--roi", type=_region, metavar="X,Y,...", help=given if finds_region else argparse.SUPPRESS)
    parser.add_argument("--template", type=Path, metavar="FILE", help=known if finds_region else argparse.SUPPRESS)


def _region(text: str) -> str | tuple[float, ...]:
    if text == NO_REGION:
        return text
    try:
        return tuple(map(float, text.split(",")))
    except ValueError:
        raise argparse.ArgumentTypeError(f"numbers with commas between them are needed, such as 10,20,300,400, or {NO_REGION}") from None


def _grey_level(text: str) -> int:
    if not (text.isdecimal() and int(text) <= 255):
        raise argparse.ArgumentTypeError("a grey level from 0 to 255 is needed")
    return int(text)


def _deidentify(arguments: argparse.Namespace) -> int:
    names = Options.__dataclass_fields__
    options = Options(**{name: value for name, value in vars(arguments).items() if name in names})
    with _Bar() as bar:
        report = run(arguments.inputs, arguments.output, options, bar.progress, bar.event)
    if arguments.json:
        json.dump(report, sys.stdout, indent=1)
        print()
    print(bar.summary, file=sys.stderr)
    return ALL_DONE if bar.all_done else NOT_ALL_DONE


class _Bar:
    """A bar on a terminal, quiet otherwise; what was skipped, failed, did not keep its name or has an uncertain region is told
    in any case, by the number of the input."""

    def __init__(self) -> None:
        self._bar = tqdm(disable=not sys.stderr.isatty(), unit="frame", leave=False, file=sys.stderr)
        self._at: tuple | None = None
        self.counts = {"done": 0, "skipped": 0, "failed": 0}

    def __enter__(self) -> _Bar:
        return self

    def __exit__(self, *_) -> None:
        self._bar.close()

    def progress(self, source: int, sources: int, progress: Progress) -> None:
        if self._at != (source, progress.stage):
            self._at = source, progress.stage
            self._bar.reset(total=progress.total)
            self._bar.set_description(f"image {source}/{sources} {progress.stage}")
        self._bar.update(progress.done - self._bar.n)

    def event(self, source: int, status: str, reason: str) -> None:
        self.counts[status] += 1
        if status != "done" or any(note in reason for note in (RANDOM_NAME, UNCERTAIN_NOTE)):
            self._bar.write(f"input {source} {status}: {reason}", file=sys.stderr)

    @property
    def all_done(self) -> bool:
        return self.counts["done"] > 0 and not self.counts["skipped"] and not self.counts["failed"]

    @property
    def summary(self) -> str:
        return ", ".join(f"{count} {status}" for status, count in self.counts.items()) + (
            "" if self.all_done else "; phi/log.csv tells which and why"
        )


def _dice(arguments: argparse.Namespace) -> int:
    from .comparing.dice_command import run_dice

    return ALL_DONE if run_dice(arguments.pred, arguments.true, arguments.k, arguments.output) else NOT_ALL_DONE


def _demo(arguments: argparse.Namespace) -> int:
    from .demo import run_demo

    return ALL_DONE if run_demo(arguments.output) else NOT_ALL_DONE
