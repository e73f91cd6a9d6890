"""The texts that bytes stand for in the character sets in which names are written, whatever a file declares."""

from __future__ import annotations

import re
import unicodedata

# Python's names of the character sets of DICOM (PS3.3 C.12.1.1.2), and of those that Windows, DOS, macOS and the web use for the same
# languages. Many headers and file names declare no character set, or another one than they use.
_ENCODINGS = (
    *("utf_8", "gb18030", "big5hkscs", "cp932", "euc_jp", "cp949", "iso2022_jp_2"),
    *("cp1252", "iso8859_1", "cp1250", "iso8859_2", "iso8859_3", "iso8859_4", "cp1254", "iso8859_9", "cp1257", "iso8859_15"),
    *("cp1251", "iso8859_5", "koi8_r", "koi8_u", "cp866", "cp1253", "iso8859_7", "cp1255", "iso8859_8", "cp1256", "iso8859_6", "cp874"),
    *("cp437", "cp850", "cp852", "mac_roman", "mac_cyrillic"),
)
# Character sets in which bytes of other sets are often decoded by mistake; encoding the text again gives the original bytes.
_WRONG_DECODINGS = ("iso8859_1", "cp1252", "cp437", "cp850", "mac_roman")
# An escape sequence of ISO 2022 that designates a character set. Python's EUC and GB codecs decode the bytes only without it.
_ESCAPE_SEQUENCE = re.compile(rb"\x1b[\x20-\x2f]+[\x30-\x7e]")
# Signs between the parts of a name, apart from those in ASCII: apostrophe, middle dots, ideographic space.
_SEPARATORS = frozenset("\u2019\u00b7\u30fb\u3000")
_ESCAPED = re.compile(r"#U([0-9A-Fa-f]{4,6})|((?:%[0-9A-Fa-f]{2})+)")


def possible_texts(data: bytes) -> tuple[str, ...]:
    """The texts that ``data`` stands for in any of the character sets, as far as they could be names."""
    stripped = _ESCAPE_SEQUENCE.sub(b"", data)
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
    """Whether a text has letters, and apart from ASCII only letters, digits and separators of names."""
    return any(map(str.isalpha, text)) and all(map(_could_be_in_name, text))


def _could_be_in_name(letter: str) -> bool:
    if letter.isascii():
        return letter.isprintable()
    return letter in _SEPARATORS or unicodedata.category(letter)[0] in "LM" or letter.isdecimal()


def undo_misdecoding(name: str) -> tuple[str, ...]:
    """The possible original forms of a name that a program decoded wrongly or escaped, without ``name`` itself.

    Covered are bytes that are not UTF-8, UTF-8 or another character set that was decoded as a Western one, ``%C3%BC`` of the web, and
    ``#U738b`` of zip programs.
    """
    forms = [name]
    if _ESCAPED.search(name):
        forms.append(_ESCAPED.sub(_unescape, name))
    for form in tuple(forms):
        if not form.isascii():
            forms += (text for data in _original_bytes(form) for text in possible_texts(data))
    return tuple(dict.fromkeys(form for form in forms if form != name))


def _unescape(found: re.Match[str]) -> str:
    if found[1]:
        return chr(int(found[1], 16)) if int(found[1], 16) < 0x110000 else found[0]
    return bytes.fromhex(found[2].replace("%", "")).decode("utf-8", "surrogateescape")


def _original_bytes(text: str) -> list[bytes]:
    """The bytes from which a text may have been decoded by mistake."""
    found = []
    for encoding in ("utf_8", *_WRONG_DECODINGS):
        try:
            data = text.encode(encoding, "surrogateescape")
        except UnicodeEncodeError:
            continue
        # Encoding as UTF-8 changes nothing, unless the text has bytes that are not UTF-8 (as surrogates).
        if encoding != "utf_8" or any("\udc80" <= letter <= "\udcff" for letter in text):
            found.append(data)
    return found
