"""Which segment of the truth each segment of the prediction stands for: by name, by overlap, or as a person says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ...core.errors import UsageError
from ...core.segment_names import fold_name
from .lattice import Lattice, resampled
from .sides import Side

Matching = dict[str, str]


def byName(prediction: Side, truth: Side) -> Matching:
    """Segments of the same name, whatever the case; keys of the prediction to keys of the truth."""
    there = {fold_name(name): key for key, name in reversed(truth.segments.items())}
    found = {key: there.pop(fold_name(name), None) for key, name in prediction.segments.items()}
    return {key: other for key, other in found.items() if other is not None}


def byOverlap(prediction: Side, truth: Side, items: Sequence[tuple[int, int]], lattices: Sequence[Lattice]) -> Matching:
    """The pairing with the largest sum of Dice scores over all items; segments that overlap nothing left are absent."""
    from ...comparing.overlap import best_pairs

    keys = list(prediction.segments), list(truth.segments)
    both, predicted, true = (
        np.zeros((len(keys[0]), len(keys[1])), np.int64),
        np.zeros(len(keys[0]), np.int64),
        np.zeros(len(keys[1]), np.int64),
    )
    for (item, other), lattice in zip(items, lattices, strict=True):
        # One bit for each voxel: all masks of an item are needed at once.
        masks = [np.packbits(resampled(truth.labelmap(other, key), truth.transform, lattice)) for key in keys[1]]
        true += [int(np.unpackbits(mask).sum(dtype=np.int64)) for mask in masks]
        for row, key in enumerate(keys[0]):
            mask = np.packbits(resampled(prediction.labelmap(item, key), prediction.transform, lattice))
            predicted[row] += int(np.unpackbits(mask).sum(dtype=np.int64))
            both[row] += [int(np.unpackbits(mask & expected).sum(dtype=np.int64)) for expected in masks]
    return {keys[0][row]: keys[1][column] for row, column in best_pairs(both, predicted, true)}


def resolved(matching: Mapping[str, str], prediction: Side, truth: Side) -> Matching:
    """A matching given by IDs or names, as keys.

    Raises UsageError where a segment is not there, or nothing is matched.
    """
    if not matching:
        raise UsageError("no segment is matched with one of the truth: choose which is compared with which")
    return {_key(one, prediction): _key(other, truth) for one, other in matching.items()}


def _key(told: str, side: Side) -> str:
    told = str(told)
    if told in side.segments:
        return told
    key = next((key for key, name in side.segments.items() if name == told), None)
    if key is None:
        raise UsageError(f"the {side.role} has no segment that is called so: see segmentsOf for the names of those that it has")
    return key
