"""Child processes that run a module of this package, started from a program, a test or Slicer: both ends of their start."""

from __future__ import annotations

import os
import subprocess
import sys
from io import BufferedReader
from pathlib import Path
from typing import BinaryIO

from .errors import PyLogikSlicerError

PACKAGE_ROOT = Path(__file__).resolve().parents[2]
# Python run with -c or -m puts the current folder first on its path (the option -P that prevents it is newer than Python 3.10), and a
# library that tries ``import dl`` would run any file of that name there. So the current folder is replaced by this package's root.
_START = "import sys; sys.path[0] = sys.argv[1]; import runpy; runpy.run_module(sys.argv[2], run_name='__main__')"


def default_python() -> str:
    """The path of the Python interpreter: PythonSlicer within Slicer, whose own executable is no interpreter, else the running one."""
    home = os.environ.get("SLICER_HOME")
    beside = Path(home, "bin", "PythonSlicer.exe" if os.name == "nt" else "PythonSlicer") if home else None
    return str(beside) if beside and beside.is_file() else sys.executable


def python_command(module: str, python: str | None = None) -> list[str]:
    """The command line that runs ``module`` of this package as a program, without the current folder on its path.

    ``python`` is the path of the interpreter, by default :func:`default_python`.
    """
    return [python or default_python(), "-c", _START, str(PACKAGE_ROOT), module]


def start_module(module: str, what: str, python: str | None = None) -> subprocess.Popen[bytes]:
    """Start ``module`` as a program with pipes to its standard input and output, without a console window and without standard error.

    Raises PyLogikSlicerError where that fails; ``what`` names the process in the message.
    """
    try:
        return subprocess.Popen(
            python_command(module, python),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
    except OSError as error:
        raise PyLogikSlicerError(f"the {what} process cannot be started ({error.strerror}): is Python where it was?") from None


def take_standard_pipes() -> tuple[BufferedReader, BinaryIO]:
    """In a child process: the pipes to the parent, taken away from standard input and output; these and standard error then lead nowhere.

    Libraries print, some of them names and paths, and what they print must not get between the messages.
    """
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    os.close(nowhere)
    return requests, answers
