"""An export of a study: where it goes, what it was made from, and the verdict on it."""

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

    Attributes
    ----------
    folder
        The full path of the output folder.
    analysis, settings
        What it was made from: the reviewed analysis, and the report of the options (:meth:`~..core.options.Options.report`).
    image
        Its entry in ``report.json``.
    keptText
        What stayed in the image, for example "1 kept by you (1 matches PatientName)".
    unreviewed
        How many regions nobody had looked at.
    remark
        What else the log says, for example that the image was named at random.
    """

    folder: str
    analysis: Analysis
    settings: Mapping[str, Any]
    image: Mapping[str, Any]
    keptText: str
    unreviewed: int
    remark: str = ""

    @classmethod
    def ofReview(cls, review: Review, folder: str, options: Options, image: Mapping[str, Any]) -> Export:
        """An export of a review as it stands now."""
        return cls(folder, review.analysis, options.report(), image, _describeKept(review), _countUnreviewed(review))

    def isCurrent(self, review: Review, options: Options) -> bool:
        """Whether an export now would write what this one wrote."""
        return review.publishes_same_as(self.analysis) and self.settings == options.report()


def fullPath(folder: str) -> str:
    """A folder as a person writes it, ``~`` for the home folder, as a full path.

    Raises UsageError for a relative path, which would be below the folder that Slicer was started in.
    """
    path = Path(os.path.expanduser(folder.strip()))
    if not folder.strip():
        raise UsageError("no folder is named: choose one")
    if not path.is_absolute():
        raise UsageError("the folder is not a full path: choose one that starts with the drive, with / or with ~")
    return str(path)


def verdict(export: Export, review: Review) -> str:
    """One line on an export. Regions that were looked at since then count as reviewed, as long as nothing else has changed."""
    image = export.image
    unreviewed = _countUnreviewed(review) if review.publishes_same_as(export.analysis) else export.unreviewed
    examined = f"{image['frames_examined']}/{image['frames']} frames examined"
    if "verification" not in image:
        listed = _quantity(len(export.analysis.text_map.regions), "region")
        return f"{listed} listed, no images written, {unreviewed} not reviewed, {examined}"
    count = image["verification"]["unreadable_residues"]
    residues = _quantity(count, "residue") + (" (that nobody can read)" if count else "")
    files = _quantity(len(image["files"]), "file")
    line = ", ".join((_describeMasked(export), export.keptText, f"{unreviewed} not reviewed", examined, residues, files))
    return f"{line}; {export.remark}" if export.remark else line


def _describeMasked(export: Export) -> str:
    count = export.image["redacted"]
    more = count - sum(region.decision == "redact" for region in export.analysis.text_map.regions)
    return f"{count} masked ({more} found by verification)" if more else f"{count} masked"


def _describeKept(review: Review) -> str:
    """How many regions stay in the image by the person's decision and by rule, and how many match which field of the header."""
    own = review.kept_by_person
    others = sum(region.decision == "keep" for region in review.regions) - len(own)
    fields = Counter(review.matching_header(own).values())
    matches = ", ".join(f"{count} {'matches' if count == 1 else 'match'} {keyword}" for keyword, count in fields.items())
    parts = [f"{len(own)} kept by you ({matches})" if matches else f"{len(own)} kept by you"] if own else []
    if others:
        parts.append(f"{others} kept as {'measurement' if others == 1 else 'measurements'}")
    return ", ".join(parts) or "0 kept"


def _countUnreviewed(review: Review) -> int:
    return len(review.regions) - len(review.reviewed)


def _quantity(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
