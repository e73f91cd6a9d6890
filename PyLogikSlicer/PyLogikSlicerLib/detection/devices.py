"""Devices: where networks can run on this machine, through which runtime, and why a GPU cannot be used."""

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

# What a user types to get the packages for a GPU.
INSTALL = "pip install 'PyLogikSlicer[gpu]'"

Runtime = Literal["ONNX Runtime", "torch"]
Started = TypeVar("Started")


@dataclass(frozen=True)
class Device:
    """A device and what computes there: ONNX Runtime, or torch with the same weights. ``name`` is for people."""

    kind: Literal["cpu", "cuda", "mps"]
    runtime: Runtime
    name: str

    def __str__(self) -> str:
        return self.name if self.kind == "cpu" else f"{self.name} ({self.runtime})"


CPU = Device("cpu", "ONNX Runtime", "cpu")


def gpu() -> tuple[str, str]:
    """The name of the GPU that ``auto`` would take and "", or "" and the reason why it takes none."""
    found, reason = _mps() if sys.platform == "darwin" else _cuda()
    return (found[0].name, "") if found else ("", reason)


def candidate_devices(wanted: str) -> tuple[Device, ...]:
    """The devices on which a network may be started, the best one first.

    ``wanted`` is one of :data:`~PyLogikSlicerLib.core.options.DEVICES`; ``auto`` ends with the CPU.

    Raises
    ------
    EngineUnavailable
        ``cuda`` or ``mps`` is asked for and cannot be used; the message says what is missing.
    UsageError
        There is no such device.
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
    """What ``start`` returns for the first of the devices on which it succeeds, and the reasons why it failed on those before.

    Raises EngineUnavailable with all reasons when it fails on every one.
    """
    reasons: dict[str, None] = {}
    for device in devices:
        try:
            return start(device), tuple(reasons)
        except EngineUnavailable as error:
            reasons[str(error)] = None
    raise EngineUnavailable("; ".join(reasons))


def _cuda() -> tuple[tuple[Device, ...], str]:
    """The ways to use the NVIDIA GPU, ONNX Runtime first, since it starts faster; and the reason where there is none."""
    card = _nvidia_card()
    if card is None:  # asked before torch is imported, which takes seconds that are wasted without a GPU
        return (), "there is no NVIDIA GPU with its driver"
    obstacles: dict[Runtime, str] = {"ONNX Runtime": _obstacle_for_onnxruntime(), "torch": _obstacle_for_torch("cuda")}
    found = tuple(Device("cuda", runtime, card) for runtime, obstacle in obstacles.items() if not obstacle)
    return found, "" if found else f"{card} is there, but nothing that can use it: {', '.join(obstacles.values())}"


def _mps() -> tuple[tuple[Device, ...], str]:
    """The way to use a Mac's GPU, and the reason where there is none."""
    obstacle = _obstacle_for_torch("mps") if sys.platform == "darwin" else "only a Mac has it"
    return ((), obstacle) if obstacle else ((Device("mps", "torch", "Apple GPU"),), "")


def _obstacle_for_onnxruntime() -> str:
    """Why ONNX Runtime cannot use CUDA; empty where it can."""
    return "" if "CUDAExecutionProvider" in onnxruntime.get_available_providers() else "ONNX Runtime is installed without CUDA"


def _obstacle_for_torch(kind: Literal["cuda", "mps"]) -> str:
    """Why torch cannot use the GPU; empty where it can."""
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
    """The name of the first NVIDIA GPU, or None; from the driver itself, since ONNX Runtime offers CUDA whether there is a GPU or not."""
    for library in ("libcuda.so.1", "nvcuda.dll"):
        try:
            driver = ctypes.CDLL(library)
        except OSError:
            continue
        device, name = ctypes.c_int(), ctypes.create_string_buffer(256)
        if not (driver.cuInit(0) or driver.cuDeviceGet(ctypes.byref(device), 0) or driver.cuDeviceGetName(name, len(name), device)):
            return name.value.decode(errors="replace")
    return None
