"""Killed at any moment, the state file holds everything that was answered, and nothing by half."""

import json
import os
import random
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from warmfold_local.store.database import FILE, Database

REPOSITORY = Path(__file__).parents[3]
KILLS = 30
# A run is killed a moment after so many lines of it, at most: with none, while it restores.
MOST_LINES = 30
LONGEST_MOMENT_SECONDS = 0.005


@dataclass
class Answered:
    """What clients know, over all runs."""

    groups: set[str] = field(default_factory=set)
    uncertain: set[str] = field(default_factory=set)
    deleted: set[str] = field(default_factory=set)
    updates: dict[str, int] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)

    def take(self, said: dict[str, Any]) -> None:
        if "created" in said:
            self.groups.add(said["created"])
        elif "deleting" in said:
            self.groups.discard(said["deleting"])
            self.uncertain.add(said["deleting"])
        elif "deleted" in said:
            self.uncertain.discard(said["deleted"])
            self.deleted.add(said["deleted"])
        elif "updated" in said:
            self.updates[said["updated"]] = said["number"]
        elif "failed" in said:
            self.failures.append(said["answer"])


class Worker:
    """See `kill_worker.py`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.unit.local.kill_worker"],
            cwd=REPOSITORY,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run_and_kill(self, seed: str, lines: int, seconds: float, answered: Answered) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps([str(self._folder), seed]) + "\n")
        self._process.stdin.flush()
        said = self._said()
        pid = next(said)["pid"]
        for line in islice(said, lines):
            answered.take(line)
        time.sleep(seconds)
        os.kill(pid, signal.SIGKILL)
        for line in said:
            if "ended" in line:
                return
            answered.take(line)

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()

    def _said(self) -> Iterator[dict[str, Any]]:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            yield json.loads(line)


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[Worker]:
    made = Worker(tmp_path)
    yield made
    made.close()


def test_what_was_answered_survives_every_kill(worker: Worker, tmp_path: Path) -> None:
    answered = Answered()
    moments = random.Random(20261)  # noqa: S311 (moments to kill at)
    for number in range(KILLS):
        lines, seconds = moments.randrange(MOST_LINES), moments.uniform(0, LONGEST_MOMENT_SECONDS)
        worker.run_and_kill(str(number), lines, seconds, answered)
        check(tmp_path, answered)
    assert answered.failures == []
    assert len(answered.groups) > KILLS
    assert len(answered.deleted) > KILLS / 3
    assert len(answered.updates) > KILLS / 3


def check(folder: Path, answered: Answered) -> None:
    with closing(sqlite3.connect(folder / FILE)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    with closing(Database(folder / FILE)) as database:
        found = {(kind, name): record for kind, name, record in database.records()}
    groups = {name for kind, name in found if kind == "Model package group"}
    assert answered.groups <= groups
    assert not answered.deleted & groups
    for name in groups:
        record = found["Model package group", name]
        assert {"ModelPackageGroupArn", "CreationTime", "_versions"} <= record.keys()
        if name in answered.groups:
            tags = found["Tags", record["ModelPackageGroupArn"]]["tags"]
            assert tags == {"number": name.rpartition("-")[2]}
    for name, number in answered.updates.items():
        stored = re.findall(r"Step(\d+)", found["Pipeline", name]["PipelineDefinition"])
        assert int(stored[0]) >= number
