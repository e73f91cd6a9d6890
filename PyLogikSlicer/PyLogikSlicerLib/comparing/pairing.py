"""Which label of the prediction is compared with which of the truth: by name, by number, or because both are masks of one label."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ..core.label_mask import Mask
from ..core.segment_names import fold_name
from .overlap import holding, values_in

PairedBy = Literal["name", "number", "mask", ""]

# What programs write for "belongs to the mask": 1, all bits of a type (-1), and the largest values of the integer types.
_MASK_VALUES = {1, -1, *(np.iinfo(dtype).max for dtype in ("i1", "u1", "i2", "u2", "i4", "u4"))}


@dataclass(frozen=True)
class LabelPair:
    """A label of the prediction and the one of the truth that it is compared with; either is None where it has no partner.

    ``paired_by``: why; empty for a label without a partner. ``overlaps`` and ``true_overlaps``: what pixels hold besides the label
    itself, where they belong to it and to others too.
    """

    label: int | None
    true_label: int | None
    name: str = ""
    paired_by: PairedBy = "number"
    overlaps: tuple[int, ...] = ()
    true_overlaps: tuple[int, ...] = ()

    @property
    def values(self) -> tuple[int, ...]:
        """What the pixels of the label hold in the prediction."""
        return () if self.label is None else (self.label, *self.overlaps)

    @property
    def true_values(self) -> tuple[int, ...]:
        """What they hold in the truth."""
        return () if self.true_label is None else (self.true_label, *self.true_overlaps)

    def masks(self, pred: np.ndarray, true: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Where both labels are, as bool arrays."""
        return holding(pred, self.values), holding(true, self.true_values)


def paired_labels(pred: Mask, true: Mask) -> list[LabelPair]:
    """The labels of two masks, paired.

    Where both masks name their labels and any name is in both, by name, without regard to case and white space: a label then has no
    partner if its name is only in one. Else, and for labels that have no name in one of the masks, by number. Two masks of one label
    each that are not the same number, but both stand for "belongs to the mask" (1, 255, 65535, -1 ...), are compared as masks.

    Returns
    -------
    list of LabelPair
        Those of the prediction in ascending order, then those that only the truth has; of labels that are there in either.
    """
    there, true_there = pred.labels_of(values_in(pred.labels)), true.labels_of(values_in(true.labels))
    found = _by_name(pred, true)
    by: dict[int, PairedBy] = dict.fromkeys(found, "name")
    left, true_left = there - set(found), true_there - set(found.values())
    for label in left & true_left:
        if not (found and label in pred.names and label in true.names):
            by[label] = "number"
    found |= {label: label for label in by if label not in found}
    left, true_left = left - set(found), true_left - set(found.values())
    if len(there) == len(true_there) == 1 and left == there and true_left == true_there and left | true_left <= _MASK_VALUES:
        (label,), (other,) = left, true_left
        found[label], by[label] = other, "mask"
        left, true_left = set(), set()
    paired = sorted((label, other) for label, other in found.items() if label in there or other in true_there)
    pairs = [_pair(pred, true, label, other, by[label]) for label, other in paired]
    pairs += [_pair(pred, true, label, None, "") for label in left]
    return [*sorted(pairs, key=lambda pair: pair.label or 0), *(_pair(pred, true, None, label, "") for label in sorted(true_left))]


def chosen(pairs: Sequence[LabelPair], told: str, pred: Mask, true: Mask) -> list[LabelPair]:
    """Those of a label that a person tells by its number, as the prediction has it or else the truth, or by its name."""
    number = number_in(told)
    by_number = [pair for pair in pairs if number is not None and pair.label == number]
    by_number = by_number or [pair for pair in pairs if number is not None and pair.true_label == number]
    return by_number or [pair for pair in pairs if fold_name(told) in _names_of(pair, pred, true)]


def number_in(told: str) -> int | None:
    """The number that a text is, None where it is none."""
    try:
        return int(told)
    except ValueError:
        return None


def _names_of(pair: LabelPair, pred: Mask, true: Mask) -> set[str]:
    names = pred.names.get(pair.label), true.names.get(pair.true_label)
    return {fold_name(name) for name in names if name}


def _by_name(pred: Mask, true: Mask) -> dict[int, int]:
    """Labels of one name in order of their numbers, where several have the same one."""
    there: dict[str, list[int]] = defaultdict(list)
    for label in sorted(true.names, reverse=True):
        there[fold_name(true.names[label])].append(label)
    return {label: there[name].pop() for label in sorted(pred.names) if there.get(name := fold_name(pred.names[label]))}


def _pair(pred: Mask, true: Mask, label: int | None, true_label: int | None, paired_by: PairedBy) -> LabelPair:
    own, other = ("" if one is None else mask.names.get(one, "") for mask, one in ((pred, label), (true, true_label)))
    name = own or other if not own or not other or fold_name(own) == fold_name(other) else f"{own} / {other}"
    values, true_values = (() if one is None else mask.values_of(one)[1:] for mask, one in ((pred, label), (true, true_label)))
    return LabelPair(label, true_label, name, paired_by, values, true_values)
