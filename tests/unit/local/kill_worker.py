"""Runs a cloud without its HTTP side until it is killed: ``kill_worker.py FOLDER SEED``, by line.

For each line on standard input a child is forked, which restores the folder's state and then
makes changes from several threads. It prints what it is about to delete, and what was answered.
"""

import json
import os
import random
import sys
import threading
from pathlib import Path
from typing import Any

from tests.unit.local.jobs_support import Events
from warmfold_local.cloud import Cloud, Settings
from warmfold_local.sagemaker import packages, pipelines, tags
from warmfold_local.sagemaker.protocol import handle
from warmfold_local.store.database import FILE, Database
from warmfold_local.store.journal import Journal
from warmfold_local.store.recovery import settle

MODULES = (packages, pipelines, tags)  # imported for their operations
ROLE = "arn:aws:iam::000000000000:role/anybody"
THREADS = 3


def say(**values: Any) -> None:
    os.write(1, (json.dumps(values) + "\n").encode())


def definition(number: int) -> str:
    step = {"Name": f"Step{number}", "Type": "Fail", "Arguments": {"ErrorMessage": "no"}}
    return json.dumps({"Version": "2020-12-01", "Steps": [step]})


class Client:
    """One thread's stream of operations."""

    def __init__(self, cloud: Cloud, name: str) -> None:
        self._cloud = cloud
        self._name = name
        self._random = random.Random(name)  # noqa: S311 (what to do next)
        self._number = 0
        self._groups: list[str] = []

    def run(self) -> None:
        self._call("CreatePipeline", PipelineName=self._name, RoleArn=ROLE, **self._pipeline())
        while True:
            self._random.choice((self._create, self._create, self._delete, self._update))()

    def _create(self) -> None:
        self._number += 1
        name = f"{self._name}-{self._number}"
        tag = [{"Key": "number", "Value": str(self._number)}]
        self._call("CreateModelPackageGroup", ModelPackageGroupName=name, Tags=tag)
        self._groups.append(name)
        say(created=name)

    def _delete(self) -> None:
        if self._groups:
            name = self._groups.pop(self._random.randrange(len(self._groups)))
            say(deleting=name)
            self._call("DeleteModelPackageGroup", ModelPackageGroupName=name)
            say(deleted=name)

    def _update(self) -> None:
        self._number += 1
        values = self._pipeline()
        self._call(
            "UpdatePipeline",
            PipelineName=self._name,
            PipelineDefinition=values["PipelineDefinition"],
        )
        say(updated=self._name, number=self._number)

    def _pipeline(self) -> dict[str, str]:
        token = f"{self._name}-{'t' * 32}"
        return {"PipelineDefinition": definition(self._number), "ClientRequestToken": token}

    def _call(self, name: str, **request: Any) -> None:
        status, _, body = handle(self._cloud, f"SageMaker.{name}", json.dumps(request).encode())
        if status != 200:
            say(failed=name, answer=body.decode())


def work(folder: Path, seed: str) -> None:
    settings = Settings(
        account="000000000000",
        region="us-east-1",
        port=1,
        secret="none",
        state_dir=folder,
        images_dir=folder,
    )
    cloud = Cloud(settings, Events())
    journal = Journal(cloud, Database(folder / FILE), dict)
    journal.restore()
    settle(cloud)
    cloud.commit = journal.commit
    journal.start()
    for number in range(THREADS):
        client = Client(cloud, f"run-{seed}-{number}")
        threading.Thread(target=client.run, daemon=True).start()
    threading.Event().wait()


def main() -> None:
    for line in sys.stdin:
        folder, seed = json.loads(line)
        pid = os.fork()
        if pid == 0:
            work(Path(folder), seed)
            os._exit(0)
        say(pid=pid)
        os.waitpid(pid, 0)
        say(ended=pid)


if __name__ == "__main__":
    main()
