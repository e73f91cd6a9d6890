"""Find, review and remove the text burned into medical images: the engine of PyLogikSlicer, usable without 3D Slicer."""

__version__ = "0.1.0"
