"""Virtual time: hours pass in milliseconds, and always in the same order.

A process is a generator. It yields the seconds it sleeps, or a ``Signal`` that it waits for:

    def job(clock: Clock) -> Process:
        yield 180.0                       # the instance starts
        yield clock.spawn(upload(clock))  # and another process runs to its end
"""

import heapq
import itertools
from collections.abc import Generator
from dataclasses import dataclass, field


@dataclass(eq=False)
class Signal:
    """Something that happens once; whoever waits for it goes on at that moment."""

    fired: bool = False
    waiting: "list[Process]" = field(default_factory=list)


Process = Generator["float | Signal", None, None]


@dataclass(eq=False)
class Clock:
    """``now`` is in seconds since the beginning. What is due at once runs in spawning order."""

    now: float = 0.0
    _due: "list[tuple[float, int, Process, Signal]]" = field(default_factory=list)
    _order: "itertools.count[int]" = field(default_factory=itertools.count)
    _done: "dict[Process, Signal]" = field(default_factory=dict)

    def spawn(self, process: Process) -> Signal:
        """Start a process now; the signal fires at its end."""
        done = Signal()
        self._done[process] = done
        self._schedule(process, 0.0)
        return done

    def fire(self, signal: Signal) -> None:
        signal.fired = True
        for process in signal.waiting:
            self._schedule(process, 0.0)
        signal.waiting.clear()

    def run(self) -> None:
        """Until nothing is left to happen. Raises what a process raises."""
        while self._due:
            self.now, _, process, done = heapq.heappop(self._due)
            self._step(process, done)

    def _step(self, process: Process, done: Signal) -> None:
        try:
            wanted = next(process)
        except StopIteration:
            del self._done[process]
            self.fire(done)
            return
        if not isinstance(wanted, Signal):
            self._schedule(process, wanted)
        elif wanted.fired:
            self._schedule(process, 0.0)
        else:
            wanted.waiting.append(process)

    def _schedule(self, process: Process, delay_seconds: float) -> None:
        if delay_seconds < 0:
            raise ValueError(f"time does not run backwards: {delay_seconds} s")
        due = self.now + delay_seconds
        heapq.heappush(self._due, (due, next(self._order), process, self._done[process]))
