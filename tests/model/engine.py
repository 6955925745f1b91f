"""Stands where containers run: a job or a fleet waits until the test says how it ends.

The seams are the two names by which the control plane starts what runs:
``training.run_training`` and ``endpoints.Fleet``.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from warmfold_local.sagemaker.failures import JobFailed, JobStopped
from warmfold_local.sagemaker.fleet import FleetError
from warmfold_local.sagemaker.jobs import Final, Job

_STEP_SECONDS = 0.002
_WAIT_SECONDS = 20.0


@dataclass
class Engine:
    """``outcomes`` of jobs: a score, or ``None`` to fail; of fleets: whether they are healthy."""

    outcomes: dict[str, float | None] = field(default_factory=dict)
    fleets: dict[str, bool] = field(default_factory=dict)
    closed: threading.Event = field(default_factory=threading.Event)

    def run_training(self, job: Job) -> Final:
        job.update(TrainingStartTime=job.cloud.now())  # its cluster was launched
        self._wait(lambda: job.name in self.outcomes or job.stop_requested.is_set())
        if job.name not in self.outcomes:
            raise JobStopped
        score = self.outcomes[job.name]
        if score is None:
            raise JobFailed("AlgorithmError: as the test wants it, exit code: 1")
        metric = {"MetricName": "score", "Value": score, "Timestamp": job.cloud.now()}
        job.update(FinalMetricDataList=[metric])
        return Final("Completed", {"ModelArtifacts": {"S3ModelArtifacts": "s3://b/model.tar.gz"}})

    def fleet(self, _cloud: Any, endpoint: str, generation: int, config: Any) -> Any:
        """In place of ``Fleet``."""
        key = f"{endpoint}/{id(config)}/{generation}/{time.monotonic_ns()}"
        servers = {
            variant["VariantName"]: SimpleNamespace(image="image", port=1, exit_code=None)
            for variant in config["ProductionVariants"]
        }

        def start() -> None:
            self._wait(lambda: endpoint in self.fleets)
            if not self.fleets.pop(endpoint, False):
                raise FleetError(f"fleet {key} did not come up, as the test wants it")

        return SimpleNamespace(config=config, servers=servers, start=start, stop=lambda: None)

    def _wait(self, condition: Callable[[], bool]) -> None:
        """Until then, or until the test is over."""
        while not condition() and not self.closed.wait(_STEP_SECONDS):
            continue


def until(condition: Callable[[], bool], what: str) -> None:
    """Until the control plane has taken in what the engine did."""
    deadline = time.monotonic() + _WAIT_SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"it never came to this: {what}"
        time.sleep(_STEP_SECONDS)
