"""Observers of scenes and nodes that are removed together, and that do not keep the object alive for which they were added."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any


class Observers:
    """Observers of VTK objects. :meth:`removeAll` is to be called when their owner is closed, and by a finalizer of the owner."""

    def __init__(self) -> None:
        self._added: list[tuple[Any, int]] = []

    def add(self, observed, event, callback: Callable[..., None]) -> int:
        """Call ``callback(caller, event)`` at each such event, and return the tag of the observer."""
        tag = observed.AddObserver(event, callback)
        self._added.append((observed, tag))
        return tag

    def remove(self, observed, tag: int) -> None:
        observed.RemoveObserver(tag)
        self._added.remove((observed, tag))

    def removeAll(self) -> None:
        for observed, tag in self._added:
            observed.RemoveObserver(tag)
        self._added.clear()


def weakCallback(method: Callable[..., None], *arguments) -> Callable[..., None]:
    """A callback that calls ``method(*arguments)`` as long as the method's object exists; a bound method would keep it alive."""
    reference = weakref.WeakMethod(method)

    def call(*_) -> None:
        bound = reference()
        if bound is not None:
            bound(*arguments)

    return call
