"""The name of a file, divided into words of each script, and in a normalized form for patterns of digits."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate

from .spelling import LATIN, normalize, script_of, to_ascii

# UIDs consist of digits and dots; numbers of a few digits are in them by chance.
_UID_LIKE = re.compile(r"[\d._]{14,}")


@dataclass(frozen=True)
class Letters:
    """The letters of one script without separators; ``edges`` are the offsets at which a word begins or ends."""

    text: str
    edges: frozenset[int]

    def spans(self, longest: int) -> Iterator[str]:
        """All texts between two edges of at most ``longest`` letters."""
        places = sorted(self.edges)
        for number, start in enumerate(places):
            for end in places[number + 1 :]:
                if end - start > longest:
                    break
                yield self.text[start:end]


@dataclass(frozen=True)
class Stem:
    """A file's name without its suffix."""

    text: str

    @cached_property
    def words(self) -> Mapping[str, tuple[str, ...]]:
        """The words of each script, in their order. They are divided by digits, separators and capitals inside a word (``DoeJane``)."""
        found: dict[str, list[str]] = {}
        for run in _runs_of_letters(self.text):
            found.setdefault(script_of(run[0]), []).extend(_split_at_capitals(run))
        return {script: tuple(words) for script, words in found.items()}

    def letters(self, script: str, spell: Callable[[str], str]) -> Letters:
        """The letters of a script in a spelling of :mod:`.spelling`."""
        words = [spell(word) for word in self.words.get(script, ())]
        return Letters("".join(words), frozenset(accumulate(map(len, words), initial=0)))

    @cached_property
    def line(self) -> str:
        """The name with Latin letters and digits as ASCII, in lower case and without accents, and any other sign as ``_``."""
        return "".join(map(_to_line_character, normalize(self.text)))

    @cached_property
    def signs(self) -> str:
        """The letters and digits of :attr:`line`, without separators."""
        return self.line.replace("_", "")

    @cached_property
    def is_uid_like(self) -> bool:
        """Whether the name consists of digits and separators only, as a UID does."""
        return _UID_LIKE.fullmatch(self.line) is not None


def all_words(text: str) -> list[str]:
    """The words of a text of any scripts, in their order, divided as in :attr:`Stem.words`."""
    return [word for run in _runs_of_letters(text) for word in _split_at_capitals(run)]


def _split_at_capitals(run: str) -> list[str]:
    """A run of letters divided where a capital begins a word: ``McDonald`` is ``Mc``, ``Donald``; ``JDoe`` is ``J``, ``Doe``."""
    starts = [0]
    for at in range(1, len(run)):
        follows = run[at + 1 : at + 2]
        if run[at].isupper() and (run[at - 1].islower() or (run[at - 1].isupper() and follows.islower())):
            starts.append(at)
    return [run[start:end] for start, end in zip(starts, [*starts[1:], len(run)], strict=True)]


def _runs_of_letters(text: str) -> Iterator[str]:
    """The runs of letters of one script, with the marks on them."""
    run = ""
    for letter in normalize(text):
        kind = unicodedata.category(letter)[0]
        if kind == "L" and run and script_of(letter) == script_of(run[0]) or kind == "M" and run:
            run += letter
        elif run:
            yield run
            run = letter if kind == "L" else ""
        elif kind == "L":
            run = letter
    if run:
        yield run


def _to_line_character(letter: str) -> str:
    """The character of :attr:`Stem.line` for one of the name: several for a ligature."""
    if letter.isdecimal():
        return str(unicodedata.decimal(letter))
    if letter.isalpha() and script_of(letter) == LATIN:
        return to_ascii(letter) or "_"
    return "_"
