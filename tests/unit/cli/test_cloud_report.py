"""``local status``: the walls as they are, and what jobs used."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from warmfold.cli.cloud_report import isolation_line, resource_lines
from warmfold_local.engine import sandbox
from warmfold_local.engine.sandbox import Kind


@pytest.mark.parametrize(
    "kind, wanted",
    [
        ("none", "NOT enforced: files, processes, network, host names; install bubblewrap"),
        ("none", "network isolation is NOT enforced: jobs and model servers only lack cred"),
        ("unshare", "own: processes, network, host names; NOT enforced: files; install"),
        ("unshare", "a job's process reaches its own hosts alone, a model server's none"),
        ("bubblewrap", "own: files, processes, network, host names; with network isolation a"),
    ],
)
def test_what_is_not_enforced_is_said(tmp_path: Path, kind: Kind, wanted: str) -> None:
    with sandbox.forced(kind):
        sandbox.write_report(tmp_path)
    assert wanted in isolation_line(tmp_path)
    assert f"isolation: {kind};" in isolation_line(tmp_path)


def test_without_a_report_nothing_is_claimed(tmp_path: Path) -> None:
    assert isolation_line(tmp_path) == "isolation: not known"
    assert list(resource_lines(tmp_path)) == []


def record(state_dir: Path, name: str, age_seconds: int, hosts: int) -> None:
    path = state_dir / "jobs" / "training" / name / "resources.json"
    path.parent.mkdir(parents=True)
    used: dict[str, Any] = {"peak_memory_bytes": 2**20 * 64, "disk_bytes": 2**19}
    values = {"hosts": {f"algo-{n}": used for n in range(hosts)}, "cpu_seconds": 1.25}
    path.write_text(json.dumps(values), encoding="utf-8")
    os.utime(path, (1_000_000 - age_seconds, 1_000_000 - age_seconds))


def test_what_jobs_used_is_listed_newest_first_and_not_without_end(tmp_path: Path) -> None:
    record(tmp_path, "old", 10, 1)
    record(tmp_path, "new", 0, 2)
    assert list(resource_lines(tmp_path)) == [
        "training new: 2 hosts, 1.2 CPU s, 64 MiB memory, 1.0 MiB disk",
        "training old: 1 host, 1.2 CPU s, 64 MiB memory, 0.5 MiB disk",
    ]
    for number in range(20):
        record(tmp_path, f"job-{number}", 100, 1)
    assert len(list(resource_lines(tmp_path))) == 10
