"""``warmfold_cv_strategy=fan_out`` on a local cloud, with real trainer processes."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from tests.localcloud.conftest import FOLD_ROLE, RunningCloud, wait_for
from tests.localcloud.fan_out_aids import (
    ENDLESS,
    FAN_OUT,
    FOLDS,
    TRIAL,
    TYPE,
    Bench,
    metrics,
    new_trial_name,
    reported_nothing,
)
from tests.localcloud.fan_out_aids import bench as make_bench
from tests.localcloud.fault_aids import bucket
from warmfold_contract.metrics import FOLDS_COMPLETED, OBJECTIVE
from warmfold_local.faults.client import FaultsClient
from warmfold_trainer.incumbent_store import IncumbentStore
from warmfold_trainer.racing import MIN_FINISHED, FinishedTrial

pytestmark = pytest.mark.localcloud


@pytest.fixture(scope="module")
def bench(cloud: RunningCloud, tmp_path_factory: pytest.TempPathFactory) -> Bench:
    return make_bench(cloud, tmp_path_factory.mktemp("train"), bucket(cloud))


@dataclass(frozen=True)
class Trials:
    """The same hyperparameters, cross-validated three ways."""

    in_job: dict[str, Any]
    by_jobs: dict[str, Any]
    with_own_fold: dict[str, Any]


@pytest.fixture(scope="module")
def trials(bench: Bench) -> Trials:
    names = [
        bench.start({**TRIAL, "warmfold_cv_strategy": "in_job"}, EnableNetworkIsolation=True),
        bench.start({**FAN_OUT, "warmfold_fold_keep_alive_seconds": "600"}),
        bench.start({**FAN_OUT, "warmfold_fold_own": "1", "warmfold_fold_wave": "1"}),
    ]
    return Trials(*map(bench.ended, names))


@pytest.fixture
def quotas(cloud: RunningCloud) -> Iterator[dict[str, int]]:
    """Two instances at once, one of them for the trial; a pool for the other."""
    limits = cloud.settings.state_dir / "limits.json"
    values = {f"{TYPE} for training warm pool usage": 1, f"{TYPE} for training job usage": 2}
    limits.write_text(json.dumps({"quotas": values}))
    yield values
    limits.unlink()


# AUC of rows that tie in one of them: a few of the pairs (docs/cross-validation.md).
TIES = 1e-3


def assert_same(bench: Bench, job: dict[str, Any], in_job: dict[str, Any]) -> None:
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    assert metrics(job) == pytest.approx(metrics(in_job), abs=TIES)
    assert metrics(job)[FOLDS_COMPLETED] == FOLDS
    own, other = bench.summary(job), bench.summary(in_job)
    scores = ("score", "score_std", "training_score", "fold_scores", "fold_training_scores")
    for name in scores:
        assert own.pop(name) == pytest.approx(other.pop(name), abs=TIES)
    assert own == other
    np.testing.assert_allclose(bench.out_of_fold(job), bench.out_of_fold(in_job), atol=1e-12)


def test_folds_as_jobs_give_the_same_scores_rounds_and_predictions(
    bench: Bench, trials: Trials
) -> None:
    assert_same(bench, trials.by_jobs, trials.in_job)
    folds = bench.folds(trials.by_jobs["TrainingJobName"])
    assert folds == {"01-0": "Completed", "02-0": "Completed"}


def test_a_trial_that_trains_fold_1_itself_gives_the_same(bench: Bench, trials: Trials) -> None:
    assert_same(bench, trials.with_own_fold, trials.in_job)
    assert list(bench.folds(trials.with_own_fold["TrainingJobName"])) == ["02-0"]


def test_a_fold_job_is_isolated_tagged_unprofiled_and_has_no_more_than_it_needs(
    bench: Bench, trials: Trials
) -> None:
    trial = trials.by_jobs
    job = bench.fold(trial["TrainingJobName"], "02-0")
    assert job["EnableNetworkIsolation"] is True
    assert job["RoleArn"] == FOLD_ROLE
    assert job["ProfilerConfig"] == {"DisableProfiler": True}
    assert job["ResourceConfig"] == {**trial["ResourceConfig"], "KeepAlivePeriodInSeconds": 600}
    assert job["InputDataConfig"] == trial["InputDataConfig"]
    assert job["OutputDataConfig"]["S3OutputPath"] == f"s3://{bench.store}/tuning/folds"
    assert "MetricDefinitions" not in job["AlgorithmSpecification"]
    kept = {name: value for name, value in TRIAL.items() if name != "warmfold_racing"}
    assert job["HyperParameters"] == {**kept, "warmfold_mode": "fold", "warmfold_fold": "2"}
    tags = bench.sagemaker.list_tags(ResourceArn=job["TrainingJobArn"])["Tags"]
    assert {tag["Key"]: tag["Value"] for tag in tags} == {
        "warmfold:parent": trial["TrainingJobName"],
        "warmfold:fold": "2",
        "warmfold:fold-role": "folds",
    }


def test_06_without_quota_for_pools_a_trial_warns_once_and_is_right(
    bench: Bench, trials: Trials
) -> None:
    log = bench.log(trials.by_jobs["TrainingJobName"])
    assert log.count("warm pools are not kept") == 1
    assert f"'{TYPE} for training warm pool usage'" in log


def test_03_07_quotas_make_fewer_folds_run_at_once_and_pools_are_taken_over(
    bench: Bench, quotas: dict[str, int]
) -> None:
    slow = {"max_rounds": "5000", "early_stopping_rounds": "5000"}  # both folds want to run at once
    in_job = bench.run({**TRIAL, **slow, "warmfold_cv_strategy": "in_job"})
    trial = bench.run({**FAN_OUT, **slow, "warmfold_fold_keep_alive_seconds": "600"})
    assert_same(bench, trial, in_job)
    name = trial["TrainingJobName"]
    assert "ResourceLimitExceeded" in bench.log(name)
    pools = [bench.fold(name, f"0{fold}-0")["WarmPoolStatus"] for fold in (1, 2)]
    assert [pool["Status"] for pool in pools] == ["Reused", "Available"]


def test_01_02_04_05_throttling_lost_answers_and_the_services_failures_change_no_score(
    bench: Bench, trials: Trials, faults: FaultsClient
) -> None:
    faults.add(kind="throttle", match="CreateTrainingJob", skip=1)
    faults.add(kind="throttle", match="ListTrainingJobs", times=2)
    faults.add(kind="answer_lost", match="CreateTrainingJob", how="close", skip=1)
    faults.add(kind="answer_lost", match="CreateTrainingJob", how="error", skip=3)
    faults.add(kind="job_fails", match="*-fold-02-0", reason="InternalServerError")
    faults.add(kind="job_fails", match="*-fold-02-1", reason="CapacityError")
    trial = bench.run(FAN_OUT)
    assert_same(bench, trial, trials.in_job)
    assert [fault["fired"] for fault in faults.listed()["faults"]] == [1, 2, 1, 1, 1, 1]
    assert bench.folds(trial["TrainingJobName"]) == {
        "01-0": "Completed",
        "02-0": "Failed",
        "02-1": "Failed",
        "02-2": "Completed",
    }


def test_02_a_trial_that_is_restarted_adopts_its_folds(
    bench: Bench, trials: Trials, faults: FaultsClient
) -> None:
    faults.add(kind="node_lost", match="*-001-0a1b2c3d", at_line=2)
    trial = bench.run(FAN_OUT, RetryStrategy={"MaximumRetryAttempts": 1})
    assert_same(bench, trial, trials.in_job)
    assert faults.listed()["faults"][0]["fired"] == 1
    assert "adopted" in bench.log(trial["TrainingJobName"])
    assert list(bench.folds(trial["TrainingJobName"])) == ["01-0", "02-0"]


def test_09_a_stopped_trial_stops_its_folds_and_leaves_a_reason_and_no_objective(
    bench: Bench,
) -> None:
    name = bench.start({**FAN_OUT, **ENDLESS})
    bench.wait_for_folds(name, FOLDS)
    bench.sagemaker.stop_training_job(TrainingJobName=name)
    trial = bench.ended(name)
    assert trial["TrainingJobStatus"] == "Stopped"
    assert reported_nothing(trial)
    wait_for(lambda: set(bench.folds(name).values()) == {"Stopped"}, "all folds are stopped")


def test_10_the_folds_of_a_killed_trial_are_found_by_their_tag(
    bench: Bench, faults: FaultsClient
) -> None:
    faults.add(kind="job_killed", match="*-001-0a1b2c3d", at_line=3)
    trial = bench.run({**FAN_OUT, **ENDLESS})
    assert trial["FailureReason"].endswith("exit code: 137")
    assert reported_nothing(trial)
    left = [
        job["TrainingJobName"]
        for job in bench.sagemaker.list_training_jobs(StatusEquals="InProgress", MaxResults=100)[
            "TrainingJobSummaries"
        ]
        if {"Key": "warmfold:parent", "Value": trial["TrainingJobName"]}
        in bench.sagemaker.list_tags(ResourceArn=job["TrainingJobArn"])["Tags"]
    ]
    assert left
    assert all(name.startswith(f"{trial['TrainingJobName']}-fold-") for name in left)
    for name in left:
        bench.sagemaker.stop_training_job(TrainingJobName=name)
        assert bench.ended(name)["TrainingJobStatus"] == "Stopped"


def test_11_one_fold_that_fails_fails_its_trial_and_stops_the_others(
    bench: Bench, faults: FaultsClient
) -> None:
    faults.add(kind="job_killed", match="*-fold-02-0", after_seconds=2)
    trial = bench.run({**FAN_OUT, **ENDLESS})
    name = trial["TrainingJobName"]
    assert trial["TrainingJobStatus"] == "Failed"
    assert f"fold 2 ({name}-fold-02-0) failed: AlgorithmError" in trial["FailureReason"]
    assert "exit code: 137" in trial["FailureReason"]
    assert reported_nothing(trial)
    others = ["Stopped", "Failed"]
    wait_for(lambda: list(bench.folds(name).values()) == others, "the other is stopped")


def test_a_trial_that_is_raced_out_starts_no_more_folds_and_cannot_win(
    bench: Bench, trials: Trials
) -> None:
    name, uri = new_trial_name(), f"s3://{bench.store}/incumbents"
    summary = bench.summary(trials.in_job)
    comparable = {key: summary[key] for key in ("metric", "fold_hash", "data_fingerprint")}
    for number in range(2, 2 + MIN_FINISHED):
        store = IncumbentStore(
            uri=uri,
            training_job=name.replace("-001-", f"-00{number}-"),
            comparable=comparable,
            make_client=lambda: bench.cloud.client("s3"),
        )
        scores = (0.99, 0.99 - 0.001 * number)
        store.add(FinishedTrial(provisional_scores=scores, score=0.99))
    raced = {"warmfold_racing": "1.645", "warmfold_incumbents_uri": uri}
    trial = bench.run({**FAN_OUT, **raced, "warmfold_fold_wave": "1"}, TrainingJobName=name)
    assert trial["TrainingJobStatus"] == "Completed", trial.get("FailureReason")
    assert metrics(trial)[FOLDS_COMPLETED] == 1
    assert metrics(trial)[OBJECTIVE] < 0.99
    assert bench.folds(name) == {"01-0": "Completed"}


def test_a_trial_without_network_says_what_it_lacks(bench: Bench) -> None:
    trial = bench.run(FAN_OUT, EnableNetworkIsolation=True)
    assert trial["TrainingJobStatus"] == "Failed"
    assert "no network isolation" in trial["FailureReason"]
