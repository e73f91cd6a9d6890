"""How this package starts a Python process of its own, from a program, from a test or from Slicer."""

from __future__ import annotations

import os
import sys
from pathlib import Path

PACKAGE_ROOT = Path(__file__).resolve().parents[2]
# Run with -c, Python puts the current folder first on its path, with -m too (-P is younger than Python 3.10), and a library that
# tries ``import dl`` would run whatever lies there under that name. The folder of this package takes its place.
_START = "import sys; sys.path[0] = sys.argv[1]; import runpy; runpy.run_module(sys.argv[2], run_name='__main__')"


def default_python() -> str:
    """PythonSlicer where this runs in Slicer, whose own executable is no Python; else this Python."""
    home = os.environ.get("SLICER_HOME")
    beside = Path(home, "bin", "PythonSlicer.exe" if os.name == "nt" else "PythonSlicer") if home else None
    return str(beside) if beside and beside.is_file() else sys.executable


def python_command(module: str, python: str | None = None) -> list[str]:
    """The command line that runs ``module`` of this package as a program, and nothing of the current folder."""
    return [python or default_python(), "-c", _START, str(PACKAGE_ROOT), module]
