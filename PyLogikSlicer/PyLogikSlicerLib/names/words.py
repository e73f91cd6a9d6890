"""Words of the header that are no person's name: of places, and of descriptions, in which anything can stand."""

from __future__ import annotations

from .evidence import Evidence
from .persons import SHORTEST_PART, TELLING_ANYWHERE
from .spelling import SPELLINGS, bare, plain, worth
from .stem import Stem, all_words


def phrase_evidence(stem: Stem, value: str, nobody: frozenset[str]) -> Evidence:
    """What ``stem`` tells of the name of a place, a station or an ID without digits: it does where all its words stand there.

    A single word may stand there for what it means (Radiology).
    """
    words = [word for word in all_words(value) if plain(word) not in nobody]
    if sum(map(worth, words)) < SHORTEST_PART or not _holds(stem, all_words(value)):
        return Evidence.NONE
    return Evidence.CERTAIN if len(words) > 1 else Evidence.DOUBT


def description_evidence(stem: Stem, value: str, nobody: frozenset[str]) -> Evidence:
    """What ``stem`` tells of free text: each word in both may be a name as well as a part of the body, so it is a doubt."""
    words = all_words(value)
    telling = [word for word in words if worth(word) >= SHORTEST_PART and plain(word) not in nobody]
    if any(_holds(stem, [word]) for word in telling):
        return Evidence.DOUBT
    pairs = [pair for one, other in zip(words, words[1:], strict=False) for pair in ((one, other), (other, one))]
    return Evidence.DOUBT if any(_runs_in(stem, pair) for pair in pairs) else Evidence.NONE


def _holds(stem: Stem, words: list[str]) -> bool:
    """Whether all words are words of the file's name, or stand in it one after the other."""
    for parts in stem.words.values():
        for spelled in (bare, *SPELLINGS):
            if set(map(spelled, words)) <= set(map(spelled, parts)):
                return True
    return _runs_in(stem, words)


def _runs_in(stem: Stem, words: list[str] | tuple[str, ...]) -> bool:
    if sum(map(worth, words)) < TELLING_ANYWHERE:
        return False
    return any(
        "".join(map(spelled, words)) in stem.letters(script, spelled).text for script in stem.words for spelled in (bare, *SPELLINGS)
    )
