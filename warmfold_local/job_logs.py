"""The log files of jobs and endpoints as CloudWatch's log streams, in batches beside the work.

Groups and streams are named as SageMaker names them (developer guide, "Log groups and streams
that Amazon SageMaker AI sends to Amazon CloudWatch Logs"): ``/aws/sagemaker/TrainingJobs`` has
``NAME/algo-1-EPOCH``. Where AWS has an instance's id there is a made-up one here.
"""

import logging
import re
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from warmfold_local.cloud import Cloud

logger = logging.getLogger("warmfold_local")

INTERVAL_SECONDS = 0.5

# A longer line is cut into several events.
_EVENT_BYTES = 256 * 1024
_READ_BYTES = 1024 * 1024

_GROUPS = {
    "processing-job": "ProcessingJobs",
    "training-job": "TrainingJobs",
    "transform-job": "TransformJobs",
}
_HOST = re.compile(r"log-(algo-\d+)\.txt")


@dataclass(frozen=True)
class Batch:
    """New lines of one stream, and when they were read (ms since 1970)."""

    group: str
    stream: str
    timestamp: int
    messages: list[str]


Sink = Callable[[list[Batch]], None]


@dataclass(eq=False)
class _Followed:
    """A folder whose logs are followed; ``stream`` names one by its host."""

    group: str
    stream: Callable[[str], str]
    offsets: dict[Path, int] = field(default_factory=dict)
    ended: bool = False


@dataclass
class JobLogs:
    """One cloud's logs that are being written. Without ``sink`` nobody wants them."""

    sink: Sink | None = None
    _followed: dict[Path, _Followed] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def follow_job(self, folder: Path, resource: str, name: str, epoch: int) -> None:
        """A job's hosts, until it has ``ended``; ``epoch``: when it was made, in seconds."""
        kind = _GROUPS.get(resource)
        if kind is None:  # a tuning job has no containers
            return

        def stream(host: str) -> str:
            place = instance_id(name) if resource == "transform-job" else host
            return f"{name}/{place}-{epoch}"

        self._follow(folder, _Followed(f"/aws/sagemaker/{kind}", stream))

    def follow_endpoint(self, folder: Path, name: str, variant: str) -> None:
        """One log for all servers of an endpoint, under the first variant's name."""
        stream = f"{variant}/{instance_id(name)}"
        self._follow(folder, _Followed(f"/aws/sagemaker/Endpoints/{name}", lambda _: stream))

    def ended(self, folder: Path) -> None:
        with self._lock:
            found = self._followed.get(folder)
            if found is not None:
                found.ended = True

    def ship(self) -> None:
        """Hand on what was written since the last time."""
        with self._lock:
            current = list(self._followed.items())
        batches = []
        for folder, followed in current:
            ended = followed.ended  # before its file is read: what comes later is read later
            batches += list(_new_lines(folder, followed, final=ended))
            if ended:
                self._forget(folder, followed)
        if batches and self.sink is not None:
            self.sink(batches)

    def _follow(self, folder: Path, followed: _Followed) -> None:
        """An endpoint's next fleet goes on in the same log."""
        with self._lock:
            found = self._followed.get(folder)
            if self.sink is not None and (found is None or found.ended):
                self._followed[folder] = followed

    def _forget(self, folder: Path, followed: _Followed) -> None:
        with self._lock:
            if self._followed.get(folder) is followed:
                del self._followed[folder]


def keep_shipping(cloud: Cloud) -> None:
    """Until the cloud stops; what is wrong once is logged, and tried again."""
    logs = cloud.part(JobLogs)
    while not cloud.stopping.wait(INTERVAL_SECONDS):
        try:
            logs.ship()
        except Exception:
            logger.exception("the jobs' logs could not be handed on")


def instance_id(name: str) -> str:
    return f"i-0{sha256(name.encode()).hexdigest()[:16]}"


def _new_lines(folder: Path, followed: _Followed, *, final: bool) -> Iterator[Batch]:
    """Whole lines, and at the end the last one whatever it ends with."""
    for path in sorted(folder.glob("log*.txt")):
        host = _HOST.fullmatch(path.name)
        stream = followed.stream("algo-1" if host is None else host.group(1))
        while True:
            data = _read(path, followed.offsets.get(path, 0))
            text = data if final else data[: data.rfind(b"\n") + 1]
            if len(data) == _READ_BYTES and not text:  # a line longer than all that
                text = data
            if not text:
                break
            followed.offsets[path] = followed.offsets.get(path, 0) + len(text)
            messages = _messages(text)
            if messages:
                yield Batch(followed.group, stream, int(time.time() * 1000), messages)


def _read(path: Path, offset: int) -> bytes:
    try:
        with path.open("rb") as file:
            file.seek(offset)
            return file.read(_READ_BYTES)
    except FileNotFoundError:  # the job was deleted
        return b""


def _messages(data: bytes) -> list[str]:
    """Empty lines are left out: an event has at least one character (PutLogEvents)."""
    lines = [line.rstrip("\r") for line in data.decode("utf-8", "replace").split("\n")]
    return [
        line[start : start + _EVENT_BYTES]
        for line in lines
        for start in range(0, len(line), _EVENT_BYTES)
    ]
