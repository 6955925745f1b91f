"""Virtual time."""

import pytest

from warmfold_local.modelled.clock import Clock, Process, Signal


def test_processes_interleave_by_time_and_then_by_order_of_spawning() -> None:
    clock, seen = Clock(), []

    def job(name: str, seconds: float) -> Process:
        for _ in range(2):
            yield seconds
            seen.append((clock.now, name))

    for name, seconds in (("slow", 2.0), ("fast", 1.0), ("also fast", 1.0)):
        clock.spawn(job(name, seconds))
    clock.run()
    assert seen == [
        (1.0, "fast"),
        (1.0, "also fast"),
        (2.0, "slow"),
        (2.0, "fast"),
        (2.0, "also fast"),
        (4.0, "slow"),
    ]


def test_a_process_waits_for_others_and_for_what_has_already_happened() -> None:
    clock, ends = Clock(), []

    def child(seconds: float) -> Process:
        yield seconds

    def parent() -> Process:
        yield from [clock.spawn(child(seconds)) for seconds in (5.0, 3.0, 0.0)]
        ends.append(clock.now)

    clock.spawn(parent())
    clock.run()
    assert ends == [5.0]


def test_a_signal_wakes_all_that_wait_for_it_at_that_moment() -> None:
    clock, signal, woken = Clock(), Signal(), []

    def waiter() -> Process:
        yield signal
        woken.append(clock.now)

    def caller() -> Process:
        yield 7.0
        clock.fire(signal)

    for process in (waiter(), waiter(), caller()):
        clock.spawn(process)
    clock.run()
    assert woken == [7.0, 7.0]


def test_time_does_not_run_backwards() -> None:
    def job() -> Process:
        yield -1.0

    clock = Clock()
    clock.spawn(job())
    with pytest.raises(ValueError, match="backwards"):
        clock.run()


def test_what_a_process_raises_ends_the_run() -> None:
    def job() -> Process:
        yield 1.0
        raise KeyError("mine")

    clock = Clock()
    clock.spawn(job())
    with pytest.raises(KeyError):
        clock.run()
