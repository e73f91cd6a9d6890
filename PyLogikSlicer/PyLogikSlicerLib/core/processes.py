"""The command line of a child process that runs a module of this package, started from a program, a test or Slicer."""

from __future__ import annotations

import os
import sys
from pathlib import Path

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
