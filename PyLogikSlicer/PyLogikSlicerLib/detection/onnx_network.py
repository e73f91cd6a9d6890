"""A network run by ONNX Runtime, on the CPU or through its CUDA provider."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..core.errors import EngineUnavailable
from .devices import Device
from .runtime import onnxruntime

# Of the CUDA provider. Without TF32 the numbers are those of the CPU. The default search tries all convolution algorithms anew for every
# size of image.
CUDA_OPTIONS = {"use_tf32": "0", "cudnn_conv_algo_search": "HEURISTIC"}
# Pixels of all images of one batch on a GPU, which bounds its memory.
GPU_BATCH_PIXELS = 4_000_000


class OnnxNetwork:
    """A :class:`~.network.Network`. ``threads``: 0 for all cores."""

    def __init__(self, model: bytes, device: Device, prepare: Callable[[Any], Any], threads: int = 0) -> None:
        self.device, self._prepare = device, prepare
        self.batch_pixels = 0 if device.kind == "cpu" else GPU_BATCH_PIXELS
        self._session = _session(model, device, threads)
        self._input = self._session.get_inputs()[0].name
        self.metadata = self._session.get_modelmeta().custom_metadata_map

    def run(self, batch: np.ndarray) -> np.ndarray:
        """The network's output for a batch, float32; the first axis counts images."""
        return self._session.run(None, {self._input: np.ascontiguousarray(self._prepare(batch))})[0]


def _session(model: bytes, device: Device, threads: int) -> onnxruntime.InferenceSession:
    """Open the ONNX file; raises EngineUnavailable when CUDA is asked for and does not start."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = threads
    # Threads that wait by spinning take the cores from Slicer, and from each other where several processes work.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    # The arena keeps the largest activation ever used for good; images of many sizes would make it grow without end.
    options.enable_cpu_mem_arena = False
    if device.kind == "cpu":
        return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    if hasattr(onnxruntime, "preload_dlls"):  # finds CUDA where pip put it
        onnxruntime.preload_dlls()
    session = onnxruntime.InferenceSession(model, options, providers=[("CUDAExecutionProvider", CUDA_OPTIONS), "CPUExecutionProvider"])
    if session.get_providers()[0] != "CUDAExecutionProvider":  # ONNX Runtime goes on with the CPU without an error
        raise EngineUnavailable(
            f"ONNX Runtime cannot start CUDA on {device.name}: the CUDA and cuDNN libraries that it needs are not found "
            "(pip install 'onnxruntime-gpu[cuda,cudnn]'), or they do not fit the driver"
        )
    return session
