"""The panel in its host, as a fixture."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

pytest.importorskip("PySide6", reason="the panel's tests need PySide6 and slicer-core: pip install '.[test]'")
pytest.importorskip("slicer", reason="the panel's tests need PySide6 and slicer-core: pip install '.[test]'")

ROOT = Path(__file__).resolve().parents[3]
sys.path[:0] = [str(ROOT / "Testing" / folder) for folder in ("Host", "Python/scene", "Python/engine")]
PANEL_SIZE = (400, 900)


@pytest.fixture(scope="session")
def host():
    import slicer_host

    return slicer_host.start()


@pytest.fixture(autouse=True)
def nothing_is_raised_in_a_slot(monkeypatch):
    """Qt and VTK print what a callback raises and go on; a test must not."""
    raised = []
    monkeypatch.setattr(sys, "excepthook", lambda kind, error, trace: raised.append(error))
    yield
    if raised:
        raise raised[0]


@pytest.fixture
def make_logic():
    """Makes the logic of the panel from its module; None is the real one. Tests with a fake worker override it."""
    return None


@pytest.fixture
def panel(host, make_logic):
    """A panel on an empty scene, as it is when the module is opened."""
    yield from _panel(host, make_logic)


@pytest.fixture(scope="module")
def shared_panel(host):
    yield from _panel(host)


def _panel(host, make_logic=None):
    import slicer

    slicer.mrmlScene.Clear(0)
    widget = host.load("PyLogikSlicer", ROOT / "PyLogikSlicer" / "PyLogikSlicer.py", make_logic)
    widget.parent.resize(*PANEL_SIZE)
    widget.parent.show()
    widget.enter()
    yield widget
    widget.cleanup()
    widget._uiWidget.setMRMLScene(None)
    widget.parent.close()
    widget.parent.deleteLater()
    slicer.app.processEvents()
    slicer.mrmlScene.Clear(0)
