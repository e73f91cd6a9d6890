"""What a look at the files tells: nothing is missing from the package, the .ui fits the code, nothing heavy is imported early."""

from __future__ import annotations

import ast
import json
import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from PIL import Image

ROOT = Path(__file__).resolve().parents[3]
MODULE = ROOT / "PyLogikSlicer"
UI = ElementTree.parse(MODULE / "Resources" / "UI" / "PyLogikSlicer.ui").getroot()
SOURCES = [MODULE / "PyLogikSlicer.py", *sorted((MODULE / "PyLogikSlicerLib" / "widgets").glob("*.py"))]
WIDGETS = {widget.get("name"): widget for widget in UI.iter("widget")}
# All that Slicer has loaded anyway, or that is a plain file of the standard library, or a table of our own that imports nothing heavy.
EARLY = {
    "slicer",
    "vtk",
    "numpy",
    "enum",
    "os",
    "pathlib",
    "sys",
    "typing",
    "PyLogikSlicerLib.core.options",
    "PyLogikSlicerLib.core.text_engines",
}


def _listed(variable: str) -> list[str]:
    text = (MODULE / "CMakeLists.txt").read_text(encoding="utf-8")
    body = re.search(rf"set\({variable}\n(.*?)\n\)", text, re.DOTALL)[1]
    return body.replace("${MODULE_NAME}", "PyLogikSlicer").split()


def _on_disk(python: bool) -> list[str]:
    files = (path for path in MODULE.rglob("*") if path.is_file() and path.name != "CMakeLists.txt")
    kept = (path for path in files if not {"__pycache__", "PyLogikSlicer.egg-info"} & set(path.parts))
    return sorted(path.relative_to(MODULE).as_posix() for path in kept if (path.suffix == ".py") == python)


@pytest.mark.parametrize(("variable", "python"), [("MODULE_PYTHON_SCRIPTS", True), ("MODULE_PYTHON_RESOURCES", False)])
def test_every_file_of_the_module_is_in_the_package(variable, python):
    listed = _listed(variable)
    assert sorted(listed) == _on_disk(python)
    assert len(listed) == len(set(listed))


def test_every_control_that_the_code_names_is_in_the_ui_file():
    named = set()
    for source in SOURCES:
        for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and (
                (isinstance(node.value, ast.Name) and node.value.id == "ui")
                or (isinstance(node.value, ast.Attribute) and node.value.attr == "ui")
            ):
                named.add(node.attr)
    assert len(named) > 30
    assert named <= set(WIDGETS)


def test_every_control_of_the_ui_file_does_something():
    code = "\n".join(source.read_text(encoding="utf-8") for source in SOURCES)
    passive = {"QLabel", "QWidget", "qMRMLWidget", "ctkCollapsibleButton"}
    for name, widget in WIDGETS.items():
        bound = widget.find("property[@name='SlicerParameterName']") is not None
        assert bound or widget.get("class") in passive or f"ui.{name}" in code, name


def test_parameters_and_bound_controls_are_the_same():
    tree = ast.parse((MODULE / "PyLogikSlicer.py").read_text(encoding="utf-8"))
    (node,) = (part for part in tree.body if isinstance(part, ast.ClassDef) and part.name == "PyLogikSlicerParameterNode")
    declared = {part.target.id for part in node.body if isinstance(part, ast.AnnAssign)}
    bound = [property.findtext("string") for property in UI.iterfind(".//property[@name='SlicerParameterName']")]
    assert sorted(bound) == sorted(declared)


def test_the_scene_reaches_every_control_that_shows_nodes():
    assert UI.find("widget").get("class") == "qMRMLWidget"
    selectors = {name for name, widget in WIDGETS.items() if widget.get("class").startswith("qMRML")} - {UI.find("widget").get("name")}
    connected = {
        connection.findtext("receiver")
        for connection in UI.iterfind("connections/connection")
        if connection.findtext("signal") == "mrmlSceneChanged(vtkMRMLScene*)"
        and connection.findtext("slot") == "setMRMLScene(vtkMRMLScene*)"
    }
    assert connected == selectors


def test_every_control_says_what_it_is_for():
    silent = {"QLabel", "QWidget", "qMRMLWidget", "ctkCollapsibleButton", "QProgressBar"}
    for name, widget in WIDGETS.items():
        assert widget.get("class") in silent or widget.find("property[@name='toolTip']") is not None, name


def test_slicer_starts_without_anything_heavy():
    tree = ast.parse((MODULE / "PyLogikSlicer.py").read_text(encoding="utf-8"))
    imported = set()
    for node in tree.body:
        if isinstance(node, ast.Import):
            imported |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported.add(node.module if node.module in EARLY else node.module.partition(".")[0])
    assert imported <= EARLY


def test_what_slicer_installs_has_the_bounds_of_the_project():
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    declared = set(re.findall(r'"([^"]+)"', re.search(r"^dependencies = \[(.*?)^\]", project, re.DOTALL | re.MULTILINE)[1]))
    lines = (MODULE / "Resources" / "requirements.txt").read_text(encoding="utf-8").splitlines()
    wanted = {line for line in lines if not line.startswith("#")}
    # Slicer brings the first four; tqdm is for the command line, and matplotlib is asked for when a picture is to be drawn.
    left = {"numpy", "pillow", "SimpleITK", "scipy", "tqdm", "matplotlib"}
    assert wanted == {requirement for requirement in declared if re.split("[>=]", requirement)[0] not in left}
    # An inline comment is an error to slicer.packaging.
    assert not any(" " in line for line in wanted)
    lines = (MODULE / "Resources" / "requirements_pictures.txt").read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if line in declared and line.startswith("matplotlib")] == [lines[-1]]


def test_the_catalog_entry_and_the_project_are_the_same_extension():
    entry = json.loads((ROOT / "PyLogikSlicer.json").read_text(encoding="utf-8"))
    root = (ROOT / "CMakeLists.txt").read_text(encoding="utf-8")
    assert "project(PyLogikSlicer)" in root
    assert entry["scm_url"].removesuffix(".git") == re.search(r'EXTENSION_HOMEPAGE "([^"]+)"', root)[1]
    assert entry["category"] in ("Utilities", "DICOM")
    icon = Path(re.search(r'EXTENSION_ICONURL "[^"]+/main/([^"]+)"', root)[1])
    shots = re.findall(r"/main/(Resources/Screenshots/[\w-]+\.png)", root)
    assert shots
    for picture in (icon, *shots):
        with Image.open(ROOT / picture) as image:
            image.verify()
    assert Image.open(ROOT / icon).size == (128, 128)
    assert (MODULE / "Resources" / "Icons" / "PyLogikSlicer.png").read_bytes() == (ROOT / icon).read_bytes()
