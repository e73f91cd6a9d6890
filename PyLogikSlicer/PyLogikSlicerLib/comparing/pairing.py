"""Pairs the labels of the prediction with those of the truth: by name, by number, or because both masks have one label only."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ..core.label_mask import Mask
from ..core.segment_names import fold_name
from .overlap import values_in, where_values

PairedBy = Literal["name", "number", "mask", ""]

# The values with which programs mark the pixels of a mask: 1, all bits of a type (-1), and the largest values of the integer types.
_MASK_VALUES = {1, -1, *(np.iinfo(dtype).max for dtype in ("i1", "u1", "i2", "u2", "i4", "u4"))}


@dataclass(frozen=True)
class LabelPair:
    """A label of the prediction and the label of the truth that it is compared with; either is None where the other has no partner.

    ``paired_by``: how they were paired; empty for a label without a partner. ``overlaps`` and ``true_overlaps``: the further pixel values
    that belong to the label, where it overlaps others.
    """

    label: int | None
    true_label: int | None
    name: str = ""
    paired_by: PairedBy = "number"
    overlaps: tuple[int, ...] = ()
    true_overlaps: tuple[int, ...] = ()

    @property
    def values(self) -> tuple[int, ...]:
        """The values of the label's pixels in the prediction."""
        return () if self.label is None else (self.label, *self.overlaps)

    @property
    def true_values(self) -> tuple[int, ...]:
        """The values of the label's pixels in the truth."""
        return () if self.true_label is None else (self.true_label, *self.true_overlaps)

    def masks(self, pred: np.ndarray, true: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The masks of the label in the prediction and in the truth, as bool arrays."""
        return where_values(pred, self.values), where_values(true, self.true_values)


def pair_labels(pred: Mask, true: Mask) -> list[LabelPair]:
    """The labels of two masks, paired.

    By name, without regard to case and white space, where a name is in both masks; a label then has no partner if its name is only in
    one. Else, and for labels without a name in one of the masks, by number. Two masks with one label each, whose numbers differ but are
    both used for masks (1, 255, 65535, -1 ...), are compared as masks.

    Returns
    -------
    list of LabelPair
        Labels of the prediction in ascending order, then labels that only the truth has; only labels that occur in either mask.
    """
    present, true_present = pred.labels_of(values_in(pred.labels)), true.labels_of(values_in(true.labels))
    found = _by_name(pred, true)
    by: dict[int, PairedBy] = dict.fromkeys(found, "name")
    left, true_left = present - set(found), true_present - set(found.values())
    for label in left & true_left:
        if not (found and label in pred.names and label in true.names):
            by[label] = "number"
    found |= {label: label for label in by if label not in found}
    left, true_left = left - set(found), true_left - set(found.values())
    if len(present) == len(true_present) == 1 and left == present and true_left == true_present and left | true_left <= _MASK_VALUES:
        (label,), (other,) = left, true_left
        found[label], by[label] = other, "mask"
        left, true_left = set(), set()
    partners = sorted((label, other) for label, other in found.items() if label in present or other in true_present)
    pairs = [_pair(pred, true, label, other, by[label]) for label, other in partners]
    pairs += [_pair(pred, true, label, None, "") for label in left]
    return [*sorted(pairs, key=lambda pair: pair.label or 0), *(_pair(pred, true, None, label, "") for label in sorted(true_left))]


def select_pairs(pairs: Sequence[LabelPair], text: str, pred: Mask, true: Mask) -> list[LabelPair]:
    """The pairs with a label that the user gives by its number, in the prediction or else in the truth, or by its name."""
    number = parse_number(text)
    by_number = [pair for pair in pairs if number is not None and pair.label == number]
    by_number = by_number or [pair for pair in pairs if number is not None and pair.true_label == number]
    return by_number or [pair for pair in pairs if fold_name(text) in _names_of(pair, pred, true)]


def parse_number(text: str) -> int | None:
    """The whole number in a text; None where it is none."""
    try:
        return int(text)
    except ValueError:
        return None


def _names_of(pair: LabelPair, pred: Mask, true: Mask) -> set[str]:
    """The names of a pair's labels, folded."""
    labels = (pred, pair.label), (true, pair.true_label)
    names = [mask.names.get(label) for mask, label in labels if label is not None]
    return {fold_name(name) for name in names if name}


def _by_name(pred: Mask, true: Mask) -> dict[int, int]:
    """The labels of the truth with the same names as those of the prediction; several of one name in order of their numbers."""
    by_name: dict[str, list[int]] = defaultdict(list)
    for label in sorted(true.names, reverse=True):
        by_name[fold_name(true.names[label])].append(label)
    return {label: by_name[name].pop() for label in sorted(pred.names) if by_name.get(name := fold_name(pred.names[label]))}


def _pair(pred: Mask, true: Mask, label: int | None, true_label: int | None, paired_by: PairedBy) -> LabelPair:
    """The pair of two labels, with their name (both names where they differ) and the values for their overlaps."""
    own, other = ("" if one is None else mask.names.get(one, "") for mask, one in ((pred, label), (true, true_label)))
    name = own or other if not own or not other or fold_name(own) == fold_name(other) else f"{own} / {other}"
    values, true_values = (() if one is None else mask.values_of(one)[1:] for mask, one in ((pred, label), (true, true_label)))
    return LabelPair(label, true_label, name, paired_by, values, true_values)
