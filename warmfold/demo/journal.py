"""What happened, phase by phase, with times: announced as it starts, tabled at the end."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from warmfold.runs.render import clock


@dataclass(kw_only=True)
class Phase:
    """One phase; ``result`` is what the table says of it."""

    name: str
    result: str = ""
    seconds: float = 0.0


@dataclass
class Journal:
    """Announces phases on ``console`` and keeps them. ``now`` is a clock in seconds."""

    console: Console
    total: int
    now: Callable[[], float] = time.monotonic
    phases: list[Phase] = field(default_factory=list)

    @contextmanager
    def phase(self, name: str) -> Iterator[Phase]:
        """Time one phase. A failed one is kept as well, for whoever prints the table."""
        phase = Phase(name=name)
        self.phases.append(phase)
        number = len(self.phases)
        self.console.print(f"[bold cyan]{number}/{self.total}[/] [bold]{name}[/]")
        started = self.now()
        try:
            yield phase
        finally:
            phase.seconds = self.now() - started
        self.say(f"{phase.result} ({clock(phase.seconds)})")

    def say(self, text: str) -> None:
        """Print one line under the phase, as it is: a path may hold what rich takes for markup."""
        self.console.print(f"    {text}", markup=False, highlight=False, soft_wrap=True)

    @property
    def seconds(self) -> float:
        return sum(phase.seconds for phase in self.phases)

    def table(self) -> Table:
        """Every phase with its time and result."""
        table = Table(title="What happened", title_justify="left", box=SIMPLE_HEAD)
        table.add_column("Phase")
        table.add_column("Time", justify="right")
        table.add_column("Result", overflow="fold")
        for phase in self.phases:
            table.add_row(phase.name, clock(phase.seconds), Text(phase.result))
        table.add_section()
        table.add_row("all", clock(self.seconds), "")
        return table
