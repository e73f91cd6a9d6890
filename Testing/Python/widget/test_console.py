"""The logic in Slicer's Python console: its methods are there to be completed and to be read about, and it starts without the engine."""

from __future__ import annotations

import inspect
import json
import re
import subprocess
import sys

from panel_steps import ROOT
from small_runs import environment

START = f"""
import sys
sys.path[:0] = [{str(ROOT / "Testing" / "Host")!r}, {str(ROOT / "PyLogikSlicer")!r}]
import json, pathlib, slicer_host
host = slicer_host.start()


def library():
    return sorted(name for name in sys.modules if name.partition(".")[0] == "PyLogikSlicerLib")


"""
LAZY = f"""{START}
import PyLogikSlicer
early = library()
PyLogikSlicer.PyLogikSlicerLogic().close()
heavy = sorted({{"cv2", "pydicom", "onnxruntime", "SimpleITK", "PIL", "rapidocr"}} & set(sys.modules))
print(json.dumps([early, heavy]))
"""
RELOAD = f"""{START}
panel = host.load("PyLogikSlicer", pathlib.Path({str(ROOT / "PyLogikSlicer" / "PyLogikSlicer.py")!r}))
before = {{name: sys.modules[name] for name in library()}}
panel.onReload()
fresh = host.widget("PyLogikSlicer")
kept = [name for name in library() if sys.modules[name] is before.get(name)]
print(json.dumps([kept, fresh is panel, type(fresh.logic.studyLogic) is type(panel.logic.studyLogic), len(before) > 20]))
"""


def run(script):
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=environment(), timeout=120)
    assert done.stdout, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_every_method_of_the_readme_is_completed_and_explained(host):
    sys.path.insert(0, str(ROOT / "PyLogikSlicer"))
    from PyLogikSlicer import PyLogikSlicerLogic

    named = set(re.findall(r"\blogic\.(\w+)\(", (ROOT / "README.md").read_text(encoding="utf-8")))
    own = {name: inspect.getdoc(member) for name, member in vars(PyLogikSlicerLogic).items() if not name.startswith("_")}
    assert named and named <= set(own) and {"process", "studyOf", "refresh", "export", "compare", "close"} <= set(own)
    assert all(own[name] for name in own if name != "getParameterNode") and not hasattr(PyLogikSlicerLogic, "__getattr__")


# The tables of the panel's choices, and what they import: nothing that takes time or has to be installed.
TABLES = ["", ".core", ".core.errors", ".core.options", ".core.text_engines"]


def test_slicer_starts_without_the_library_and_the_logic_without_what_has_to_be_installed():
    assert run(LAZY) == [[f"PyLogikSlicerLib{name}" for name in TABLES], []]


def test_reload_takes_the_library_along():
    assert run(RELOAD) == [[], False, False, True]
