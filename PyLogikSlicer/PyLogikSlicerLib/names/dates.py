"""Dates and times of the header, in the writings in which they stand in file names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from .evidence import Evidence
from .stem import Stem

# How the names of a month begin, without accents: English, German, French, Spanish, Italian, Portuguese, Dutch, Nordic.
_MONTHS = (
    *("jan|gen|ene", "feb|fev", "mar|maa|mae|mrt|mrz", "apr|avr|abr", "may|mai|mag|mei|maj", "jun|juin|giu"),
    *("jul|juil|lug", "aug|aou|ago", "sep|set", "oct|okt|out|ott", "nov", "dec|dez|des|dic"),
)
_DATE = re.compile(r"(?<!\d)((?:1[89]|2\d)\d\d)([-:./]?)(0[1-9]|1[0-2])\2(0[1-9]|[12]\d|3[01])")
_TIME = re.compile(r"([01]\d|2[0-3])([-:.]?)([0-5]\d)\2([0-5]\d)(?:\.\d+)?")
_APART = "_{1,2}"
# A count with leading zeros (000101) is no date of six digits.
_FEWEST_DIGITS = 5


def dates_in(value: str) -> set[tuple[str, str, str]]:
    """(year, month, day) of every date in a value: YYYYMMDD, with what DICOM, ISO 8601 and EXIF put between and after them."""
    return {(year, month, day) for year, _, month, day in _DATE.findall(value)}


def time_of(value: str) -> str:
    """HHMMSS where the value is a time of day to the second, else nothing."""
    found = _TIME.fullmatch(value)
    return f"{found[1]}{found[3]}{found[4]}" if found else ""


def date_evidence(stem: Stem, date: tuple[str, str, str]) -> Evidence:
    """A year of four digits, or a month's name, leaves no doubt; six digits may be a count as well."""
    if date[0][2:] not in stem.signs:
        return Evidence.NONE
    certain, doubtful = _patterns(*date)
    if certain.search(stem.line):
        return Evidence.CERTAIN
    return Evidence.DOUBT if not stem.is_uid_like and doubtful.search(stem.line) else Evidence.NONE


def time_evidence(stem: Stem, time: str) -> Evidence:
    """A time of day alone is never certain: six digits may be a count."""
    if stem.is_uid_like or len(time.lstrip("0")) < _FEWEST_DIGITS:
        return Evidence.NONE
    hours, minutes, seconds = time[:2], time[2:4], time[4:]
    there = re.search(rf"(?<!\d){hours}[_h]?{minutes}[_m]?{seconds}(?!\d)", stem.line)
    return Evidence.DOUBT if there else Evidence.NONE


@lru_cache(maxsize=256)
def _patterns(year: str, month: str, day: str) -> tuple[re.Pattern[str], re.Pattern[str]]:
    certain = [*_together(year, month, day), *_apart(year, month, day), *_with_name(year, month, day)]
    doubtful = [*_together(year[2:], month, day, alone=True), *_apart(year[2:], month, day)]
    return re.compile("|".join(certain)), re.compile("|".join(doubtful) or "(?!)")


def _orders(year: str, month: str, day: str) -> Iterator[tuple[str, str, str]]:
    yield from ((year, month, day), (day, month, year), (month, day, year), (year, day, month))


def _together(year: str, month: str, day: str, alone: bool = False) -> Iterator[str]:
    for order in _orders(year, month, day):
        digits = "".join(order)
        if len(digits.lstrip("0")) >= _FEWEST_DIGITS:
            yield rf"(?<!\d){digits}(?!\d)" if alone else digits


def _apart(year: str, month: str, day: str) -> Iterator[str]:
    loose = {year: year, month: f"0?{month.lstrip('0')}", day: f"0?{day.lstrip('0')}"}
    for order in _orders(year, month, day):
        yield rf"(?<!\d){_APART.join(loose[part] for part in order)}(?!\d)"


def _with_name(year: str, month: str, day: str) -> Iterator[str]:
    name = rf"(?:{_MONTHS[int(month) - 1]})[a-z]*"
    number = rf"0?{day.lstrip('0')}(?:st|nd|rd|th)?"
    years = rf"(?:{year}|{year[2:]})"
    for order in ((number, name, years), (name, number, years), (year, name, number)):
        yield rf"(?<!\d){'_{0,2}'.join(order)}(?!\d)"
