"""Reading a run from SageMaker's answers."""

import pytest

from tests.unit.runs.answers import (
    EXECUTION,
    execution,
    step,
    steps,
    stubbed,
    training_job,
    trial_summaries,
    tuning_job,
)
from warmfold.runs.follow import follow
from warmfold.runs.read import latest_execution, read_run
from warmfold.runs.records import Run


def test_steps_come_from_every_page() -> None:
    aws, stubber = stubbed(
        [
            execution("Succeeded"),
            steps(step("BuildFeatures", "ProcessingJob"), token="more"),
            steps(step("RegisterModel", "RegisterModel")),
        ]
    )
    run = read_run(aws, EXECUTION)
    stubber.assert_no_pending_responses()
    assert [s.name for s in run.steps] == ["BuildFeatures", "RegisterModel"]
    assert run.steps[0].resource_name == "job-of-BuildFeatures"
    assert run.ended


def test_a_running_trial_shows_the_folds_it_has_done() -> None:
    aws, _ = stubbed(
        [
            execution(),
            steps(step("Tune-gbdt", "TuningJob", "Executing")),
            tuning_job(folds=3),
            trial_summaries("one"),
            training_job(
                "one",
                "InProgress",
                {"training:folds_completed": 1, "validation:fold_1_score": 0.75},
            ),
        ]
    )
    [tuning] = read_run(aws, EXECUTION).tunings
    [trial] = tuning.trials
    assert (tuning.candidate, tuning.folds, tuning.max_trials) == ("gbdt", 3, 12)
    assert (trial.folds_completed, trial.fold_scores, trial.score) == (1, (0.75,), None)
    assert not trial.ended
    assert [(p.name, p.kind, p.logarithmic) for p in tuning.parameters] == [
        ("learning_rate", "continuous", True),
        ("num_leaves", "integer", False),
        ("boosting", "categorical", False),
    ]


def test_a_trial_that_has_ended_is_described_only_once() -> None:
    """SageMaker allows few Describe calls a second."""
    values = {"training:folds_completed": 2.0, "validation:score": 0.8}
    final = {"MetricName": "validation:score", "Value": 0.8}
    summaries = trial_summaries("one", FinalHyperParameterTuningJobObjectiveMetric=final)
    tune = steps(step("Tune-gbdt", "TuningJob", "Executing"))
    aws, stubber = stubbed(
        [
            execution(),
            tune,
            tuning_job(folds=2),
            summaries,
            training_job("one", "Completed", values),
            execution("Succeeded"),
            tune,
            tuning_job(folds=2),
            summaries,
        ]
    )
    seen: list[Run] = []
    waits: list[float] = []
    run = follow(aws, EXECUTION, seen.append, sleep=waits.append)
    stubber.assert_no_pending_responses()
    assert [r.status for r in seen] == ["Executing", "Succeeded"]
    assert waits == [15.0]
    assert run.best is not None
    assert run.best.score == pytest.approx(0.8)


def test_a_trial_whose_objective_is_not_there_yet_is_asked_for_again() -> None:
    """The list was read before the trial ended, its description after."""
    late = trial_summaries("one")
    final = {"MetricName": "validation:score", "Value": 0.8}
    whole = trial_summaries("one", FinalHyperParameterTuningJobObjectiveMetric=final)
    tune = steps(step("Tune-gbdt", "TuningJob", "Executing"))
    completed = training_job("one", "Completed", {"training:folds_completed": 2.0})
    first = [execution(), tune, tuning_job(folds=2), late, completed]
    second = [execution("Succeeded"), tune, tuning_job(folds=2), whole, completed]
    aws, stubber = stubbed([*first, *second])
    run = follow(aws, EXECUTION, lambda _: None, sleep=lambda _: None)
    stubber.assert_no_pending_responses()
    assert [trial.score for trial in run.tunings[0].ranked] == [pytest.approx(0.8)]


def test_outputs_and_outcomes_of_steps_are_kept() -> None:
    outputs = [{"Name": "training_job_name", "Value": "one"}]
    lambda_step = step("SelectBestTrial", "Lambda")
    lambda_step["Metadata"]["Lambda"]["OutputParameters"] = outputs
    check = {"StepName": "CheckScore", "StepStatus": "Succeeded"}
    check_step = {**check, "Metadata": {"Condition": {"Outcome": "True"}}}
    aws, _ = stubbed([execution("Succeeded"), steps(lambda_step, check_step)])
    run = read_run(aws, EXECUTION)
    assert run.steps[0].outputs == {"training_job_name": "one"}
    assert run.steps[1].outcome == "True"


def test_a_pipeline_that_was_never_started_has_no_latest_execution() -> None:
    aws, _ = stubbed([("list_pipeline_executions", {"PipelineExecutionSummaries": []})])
    assert latest_execution(aws, "training") is None
