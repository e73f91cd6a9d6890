"""Texts that bytes can stand for in the character sets that names are written in, whatever a file declares."""

from __future__ import annotations

import re
import unicodedata

# Headers and file names of the wild declare no character set, or another one than they use. These are the sets of DICOM
# PS3.3 C.12.1.1.2, and those that Windows, DOS, macOS and the web use for the same languages.
_ENCODINGS = (
    *("utf_8", "gb18030", "big5hkscs", "cp932", "euc_jp", "cp949", "iso2022_jp_2"),
    *("cp1252", "iso8859_1", "cp1250", "iso8859_2", "iso8859_3", "iso8859_4", "cp1254", "iso8859_9", "cp1257", "iso8859_15"),
    *("cp1251", "iso8859_5", "koi8_r", "koi8_u", "cp866", "cp1253", "iso8859_7", "cp1255", "iso8859_8", "cp1256", "iso8859_6", "cp874"),
    *("cp437", "cp850", "cp852", "mac_roman", "mac_cyrillic"),
)
# What was decoded with one of these, although it was written in another set, can be encoded again and decoded rightly.
_MISTAKEN_FOR = ("iso8859_1", "cp1252", "cp437", "cp850", "mac_roman")
# Announces the set of the bytes with the highest bit set (ISO 2022); Python's EUC and GB codecs read those bytes without it.
_DESIGNATION = re.compile(rb"\x1b[\x20-\x2f]+[\x30-\x7e]")
# Beside ASCII, which is the same in all sets.
_BETWEEN_NAMES = frozenset("\u2019\u00b7\u30fb\u3000")
_ESCAPED = re.compile(r"#U([0-9A-Fa-f]{4,6})|((?:%[0-9A-Fa-f]{2})+)")


def texts_of(data: bytes) -> tuple[str, ...]:
    """Every text that ``data`` can be in some character set and that could be a name: letters, and what stands between them."""
    stripped = _DESIGNATION.sub(b"", data)
    texts: dict[str, None] = {}
    for encoding in _ENCODINGS:
        for form in dict.fromkeys((data, stripped)):
            try:
                text = form.decode(encoding)
            except UnicodeDecodeError:
                continue
            if could_be_name(text):
                texts[text] = None
    return tuple(texts)


def could_be_name(text: str) -> bool:
    """Whether there are letters, and beside ASCII nothing but letters, digits and what stands between the parts of a name."""
    return any(map(str.isalpha, text)) and all(map(_could_be_in_name, text))


def _could_be_in_name(letter: str) -> bool:
    if letter.isascii():
        return letter.isprintable()
    return letter in _BETWEEN_NAMES or unicodedata.category(letter)[0] in "LM" or letter.isdecimal()


def repaired(name: str) -> tuple[str, ...]:
    """What a file's name can have been before programs spoiled it: bytes that are no UTF-8 here, UTF-8 or another set that was
    taken for a Western one, ``%C3%BC`` of the web, ``#U738b`` of zip programs. Without ``name`` itself."""
    forms = [name]
    if _ESCAPED.search(name):
        forms.append(_ESCAPED.sub(_unescaped, name))
    for form in tuple(forms):
        if not form.isascii():
            forms += (text for data in _bytes_behind(form) for text in texts_of(data))
    return tuple(dict.fromkeys(form for form in forms if form != name))


def _unescaped(found: re.Match[str]) -> str:
    if found[1]:
        return chr(int(found[1], 16)) if int(found[1], 16) < 0x110000 else found[0]
    return bytes.fromhex(found[2].replace("%", "")).decode("utf-8", "surrogateescape")


def _bytes_behind(text: str) -> list[bytes]:
    found = []
    for encoding in ("utf_8", *_MISTAKEN_FOR):
        try:
            data = text.encode(encoding, "surrogateescape")
        except UnicodeEncodeError:
            continue
        # As UTF-8 the text is what it is, unless there are bytes in it that are none.
        if encoding != "utf_8" or any("\udc80" <= letter <= "\udcff" for letter in text):
            found.append(data)
    return found
