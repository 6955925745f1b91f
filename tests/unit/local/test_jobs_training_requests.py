"""Training jobs as a client asks for them: events, names, lists, wrong requests, deletion."""

import time
from pathlib import Path
from typing import Any

import pytest

from tests.unit.local.jobs_support import ROLE, Bench, channel
from tests.unit.local.training_support import WAIT, with_metrics
from warmfold_local.errors import (
    ResourceInUse,
    ResourceNotFound,
    ServiceError,
    UnsupportedOperation,
    ValidationError,
)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "with spaces")


def test_every_state_change_is_an_event(bench: Bench) -> None:
    bench.train(
        bench.image("pass"),
        HyperParameters={"_tuning_objective_metric": "score"},
        Tags=[{"Key": "team", "Value": "risk"}],
    )
    bench.ended_training()
    bench.wait(lambda: len(bench.events.all) == 5)
    details = [event["detail"] for event in bench.events.all]
    assert [detail["SecondaryStatus"] for detail in details] == [
        "Starting",
        "Downloading",
        "Training",
        "Uploading",
        "Completed",
    ]
    last = bench.events.all[-1]
    assert last["detail_type"] == "SageMaker Training Job State Change"
    assert last["resources"] == [bench.training_job()["TrainingJobArn"]]
    assert last["detail"]["HyperParameters"] == {"_tuning_objective_metric": "score"}
    assert last["detail"]["Tags"] == {"team": "risk"}
    assert abs(last["detail"]["TrainingEndTime"] / 1000 - time.time()) < 60


def test_a_lost_event_does_not_fail_the_job(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    def broken(**event: Any) -> None:
        raise ConnectionError("no bus")

    bench.cloud.publish = broken
    bench.train(bench.image("pass"))
    assert bench.ended_training()["TrainingJobStatus"] == "Completed"
    assert "was lost" in caplog.text


def test_a_name_is_used_once(bench: Bench) -> None:
    image = bench.image("pass")
    bench.train(image)
    with pytest.raises(ResourceInUse, match="must be unique"):
        bench.train(image)


def test_an_unknown_job_is_not_found_as_the_service_says_it(bench: Bench) -> None:
    for operation in ("DescribeTrainingJob", "StopTrainingJob"):
        with pytest.raises(ValidationError, match=r"^Requested resource not found\.$"):
            bench.call(operation, TrainingJobName="nobody")


def test_jobs_are_listed_filtered_and_paged(bench: Bench) -> None:
    bad, good = bench.image("raise SystemExit(1)", "bad"), bench.image("pass", "good")
    for name, image in (("a-1", good), ("a-2", bad), ("b-1", good)):
        bench.train(image, name)
        bench.ended_training(name)

    def names(**request: Any) -> list[str]:
        page = bench.call("ListTrainingJobs", **request)
        return [summary["TrainingJobName"] for summary in page["TrainingJobSummaries"]]

    assert names() == ["b-1", "a-2", "a-1"]
    assert names(SortBy="Name", SortOrder="Ascending") == ["a-1", "a-2", "b-1"]
    assert names(NameContains="a-") == ["a-2", "a-1"]
    assert names(StatusEquals="Failed") == ["a-2"]
    first = bench.call("ListTrainingJobs", MaxResults=2)
    assert names(MaxResults=2, NextToken=first["NextToken"]) == ["a-1"]


BAD_REQUESTS: list[tuple[dict[str, Any], type[ServiceError], str]] = [
    ({"TrainingJobName": "a" * 64}, ValidationError, "length less than or equal to 63"),
    ({"RoleArn": "x" * 20}, ValidationError, "pattern"),
    ({"AlgorithmSpecification": {"TrainingInputMode": "File"}}, ValidationError, "TrainingImage"),
    ({"ResourceConfig": {"InstanceCount": 1}}, ValidationError, "InstanceType"),
    (
        {"InputDataConfig": [{**channel("a", "s3://b/c"), "CompressionType": "Gzip"}]},
        ValidationError,
        "only in Pipe mode",
    ),
    (
        {"InputDataConfig": [{**channel("a", "s3://b/c"), "RecordWrapperType": "RecordIO"}]},
        ValidationError,
        "only in Pipe mode",
    ),
    (
        {"InputDataConfig": [channel("a", "s3://b/c", S3DataType="AugmentedManifestFile")]},
        ValidationError,
        "only be used with input mode Pipe",
    ),
    (
        {"Environment": {f"V{number}": "x" for number in range(101)}},
        ValidationError,
        "less than or equal to 100",
    ),
    ({"EnableManagedSpotTraining": True}, ValidationError, "Invalid MaxWaitTimeInSeconds"),
    (
        {
            "EnableManagedSpotTraining": True,
            "StoppingCondition": {"MaxRuntimeInSeconds": 60, "MaxWaitTimeInSeconds": 59},
        },
        ValidationError,
        "greater than or equal to MaxRuntimeInSeconds",
    ),
    (
        {"StoppingCondition": {"MaxRuntimeInSeconds": 60, "MaxWaitTimeInSeconds": 60}},
        ValidationError,
        "only supported when EnableManagedSpotTraining is set to true",
    ),
    (
        {
            "EnableManagedSpotTraining": True,
            "StoppingCondition": {"MaxRuntimeInSeconds": 60, "MaxWaitTimeInSeconds": 60},
            "ResourceConfig": {
                "InstanceType": "ml.m5.large",
                "InstanceCount": 1,
                "VolumeSizeInGB": 1,
                "KeepAlivePeriodInSeconds": 60,
            },
        },
        ValidationError,
        "KeepAlivePeriodInSeconds cannot be used with EnableManagedSpotTraining",
    ),
    (
        {"InputDataConfig": [channel("a", "s3://b/c"), channel("a", "s3://b/d")]},
        ValidationError,
        "Duplicate channel names are not allowed: a",
    ),
    (
        {"InputDataConfig": [{**channel("a", "s3://b/c"), "InputMode": "Pipe"}]},
        UnsupportedOperation,
        "Pipe mode",
    ),
    (
        {"CheckpointConfig": {"S3Uri": "s3://b/c", "LocalPath": "/etc"}},
        ValidationError,
        "must be a path below /opt/ml",
    ),
]


@pytest.mark.parametrize("members, error, message", BAD_REQUESTS)
def test_a_wrong_request_is_refused_before_anything_runs(
    bench: Bench, members: dict[str, Any], error: type[ServiceError], message: str
) -> None:
    with pytest.raises(error, match=message):
        bench.train(bench.image("pass"), **members)
    assert bench.call("ListTrainingJobs")["TrainingJobSummaries"] == []


@pytest.mark.parametrize(
    "pattern, message", [("score=(", "Invalid regex"), ("score=1", "no capture group")]
)
def test_a_wrong_metric_regex_is_refused(bench: Bench, pattern: str, message: str) -> None:
    image = bench.image("pass")
    with pytest.raises(ValidationError, match=message):
        bench.train(image, **with_metrics(image, [{"Name": "score", "Regex": pattern}]))


def test_an_image_that_was_not_built_is_refused(bench: Bench) -> None:
    with pytest.raises(ValidationError, match="has not been built"):
        bench.train("000000000000.dkr.ecr.us-east-1.amazonaws.com/trainer:v1")


def test_a_job_starts_its_container_at_once(bench: Bench) -> None:
    image = bench.image("import time; print(time.time())")
    overheads = []
    for number in range(5):
        began = time.time()
        bench.train(image, f"job-{number}", RoleArn=ROLE)
        bench.ended_training(f"job-{number}")
        overheads.append(float(bench.log("training", f"job-{number}")) - began)
    assert min(overheads) < 0.3


def test_a_deleted_job_is_forgotten_and_its_name_can_be_used_again(bench: Bench) -> None:
    image = bench.image("pass")
    for _ in range(2):
        bench.train(image, Tags=[{"Key": "team", "Value": "risk"}])
        arn = bench.ended_training()["TrainingJobArn"]
        bench.call("DeleteTrainingJob", TrainingJobName="job")
        assert bench.call("ListTrainingJobs")["TrainingJobSummaries"] == []
        assert bench.call("ListTags", ResourceArn=arn) == {"Tags": []}


def test_only_a_job_that_has_ended_can_be_deleted(bench: Bench) -> None:
    bench.train(bench.image(WAIT))
    with pytest.raises(ResourceInUse, match="is in status InProgress"):
        bench.call("DeleteTrainingJob", TrainingJobName="job")
    bench.call("StopTrainingJob", TrainingJobName="job")
    bench.ended_training()
    with pytest.raises(ResourceNotFound):
        bench.call("DeleteTrainingJob", TrainingJobName="nobody")


def test_a_job_that_retains_a_warm_pool_is_not_deleted(bench: Bench) -> None:
    bench.train(bench.image("pass"))
    bench.ended_training()
    bench.cloud.table("Training job").get("job")["WarmPoolStatus"] = {"Status": "Available"}
    with pytest.raises(ResourceInUse, match="retains a warm pool"):
        bench.call("DeleteTrainingJob", TrainingJobName="job")
