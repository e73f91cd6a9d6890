"""Persons: whether a file's name holds the name of one, in any order, script and spelling of its parts."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from ..core.stack import WrittenName
from .evidence import NOBODY, PLACEHOLDERS, Evidence
from .spelling import LATIN, SPELLINGS, bare, collapsed, nearly_equal, plain, script_of, sound, worth
from .stem import Letters, Stem, all_words

# Shorter words are in file names by chance: Li, Ng, CT. With a second part of the name they count.
SHORTEST_FAMILY_NAME = 3
# A word of a name that is not the whole family name (Anna, one half of a double name) is a word of many file names.
SHORTEST_PART = 4
# Two parts of a name that are together shorter (Li Na) are one word of many languages.
SHORTEST_PARTS = 5
# So many letters of a name stand in no other word by chance, not even where no word begins.
TELLING_ANYWHERE = 6
# Shorter words with letters left out are other words (Scott, scout); of a whole family name one less is enough (Satou, Sato).
SHORTEST_COLLAPSED = 5
# In shorter names one letter more or less makes another word, or another name.
LONG_NAME = 6
LONG_WHOLE_NAME = 8
# What two names that sound alike must have: of eight kinds of consonants, four in the same order are chance once in 4,000.
TELLING_SOUNDS = 4
# With its vowels a consonant takes no more letters (Nguy, schau).
LETTERS_OF_A_CONSONANT = 5
# Names have no more words and signs, and the time to try their orders grows with them.
MOST_WORDS = 8
LONGEST_NAME = 256
# More letters in place of names than a first and a middle one are no initials.
MOST_INITIALS = 2
# Family, given and middle name; what follows (Dr., Jr., MD) is no name (PS3.5 6.2.1.1).
_NAMING_COMPONENTS = 3
# A letter that a program could not write.
_LOST = re.compile("[?\ufffd]+")


@dataclass(frozen=True)
class Name:
    """A person's name as one group of the header has it: the words of each component, the family name first.

    ``loose``: they stand in one component, and nobody knows which of them is the family name. ``lost``: letters are missing that
    a program could not write (``M?ller``).
    """

    components: tuple[tuple[str, ...], ...]
    lost: bool = False

    @property
    def loose(self) -> bool:
        return len(self.components) == 1 and len(self.components[0]) > 1

    @property
    def words(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(word for component in self.components for word in component))

    @property
    def is_placeholder(self) -> bool:
        """Whether a word stands in place of the family name: what follows is not a person's (Test^PixelSpacing)."""
        return all(plain(word) in PLACEHOLDERS for word in self.components[0])

    @cached_property
    def scripts(self) -> frozenset[str]:
        return frozenset(script_of(letter) for word in self.words for letter in word)

    def joined(self, spelled: Callable[[str], str]) -> Iterator[str]:
        """The family name, and with it the given names, in both orders."""
        parts = ["".join(map(spelled, component)) for component in self.components]
        yield parts[0]
        for given in dict.fromkeys(("".join(parts[1:]), *parts[1:2])):
            if given:
                yield parts[0] + given
                yield given + parts[0]


def names_in(reading: str, nobody: frozenset[str]) -> list[Name]:
    """The names in a value of the header, each as it can be divided into parts; none that has no word beside ``nobody``'s."""
    names = []
    for group in _LOST.sub("", reading[:LONGEST_NAME]).split("="):
        components = group.rstrip("^ ").split("^")[:_NAMING_COMPONENTS]
        if len(components) == 1:
            components = group.rstrip("^ ").split(",")[:_NAMING_COMPONENTS]
        words = tuple(filter(None, _limited([all_words(component) for component in components])))
        for divided in (words, *_divisions(words)) if words else ():
            name = Name(divided, _LOST.search(reading) is not None)
            if any(plain(word) not in nobody for word in name.words):
                names.append(name)
    return names


def _limited(components: list[list[str]]) -> Iterator[tuple[str, ...]]:
    left = MOST_WORDS
    for component in components:
        yield tuple(component[:left])
        left -= len(component[:left])


def _divisions(components: tuple[tuple[str, ...], ...]) -> Iterator[tuple[tuple[str, ...], ...]]:
    """A Chinese, Korean or Japanese name that is written without a space: its first one or two signs are the family name."""
    if len(components) != 1 or len(components[0]) != 1:
        return
    (word,) = components[0]
    if script_of(word[0]) in ("CJK", "HANGUL"):
        for length in (1, 2):
            if length < len(word) <= 5:
                yield (word[:length],), (word[length:],)


def evidence_of(stem: Stem, written: WrittenName, nobody: frozenset[str]) -> Evidence:
    """What ``stem`` tells of the person that a header names; words of ``nobody`` count for nothing."""
    found = Evidence.NONE
    for number, reading in enumerate(written.readings):
        for name in names_in(reading, nobody):
            found = max(found, _of_name(stem, name, nobody, guessed=number > 0))
            if found is Evidence.CERTAIN:
                return found
    return found


def _of_name(stem: Stem, name: Name, nobody: frozenset[str], guessed: bool) -> Evidence:
    found = Evidence.NONE
    for script in stem.words:
        if script != LATIN and script in name.scripts:
            own = _best(stem.letters(script, bare), name, bare, nobody)
            # Other signs for the same syllables may be the same name (traditional and simplified ones), or another.
            other = _best(stem.letters(script, plain), name, plain, nobody) if len(name.components) > 1 else Evidence.NONE
            results = [own, Evidence.DOUBT if other is Evidence.CERTAIN else Evidence.NONE]
        else:
            results = [_best(stem.letters(script, spelled), name, spelled, nobody) for spelled in SPELLINGS]
            results.append(min(_best(stem.letters(script, collapsed), name, collapsed, nobody), Evidence.DOUBT))
        found = max(found, *results)
    if guessed:
        # A guess at the character set is right where a whole name comes out that is also in the file's name.
        return found if found is Evidence.CERTAIN and sum(map(worth, name.words)) >= TELLING_ANYWHERE else Evidence.NONE
    if found is Evidence.NONE and not name.is_placeholder and _is_near(stem, name, nobody):
        return Evidence.DOUBT
    return found


@dataclass(frozen=True)
class _Passage:
    """Letters of a file's name that are made of words of a name: which of them, of how many initials beside them, and whether it
    begins and ends (``edges`` is 2) where words of the file's name do."""

    used: frozenset[int]
    initials: int
    edges: int


@dataclass(frozen=True)
class _Words:
    """The words of a name in a spelling, how long they are, those of them that tell of somebody, and those of each component."""

    name: Name
    spelled: tuple[str, ...]
    lengths: tuple[int, ...]
    telling: frozenset[int]
    components: tuple[frozenset[int], ...]

    def evidence(self, passage: _Passage, shortest: int) -> Evidence:
        """What a passage tells; ``shortest`` are the letters that a part of a name must have at least."""
        used = passage.used & self.telling
        if not used:
            return Evidence.NONE
        family_name = self.components[0] & self.telling
        family = bool(family_name) and family_name <= used
        # Im is an image as a rule; beside Sooyoung it is a name.
        beside = used if self.name.is_placeholder else passage.used
        several = sum(bool(component & beside) for component in self.components) > 1
        several = several or (self.name.loose and len(used) + passage.initials > 1)
        length = sum(self.lengths[number] for number in (beside if several else used))
        if length < shortest - family or (self.name.is_placeholder and not several):
            return Evidence.NONE
        if passage.edges < 2:
            if length >= TELLING_ANYWHERE:
                return Evidence.CERTAIN if family or several else Evidence.DOUBT
            return Evidence.DOUBT if passage.edges and family and length >= SHORTEST_PARTS else Evidence.NONE
        if several:
            return Evidence.CERTAIN if length >= SHORTEST_PARTS else Evidence.DOUBT
        if family:
            return self._evidence_of_family_name(length)
        # Of a name that is not divided any word may be the family name.
        enough = SHORTEST_FAMILY_NAME if self.name.loose else SHORTEST_PART
        return Evidence.DOUBT if any(self.lengths[number] >= enough for number in used) else Evidence.NONE

    def _evidence_of_family_name(self, length: int) -> Evidence:
        """Where no given name follows it in the header, what is so short may be somebody's initials."""
        has_given_name = len(self.components) > 1
        if length >= SHORTEST_PART or (length >= SHORTEST_FAMILY_NAME and has_given_name):
            return Evidence.CERTAIN
        return Evidence.DOUBT if length >= SHORTEST_FAMILY_NAME or has_given_name else Evidence.NONE


def _best(letters: Letters, name: Name, spelled: Callable[[str], str], nobody: frozenset[str]) -> Evidence:
    words = _words_of(name, spelled, nobody)
    shortest = SHORTEST_COLLAPSED if spelled is collapsed else 1
    found = Evidence.NONE
    for passage in _passages(letters, words):
        found = max(found, words.evidence(passage, shortest))
        if found is Evidence.CERTAIN:
            break
    return found


def _words_of(name: Name, spelled: Callable[[str], str], nobody: frozenset[str]) -> _Words:
    words = tuple(map(spelled, name.words))
    lengths = tuple(map(worth if spelled is bare else len, words))
    telling = frozenset(number for number, word in enumerate(name.words) if plain(word) not in nobody and lengths[number] > 1)
    places = {word: number for number, word in enumerate(name.words)}
    components = tuple(frozenset(places[word] for word in component if lengths[places[word]] > 1) for component in name.components)
    return _Words(name, words, lengths, telling, components)


def _passages(letters: Letters, words: _Words) -> Iterator[_Passage]:
    """All places where words of a name follow one another, each used once, and initials stand for others where a word begins."""
    text, edges = letters.text, letters.edges
    # Two ways to one place with the same words used and left tell the same.
    seen: set[tuple[int, frozenset[int], frozenset[int]]] = set()

    def follow(start: int, at: int, used: frozenset[int], left: frozenset[int], initials: int) -> Iterator[_Passage]:
        if (at, used, left) in seen:
            return
        seen.add((at, used, left))
        if used:
            yield _Passage(used, initials, (start in edges) + (at in edges))
        for number in left:
            word = words.spelled[number]
            if words.lengths[number] > 1 and text.startswith(word, at):
                yield from follow(start, at + len(word), used | {number}, left - {number}, initials)
            if word and initials < MOST_INITIALS and start in edges and text.startswith(word[0], at):
                yield from follow(start, at + 1, used, left - {number}, initials + 1)

    for start in range(len(text)):
        seen.clear()
        yield from follow(start, start, frozenset(), frozenset(range(len(words.spelled))), 0)


def _is_near(stem: Stem, name: Name, nobody: frozenset[str]) -> bool:
    """Whether words of the file's name differ by one letter from a long family name or from the whole name, or sound like it."""
    for script in stem.words:
        spelled = bare if script != LATIN and script in name.scripts else collapsed
        family, *whole = name.joined(spelled)
        long = [join for join in whole if worth(join) >= LONG_WHOLE_NAME]
        if len(family) >= (SHORTEST_PART if name.lost else LONG_NAME) and family not in nobody:
            long.append(family)
        spans = stem.letters(script, spelled).spans(max(map(len, long), default=0) + 1)
        if any(nearly_equal(span, join) for span in spans for join in long):
            return True
    return LATIN in stem.words and LATIN not in name.scripts and _sounds_alike(stem, name)


def _sounds_alike(stem: Stem, name: Name) -> bool:
    """For a name that no header has in Latin letters: those that people write it in are many, and abjads leave vowels out."""
    sounds = {consonants for consonants in map(sound, name.joined(plain)) if len(consonants) >= TELLING_SOUNDS}
    longest = LETTERS_OF_A_CONSONANT * max(map(len, sounds), default=0)
    return any(sound(span) in sounds for span in stem.letters(LATIN, plain).spans(longest))


def scripts_of(written: Iterable[WrittenName]) -> frozenset[str]:
    """The scripts in which names are written that were decoded with certainty."""
    return frozenset(script for name in written if name.certain for each in names_in(name.readings[0], NOBODY) for script in each.scripts)
