"""The documentation is built without a warning, and says what there is."""

from __future__ import annotations

import re
import subprocess
import sys


def test_the_documentation_is_built_without_a_warning(repository, tmp_path):
    command = [sys.executable, "-m", "sphinx", "-q", "-b", "html", "-W", "--keep-going", "-d", str(tmp_path / "doctrees")]
    outcome = subprocess.run([*command, "docs", str(tmp_path / "html")], cwd=repository, capture_output=True, text=True)
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    api = (tmp_path / "html" / "api.html").read_text(encoding="utf-8")
    assert all(name in api for name in ("deid_us", "dice_score", "Options", "ImageStack", "FrameWriter"))


def test_every_file_that_a_document_names_is_there(repository):
    documents = [*repository.glob("*.md"), *(repository / "docs").glob("*.md"), *(repository / "Testing").rglob("*.md")]
    for document in documents:
        text = document.read_text(encoding="utf-8")
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)[^)]*\)", text):
            assert (document.parent / target).exists(), (document.name, target)
    architecture = (repository / "docs" / "architecture.md").read_text(encoding="utf-8")
    package = repository / "PyLogikSlicer" / "PyLogikSlicerLib"
    written = {"phi/", "images/"}
    for path in {*re.findall(r"`((?:[a-z_]+/)*[a-z_]+(?:\.py|/))`", architecture)} - written:
        assert any((root / path).exists() for root in (package, repository, repository / "PyLogikSlicer")), path
