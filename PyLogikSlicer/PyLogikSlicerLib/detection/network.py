"""Network: the seam between a reader and what computes its network, so that no reader knows of devices."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import cv2
import numpy as np

from ..core.errors import EngineUnavailable
from .devices import CPU, Device
from .onnx_network import OnnxNetwork
from .torch_network import TorchNetwork

# Both runtimes differ by 5e-6, half precision by 2e-2 at the edge of a letter. What is farther off is another network.
TOLERANCE = 0.1

Prepare = Callable[[Any], Any]


class Network(Protocol):
    """``batch_pixels``: how many pixels of images it likes in one batch; 0 where a batch gains nothing. ``metadata``: what
    the file of the model says about itself."""

    device: Device
    batch_pixels: int
    metadata: Mapping[str, str]

    def run(self, batch: np.ndarray) -> np.ndarray:
        """The network's output, float32, for what ``prepare`` makes of the batch; the first axis counts images."""
        ...


def sample_line() -> np.ndarray:
    """A line of text to try networks with, uint8 ``(64, 256, 3)`` RGB."""
    return cv2.putText(np.zeros((64, 256, 3), np.uint8), "DOE^JANE 1.5 cm", (4, 40), cv2.FONT_HERSHEY_SIMPLEX, 0.9, (255, 255, 255), 2)


def as_given(batch: Any) -> Any:
    return batch


def open_network(
    model: bytes, device: Device, sample: np.ndarray, prepare: Prepare = as_given, threads: int = 0, half: bool = False
) -> Network:
    """Start the network in ``model``, an ONNX file of one input and one output.

    ``prepare`` makes the network's input of a batch; it must work on NumPy arrays and on torch tensors, since on a GPU the
    batch goes to the card as it is given. ``sample`` is a small batch: on a GPU it is tried whether the network gives the
    same there as on the CPU, so that a driver's fault cannot hide text. ``threads``: of ONNX Runtime, 0 for all cores.
    ``half``: half precision, on torch only. Raises :class:`EngineUnavailable` when the device cannot be used, or errs.
    """
    if device == CPU:
        return OnnxNetwork(model, device, prepare, threads)
    try:
        network = TorchNetwork(model, device, prepare, half) if device.runtime == "torch" else OnnxNetwork(model, device, prepare, threads)
        tried = network.run(sample)
    except EngineUnavailable:
        raise
    except Exception as error:  # no memory left, a card too old for the library, a library that does not fit another, ...
        raise EngineUnavailable(f"{device} cannot run the network ({type(error).__name__}): use --device cpu") from None
    difference = np.abs(tried - OnnxNetwork(model, CPU, prepare, threads).run(sample)).max()
    if not difference <= TOLERANCE:
        raise EngineUnavailable(f"{device} does not compute what the CPU does (it is off by {difference:.2g}): use --device cpu")
    return network
