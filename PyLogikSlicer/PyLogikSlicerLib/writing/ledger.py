"""The records of an output folder: which inputs earlier runs finished, what this run adds, and the tables written from both.

The order of writing keeps the folder consistent when a run is killed: the log says "interrupted" of an input before work on it begins,
the crosswalk holds the name of an image before the image appears, and only the report, written last, says that it is done.
"""

from __future__ import annotations

import re
import time
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from .. import __version__
from ..core.options import Options
from ..core.result import Result
from ..core.stack import ImageStack
from ..detection.engines import Engine
from .output_folder import (
    CROSSWALK_COLUMNS,
    LOG_COLUMNS,
    REFUSED_COLUMNS,
    TEXT_COLUMNS,
    OutputFolder,
    distinct_name,
    file_sha256,
    random_name,
    safe_name,
)
from .report import image_report, machine_report, text_row

STATUSES = ("done", "skipped", "failed")
INTERRUPTED = "the run was interrupted before this input was finished: the same command continues there"
# Share of the time that saving the large tables may take: their size grows with the number of images.
_SAVING_SHARE = 0.05

Outcome = tuple[str, str]


class Ledger:
    """Records by input, known by ``label`` (its path), and by image, known by its name. An outcome is (status, reason), without identifying
    text."""

    def __init__(self, folder: OutputFolder, options: Options, engine: Engine) -> None:
        self._folder, self._rename, self._engine = folder, options.rename, engine
        template = file_sha256(options.template) if options.template else None
        self._settings = {**options.report(), "template": template, "readers": engine.description, "weights": engine.weights}
        self._images: dict[str, dict] = {image["name"]: image for image in folder.read_report().get("images", [])}
        self._crosswalk = _by_source_and_name(folder.read_table("crosswalk", CROSSWALK_COLUMNS))
        self._log = _by_source_and_name(folder.read_table("log", LOG_COLUMNS))
        self._refused = {row["source"]: row for row in folder.read_table("refused", REFUSED_COLUMNS)}
        self._text: dict[str, list[dict]] = defaultdict(list)
        for row in folder.read_table("text", TEXT_COLUMNS):
            self._text[row["name"]].append(row)
        self._taken = {*folder.published(), *self._images, *(name for names in self._crosswalk.values() for name in names)}
        self._reusable: list[str] = []
        self._save_after = 0.0

    def is_done(self, label: str, digest: str) -> bool:
        """Whether a run with the same settings finished this content, and all that it wrote is still there."""
        rows = self._log[label].values()
        return bool(rows) and all(row["status"] == "done" and self._holds(label, row["name"], digest) for row in rows)

    def _holds(self, label: str, name: str, digest: str) -> bool:
        image = self._images.get(name, {})
        return (
            image.get("status") == "done"
            and (image.get("version"), image.get("options")) == (__version__, self._settings)
            and self._crosswalk[label].get(name, {}).get("sha256") == digest
            and len(self._text[name]) == image["regions"]
            and all(_has_digest(self._folder.root / path, expected) for path, expected in image["files"].items())
        )

    def published_as(self, label: str, digest: str) -> bool | None:
        """Whether the images of an input in the folder were made of this content; None where there are none."""
        names = [name for name in self._crosswalk[label] if self._images.get(name, {}).get("files")]
        return all(self._crosswalk[label][name]["sha256"] == digest for name in names) if names else None

    def refusal(self, label: str, digest: str) -> str | None:
        """Why decoding this content failed when it was tried; None where it did not."""
        row = self._refused.get(label)
        return row["reason"] if row and row["sha256"] == digest else None

    def refuse(self, label: str, digest: str, reason: str) -> Outcome:
        """Record that the decoding process failed on this content, so that it is not tried again without --overwrite."""
        self._refused[label] = {"source": label, "sha256": digest, "reason": reason}
        self._folder.write_table("refused", REFUSED_COLUMNS, self._refused.values())
        return self.note(label, "failed", reason)

    def begin(self, label: str) -> None:
        """Drop the records of an input before work on it begins, except for the names of its images, which are given again."""
        for name in (*self._log.pop(label, {}), *self._crosswalk[label]):
            self._images.pop(name, None)
            self._text.pop(name, None)
        self._reusable = list(self._crosswalk[label])
        self.note(label, "failed", INTERRUPTED)
        self._save_log()

    def name_for(self, stem: str, secret: bool) -> str:
        """The name of the next image of the input: its former one where that is of the wanted kind, else a new one.

        It is random where the user wants that or ``secret`` is True, else made of ``stem``; no other image has it.
        """
        rename = self._rename or secret
        made_of_stem = re.compile(re.escape(safe_name(stem)) + r"(-\d+)?")
        name = next((name for name in self._reusable if bool(made_of_stem.fullmatch(name)) != rename), None)
        if name is None:
            name = random_name(self._taken) if rename else distinct_name(stem, self._taken)
        else:
            self._reusable.remove(name)
        self._taken.add(name)
        return name

    def announce(self, label: str, name: str, digest: str) -> None:
        """Write the name of an image into the crosswalk, before the image appears under it."""
        self._crosswalk[label][name] = {"name": name, "source": label, "sha256": digest}
        self._folder.write_table("crosswalk", CROSSWALK_COLUMNS, _all_rows(self._crosswalk))

    def enter(self, label: str, name: str, stack: ImageStack, result: Result, remark: str = "") -> Outcome:
        """Record an image that is published; ``remark`` is added to the reason in the log."""
        self._images[name] = {**image_report(stack, name, result), "version": __version__, "options": self._settings}
        self._text[name] = [text_row(name, label, region) for region in result.text_map.regions]
        examined = f"{result.text_map.frames_examined}/{stack.frame_count} frames examined"
        return self.note(label, "done", f"{examined}; {remark}" if remark else examined, name)

    def note(self, label: str, status: str, reason: str, name: str = "") -> Outcome:
        """Record the outcome of an input, or of the image ``name`` in it."""
        self._log[label][name] = {"source": label, "name": name, "status": status, "reason": reason}
        if name and status != "done":
            self._images[name] = {"name": name, "status": status, "reason": reason}
        return status, reason

    def finish(self, label: str) -> None:
        """Remove the images that the input gave in an earlier run and not in this one, and save the tables."""
        rows = self._log[label]
        if rows[""]["reason"] == INTERRUPTED:
            del rows[""]
        for name in [name for name in self._crosswalk[label] if rows.get(name, {}).get("status") != "done"]:
            self._folder.withdraw(name)
            del self._crosswalk[label][name]
        self._save_log()
        if time.monotonic() >= self._save_after:
            self.save()

    def image(self, name: str) -> dict:
        """The entry of an image in the report."""
        return self._images[name]

    def report(self) -> dict:
        """The content of ``report.json``."""
        statuses = [row["status"] for row in _all_rows(self._log)]
        return {
            "version": __version__,
            "options": self._settings,
            **machine_report(),
            "engine_notes": list(self._engine.notes),
            "counts": {status: statuses.count(status) for status in STATUSES},
            "images": list(self._images.values()),
        }

    def save(self) -> None:
        """Write all tables and the report."""
        start = time.monotonic()
        self._folder.write_table("crosswalk", CROSSWALK_COLUMNS, _all_rows(self._crosswalk))
        self._folder.write_table("text", TEXT_COLUMNS, (row for rows in self._text.values() for row in rows))
        self._save_log()
        self._folder.write_report(self.report())
        now = time.monotonic()
        self._save_after = now + (now - start) / _SAVING_SHARE

    def _save_log(self) -> None:
        self._folder.write_table("log", LOG_COLUMNS, _all_rows(self._log))


def _by_source_and_name(rows: Iterable[dict[str, str]]) -> defaultdict[str, dict[str, dict[str, str]]]:
    table: defaultdict[str, dict[str, dict[str, str]]] = defaultdict(dict)
    for row in rows:
        table[row["source"]][row["name"]] = row
    return table


def _all_rows(table: dict[str, dict[str, dict[str, str]]]) -> Iterable[dict[str, str]]:
    return (row for rows in table.values() for row in rows.values())


def _has_digest(path: Path, digest: str) -> bool:
    return path.is_file() and file_sha256(path) == digest
