"""The degrees of evidence for a value in a file's name, and words that are no evidence."""

from enum import IntEnum

# Words that are used in place of a person's name, or say what an image is a test of.
PLACEHOLDERS = frozenset(
    (
        *("anon", "anonym", "anonymized", "anonymised", "anonymous", "demo", "dummy", "example", "name", "none", "null", "patient"),
        *("phantom", "removed", "sample", "signed", "subject", "test", "tester", "testing", "unknown", "unnamed", "unsigned"),
    )
)
# All words that identify nobody: these, titles, and words for kinds of files.
GENERIC_WORDS = PLACEHOLDERS | frozenset(
    (
        *("case", "dcm", "dicom", "file", "frame", "im", "image", "img", "scan", "screen", "screenshot", "series", "slice", "study"),
        *("dr", "frau", "herr", "med", "miss", "mrs", "phd", "prof", "professor"),
    )
)


class Evidence(IntEnum):
    """Whether a value is in a file's name. ``DOUBT``: it may be, but chance or another meaning are as likely."""

    NONE = 0
    DOUBT = 1
    CERTAIN = 2
