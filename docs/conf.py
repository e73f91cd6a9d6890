"""The documentation site: `python -m sphinx -b html -W docs docs/_build`. Pages in Markdown, the reference from docstrings."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "PyLogikSlicer"))

from PyLogikSlicerLib import __version__  # noqa: E402

project = "PyLogikSlicer"
author = "The PyLogikSlicer developers"
release = version = __version__
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
# Only there inside of 3D Slicer, or with an extra.
autodoc_mock_imports = ["slicer", "vtk", "qt", "ctk", "torch", "easyocr", "onnx2torch"]
autodoc_default_options = {"members": True, "show-inheritance": True}
autodoc_typehints = "description"
autodoc_member_order = "bysource"
exclude_patterns = ["_build"]
html_theme = "alabaster"
myst_heading_anchors = 3
# Links to files of the repository that are no pages of this site.
suppress_warnings = ["myst.xref_missing"]
