"""Trials that a quota or a rate refuses: the tuning job waits, and asks again."""

import itertools
import json
from pathlib import Path
from typing import Any

import pytest

from tests.unit.local.jobs_support import Bench
from tests.unit.local.tuning_support import TRIAL, describe, ended, request, run, trials
from warmfold_local.errors import ValidationError
from warmfold_local.faults.parse import parse
from warmfold_local.sagemaker import capacity, tuning_run

TWO_AT_ONCE = {"MaxParallelTrainingJobs": 2}
USAGE = "ml.m5.large for training job usage"


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def limit(bench: Bench, instances: int) -> None:
    path = bench.cloud.settings.state_dir / capacity.LIMITS_FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"quotas": {USAGE: instances}}), encoding="utf-8")


def test_with_room_for_one_instance_trials_run_one_after_the_other(bench: Bench) -> None:
    limit(bench, 1)
    job = run(bench, ResourceLimits={"MaxNumberOfTrainingJobs": 3, "MaxParallelTrainingJobs": 3})
    assert job["HyperParameterTuningJobStatus"] == "Completed"
    assert job["TrainingJobStatusCounters"]["Completed"] == 3
    records = [bench.training_job(trial["TrainingJobName"]) for trial in trials(bench)]
    for earlier, later in itertools.pairwise(records):
        assert earlier["TrainingEndTime"] <= later["CreationTime"]


def test_a_throttled_trial_is_asked_for_again_with_the_same_hyperparameters(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tuning_run, "_RETRY_SECONDS", 0.01)
    limits = {"MaxNumberOfTrainingJobs": 2, "MaxParallelTrainingJobs": 1}
    bench.cloud.faults.add(parse({"kind": "throttle", "match": "CreateTrainingJob", "times": 3}))
    job = run(bench, Strategy="Random", ResourceLimits=limits)
    assert job["TrainingJobStatusCounters"]["Completed"] == 2
    refused = [trial["TunedHyperParameters"] for trial in trials(bench)]
    calm = Bench(bench.cloud.settings.state_dir / "calm")
    run(calm, Strategy="Random", ResourceLimits=limits)
    assert refused == [trial["TunedHyperParameters"] for trial in trials(calm)]


def test_a_quota_that_stays_too_small_fails_the_job_by_name(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tuning_run, "_RETRY_SECONDS", 0.01)
    monkeypatch.setattr(tuning_run, "REFUSED_LIMIT_SECONDS", 0.1)
    limit(bench, 0)
    job = run(bench)
    assert job["HyperParameterTuningJobStatus"] == "Failed"
    assert job["FailureReason"].startswith("ResourceLimitExceeded: ")
    assert USAGE in job["FailureReason"]
    assert trials(bench) == []


def test_a_job_that_waits_for_room_can_be_stopped_and_goes_on_once_there_is_some(
    bench: Bench,
) -> None:
    limit(bench, 0)
    bench.call("CreateHyperParameterTuningJob", **request(bench))
    other = {**request(bench, "score", TRIAL), "HyperParameterTuningJobName": "other"}
    bench.call("CreateHyperParameterTuningJob", **other)
    assert describe(bench)["HyperParameterTuningJobStatus"] == "InProgress"
    bench.call("StopHyperParameterTuningJob", HyperParameterTuningJobName="tune")
    assert ended(bench)["HyperParameterTuningJobStatus"] == "Stopped"
    limit(bench, 8)

    def status() -> str:
        job = bench.call("DescribeHyperParameterTuningJob", HyperParameterTuningJobName="other")
        return str(job["HyperParameterTuningJobStatus"])

    bench.wait(lambda: status() == "Completed")


def preferring(bench: Bench, *types: str, **own: object) -> dict[str, Any]:
    asked = request(bench, ResourceLimits={"MaxNumberOfTrainingJobs": 3, **TWO_AT_ONCE})
    definition = asked["TrainingJobDefinition"]
    del definition["ResourceConfig"]
    configs = [{"InstanceType": t, "InstanceCount": 1, "VolumeSizeInGB": 7} for t in types]
    definition["HyperParameterTuningResourceConfig"] = {
        "InstanceConfigs": configs,
        "AllocationStrategy": "Prioritized",
        **own,
    }
    return asked


def test_trials_take_the_first_of_their_instance_configs_that_has_room(bench: Bench) -> None:
    limit(bench, 1)
    bench.call("CreateHyperParameterTuningJob", **preferring(bench, "ml.m5.large", "ml.c5.xlarge"))
    assert ended(bench)["HyperParameterTuningJobStatus"] == "Completed"
    used = [
        bench.training_job(trial["TrainingJobName"])["ResourceConfig"] for trial in trials(bench)
    ]
    assert [resources["InstanceType"] for resources in used[:2]] == ["ml.m5.large", "ml.c5.xlarge"]
    assert used[1]["VolumeSizeInGB"] == 7
    told = describe(bench)["TrainingJobDefinition"]["HyperParameterTuningResourceConfig"]
    assert told["AllocationStrategy"] == "Prioritized"


def test_instance_configs_stand_alone(bench: Bench) -> None:
    asked = preferring(bench, "ml.m5.large", InstanceCount=1)
    with pytest.raises(ValidationError, match="has InstanceConfigs: InstanceCount must be absent"):
        bench.call("CreateHyperParameterTuningJob", **asked)
