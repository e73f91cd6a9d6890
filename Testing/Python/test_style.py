"""The house rules that a machine can check: format, lint, and who may import what."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "PyLogikSlicer" / "PyLogikSlicerLib"
FILES = sorted(PACKAGE.rglob("*.py"))
SLICER = {"slicer", "qt", "ctk", "vtk", "mrml", "SlicerLib"}
QT = {"qt", "ctk", "PythonQt"}
OPTIONAL = {"easyocr", "onnx", "onnx2torch", "torch"}
# Distributions that are imported under another name.
IMPORTED_AS = {
    "opencv-python-headless": "cv2",
    "pillow": "PIL",
    "pynrrd": "nrrd",
    "zxing-cpp": "zxingcpp",
}


@pytest.mark.parametrize("check", [("format", "--check"), ("check",)], ids=["formatted", "lint"])
def test_ruff_is_content_with_every_file(check, repository):
    outcome = subprocess.run([sys.executable, "-m", "ruff", *check, str(repository)], cwd=repository, capture_output=True, text=True)
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr


@pytest.mark.costly
def test_mypy_finds_nothing(repository, tmp_path):
    command = [sys.executable, "-m", "mypy", "--cache-dir", str(tmp_path)]
    outcome = subprocess.run(command, cwd=repository, capture_output=True, text=True)
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr


def test_no_modules_import_each_other():
    """Imports of modules while they are imported themselves; those within functions and for types alone do not count."""
    imports = {_module_of(file): set(_imported_modules(file)) for file in FILES}

    def reachable(start: str) -> set[str]:
        found, waiting = set(), [start]
        while waiting:
            new = imports.get(waiting.pop(), set()) - found
            found |= new
            waiting += new
        return found

    assert [module for module in imports if module in reachable(module)] == []


def _module_of(file: Path) -> str:
    parts = file.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _imported_modules(file: Path) -> Iterator[str]:
    """The modules of this package that a file imports outside of functions and of ``if TYPE_CHECKING``."""
    modules = {_module_of(other) for other in FILES}
    package = _module_of(file).split(".") if file.name == "__init__.py" else _module_of(file).split(".")[:-1]
    for node in _outside_functions(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = ".".join([*package[: len(package) - node.level + 1], *([node.module] if node.module else [])])
            for alias in node.names:
                yield f"{base}.{alias.name}" if f"{base}.{alias.name}" in modules else base


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.relative_to(PACKAGE).as_posix())
def test_imports_keep_to_their_room(file):
    part = file.relative_to(PACKAGE).parts[0]
    forbidden = {"scene": QT, "widgets": set()}.get(part, SLICER | QT)
    tree = ast.parse(file.read_text(encoding="utf-8"))
    assert not forbidden & set(_imported(ast.walk(tree)))
    # torch takes seconds to import, and whoever has no GPU needs none of them: only the function that uses them imports them.
    assert not {"torch", "easyocr", "onnx", "onnx2torch"} & set(_imported(_outside_functions(tree)))


def test_the_engine_depends_on_what_it_imports_and_on_nothing_else(repository):
    project = (repository / "pyproject.toml").read_text(encoding="utf-8")
    declared = re.findall(r'"([A-Za-z0-9-]+)[^"]*"', re.search(r"^dependencies = \[(.*?)^\]", project, re.DOTALL | re.MULTILINE)[1])
    imported = set()
    for file in FILES:
        if file.relative_to(PACKAGE).parts[0] not in ("scene", "widgets"):
            imported |= set(_imported(ast.walk(ast.parse(file.read_text(encoding="utf-8")))))
    # rapidocr is never imported: only the weights in its wheel are used.
    assert {IMPORTED_AS.get(name, name) for name in declared} - {"rapidocr"} == imported - sys.stdlib_module_names - OPTIONAL - {
        PACKAGE.name
    }


def _outside_functions(node: ast.AST) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING":
            continue
        if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield child
            yield from _outside_functions(child)


def _imported(nodes: Iterator[ast.AST]) -> Iterator[str]:
    """The top-level package of every absolute import among the nodes."""
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield node.module.partition(".")[0]


def test_test_files_have_names_of_their_own():
    """Without packages, pytest takes two test files of one name for the same module and stops before the first test."""
    names = [path.name for path in Path(__file__).parent.rglob("test_*.py")]
    assert len(names) == len(set(names)), sorted(name for name in set(names) if names.count(name) > 1)
