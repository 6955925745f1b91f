"""A job's containers from start to end: exit, stop request, time-out, or the cloud's own end."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from warmfold_local.engine import sandbox
from warmfold_local.engine.images import Image
from warmfold_local.engine.launch import Launch, start
from warmfold_local.engine.process import Child
from warmfold_local.engine.resources import Meter
from warmfold_local.faults.hooks import Killer, fill_disk, killer
from warmfold_local.faults.kinds import SpotInterrupted
from warmfold_local.sagemaker import warm_cache
from warmfold_local.sagemaker.failures import INTERNAL, JobFailed
from warmfold_local.sagemaker.job_hosts import Place, Places, note_usage
from warmfold_local.sagemaker.jobs import Job
from warmfold_local.sagemaker.spot import is_spot, wait_left

# SIGKILL follows SIGTERM after this long (developer guide, "How Amazon SageMaker AI runs your
# training image"); the same is assumed for processing and for spot capacity that is taken back,
# where nothing is documented.
STOP_GRACE_SECONDS = 120.0
SHUTDOWN_GRACE_SECONDS = 5.0

# A shell's word for a process that was ended by SIGKILL.
KILLED = 137

# How soon a stop request or the end of the local cloud is noticed; an exit is noticed at once.
_POLL_SECONDS = 0.1


@dataclass(frozen=True, kw_only=True)
class Command:
    """What every host of a job runs. ``isolated``: without network, and without credentials."""

    image: Image
    argv: Sequence[str]
    environment: Mapping[str, str]
    isolated: bool


@dataclass(frozen=True)
class Ending:
    """How the containers ended: the exit code, and what ended them before their time, if so.

    The code is that of ``place``: the first host that failed, else ``algo-1``.
    """

    code: int
    place: Place
    stopped: bool = False
    timed_out: bool = False
    lost_capacity: SpotInterrupted | None = None


@dataclass(frozen=True)
class _Running:
    place: Place
    child: Child
    meter: Meter


def run_container(
    job: Job,
    places: Places,
    command: Command,
    *,
    on_line: Callable[[str], None] | None = None,
) -> Ending:
    """Run on every host to the end, within the job's ``MaxRuntimeInSeconds``.

    One host's failure ends the others. Raises ``JobFailed`` if the container's program cannot be
    started, or its node is lost.
    """
    fault = killer(job.cloud.faults, job.name, spot=is_spot(job.record))
    fill_disk(job.cloud.faults, job.name, [place.base_dir for place in places.all])
    started = time.monotonic()
    with _started(job, places, command, fault.watch(on_line)) as running:
        fault.attach(running[0].child.kill)
        limit = float(job.record["StoppingCondition"]["MaxRuntimeInSeconds"]) - job.spent_seconds
        limit = min(limit, wait_left(job.record, job.cloud.now()))
        ending = _wait(job, running, limit, fault)
        job.spent_seconds += time.monotonic() - started
        fault.end()
    note_usage(job, {r.place.host.name: r.meter.result(r.child.used) for r in running})
    if fault.lost_node and ending.code == KILLED:
        raise JobFailed(INTERNAL)
    return ending


@contextmanager
def _started(
    job: Job, places: Places, command: Command, on_line: Callable[[str], None] | None
) -> Iterator[list[_Running]]:
    """Every host's container; none is left when this ends."""
    several = command.isolated and len(places.all) > 1
    shared = several and command.image.engine is None and sandbox.isolation().network
    running: list[_Running] = []
    with ExitStack() as stack:
        stack.callback(lambda: _stop(running, 0.0))
        try:
            network = stack.enter_context(sandbox.peer_network(job.folder)) if shared else None
            for place in places.all:
                child = start(
                    job.acting,
                    _launch(places, place, command),
                    peer=running[0].child if several and running else None,
                    network=network,
                    on_line=on_line,
                )
                meter = Meter(child.measured_pid, place.base_dir)
                running.append(_Running(place, child, meter))
        except OSError as error:
            raise JobFailed(f"ClientError: The container did not start: {error}") from error
        yield running


def _launch(places: Places, place: Place, command: Command) -> Launch:
    return Launch(
        image=command.image,
        argv=command.argv,
        variables={
            **command.environment,
            **places.variables,
            **warm_cache.variables(command.image, place.base_dir),
        },
        base_dir=place.base_dir,
        log_path=place.log_path,
        isolated=command.isolated,
        hosts_path=places.hosts_path,
    )


def _wait(
    job: Job, running: Sequence[_Running], max_runtime_seconds: float, fault: Killer
) -> Ending:
    deadline = time.monotonic() + max_runtime_seconds
    while (live := _live(running)) and _failed(running) is None:
        if job.cloud.stopping.is_set():
            return _ended(running, SHUTDOWN_GRACE_SECONDS, stopped=True)
        if job.stop_requested.is_set():
            return _ended(running, STOP_GRACE_SECONDS, stopped=True)
        if fault.lost_capacity is not None:
            return _ended(running, STOP_GRACE_SECONDS, lost_capacity=fault.lost_capacity)
        if time.monotonic() >= deadline:
            return _ended(running, STOP_GRACE_SECONDS, timed_out=True)
        for each in live:
            each.meter.sample()
        live[0].child.wait(_POLL_SECONDS)
    stopped = job.stop_requested.is_set() or job.cloud.stopping.is_set()
    failed = _failed(running)
    return _ended(running, STOP_GRACE_SECONDS, stopped=stopped, failed=failed)


def _ended(
    running: Sequence[_Running],
    grace_seconds: float,
    *,
    stopped: bool = False,
    timed_out: bool = False,
    failed: _Running | None = None,
    lost_capacity: SpotInterrupted | None = None,
) -> Ending:
    """Stop what still runs; ``failed`` is the host whose end it was."""
    _stop(running, grace_seconds)
    last = failed or _failed(running) or running[0]
    code = last.child.wait(0)
    if code is None:
        raise RuntimeError(f"the container of {last.place.host.name} ended without an exit code")
    return Ending(code, last.place, stopped, timed_out, lost_capacity)


def _live(running: Sequence[_Running]) -> list[_Running]:
    return [each for each in running if each.child.wait(0) is None]


def _failed(running: Sequence[_Running]) -> _Running | None:
    return next((each for each in running if each.child.wait(0)), None)


def _stop(running: Sequence[_Running], grace_seconds: float) -> None:
    """All at once: the grace is the job's, not each host's."""
    stops = [
        threading.Thread(target=each.child.stop, args=(grace_seconds,)) for each in _live(running)
    ]
    for stop in stops:
        stop.start()
    for stop in stops:
        stop.join()
