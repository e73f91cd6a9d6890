"""A real MRML scene, real slice views drawn off screen, and one StudyLogic whose worker stays running."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

pytest.importorskip("PySide6", reason="the scene's tests need PySide6 and slicer-core: pip install '.[test]'")
pytest.importorskip("slicer", reason="the scene's tests need PySide6 and slicer-core: pip install '.[test]'")

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parents[1] / "Host"), str(HERE), str(HERE.parent / "engine")]


@pytest.fixture(scope="session")
def host():
    import slicer_host

    return slicer_host.start()


@pytest.fixture
def scene(host, tmp_path):
    """The scene, empty; bundles are unpacked below ``tmp_path``."""
    import slicer

    slicer.mrmlScene.Clear(0)
    cache, manager = slicer.vtkCacheManager(), slicer.vtkDataIOManager()
    cache.SetRemoteCacheDirectory(str(tmp_path))
    manager.SetCacheManager(cache)
    slicer.mrmlScene.SetDataIOManager(manager)
    yield slicer.mrmlScene
    slicer.mrmlScene.Clear(0)


@pytest.fixture(scope="session")
def _logic(host, tmp_path_factory):
    from PyLogikSlicerLib.scene.logic import StudyLogic

    logic = StudyLogic(templates=str(tmp_path_factory.mktemp("settings") / "templates.json"))
    yield logic
    logic.close()


@pytest.fixture
def logic(scene, _logic):
    """The logic on an empty scene, without studies."""
    yield _logic
    _logic.cancel()
    _logic.database = None


@pytest.fixture
def comparisonLogic(logic):
    """The logic of comparing, on the same scene and studies."""
    from PyLogikSlicerLib.scene.comparing.logic import ComparisonLogic

    comparing = ComparisonLogic(logic.studies)
    yield comparing
    comparing.close()


@pytest.fixture(autouse=True)
def nothing_is_raised_in_an_observer(monkeypatch):
    """VTK prints what a callback raises and goes on; a test must not."""
    raised = []
    monkeypatch.setattr(sys, "excepthook", lambda kind, error, trace: raised.append(error))
    yield
    if raised:
        raise raised[0]
