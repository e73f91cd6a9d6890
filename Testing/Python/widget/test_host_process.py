"""Slicer is the host of many modules: importing this one changes nothing of the process that it has for itself."""

from __future__ import annotations

import json
import subprocess
import sys

from panel_steps import ROOT
from small_runs import environment

# The package sets it for ONNX Runtime, which would report to its maker otherwise; no other variable may change.
ALLOWED = "ORT_DISABLE_TELEMETRY"
SCRIPT = f"""
import sys
sys.path[:0] = [{str(ROOT / "Testing" / "Host")!r}, {str(ROOT / "PyLogikSlicer")!r}]
import importlib, json, locale, logging, os, pkgutil, signal, threading, warnings
import numpy, slicer_host, vtk
slicer_host.start()


def state():
    handlers = [(name, logger.level, logger.propagate, logger.disabled, len(logger.handlers))
                for name, logger in sorted(logging.Logger.manager.loggerDict.items()) if isinstance(logger, logging.Logger)]
    return {{
        "environment": dict(os.environ),
        "loggers": [(logging.root.level, logging.root.manager.disable, len(logging.root.handlers)), *handlers],
        "warnings": list(map(repr, warnings.filters)),
        "signals": [repr(signal.getsignal(number)) for number in sorted(signal.valid_signals()) if number not in (9, 19)],
        "hooks": [sys.excepthook.__name__, sys.displayhook.__name__, threading.excepthook.__name__],
        "streams": [id(stream) for stream in (sys.stdin, sys.stdout, sys.stderr)],
        "files": [os.fstat(number)[1:3] for number in (0, 1, 2)],
        "folder": os.getcwd(),
        "path": list(sys.path),
        "umask": (mask := os.umask(0), os.umask(mask))[0],
        "locale": locale.setlocale(locale.LC_ALL),
        "numpy": numpy.geterr(),
        "vtk": vtk.vtkObject.GetGlobalWarningDisplay(),
        "threads": threading.active_count(),
    }}


before = state()
import PyLogikSlicer, PyLogikSlicerLib.scene, PyLogikSlicerLib.widgets
for package in (PyLogikSlicerLib.scene, PyLogikSlicerLib.widgets):
    for module in pkgutil.iter_modules(package.__path__, package.__name__ + "."):
        importlib.import_module(module.name)
print(json.dumps([before, state()]))
"""


def test_importing_the_panel_and_the_logic_leaves_the_process_as_it_was():
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, env=environment(), timeout=120)
    before, after = json.loads(done.stdout.splitlines()[-1])
    for state in (before, after):
        state["environment"].pop(ALLOWED, None)
    assert before == after
