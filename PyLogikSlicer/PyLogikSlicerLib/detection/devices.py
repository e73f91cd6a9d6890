"""Which GPU the text engines would use, or why none."""

from __future__ import annotations

import importlib.util

import onnxruntime


def gpu() -> tuple[str, str]:
    """The GPU's name, or an empty one and the reason. The engines choose for themselves; this tells a person beforehand."""
    reason = "PyTorch is not installed, and ONNX Runtime here has no GPU provider"
    if importlib.util.find_spec("torch"):
        import torch

        if torch.cuda.is_available():
            return torch.cuda.get_device_name(), ""
        if torch.backends.mps.is_available():
            return "Apple GPU", ""
        reason = "PyTorch sees no GPU" if torch.version.cuda else "PyTorch is installed without GPU support"
    return ("GPU of ONNX Runtime", "") if "CUDAExecutionProvider" in onnxruntime.get_available_providers() else ("", reason)
