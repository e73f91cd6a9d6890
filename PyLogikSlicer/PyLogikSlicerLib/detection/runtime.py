"""ONNX Runtime, imported only here: its telemetry is switched off first.

ONNX Runtime 1.29 and later report every session that they open to Microsoft, and keep a device identifier in the home folder, unless this
environment variable is set before they are imported (pull request 27379 of ONNX Runtime). The variable is set in the processes that run
networks, never in Slicer itself.
"""

import os

os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import onnxruntime  # noqa: E402

__all__ = ["onnxruntime"]
