"""Working ahead: other threads make what comes next while the present is worked on, in bounded memory."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Made = TypeVar("Made")

WORKERS = min(os.cpu_count() or 1, 4)


def each(make: Callable[[Item], Made], items: Iterable[Item], workers: int = WORKERS) -> Iterator[Made]:
    """``make(item)`` of each item in their order, made by threads, one item per thread ahead of what is taken.

    ``items`` are taken in the thread that takes the results; what ``make`` or ``items`` raises is raised there and ends it. Ended
    early, it waits for what is being made and begins nothing more.
    """
    waiting: deque[Future[Made]] = deque()
    pool = ThreadPoolExecutor(workers)
    try:
        for item in items:
            waiting.append(pool.submit(make, item))
            if len(waiting) > workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)
