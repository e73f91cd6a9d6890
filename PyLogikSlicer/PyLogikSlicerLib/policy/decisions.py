"""Decisions: which regions are redacted. All, unless the user keeps measurements; never what could identify.

Keeping is a list of exact patterns per modality, matched against the whole of what was read, with confidence. Anything
that matches the header, a date, a time, a long number or a word that is not a known unit or label is redacted.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from ..core.stack import Header
from ..core.text_map import Region, TextMap
from .measurements import LONGEST, is_measurement

# A reader that is unsure may have read a name as a number.
KEEP_CONFIDENCE = 0.9
# From this confidence on, a reading in a written file counts for what stands there.
READ_AGAIN = 0.5
# The reason of what the policy kept.
MEASUREMENT = "measurement"


def decide(text_map: TextMap, header: Header, keep: str = "none") -> TextMap:
    """Give every region its reason and decision. ``keep``: ``none`` redacts all, ``measurements`` keeps what is only that."""
    matcher = HeaderMatcher(header)
    return text_map.with_regions(_decided(region, matcher, header.modality, keep) for region in text_map.regions)


def may_stay(residue: Region, kept: Region, header: Header) -> bool:
    """Whether text that was read in a written file may stay in a region that was kept, in which it lies.

    What a person kept stays. What the policy kept must be read there again: as the same text, or as a measurement; what nobody can
    read there is the same text seen with other eyes. Anything else was never judged.
    """
    if kept.reason != MEASUREMENT or residue.confidence < READ_AGAIN or not any(map(str.isalnum, residue.text)):
        return True
    text = _squeezed(residue.text)
    is_same = any(text in _squeezed(reading) for reading in kept.readings)
    return why_sensitive(residue.text, HeaderMatcher(header)) is None and (is_same or _is_measurement(residue, header.modality))


def _decided(region: Region, matcher: HeaderMatcher, modality: str, keep: str) -> Region:
    reason = why_sensitive(region.text, matcher)
    if reason is None and keep == "measurements" and region.confidence >= KEEP_CONFIDENCE and _is_measurement(region, modality):
        return region.decided("keep", MEASUREMENT)
    return region.decided("redact", region.reason or reason or ("text" if region.text else "text nobody could read"))


def _is_measurement(region: Region, modality: str) -> bool:
    """Whether something was read in a region, each reading is a measurement, and all together are no longer than a line of a screen."""
    return 0 < len(region.text) <= LONGEST and all(is_measurement(reading, modality) for reading in region.readings)


def why_sensitive(text: str, matcher: HeaderMatcher) -> str | None:
    """What makes this text identifying, or None where nothing does. The reason never repeats the text."""
    keyword = matcher.match(text)
    if keyword:
        return f"matches {keyword}"
    plain = _plain(text)
    for reason, pattern in _SENSITIVE:
        if pattern.search(plain):
            return reason
    return None


class HeaderMatcher:
    """Finds the header's identifying values in what a reader read, allowing for its confusions (0/O, 1/I/l, 5/S, 8/B ...)."""

    def __init__(self, header: Header) -> None:
        self._maker = _maker_words(header)
        tokens = ((keyword, token) for keyword, values in header.identifying.items() for token in _tokens(keyword, values))
        self._values = [(keyword, token) for keyword, token in tokens if token not in self._maker]

    def match(self, text: str) -> str | None:
        """The keyword of a value that the text holds, or holds most of; None where there is none."""
        squeezed = _squeezed(text)
        words = {_squeezed(word) for word in re.split(r"[^\w]+", text)}
        if squeezed in self._maker:
            return None
        for keyword, token in self._values:
            if token in words or (len(token) >= 4 and token in squeezed) or (len(squeezed) >= 5 and squeezed in token):
                return keyword
        return None


def _maker_words(header: Header) -> set[str]:
    """The maker's name stands on every screen and in many a station name; it tells of nobody."""
    return _words(f"{header.manufacturer} {header.model}")


def _words(text: str) -> set[str]:
    return set(filter(None, map(_squeezed, re.split(r"[\W_]+", text))))


def _tokens(keyword: str, values: Iterable[str]) -> Iterable[str]:
    """What of a header value could stand in the pixels: the whole, its parts, and a date in the usual orders."""
    for value in values:
        digits = re.sub(r"\D", "", value)
        if "Date" in keyword and len(digits) == 8:
            year, month, day = digits[:4], digits[4:6], digits[6:]
            yield from (
                _squeezed(date) for date in (digits, day + month + year, month + day + year, day + month + year[2:], month + day + year[2:])
            )
            continue
        whole = _squeezed(value)
        if len(whole) >= 3:
            yield whole
        yield from (part for part in map(_squeezed, re.split(r"[\W_]+", value)) if len(part) >= 3 and part != whole)


_CONFUSED = str.maketrans({"o": "0", "q": "0", "i": "1", "l": "1", "|": "1", "!": "1", "z": "2", "s": "5", "b": "8", "g": "9"})


def _plain(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text)
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter))


def _squeezed(text: str) -> str:
    """Letters and digits only, in one case, with those that readers confuse made alike."""
    return re.sub(r"[\W_]+", "", _plain(text).casefold()).translate(_CONFUSED)


_MONTHS = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*"
_SENSITIVE = tuple(
    (reason, re.compile(pattern, re.IGNORECASE))
    for reason, pattern in (
        ("date", r"\d{1,4}\s*[./\\-]\s*\d{1,2}\s*[./\\-]\s*\d{2,4}"),
        ("date", rf"\b\d{{1,2}}[\s./-]*{_MONTHS}[\s./,-]*\d{{2,4}}|\b{_MONTHS}[\s./-]*\d{{1,2}}[\s,./-]+\d{{2,4}}"),
        ("time", r"\d{1,2}\s*[:h]\s*\d{2}(?:\s*[:.]\s*\d{2})?"),
        ("age", r"\b\d{1,3}\s*(?:y|yr|yrs|yo|years?|jahre|ans)\b"),
        ("identity label", r"\b(?:name|patient|pat|id|mrn|dob|born|sex|age|acc|accession|hospital|clinic|dr|ref|operator|tech)\b"),
        ("long number", r"\d[\d\s-]{4,}\d|\d{5,}"),
        ("name-like", r"\b[^\W\d_]{2,}\s*[,^]\s*[^\W\d_]{2,}"),
    )
)
