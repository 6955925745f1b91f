"""Random sequences of training jobs, warm pools, deletions and faults: model and server agree."""

import json
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule

from tests.model.benches import Machine, repeatable
from tests.model.engine import until
from tests.model.pool_reference import TRAINING_QUOTA, WARM_POOL_QUOTA, PoolReference
from tests.model.reference import ENDED
from tests.unit.local.jobs_support import ROLE, training_request
from warmfold_local.faults.parse import parse
from warmfold_local.sagemaker import capacity, training_updates

MODULES = (training_updates,)  # imported for its operation
TYPE = "ml.c5.xlarge"
NAMES = st.sampled_from(["a", "b", "c", "d", "e"])
KEYS = st.sampled_from(["one", "two"])
PERIODS = st.sampled_from([0, 600, 3600])


class PoolsMachine(Machine):
    @initialize()
    def an_image_and_quotas(self) -> None:
        self.model = PoolReference()
        self.image = self.bench.image("")
        quotas = {
            f"{TYPE} for training warm pool usage": WARM_POOL_QUOTA,
            f"{TYPE} for training job usage": TRAINING_QUOTA,
        }
        path = self.bench.cloud.settings.state_dir / capacity.LIMITS_FILE
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"quotas": quotas}), encoding="utf-8")

    @rule(names=st.lists(NAMES, min_size=1, max_size=4), key=KEYS, seconds=PERIODS)
    def create(self, names: list[str], key: str, seconds: int) -> None:
        for name in names:
            self.create_one(name, key, seconds)

    def create_one(self, name: str, key: str, seconds: int) -> None:
        request = training_request(self.image, name)
        resources = {**request["ResourceConfig"], "InstanceType": TYPE}
        request |= {
            "RoleArn": f"{ROLE}-{key}",
            "ResourceConfig": {**resources, "KeepAlivePeriodInSeconds": seconds},
        }
        idle = set() if name in self.model.jobs else self.model.reusable(key)

        def expected() -> None:
            self.model.create(name, key, seconds, next(iter(sorted(idle)), None))

        # Which of several idle clusters is taken is not documented: only one may be there.
        if len(idle) <= 1 and self.both(expected, "CreateTrainingJob", **request):
            until(lambda: self.began(name), f"{name} began")

    def began(self, name: str) -> bool:
        """It is on its cluster, or has failed before."""
        job = self.call("DescribeTrainingJob", TrainingJobName=name)
        wanted = self.model.jobs[name].status
        return job["TrainingJobStatus"] == wanted and (
            "TrainingStartTime" in job or wanted == "Failed"
        )

    @precondition(lambda self: self.running())
    @rule(data=st.data(), score=st.none() | st.just(1.0))
    def end(self, data: st.DataObject, score: float | None) -> None:
        name = data.draw(st.sampled_from(self.running()))
        self.model.end(name, "Failed" if score is None else "Completed")
        self.engine.outcomes[name] = score
        until(lambda: self.job_status(name) in ENDED, f"{name} ended")

    @rule(name=NAMES)
    def stop(self, name: str) -> None:
        if self.both(lambda: self.model.stop(name), "StopTrainingJob", TrainingJobName=name):
            until(lambda: self.job_status(name) in ENDED, f"{name} stopped")

    @rule(name=NAMES, seconds=PERIODS)
    def keep_alive(self, name: str, seconds: int) -> None:
        self.both(
            lambda: self.model.keep_alive(name, seconds),
            "UpdateTrainingJob",
            TrainingJobName=name,
            ResourceConfig={"KeepAlivePeriodInSeconds": seconds},
        )

    @rule(name=NAMES)
    def patch(self, name: str) -> None:
        assert capacity.terminate_pool(self.bench.cloud, name) == self.model.patch(name)

    @rule(name=NAMES)
    def delete(self, name: str) -> None:
        if self.both(lambda: self.model.delete(name), "DeleteTrainingJob", TrainingJobName=name):
            self.engine.outcomes.pop(name, None)

    @rule(name=NAMES, reason=st.sampled_from(["InternalServerError", "CapacityError"]))
    def inject(self, name: str, reason: str) -> None:
        if name in self.model.jobs:  # it has asked for its fault already
            return
        self.model.faults.setdefault(name, []).append(reason)
        self.bench.cloud.faults.add(parse({"kind": "job_fails", "match": name, "reason": reason}))

    @invariant()
    def jobs_and_pools_agree(self) -> None:
        if not hasattr(self, "model"):
            return
        listed = self.pages("ListTrainingJobs", "TrainingJobSummaries", MaxResults=2)
        assert {job["TrainingJobName"] for job in listed} == set(self.model.jobs)
        for name, job in self.model.jobs.items():
            found = self.call("DescribeTrainingJob", TrainingJobName=name)
            pool = found.get("WarmPoolStatus", {})
            shown = (found["TrainingJobStatus"], pool.get("Status"), pool.get("ReusedByJob"))
            assert shown == (job.status, job.pool, job.reused_by), name

    @invariant()
    def lists_by_pool_agree(self) -> None:
        if not hasattr(self, "model"):
            return
        for status in ("Available", "InUse", "Reused", "Terminated"):
            asked = {"WarmPoolStatusEquals": status, "MaxResults": 3}
            found = self.pages("ListTrainingJobs", "TrainingJobSummaries", **asked)
            assert {job["TrainingJobName"] for job in found} == self.model.listed(status), status

    def running(self) -> list[str]:
        jobs: dict[str, Any] = self.model.jobs if hasattr(self, "model") else {}
        return sorted(name for name, job in jobs.items() if job.status == "InProgress")


TestPools = PoolsMachine.TestCase
TestPools.settings = repeatable(examples=25, steps=40)
