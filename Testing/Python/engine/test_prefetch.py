"""Prefetching changes nothing but the time: order, faults and an early end are as if one thread did it all."""

import threading

import pytest

from PyLogikSlicerLib.writing.prefetch import map_ahead


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_results_come_in_the_order_of_the_items(workers):
    held = threading.Event()

    def make(item):
        if item == 0 and workers > 1:
            assert held.wait(10), "the next item is not begun before this one is done"
        held.set()
        return item * item

    assert list(map_ahead(make, range(50), workers)) == [item * item for item in range(50)]
    assert list(map_ahead(make, [], workers)) == []


def test_no_more_is_taken_than_memory_can_hold():
    taken = []
    results = map_ahead(lambda item: item, (taken.append(item) or item for item in range(1000)), workers=2)
    next(results)
    assert len(taken) <= 3


def test_what_is_raised_reaches_the_caller_and_nothing_goes_on_behind_it():
    begun, threads = [], threading.active_count()

    def make(item):
        begun.append(item)
        if item == 3:
            raise ValueError("3")
        return item

    results = map_ahead(make, range(1000), workers=2)
    with pytest.raises(ValueError, match="3"):
        list(results)
    assert len(begun) < 10 and threading.active_count() == threads


def test_an_early_end_stops_the_threads():
    threads = threading.active_count()
    results = map_ahead(lambda item: item, range(1000), workers=2)
    next(results)
    assert threading.active_count() > threads
    results.close()
    assert threading.active_count() == threads
