"""Free text in the metadata of stills, TIFF files and volumes that may also be burned into the pixels."""

from __future__ import annotations

# Letters of the longest text that is compared with burned-in text: a longer one is a description of how the file was made.
_LONGEST = 200


def text_of_tag(value: object) -> str:
    """The value of an EXIF or TIFF tag as text. Bytes are UTF-16 (the XP tags of Windows) or UTF-8; None gives an empty text."""
    if isinstance(value, bytes):
        return value.decode("utf-16-le" if value[1:2] == b"\0" else "utf-8", "ignore").strip("\0")
    return "" if value is None else str(value)


def is_identifying_length(text: str) -> bool:
    """Whether a text is long enough to identify somebody (a single letter would match everything), and short enough to be burned in."""
    return 1 < len(text) <= _LONGEST
