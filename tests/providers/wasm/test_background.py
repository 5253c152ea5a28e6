"""Tasks in the background: in order, bounded, with results and errors where they belong."""

from __future__ import annotations

import threading
import time

import pytest
from stopwatch import wait_until

from semfora_hooks.index.processors import processors
from semfora_hooks.providers.wasm.background import Crew


def test_results_and_errors_reach_who_asks() -> None:
    crew = Crew(2)
    tasks = [crew.submit(lambda n=n: 10 // n) for n in (5, 0, 2)]
    assert (tasks[0].result(), tasks[2].result(), tasks[2].result()) == (2, 5, 5)
    with pytest.raises(ZeroDivisionError):
        tasks[1].result()


def test_no_more_run_at_a_time_than_there_may() -> None:
    crew, lock, now, most = Crew(3), threading.Lock(), [0], [0]

    def work() -> None:
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        time.sleep(0.01)
        with lock:
            now[0] -= 1

    for task in [crew.submit(work) for _ in range(20)]:
        task.result()
    assert 1 < most[0] <= 3
    assert processors() >= 1


def test_threads_end_and_come_back() -> None:
    crew = Crew(2)
    for _ in range(3):
        assert [task.result() for task in [crew.submit(lambda: 1) for _ in range(4)]] == [1] * 4
        wait_until(lambda: crew._threads == 0)
