"""Numbers and codes of the header (patient ID, accession number, UIDs, serial numbers) in a file's name."""

from __future__ import annotations

import re
from functools import lru_cache

from .evidence import Evidence
from .stem import Stem

# Fewer letters and digits are in file names by chance; zeros before a number do not count, since programs add and drop them.
SHORTEST_CODE = 4
# So many are there by chance once in a million, even within a longer number.
TELLING_ANYWHERE = 6
# These tell of one person; where a file is called by nothing else, even a short one does.
OF_ONE_PERSON = frozenset({"PatientID", "OtherPatientIDs", "AccessionNumber", "ClinicalTrialSubjectID"})


def code_evidence(stem: Stem, keyword: str, value: str) -> Evidence:
    """What ``stem`` tells of a value with digits in it: separators count for nothing, nor do leading zeros."""
    pieces = tuple(re.findall("[a-z]+|[0-9]+", Stem(value).line))
    found = _piece_evidence(stem, pieces)
    numbers = [piece for piece in pieces if piece.isdecimal()]
    if found is Evidence.NONE and len(pieces) > 1 and not Stem(value).is_uid_like:
        # The letters of a code (MRN) are left out, too.
        for number in numbers:
            alone = _piece_evidence(stem, (number,))
            if _length((number,)) >= TELLING_ANYWHERE:
                found = max(found, alone)
            elif len(numbers) == 1:
                found = max(found, min(alone, Evidence.DOUBT))
    if found is Evidence.NONE and _length(pieces) and keyword in OF_ONE_PERSON and _pattern(pieces).fullmatch(stem.line.strip("_")):
        return Evidence.DOUBT
    return found


def _piece_evidence(stem: Stem, pieces: tuple[str, ...]) -> Evidence:
    length = _length(pieces)
    if length < SHORTEST_CODE or (length < TELLING_ANYWHERE and stem.is_uid_like):
        return Evidence.NONE
    if not all(piece.lstrip("0") in stem.signs for piece in pieces):
        return Evidence.NONE
    pattern = _pattern(pieces) if length >= TELLING_ANYWHERE else _standing_alone(pieces)
    return Evidence.CERTAIN if pattern.search(stem.line) else Evidence.NONE


def _length(pieces: tuple[str, ...]) -> int:
    return sum(len(piece.lstrip("0")) for piece in pieces)


@lru_cache(maxsize=1024)
def _pattern(pieces: tuple[str, ...]) -> re.Pattern[str]:
    """The pieces with any separators, or none, between their signs, and with any zeros before each number."""
    return re.compile("_*".join(("0*" if piece.isdecimal() else "") + "_*".join(piece.lstrip("0") or "0") for piece in pieces))


@lru_cache(maxsize=1024)
def _standing_alone(pieces: tuple[str, ...]) -> re.Pattern[str]:
    before = r"(?<!\d)" if pieces[0].isdecimal() else "(?<![a-z])"
    after = r"(?!\d)" if pieces[-1].isdecimal() else "(?![a-z])"
    return re.compile(before + _pattern(pieces).pattern + after)
