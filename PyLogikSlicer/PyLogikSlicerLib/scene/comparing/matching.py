"""Which segment of the truth each segment of the prediction is compared with: by name, by overlap, or as the caller says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ...core.errors import UsageError
from ...core.segment_names import fold_name
from .compared_node import ComparedNode
from .reference_geometry import ReferenceGeometry, resample

# Keys of the prediction to keys of the truth.
Matching = dict[str, str]


def matchByName(prediction: ComparedNode, truth: ComparedNode) -> Matching:
    """Segments of the same name, without regard to case."""
    unmatched = {fold_name(name): key for key, name in reversed(truth.segments.items())}
    pairs = ((key, unmatched.pop(fold_name(name), None)) for key, name in prediction.segments.items())
    return {key: other for key, other in pairs if other is not None}


def matchByOverlap(
    prediction: ComparedNode, truth: ComparedNode, items: Sequence[tuple[int, int]], geometries: Sequence[ReferenceGeometry]
) -> Matching:
    """The pairs of segments with the largest sum of Dice scores over all items; segments without overlap are left out.

    ``items`` are the pairs of items that belong together, and ``geometries`` the voxels that each pair is compared on.
    """
    from ...comparing.overlap import best_pairs

    keys, otherKeys = list(prediction.segments), list(truth.segments)
    both = np.zeros((len(keys), len(otherKeys)), np.int64)
    predicted, true = np.zeros(len(keys), np.int64), np.zeros(len(otherKeys), np.int64)
    for (item, other), geometry in zip(items, geometries, strict=True):
        # One bit for each voxel, since all masks of an item are needed at once.
        masks = [np.packbits(resample(truth.labelmap(other, key), truth.transform, geometry)) for key in otherKeys]
        true += [_countBits(mask) for mask in masks]
        for row, key in enumerate(keys):
            mask = np.packbits(resample(prediction.labelmap(item, key), prediction.transform, geometry))
            predicted[row] += _countBits(mask)
            both[row] += [_countBits(mask & expected) for expected in masks]
    return {keys[row]: otherKeys[column] for row, column in best_pairs(both, predicted, true)}


def resolveKeys(matching: Mapping[str, str], prediction: ComparedNode, truth: ComparedNode) -> Matching:
    """A matching that is given by keys or names, as keys.

    Raises UsageError where a segment does not exist, or where the matching is empty.
    """
    if not matching:
        raise UsageError("no segment is matched with one of the truth: choose which is compared with which")
    return {_keyOf(one, prediction): _keyOf(other, truth) for one, other in matching.items()}


def _countBits(packed: np.ndarray) -> int:
    return int(np.unpackbits(packed).sum(dtype=np.int64))


def _keyOf(keyOrName: str, compared: ComparedNode) -> str:
    wanted = str(keyOrName)
    if wanted in compared.segments:
        return wanted
    key = next((key for key, name in compared.segments.items() if name == wanted), None)
    if key is None:
        raise UsageError(f"the {compared.role} has no segment that is called so: see segmentsOf for the names of those that it has")
    return key
