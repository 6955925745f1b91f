"""Warm pools of the live control plane."""

from pathlib import Path
from typing import Any

import pytest

from tests.unit.local.capacity_support import WAIT, kept, limit
from tests.unit.local.jobs_support import BUCKET, ROLE, Bench, training_request
from warmfold_local.errors import UnsupportedOperation, ValidationError
from warmfold_local.sagemaker import capacity, training_updates

MODULES = (training_updates,)  # imported for their operations


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "with spaces")


def pool(bench: Bench, name: str = "job") -> dict[str, Any]:
    found: dict[str, Any] = bench.training_job(name).get("WarmPoolStatus", {})
    return found


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
