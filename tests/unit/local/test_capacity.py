"""Warm pools, quotas and rates of the live control plane."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.unit.local.jobs_support import BUCKET, ROLE, Bench, training_request
from warmfold_local.errors import ServiceError, UnsupportedOperation, ValidationError
from warmfold_local.modelled.quotas import Total
from warmfold_local.sagemaker import capacity, training_updates
from warmfold_local.sagemaker.protocol import handle

MODULES = (training_updates,)  # imported for their operations
TYPE = "ml.m5.large"
POOLS = {f"{TYPE} for training warm pool usage": 4}
WAIT = "import time; time.sleep(60)"


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "with spaces")


def limit(bench: Bench, quotas: dict[str, int] | None = None, **values: Any) -> Path:
    """Write the cloud's limits, pools among them."""
    path = bench.cloud.settings.state_dir / capacity.LIMITS_FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    values = {"quotas": POOLS if quotas is None else quotas, **values}
    path.write_text(json.dumps(values), encoding="utf-8")
    return path


def kept(seconds: int = 600, **members: Any) -> dict[str, Any]:
    own = training_request("", "")["ResourceConfig"]
    return {"ResourceConfig": {**own, "KeepAlivePeriodInSeconds": seconds, **members}}


def pool(bench: Bench, name: str = "job") -> dict[str, Any]:
    found: dict[str, Any] = bench.training_job(name).get("WarmPoolStatus", {})
    return found


def over_the_wire(bench: Bench, operation: str, **request: Any) -> tuple[int, dict[str, Any]]:
    body = json.dumps(request).encode()
    status, _, answer = handle(bench.cloud, f"SageMaker.{operation}", body)
    return status, json.loads(answer)


def test_a_matching_job_takes_over_the_pool_of_another_image(bench: Bench) -> None:
    limit(bench)
    bench.train(bench.image("pass"), "a", **kept())
    assert bench.ended_training("a")["WarmPoolStatus"]["Status"] == "Available"
    bench.train(bench.image(WAIT, "other"), "b", HyperParameters={"x": "1"}, **kept(60))
    assert pool(bench, "b") == {"Status": "InUse"}
    taken = pool(bench, "a")
    assert (taken["Status"], taken["ReusedByJob"]) == ("Reused", "b")
    assert 0 <= taken["ResourceRetainedBillableTimeInSeconds"] <= 30
    bench.call("StopTrainingJob", TrainingJobName="b")
    assert bench.ended_training("b")["WarmPoolStatus"]["Status"] == "Available"


def test_another_role_gets_a_cluster_of_its_own(bench: Bench) -> None:
    limit(bench)
    image = bench.image("pass")
    bench.train(image, "a", **kept())
    bench.ended_training("a")
    bench.train(image, "b", RoleArn=f"{ROLE}-two", **kept())
    bench.ended_training("b")
    assert [pool(bench, name)["Status"] for name in "ab"] == ["Available", "Available"]


def test_without_a_raised_quota_a_keep_alive_period_is_ignored_without_a_word(
    bench: Bench,
) -> None:
    bench.train(bench.image("pass"), **kept())
    job = bench.ended_training()
    assert (job["TrainingJobStatus"], job.get("WarmPoolStatus")) == ("Completed", None)
    assert job["ResourceConfig"]["KeepAlivePeriodInSeconds"] == 600


def test_a_pool_ends_with_its_period(bench: Bench) -> None:
    limit(bench)
    bench.train(bench.image("pass"), **kept(1))
    bench.ended_training()
    bench.wait(lambda: pool(bench)["Status"] == "Terminated")
    assert pool(bench)["ResourceRetainedBillableTimeInSeconds"] == 1


def test_an_algorithms_failure_keeps_the_pool_and_the_services_own_does_not(bench: Bench) -> None:
    limit(bench)
    bench.train(bench.image("raise SystemExit(3)"), **kept())
    assert bench.ended_training()["TrainingJobStatus"] == "Failed"
    assert pool(bench)["Status"] == "Available"
    record = bench.cloud.table("Training job").get("job")
    bench.train(bench.image(WAIT, "wait"), "lost", RoleArn=f"{ROLE}-two", **kept())
    broken = {
        **record,
        "TrainingJobName": "lost",
        "FailureReason": "InternalServerError: We encountered an internal error.",
    }
    ended = capacity.ended(bench.cloud, "training-job", broken)
    assert ended["WarmPoolStatus"]["Status"] == "Terminated"


def test_jobs_are_listed_by_the_status_of_their_pool(bench: Bench) -> None:
    limit(bench)
    image = bench.image("pass")
    bench.train(image, "with", **kept())
    bench.train(image, "without")
    bench.ended_training("with")
    bench.ended_training("without")

    def names(status: str) -> list[str]:
        page = bench.call("ListTrainingJobs", WarmPoolStatusEquals=status)
        return [job["TrainingJobName"] for job in page["TrainingJobSummaries"]]

    assert (names("Available"), names("InUse"), names("Terminated")) == (["with"], [], [])
    assert len(bench.call("ListTrainingJobs")["TrainingJobSummaries"]) == 2


def update(bench: Bench, seconds: int) -> None:
    config = {"KeepAlivePeriodInSeconds": seconds}
    bench.call("UpdateTrainingJob", TrainingJobName="job", ResourceConfig=config)


def test_an_update_to_zero_ends_the_pool(bench: Bench) -> None:
    limit(bench)
    image = bench.image("pass")
    bench.train(image, **kept())
    bench.ended_training()
    update(bench, 3600)
    assert pool(bench)["Status"] == "Available"
    update(bench, 0)
    assert pool(bench)["Status"] == "Terminated"
    with pytest.raises(ValidationError, match="no warm pool that is InUse or Available"):
        update(bench, 60)
    bench.train(image, "next", **kept())
    assert "ReusedByJob" not in pool(bench)


def test_an_update_of_something_else_is_not_pretended(bench: Bench) -> None:
    bench.train(bench.image("pass"))
    debug = {"EnableRemoteDebug": True}
    with pytest.raises(UnsupportedOperation, match="RemoteDebugConfig"):
        bench.call("UpdateTrainingJob", TrainingJobName="job", RemoteDebugConfig=debug)
    with pytest.raises(ValidationError, match="must name a ResourceConfig"):
        bench.call("UpdateTrainingJob", TrainingJobName="job")
    with pytest.raises(ValidationError, match="not found"):
        bench.call("UpdateTrainingJob", TrainingJobName="unknown")


def test_a_period_above_the_guides_maximum_is_refused(bench: Bench) -> None:
    with pytest.raises(ValidationError, match="is 3601: the developer guide's maximum is 3600"):
        bench.train(bench.image("pass"), **kept(3601))
    assert bench.call("ListTrainingJobs")["TrainingJobSummaries"] == []


def test_a_patch_ends_an_available_pool(bench: Bench) -> None:
    limit(bench)
    bench.train(bench.image("pass"), **kept())
    bench.ended_training()
    assert capacity.terminate_pool(bench.cloud, "job")
    assert pool(bench)["Status"] == "Terminated"
    assert not capacity.terminate_pool(bench.cloud, "job")


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


def test_a_trial_of_a_tuning_job_never_asks_for_a_pool(bench: Bench) -> None:
    """Nothing shows that a tuning job's definition can set a period."""
    limit(bench)
    image = bench.image("print('score=0.5;')")
    own = training_request(image)
    algorithm = own["AlgorithmSpecification"]
    metrics = [{"Name": "score", "Regex": "score=([^;]*);"}]
    definition = {
        "AlgorithmSpecification": {**algorithm, "MetricDefinitions": metrics},
        "RoleArn": ROLE,
        "OutputDataConfig": {"S3OutputPath": f"s3://{BUCKET}/out/"},
        "StoppingCondition": own["StoppingCondition"],
        **kept(),
    }
    ranges = [{"Name": "x", "MinValue": "0", "MaxValue": "1"}]
    config = {
        "Strategy": "Random",
        "HyperParameterTuningJobObjective": {"Type": "Maximize", "MetricName": "score"},
        "ResourceLimits": {"MaxNumberOfTrainingJobs": 1, "MaxParallelTrainingJobs": 1},
        "ParameterRanges": {"ContinuousParameterRanges": ranges},
    }
    bench.call(
        "CreateHyperParameterTuningJob",
        HyperParameterTuningJobName="tuning",
        HyperParameterTuningJobConfig=config,
        TrainingJobDefinition=definition,
    )

    def trials() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = bench.call("ListTrainingJobs")["TrainingJobSummaries"]
        return found

    bench.wait(lambda: [job["TrainingJobStatus"] for job in trials()] == ["Completed"])
    assert "WarmPoolStatus" not in trials()[0]
