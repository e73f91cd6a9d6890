"""Searches file names for person names of the header, in any order, script and spelling of their parts."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from ..core.stack import WrittenName
from .evidence import GENERIC_WORDS, PLACEHOLDERS, Evidence
from .spelling import (
    LATIN,
    SPELLINGS,
    alphabetic_length,
    consonant_skeleton,
    merge_spellings,
    nearly_equal,
    script_of,
    strip_accents,
    to_ascii,
)
from .stem import Letters, Stem, all_words

# All lengths are in letters.
#
# The shortest family name that is evidence without another part of the name; shorter ones (Li, Ng) are in file names by chance.
SHORTEST_FAMILY_NAME = 3
# The shortest word of a name that is evidence although it is not the whole family name (Anna, one half of a double name).
SHORTEST_PART = 4
# The shortest combination of two parts of a name; a shorter one (Li Na) is one word of many languages.
SHORTEST_PARTS = 5
# The length of a part of a name that occurs within no other word by chance.
CERTAIN_LENGTH = 6
# The shortest part of a name whose spellings are merged; shorter ones are other words then (Scott, scout). One less for a whole family
# name (Satou, Sato).
SHORTEST_MERGED = 5
# The shortest family name in which one wrong letter is tolerated; in shorter ones it makes another word.
LONG_NAME = 6
# The shortest combination of family and given name in which one wrong letter is tolerated.
LONG_WHOLE_NAME = 8
# Number of equal consonants in two names that sound alike. There are eight classes of consonants, so that four in the same order are
# equal by chance once in 4,000.
CERTAIN_CONSONANTS = 4
# The largest number of letters for a consonant with its vowels (Nguy, schau).
LETTERS_OF_A_CONSONANT = 5
# Number of words of a name that are used; names have no more, and the time to try their orders grows with them.
MOST_WORDS = 8
# Length of a value that is used, for the same reason.
LONGEST_NAME = 256
# The largest number of initials beside a name: those of a first and a middle name.
MOST_INITIALS = 2
# Number of components of a name that are used: family, given and middle name. Those that follow (Dr., Jr., MD) are no name (PS3.5
# 6.2.1.1).
_NAMING_COMPONENTS = 3
# Signs in place of a letter that a program could not write.
_LOST_LETTERS = re.compile("[?\ufffd]+")


@dataclass(frozen=True)
class Name:
    """A person's name from one group of a DICOM name: the words of each component, the family name first.

    ``has_lost_letters``: letters are missing that a program could not write (``M?ller``).
    """

    components: tuple[tuple[str, ...], ...]
    has_lost_letters: bool = False

    @property
    def is_undivided(self) -> bool:
        """Whether all words are in one component, so that it is not known which is the family name."""
        return len(self.components) == 1 and len(self.components[0]) > 1

    @property
    def words(self) -> tuple[str, ...]:
        """All words of the name, each once."""
        return tuple(dict.fromkeys(word for component in self.components for word in component))

    @property
    def is_placeholder(self) -> bool:
        """Whether the family name is a placeholder, so that the other components are no person's name either (Test^PixelSpacing)."""
        return all(to_ascii(word) in PLACEHOLDERS for word in self.components[0])

    @cached_property
    def scripts(self) -> frozenset[str]:
        """The scripts of its letters, as in :func:`~.spelling.script_of`."""
        return frozenset(script_of(letter) for word in self.words for letter in word)

    def orders(self, spell: Callable[[str], str]) -> Iterator[str]:
        """The spelled family name, and its combinations with the given names in both orders, each as one word."""
        parts = ["".join(map(spell, component)) for component in self.components]
        yield parts[0]
        for given in dict.fromkeys(("".join(parts[1:]), *parts[1:2])):
            if given:
                yield parts[0] + given
                yield given + parts[0]


def names_in(reading: str, generic: frozenset[str]) -> list[Name]:
    """The names in a value of the header, one for each way to divide it into parts; without names of ``generic`` words only."""
    names = []
    for group in _LOST_LETTERS.sub("", reading[:LONGEST_NAME]).split("="):
        components = group.rstrip("^ ").split("^")[:_NAMING_COMPONENTS]
        if len(components) == 1:
            components = group.rstrip("^ ").split(",")[:_NAMING_COMPONENTS]
        words = tuple(filter(None, _limit_words([all_words(component) for component in components])))
        for divided in (words, *_split_family_name(words)) if words else ():
            name = Name(divided, _LOST_LETTERS.search(reading) is not None)
            if any(to_ascii(word) not in generic for word in name.words):
                names.append(name)
    return names


def _limit_words(components: list[list[str]]) -> Iterator[tuple[str, ...]]:
    """The components without words beyond the first ``MOST_WORDS`` of all."""
    left = MOST_WORDS
    for component in components:
        yield tuple(component[:left])
        left -= len(component[:left])


def _split_family_name(components: tuple[tuple[str, ...], ...]) -> Iterator[tuple[tuple[str, ...], ...]]:
    """The ways to divide a Chinese, Korean or Japanese name that is written without a space: the family name has one or two signs."""
    if len(components) != 1 or len(components[0]) != 1:
        return
    (word,) = components[0]
    if script_of(word[0]) in ("CJK", "HANGUL"):
        for length in (1, 2):
            if length < len(word) <= 5:
                yield (word[:length],), (word[length:],)


def person_evidence(stem: Stem, written: WrittenName, generic: frozenset[str]) -> Evidence:
    """The evidence for a person of the header in a file's name; ``generic`` words are ignored."""
    found = Evidence.NONE
    for number, reading in enumerate(written.readings):
        for name in names_in(reading, generic):
            found = max(found, _name_evidence(stem, name, generic, guessed=number > 0))
            if found is Evidence.CERTAIN:
                return found
    return found


def _name_evidence(stem: Stem, name: Name, generic: frozenset[str], guessed: bool) -> Evidence:
    """The evidence for one name; ``guessed``: it is from a guess at the character set, so only a certain match counts."""
    found = Evidence.NONE
    for script in stem.words:
        if script != LATIN and script in name.scripts:
            own = _best_evidence(stem.letters(script, strip_accents), name, strip_accents, generic)
            # Other signs with the same transcription may be the same name (traditional and simplified signs), or another one.
            other = _best_evidence(stem.letters(script, to_ascii), name, to_ascii, generic) if len(name.components) > 1 else Evidence.NONE
            results = [own, Evidence.DOUBT if other is Evidence.CERTAIN else Evidence.NONE]
        else:
            results = [_best_evidence(stem.letters(script, spell), name, spell, generic) for spell in SPELLINGS]
            results.append(min(_best_evidence(stem.letters(script, merge_spellings), name, merge_spellings, generic), Evidence.DOUBT))
        found = max(found, *results)
    if guessed:
        # A guessed character set is confirmed where it gives a long name that is in the file's name.
        return found if found is Evidence.CERTAIN and sum(map(alphabetic_length, name.words)) >= CERTAIN_LENGTH else Evidence.NONE
    if found is Evidence.NONE and not name.is_placeholder and _is_similar(stem, name, generic):
        return Evidence.DOUBT
    return found


@dataclass(frozen=True)
class _Passage:
    """A passage of a file's name that consists of words of a person's name.

    ``used``: the numbers of these words. ``initials``: the number of initials beside them. ``edges``: how many of its two ends are at
    the beginning or end of a word of the file's name.
    """

    used: frozenset[int]
    initials: int
    edges: int


@dataclass(frozen=True)
class _Words:
    """The words of a person's name in one spelling.

    ``lengths``: of the words, in letters of an alphabet. ``identifying``: the numbers of the words that are not generic.
    ``components``: the numbers of the words of each component. Single letters are in neither.
    """

    name: Name
    spellings: tuple[str, ...]
    lengths: tuple[int, ...]
    identifying: frozenset[int]
    components: tuple[frozenset[int], ...]

    def evidence(self, passage: _Passage, shortest: int) -> Evidence:
        """The evidence of a passage; a part of a name must have ``shortest`` letters, a whole family name one less."""
        used = passage.used & self.identifying
        if not used:
            return Evidence.NONE
        family_name = self.components[0] & self.identifying
        family = bool(family_name) and family_name <= used
        # Generic words count beside identifying ones: "Im" is an image, but a name beside "Sooyoung".
        beside = used if self.name.is_placeholder else passage.used
        several = sum(bool(component & beside) for component in self.components) > 1
        several = several or (self.name.is_undivided and len(used) + passage.initials > 1)
        length = sum(self.lengths[number] for number in (beside if several else used))
        if length < shortest - family or (self.name.is_placeholder and not several):
            return Evidence.NONE
        if passage.edges < 2:
            if length >= CERTAIN_LENGTH:
                return Evidence.CERTAIN if family or several else Evidence.DOUBT
            return Evidence.DOUBT if passage.edges and family and length >= SHORTEST_PARTS else Evidence.NONE
        if several:
            return Evidence.CERTAIN if length >= SHORTEST_PARTS else Evidence.DOUBT
        if family:
            return self._evidence_of_family_name(length)
        # Any word of an undivided name may be the family name.
        enough = SHORTEST_FAMILY_NAME if self.name.is_undivided else SHORTEST_PART
        return Evidence.DOUBT if any(self.lengths[number] >= enough for number in used) else Evidence.NONE

    def _evidence_of_family_name(self, length: int) -> Evidence:
        """The evidence of a family name alone. A short one may be initials where the header has no given name."""
        has_given_name = len(self.components) > 1
        if length >= SHORTEST_PART or (length >= SHORTEST_FAMILY_NAME and has_given_name):
            return Evidence.CERTAIN
        return Evidence.DOUBT if length >= SHORTEST_FAMILY_NAME or has_given_name else Evidence.NONE


def _best_evidence(letters: Letters, name: Name, spell: Callable[[str], str], generic: frozenset[str]) -> Evidence:
    """The best evidence of all passages with words of the name in one spelling."""
    words = _words_of(name, spell, generic)
    shortest = SHORTEST_MERGED if spell is merge_spellings else 1
    found = Evidence.NONE
    for passage in _passages(letters, words):
        found = max(found, words.evidence(passage, shortest))
        if found is Evidence.CERTAIN:
            break
    return found


def _words_of(name: Name, spell: Callable[[str], str], generic: frozenset[str]) -> _Words:
    """The words of a name in one spelling."""
    words = tuple(map(spell, name.words))
    lengths = tuple(map(alphabetic_length if spell is strip_accents else len, words))
    identifying = frozenset(number for number, word in enumerate(name.words) if to_ascii(word) not in generic and lengths[number] > 1)
    places = {word: number for number, word in enumerate(name.words)}
    components = tuple(frozenset(places[word] for word in component if lengths[places[word]] > 1) for component in name.components)
    return _Words(name, words, lengths, identifying, components)


def _passages(letters: Letters, words: _Words) -> Iterator[_Passage]:
    """All passages of words of a name that follow one another, each used once. Initials may be in place of words, where one begins."""
    text, edges = letters.text, letters.edges
    # States that were visited: position, words used, and words left. A second way to a state gives the same passages.
    seen: set[tuple[int, frozenset[int], frozenset[int]]] = set()

    def follow(start: int, at: int, used: frozenset[int], left: frozenset[int], initials: int) -> Iterator[_Passage]:
        if (at, used, left) in seen:
            return
        seen.add((at, used, left))
        if used:
            yield _Passage(used, initials, (start in edges) + (at in edges))
        for number in left:
            word = words.spellings[number]
            if words.lengths[number] > 1 and text.startswith(word, at):
                yield from follow(start, at + len(word), used | {number}, left - {number}, initials)
            if word and initials < MOST_INITIALS and start in edges and text.startswith(word[0], at):
                yield from follow(start, at + 1, used, left - {number}, initials + 1)

    for start in range(len(text)):
        seen.clear()
        yield from follow(start, start, frozenset(), frozenset(range(len(words.spellings))), 0)


def _is_similar(stem: Stem, name: Name, generic: frozenset[str]) -> bool:
    """Whether words of the file's name differ by one letter from a long family name or the whole name, or sound like it."""
    for script in stem.words:
        spell = strip_accents if script != LATIN and script in name.scripts else merge_spellings
        family, *whole = name.orders(spell)
        long = [join for join in whole if alphabetic_length(join) >= LONG_WHOLE_NAME]
        if len(family) >= (SHORTEST_PART if name.has_lost_letters else LONG_NAME) and family not in generic:
            long.append(family)
        spans = stem.letters(script, spell).spans(max(map(len, long), default=0) + 1)
        if any(nearly_equal(span, join) for span in spans for join in long):
            return True
    return LATIN in stem.words and LATIN not in name.scripts and _sounds_alike(stem, name)


def _sounds_alike(stem: Stem, name: Name) -> bool:
    """Whether a part of the file's name in Latin letters has the consonants of a name that the header has in another script only.

    Such names have many transcriptions, and abjads omit the vowels.
    """
    skeletons = {skeleton for skeleton in map(consonant_skeleton, name.orders(to_ascii)) if len(skeleton) >= CERTAIN_CONSONANTS}
    longest = LETTERS_OF_A_CONSONANT * max(map(len, skeletons), default=0)
    return any(consonant_skeleton(span) in skeletons for span in stem.letters(LATIN, to_ascii).spans(longest))


def scripts_of(written: Iterable[WrittenName]) -> frozenset[str]:
    """The scripts of those names that were decoded with certainty."""
    return frozenset(
        script for name in written if name.certain for each in names_in(name.readings[0], GENERIC_WORDS) for script in each.scripts
    )
