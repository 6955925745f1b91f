"""Reading a candidate whose trials ran in one training job, and trials that were raced out."""

import io
import json
import tarfile
from dataclasses import asdict, replace
from typing import Any

import pytest

from tests.unit.runs.answers import (
    EXECUTION,
    T0,
    execution,
    step,
    steps,
    stubbed,
    training_job,
    trial_summaries,
    tuning_job,
)
from warmfold.errors import WarmfoldError
from warmfold.runs.follow import follow
from warmfold.runs.read import read_run
from warmfold.runs.records import Run, Tuning
from warmfold.runs.render import tuning_line
from warmfold_contract import metrics
from warmfold_contract.trials import CHECKPOINT_FORMAT, FILE_NAME, SearchedTrials, TrialRow

BEGAN, ENDED = "2026-03-02T06:00:00+00:00", "2026-03-02T06:00:04+00:00"
SPAN = {"kind": "integer", "minimum": 4, "maximum": 64, "values": [], "scaling": "Logarithmic"}
GIVEN = {
    "warmfold_mode": "search",
    "warmfold_algorithm": "lightgbm",
    "warmfold_task": "classification",
    "warmfold_feature_set": "default",
    "warmfold_metric": "auc",
    "warmfold_max_trials": "3",
    "warmfold_range_num_leaves": json.dumps(SPAN),
    "max_rounds": "400",
}
SEARCH = step("Search-gbdt", "TrainingJob", "Executing")


def row(number: int, **changes: Any) -> TrialRow:
    values: dict[str, Any] = {
        "name": f"trial-{number:04}",
        "status": "Completed",
        "hyperparameters": {"num_leaves": f"{number}", "max_rounds": "400"},
        "fold_scores": (0.7, 0.8),
        "score": 0.75,
        "score_std": 0.05,
        "training_score": 0.9,
        "rounds": 40,
        "folds_completed": 2,
        "started": BEGAN,
        "ended": ENDED,
    }
    return TrialRow(**{**values, **changes})


def archive(*rows: TrialRow, ended_early: str = "") -> dict[str, bytes]:
    """What a search job left, under the key that its description names."""
    found = SearchedTrials(
        candidate="gbdt",
        algorithm="lightgbm",
        task="classification",
        feature_set="default",
        metric="auc",
        folds=2,
        fold_hash="f",
        data_fingerprint="d",
        trials=rows,
        ended_early=ended_early,
    )
    text, packed = found.to_json().encode("utf-8"), io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        entry = tarfile.TarInfo(FILE_NAME)
        entry.size = len(text)
        tar.addfile(entry, io.BytesIO(text))
    return {"model.tar.gz": packed.getvalue()}


def search_job(status: str = "Completed", **given: str) -> tuple[str, dict[str, Any]]:
    operation, answer = training_job("job-of-Search-gbdt", status, {})
    specification = {"MetricDefinitions": metrics.metric_definitions(2)}
    return operation, answer | {
        "HyperParameters": {**GIVEN, **given},
        "AlgorithmSpecification": {"TrainingInputMode": "File", **specification},
    }


def read(objects: dict[str, bytes], job: tuple[str, dict[str, Any]]) -> Tuning:
    aws, _ = stubbed([execution(), steps(SEARCH), job], objects)
    (tuning,) = read_run(aws, EXECUTION).tunings
    return tuning


RACED = row(
    2,
    status="Stopped",
    fold_scores=(0.4,),
    score=None,
    score_std=None,
    training_score=None,
    rounds=None,
    folds_completed=1,
    reason="stopped by racing after 1 folds",
)
FAILED = row(3, status="Failed", fold_scores=(), score=None, folds_completed=0, reason="no score")


def test_the_trials_of_a_search_are_rows_like_those_of_a_tuning_job() -> None:
    tuning = read(archive(row(1), RACED, FAILED), search_job())
    first, raced, failed = tuning.trials
    assert (tuning.candidate, tuning.kind, tuning.folds, tuning.max_trials) == (
        "gbdt",
        "in_job",
        2,
        3,
    )
    assert (tuning.algorithm, tuning.task, tuning.feature_set) == (
        "lightgbm",
        "classification",
        "default",
    )
    assert (first.number, first.score, first.seconds) == (1, 0.75, 4.0)
    assert first.hyperparameters == {"num_leaves": "1"}
    assert (raced.raced, raced.reason, raced.failure_reason) == (True, RACED.reason, "")
    assert (failed.raced, failed.failure_reason) == (False, "no score")
    assert [trial.number for trial in tuning.ranked] == [1]
    (parameter,) = tuning.parameters
    assert (parameter.name, parameter.kind, parameter.logarithmic) == (
        "num_leaves",
        "integer",
        True,
    )


def test_raced_and_failed_trials_are_counted_apart() -> None:
    line = tuning_line(read(archive(row(1), RACED, FAILED), search_job()))
    assert line == "trials 3 of 3 done, 1 raced out, 1 failed · best 0.7500 (trial 1)"


def test_a_search_that_converged_has_fewer_trials_and_says_so() -> None:
    tuning = read(archive(row(1), RACED, ended_early="converged after 2 of 3"), search_job())
    assert (len(tuning.trials), tuning.max_trials) == (2, 3)
    assert tuning.ended_early == "converged after 2 of 3"
    line = tuning_line(tuning)
    assert line == "trials 2 of 3 done, 1 raced out, converged · best 0.7500 (trial 1)"


@pytest.mark.parametrize(
    "asked,details,expected",
    [
        ("Enabled", {"ConvergenceDetectedTime": T0}, "converged, as SageMaker detected"),
        ("Disabled", {"ConvergenceDetectedTime": T0}, ""),
        ("Enabled", {}, ""),
    ],
)
def test_a_tuning_job_that_sagemaker_ended_says_so(
    asked: str, details: dict[str, Any], expected: str
) -> None:
    operation, answer = tuning_job()
    criteria = {"ConvergenceDetected": {"CompleteOnConvergence": asked}}
    answer["HyperParameterTuningJobConfig"]["TuningJobCompletionCriteria"] = criteria
    answer["TuningJobCompletionDetails"] = details
    tuned = steps(step("Tune-gbdt", "TuningJob", "Executing"))
    aws, _ = stubbed([execution(), tuned, (operation, answer), trial_summaries()])
    (tuning,) = read_run(aws, EXECUTION).tunings
    assert tuning.ended_early == expected


def test_a_search_that_runs_says_how_many_trials_it_will_do() -> None:
    running = read({}, search_job("InProgress"))
    assert (running.trials, tuning_line(running)) == ((), "3 trials in one job")


def checkpoint(*rows: tuple[int, TrialRow], form: int = CHECKPOINT_FORMAT) -> dict[str, bytes]:
    """What SageMaker has copied so far, below the prefix that the job was given."""
    lines: list[dict[str, Any]] = [{"format": form, "search": {"seed": "1"}}]
    lines += [{"number": n, "row": asdict(row), "estimate": row.score} for n, row in rows]
    return {"kept/gbdt/search.jsonl": "\n".join(json.dumps(line) for line in lines).encode()}


def running_job(status: str = "InProgress") -> tuple[str, dict[str, Any]]:
    operation, answer = search_job(status)
    return operation, answer | {"CheckpointConfig": {"S3Uri": "s3://bucket/kept/gbdt/"}}


def test_a_search_that_runs_shows_the_trials_of_its_checkpoint() -> None:
    running = read(checkpoint((2, RACED), (1, row(1))), running_job())
    assert [(trial.number, trial.status) for trial in running.trials] == [
        (1, "Completed"),
        (2, "Stopped"),
    ]
    line = tuning_line(running)
    assert line == "trials 2 of 3 done, 1 raced out · best 0.7500 (trial 1)"


def test_a_search_that_failed_shows_the_trials_it_had() -> None:
    failed = read(checkpoint((1, row(1))), running_job("Failed"))
    assert [trial.score for trial in failed.trials] == [0.75]


@pytest.mark.parametrize("answer", ["NoSuchKey", "AccessDenied"])
def test_before_the_first_copy_of_the_checkpoint_there_are_no_trials(answer: str) -> None:
    aws, _ = stubbed([execution(), steps(SEARCH), running_job()])
    (running,) = read_run(replace(aws, absent=answer), EXECUTION).tunings
    assert tuning_line(running) == "3 trials in one job"


@pytest.mark.parametrize(
    "objects, fault",
    [
        (checkpoint(form=2), "has format 2, this version reads 1"),
        ({"kept/gbdt/search.jsonl": b'{"form'}, "is damaged"),
        ({"kept/gbdt/search.jsonl": b""}, "is damaged"),
    ],
)
def test_a_checkpoint_that_cannot_be_read_is_named(objects: dict[str, bytes], fault: str) -> None:
    place = "search job-of-Search-gbdt, s3://bucket/kept/gbdt/search.jsonl"
    with pytest.raises(WarmfoldError, match=f"{place}: .*{fault}"):
        read(objects, running_job())


def test_a_search_is_read_once_when_it_has_ended() -> None:
    done = archive(row(1))
    answers = [execution(), steps(SEARCH), search_job(), execution("Succeeded"), steps(SEARCH)]
    aws, stubber = stubbed(answers, done)
    seen: list[Run] = []
    follow(aws, EXECUTION, seen.append, sleep=lambda _: None)
    stubber.assert_no_pending_responses()
    assert seen[0].tunings == seen[1].tunings


def test_a_metric_of_the_projects_own_is_better_in_the_direction_that_was_given() -> None:
    rows = row(1, score=0.9), row(2, score=0.1)
    given = {"warmfold_metric": "project.cost", "warmfold_direction": "Minimize"}
    tuning = read(archive(*rows), search_job(**given))
    assert [trial.number for trial in tuning.ranked] == [2, 1]


def test_an_archive_without_trials_is_named() -> None:
    with pytest.raises(WarmfoldError, match=r"job-of-Search-gbdt, s3://bucket/model\.tar\.gz"):
        read({"model.tar.gz": b"no archive"}, search_job())


def test_a_trial_of_a_tuning_job_that_was_raced_out_has_no_score_and_does_not_win() -> None:
    objective = {"MetricName": "validation:score", "Value": 0.4}
    aws, _ = stubbed(
        [
            execution(),
            steps(step("Tune-gbdt", "TuningJob", "Executing")),
            tuning_job(folds=3),
            trial_summaries("one", FinalHyperParameterTuningJobObjectiveMetric=objective),
            training_job("one", "Completed", {"training:folds_completed": 2}),
        ]
    )
    (tuning,) = read_run(aws, EXECUTION).tunings
    (trial,) = tuning.trials
    assert (trial.raced, trial.score, tuning.ranked) == (True, None, ())
    assert trial.reason == "raced out after 2 of 3 folds"
