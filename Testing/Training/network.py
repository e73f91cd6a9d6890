"""GlyphNet: a small fully convolutional network that marks the ink of text at half the image's resolution."""

from __future__ import annotations

import torch
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
