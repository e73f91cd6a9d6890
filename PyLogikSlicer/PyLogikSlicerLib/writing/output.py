"""The output folder: images/ to share, phi/ that must not be shared, report.json, and the staging place that becomes them.

Files are written under ``.partial-*`` and get their name by a rename, once verified; what a killed run leaves there is
removed by the next run. Tables are rewritten whole and renamed into place, so that they are never half written.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from ..errors import UsageError

TEXT_COLUMNS = (
    *("name", "source", "frame_first", "frame_last", "x0", "y0", "x1", "y1"),
    *("polygon", "text", "confidence", "engine", "reason", "decision"),
)
CROSSWALK_COLUMNS = ("name", "source", "sha256")
LOG_COLUMNS = ("source", "name", "status", "reason")
_STAGING = ".partial-"


class OutputFolder:
    """``root`` is made if need be. Raises :class:`UsageError` when it cannot be written to."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.images, self.phi = root / "images", root / "phi"
        try:
            root.mkdir(parents=True, exist_ok=True)
            self.phi.mkdir(mode=0o700, exist_ok=True)
            os.chmod(self.phi, 0o700)
            with tempfile.TemporaryFile(dir=root):
                pass
        except OSError as error:
            raise UsageError(f"the output folder cannot be written to ({error.strerror}): choose another with -o") from None
        for leftover in root.glob(f"{_STAGING}*"):
            shutil.rmtree(leftover, ignore_errors=True)

    def staging(self) -> Path:
        """A new empty folder beside the final places, on the same file system."""
        return Path(tempfile.mkdtemp(prefix=_STAGING, dir=self.root))

    def publish(self, staged: Path, name: str) -> None:
        """Give the verified folder its final name. What stood there before (a run that is repeated) goes."""
        self.images.mkdir(exist_ok=True)
        final = self.images / name
        if final.exists():
            old = self.staging()
            os.replace(final, old / "old")
            os.replace(staged, final)
            shutil.rmtree(old, ignore_errors=True)
        else:
            os.replace(staged, final)
        os.chmod(final, 0o755)

    def withdraw(self, name: str) -> None:
        """Remove what an earlier run published under this name."""
        shutil.rmtree(self.images / name, ignore_errors=True)

    def write_report(self, report: Mapping) -> None:
        _replace(self.root / "report.json", json.dumps(report, indent=1, sort_keys=False) + "\n", 0o644)

    def read_report(self) -> dict:
        try:
            return json.loads((self.root / "report.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}

    def write_table(self, table: str, columns: Sequence[str], rows: Iterable[Mapping]) -> None:
        """``phi/<table>.csv``, mode 0600, UTF-8."""
        text = io.StringIO()
        writer = csv.DictWriter(text, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        _replace(self.phi / f"{table}.csv", text.getvalue(), 0o600)

    def read_table(self, table: str) -> list[dict[str, str]]:
        try:
            with open(self.phi / f"{table}.csv", newline="", encoding="utf-8") as file:
                return list(csv.DictReader(file))
        except OSError:
            return []


def random_name(taken: Iterable[str]) -> str:
    """Ten letters and digits from the operating system's generator, not taken yet (in any case: some file systems fold it)."""
    lowered = {name.casefold() for name in taken}
    while True:
        name = "".join(secrets.choice("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") for _ in range(10))
        if name.casefold() not in lowered:
            return name


def distinct_name(stem: str, taken: Iterable[str]) -> str:
    """``stem``, or with -2, -3 ... where it is taken: nothing is overwritten."""
    lowered = {name.casefold() for name in taken}
    safe = "".join("_" if letter in '<>:"/\\|?*' or ord(letter) < 32 else letter for letter in stem).strip(" .") or "image"
    name, number = safe, 2
    while name.casefold() in lowered:
        name, number = f"{safe}-{number}", number + 1
    return name


def file_sha256(path: Path) -> str:
    """Hexadecimal SHA-256 of a file's content."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _replace(path: Path, text: str, mode: int) -> None:
    """Write beside the file and rename: a reader sees the old content or the new, never a part."""
    handle, temporary = tempfile.mkstemp(prefix=_STAGING, dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            file.write(text)
        os.chmod(temporary, mode)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
