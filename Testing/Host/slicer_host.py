"""Starts the host: a MRML scene with its logics, ``slicer.app``, ``slicer.modules`` and the widgets that modules expect.

import application
host = application.start()
host.load("PyLogikSlicer", path)      # what Slicer does when it finds the module
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace

import qt
import slicer

# VTK draws with Mesa, which loads its own LLVM. triton, which torch imports, has another in it and ends the process where it is loaded
# after Mesa's; the other way round both work.
with contextlib.suppress(ImportError):
    importlib.import_module("triton")

slicer.__path__.append(str(Path(__file__).resolve().parent / "slicer"))

import mrml_widgets  # noqa: E402
from slice_views import LayoutManager  # noqa: E402

LOGICS = {
    "Volumes": "vtkSlicerVolumesLogic",
    "SubjectHierarchy": "vtkSlicerSubjectHierarchyModuleLogic",
    "Segmentations": "vtkSlicerSegmentationsModuleLogic",
    "Sequences": "vtkSlicerSequencesLogic",
    "Tables": "vtkSlicerTablesLogic",
    "Markups": "vtkSlicerMarkupsLogic",
    "Plots": "vtkSlicerPlotsLogic",
}


class Application:
    """``slicer.app``: what the panel and ``slicer.util`` ask of it."""

    applicationName = "Host"

    def __init__(self, logic, layoutManager):
        self._logic, self._layoutManager = logic, layoutManager
        self._settings = tempfile.TemporaryDirectory()
        self.slicerUserSettingsFilePath = str(Path(self._settings.name) / "Slicer.ini")

    def applicationLogic(self):
        return self._logic

    def layoutManager(self):
        return self._layoutManager

    def testingEnabled(self):
        return False

    def processEvents(self, *_):
        qt.application.processEvents()

    def setOverrideCursor(self, cursor):
        qt.application.setOverrideCursor(cursor)

    def restoreOverrideCursor(self):
        qt.application.restoreOverrideCursor()

    def settings(self):
        return qt.QSettings()

    userSettings = settings


class Host:
    """Everything that was started; :meth:`load` makes a module and its widget."""

    def __init__(self, logics, app):
        self.logics, self.app = logics, app
        self._widgets: dict = {}

    def load(self, name: str, path: Path, makeLogic=None):
        """Import the module file, register it and return its widget, set up; with the logic that ``makeLogic(module)`` returns."""
        if str(path.parent) not in sys.path:
            sys.path.insert(0, str(path.parent))
        module = importlib.import_module(name)
        setattr(slicer.modules, name.lower(), SimpleNamespace(path=str(path)))
        getattr(module, name)(SimpleNamespace(path=str(path), title="", icon=None))
        arguments = {} if makeLogic is None else {"logic": makeLogic(module)}
        self._widgets[name] = getattr(module, f"{name}Widget")(**arguments)
        self._widgets[name].setup()
        return self._widgets[name]

    def reload(self, name: str):
        """What ``slicer.util.reloadScriptedModule`` does."""
        self._widgets[name].cleanup()
        del sys.modules[name]
        return self.load(name, Path(slicer.util.modulePath(name)))

    def widget(self, name: str):
        return self._widgets[name]


@functools.cache
def start() -> Host:
    """Put the stand-ins in their places in ``slicer``; once per process, however often it is called."""
    scene = slicer.mrmlScene = slicer.vtkMRMLScene()
    applicationLogic = slicer.vtkSlicerApplicationLogic()
    applicationLogic.SetMRMLScene(scene)
    colors = slicer.vtkMRMLColorLogic()
    colors.SetMRMLScene(scene)
    applicationLogic.SetModuleLogic("Colors", colors)
    logics = {"Colors": colors, "application": applicationLogic}
    for name, kind in LOGICS.items():
        logics[name] = getattr(slicer, kind)()
        logics[name].SetMRMLApplicationLogic(applicationLogic)
        logics[name].SetMRMLScene(scene)
        applicationLogic.SetModuleLogic(name, logics[name])
    modules = {name.lower(): SimpleNamespace(logic=lambda name=name: logics[name]) for name in LOGICS}
    modules["sequences"].played = None
    modules["sequences"].showSequenceBrowser = functools.partial(setattr, modules["sequences"], "played")
    slicer.modules = SimpleNamespace(**modules)
    for name in ("qMRMLWidget", "qMRMLNodeComboBox"):
        setattr(slicer, name, getattr(mrml_widgets, name))
    app = slicer.app = Application(applicationLogic, LayoutManager(applicationLogic))
    slicer.util.modulePath = lambda name: getattr(slicer.modules, name.lower()).path
    slicer.util.mainWindow = lambda verbose=True: None
    host = Host(logics, app)
    slicer.util.getModuleWidget = host.widget
    slicer.util.reloadScriptedModule = host.reload
    slicer.util.selectModule = lambda name: host.widget(name).enter()
    return host
