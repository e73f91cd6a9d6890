"""Names of segments: a form in which they are compared, and one in which they are printed."""

from __future__ import annotations

import unicodedata

# Characters of the longest name that is printed in full; a longer one would break a table.
_LONGEST = 64


def fold_name(name: str) -> str:
    """The name in a form in which equal names are equal: case-folded, Unicode NFKC, white space stripped and reduced to single spaces."""
    once = unicodedata.normalize("NFKC", name).casefold()
    return " ".join(unicodedata.normalize("NFKC", once).split())


def printable_name(name: str) -> str:
    """The name in one line without control characters, cut to 64 characters."""
    plain = "".join(letter if letter.isprintable() else " " for letter in name.encode("utf-8", "replace").decode("utf-8"))
    line = " ".join(plain.split())
    return line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"
