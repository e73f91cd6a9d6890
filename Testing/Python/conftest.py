"""What all tests share: the corpus, the markers slow, easyocr and torch, hypothesis settings, and the count of what was skipped."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import settings

REPOSITORY = Path(__file__).resolve().parents[2]
CORPUS = REPOSITORY.parent / "shared" / "corpus"

# What --fast leaves out.
COSTLY_FIXTURES = frozenset({"engine", "host", "scene", "corpus", "command"})
COSTLY_MARKERS = ("costly", "slow", "easyocr", "torch")
# Files of which most tests start a process or take seconds.
COSTLY_FILES = frozenset(
    f"test_{name}.py"
    for name in (
        *("bad_input", "codes", "command_line", "compare", "compare_command", "compare_labels", "console", "decoder", "docs", "glyphs"),
        *("host_process", "im_analysis", "leaks", "mask_dicom", "mask_values", "names", "names_in_runs", "output_folder"),
        *("overlay_generator", "packaging", "reading_dicom", "reading_hostile", "roi_finding", "run_py", "sample", "seed_api"),
        *("unwritten_memory", "worker"),
    )
)

# No deadline: the first call of a decoder or an OCR session takes far longer than the next ones.
settings.register_profile("pylogikslicer", deadline=None, max_examples=50, print_blob=True)
settings.load_profile("pylogikslicer")


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the source tree."""
    return REPOSITORY


@pytest.fixture(scope="session")
def corpus() -> Path:
    """Real images with ground truth, kept beside the repository and never copied into it."""
    if not (CORPUS / "MANIFEST.csv").is_file():
        pytest.skip("the corpus (../shared/corpus) is not here")
    return CORPUS


@pytest.fixture(scope="session")
def benchmark_module() -> Callable[[str], ModuleType]:
    """Imports a module of Testing/Benchmarks by its name."""

    def load(name: str) -> ModuleType:
        sys.path.insert(0, str(REPOSITORY / "Testing" / "Benchmarks"))
        try:
            return importlib.import_module(name)
        finally:
            sys.path.pop(0)

    return load


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--slow", action="store_true", help="run the tests that take minutes too")
    parser.addoption("--fast", action="store_true", help="leave out what needs a text reader, Slicer's host, a new process or seconds")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--fast"):
        items[:], left_out = _partition(items)
        config.hook.pytest_deselected(items=left_out)
    skips = {}
    if not config.getoption("--slow"):
        skips["slow"] = pytest.mark.skip(reason="takes minutes: add --slow to run it")
    if importlib.util.find_spec("easyocr") is None:
        skips["easyocr"] = pytest.mark.skip(reason="EasyOCR is not installed: python3 run.py test --with easyocr")
    if any(importlib.util.find_spec(package) is None for package in ("torch", "onnx2torch")):
        skips["torch"] = pytest.mark.skip(reason="torch and onnx2torch are not installed: python3 run.py test --with gpu")
    for item in items:
        for marker, skip in skips.items():
            if item.get_closest_marker(marker):
                item.add_marker(skip)


def _partition(items: list[pytest.Item]) -> tuple[list[pytest.Item], list[pytest.Item]]:
    """The tests that take milliseconds, and the others: those of the fixtures, markers and files that cost more."""
    quick, others = [], []
    for item in items:
        fixtures = COSTLY_FIXTURES.intersection(getattr(item, "fixturenames", ()))
        is_costly = fixtures or any(map(item.get_closest_marker, COSTLY_MARKERS)) or item.path.name in COSTLY_FILES
        (others if is_costly else quick).append(item)
    return quick, others


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say at the end what did not run, and why, with counts: a skipped test must never look like a passed one."""
    reasons = Counter(_reason(report) for report in terminalreporter.stats.get("skipped", []))
    if not reasons:
        return
    terminalreporter.section(f"{reasons.total()} tests were skipped")
    for reason, count in reasons.most_common():
        terminalreporter.line(f"{count:5d}  {reason}")


def _reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    message = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    return message.removeprefix("Skipped: ")


@pytest.fixture(scope="session")
def engine():
    """The embedded reader, started once for all tests."""
    from PyLogikSlicerLib.detection.engines import choose_engine

    return choose_engine("ppocr", "cpu")
