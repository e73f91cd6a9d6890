"""Network: the interface between a reader and what computes its network, so that readers need not know of devices."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import cv2
import numpy as np

from ..core.errors import EngineUnavailable
from .devices import CPU, Device
from .onnx_network import OnnxNetwork
from .torch_network import TorchNetwork

# Largest difference of an output, a probability, from that on the CPU. The two runtimes differ by 5e-6, half precision by 2e-2 at the
# edge of a letter; what differs more is a fault of the device or its driver.
TOLERANCE = 0.1

Prepare = Callable[[Any], Any]


class Network(Protocol):
    """A network that is ready to run.

    Attributes
    ----------
    device
        Where it runs.
    batch_pixels
        Pixels of all images in one batch at most; 0 where batches gain nothing.
    metadata
        What the file of the model says about itself.
    """

    @property
    def device(self) -> Device: ...

    @property
    def batch_pixels(self) -> int: ...

    @property
    def metadata(self) -> Mapping[str, str]: ...

    def run(self, batch: np.ndarray) -> np.ndarray:
        """The network's output for what ``prepare`` makes of the batch, float32; the first axis counts images."""
        ...


def sample_line() -> np.ndarray:
    """A line of text to try networks with, uint8 ``(64, 256, 3)`` RGB."""
    return cv2.putText(np.zeros((64, 256, 3), np.uint8), "DOE^JANE 1.5 cm", (4, 40), cv2.FONT_HERSHEY_SIMPLEX, 0.9, (255, 255, 255), 2)


def identity(batch: Any) -> Any:
    """The batch itself, for a network that takes images as they are."""
    return batch


def open_network(
    model: bytes, device: Device, sample: np.ndarray, prepare: Prepare = identity, threads: int = 0, half: bool = False
) -> Network:
    """Start a network.

    On a GPU, its output for ``sample`` is compared with that of the CPU, so that a fault of the driver cannot hide text.

    Parameters
    ----------
    model
        The bytes of an ONNX file of one input and one output.
    device
        Where it runs.
    sample
        A small batch to try it with.
    prepare
        Makes the network's input of a batch. It must work on NumPy arrays and on torch tensors, since on a GPU the batch is moved to the
        card before it is prepared.
    threads
        Of ONNX Runtime; 0 for all cores.
    half
        Half precision, with torch only.

    Raises
    ------
    EngineUnavailable
        The device cannot be used, or computes something else than the CPU.
    """
    if device == CPU:
        return OnnxNetwork(model, device, prepare, threads)
    try:
        network: Network = (
            TorchNetwork(model, device, prepare, half) if device.runtime == "torch" else OnnxNetwork(model, device, prepare, threads)
        )
        tried = network.run(sample)
    except EngineUnavailable:
        raise
    except Exception as error:  # no memory left, a card too old for the library, a library that does not fit another, ...
        raise EngineUnavailable(f"{device} cannot run the network ({type(error).__name__}): use --device cpu") from None
    difference = np.abs(tried - OnnxNetwork(model, CPU, prepare, threads).run(sample)).max()
    if not difference <= TOLERANCE:
        raise EngineUnavailable(f"{device} does not compute what the CPU does (it is off by {difference:.2g}): use --device cpu")
    return network
