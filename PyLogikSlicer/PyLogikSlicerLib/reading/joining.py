"""Several images as the frames of one: the stills of a folder, the instances of a DICOM series."""

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


def joined(stacks: Sequence[ImageStack], name: str) -> ImageStack:
    """All frames of ``stacks`` (not empty), in their order, as one image.

    The header's identifying values are those of all; what else is said of the image, its display too, is the first one's.

    Raises
    ------
    UnreadableInput
        They differ in size or type.
    """
    first = stacks[0]
    for number, stack in enumerate(stacks, start=1):
        if (stack.rows, stack.columns, stack.channels, stack.dtype) != (first.rows, first.columns, first.channels, first.dtype):
            raise UnreadableInput(f"the first is {_described(first)}, number {number} is {_described(stack)}")

    def decode() -> Iterator[np.ndarray]:
        for stack in stacks:
            yield from stack.frames()

    identifying = _together(stack.header.identifying for stack in stacks)
    persons = _together(stack.header.persons for stack in stacks)
    return replace(
        first,
        name=name,
        frame_count=sum(stack.frame_count for stack in stacks),
        decode=decode,
        header=replace(first.header, identifying=identifying, persons=persons),
        sources=tuple(dict.fromkeys(file for stack in stacks for file in stack.sources)),
        dropped=tuple(dict.fromkeys(what for stack in stacks for what in stack.dropped)),
    )


def _together(mappings: Iterable[Mapping[str, tuple[_Value, ...]]]) -> Mapping[str, tuple[_Value, ...]]:
    """The values of all, each once."""
    found: dict[str, dict[_Value, None]] = defaultdict(dict)
    for mapping in mappings:
        for keyword, values in mapping.items():
            found[keyword].update(dict.fromkeys(values))
    return MappingProxyType({keyword: tuple(values) for keyword, values in found.items()})


def _described(stack: ImageStack) -> str:
    return f"{stack.columns} x {stack.rows} {'colour' if stack.channels == 3 else 'grey'} {stack.dtype}"
