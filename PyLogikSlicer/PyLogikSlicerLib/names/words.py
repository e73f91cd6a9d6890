"""Searches file names for words of the header that are no person's name: of places, and of descriptions with any content."""

from __future__ import annotations

from .evidence import Evidence
from .persons import CERTAIN_LENGTH, SHORTEST_PART
from .spelling import SPELLINGS, alphabetic_length, strip_accents, to_ascii
from .stem import Stem, all_words


def phrase_evidence(stem: Stem, value: str, generic: frozenset[str]) -> Evidence:
    """The evidence for the name of a place or station, or an ID without digits, in a file's name, which must have all its words.

    A single word is doubtful, as it may be used in its general meaning (Radiology).
    """
    words = [word for word in all_words(value) if to_ascii(word) not in generic]
    if sum(map(alphabetic_length, words)) < SHORTEST_PART or not _contains_words(stem, all_words(value)):
        return Evidence.NONE
    return Evidence.CERTAIN if len(words) > 1 else Evidence.DOUBT


def description_evidence(stem: Stem, value: str, generic: frozenset[str]) -> Evidence:
    """The evidence for free text in a file's name. It is doubtful, since a word in both may be a name as well as a part of the body."""
    words = all_words(value)
    identifying = [word for word in words if alphabetic_length(word) >= SHORTEST_PART and to_ascii(word) not in generic]
    if any(_contains_words(stem, [word]) for word in identifying):
        return Evidence.DOUBT
    pairs = [pair for one, other in zip(words, words[1:], strict=False) for pair in ((one, other), (other, one))]
    return Evidence.DOUBT if any(_contains_run(stem, pair) for pair in pairs) else Evidence.NONE


def _contains_words(stem: Stem, words: list[str]) -> bool:
    """Whether all words are words of the file's name, or are in it one after the other."""
    for parts in stem.words.values():
        for spell in (strip_accents, *SPELLINGS):
            if set(map(spell, words)) <= set(map(spell, parts)):
                return True
    return _contains_run(stem, words)


def _contains_run(stem: Stem, words: list[str] | tuple[str, ...]) -> bool:
    """Whether the words are in the file's name one after the other, without separators, and long enough not to be there by chance."""
    if sum(map(alphabetic_length, words)) < CERTAIN_LENGTH:
        return False
    return any(
        "".join(map(spell, words)) in stem.letters(script, spell).text for script in stem.words for spell in (strip_accents, *SPELLINGS)
    )
