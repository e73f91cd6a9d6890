#!/usr/bin/env python3
"""One command from a fresh checkout to a running program: ``python3 run.py demo`` or ``python3 run.py test``.

Makes a virtual environment in the repository (one per Python version), installs the project there, and runs. It needs
nothing but Python 3.10 or later, and it installs again only when pyproject.toml has changed or an extra is new.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent
ENVIRONMENT = ROOT / ".venv-{}.{}".format(*sys.version_info[:2])
PYTHON = ENVIRONMENT / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
STAMP = ENVIRONMENT / "installed.json"


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("demo", help="de-identify the ultrasound images that come with pydicom; more options go to `pylogikslicer demo`")
    test = commands.add_parser("test", help="run all tests; more options go to pytest")
    test.add_argument(
        "--with", dest="extras", action="append", default=[], choices=["easyocr", "gpu"], help="each brings torch, up to 6 GB"
    )
    options, others = parser.parse_known_args(arguments)

    if options.command == "demo":
        install(set())
        output = [] if any(other.startswith("-o") for other in others) else ["-o", str(ROOT / "demo-output")]
        return subprocess.call([str(PYTHON), "-m", "PyLogikSlicerLib", "demo", *output, *others])
    install({"test", *options.extras})
    return subprocess.call([str(PYTHON), "-m", "pytest", *others], cwd=ROOT)


def install(extras: set[str]) -> None:
    """Make the environment hold the project and these extras; what was installed before stays."""
    project = hashlib.sha256((ROOT / "pyproject.toml").read_bytes()).hexdigest()
    installed = json.loads(STAMP.read_text()) if works(PYTHON) and STAMP.is_file() else None
    if installed and installed["project"] == project and extras <= set(installed["extras"]):
        return
    if not works(PYTHON):
        make_environment()
    extras |= set(installed["extras"]) if installed else set()
    wanted = ".[{}]".format(",".join(sorted(extras))) if extras else "."
    print(f"Installing PyLogikSlicer into {ENVIRONMENT} (only the first time, a few minutes) ...", file=sys.stderr, flush=True)
    pip = [str(PYTHON), "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    if subprocess.call([*pip, "--editable", wanted], cwd=ROOT) != 0:
        sys.exit("The installation failed; pip says why above. Once that is put right, the same command goes on from here.")
    STAMP.write_text(json.dumps({"project": project, "extras": sorted(extras)}))


def make_environment() -> None:
    if importlib.util.find_spec("ensurepip") is None:
        sys.exit("This Python cannot make virtual environments. On Debian and Ubuntu: sudo apt install python3-venv")
    subprocess.check_call([sys.executable, "-m", "venv", "--clear", str(ENVIRONMENT)])


def works(python: Path) -> bool:
    """An interpreter that was removed or upgraded since leaves an environment that cannot start."""
    return python.is_file() and subprocess.call([str(python), "-c", "import pip"], stderr=subprocess.DEVNULL) == 0


if __name__ == "__main__":
    if sys.version_info < (3, 10):  # noqa: UP036 - this file is what an older Python is started with
        sys.exit("PyLogikSlicer needs Python 3.10 or later; this is {}.{}.".format(*sys.version_info[:2]))
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
