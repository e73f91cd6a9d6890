"""A network run by torch, on CUDA, MPS or the CPU, with the weights of the ONNX file that ONNX Runtime runs."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import numpy as np

from ..core.errors import EngineUnavailable
from .devices import Device

# Pixels of all images of one batch, which bounds the memory of the GPU.
BATCH_PIXELS = 4_000_000


class TorchNetwork:
    """A :class:`~.network.Network`. ``half``: computed in half precision."""

    def __init__(self, model: bytes, device: Device, prepare: Callable[[Any], Any], half: bool = False) -> None:
        self.device, self._prepare = device, prepare
        self.batch_pixels = BATCH_PIXELS
        self._half = half
        module, self.metadata = _convert(model)
        self._module = module.to(device.kind)

    def run(self, batch: np.ndarray) -> np.ndarray:
        """The network's output for a batch, float32; the first axis counts images."""
        import torch

        with deterministic_inference(), torch.autocast(self.device.kind, torch.float16, enabled=self._half):
            return self._module(self._prepare(torch.from_numpy(batch).to(self.device.kind))).float().cpu().numpy()


def deterministic_inference() -> ExitStack:
    """A context for inference: no gradients, and on CUDA the same full-precision algorithms each time.

    Without it, the same image could give another text.
    """
    import torch

    stack = ExitStack()
    stack.enter_context(torch.inference_mode())
    stack.enter_context(torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=False))
    return stack


def _convert(model: bytes) -> tuple[Any, dict[str, str]]:
    """The network of an ONNX file as a torch module, and the metadata of the file."""
    import onnx
    from onnx2torch import convert

    graph = onnx.load_model_from_string(model)
    for node in graph.graph.node:
        _make_padding_explicit(node)
    # onnx2torch indexes by a list where torch wants a tuple; both give the same, and each image would be warned about.
    warnings.filterwarnings("ignore", "Using a non-tuple sequence for multidimensional indexing", module="onnx2torch")
    return convert(graph).eval(), {entry.key: entry.value for entry in graph.metadata_props}


def _make_padding_explicit(node: Any) -> None:
    """Replace ``auto_pad=SAME_UPPER`` of an ONNX node, which onnx2torch does not know, by explicit pads.

    Raises EngineUnavailable where the stride is not 1: then the pads depend on the image's size. The networks here have none of that kind.
    """
    import onnx

    attributes = {attribute.name: attribute for attribute in node.attribute}
    if "auto_pad" not in attributes or attributes["auto_pad"].s != b"SAME_UPPER":
        return
    if set(attributes["strides"].ints) != {1}:
        raise EngineUnavailable("the network pads by the size of its image, which torch cannot: use --device cpu")
    lost = [size - 1 for size in attributes["kernel_shape"].ints]
    node.attribute.remove(attributes["auto_pad"])
    node.attribute.append(onnx.helper.make_attribute("pads", [n // 2 for n in lost] + [n - n // 2 for n in lost]))
