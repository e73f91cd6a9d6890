"""Searches the name of a file for identifying values of its header, before an image is published under that name.

Only values of the header are found; a name that is not in it cannot be recognized. Values are compared in the forms in which people
write them in file names: persons in any order, script and spelling, dates in any format, numbers with or without zeros and separators.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pydicom.datadict import tag_for_keyword

from ..core.stack import Header, WrittenName
from .charsets import undo_misdecoding
from .dates import date_evidence, dates_in, time_evidence, time_of
from .evidence import GENERIC_WORDS, Evidence
from .identifiers import OF_ONE_PERSON, code_evidence
from .persons import SHORTEST_PART, names_in, person_evidence, scripts_of
from .spelling import LATIN, to_ascii
from .stem import Stem, all_words
from .words import description_evidence, phrase_evidence

__all__ = ["Disclosure", "find_disclosure"]

# Parts of the keys of EXIF, PNG, NRRD and the like whose value is a person.
_PERSON_KEYS = ("artist", "author", "creator", "operator", "owner", "patient", "physician")
# Keys whose value says how a file was written.
_TECHNICAL_KEYS = frozenset({"Software", "compression"})
_UIDS = frozenset({"StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "FrameOfReferenceUID"})
# Letters of the shortest word in another script that may be a name; a single sign (µ, 左) is none.
_SHORTEST_IN_ANOTHER_SCRIPT = 2


@dataclass(frozen=True)
class Disclosure:
    """A value of the header that is in the name of a file: ``what`` is its DICOM keyword, or ``description``.

    ``certain`` is False where the match may be by chance.
    """

    what: str
    certain: bool


def find_disclosure(name: str, header: Header) -> Disclosure | None:
    """The value of a header that is in the name of a file (without suffix) or folder; None where there is none. A certain one first.

    A match is not certain where chance or another meaning are as likely: a given name alone, a word that differs from a long family name
    by one letter, six digits that are a date, and words in a script in which the header has no name, since these cannot be compared
    (for example, the signs of a Japanese name do not determine how it is spoken).

    Parameters
    ----------
    name
        Name of the file or folder.
    header
        Header of the file.
    """
    stem = Stem(name)
    found = list(_evidence_by_keyword(stem, header))
    # The original form of a wrongly decoded name is a guess, which only a certain match confirms.
    for guess in map(Stem, undo_misdecoding(name)):
        found += ((what, evidence) for what, evidence in _evidence_by_keyword(guess, header) if evidence is Evidence.CERTAIN)
    what, evidence = max(found, key=lambda each: each[1], default=("", Evidence.NONE))
    return Disclosure(what, evidence is Evidence.CERTAIN) if evidence else None


def _evidence_by_keyword(stem: Stem, header: Header) -> Iterator[tuple[str, Evidence]]:
    """The evidence for each value of the header in a name, with the keyword of the value."""
    generic = GENERIC_WORDS | _ascii_words(f"{header.modality} {header.manufacturer} {header.model}")
    for keyword, persons in header.persons.items():
        yield keyword, max((person_evidence(stem, person, generic) for person in persons), default=Evidence.NONE)
    for keyword, values in header.identifying.items():
        is_known = tag_for_keyword(keyword) is not None or keyword.startswith("private ")
        for value in values:
            if is_known:
                yield keyword, _value_evidence(stem, keyword, value, generic, is_person=keyword in header.persons)
            elif keyword not in _TECHNICAL_KEYS:
                # The key itself is free text, and may be a name.
                yield (
                    "description",
                    max(_value_evidence(stem, keyword, value, generic), _description_value_evidence(stem, keyword, value, generic)),
                )
    yield from _script_evidence(stem, header, generic)


def _value_evidence(stem: Stem, keyword: str, value: str, generic: frozenset[str], is_person: bool = False) -> Evidence:
    """The evidence for a value of the header: as a time, a date, a code, or words."""
    if ("Time" in keyword or keyword == "private TM") and (time := time_of(value)):
        return time_evidence(stem, time)
    found = Evidence.NONE
    if keyword not in _UIDS:
        found = max((date_evidence(stem, date) for date in dates_in(value)), default=found)
    if keyword in OF_ONE_PERSON:
        # Some sites write a name in place of a number.
        words = " ".join(word for word in all_words(value) if len(word) >= SHORTEST_PART)
        found = max(found, min(person_evidence(stem, WrittenName((words,)), generic), Evidence.DOUBT))
    if any(map(str.isdecimal, value)):
        return found if _ascii_words(value) <= generic else max(found, code_evidence(stem, keyword, value))
    return found if is_person else max(found, phrase_evidence(stem, value, generic))


def _description_value_evidence(stem: Stem, keyword: str, value: str, generic: frozenset[str]) -> Evidence:
    if any(key in keyword.casefold() for key in _PERSON_KEYS):
        return person_evidence(stem, WrittenName((value,)), generic)
    return description_evidence(stem, value, generic)


def _script_evidence(stem: Stem, header: Header, generic: frozenset[str]) -> Iterator[tuple[str, Evidence]]:
    """Doubtful evidence for each word of the file's name in a script in which the header has no person's name.

    Files are named after patients. So where the header has the patient's name, only its script matters, not that of other persons.
    """
    real = {
        keyword: persons
        for keyword, persons in header.persons.items()
        if any(not name.is_placeholder for person in persons for reading in person.readings for name in names_in(reading, generic))
    }
    for keyword in ["PatientName"] if "PatientName" in real else real:
        known = {LATIN} | scripts_of(real[keyword])
        for script, words in stem.words.items():
            if script not in known and max(map(len, words)) >= _SHORTEST_IN_ANOTHER_SCRIPT:
                yield keyword, Evidence.DOUBT


def _ascii_words(text: str) -> frozenset[str]:
    """The words of a text, and the pieces between its separators, in ASCII."""
    return frozenset(filter(None, (*map(to_ascii, all_words(text)), *Stem(text).line.split("_"))))
