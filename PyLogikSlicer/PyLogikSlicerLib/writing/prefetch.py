"""Results of a function for a sequence of items, computed by threads a few items ahead of the caller, in bounded memory."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Outcome = TypeVar("Outcome")

# Threads: encoding and decoding release the interpreter lock; more than four wait for the one that examines.
WORKERS = min(os.cpu_count() or 1, 4)


def map_ahead(function: Callable[[Item], Outcome], items: Iterable[Item], workers: int = WORKERS) -> Generator[Outcome, None, None]:
    """``function(item)`` of each item, in the order of the items, at most ``workers`` items ahead of the caller.

    ``items`` is iterated in the caller's thread. What ``function`` or ``items`` raises is raised in the caller's thread and ends the
    iteration. A caller that closes the iterator early waits for the calls that are running; no further one is started.
    """
    waiting: deque[Future[Outcome]] = deque()
    pool = ThreadPoolExecutor(workers)
    try:
        for item in items:
            waiting.append(pool.submit(function, item))
            if len(waiting) > workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)
