"""The sample study of the tutorial: it is there in a Slicer that has just been installed."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
from panel_steps import ROOT
from small_runs import environment

FILE = ROOT / "PyLogikSlicer" / "Resources" / "SampleData" / "BurnedInText.dcm"
# What Slicer 5.10 lacks of the packages, and pydicom, of which it has another version.
ABSENT = ("cv2", "gdcm", "jpeg_ls", "onnxruntime", "openjpeg", "pydicom", "rapidocr", "zxingcpp")
FRESH = f"""
import sys
sys.modules.update(dict.fromkeys({ABSENT!r}))
sys.path[:0] = [{str(ROOT / "Testing" / "Host")!r}]
import hashlib, pathlib, slicer_host
panel = slicer_host.start().load("PyLogikSlicer", pathlib.Path({str(ROOT / "PyLogikSlicer" / "PyLogikSlicer.py")!r}))
panel.enter()
import PyLogikSlicer, slicer
(node,) = PyLogikSlicer.loadSample()
panel.ui.inputSelector.setCurrentNode(node)
frames = [slicer.util.arrayFromVolume(node.GetNthDataNode(n)) for n in range(node.GetNumberOfDataNodes())]
digest = hashlib.sha256(b"".join(frame.tobytes() for frame in frames)).hexdigest()
print(panel.ui.applyButton.enabled, panel.ui.statusLabel.text, len(frames), digest)
"""


def test_it_loads_without_any_package_and_without_a_certain_pydicom():
    from hashlib import sha256

    from PyLogikSlicerLib.reading import open_stacks

    done = subprocess.run([sys.executable, "-c", FRESH], capture_output=True, text=True, env=environment(), timeout=120)
    (stack,) = open_stacks(FILE)
    expected = sha256(b"".join(np.ascontiguousarray(frame).tobytes() for frame in stack.frames())).hexdigest()
    assert done.stdout.splitlines()[-1:] == [f"True  30 {expected}"], done.stderr


def test_it_is_licensed_where_it_lies():
    assert "MIT license" in (FILE.parent / "README.txt").read_text(encoding="utf-8")
