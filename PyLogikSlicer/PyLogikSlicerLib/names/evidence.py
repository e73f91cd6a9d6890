"""How much a file's name tells."""

from enum import IntEnum

# Words that stand in place of a name, or say what an image is a test of.
PLACEHOLDERS = frozenset(
    (
        *("anon", "anonym", "anonymized", "anonymised", "anonymous", "demo", "dummy", "example", "name", "none", "null", "patient"),
        *("phantom", "removed", "sample", "signed", "subject", "test", "tester", "testing", "unknown", "unnamed", "unsigned"),
    )
)
# With titles, and words that say what kind of file it is, what tells of nobody.
NOBODY = PLACEHOLDERS | frozenset(
    (
        *("case", "dcm", "dicom", "file", "frame", "im", "image", "img", "scan", "screen", "screenshot", "series", "slice", "study"),
        *("dr", "frau", "herr", "med", "miss", "mrs", "phd", "prof", "professor"),
    )
)


class Evidence(IntEnum):
    """``CERTAIN``: the name stands there, nobody can doubt it. ``DOUBT``: it may, and chance or another meaning are as likely."""

    NONE = 0
    DOUBT = 1
    CERTAIN = 2
