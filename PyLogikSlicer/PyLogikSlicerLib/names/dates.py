"""Searches file names for dates and times of the header, in all common formats."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from .evidence import Evidence
from .stem import Stem

# The beginnings of the name of each month, without accents: English, German, French, Spanish, Italian, Portuguese, Dutch, Nordic.
_MONTHS = (
    *("jan|gen|ene", "feb|fev", "mar|maa|mae|mrt|mrz", "apr|avr|abr", "may|mai|mag|mei|maj", "jun|juin|giu"),
    *("jul|juil|lug", "aug|aou|ago", "sep|set", "oct|okt|out|ott", "nov", "dec|dez|des|dic"),
)
_DATE = re.compile(r"(?<!\d)((?:1[89]|2\d)\d\d)([-:./]?)(0[1-9]|1[0-2])\2(0[1-9]|[12]\d|3[01])")
_TIME = re.compile(r"([01]\d|2[0-3])([-:.]?)([0-5]\d)\2([0-5]\d)(?:\.\d+)?")
# Separators between the parts of a date in a name's :attr:`~.stem.Stem.line`.
_APART = "_{1,2}"
# Digits without leading zeros of the shortest date or time of six digits; a count with leading zeros (000101) is none.
_FEWEST_DIGITS = 5


def dates_in(value: str) -> set[tuple[str, str, str]]:
    """(year, month, day) of every date in a value: YYYYMMDD, also with the separators of DICOM, ISO 8601 and EXIF."""
    return {(year, month, day) for year, _, month, day in _DATE.findall(value)}


def time_of(value: str) -> str:
    """HHMMSS where the value is a time of day to the second, else an empty text."""
    found = _TIME.fullmatch(value)
    return f"{found[1]}{found[3]}{found[4]}" if found else ""


def date_evidence(stem: Stem, date: tuple[str, str, str]) -> Evidence:
    """The evidence for a date in a name: certain with a year of four digits or the name of a month, else six digits may be a count."""
    if date[0][2:] not in stem.signs:
        return Evidence.NONE
    certain, doubtful = _patterns(*date)
    if certain.search(stem.line):
        return Evidence.CERTAIN
    return Evidence.DOUBT if not stem.is_uid_like and doubtful.search(stem.line) else Evidence.NONE


def time_evidence(stem: Stem, time: str) -> Evidence:
    """The evidence for a time of day HHMMSS in a name, which is never certain, because six digits may be a count."""
    if stem.is_uid_like or len(time.lstrip("0")) < _FEWEST_DIGITS:
        return Evidence.NONE
    hours, minutes, seconds = time[:2], time[2:4], time[4:]
    there = re.search(rf"(?<!\d){hours}[_h]?{minutes}[_m]?{seconds}(?!\d)", stem.line)
    return Evidence.DOUBT if there else Evidence.NONE


@lru_cache(maxsize=256)
def _patterns(year: str, month: str, day: str) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """The patterns of a date that are certain, and those that are doubtful."""
    certain = [*_joined_digits(year, month, day), *_separated_digits(year, month, day), *_with_month_name(year, month, day)]
    doubtful = [*_joined_digits(year[2:], month, day, alone=True), *_separated_digits(year[2:], month, day)]
    return re.compile("|".join(certain)), re.compile("|".join(doubtful) or "(?!)")


def _orders(year: str, month: str, day: str) -> Iterator[tuple[str, str, str]]:
    yield from ((year, month, day), (day, month, year), (month, day, year), (year, day, month))


def _joined_digits(year: str, month: str, day: str, alone: bool = False) -> Iterator[str]:
    for order in _orders(year, month, day):
        digits = "".join(order)
        if len(digits.lstrip("0")) >= _FEWEST_DIGITS:
            yield rf"(?<!\d){digits}(?!\d)" if alone else digits


def _separated_digits(year: str, month: str, day: str) -> Iterator[str]:
    is_undivided = {year: year, month: f"0?{month.lstrip('0')}", day: f"0?{day.lstrip('0')}"}
    for order in _orders(year, month, day):
        yield rf"(?<!\d){_APART.join(is_undivided[part] for part in order)}(?!\d)"


def _with_month_name(year: str, month: str, day: str) -> Iterator[str]:
    """Patterns of a date in which the month is written as a word."""
    name = rf"(?:{_MONTHS[int(month) - 1]})[a-z]*"
    number = rf"0?{day.lstrip('0')}(?:st|nd|rd|th)?"
    years = rf"(?:{year}|{year[2:]})"
    for order in ((number, name, years), (name, number, years), (year, name, number)):
        yield rf"(?<!\d){'_{0,2}'.join(order)}(?!\d)"
