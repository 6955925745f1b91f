"""A control plane whose containers are stood in for by `engine.Engine`, for a state machine."""

import tempfile
import threading
from pathlib import Path
from typing import Any
from unittest.mock import patch

from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine

from tests.model.engine import Engine
from tests.model.looking import Looking
from tests.unit.local.jobs_support import Bench
from warmfold_local.sagemaker import endpoints, training


class Machine(Looking, RuleBasedStateMachine):
    """Made anew for every sequence; at its end no thread and no file is left."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.before = set(threading.enumerate())
        self.engine = Engine()
        self.patches: list[Any] = [
            patch.object(training, "run_training", self.engine.run_training),
            patch.object(endpoints, "Fleet", self.engine.fleet),
        ]
        for seam in self.patches:
            seam.start()
        self.bench = Bench(Path(self.folder.name))

    def teardown(self) -> None:
        self.engine.closed.set()
        self.bench.cloud.stopping.set()
        for thread in set(threading.enumerate()) - self.before:
            thread.join(20)
            assert not thread.is_alive(), thread.name
        for seam in self.patches:
            seam.stop()
        self.folder.cleanup()


def repeatable(examples: int, steps: int) -> settings:
    return settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=[HealthCheck.too_slow],
    )
