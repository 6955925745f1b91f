"""The kinds of faults. Each says what it matches and how often it fires."""

from dataclasses import dataclass, field
from typing import ClassVar, Literal


@dataclass(frozen=True, kw_only=True)
class Budget:
    """Of the matching calls the first ``skip`` pass; each further one fires with ``probability``,
    drawn from ``seed``, until it has fired ``times`` times (``None``: without end)."""

    times: int | None = 1
    probability: float = 1.0
    seed: int = 0
    skip: int = 0


@dataclass(frozen=True, kw_only=True)
class Fault:
    """``match`` is a shell pattern (``List*``) for the name of what the kind disturbs."""

    kind: ClassVar[str]
    match: str
    budget: Budget = field(default_factory=Budget)


@dataclass(frozen=True, kw_only=True)
class Throttled(Fault):
    """The operation ``match`` is refused with "Rate exceeded", before it does anything."""

    kind: ClassVar[str] = "throttle"


@dataclass(frozen=True, kw_only=True)
class AnswerLost(Fault):
    """The operation ``match`` is carried out; then its answer breaks off (``close``) or is a
    server's error (``error``). Only answers of success are lost."""

    kind: ClassVar[str] = "answer_lost"
    how: Literal["close", "error"] = "close"


@dataclass(frozen=True, kw_only=True)
class JobFails(Fault):
    """The job ``match`` fails before its container starts, for a reason of the service's."""

    kind: ClassVar[str] = "job_fails"
    reason: Literal["CapacityError", "InternalServerError"] = "InternalServerError"


@dataclass(frozen=True, kw_only=True)
class Killed(Fault):
    """The container of the job ``match`` gets SIGKILL: after so many seconds, or at a line of its
    log (from 1), of which exactly one is given."""

    kind: ClassVar[str] = "job_killed"
    after_seconds: float | None = None
    at_line: int | None = None


@dataclass(frozen=True, kw_only=True)
class NodeLost(Killed):
    """As `Killed`, and it is the service's fault: the job fails with InternalServerError."""

    kind: ClassVar[str] = "node_lost"


@dataclass(frozen=True, kw_only=True)
class SpotInterrupted(Killed):
    """The spot capacity of the training job ``match`` is taken back: SIGTERM to its container, and
    it starts again from its checkpoints ``wait_seconds`` later. No other jobs are hit."""

    kind: ClassVar[str] = "spot_interrupted"
    wait_seconds: float = 0.0


@dataclass(frozen=True, kw_only=True)
class S3Disturbed(Fault):
    """Requests for ``match`` (``bucket/key``) wait, then fail unless ``error`` is ``None``.

    ``BreaksOff``: the answer is that of a success, and ends in the middle of its body.
    """

    kind: ClassVar[str] = "s3"
    method: str = "*"
    delay_seconds: float = 0.0
    error: Literal["InternalError", "SlowDown", "AccessDenied", "BreaksOff"] | None = None


@dataclass(frozen=True, kw_only=True)
class EventDisturbed(Fault):
    """An event of detail type ``match`` about a resource whose ARN matches ``resource`` is lost,
    delivered twice, or delivered ``delay_seconds`` late."""

    kind: ClassVar[str] = "event"
    how: Literal["lost", "duplicate", "late"] = "lost"
    resource: str = "*"
    delay_seconds: float = 1.0


@dataclass(frozen=True, kw_only=True)
class EndpointDisturbed(Fault):
    """Invocations of the endpoint ``match`` wait, then are answered as if the container had
    answered ``status``, unless that is ``None``. The container may take ``limit_seconds``, unless
    that is ``None``, instead of SageMaker's 60."""

    kind: ClassVar[str] = "endpoint"
    delay_seconds: float = 0.0
    status: int | None = None
    limit_seconds: float | None = None


@dataclass(frozen=True, kw_only=True)
class DiskFull(Fault):
    """The container of the job ``match`` finds the disk full (ENOSPC) when it writes the file
    ``path`` below /opt/ml, which the job's folder must not hold yet."""

    kind: ClassVar[str] = "disk_full"
    path: str = "model/model.txt"


@dataclass(frozen=True, kw_only=True)
class TimedFault(Fault):
    """Happens by itself after so many seconds, once: ``match`` is a name and no pattern, and the
    budget must be the default one."""

    after_seconds: float = 0.0


@dataclass(frozen=True, kw_only=True)
class AlarmFires(TimedFault):
    """The CloudWatch alarm ``match`` goes to ``state``."""

    kind: ClassVar[str] = "alarm"
    state: Literal["ALARM", "OK", "INSUFFICIENT_DATA"] = "ALARM"


@dataclass(frozen=True, kw_only=True)
class PoolTerminated(TimedFault):
    """The warm pool that the training job ``match`` left is ended, if it is Available."""

    kind: ClassVar[str] = "pool_terminated"


KINDS: dict[str, type[Fault]] = {
    kind.kind: kind
    for kind in (
        Throttled,
        AnswerLost,
        JobFails,
        Killed,
        NodeLost,
        SpotInterrupted,
        S3Disturbed,
        EventDisturbed,
        EndpointDisturbed,
        DiskFull,
        AlarmFires,
        PoolTerminated,
    )
}
