"""Find, review and remove the text burned into medical images: the engine of PyLogikSlicer, usable without 3D Slicer."""

import os

__version__ = "0.1.0"

# ONNX Runtime 1.29 and later report every session they open to Microsoft and keep a device identifier in the home folder,
# unless this is set before they are imported (its pull request 27379). Nothing of a hospital's computer leaves it from here.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
