"""The errors this package raises on purpose. Their messages are safe to print: no name, path or text of a source is in them."""


class PyLogikSlicerError(Exception):
    """Something the user can act on. The message says what is wrong and what to do, without identifying text."""


class UsageError(PyLogikSlicerError):
    """The call itself is wrong: unknown option, output inside input, nothing to read. Exit status 2."""


class UnreadableInput(PyLogikSlicerError):
    """This input holds no image that can be decoded; it is skipped with this reason and the run goes on."""


class EngineUnavailable(PyLogikSlicerError):
    """A text reader cannot start: a package or a weights file is missing, or a weights file is not the expected one."""


class NoRegionFound(PyLogikSlicerError):
    """The variant asks for a region of interest and the image shows none; nothing is written for it."""


class VerificationFailed(PyLogikSlicerError):
    """The written files are not what they must be, or text stayed readable; nothing is published for the image."""
