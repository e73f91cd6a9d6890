"""Spellings of a name: in ASCII letters, in the ways in which people write the same name, and by its consonants."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from functools import lru_cache

# anyascii covers all scripts with one small table, follows Unicode, has wheels for every Python, and a permissive licence (ISC).
from anyascii import anyascii

LATIN = "LATIN"
# Letters of an alphabet that correspond to one sign of a script, a syllable or a word, when the probability of chance is judged.
_LETTERS_OF_A_SIGN = {"CJK": 3, "HANGUL": 3, "KANA": 2}
# German, Nordic and Hungarian letters have two spellings in ASCII: these digraphs, and the letter without accent that anyascii gives.
_DIGRAPHS = str.maketrans(
    {
        **{"ä": "ae", "ö": "oe", "ü": "ue", "å": "aa", "ø": "oe", "ő": "oe", "ű": "ue", "ǿ": "oe"},
        **{"æ": "ae", "ǽ": "ae", "œ": "oe", "þ": "th", "ð": "dh", "đ": "dj"},
    }
)
# Pairs of letters that are one letter in other spellings of the same name, and double letters that may be single (Anna, Ana).
_MERGES = (
    (re.compile(r"([aou])e"), r"\1"),
    (re.compile(r"ou|oh(?![aeiou])"), "o"),
    (re.compile(r"th"), "t"),
    (re.compile(r"d[hj]"), "d"),
    (re.compile(r"(.)\1+"), r"\1"),
)
# One sign for all consonants that transcriptions of a name into Latin letters exchange; vowels are removed, since abjads omit them.
_CONSONANT_CLASSES = (
    (re.compile(r"ng(?![aeiou])"), "n"),
    (re.compile(r"ih(?![aeiouy])"), "i"),
    (re.compile(r"sch|[stz]h|ch|t[sz]|cz|dz|d?j|x|z|q(?=i)"), "s"),
    (re.compile(r"ph|[bfv]"), "p"),
    (re.compile(r"[kg]h|ck|[gq]"), "k"),
    (re.compile(r"c(?=[eiy])"), "s"),
    (re.compile(r"c"), "k"),
    (re.compile(r"d"), "t"),
    (re.compile(r"r"), "l"),
    (re.compile(r"(.)\1+"), r"\1"),
    (re.compile(r"[aeiouwy]|h$"), ""),
)
# Letters that Arabic, Persian and Urdu keyboards exchange, and the stroke that only lengthens a word (removed).
_ARABIC = str.maketrans({"ی": "ي", "ى": "ي", "ک": "ك", "ة": "ه", "ـ": ""})


@lru_cache(maxsize=4096)
def script_of(letter: str) -> str:
    """``LATIN``, ``CJK``, ``KANA``, ``HANGUL``, ``CYRILLIC`` ...: the script of a letter by its Unicode name."""
    first = unicodedata.name(letter, "").partition(" ")[0].partition("-")[0]
    return {"IDEOGRAPHIC": "CJK", "HIRAGANA": "KANA", "KATAKANA": "KANA", "MODIFIER": LATIN, "": LATIN}.get(first, first)


def normalize(text: str) -> str:
    """The text with wide, narrow, circled and ligated signs as ordinary ones and accents composed (Unicode NFKC)."""
    return unicodedata.normalize("NFKC", text)


def alphabetic_length(word: str) -> int:
    """The length of a word in letters of an alphabet: a sign that is a syllable or a word counts as several."""
    return sum(_LETTERS_OF_A_SIGN.get(script_of(letter), 1) for letter in word)


def to_ascii(word: str) -> str:
    """The word in ASCII letters, without accents: ``Müller`` is ``muller``."""
    return _letters(anyascii(normalize(word)))


def to_ascii_digraphs(word: str) -> str:
    """The word in ASCII letters, with the digraphs of German and Nordic languages: ``Müller`` is ``mueller``."""
    return _letters(anyascii(normalize(word).casefold().translate(_DIGRAPHS)))


def merge_spellings(word: str) -> str:
    """The word in a spelling that is the same for all spellings of a name: ``Müller``, ``Mueller`` and ``Muller`` are ``muler``."""
    text = to_ascii_digraphs(word)
    for pattern, one in _MERGES:
        text = pattern.sub(one, text)
    return text


def strip_accents(word: str) -> str:
    """The word in its own script, case-folded, without accents and vowel points."""
    decomposed = unicodedata.normalize("NFKD", word)
    letters = (letter for letter in decomposed if unicodedata.category(letter) not in ("Mn", "Me"))
    return unicodedata.normalize("NFC", "".join(letters)).casefold().translate(_ARABIC)


def consonant_skeleton(word: str) -> str:
    """The consonants of a word, the same for all transcriptions: ``Kim`` and ``Gim`` are ``km``, ``mhmd`` and ``Muhammad`` ``mhmt``."""
    text = to_ascii(word)
    for pattern, one in _CONSONANT_CLASSES:
        text = pattern.sub(one, text)
    return text


# The spellings in which equal names are certainly equal. With :func:`merge_spellings`, two different names may be equal too.
SPELLINGS: tuple[Callable[[str], str], ...] = (to_ascii, to_ascii_digraphs)


def nearly_equal(first: str, second: str) -> bool:
    """Whether two words differ by exactly one letter that is added, missing or other, or by two exchanged letters.

    The first letter must be equal: it is seldom wrong, and without it a name is another word (Wright, right).
    """
    if first == second or first[:1] != second[:1] or abs(len(first) - len(second)) > 1:
        return False
    short, long = sorted((first, second), key=len)
    start = next((at for at, letter in enumerate(short) if letter != long[at]), len(short))
    if len(short) < len(long):
        return short[start:] == long[start + 1 :]
    if short[start + 1 :] == long[start + 1 :]:
        return True
    return short[start : start + 2] == long[start : start + 2][::-1] and short[start + 2 :] == long[start + 2 :]


def _letters(text: str) -> str:
    """The letters a to z of a text, in lower case."""
    return re.sub(r"[^a-z]", "", text.lower())
