"""The output folder: images/ to share, phi/ that must not be shared, report.json, and the staging folder whose content becomes them.

Files are written under ``.partial-*`` (mode 0700) and get their name by a rename, once verified; what a killed run leaves there is
removed by the next run, into whatever folder that writes. Tables are rewritten whole and renamed into place, so that they are
never half written.
"""

from __future__ import annotations

import csv
import hashlib
import json
import os
import re
import secrets
import shutil
import tempfile
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from ..core.errors import PyLogikSlicerError, UsageError
from ..core.lock import Lock
from ..core.private_folders import STAGING_PREFIX, own_folder
from .cells import as_cell, from_cell

TEXT_COLUMNS = (
    *("name", "source", "frame_first", "frame_last", "x0", "y0", "x1", "y1"),
    *("polygon", "text", "confidence", "engine", "reason", "decision"),
)
CROSSWALK_COLUMNS = ("name", "source", "sha256")
LOG_COLUMNS = ("source", "name", "status", "reason")
REFUSED_COLUMNS = ("source", "sha256", "reason")
# Columns of numbers that this program writes; the others may hold what a person or a source wrote, and are made safe for spreadsheets.
_NUMBERS = frozenset({"frame_first", "frame_last", "x0", "y0", "x1", "y1", "polygon", "confidence"})
_QUOTE = '"'
_QUOTED = re.compile(r'[",\r\n]')
_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
# Bytes of a name: file systems allow 255, and the number of the frame, a suffix and -2, -3 ... are added.
_LONGEST_NAME = 200
_RESERVED_ON_WINDOWS = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)


class OutputFolder:
    """A context manager that makes ``root`` if need be and keeps other runs out of it.

    Raises :class:`UsageError` when it cannot be written to, is in use, or holds somebody else's ``report.json``, and
    :class:`PyLogikSlicerError` when later a table cannot be written.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.images, self.phi = root / "images", root / "phi"

    def __enter__(self) -> OutputFolder:
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            self.images.mkdir(exist_ok=True)
            self.phi.mkdir(mode=0o700, exist_ok=True)
            os.chmod(self.phi, 0o700)
            with tempfile.TemporaryFile(dir=self.root):
                self._lock = Lock(self.phi / ".lock")
        except OSError as error:
            raise UsageError(f"the output folder cannot be written to ({error.strerror}): choose another with -o") from None
        for leftover in (*self.root.glob(f"{STAGING_PREFIX}*"), *self.phi.glob(f"{STAGING_PREFIX}*")):
            _remove(leftover)
        return self

    def __exit__(self, *_) -> None:
        self._lock.release()

    def staging(self) -> Path:
        """A new empty folder beside the final places, on the same file system."""
        staged = Path(tempfile.mkdtemp(prefix=STAGING_PREFIX, dir=self.root))
        own_folder().add_staging(staged)
        return staged

    def published(self) -> list[str]:
        """The names under which there is something in images/, whoever put it there."""
        return os.listdir(self.images)

    def publish(self, staged: Path, name: str) -> None:
        """Rename the verified folder to its final name; what a former run published under it is removed."""
        self.withdraw(name)
        os.replace(staged, self.images / name)
        os.chmod(self.images / name, 0o755)

    def withdraw(self, name: str) -> None:
        """Remove what was published under this name: renamed out of images/ first, so that no one sees a part of it."""
        final = self.images / name
        if final.exists():
            aside = self.staging()
            os.replace(final, aside / "withdrawn")
            _remove(aside)

    def write_report(self, report: Mapping) -> None:
        _replace(self.root / "report.json", json.dumps(report, indent=1) + "\n", 0o644)

    def read_report(self) -> dict:
        """The report of the last run; empty where there was none."""
        try:
            report = json.loads((self.root / "report.json").read_text(encoding="utf-8"))
            if isinstance(report["version"], str) and all(isinstance(image["name"], str) for image in report["images"]):
                return report
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, LookupError, TypeError):
            pass
        raise UsageError("the output folder holds a report.json that no run wrote: remove it, or choose another folder with -o")

    def write_table(self, table: str, columns: Sequence[str], rows: Iterable[Mapping]) -> None:
        """``phi/<table>.csv``, mode 0600, UTF-8; no spreadsheet program finds a formula in it."""
        lines = [_line(columns)]
        lines += (_line(row[column] if column in _NUMBERS else as_cell(row[column]) for column in columns) for row in rows)
        _replace(self.phi / f"{table}.csv", "".join(lines), 0o600)

    def read_table(self, table: str, columns: Sequence[str]) -> list[dict[str, str]]:
        """The rows of ``phi/<table>.csv``; none where it is missing or not what was written."""
        try:
            with open(self.phi / f"{table}.csv", newline="", encoding="utf-8") as file:
                rows = list(csv.reader(file))
        except (OSError, ValueError, csv.Error):
            return []
        if not rows or rows[0] != list(columns):
            return []
        whole = (dict(zip(columns, row, strict=True)) for row in rows[1:] if len(row) == len(columns))
        return [{column: cell if column in _NUMBERS else from_cell(cell) for column, cell in row.items()} for row in whole]


def random_name(taken: Iterable[str]) -> str:
    """Ten letters and digits from the operating system's generator, not taken yet."""
    folded = set(map(_folded, taken))
    while True:
        name = "".join(secrets.choice(_ALPHABET) for _ in range(10))
        if _folded(name) not in folded:
            return name


def distinct_name(stem: str, taken: Iterable[str]) -> str:
    """``stem`` as a file name, or with -2, -3 ... where it is taken: nothing is overwritten."""
    folded = set(map(_folded, taken))
    safe = safe_name(stem)
    name, number = safe, 2
    while _folded(name) in folded:
        name, number = f"{safe}-{number}", number + 1
    return name


def safe_name(stem: str) -> str:
    """``stem`` without what some file system does not allow in a name."""
    printable = "".join("_" if letter in '<>:"/\\|?*' or unicodedata.category(letter) in ("Cc", "Cs") else letter for letter in stem)
    short = printable.encode("utf-8")[:_LONGEST_NAME].decode("utf-8", "ignore").strip(" .") or "image"
    return f"{short}_" if _RESERVED_ON_WINDOWS.fullmatch(short) else short


def file_sha256(path: Path) -> str:
    """Hexadecimal SHA-256 of a file's content."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _line(cells: Iterable[str]) -> str:
    """A line of a table (RFC 4180). Not by csv.writer: before Python 3.13 it leaves a carriage return without quotes, which ends a line."""
    return ",".join(f'"{cell.replace(_QUOTE, 2 * _QUOTE)}"' if _QUOTED.search(cell) else cell for cell in cells) + "\n"


def _folded(name: str) -> str:
    """The name in the form in which names that some file system takes for the same are equal: one case, accents composed."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _replace(path: Path, text: str, mode: int) -> None:
    """Write beside the file and rename: a reader sees the old content or the new, never a part."""
    try:
        handle, temporary = tempfile.mkstemp(prefix=STAGING_PREFIX, dir=path.parent)
        try:
            with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
                file.write(text)
            os.chmod(temporary, mode)
            os.replace(temporary, path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise PyLogikSlicerError(
            f"{path.name} cannot be written to the output folder ({error.strerror}): make room or check its rights, then run the same again"
        ) from None
