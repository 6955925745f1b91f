"""A job's container from start to end: exit, stop request, time-out, or the cloud's own end."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from warmfold_local.engine.container import container_environment
from warmfold_local.engine.images import Image
from warmfold_local.engine.process import Child
from warmfold_local.sagemaker.failures import JobFailed
from warmfold_local.sagemaker.jobs import Job

# SIGKILL follows SIGTERM after this long (developer guide, "How Amazon SageMaker AI runs your
# training image"); the same is assumed for processing, where nothing is documented.
STOP_GRACE_SECONDS = 120.0
SHUTDOWN_GRACE_SECONDS = 5.0

# How soon a stop request or the end of the local cloud is noticed; an exit is noticed at once.
_POLL_SECONDS = 0.1


@dataclass(frozen=True)
class Ending:
    """How a container ended: its exit code, and what ended it before its time, if so."""

    code: int
    stopped: bool = False
    timed_out: bool = False


def run_container(
    job: Job,
    image: Image,
    argv: Sequence[str],
    *,
    environment: Mapping[str, str],
    isolated: bool,
    on_line: Callable[[str], None] | None = None,
) -> Ending:
    """Run to the end, within the job's ``MaxRuntimeInSeconds``.

    Raises ``JobFailed`` if the container's program cannot be started.
    """
    try:
        child = Child(
            argv,
            environment=container_environment(
                job.cloud, image, base_dir=job.base_dir, extra=environment, isolated=isolated
            ),
            working_dir=job.base_dir,
            log_path=job.log_path,
            on_line=on_line,
        )
    except OSError as error:
        raise JobFailed(f"ClientError: The container did not start: {error}") from error
    return _wait(job, child, float(job.record["StoppingCondition"]["MaxRuntimeInSeconds"]))


def _wait(job: Job, child: Child, max_runtime_seconds: float) -> Ending:
    deadline = time.monotonic() + max_runtime_seconds
    while (code := child.wait(_POLL_SECONDS)) is None:
        if job.cloud.stopping.is_set():
            return Ending(child.stop(SHUTDOWN_GRACE_SECONDS), stopped=True)
        if job.stop_requested.is_set():
            return Ending(child.stop(STOP_GRACE_SECONDS), stopped=True)
        if time.monotonic() >= deadline:
            return Ending(child.stop(STOP_GRACE_SECONDS), timed_out=True)
    return Ending(code, stopped=job.stop_requested.is_set() or job.cloud.stopping.is_set())
