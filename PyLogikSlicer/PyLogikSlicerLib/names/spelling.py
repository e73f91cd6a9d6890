"""Spellings: letters of any script in ASCII, in the ways that people write the same name; and what a name sounds like."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from functools import lru_cache

# Covers all scripts with one small table, is kept up with Unicode, has wheels for every Python, and its licence (ISC) lets us.
from anyascii import anyascii

LATIN = "LATIN"
# How many letters of an alphabet one sign of the script is worth, when chance is judged: a syllable or a word.
_WORTH = {"CJK": 3, "HANGUL": 3, "KANA": 2}
# German, Nordic and Hungarian letters have two spellings without accents: this one, and the bare letter that anyascii gives.
_EXPANDED = str.maketrans(
    {
        **{"ä": "ae", "ö": "oe", "ü": "ue", "å": "aa", "ø": "oe", "ő": "oe", "ű": "ue", "ǿ": "oe"},
        **{"æ": "ae", "ǽ": "ae", "œ": "oe", "þ": "th", "ð": "dh", "đ": "dj"},
    }
)
# Pairs of letters that other spellings of the same name have one letter for, and letters that are doubled or not (Anna, Ana).
_COLLAPSES = (
    (re.compile(r"([aou])e"), r"\1"),
    (re.compile(r"ou|oh(?![aeiou])"), "o"),
    (re.compile(r"th"), "t"),
    (re.compile(r"d[hj]"), "d"),
    (re.compile(r"(.)\1+"), r"\1"),
)
# Consonants that transcriptions of one name into Latin letters exchange have one sign; vowels have none, since abjads leave them out.
_SOUNDS = (
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
# Letters that keyboards of Arabic, Persian and Urdu have for one another, and the stroke that only lengthens a word.
_ARABIC = str.maketrans({"ی": "ي", "ى": "ي", "ک": "ك", "ة": "ه", "ـ": ""})


@lru_cache(maxsize=4096)
def script_of(letter: str) -> str:
    """``LATIN``, ``CJK``, ``KANA``, ``HANGUL``, ``CYRILLIC`` ...: the script of a letter by its Unicode name."""
    first = unicodedata.name(letter, "").partition(" ")[0].partition("-")[0]
    return {"IDEOGRAPHIC": "CJK", "HIRAGANA": "KANA", "KATAKANA": "KANA", "MODIFIER": LATIN, "": LATIN}.get(first, first)


def normalized(text: str) -> str:
    """The text with wide, narrow, circled and ligated signs as ordinary ones and accents composed (Unicode NFKC)."""
    return unicodedata.normalize("NFKC", text)


def worth(word: str) -> int:
    """How long a word is, counted in letters of an alphabet."""
    return sum(_WORTH.get(script_of(letter), 1) for letter in word)


def plain(word: str) -> str:
    """In ASCII letters without accents: ``Müller`` is ``muller``."""
    return _letters(anyascii(normalized(word)))


def expanded(word: str) -> str:
    """In ASCII letters as German and Nordic people write them: ``Müller`` is ``mueller``."""
    return _letters(anyascii(normalized(word).casefold().translate(_EXPANDED)))


def collapsed(word: str) -> str:
    """What all these spellings have in common: ``Müller``, ``Mueller`` and ``Muller`` are ``muler``."""
    text = expanded(word)
    for pattern, one in _COLLAPSES:
        text = pattern.sub(one, text)
    return text


def bare(word: str) -> str:
    """In its own script, in one case, without accents and vowel points."""
    decomposed = unicodedata.normalize("NFKD", word)
    letters = (letter for letter in decomposed if unicodedata.category(letter) not in ("Mn", "Me"))
    return unicodedata.normalize("NFC", "".join(letters)).casefold().translate(_ARABIC)


def sound(word: str) -> str:
    """The consonants of a name as any transcription has them: ``Kim`` and ``Gim`` are ``km``, ``mhmd`` and ``Muhammad`` ``mhmt``."""
    text = plain(word)
    for pattern, one in _SOUNDS:
        text = pattern.sub(one, text)
    return text


# How people write a name in ASCII. What is alike only when both are collapsed may also be two names.
SPELLINGS: tuple[Callable[[str], str], ...] = (plain, expanded)


def nearly_equal(first: str, second: str) -> bool:
    """Whether one letter more, less or other, or two exchanged ones, make the words equal; equal ones are not nearly equal.

    The first letter must be the same: people seldom miss that one, and without it a name is another word (Wright, right).
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
    return re.sub(r"[^a-z]", "", text.lower())
