"""Persons: whether a file's name holds the name of one, in any order, script and spelling of its parts."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from ..stack import WrittenName
from .evidence import NOBODY, Evidence
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
# Shorter words with letters left out are other words: Scott and scout.
SHORTEST_COLLAPSED = 5
# In shorter names one letter more or less makes another word, or another name.
LONG_NAME = 6
LONG_WHOLE_NAME = 8
# What two names that sound alike must have: of seven kinds of consonants, four in the same order are chance once in 2,400.
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
        """Whether a word that tells of nobody stands for the family name: what follows is not a person's (Test^PixelSpacing)."""
        return bool(self.components[0]) and all(plain(word) in NOBODY for word in self.components[0])

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
        family, *others = _limited([all_words(component) for component in components])
        words = (family, *filter(None, others))
        for divided in (words, *_divisions(words)):
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
        guessed = number > 0 or not written.certain
        for name in names_in(reading, nobody):
            found = max(found, _of_name(stem, name, nobody, guessed))
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
    """Letters of a file's name that are made of words of a name: which of them, and of how many initials beside them."""

    start: int
    end: int
    used: frozenset[int]
    initials: int


def _best(letters: Letters, name: Name, spelled: Callable[[str], str], nobody: frozenset[str]) -> Evidence:
    words = name.words
    places = {word: number for number, word in enumerate(words)}
    spellings = [spelled(word) for word in words]
    weights = [worth(word) if spelled is bare else len(word) for word in spellings]
    telling = frozenset(number for number, word in enumerate(words) if plain(word) not in nobody and weights[number] > 1)
    components = [frozenset(places[word] for word in component) & telling for component in name.components]
    found = Evidence.NONE
    for passage in _passages(letters, spellings, weights):
        used = passage.used & telling
        if used and (spelled is not collapsed or max(weights[number] for number in used) >= SHORTEST_COLLAPSED):
            found = max(found, _judged(passage, used, components, weights, letters, name))
        if found is Evidence.CERTAIN:
            break
    return found


def _judged(
    passage: _Passage, used: frozenset[int], components: list[frozenset[int]], weights: list[int], letters: Letters, name: Name
) -> Evidence:
    length = sum(weights[number] for number in used)
    complete = [component for component in components if component and component <= used]
    family = bool(components[0]) and components[0] <= used
    family_length = sum(weights[number] for number in components[0])
    several = len(complete) > 1 or (name.loose and len(used) + passage.initials > 1)
    edges = (passage.start in letters.edges) + (passage.end in letters.edges)
    if name.is_placeholder and not several:
        return Evidence.NONE
    if edges == 2:
        if (family and family_length >= SHORTEST_FAMILY_NAME) or (several and length >= SHORTEST_PARTS):
            return Evidence.CERTAIN
        # Two letters are a family name where a given name follows them in the header; alone they are somebody's initials.
        if (family and len(components) > 1) or several or max(weights[number] for number in used) >= SHORTEST_PART:
            return Evidence.DOUBT
        return Evidence.NONE
    if length >= TELLING_ANYWHERE:
        return Evidence.CERTAIN if family or several else Evidence.DOUBT
    return Evidence.DOUBT if edges and family and length >= SHORTEST_PARTS else Evidence.NONE


def _passages(letters: Letters, words: list[str], weights: list[int]) -> Iterator[_Passage]:
    """All places where words of a name follow one another, each used once, and initials stand for others where a word begins."""
    text = letters.text
    # Two ways to one place with the same words used and left tell the same.
    seen: set[tuple[int, frozenset[int], frozenset[int]]] = set()

    def follow(start: int, at: int, used: frozenset[int], left: frozenset[int], initials: int) -> Iterator[_Passage]:
        if (at, used, left) in seen:
            return
        seen.add((at, used, left))
        if used:
            yield _Passage(start, at, used, initials)
        for number in left:
            word = words[number]
            if weights[number] > 1 and text.startswith(word, at):
                yield from follow(start, at + len(word), used | {number}, left - {number}, initials)
            if word and initials < MOST_INITIALS and start in letters.edges and text.startswith(word[0], at):
                yield from follow(start, at + 1, used, left - {number}, initials + 1)

    for start in range(len(text)):
        seen.clear()
        yield from follow(start, start, frozenset(), frozenset(range(len(words))), 0)


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
