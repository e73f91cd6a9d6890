"""GlyphNet: a small fully convolutional network that marks the ink of text at half the image's resolution."""

from __future__ import annotations

from pathlib import Path

import onnx
import torch
from onnx import numpy_helper
from torch import nn

STRIDE = 16  # rows and columns of the input must be multiples of it: four halvings
WIDTHS = (16, 24, 40, 64)


def block(inputs: int, outputs: int, stride: int = 1, size: int = 3) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, size, stride, (size - 1) // 2, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)
    )


class Residual(nn.Module):
    def __init__(self, width: int):
        super().__init__()
        self.first = block(width, width)
        self.second = nn.Sequential(nn.Conv2d(width, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.relu(x + self.second(self.first(x)))


class GlyphNet(nn.Module):
    """Logits of text ink ``(N, 1, rows / 2, columns / 2)`` from RGB ``(N, 3, rows, columns)`` scaled to -1 ... 1.

    An encoder of four halvings (context of about 200 pixels: a tick and a digit "1" differ by their surroundings) and a decoder that
    adds each level's features to the enlarged ones of the level below. Half resolution is enough to find a glyph six pixels high,
    and costs a quarter.
    """

    def __init__(self, widths: tuple[int, int, int, int] = WIDTHS):
        super().__init__()
        half, quarter, eighth, sixteenth = widths
        self.stem = nn.Sequential(block(3, half, 2, 5), block(half, half))
        self.quarter = nn.Sequential(block(half, quarter, 2), Residual(quarter))
        self.eighth = nn.Sequential(block(quarter, eighth, 2), Residual(eighth), block(eighth, eighth))
        self.sixteenth = nn.Sequential(block(eighth, sixteenth, 2), Residual(sixteenth), Residual(sixteenth))
        self.from_sixteenth = block(sixteenth, eighth, size=1)
        self.from_eighth = nn.Sequential(block(eighth, eighth), block(eighth, quarter, size=1))
        self.from_quarter = nn.Sequential(block(quarter, quarter), block(quarter, half, size=1))
        self.head = nn.Sequential(block(half, half), nn.Conv2d(half, 1, 1))
        self.enlarge = nn.Upsample(scale_factor=2, mode="nearest")

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        half = self.stem(x)
        quarter = self.quarter(half)
        eighth = self.eighth(quarter)
        sixteenth = self.sixteenth(eighth)
        eighth = eighth + self.enlarge(self.from_sixteenth(sixteenth))
        quarter = quarter + self.enlarge(self.from_eighth(eighth))
        half = half + self.enlarge(self.from_quarter(quarter))
        return self.head(half)


class Shipped(nn.Module):
    """What is exported: uint8 RGB ``(N, rows, columns, 3)`` in, probability ``(N, rows / 2, columns / 2)`` out."""

    def __init__(self, network: GlyphNet):
        super().__init__()
        self.network = network

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        x = image.permute(0, 3, 1, 2).float() / 127.5 - 1.0
        return torch.sigmoid(self.network(x))[:, 0]


@torch.no_grad()
def shipped_weights(path: Path, prepared: torch.Tensor) -> GlyphNet:
    """A network to go on training with, from the ONNX file that :class:`Shipped` became.

    Its normalizations were folded into the convolutions; they are unfolded with the statistics of ``prepared``, images float32
    ``(N, 3, rows, columns)`` as the network takes them, so that it computes the same as before.
    """
    graph = onnx.load(path).graph
    values = {constant.name: torch.from_numpy(numpy_helper.to_array(constant).copy()) for constant in graph.initializer}
    convolutions = [node for node in graph.node if node.op_type == "Conv"]
    network = GlyphNet().eval()
    order: list[nn.Module] = []
    handles = [
        module.register_forward_hook(lambda module, *_: order.append(module)) for module in network.modules() if not list(module.children())
    ]
    network(prepared[:1])
    for handle in handles:
        handle.remove()
    layers = [module for module in order if isinstance(module, nn.Conv2d)]
    for layer, node in zip(layers, convolutions, strict=True):
        layer.weight.copy_(values[node.input[1]])
        if layer.bias is not None:
            layer.bias.copy_(values[node.input[2]])
    norms = {
        norm: values[node.input[2]] for norm, node in zip((m for m in order if isinstance(m, nn.BatchNorm2d)), convolutions, strict=False)
    }

    def unfold(norm: nn.BatchNorm2d, inputs: tuple[torch.Tensor, ...]) -> None:
        norm.running_mean.copy_(inputs[0].mean((0, 2, 3)))
        norm.running_var.copy_(inputs[0].var((0, 2, 3)))
        norm.weight.copy_((norm.running_var + norm.eps).sqrt())
        norm.bias.copy_(norms[norm] + norm.running_mean)

    handles = [norm.register_forward_pre_hook(unfold) for norm in norms]
    network(prepared)
    for handle in handles:
        handle.remove()
    return network
