"""Selecting the best trial over all tuning jobs of an execution."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from best_training_job.aws import Trials
from best_training_job.handler import parse, respond
from best_training_job.logic import (
    Candidate,
    Direction,
    NoTrialCompletedError,
    Trial,
    algorithm_hyperparameters,
    best_first,
    select,
)
from tests.unit.lambdas.aids import LOG, Stub, event, playing
from warmfold_contract import metrics as contract_metrics
from warmfold_contract.hyperparameters import PLATFORM_KEYS
from warmfold_contract.selection import FILE_NAME, SelectedTrial
from warmfold_lambda.errors import InputError, LambdaError

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
GBDT = "a1b2c3d4e5f6-Tune-gb-0123456789"
LINEAR = "a1b2c3d4e5f6-Tune-li-abcdefghij"
URI_KEY = "german-credit/executions/a1b2c3d4e5f6/selection/selected_trial.json"


def summary(
    name: str,
    objective: float | None = None,
    *,
    status: str = "Completed",
    minute: int = 0,
    reason: str = "",
) -> dict[str, Any]:
    """One entry of ListTrainingJobsForHyperParameterTuningJob."""
    entry: dict[str, Any] = {
        "TrainingJobName": name,
        "TrainingJobArn": f"arn:aws:sagemaker:us-east-1:000000000000:training-job/{name}",
        "CreationTime": START + timedelta(minutes=minute),
        "TrainingJobStatus": status,
        "TunedHyperParameters": {"num_leaves": "31"},
    }
    if objective is not None:
        entry["FinalHyperParameterTuningJobObjectiveMetric"] = {
            "MetricName": "validation:score",
            "Value": objective,
        }
    if reason:
        entry["FailureReason"] = reason
    return entry


def final_metrics(score: float, folds: int = 5) -> dict[str, float]:
    values = {
        "validation:score": score,
        "training:score": score + 0.05,
        "validation:score_std": 0.01,
        "training:folds_completed": float(folds),
        "training:rounds": 120.0,
    }
    return values | {f"validation:fold_{fold}_score": score for fold in range(1, folds + 1)}


def description(
    name: str,
    values: Mapping[str, float],
    hyperparameters: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """A DescribeTrainingJob answer with what the API requires and what the function reads."""
    return {
        "TrainingJobName": name,
        "TrainingJobArn": f"arn:aws:sagemaker:us-east-1:000000000000:training-job/{name}",
        "TrainingJobStatus": "Completed",
        "SecondaryStatus": "Completed",
        "CreationTime": START,
        "StoppingCondition": {"MaxRuntimeInSeconds": 600},
        "ResourceConfig": {
            "InstanceType": "ml.m5.large",
            "InstanceCount": 1,
            "VolumeSizeInGB": 10,
        },
        "ModelArtifacts": {"S3ModelArtifacts": f"s3://warmfold-artifacts/{name}/model.tar.gz"},
        "AlgorithmSpecification": {"TrainingImage": "image", "TrainingInputMode": "File"},
        "HyperParameters": dict(hyperparameters or {"num_leaves": "31"}),
        "FinalMetricDataList": [
            {"MetricName": key, "Value": value, "Timestamp": START} for key, value in values.items()
        ],
    }


@dataclass
class Service:
    """SageMaker and S3, stubbed with the trials of the recorded event's two tuning jobs."""

    sagemaker: Stub = field(default_factory=lambda: Stub("sagemaker"))
    s3: Stub = field(default_factory=lambda: Stub("s3"))
    written: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        # The body is what the tests read; Stubber sees every other parameter.
        self.s3.client.meta.events.register("provide-client-params.s3.PutObject", self._take_body)

    def lists(self, job: str, pages: Sequence[Sequence[dict[str, Any]]]) -> None:
        token: str | None = None
        for index, page in enumerate(pages):
            request: dict[str, Any] = {"HyperParameterTuningJobName": job, "MaxResults": 100}
            if token is not None:
                request["NextToken"] = token
            answer: dict[str, Any] = {"TrainingJobSummaries": list(page)}
            token = f"page-{index + 1}"
            if index + 1 < len(pages):
                answer["NextToken"] = token
            self.sagemaker.answers(
                "list_training_jobs_for_hyper_parameter_tuning_job", answer, **request
            )

    def describes(self, name: str, values: Mapping[str, float], **more: Any) -> None:
        self.sagemaker.answers(
            "describe_training_job", description(name, values, **more), TrainingJobName=name
        )

    def stores_the_selection(self) -> None:
        self.s3.answers("put_object", {})

    def run(self, values: object = None) -> dict[str, Any]:
        with playing(self.sagemaker, self.s3):
            return respond(
                event("select_best_trial") if values is None else values,
                Trials(self.sagemaker.client, self.s3.client),
                LOG,
            )

    def _take_body(self, params: dict[str, Any], **_: Any) -> None:
        assert (params["Bucket"], params["Key"]) == ("warmfold-artifacts", URI_KEY)
        self.written.append(params["Body"].decode())


def test_the_best_trial_over_all_candidates_wins() -> None:
    service = Service()
    service.lists(GBDT, [[summary("t1", 0.74), summary("t2", 0.78)]])
    service.lists(LINEAR, [[summary("t3", 0.77)]])
    service.describes("t2", final_metrics(0.78))
    service.stores_the_selection()

    output = service.run()

    assert output == {
        "selection_uri": "s3://warmfold-artifacts/german-credit/executions/a1b2c3d4e5f6/selection",
        "training_job_name": "t2",
        "score": 0.78,
    }


def test_what_is_written_is_what_the_trainer_image_reads() -> None:
    service = Service()
    service.lists(GBDT, [[summary("t1", 0.74)]])
    service.lists(LINEAR, [[summary("t3", 0.7)]])
    hyperparameters = {
        "num_leaves": '"31"',
        "learning_rate": "0.1",
        "warmfold_mode": "trial",
        "warmfold_algorithm": "lightgbm-gbdt",
        "_tuning_objective_metric": '"validation:score"',
    }
    service.describes("t1", final_metrics(0.74), hyperparameters=hyperparameters)
    service.stores_the_selection()

    service.run()

    assert SelectedTrial.from_json(service.written[0]) == SelectedTrial(
        candidate="gbdt",
        algorithm="lightgbm-gbdt",
        hyperparameters={"num_leaves": "31", "learning_rate": "0.1"},
        rounds=120,
        metric="auc",
        score=0.74,
        score_std=0.01,
        training_score=0.79,
        folds=5,
        fold_scores=(0.74,) * 5,
        tuning_job_name=GBDT,
        training_job_name="t1",
        trials_completed=2,
    )


def test_names_agree_with_the_containers_contract() -> None:
    assert URI_KEY.endswith(f"/{FILE_NAME}")
    reserved = dict.fromkeys((*PLATFORM_KEYS, "_tuning_objective_metric", "sagemaker_job"), "x")
    assert algorithm_hyperparameters(reserved) == {}
    names = {definition["Name"] for definition in contract_metrics.metric_definitions(5)}
    assert set(final_metrics(0.5)) == names


def test_a_trial_that_was_raced_out_does_not_win_however_good_it_looks() -> None:
    service = Service()
    service.lists(GBDT, [[summary("raced", 0.99), summary("full", 0.74)]])
    service.lists(LINEAR, [[]])
    service.describes("raced", final_metrics(0.99) | {"training:folds_completed": 2.0})
    service.describes("full", final_metrics(0.74))
    service.stores_the_selection()

    assert service.run()["training_job_name"] == "full"


def test_a_lower_score_wins_when_the_metric_is_minimised() -> None:
    service = Service()
    service.lists(GBDT, [[summary("t1", 0.74), summary("t2", 0.52)]])
    service.lists(LINEAR, [[]])
    service.describes("t2", final_metrics(0.52))
    service.stores_the_selection()

    request = event("select_best_trial") | {"metric": "log_loss", "direction": "Minimize"}
    assert service.run(request)["training_job_name"] == "t2"


def test_all_pages_of_trials_are_read() -> None:
    service = Service()
    service.lists(GBDT, [[summary("t1", 0.7)], [summary("t2", 0.71)], [summary("t3", 0.9)]])
    service.lists(LINEAR, [[]])
    service.describes("t3", final_metrics(0.9))
    service.stores_the_selection()

    assert service.run()["training_job_name"] == "t3"


def test_failed_stopped_and_scoreless_trials_cannot_win() -> None:
    service = Service()
    trials = [
        summary("failed", 0.9, status="Failed", reason="AlgorithmError: boom"),
        summary("stopped", 0.9, status="Stopped"),
        summary("running", 0.9, status="InProgress"),
        summary("silent"),
        summary("good", 0.6),
    ]
    service.lists(GBDT, [trials])
    service.lists(LINEAR, [[]])
    service.describes("good", final_metrics(0.6))
    service.stores_the_selection()

    assert service.run()["training_job_name"] == "good"


def test_if_nothing_can_win_the_error_says_what_happened_to_each_candidate() -> None:
    service = Service()
    reason = "AlgorithmError: raw.csv has no column 'age', exit code: 1"
    failed = [summary(f"f{i}", status="Failed", reason=reason) for i in range(3)]
    service.lists(GBDT, [[*failed, summary("stopped", status="Stopped"), summary("raced", 0.9)]])
    service.lists(LINEAR, [[]])
    service.describes("raced", {"training:folds_completed": 1.0})

    with pytest.raises(NoTrialCompletedError) as caught:
        service.run()

    message = str(caught.value)
    assert message.startswith("no trial completed all 5 folds")
    assert f"{GBDT}: 3 × Failed ({reason}), 1 × Stopped, 1 × Completed without all" in message
    assert f"{LINEAR}: no training job" in message
    assert service.written == []


def test_the_summary_of_many_failures_fits_a_failure_reason() -> None:
    service = Service()
    trials = [summary(f"f{i}", status="Failed", reason=f"{i} " + "x" * 900) for i in range(40)]
    service.lists(GBDT, [trials])
    service.lists(LINEAR, [[]])

    with pytest.raises(NoTrialCompletedError) as caught:
        service.run()

    assert len(str(caught.value)) <= 1000


def test_a_winner_without_a_metric_it_must_have_is_a_fault_of_the_deployment() -> None:
    candidate = Candidate(name="gbdt", algorithm="a", job_name="j")
    trial = Trial(candidate=candidate, name="t1", status="Completed", created=START, objective=0.5)
    values = final_metrics(0.5)
    del values["training:rounds"], values["validation:fold_3_score"]

    with pytest.raises(LambdaError, match="training:rounds, validation:fold_3_score"):
        select(trial, description("t1", values), folds=5, metric="auc", trials_completed=1)


def test_a_malformed_event_names_every_fault_and_makes_no_call() -> None:
    broken = {
        "candidates": [{"kind": "grid", "name": "a", "algorithm": "", "job_name": "j"}],
        "folds": 1,
        "metric": "auc",
        "direction": "maximise",
        "output_uri": "bucket/selection",
    }

    with pytest.raises(InputError) as caught:
        Service().run(broken)

    message = str(caught.value)
    for place in ("candidates[0].kind", "candidates[0].algorithm", "folds", "direction"):
        assert f"input.{place}" in message
    assert "input.output_uri" in message


def test_folds_may_arrive_as_text() -> None:
    assert parse(event("select_best_trial") | {"folds": "5"}).folds == 5


SCORES = st.one_of(st.none(), st.floats(allow_nan=True, allow_infinity=True))


@given(
    objectives=st.lists(st.tuples(SCORES, st.integers(0, 3)), max_size=12),
    direction=st.sampled_from(["Maximize", "Minimize"]),
)
def test_ranking_is_by_objective_then_age_and_ignores_what_is_not_a_number(
    objectives: list[tuple[float | None, int]], direction: Direction
) -> None:
    candidate = Candidate(name="c", algorithm="a", job_name="j")
    trials = [
        Trial(
            candidate=candidate,
            name=f"t{index:02}",
            status="Completed",
            created=START + timedelta(minutes=minute),
            objective=objective,
        )
        for index, (objective, minute) in enumerate(objectives)
    ]

    ranked = best_first(trials, direction)

    assert all(trial.eligible for trial in ranked)
    assert len(ranked) == sum(trial.eligible for trial in trials)
    for better, worse in itertools.pairwise(ranked):
        assert better.objective is not None
        assert worse.objective is not None
        if better.objective == worse.objective:
            assert (better.created, better.name) < (worse.created, worse.name)
        else:
            assert (better.objective > worse.objective) == (direction == "Maximize")
