"""What the four kinds of jobs have in common: create once, run on a thread, end exactly once."""

import shutil
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from warmfold_local.cloud import Cloud, Record
from warmfold_local.errors import ResourceInUse, ResourceNotFound, ValidationError
from warmfold_local.faults.hooks import service_failure
from warmfold_local.job_logs import JobLogs
from warmfold_local.sagemaker import capacity
from warmfold_local.sagemaker.failures import INTERNAL, SERVICE, JobFailed, JobStopped, clip
from warmfold_local.sagemaker.job_events import publish_state
from warmfold_local.sagemaker.tags import forget_tags, put_tags

# "You can delete only … jobs that are in a terminal state (Stopped, Failed, or Completed)".
ENDED = ("Stopped", "Failed", "Completed")


@dataclass(frozen=True, kw_only=True)
class JobKind:
    """Names of one kind of job. ``member`` begins its members, as ``TrainingJob`` + ``Name``.

    ``closing`` gives further members of the last state, from the record, the members that end
    it and the time; ``restarting`` those of a job that is run once more.
    """

    label: str
    resource: str
    member: str
    folder: str
    event: str
    ended: str
    closing: Callable[[Record, dict[str, Any], datetime], dict[str, Any]] | None = None
    restarting: Callable[[Record, datetime], dict[str, Any]] | None = None

    @property
    def status(self) -> str:
        return f"{self.member}Status"


@dataclass(frozen=True)
class Final:
    """A job's last status, and the members that change with it."""

    status: str
    members: dict[str, Any] = field(default_factory=dict)


@dataclass(eq=False)
class Job:
    """A job from creation to end.

    ``folder`` holds ``log.txt`` and, while the job runs or if it failed, the container's files.
    """

    cloud: Cloud
    kind: JobKind
    record: Record
    folder: Path
    on_ended: Callable[["Job"], None] | None = None
    stop_requested: threading.Event = field(default_factory=threading.Event)
    spent_seconds: float = 0.0  # by the containers of earlier attempts
    worker: threading.Thread | None = None  # what runs it; none for a job of an earlier process

    @property
    def name(self) -> str:
        return str(self.record[f"{self.kind.member}Name"])

    @property
    def arn(self) -> str:
        return str(self.record[f"{self.kind.member}Arn"])

    @property
    def status(self) -> str:
        return str(self.record[self.kind.status])

    @property
    def base_dir(self) -> Path:
        """Stands for ``/opt/ml``."""
        return self.folder / "ml"

    @property
    def log_path(self) -> Path:
        return self.folder / "log.txt"

    def remove_files(self) -> None:
        """The container's files, of every host."""
        for path in [self.base_dir, *self.folder.glob("ml-*")]:
            shutil.rmtree(path, ignore_errors=True)

    @property
    def acting(self) -> Cloud:
        """The cloud as the job's role sees it: the container, and SageMaker on its behalf."""
        return self.cloud.acting_as(self.record.get("_role_arn", self.record.get("RoleArn")))

    def update(self, **members: Any) -> None:
        """Change the record. Members are replaced, never changed in place: readers hold no lock."""
        with self.cloud.lock:
            self.record.update(members, LastModifiedTime=self.cloud.now())

    def finish(self, final: Final) -> None:
        with self.cloud.lock:
            now = self.cloud.now()
            members = {self.kind.status: final.status, self.kind.ended: now, **final.members}
            if self.kind.closing is not None:
                members |= self.kind.closing(self.record, members, now)
            members |= capacity.ended(self.cloud, self.kind.resource, {**self.record, **members})
            self.update(**members)

    def check_stop(self) -> None:
        """Raises ``JobStopped`` if the job is to end."""
        if self.stop_requested.is_set() or self.cloud.stopping.is_set():
            raise JobStopped

    def publish(self) -> None:
        """Send the state change event."""
        publish_state(
            self.cloud, member=self.kind.member, event=self.kind.event, record=self.record
        )


def create_job(
    cloud: Cloud,
    kind: JobKind,
    request: dict[str, Any],
    *,
    members: dict[str, Any],
    run: Callable[[Job], Final],
    on_ended: Callable[[Job], None] | None = None,
) -> Job:
    """Add the job's record and run it on a thread of its own.

    ``run`` returns the last state, or raises ``JobFailed`` or ``JobStopped``. ``on_ended`` is
    called once, after the last state is visible. Raises ``ResourceInUse`` if the name is taken,
    and ``ResourceLimitExceeded``.
    """
    name = request[f"{kind.member}Name"]
    now = cloud.now()
    record = _new_record(cloud, kind, request, now) | members
    folder = cloud.settings.state_dir / "jobs" / kind.folder / name
    job = Job(cloud, kind, record, folder, on_ended)
    record["_job"] = job
    table = cloud.table(kind.label)
    with cloud.lock:
        if table.find(name) is None:  # else the name is what is wrong
            capacity.admit(cloud, kind.resource, record)
        table.add(name, record)
    if folder.exists():  # of an earlier local cloud with the same state folder
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    cloud.part(JobLogs).follow_job(folder, kind.resource, name, int(now.timestamp()))
    put_tags(cloud, job.arn, request.get("Tags"))
    job.worker = cloud.spawn(f"{kind.resource} {name}", lambda: _run(job, run))
    return job


def _new_record(cloud: Cloud, kind: JobKind, request: dict[str, Any], now: datetime) -> Record:
    name = request[f"{kind.member}Name"]
    return {
        **{key: value for key, value in request.items() if key != "Tags"},
        f"{kind.member}Arn": cloud.arn(f"{kind.resource}/{name}"),
        kind.status: "InProgress",
        "CreationTime": now,
        "LastModifiedTime": now,
    }


def find_job(cloud: Cloud, kind: JobKind, name: str) -> Record:
    """Raises ``ValidationError`` for an unknown job, with the service's text."""
    record = cloud.table(kind.label).find(name)
    if record is None:
        raise ValidationError("Requested resource not found.")
    return record


def describe_job(cloud: Cloud, kind: JobKind, name: str) -> Record:
    """A copy of the record at one moment."""
    with cloud.lock:
        return dict(find_job(cloud, kind, name))


def request_stop(
    cloud: Cloud,
    kind: JobKind,
    name: str,
    members: Callable[[Record], dict[str, Any]] = lambda _: {},
) -> None:
    """Ask a running job to stop; ``members`` of its record change with the status.

    Raises ``ValidationError`` if the job is unknown, or not InProgress.
    """
    with cloud.lock:
        record = find_job(cloud, kind, name)
        if record[kind.status] != "InProgress":
            raise ValidationError(
                f"The request was rejected because the {kind.label.lower()} is in status "
                f"{record[kind.status]}."
            )
        job: Job = record["_job"]
        job.update(**{kind.status: "Stopping"}, **members(record))
        job.stop_requested.set()
    job.publish()


def delete_job(cloud: Cloud, kind: JobKind, name: str) -> None:
    """Forget a job that has ended, with its log; its data in S3 stays.

    Raises ``ResourceNotFound`` for an unknown job, and ``ResourceInUse`` for one that runs or
    retains a warm pool (API reference, DeleteTrainingJob; the texts are this cloud's own).
    """
    table = cloud.table(kind.label)
    with cloud.lock:
        record = table.find(name)
        if record is None:
            raise ResourceNotFound("Requested resource not found.")
        status = record[kind.status]
        if status not in ENDED or kind.ended not in record:
            raise ResourceInUse(f"The {kind.label.lower()} {name} is in status {status}.")
        if record.get("WarmPoolStatus", {}).get("Status") == "Available":
            raise ResourceInUse(f"The {kind.label.lower()} {name} retains a warm pool.")
    job: Job = record["_job"]
    if job.worker is not None:
        job.worker.join()  # its folder may be used again at once
    table.remove(name)
    forget_tags(cloud, record[f"{kind.member}Arn"])
    shutil.rmtree(cloud.settings.state_dir / "jobs" / kind.folder / name, ignore_errors=True)


def _run(job: Job, run: Callable[[Job], Final]) -> None:
    final = Final("Failed", {"FailureReason": INTERNAL})
    try:
        job.publish()
        final = _with_retries(job, run)
    except JobStopped:
        final = Final("Stopped")
    except JobFailed as failure:
        final = Final("Failed", {"FailureReason": clip(str(failure))})
    finally:
        job.finish(final)
        job.cloud.part(JobLogs).ended(job.folder)
        job.publish()
        if job.on_ended is not None:
            job.on_ended(job)
        if final.status != "Failed":  # a failed container's files may tell more than its message
            job.remove_files()


def _with_retries(job: Job, run: Callable[[Job], Final]) -> Final:
    """Run the job, and again after an internal error for as often as its RetryStrategy says.

    "The retry strategy to use when a training job fails due to an InternalServerError" (API
    reference); MaxRuntimeInSeconds covers all attempts together.
    """
    left = int((job.record.get("RetryStrategy") or {}).get("MaximumRetryAttempts", 0))
    while True:
        try:
            return _attempt(job, run)
        except JobFailed as failure:
            if left == 0 or str(failure) != INTERNAL:
                raise
        left -= 1
        job.remove_files()
        if job.kind.restarting is not None:
            job.update(**job.kind.restarting(job.record, job.cloud.now()))
        job.publish()


def _attempt(job: Job, run: Callable[[Job], Final]) -> Final:
    job.check_stop()
    reason = service_failure(job.cloud.faults, job.name)
    if reason is not None:
        raise JobFailed(SERVICE[reason])
    return run(job)
