"""RegionNetwork: where a screen displays ultrasound data, as a probability for each pixel.

A witness beside the segmentations of :mod:`.evidence`: it has learned from simulated screens how far a display reaches that is mostly dark,
from rulers, marks and symmetry. The network is our own; its data and training are in Testing/Training/train_regions.py.
"""

from __future__ import annotations

import functools
import hashlib
from importlib import resources
from typing import TYPE_CHECKING

import cv2
import numpy as np

from ..core.errors import EngineUnavailable
from ..core.projections import Composites
from .planes import make_planes

if TYPE_CHECKING:
    from ..detection.onnx_network import OnnxNetwork

# The ONNX file in roi/models.
MODEL = "regions.onnx"
# The SHA-256 of that file, the one that was evaluated.
MODEL_SHA256 = "1d32cbe84082cbd7d193cc6d4922fdb9da0ce7df165799577c30e4574d3ce376"


class RegionNetwork:
    """The network, ready to run on the CPU; it takes some 20 ms, whatever the size of the frame."""

    def __init__(self, network: OnnxNetwork) -> None:
        self._network = network

    def probability(self, composites: Composites, text: np.ndarray) -> np.ndarray:
        """For each pixel the probability, float32 ``(rows, columns)``, that data are displayed there; ``text``: True where text is."""
        planes = make_planes(composites, text)
        cells = self._network.run(planes.values[None])[0, : planes.rows, : planes.columns]
        return cv2.resize(cells, text.shape[::-1], interpolation=cv2.INTER_LINEAR)


@functools.cache
def region_network() -> RegionNetwork:
    """The network of this package. Raises EngineUnavailable where its file is missing or is another one."""
    file = resources.files(__package__) / "models" / MODEL
    try:
        model = file.read_bytes()
    except OSError:
        raise EngineUnavailable(f"{MODEL} is missing from this installation: install PyLogikSlicer again") from None
    if hashlib.sha256(model).hexdigest() != MODEL_SHA256:
        raise EngineUnavailable(f"{MODEL} is not the network that was evaluated: install PyLogikSlicer again")
    # Only here, since Slicer's own process imports this package for its shapes, and ONNX Runtime does not belong there.
    from ..detection.devices import CPU
    from ..detection.onnx_network import OnnxNetwork

    return RegionNetwork(OnnxNetwork(model, CPU, lambda planes: planes))
