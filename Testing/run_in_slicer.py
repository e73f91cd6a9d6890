"""Runs PyLogikSlicerTest in Slicer and ends it with 0 if all went well: ``Slicer --testing --python-script Testing/run_in_slicer.py``."""

from pathlib import Path

import slicer.testing

slicer.testing.runUnitTest([str(Path(__file__).resolve().parents[1] / "PyLogikSlicer")], "PyLogikSlicer")
