"""An export of a study: where it goes, what it was made of, and what is told of it afterwards."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.errors import UsageError

if TYPE_CHECKING:
    from ..core.analysis import Analysis
    from ..core.options import Options
    from ..review import Review


@dataclass(frozen=True)
class Export:
    """What was verified and published.

    ``analysis`` and ``settings`` (:meth:`~..core.options.Options.report`) are what it was made of, ``image`` is its entry in
    ``report.json``. ``keeping`` tells what was kept, ``left`` is how many regions nobody had looked at, ``remark`` what else the log
    says, for example that it was named at random.
    """

    folder: str
    analysis: Analysis
    settings: Mapping[str, Any]
    image: Mapping[str, Any]
    keeping: str
    left: int
    remark: str = ""

    @classmethod
    def of(cls, review: Review, folder: str, options: Options, image: Mapping[str, Any]) -> Export:
        """An export of a review as it stands."""
        return cls(folder, review.analysis, options.report(), image, _keeping(review), _unreviewed(review))

    def holds(self, review: Review, options: Options) -> bool:
        """Whether an export now would write what this one wrote."""
        return review.publishes(self.analysis) and self.settings == options.report()


def fullPath(folder: str) -> str:
    """A folder as a person writes it, ``~`` for the home folder, as a full path.

    Raises UsageError where it is none: what is relative would be written below the folder that Slicer was started in.
    """
    path = Path(os.path.expanduser(folder.strip()))
    if not folder.strip():
        raise UsageError("no folder is named: choose one")
    if not path.is_absolute():
        raise UsageError("the folder is not a full path: choose one that starts with the drive, with / or with ~")
    return str(path)


def verdict(export: Export, review: Review) -> str:
    """One line on an export. What was looked at since counts, as long as nothing else has changed."""
    image = export.image
    left = _unreviewed(review) if review.publishes(export.analysis) else export.left
    examined = f"{image['frames_examined']}/{image['frames']} frames examined"
    if "verification" not in image:
        listed = _counted(len(export.analysis.text_map.regions), "region")
        return f"{listed} listed, no images written, {left} not reviewed, {examined}"
    residues = image["verification"]["unreadable_residues"]
    specks = " (that nobody can read)" if residues else ""
    parts = _masked(export), export.keeping, f"{left} not reviewed", examined, _counted(residues, "residue") + specks
    told = ", ".join((*parts, _counted(len(image["files"]), "file")))
    return f"{told}; {export.remark}" if export.remark else told


def _masked(export: Export) -> str:
    count = export.image["redacted"]
    more = count - sum(region.decision == "redact" for region in export.analysis.text_map.regions)
    return f"{count} masked ({more} found by verification)" if more else f"{count} masked"


def _keeping(review: Review) -> str:
    """What stays in the image, who says so, and which fields of the header it matches."""
    own = review.kept_by_person
    others = sum(region.decision == "keep" for region in review.regions) - len(own)
    fields = Counter(review.matching_header(own).values())
    matches = ", ".join(f"{count} {'matches' if count == 1 else 'match'} {keyword}" for keyword, count in fields.items())
    told = [f"{len(own)} kept by you ({matches})" if matches else f"{len(own)} kept by you"] if own else []
    if others:
        told.append(f"{others} kept as {'measurement' if others == 1 else 'measurements'}")
    return ", ".join(told) or "0 kept"


def _unreviewed(review: Review) -> int:
    return len(review.regions) - len(review.reviewed)


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
