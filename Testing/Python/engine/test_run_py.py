"""run.py on a miniature of this project, offline: what a person relies on who has nothing but Python."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

PYPROJECT = """\
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]

[project]
name = "PyLogikSlicer"
version = "0"
"""

# Builds the wheel of an editable install by hand and notes that it was asked to.
BACKEND = """\
import pathlib, zipfile

def build_editable(wheel_directory, config_settings=None, metadata_directory=None):
    with open("builds.log", "a") as log:
        log.write("built\\n")
    name = "pylogikslicer-0-py3-none-any.whl"
    with zipfile.ZipFile(pathlib.Path(wheel_directory, name), "w") as wheel:
        wheel.writestr("pylogikslicer.pth", str(pathlib.Path("PyLogikSlicer").resolve()) + "\\n")
        wheel.writestr("pylogikslicer-0.dist-info/METADATA", METADATA)
        wheel.writestr("pylogikslicer-0.dist-info/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr("pylogikslicer-0.dist-info/RECORD", "")
    return name

METADATA = '''Metadata-Version: 2.1
Name: PyLogikSlicer
Version: 0
Provides-Extra: test
Provides-Extra: easyocr
Requires-Dist: easyocr; extra == "easyocr"
'''
"""

# Stands for the program and for pytest alike: says how it was called, and ends with a status of its own.
SPEAKER = """\
import importlib.util, json, os, sys
installed = [name for name in ("easyocr",) if importlib.util.find_spec(name)]
print(json.dumps({"arguments": sys.argv[1:], "folder": os.getcwd(), "installed": installed}))
sys.exit(7)
"""


class Checkout:
    """A fresh copy of run.py in a project without dependencies, called from elsewhere."""

    def __init__(self, root: Path, repository: Path) -> None:
        self.root = root / "a checkout – 写し"
        self.elsewhere = root / "elsewhere"
        self.wheels = root / "wheels"
        package = self.root / "PyLogikSlicer" / "PyLogikSlicerLib"
        for folder in (package, self.elsewhere, self.wheels):
            folder.mkdir(parents=True)
        shutil.copy(repository / "run.py", self.root)
        (self.root / "pyproject.toml").write_text(PYPROJECT)
        (self.root / "backend.py").write_text(BACKEND)
        (package / "__init__.py").write_text("")
        (package / "__main__.py").write_text(SPEAKER)
        (package.parent / "pytest.py").write_text(SPEAKER)
        self._add_wheel("easyocr")

    def run(self, *arguments: str, python: tuple[str, ...] = (sys.executable,)) -> subprocess.CompletedProcess[str]:
        offline = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": self.wheels.as_uri(), "PIP_CONFIG_FILE": os.devnull, "PYTHONUTF8": "1"}
        command = [*python, str(self.root / "run.py"), *arguments]
        return subprocess.run(command, cwd=self.elsewhere, env=os.environ | offline, capture_output=True, encoding="utf-8")

    @property
    def installations(self) -> int:
        return len((self.root / "builds.log").read_text().splitlines())

    def _add_wheel(self, name: str) -> None:
        with zipfile.ZipFile(self.wheels / f"{name}-99-py3-none-any.whl", "w") as wheel:
            wheel.writestr(f"{name}.py", "")
            wheel.writestr(f"{name}-99.dist-info/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 99\n")
            wheel.writestr(f"{name}-99.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
            wheel.writestr(f"{name}-99.dist-info/RECORD", "")


@pytest.fixture(scope="module")
def checkout(tmp_path_factory, repository) -> Checkout:
    return Checkout(tmp_path_factory.mktemp("run"), repository)


def said(outcome: subprocess.CompletedProcess[str]) -> dict:
    assert outcome.returncode == 7, outcome.stdout + outcome.stderr
    return json.loads(outcome.stdout.splitlines()[-1])


def test_demo_installs_and_runs_from_any_folder_under_any_path(checkout):
    spoken = said(checkout.run("demo"))
    assert spoken["arguments"] == ["demo", "-o", str(checkout.root / "demo-output")]
    assert spoken["installed"] == []


def test_what_the_user_adds_is_handed_on_and_the_exit_status_comes_back(checkout):
    assert said(checkout.run("demo", "-o", "out here", "--engine", "ppocr"))["arguments"] == ["demo", "-o", "out here", "--engine", "ppocr"]
    spoken = said(checkout.run("test", "-k", "formats and not slow", "--slow"))
    assert spoken["arguments"] == ["-k", "formats and not slow", "--slow"]
    assert Path(spoken["folder"]).samefile(checkout.root)


def test_torch_comes_only_when_asked_for_and_stays_then(checkout):
    assert said(checkout.run("test"))["installed"] == []
    assert said(checkout.run("test", "--with", "easyocr", "-x")) | {"folder": ""} == {
        "arguments": ["-x"],
        "folder": "",
        "installed": ["easyocr"],
    }
    installations = checkout.installations
    assert said(checkout.run("test"))["installed"] == ["easyocr"]
    assert said(checkout.run("demo"))["installed"] == ["easyocr"]
    assert checkout.installations == installations


def test_it_installs_again_only_when_the_project_file_has_changed(checkout):
    said(checkout.run("demo"))
    installations = checkout.installations
    said(checkout.run("demo"))
    assert checkout.installations == installations
    project = checkout.root / "pyproject.toml"
    project.write_text(project.read_text() + "# newer\n")
    said(checkout.run("demo"))
    said(checkout.run("demo"))
    assert checkout.installations == installations + 1


def test_a_failed_installation_says_so_and_the_next_call_goes_on(checkout):
    project = checkout.root / "pyproject.toml"
    sound = project.read_text()
    project.write_text(sound.replace('"backend"', '"absent"'))
    outcome = checkout.run("demo")
    assert outcome.returncode not in (0, 7) and "installation failed" in outcome.stderr
    project.write_text(sound)
    said(checkout.run("demo"))


def test_an_environment_whose_python_is_gone_is_made_anew(checkout):
    said(checkout.run("demo"))
    (environment,) = checkout.root.glob(".venv-*")
    for python in environment.rglob("python*"):
        if python.is_symlink() or python.suffix == ".exe":
            python.unlink()
    said(checkout.run("demo"))


def test_a_python_without_ensurepip_is_told_what_to_install(tmp_path, repository):
    without = (
        "import runpy, sys; sys.modules['ensurepip'] = None; sys.argv = sys.argv[1:]; runpy.run_path(sys.argv[0], run_name='__main__')"
    )
    outcome = Checkout(tmp_path, repository).run("demo", python=(sys.executable, "-c", without))
    assert outcome.returncode == 1
    assert "apt install python3-venv" in outcome.stderr and "Traceback" not in outcome.stderr


def test_a_python_that_is_too_old_is_told_so(tmp_path, repository):
    old = next((path for minor in (9, 8, 7) if (path := shutil.which(f"python3.{minor}")) and _starts(path)), None)
    if old is None:
        pytest.skip("no Python older than 3.10 is here")
    outcome = Checkout(tmp_path, repository).run("demo", python=(old,))
    assert outcome.returncode == 1
    assert "needs Python 3.10" in outcome.stderr and "Traceback" not in outcome.stderr


def _starts(python: str) -> bool:
    return subprocess.run([python, "--version"], capture_output=True).returncode == 0


def test_nonsense_is_wrong_usage(checkout):
    assert checkout.run().returncode == 2
    assert checkout.run("deploy").returncode == 2
    assert checkout.run("test", "--with", "torch").returncode == 2
