"""Train the glyph network on generated screens, and write it as ONNX.

    python train.py OUT [--corpus ../../../shared/corpus/edge] [--steps 6000] [--seed 1] [--resume checkpoint.pt | glyphs.onnx --first STEP]

Deterministic by seed, for one generator and one number of threads: sample i of seed s is always the same, and the network
sees the samples in order. Written as it goes: checkpoint.pt, log.csv, and the network as glyphs.onnx, from the running mean
of its weights.
"""

from __future__ import annotations

import argparse
import csv
import math
import os
import time
from pathlib import Path

import cv2
import numpy as np
import torch
from network import GlyphNet, Shipped, shipped_weights
from samples import sample
from torch.utils.data import DataLoader, Dataset

VALIDATION_SEED, VALIDATION_SAMPLES = 990_001, 96
BATCH = 16
WINDOW = 300  # steps that the running mean of the weights looks back, once so many are done
EVERY = 250


class Samples(Dataset):
    """Samples ``first`` to ``last`` of a seed."""

    def __init__(self, seed: int, first: int, last: int, corpus: str | None):
        self.seed, self.first, self.last, self.corpus = seed, first, last, corpus

    def __len__(self) -> int:
        return self.last - self.first

    def __getitem__(self, index: int):
        return tuple(torch.from_numpy(np.ascontiguousarray(part)) for part in sample(self.seed, self.first + index, self.corpus))


def quiet_worker(_: int) -> None:
    cv2.setNumThreads(1)
    torch.set_num_threads(1)


def loader(samples: Dataset, workers: int) -> DataLoader:
    many = (
        {"worker_init_fn": quiet_worker, "prefetch_factor": 4, "multiprocessing_context": "spawn"} if workers else {}
    )  # a fork hangs in OpenCV
    return DataLoader(samples, BATCH, num_workers=workers, **many)


def prepared(images: torch.Tensor) -> torch.Tensor:
    return (images.permute(0, 3, 1, 2).float() / 127.5 - 1.0).contiguous(memory_format=torch.channels_last)


def loss_of(logits: torch.Tensor, target: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """Cross entropy in which small letters weigh as much as large ones and the most confident false ink weighs most; and the Dice loss."""
    probability = torch.sigmoid(logits)
    entropy = torch.nn.functional.binary_cross_entropy_with_logits(logits, target, reduction="none")
    ink = weight * target
    ground = (weight > 0) * (1 - target) * (0.25 + 4 * probability.detach() + 12 * probability.detach() ** 4)
    both = ((ink + ground) * entropy).sum() / (ink.sum() + 0.01 * target.numel())
    overlap = (
        2 * (ink * probability).sum() / (ink.sum() + (ink * probability).sum() + ((weight > 0) * (1 - target) * probability).sum() + 1)
    )
    return both + 0.5 * (1 - overlap)


@torch.no_grad()
def judged(network: GlyphNet, samples: DataLoader, threshold: float = 0.5) -> dict[str, float]:
    """Share of the pieces of ink found (half of their pixels marked), share of marked pixels that are ink, false pieces per sample."""
    found = pieces = right = marked = false = 0
    for images, targets, weights in samples:
        marks = (torch.sigmoid(network(prepared(images))[:, 0]) > threshold).numpy()
        for mark, target, weight in zip(marks, targets.numpy(), weights.numpy(), strict=True):
            count, labels = cv2.connectedComponents(target.astype(np.uint8))
            sizes, hits = np.bincount(labels.ravel(), minlength=count), np.bincount(labels[mark], minlength=count)
            pieces, found = pieces + count - 1, found + int((hits[1:] * 2 >= sizes[1:]).sum())
            counted = mark & (weight > 0)
            marked, right = marked + int(counted.sum()), right + int((counted & target).sum())
            count, labels = cv2.connectedComponents(mark.astype(np.uint8))
            touching = np.unique(labels[target | (weight == 0)])
            false += count - 1 - int((touching > 0).sum())
    return {"recall": found / pieces, "precision": right / max(marked, 1), "false_pieces": false / len(samples.dataset)}


def export(network: GlyphNet, path: Path) -> None:
    """The network as ONNX: uint8 RGB (N, rows, columns, 3) -> ink probability (N, rows / 2, columns / 2)."""
    axes = {"image": {0: "n", 1: "rows", 2: "columns"}, "ink": {0: "n", 1: "half_rows", 2: "half_columns"}}
    example = (torch.zeros(1, 64, 64, 3, dtype=torch.uint8),)
    torch.onnx.export(
        Shipped(network).eval(),
        example,
        str(path),
        input_names=["image"],
        output_names=["ink"],
        dynamic_axes=axes,
        opset_version=17,
        dynamo=False,
    )


def running_mean(mean: torch.Tensor, now: torch.Tensor, steps: torch.Tensor) -> torch.Tensor:
    return mean + (now - mean) * max(1 / WINDOW, 9 / (10 + int(steps)))


def _begun(options: argparse.Namespace) -> GlyphNet:
    """A new network, or that of an ONNX file."""
    if not (options.resume or "").endswith(".onnx"):
        return GlyphNet()
    images = np.stack([sample(options.seed, index, options.corpus)[0] for index in range(4 * BATCH)])
    return shipped_weights(Path(options.resume), prepared(torch.from_numpy(images)))


def train(options: argparse.Namespace) -> None:
    out = Path(options.out)
    out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(options.seed)
    network = _begun(options).to(memory_format=torch.channels_last)
    mean = torch.optim.swa_utils.AveragedModel(network, avg_fn=running_mean, use_buffers=True)
    optimiser = torch.optim.AdamW(network.parameters(), lr=options.rate, weight_decay=1e-4)
    done = 0
    if options.resume and not options.resume.endswith(".onnx"):
        state = torch.load(options.resume, weights_only=True)
        network.load_state_dict(state["network"]), mean.load_state_dict(state["mean"]), optimiser.load_state_dict(state["optimiser"])
        done = state["step"]
    first, last = options.first or done, (options.first or done) + options.steps
    validation = list(loader(Samples(VALIDATION_SEED, 0, VALIDATION_SAMPLES, options.corpus), 0))
    validation_samples = PreparedBatches(validation)
    batches = loader(Samples(options.seed, first * BATCH, last * BATCH, options.corpus), options.workers)
    began, running = time.monotonic(), 0.0
    with (out / "log.csv").open("a", newline="") as file:
        log = csv.writer(file)
        if file.tell() == 0:
            log.writerow(["step", "seconds", "rate", "loss", "recall", "precision", "false_pieces"])
        for step, (images, targets, weights) in enumerate(batches, first + 1):
            share = (step - first) / options.steps
            rate = options.rate * min(1.0, (step - first) / 100) * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * share)))
            for group in optimiser.param_groups:
                group["lr"] = rate
            with torch.autocast("cpu", dtype=torch.bfloat16):
                logits = network(prepared(images))[:, 0]
            loss = loss_of(logits.float(), targets.float(), weights)
            optimiser.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), 5.0)
            optimiser.step()
            mean.update_parameters(network)
            running = loss.item() if step == first + 1 else 0.98 * running + 0.02 * loss.item()
            if step % EVERY == 0 or step == last:
                state = {"network": network.state_dict(), "mean": mean.state_dict(), "optimiser": optimiser.state_dict(), "step": step}
                torch.save(state, out / "checkpoint.tmp")
                os.replace(out / "checkpoint.tmp", out / "checkpoint.pt")
                mean.eval()
                figures = judged(mean.module.eval(), validation_samples)
                row = [step, round(time.monotonic() - began), f"{rate:.2e}", f"{running:.4f}", *(f"{v:.4f}" for v in figures.values())]
                log.writerow(row)
                file.flush()
                print(*row, flush=True)
                export(mean.module, out / "glyphs.onnx")


class PreparedBatches:
    """The validation batches, kept: drawn once, judged many times."""

    def __init__(self, batches: list):
        self.batches = batches
        self.dataset = range(sum(len(batch[0]) for batch in batches))

    def __iter__(self):
        return iter(self.batches)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out")
    parser.add_argument(
        "--corpus", help="folder of real images without text (backgrounds.CORPUS_FILES); without it, pydicom's and scikit-image's serve"
    )
    parser.add_argument("--steps", type=int, default=6000)
    parser.add_argument("--rate", type=float, default=3e-3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument(
        "--threads",
        type=int,
        default=1,
        help="more only where the cores are free: threads that wait for one another waste most of their time",
    )
    parser.add_argument("--resume", help="checkpoint.pt, or a shipped .onnx, to go on from")
    parser.add_argument(
        "--first", type=int, default=0, help="the step to count from, so that no sample is seen again; by default the checkpoint's"
    )
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    train(options)
