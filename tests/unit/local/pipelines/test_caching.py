"""Step caching: when an earlier run is taken, and when it is not."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.local.pipelines.aids import (
    Jobs,
    condition,
    create,
    definition,
    finished,
    get,
    processing,
    start,
    steps,
    training,
)
from warmfold_local.cloud import Cloud
from warmfold_local.errors import ValidationError
from warmfold_local.sagemaker.pipeline_cache import cache_key, duration, expiry_of
from warmfold_local.sagemaker.protocol import call

CACHE = {"Enabled": True, "ExpireAfter": "PT1H"}
PARAMETERS = [{"Name": "Image", "Type": "String", "DefaultValue": "image"}]
PIPELINE = definition(
    training("Train", image=get("Parameters.Image"), CacheConfig=CACHE), parameters=PARAMETERS
)


def run_again(cloud: Cloud, number: int, image: str = "image") -> dict[str, dict[str, Any]]:
    arn = start(cloud, {"Image": image}, ClientRequestToken=str(number) * 32)
    finished(cloud, arn)
    return {**steps(cloud, arn), "": {"Arn": arn}}


def test_a_repeated_step_takes_the_outputs_of_its_earlier_run(cloud: Cloud, jobs: Jobs) -> None:
    after = processing("After", uri=get("Steps.Train.ModelArtifacts.S3ModelArtifacts"))
    train = training("Train", CacheConfig=CACHE)
    create(cloud, definition(train, after, parameters=PARAMETERS))
    first, second = run_again(cloud, 1), run_again(cloud, 2)
    assert len(jobs.created("TrainingJob")) == 1
    assert "CacheHitResult" not in first["Train"]
    source = {"SourcePipelineExecutionArn": first[""]["Arn"]}
    assert second["Train"]["CacheHitResult"] == source
    assert second["Train"]["Metadata"] == first["Train"]["Metadata"]
    uris = [
        request["ProcessingOutputConfig"]["Outputs"][0]["S3Output"]["S3Uri"]
        for request in jobs.created("ProcessingJob")
    ]
    assert uris[0] == uris[1]


def test_other_keys_run_the_step_again(cloud: Cloud, jobs: Jobs) -> None:
    create(cloud, PIPELINE)
    run_again(cloud, 1)
    assert "CacheHitResult" not in run_again(cloud, 2, "other")["Train"]
    assert len(jobs.created("TrainingJob")) == 2


def test_a_failed_run_is_not_taken(cloud: Cloud, jobs: Jobs) -> None:
    create(cloud, PIPELINE)
    jobs.endings["Train"] = ("Failed", "AlgorithmError: no")
    run_again(cloud, 1)
    jobs.endings.clear()
    assert "CacheHitResult" not in run_again(cloud, 2)["Train"]


def test_a_hit_points_to_the_run_that_really_ran(cloud: Cloud, jobs: Jobs) -> None:
    create(cloud, PIPELINE)
    first = run_again(cloud, 1)
    run_again(cloud, 2)
    hit = run_again(cloud, 3)["Train"]["CacheHitResult"]
    assert hit["SourcePipelineExecutionArn"] == first[""]["Arn"]


def test_the_most_recent_of_several_runs_is_taken(cloud: Cloud, jobs: Jobs) -> None:
    create(cloud, definition(training("Train"), parameters=PARAMETERS))
    run_again(cloud, 1)
    second = run_again(cloud, 2)
    update(cloud, training("Train", CacheConfig=CACHE))
    hit = run_again(cloud, 3)["Train"]["CacheHitResult"]
    assert hit["SourcePipelineExecutionArn"] == second[""]["Arn"]


def test_a_run_becomes_too_old(cloud: Cloud, jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    create(cloud, PIPELINE)
    run_again(cloud, 1)
    later = cloud.now() + timedelta(hours=1, seconds=1)
    monkeypatch.setattr(cloud, "now", lambda: later)
    assert "CacheHitResult" not in run_again(cloud, 2)["Train"]


def test_another_pipeline_is_another_cache(cloud: Cloud, jobs: Jobs) -> None:
    create(cloud, PIPELINE)
    run_again(cloud, 1)
    create(cloud, PIPELINE, PipelineName="other", ClientRequestToken="o" * 32)
    arn = start(cloud, PipelineName="other", ClientRequestToken="o" * 32)
    finished(cloud, arn)
    assert "CacheHitResult" not in steps(cloud, arn)["Train"]


def test_the_name_of_the_steps_own_job_is_known_and_is_no_key(cloud: Cloud, jobs: Jobs) -> None:
    step = training("Train", CacheConfig=CACHE)
    step["Arguments"]["Environment"] = {"JOB": get("Execution.TrainingJobName")}
    create(cloud, definition(step, parameters=PARAMETERS))
    run_again(cloud, 1)
    (made,) = jobs.created("TrainingJob")
    assert made["Environment"] == {"JOB": made["TrainingJobName"]}
    assert "CacheHitResult" in run_again(cloud, 2)["Train"]


def test_off_means_off(cloud: Cloud, jobs: Jobs) -> None:
    create(cloud, definition(training("Train", CacheConfig={"Enabled": False})))
    for number in (1, 2):
        finished(cloud, start(cloud, ClientRequestToken=str(number) * 32))
    assert len(jobs.created("TrainingJob")) == 2


def test_role_instances_and_outputs_are_no_keys() -> None:
    arguments = training("Train")["Arguments"]
    other = {**arguments, "RoleArn": "another", "OutputDataConfig": {}, "ResourceConfig": {}}
    assert cache_key("Training", arguments) == cache_key("Training", other)
    assert cache_key("Training", arguments) != cache_key(
        "Training", {**arguments, "HyperParameters": {"rounds": "2"}}
    )


@pytest.mark.parametrize("plural", [False, True])
def test_of_a_tuning_jobs_definition_only_some_members_are_keys(plural: bool) -> None:
    def key(**members: Any) -> Any:
        inner = {"StaticHyperParameters": {"a": "1"}, **members}
        found = {"TrainingJobDefinitions": [inner]} if plural else {"TrainingJobDefinition": inner}
        return cache_key("Tuning", {"HyperParameterTuningJobConfig": {}, **found})

    assert key() == key(RoleArn="role", ResourceConfig={"InstanceCount": 2})
    assert key() != key(StaticHyperParameters={"a": "2"})


def test_steps_without_keys_are_not_cached() -> None:
    assert cache_key("Lambda", {}) is None
    assert cache_key("Condition", condition("C", 1, 2)["Arguments"]) is None


@pytest.mark.parametrize(
    "text, seconds",
    [
        ("30d", 30 * 86_400),
        ("5y", 5 * 365 * 86_400),
        ("T16m", 16 * 60),
        ("30dT5h", 30 * 86_400 + 5 * 3_600),
        ("P2M", 60 * 86_400),
        ("PT1H", 3_600),
        ("P1W", 7 * 86_400),
    ],
)
def test_durations_of_the_developer_guide_and_of_the_sdk(text: str, seconds: int) -> None:
    assert duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "P", "PT", "T", "1", "1 day", "-P1D", "P1DT", "PT1D"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="ISO 8601"):
        duration(text)


def test_a_duration_beyond_all_bounds_is_refused() -> None:
    with pytest.raises(ValueError, match="longer than"):
        duration("P9999999999Y")


@given(days=st.integers(0, 9999), hours=st.integers(0, 99), minutes=st.integers(0, 99))
def test_a_duration_is_the_sum_of_its_parts(days: int, hours: int, minutes: int) -> None:
    expected = timedelta(days=days, hours=hours, minutes=minutes)
    assert duration(f"P{days}DT{hours}H{minutes}M") == expected


def test_without_a_time_limit_a_run_never_becomes_too_old() -> None:
    assert expiry_of({"CacheConfig": {"Enabled": True}}) == timedelta.max
    assert expiry_of({"CacheConfig": {"Enabled": False, "ExpireAfter": "P1D"}}) is None
    assert expiry_of({}) is None


@pytest.mark.parametrize("config", [{"Enabled": True, "ExpireAfter": "soon"}, {"Enabled": "yes"}])
def test_a_bad_configuration_is_refused_when_deployed(cloud: Cloud, config: Any) -> None:
    with pytest.raises(ValidationError, match="Step Train: CacheConfig"):
        create(cloud, definition(training("Train", CacheConfig=config)))


def update(cloud: Cloud, step: dict[str, Any]) -> None:
    text = definition(step, parameters=PARAMETERS)
    call(cloud, "UpdatePipeline", {"PipelineName": "training", "PipelineDefinition": text})
