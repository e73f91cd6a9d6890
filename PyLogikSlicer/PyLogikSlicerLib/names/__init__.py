"""What a file's name tells of the people in its header: asked before an image is published under that name.

The header is what is known; a name that it does not hold cannot be recognized. Values are compared as people write them in file
names: persons in any order, script and spelling, dates in any writing, numbers with or without zeros and separators.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pydicom.datadict import tag_for_keyword

from ..core.stack import Header, WrittenName
from .charsets import repaired
from .dates import date_evidence, dates_in, time_evidence, time_of
from .evidence import NOBODY, Evidence
from .identifiers import OF_ONE_PERSON, code_evidence
from .persons import SHORTEST_PART, evidence_of, names_in, scripts_of
from .spelling import LATIN, plain
from .stem import Stem, all_words
from .words import description_evidence, phrase_evidence

__all__ = ["Telling", "telling"]

# Keys of EXIF, PNG, NRRD and the like whose value is a person.
_PERSON_KEYS = ("artist", "author", "creator", "operator", "owner", "patient", "physician")
# What says how a file was written.
_TECHNICAL_KEYS = frozenset({"Software", "compression"})
_UIDS = frozenset({"StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "FrameOfReferenceUID"})
# A single sign (µ, 左) is no name.
_SHORTEST_IN_ANOTHER_SCRIPT = 2


@dataclass(frozen=True)
class Telling:
    """``what`` of the header a file's name gives away: a keyword of DICOM, or ``description``. ``certain``: there is no doubt."""

    what: str
    certain: bool


def telling(name: str, header: Header) -> Telling | None:
    """What the name of a file (without suffix) or folder gives away of its header, or None; what is certain comes first.

    It is a doubt, not certain, where chance or another meaning are as likely: a given name alone, one letter other than a long
    family name, six digits that are a date, and letters of a script in which the header writes no name, since they cannot be
    compared (the signs of a Japanese name, for one, do not tell how it is spoken).
    """
    stem = Stem(name)
    found = list(_found(stem, header))
    # What a spoiled name was before is a guess: only what fits without doubt shows that it was right.
    for guess in map(Stem, repaired(name)):
        found += ((what, evidence) for what, evidence in _found(guess, header) if evidence is Evidence.CERTAIN)
    what, evidence = max(found, key=lambda each: each[1], default=("", Evidence.NONE))
    return Telling(what, evidence is Evidence.CERTAIN) if evidence else None


def _found(stem: Stem, header: Header) -> Iterator[tuple[str, Evidence]]:
    nobody = NOBODY | _tokens(f"{header.modality} {header.manufacturer} {header.model}")
    for keyword, persons in header.persons.items():
        yield keyword, max((evidence_of(stem, person, nobody) for person in persons), default=Evidence.NONE)
    for keyword, values in header.identifying.items():
        is_known = tag_for_keyword(keyword) is not None or keyword.startswith("private ")
        for value in values:
            if is_known:
                yield keyword, _of_value(stem, keyword, value, nobody, is_person=keyword in header.persons)
            elif keyword not in _TECHNICAL_KEYS:
                # The key itself is free text, and may be a name.
                yield "description", max(_of_value(stem, keyword, value, nobody), _of_description(stem, keyword, value, nobody))
    yield from _not_comparable(stem, header, nobody)


def _of_value(stem: Stem, keyword: str, value: str, nobody: frozenset[str], is_person: bool = False) -> Evidence:
    if ("Time" in keyword or keyword == "private TM") and (time := time_of(value)):
        return time_evidence(stem, time)
    found = Evidence.NONE
    if keyword not in _UIDS:
        found = max((date_evidence(stem, date) for date in dates_in(value)), default=found)
    if keyword in OF_ONE_PERSON:
        # Some write a name in place of a number.
        words = " ".join(word for word in all_words(value) if len(word) >= SHORTEST_PART)
        found = max(found, min(evidence_of(stem, WrittenName((words,)), nobody), Evidence.DOUBT))
    if any(map(str.isdecimal, value)):
        return found if _tokens(value) <= nobody else max(found, code_evidence(stem, keyword, value))
    return found if is_person else max(found, phrase_evidence(stem, value, nobody))


def _of_description(stem: Stem, keyword: str, value: str, nobody: frozenset[str]) -> Evidence:
    if any(key in keyword.casefold() for key in _PERSON_KEYS):
        return evidence_of(stem, WrittenName((value,)), nobody)
    return description_evidence(stem, value, nobody)


def _not_comparable(stem: Stem, header: Header, nobody: frozenset[str]) -> Iterator[tuple[str, Evidence]]:
    """A doubt where the file's name has words of a script in which the patient's name, or that of any other person, is not written.

    Files are named after patients: where the patient's name can be compared, the script of the others' does not matter.
    """
    real = {
        keyword: persons
        for keyword, persons in header.persons.items()
        if any(not name.is_placeholder for person in persons for reading in person.readings for name in names_in(reading, nobody))
    }
    for keyword in ["PatientName"] if "PatientName" in real else real:
        known = {LATIN} | scripts_of(real[keyword])
        for script, words in stem.words.items():
            if script not in known and max(map(len, words)) >= _SHORTEST_IN_ANOTHER_SCRIPT:
                yield keyword, Evidence.DOUBT


def _tokens(text: str) -> frozenset[str]:
    """The words of a text, and what stands between separators, in ASCII."""
    return frozenset(filter(None, (*map(plain, all_words(text)), *Stem(text).line.split("_"))))
