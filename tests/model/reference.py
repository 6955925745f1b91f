"""What SageMaker's control plane does, as plain data: no threads, no time, no cloud.

Written from the API reference alone, so that it can disagree with the local cloud. Where AWS lets
time pass, the test says when it has (``end_job``, ``deploy``).
"""

from dataclasses import dataclass, field

ENDED = ("Completed", "Failed", "Stopped")
CHANGING = ("Creating", "Updating", "Deleting")


class Refused(Exception):
    """The error code that the service answers."""


@dataclass
class Trial:
    """A training job of a tuning job; ``score`` counts only if it completed."""

    status: str = "InProgress"
    score: float | None = None


@dataclass
class Tuning:
    trials: list[Trial]
    status: str = "InProgress"

    @property
    def best(self) -> float | None:
        scores = [t.score for t in self.trials if t.status == "Completed" and t.score is not None]
        return max(scores, default=None)

    def settle(self) -> None:
        """All trials have ended: a tuning job without a single score has failed."""
        if all(trial.status in ENDED for trial in self.trials):
            self.status = "Failed" if self.best is None else "Completed"

    def counted(self, status: str) -> int:
        return sum(trial.status == status for trial in self.trials)


@dataclass
class Endpoint:
    """``config`` serves, if any does; ``wanted`` is being deployed."""

    wanted: str
    config: str | None = None
    status: str = "Creating"
    failed: bool = False
    weight: float = 1.0
    count: int = 1
    retained: bool = False


@dataclass
class Group:
    """Approval status by version; versions are never numbered twice."""

    versions: dict[int, str] = field(default_factory=dict)
    last: int = 0


@dataclass
class Reference:
    """Every method either changes the state or raises ``Refused`` and changes nothing."""

    jobs: dict[str, str] = field(default_factory=dict)
    tunings: dict[str, Tuning] = field(default_factory=dict)
    configs: set[str] = field(default_factory=set)
    endpoints: dict[str, Endpoint] = field(default_factory=dict)
    groups: dict[str, Group] = field(default_factory=dict)

    def create_job(self, name: str) -> None:
        if name in self.jobs:
            raise Refused("ResourceInUse")
        self.jobs[name] = "InProgress"

    def end_job(self, name: str, status: str) -> None:
        self.jobs[name] = status

    def stop_job(self, name: str) -> None:
        """Only what is in progress can be stopped; the engine of the test obeys at once."""
        if self.jobs.get(name) != "InProgress":
            raise Refused("ValidationException")
        self.jobs[name] = "Stopped"

    def list_jobs(self, contains: str, status: str | None) -> list[str]:
        """The latest first."""
        found = [n for n, s in self.jobs.items() if contains in n and status in (None, s)]
        return found[::-1]

    def create_tuning(self, name: str, trials: int) -> None:
        if name in self.tunings:
            raise Refused("ResourceInUse")
        self.tunings[name] = Tuning([Trial() for _ in range(trials)])

    def end_trial(self, name: str, number: int, score: float | None) -> None:
        trial = self.tunings[name].trials[number]
        trial.status = "Failed" if score is None else "Completed"
        trial.score = score
        self.tunings[name].settle()

    def stop_tuning(self, name: str) -> None:
        if name not in self.tunings:
            raise Refused("ResourceNotFound")
        tuning = self.tunings[name]
        if tuning.status != "InProgress":
            raise Refused("ValidationException")
        for trial in tuning.trials:
            trial.status = "Stopped" if trial.status == "InProgress" else trial.status
        tuning.status = "Stopped"

    def create_config(self, name: str) -> None:
        if name in self.configs:
            raise Refused("ValidationException")
        self.configs.add(name)

    def delete_config(self, name: str) -> None:
        """An endpoint that uses it goes on serving."""
        if name not in self.configs:
            raise Refused("ValidationException")
        self.configs.remove(name)

    def create_endpoint(self, name: str, config: str) -> None:
        if name in self.endpoints or config not in self.configs:
            raise Refused("ValidationException")
        self.endpoints[name] = Endpoint(config)

    def update_endpoint(self, name: str, config: str, *, retained: bool) -> None:
        """``retained``: weight and count stay what they have become."""
        endpoint = self._settled(name)
        if config not in self.configs:
            raise Refused("ValidationException")
        endpoint.status, endpoint.wanted, endpoint.failed = "Updating", config, False
        endpoint.retained = retained

    def weigh(self, name: str, variant: str, weight: float | None, count: int | None) -> None:
        """Other figures, on the fleet that serves: there must be one."""
        endpoint = self.endpoints.get(name)
        if endpoint is None or endpoint.status != "InService" or variant != "v":
            raise Refused("ValidationException")
        if count == 0:
            raise Refused("ValidationException")
        endpoint.weight = endpoint.weight if weight is None else weight
        endpoint.count = endpoint.count if count is None else count

    def deploy(self, name: str, *, healthy: bool) -> None:
        """The new fleet came up, or did not: then what served before serves on."""
        endpoint = self.endpoints[name]
        endpoint.failed = not healthy
        if healthy:
            endpoint.config = endpoint.wanted
            if not endpoint.retained:
                endpoint.weight, endpoint.count = 1.0, 1
        endpoint.status = "Failed" if endpoint.config is None else "InService"

    def delete_endpoint(self, name: str) -> None:
        self._settled(name)
        del self.endpoints[name]

    def create_group(self, name: str) -> None:
        if name in self.groups:
            raise Refused("ValidationException")
        self.groups[name] = Group()

    def delete_group(self, name: str) -> None:
        if self._group(name).versions:
            raise Refused("ConflictException")
        del self.groups[name]

    def register(self, name: str) -> int:
        group = self._group(name)
        group.last += 1
        group.versions[group.last] = "PendingManualApproval"
        return group.last

    def approve(self, name: str, version: int, status: str) -> None:
        self._version(name, version)
        self.groups[name].versions[version] = status

    def delete_version(self, name: str, version: int) -> None:
        self._version(name, version)
        del self.groups[name].versions[version]

    def list_versions(self, name: str, status: str | None) -> list[int]:
        """The earliest first."""
        return [v for v, s in self._group(name).versions.items() if status in (None, s)]

    def _settled(self, name: str) -> Endpoint:
        endpoint = self.endpoints.get(name)
        if endpoint is None or endpoint.status in CHANGING:
            raise Refused("ValidationException")
        return endpoint

    def _group(self, name: str) -> Group:
        if name not in self.groups:
            raise Refused("ValidationException")
        return self.groups[name]

    def _version(self, name: str, version: int) -> None:
        if name not in self.groups or version not in self.groups[name].versions:
            raise Refused("ValidationException")
