"""Searches file names for numbers and codes of the header: patient ID, accession number, UIDs, serial numbers."""

from __future__ import annotations

import re
from functools import lru_cache

from .evidence import Evidence
from .stem import Stem

# Letters and digits of the shortest code that is searched; a shorter one is in file names by chance. Leading zeros of numbers do not
# count, since programs add and drop them.
SHORTEST_CODE = 4
# Letters and digits of a code that is found by chance once in a million, even within a longer number.
CERTAIN_LENGTH = 6
# Keywords whose values identify one person. A name that consists of nothing else is evidence even if it is short.
OF_ONE_PERSON = frozenset({"PatientID", "OtherPatientIDs", "AccessionNumber", "ClinicalTrialSubjectID"})


def code_evidence(stem: Stem, keyword: str, value: str) -> Evidence:
    """The evidence for a value with digits in a file's name; separators and leading zeros are ignored."""
    pieces = tuple(re.findall("[a-z]+|[0-9]+", Stem(value).line))
    found = _piece_evidence(stem, pieces)
    numbers = [piece for piece in pieces if piece.isdecimal()]
    if found is Evidence.NONE and len(pieces) > 1 and not Stem(value).is_uid_like:
        # File names also have the number of a code without its letters (MRN).
        for number in numbers:
            alone = _piece_evidence(stem, (number,))
            if _length((number,)) >= CERTAIN_LENGTH:
                found = max(found, alone)
            elif len(numbers) == 1:
                found = max(found, min(alone, Evidence.DOUBT))
    if found is Evidence.NONE and _length(pieces) and keyword in OF_ONE_PERSON and _pattern(pieces).fullmatch(stem.line.strip("_")):
        return Evidence.DOUBT
    return found


def _piece_evidence(stem: Stem, pieces: tuple[str, ...]) -> Evidence:
    """The evidence for pieces of letters and of digits that follow one another."""
    length = _length(pieces)
    if length < SHORTEST_CODE or (length < CERTAIN_LENGTH and stem.is_uid_like):
        return Evidence.NONE
    if not all(piece.lstrip("0") in stem.signs for piece in pieces):
        return Evidence.NONE
    pattern = _pattern(pieces) if length >= CERTAIN_LENGTH else _standing_alone(pieces)
    return Evidence.CERTAIN if pattern.search(stem.line) else Evidence.NONE


def _length(pieces: tuple[str, ...]) -> int:
    return sum(len(piece.lstrip("0")) for piece in pieces)


@lru_cache(maxsize=1024)
def _pattern(pieces: tuple[str, ...]) -> re.Pattern[str]:
    """A pattern of the pieces with or without separators between their characters, and with any zeros before each number."""
    return re.compile("_*".join(("0*" if piece.isdecimal() else "") + "_*".join(piece.lstrip("0") or "0") for piece in pieces))


@lru_cache(maxsize=1024)
def _standing_alone(pieces: tuple[str, ...]) -> re.Pattern[str]:
    """The same pattern, but not within a longer number or word."""
    before = r"(?<!\d)" if pieces[0].isdecimal() else "(?<![a-z])"
    after = r"(?!\d)" if pieces[-1].isdecimal() else "(?![a-z])"
    return re.compile(before + _pattern(pieces).pattern + after)
