"""Where the networks can run: the GPU that is here, through which runtime, or why there is none."""

from __future__ import annotations

import ctypes
import importlib.util
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeVar

from ..core.errors import EngineUnavailable, UsageError
from ..core.options import DEVICES
from .runtime import onnxruntime

INSTALL = "pip install 'PyLogikSlicer[gpu]'"

Started = TypeVar("Started")


@dataclass(frozen=True)
class Device:
    """``name`` is for people. ``runtime`` is what computes there: ONNX Runtime, or torch with the same weights."""

    kind: Literal["cpu", "cuda", "mps"]
    runtime: Literal["ONNX Runtime", "torch"]
    name: str

    def __str__(self) -> str:
        return self.name if self.kind == "cpu" else f"{self.name} ({self.runtime})"


CPU = Device("cpu", "ONNX Runtime", "cpu")


def gpu() -> tuple[str, str]:
    """The name of the GPU that ``auto`` would take, or an empty one and the reason why it takes none."""
    found, reason = _mps() if sys.platform == "darwin" else _cuda()
    return (found[0].name, "") if found else ("", reason)


def candidates(wanted: str) -> tuple[Device, ...]:
    """The devices on which a network may be started, the best one first; ``auto`` ends with the CPU.

    Raises :class:`EngineUnavailable` saying what is missing where ``cuda`` or ``mps`` is asked for and cannot be used.
    """
    if wanted not in DEVICES:
        raise UsageError(f"unknown device {wanted!r}: choose one of {', '.join(DEVICES)}")
    if wanted == "cpu":
        return (CPU,)
    if wanted == "auto":
        return (*_cuda()[0], *_mps()[0], CPU)
    found, reason = _cuda() if wanted == "cuda" else _mps()
    if not found:
        raise EngineUnavailable(f"device {wanted!r} cannot be used, {reason}; put that right, or use --device cpu")
    return found


def first_that_starts(devices: tuple[Device, ...], start: Callable[[Device], Started]) -> tuple[Started, tuple[str, ...]]:
    """What ``start`` makes on the first of the devices on which it can, and why it could not on those before.

    Raises :class:`EngineUnavailable` with all reasons when it can on none.
    """
    reasons: dict[str, None] = {}
    for device in devices:
        try:
            return start(device), tuple(reasons)
        except EngineUnavailable as error:
            reasons[str(error)] = None
    raise EngineUnavailable("; ".join(reasons))


def _cuda() -> tuple[tuple[Device, ...], str]:
    """The ways to use the NVIDIA GPU, ONNX Runtime first: it starts faster. Without any, the reason."""
    card = _nvidia_card()
    if card is None:  # known without torch, whose import takes seconds: nobody without a GPU should wait for that
        return (), "there is no NVIDIA GPU with its driver"
    lacking = {"ONNX Runtime": _lacking_of_onnxruntime(), "torch": _lacking_of_torch("cuda")}
    found = tuple(Device("cuda", runtime, card) for runtime, what in lacking.items() if not what)
    return found, "" if found else f"{card} is there, but nothing that can use it: {', '.join(lacking.values())}"


def _mps() -> tuple[tuple[Device, ...], str]:
    lacking = _lacking_of_torch("mps") if sys.platform == "darwin" else "only a Mac has it"
    return ((), lacking) if lacking else ((Device("mps", "torch", "Apple GPU"),), "")


def _lacking_of_onnxruntime() -> str:
    return "" if "CUDAExecutionProvider" in onnxruntime.get_available_providers() else "ONNX Runtime is installed without CUDA"


def _lacking_of_torch(kind: Literal["cuda", "mps"]) -> str:
    absent = [package for package in ("torch", "onnx2torch") if importlib.util.find_spec(package) is None]
    if absent:
        return f"{' and '.join(absent)} {'are' if len(absent) > 1 else 'is'} not installed ({INSTALL})"
    import torch

    if kind == "mps":
        return "" if torch.backends.mps.is_available() else "torch sees no Apple GPU"
    if torch.version.cuda is None:
        return "torch is installed without CUDA"
    return "" if torch.cuda.is_available() else "torch does not see it: its CUDA may be newer than the driver"


def _nvidia_card() -> str | None:
    """The name of the first NVIDIA GPU, told by the driver itself: ONNX Runtime offers CUDA whether there is a GPU or not."""
    for library in ("libcuda.so.1", "nvcuda.dll"):
        try:
            driver = ctypes.CDLL(library)
        except OSError:
            continue
        device, name = ctypes.c_int(), ctypes.create_string_buffer(256)
        if not (driver.cuInit(0) or driver.cuDeviceGet(ctypes.byref(device), 0) or driver.cuDeviceGetName(name, len(name), device)):
            return name.value.decode(errors="replace")
    return None
