"""Cells of a table in which no spreadsheet program finds a formula, and the values back from them.

Text that a reader or a bar code gives may begin with ``=``, and a program that opens the table would compute it (OWASP, CSV
Injection). An apostrophe before it makes it text; one before each apostrophe that stands there already keeps the two apart.
"""

from __future__ import annotations

import re

# Where a cell begins: at the start, and where a program begins one that divides at semicolons or tabs, or does not know that
# a line may end within quotes. Blanks, quotes and signs without width may follow.
_BEGIN = r"(?:\A|[;\t\r\n])[\s\"\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]*"
_NUMBER = r"[-+]?\d+(?:[.,]\d+)?\s*(?:[;\t\r\n]|\Z)"
# What begins a formula, in ASCII, wide and small letters, with the minus sign of mathematics; and an apostrophe.
_SIGNS = "=+\\-@\uff1d\uff0b\uff0d\uff20\ufe66\ufe62\ufe63\ufe6b\u2212'"
_FORMULA = re.compile(rf"({_BEGIN})(?!{_NUMBER})(?=[{_SIGNS}])")
_MARKED = re.compile(rf"({_BEGIN})'")


def as_cell(value: str) -> str:
    """The value as it can stand in a table; one without a formula, and a plain number, stays as it is."""
    return _FORMULA.sub(r"\1'", value)


def from_cell(cell: str) -> str:
    """The value of a cell that :func:`as_cell` made."""
    return _MARKED.sub(r"\1", cell)
