"""`pip install .` gives the whole engine: every module and data file, one version, and no command without its function."""

from __future__ import annotations

import importlib
import shutil
import subprocess
import sys
import zipfile
from email import message_from_string
from pathlib import Path

import pytest

import PyLogikSlicerLib

PACKAGE = "PyLogikSlicerLib"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory, repository) -> zipfile.ZipFile:
    """Built from a copy, as a build leaves its traces in the source tree."""
    source = tmp_path_factory.mktemp("source")
    for name in ("pyproject.toml", "LICENSE", "README.md"):
        if (repository / name).is_file():
            shutil.copy(repository / name, source)
    shutil.copytree(repository / "PyLogikSlicer", source / "PyLogikSlicer", ignore=shutil.ignore_patterns("*.egg-info", "__pycache__"))
    offline = ["--no-build-isolation", "--no-deps", "--no-index", "--quiet", "--disable-pip-version-check"]
    subprocess.run([sys.executable, "-m", "pip", "wheel", *offline, "--wheel-dir", str(source / "dist"), str(source)], check=True)
    (path,) = (source / "dist").glob("*.whl")
    with zipfile.ZipFile(path) as archive:
        yield archive


def test_the_wheel_holds_the_engine_with_its_data_and_nothing_else(wheel, repository):
    root = repository / "PyLogikSlicer"
    expected = {
        path.relative_to(root).as_posix()
        for path in (root / PACKAGE).rglob("*")
        if path.suffix in (".py", ".onnx", ".json", ".typed") and path.is_file()
    }
    assert {name for name in wheel.namelist() if ".dist-info/" not in name} == expected


def test_the_version_stands_in_one_place(wheel, repository):
    metadata = message_from_string(_dist_info(wheel, "METADATA"))
    assert metadata["Version"] == PyLogikSlicerLib.__version__
    assert metadata["License-Expression"] == "Apache-2.0"
    assert PyLogikSlicerLib.__version__ not in (repository / "pyproject.toml").read_text(encoding="utf-8")


def test_the_command_is_there_and_callable(wheel):
    (line,) = (line for line in _dist_info(wheel, "entry_points.txt").splitlines() if line.startswith("pylogikslicer"))
    module, _, function = line.partition("=")[2].strip().partition(":")
    assert callable(getattr(importlib.import_module(module), function))


def _dist_info(wheel: zipfile.ZipFile, name: str) -> str:
    (path,) = (entry for entry in wheel.namelist() if Path(entry).parent.suffix == ".dist-info" and Path(entry).name == name)
    return wheel.read(path).decode("utf-8")
