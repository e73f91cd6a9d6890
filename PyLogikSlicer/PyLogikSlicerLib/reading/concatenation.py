"""Concatenation of several images to one whose frames are theirs: the stills of a folder, the instances of a DICOM series."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import TypeVar

import numpy as np

from ..core.errors import UnreadableInput
from ..core.stack import ImageStack

_Value = TypeVar("_Value")


def concatenate_stacks(stacks: Sequence[ImageStack], name: str) -> ImageStack:
    """One image named ``name`` with the frames of all ``stacks``, in their order.

    It has the identifying values of all headers. All other properties, also how it is displayed, are those of the first image.

    Parameters
    ----------
    stacks
        At least one image.
    name
        The name of the result.

    Raises
    ------
    UnreadableInput
        The images differ in size or type.
    """
    first = stacks[0]
    for number, stack in enumerate(stacks, start=1):
        if (stack.rows, stack.columns, stack.channels, stack.dtype) != (first.rows, first.columns, first.channels, first.dtype):
            raise UnreadableInput(f"the first is {_describe_size(first)}, number {number} is {_describe_size(stack)}")

    def decode() -> Iterator[np.ndarray]:
        for stack in stacks:
            yield from stack.frames()

    identifying = _merge_values(stack.header.identifying for stack in stacks)
    persons = _merge_values(stack.header.persons for stack in stacks)
    return replace(
        first,
        name=name,
        frame_count=sum(stack.frame_count for stack in stacks),
        decode=decode,
        header=replace(first.header, identifying=identifying, persons=persons),
        sources=tuple(dict.fromkeys(file for stack in stacks for file in stack.sources)),
        dropped=tuple(dict.fromkeys(what for stack in stacks for what in stack.dropped)),
    )


def _merge_values(mappings: Iterable[Mapping[str, tuple[_Value, ...]]]) -> Mapping[str, tuple[_Value, ...]]:
    """For each keyword the values of all mappings, without duplicates."""
    found: dict[str, dict[_Value, None]] = defaultdict(dict)
    for mapping in mappings:
        for keyword, values in mapping.items():
            found[keyword].update(dict.fromkeys(values))
    return MappingProxyType({keyword: tuple(values) for keyword, values in found.items()})


def _describe_size(stack: ImageStack) -> str:
    """Size and type for an error message."""
    return f"{stack.columns} x {stack.rows} {'colour' if stack.channels == 3 else 'grey'} {stack.dtype}"
