"""Train the region network on the screens of Testing/Benchmarks/roi_phantom.py, and write it as ONNX.

    python train_regions.py OUT [--count 8000] [--steps 6000] [--seed 1000000] [--resume checkpoint.pt]

It never sees a real image: the outlines of the corpus judge it, all of them (Testing/Benchmarks/score_regions.py). Samples are drawn once
and kept in OUT. Written as it goes: checkpoint.pt, log.csv, and the network as regions.onnx, from the running mean of its weights.
"""

from __future__ import annotations

import argparse
import csv
import math
import os
import sys
import time
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import nn

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "PyLogikSlicer"), str(ROOT / "Testing" / "Benchmarks")]

from roi_phantom import composites_of, make_phantom  # noqa: E402

from PyLogikSlicerLib.roi.planes import PLANE_COUNT, PLANE_SHAPE, make_planes  # noqa: E402

BATCH = 16
EVERY = 250
VALIDATION_SEED, VALIDATION_SAMPLES = 500_000, 300
WIDTHS = (20, 32, 48, 72)
PART = 250  # samples per file
WINDOW = 300  # steps that the running mean of the weights looks back


def block(inputs: int, outputs: int, stride: int = 1, dilation: int = 1) -> nn.Sequential:
    convolution = nn.Conv2d(inputs, outputs, 3, stride, dilation, dilation, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(outputs), nn.ReLU(inplace=True))


class RegionNet(nn.Module):
    """Logits ``(N, rows, columns)`` of the region from planes ``(N, PLANE_COUNT, rows, columns)``.

    A U-Net of three halvings over blocks of 2 x 2 cells, which cost a quarter. At the lowest level (8 x 10) dilated convolutions see the
    whole screen, since a ruler at its right edge tells how deep the dark part of an image goes.
    """

    def __init__(self) -> None:
        super().__init__()
        self.down = nn.ModuleList([nn.Sequential(block(4 * PLANE_COUNT, WIDTHS[0]), block(WIDTHS[0], WIDTHS[0]))])
        for before, width in zip(WIDTHS, WIDTHS[1:], strict=False):
            self.down.append(nn.Sequential(block(before, width, 2), block(width, width)))
        deep = WIDTHS[-1]
        self.context = nn.Sequential(block(deep, deep, 1, 2), block(deep, deep, 1, 4), block(deep, deep))
        self.up = nn.ModuleList(
            nn.Sequential(block(width + below, width), block(width, width))
            for width, below in zip(WIDTHS[-2::-1], WIDTHS[:0:-1], strict=True)
        )
        self.head = nn.Conv2d(WIDTHS[0], 4, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = nn.functional.pixel_unshuffle(x, 2)
        levels = []
        for down in self.down:
            x = down(x)
            levels.append(x)
        x = x + self.context(x)
        for up, level in zip(self.up, levels[-2::-1], strict=True):
            x = up(torch.cat([level, nn.functional.interpolate(x, scale_factor=2.0, mode="bilinear")], dim=1))
        return nn.functional.pixel_shuffle(self.head(x), 2)[:, 0]


class Shipped(nn.Module):
    """What is exported: planes in, the probability of the region out."""

    def __init__(self, network: RegionNet) -> None:
        super().__init__()
        self.network = network

    def forward(self, planes: torch.Tensor) -> torch.Tensor:
        return torch.sigmoid(self.network(planes))


def draw(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """The planes of a phantom (uint8, 0 to 255 for -1 to 1) and the share of each cell that is region (uint8)."""
    cv2.setNumThreads(1)
    phantom = make_phantom(seed)
    planes = make_planes(composites_of(phantom), phantom.text)
    target = np.zeros(PLANE_SHAPE, np.float32)
    size = (planes.columns, planes.rows)
    target[: planes.rows, : planes.columns] = cv2.resize(phantom.mask.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    return np.round((planes.values + 1) * 127.5).astype(np.uint8), np.round(target * 255).astype(np.uint8)


def drawn(folder: Path, first: int, count: int, processes: int) -> tuple[torch.Tensor, torch.Tensor]:
    """The samples of the seeds from ``first`` on; those that are not in ``folder`` yet are drawn and kept there."""
    folder.mkdir(parents=True, exist_ok=True)
    planes, targets = [], []
    with get_context("spawn").Pool(processes) as pool:
        for start in range(first, first + count, PART):
            path = folder / f"{start}.npz"
            if not path.is_file():
                samples = pool.map(draw, range(start, min(start + PART, first + count)), chunksize=10)
                np.savez_compressed(
                    folder / "part.npz", planes=np.stack([s[0] for s in samples]), targets=np.stack([s[1] for s in samples])
                )
                os.replace(folder / "part.npz", path)
                print("drawn", start, flush=True)
            with np.load(path) as part:
                planes.append(torch.from_numpy(part["planes"])), targets.append(torch.from_numpy(part["targets"]))
    return torch.cat(planes), torch.cat(targets)


def prepared(planes: torch.Tensor, targets: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    return (planes.float() / 127.5 - 1).contiguous(memory_format=torch.channels_last), targets.float() / 255


def mirrored(planes: torch.Tensor, targets: torch.Tensor, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """Half of the samples mirrored from left to right, within the columns that the frame covers; its column plane is not mirrored."""
    planes, targets = planes.clone(), targets.clone()
    for i in torch.nonzero(torch.rand(len(planes), generator=generator) < 0.5)[:, 0].tolist():
        columns = int((planes[i, 8, 0] > 200).sum())
        across = planes[i, 9].clone()
        planes[i, :, :, :columns] = planes[i, :, :, :columns].flip(-1)
        planes[i, 9] = across
        targets[i, :, :columns] = targets[i, :, :columns].flip(-1)
    return planes, targets


def loss_of(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Cross entropy, in which lost region weighs twice, and the Dice loss of each sample."""
    entropy = nn.functional.binary_cross_entropy_with_logits(logits, targets, pos_weight=torch.tensor(2.0))
    probability = torch.sigmoid(logits)
    both = (probability * targets).sum((1, 2))
    overlap = (2 * both + 1) / (probability.sum((1, 2)) + targets.sum((1, 2)) + 1)
    return entropy + (1 - overlap).mean()


@torch.no_grad()
def judged(network: nn.Module, planes: torch.Tensor, targets: torch.Tensor) -> dict[str, float]:
    """Mean Dice, and the mean and the 1 % quantile of the share of the region that is found, at a probability of one half."""
    dice, recall = [], []
    for start in range(0, len(planes), 50):
        x, y = prepared(planes[start : start + 50], targets[start : start + 50])
        found, true = network(x) > 0, y > 0.5
        both = (found & true).sum((1, 2)).float()
        dice.append(2 * both / (found.sum((1, 2)) + true.sum((1, 2)))), recall.append(both / true.sum((1, 2)))
    all_dice, all_recall = torch.cat(dice), torch.cat(recall)
    return {"dice": float(all_dice.mean()), "recall": float(all_recall.mean()), "recall_1": float(all_recall.quantile(0.01))}


def export(network: RegionNet, path: Path) -> None:
    example = (torch.zeros(1, PLANE_COUNT, *PLANE_SHAPE),)
    torch.onnx.export(
        Shipped(network).eval(), example, str(path), input_names=["planes"], output_names=["region"], opset_version=17, dynamo=False
    )


def running_mean(mean: torch.Tensor, now: torch.Tensor, steps: torch.Tensor) -> torch.Tensor:
    return mean + (now - mean) * max(1 / WINDOW, 9 / (10 + int(steps)))


def train(options: argparse.Namespace) -> None:
    out = Path(options.out)
    validation = drawn(out / "validation", VALIDATION_SEED, VALIDATION_SAMPLES, options.processes)
    planes, targets = drawn(out / "samples", options.seed, options.count, options.processes)
    torch.manual_seed(options.seed)
    generator = torch.Generator().manual_seed(options.seed)
    network = RegionNet().to(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(network.parameters(), lr=options.rate, weight_decay=1e-4)
    if options.resume:
        network.load_state_dict(torch.load(options.resume, weights_only=True)["network"])
    mean = torch.optim.swa_utils.AveragedModel(network, avg_fn=running_mean, use_buffers=True)
    began, running, order = time.monotonic(), 0.0, torch.empty(0, dtype=torch.long)
    with (out / "log.csv").open("a", newline="") as file:
        log = csv.writer(file)
        log.writerow(["step", "seconds", "rate", "loss", "dice", "recall", "recall_1"])
        for step in range(1, options.steps + 1):
            if len(order) < BATCH:
                order = torch.randperm(len(planes), generator=generator)
            chosen, order = order[:BATCH], order[BATCH:]
            rate = options.rate * min(1.0, step / 100) * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * step / options.steps)))
            for group in optimizer.param_groups:
                group["lr"] = rate
            x, y = prepared(*mirrored(planes[chosen], targets[chosen], generator))
            with torch.autocast("cpu", dtype=torch.bfloat16, enabled=options.bfloat16):
                logits = network(x)
            loss = loss_of(logits.float(), y)
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), 5.0)
            optimizer.step()
            mean.update_parameters(network)
            running = loss.item() if step == 1 else 0.98 * running + 0.02 * loss.item()
            if step % EVERY == 0 or step == options.steps:
                torch.save({"network": mean.module.state_dict()}, out / "checkpoint.tmp")
                os.replace(out / "checkpoint.tmp", out / "checkpoint.pt")
                figures = judged(mean.module.eval(), *validation)
                row = [step, round(time.monotonic() - began), f"{rate:.2e}", f"{running:.4f}", *(f"{v:.4f}" for v in figures.values())]
                log.writerow(row)
                file.flush()
                print(*row, flush=True)
                export(mean.module, out / "regions.onnx")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out")
    parser.add_argument("--count", type=int, default=8000, help="screens to train on")
    parser.add_argument("--steps", type=int, default=6000)
    parser.add_argument("--rate", type=float, default=3e-3)
    parser.add_argument("--seed", type=int, default=1_000_000)
    parser.add_argument("--processes", type=int, default=2, help="that draw the screens")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--bfloat16", action="store_true", help="faster where the processor has it")
    parser.add_argument("--resume", help="checkpoint.pt to go on from")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    train(options)
