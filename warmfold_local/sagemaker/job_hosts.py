"""Where each host of a job has its files and its log, and what the job used, all hosts together."""

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from warmfold_local.engine.hosts import Host, NoAddress, address_variable, hosts_file, leased_hosts
from warmfold_local.engine.resources import Usage
from warmfold_local.sagemaker.failures import SERVICE, JobFailed
from warmfold_local.sagemaker.jobs import Job


@dataclass(frozen=True, kw_only=True)
class Place:
    """One host of a job. ``base_dir`` stands for its ``/opt/ml``."""

    host: Host
    base_dir: Path
    log_path: Path


@dataclass(frozen=True, kw_only=True)
class Places:
    """Every host of a job, ``algo-1`` first; ``hosts_path`` is their ``/etc/hosts``."""

    all: tuple[Place, ...]
    hosts_path: Path

    @property
    def first(self) -> Place:
        return self.all[0]

    @property
    def names(self) -> list[str]:
        """Sorted, as ``resourceconfig.json`` has them."""
        return sorted(place.host.name for place in self.all)

    @property
    def variables(self) -> Mapping[str, str]:
        """How a container finds its peers; nothing in a job of one host."""
        return address_variable([place.host for place in self.all]) if self.all[1:] else {}


@contextmanager
def places_of(job: Job, count: int) -> Iterator[Places]:
    """The hosts of a job, for as long as it runs. Raises ``JobFailed`` if there are not so many."""
    with ExitStack() as stack:
        try:
            hosts = stack.enter_context(leased_hosts(job.cloud.settings.port, count))
        except NoAddress as error:
            raise JobFailed(f"{SERVICE['CapacityError']} ({error})") from error
        path = job.folder / "hosts"
        path.write_text(hosts_file(hosts), encoding="utf-8")
        stack.callback(path.unlink, missing_ok=True)
        places = [_place(job, host, first=number == 0) for number, host in enumerate(hosts)]
        yield Places(all=tuple(places), hosts_path=path)


def _place(job: Job, host: Host, *, first: bool) -> Place:
    return Place(
        host=host,
        base_dir=job.base_dir if first else job.folder / f"ml-{host.name}",
        log_path=job.log_path if first else job.folder / f"log-{host.name}.txt",
    )


def note_usage(job: Job, used: Mapping[str, Usage]) -> None:
    """Keep what each host used, privately in the record and as ``resources.json`` by the log."""
    hosts: dict[str, Any] = {name: usage.to_dict() for name, usage in used.items()}
    values = {"hosts": hosts, "cpu_seconds": round(sum(u.cpu_seconds for u in used.values()), 3)}
    job.update(_resources=values)
    text = json.dumps(values, indent=2) + "\n"
    (job.folder / "resources.json").write_text(text, encoding="utf-8")
