"""ONNX Runtime, imported here and nowhere else: its telemetry is switched off first.

ONNX Runtime 1.29 and later report every session they open to Microsoft and keep a device identifier in the home folder, unless this
is set before they are imported (its pull request 27379). Nothing of a hospital's computer leaves it from here. The variable is set in
the processes that run networks, never in Slicer itself.
"""

import os

os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import onnxruntime  # noqa: E402

__all__ = ["onnxruntime"]
