"""Calls that wait, done at the same time."""

import threading

import pytest

from netlab.linux.side_by_side import THREADS, side_by_side


def test_results_come_in_the_order_of_the_calls():
    calls = [lambda n=n: n * n for n in range(3 * THREADS)]

    assert side_by_side(calls) == [n * n for n in range(3 * THREADS)]
    assert side_by_side([]) == []


def test_calls_that_wait_for_each_other_meet():
    barrier = threading.Barrier(4, timeout=10)

    assert sorted(side_by_side([barrier.wait] * 4)) == [0, 1, 2, 3]


def test_the_first_failure_is_raised_when_all_are_done():
    done: list[int] = []

    def call(n: int) -> None:
        if n in {1, 3}:
            raise OSError(n, "refused")
        done.append(n)

    with pytest.raises(OSError, match="refused") as failure:
        side_by_side([lambda n=n: call(n) for n in range(5)])
    assert failure.value.errno == 1
    assert sorted(done) == [0, 2, 4]
