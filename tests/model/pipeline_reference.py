"""Executions of one pipeline, as plain data: no threads, no time, no cloud.

    First ──► Second          Other

Written from the developer guide and the API reference alone. After a failed step nothing new
begins, and what runs goes on to its end.
"""

from dataclasses import dataclass, field

from tests.model.reference import Refused

NEEDS = {"First": (), "Other": (), "Second": ("First",)}
QUOTA = 3


@dataclass
class Execution:
    """Statuses of the steps that have begun."""

    steps: dict[str, str] = field(default_factory=dict)
    status: str = "Executing"

    def __post_init__(self) -> None:
        self.go_on()

    def go_on(self) -> None:
        """Begin what may begin; without anything that runs it is over."""
        failed = "Failed" in self.steps.values()
        for name, needs in NEEDS.items():
            ready = all(self.steps.get(need) == "Succeeded" for need in needs)
            if ready and name not in self.steps and not failed and self.status == "Executing":
                self.steps[name] = "Executing"
        if not self.running:
            self.status = "Failed" if failed else "Succeeded"

    @property
    def running(self) -> list[str]:
        return sorted(name for name, status in self.steps.items() if status == "Executing")


@dataclass
class PipelineReference:
    """Executions by the token that they were started with, in that order."""

    exists: bool = False
    executions: dict[str, Execution] = field(default_factory=dict)

    def create(self) -> None:
        if self.exists:
            raise Refused("ValidationException")
        self.exists = True

    def start(self, token: str) -> None:
        """The same token means the same execution."""
        if not self.exists:
            raise Refused("ResourceNotFound")
        if token in self.executions:
            return
        if sum(e.status == "Executing" for e in self.executions.values()) >= QUOTA:
            raise Refused("ResourceLimitExceeded")
        self.executions[token] = Execution()

    def end_step(self, token: str, step: str, *, succeeds: bool) -> None:
        execution = self.executions[token]
        execution.steps[step] = "Succeeded" if succeeds else "Failed"
        execution.go_on()

    def stop(self, token: str) -> None:
        """The engine of the test obeys at once."""
        execution = self.executions[token]
        if execution.status != "Executing":
            raise Refused("ConflictException")
        for name in execution.running:
            execution.steps[name] = "Stopped"
        execution.status = "Stopped"

    def retry(self, token: str) -> None:
        """What has not succeeded runs once more."""
        execution = self.executions[token]
        if execution.status not in ("Failed", "Stopped"):
            raise Refused("ConflictException")
        kept = {name: s for name, s in execution.steps.items() if s == "Succeeded"}
        execution.steps, execution.status = kept, "Executing"
        execution.go_on()

    def delete(self) -> None:
        if not self.exists:
            raise Refused("ResourceNotFound")
        if any(e.status == "Executing" for e in self.executions.values()):
            raise Refused("ConflictException")
        self.exists, self.executions = False, {}
