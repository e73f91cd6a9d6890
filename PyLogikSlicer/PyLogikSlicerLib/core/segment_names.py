"""Names of segments: when two of them are the same, and how they are shown."""

from __future__ import annotations

import unicodedata

# Characters that are shown of a name: more would break a table.
_LONGEST = 64


def folded(name: str) -> str:
    """The name as it is compared: without regard to case, to white space around and to how much of it is within, nor to how
    Unicode composes its letters."""
    once = unicodedata.normalize("NFKC", name).casefold()
    return " ".join(unicodedata.normalize("NFKC", once).split())


def shown(name: str) -> str:
    """The name in one line without characters that control a terminal, and not longer than a table bears."""
    plain = "".join(letter if letter.isprintable() else " " for letter in name.encode("utf-8", "replace").decode("utf-8"))
    line = " ".join(plain.split())
    return line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"
