"""Quotas and rates of the live control plane."""

from pathlib import Path
from typing import Any

import pytest

from tests.unit.local.capacity_support import TYPE, WAIT, limit, over_the_wire
from tests.unit.local.jobs_support import ROLE, Bench
from warmfold_local.errors import ServiceError, ValidationError
from warmfold_local.modelled.quotas import Total
from warmfold_local.sagemaker import capacity


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "with spaces")


def test_training_instances_are_limited_and_a_refused_job_leaves_nothing(bench: Bench) -> None:
    limit(bench, {f"{TYPE} for training job usage": 1})
    wait = bench.image(WAIT)
    bench.train(wait, "a")
    with pytest.raises(ServiceError) as refused:
        bench.train(wait, "b")
    assert refused.value.code == "ResourceLimitExceeded"
    assert refused.value.message.startswith(
        f"The account-level service limit '{TYPE} for training job usage' is 1 Instances, with "
        "current utilization of 1 Instances and a request delta of 1 Instances."
    )
    with pytest.raises(ValidationError, match="not found"):
        bench.training_job("b")
    bench.call("StopTrainingJob", TrainingJobName="a")
    bench.ended_training("a")
    bench.train(wait, "b")
    bench.call("StopTrainingJob", TrainingJobName="b")
    bench.ended_training("b")


def test_a_taken_name_is_the_first_thing_that_is_wrong(bench: Bench) -> None:
    limit(bench, {f"{TYPE} for training job usage": 1})
    wait = bench.image(WAIT)
    bench.train(wait)
    with pytest.raises(ServiceError) as refused:
        bench.train(wait)
    assert refused.value.code == "ResourceInUse"
    bench.call("StopTrainingJob", TrainingJobName="job")
    bench.ended_training()


def test_processing_instances_are_limited_by_type(bench: Bench) -> None:
    limit(bench, {f"{TYPE} for processing job usage": 1})
    image = bench.image(WAIT)

    def process(name: str, instance_type: str) -> None:
        cluster = {"InstanceType": instance_type, "InstanceCount": 1, "VolumeSizeInGB": 1}
        bench.call(
            "CreateProcessingJob",
            ProcessingJobName=name,
            AppSpecification={"ImageUri": image},
            ProcessingResources={"ClusterConfig": cluster},
            RoleArn=ROLE,
        )

    process("a", TYPE)
    process("b", "ml.m5.xlarge")
    with pytest.raises(ServiceError, match="for processing job usage' is 1 Instances"):
        process("c", TYPE)
    for name in "ab":
        bench.call("StopProcessingJob", ProcessingJobName=name)
    found = bench.cloud.table("Processing job")
    bench.wait(lambda: all(job["ProcessingJobStatus"] == "Stopped" for job in found))
    process("c", TYPE)
    bench.call("StopProcessingJob", ProcessingJobName="c")
    bench.wait(lambda: all(job["ProcessingJobStatus"] == "Stopped" for job in found))


@pytest.mark.parametrize("quota", ["processing", "transform"])
def test_an_accounts_instances_are_limited_whatever_their_type(bench: Bench, quota: str) -> None:
    limit(bench, {}, account={f"Number of instances across all {quota} jobs": 2})
    members, table = {
        "processing": ("ProcessingResources", "Processing job"),
        "transform": ("TransformResources", "Transform job"),
    }[quota]

    def wanted(kind: str, count: int) -> dict[str, Any]:
        resources = {"InstanceType": kind, "InstanceCount": count}
        config = {"ClusterConfig": resources} if quota == "processing" else resources
        return {members: config, f"{table.split()[0]}JobStatus": "InProgress"}

    capacity.admit(bench.cloud, f"{quota}-job", wanted(TYPE, 1))
    bench.cloud.table(table).add("running", wanted(TYPE, 1))
    with pytest.raises(ServiceError, match="is 2 Instances, with current utilization of 1"):
        capacity.admit(bench.cloud, f"{quota}-job", wanted("ml.c5.xlarge", 2))


def test_what_an_account_may_have_is_counted_with_its_own_noun(bench: Bench) -> None:
    limit(bench, {}, account={Total.PIPELINES.value: 1})
    capacity.admit_total(bench.cloud, Total.PIPELINES, 0)
    with pytest.raises(ServiceError) as refused:
        capacity.admit_total(bench.cloud, Total.PIPELINES, 1)
    assert refused.value.code == "ResourceLimitExceeded"
    assert "is 1 Pipelines, with current utilization of 1 Pipelines" in refused.value.message


def test_calls_above_the_rate_are_throttled_and_others_are_not(bench: Bench) -> None:
    limit(bench, rates={"ListTrainingJobs": 0.01})
    assert over_the_wire(bench, "ListTrainingJobs")[0] == 200
    status, answer = over_the_wire(bench, "ListTrainingJobs")
    assert (status, answer) == (400, {"__type": "ThrottlingException", "message": "Rate exceeded"})
    assert all(over_the_wire(bench, "ListModels")[0] == 200 for _ in range(20))


def test_without_limits_nothing_is_throttled(bench: Bench) -> None:
    assert all(over_the_wire(bench, "ListTrainingJobs")[0] == 200 for _ in range(20))


def test_limits_are_read_again_when_they_change_and_lifted_when_they_go(bench: Bench) -> None:
    path = limit(bench, rates={"ListTrainingJobs": 0.01})
    answers = [over_the_wire(bench, "ListTrainingJobs")[0] for _ in range(2)]
    limit(bench, rates={"ListTrainingJobs": 100})
    answers += [over_the_wire(bench, "ListTrainingJobs")[0] for _ in range(2)]
    path.unlink()
    answers += [over_the_wire(bench, "ListTrainingJobs")[0] for _ in range(200)]
    assert answers == [200, 400] + [200] * 202


@pytest.mark.parametrize(
    "text, said", [("{", "cannot be read"), ('{"rate": 1}', "unknown key 'rate'")]
)
def test_limits_that_cannot_be_used_stop_every_call_with_their_place(
    bench: Bench, text: str, said: str
) -> None:
    path = limit(bench)
    path.write_text(text, encoding="utf-8")
    status, answer = over_the_wire(bench, "ListTrainingJobs")
    assert (status, answer["__type"]) == (400, "ValidationException")
    assert str(path) in answer["message"]
    assert said in answer["message"]
    assert answer["message"].endswith("correct the file, or remove it")
