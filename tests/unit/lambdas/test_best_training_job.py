"""Selecting the best trial over all tuning jobs of an execution."""

import itertools
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from best_training_job.handler import parse
from best_training_job.logic import Direction, NoTrialCompletedError, Trial, best_first
from best_training_job.tuning_job import algorithm_hyperparameters, winner
from tests.unit.lambdas.aids import event
from tests.unit.lambdas.best_job_aids import (
    CANDIDATE,
    GBDT,
    LINEAR,
    START,
    URI_KEY,
    Service,
    description,
    final_metrics,
    summary,
)
from warmfold_contract import hyperparameters as contract_keys
from warmfold_contract import metrics as contract_metrics
from warmfold_contract.selection import FILE_NAME, SelectedTrial
from warmfold_lambda.errors import InputError, LambdaError


def test_the_best_trial_over_all_candidates_wins() -> None:
    service = Service()
    service.lists(GBDT, [[summary("t1", 0.74), summary("t2", 0.78)]])
    service.describes("t2", final_metrics(0.78))
    service.validated("t2")
    service.lists(LINEAR, [[summary("t3", 0.77)]])
    service.describes("t3", final_metrics(0.77))
    service.validated("t3")
    service.stores_the_selection()

    output = service.run()

    assert output == {
        "selection_uri": "s3://warmfold-artifacts/german-credit/executions/a1b2c3d4e5f6/selection",
        "training_job_name": "t2",
        "trial_output_uri": "s3://warmfold-artifacts/tuning/t2/output/output.tar.gz",
        "champion_uri": "s3://warmfold-artifacts/german-credit/executions/a1b2c3d4e5f6/champion",
        "score": 0.78,
    }


def test_what_is_written_is_what_the_trainer_image_reads() -> None:
    service = Service()
    service.lists(GBDT, [[summary("t1", 0.74)]])
    hyperparameters = {
        "num_leaves": '"31"',
        "learning_rate": "0.1",
        "warmfold_mode": "trial",
        "warmfold_algorithm": "lightgbm-gbdt",
        "_tuning_objective_metric": '"validation:score"',
    }
    service.describes("t1", final_metrics(0.74), hyperparameters=hyperparameters)
    service.validated("t1")
    service.lists(LINEAR, [[summary("t3", 0.7)]])
    service.describes("t3", final_metrics(0.7))
    service.validated("t3")
    service.stores_the_selection()

    service.run()

    assert SelectedTrial.from_json(service.written[0]) == SelectedTrial(
        kind="amt",
        candidate="gbdt",
        algorithm="lightgbm-gbdt",
        task="classification",
        feature_set="default",
        hyperparameters={"num_leaves": "31", "learning_rate": "0.1"},
        rounds=120,
        metric="auc",
        score=0.74,
        score_std=0.01,
        training_score=0.79,
        folds=5,
        fold_hash="f01d",
        fold_scores=(0.74,) * 5,
        job_name=GBDT,
        trial="t1",
        training_job_name="t1",
        trials_completed=2,
    )


def test_names_agree_with_the_containers_contract() -> None:
    assert URI_KEY.endswith(f"/{FILE_NAME}")
    platform = (contract_keys.MODE, contract_keys.ALGORITHM, contract_keys.RACING)
    reserved = dict.fromkeys((*platform, "_tuning_objective_metric", "sagemaker_job"), "x")
    assert algorithm_hyperparameters(reserved) == {}
    names = {definition["Name"] for definition in contract_metrics.metric_definitions(5)}
    assert set(final_metrics(0.5)) == names


def test_a_trial_that_was_raced_out_does_not_win_however_good_it_looks() -> None:
    service = Service()
    service.lists(GBDT, [[summary("raced", 0.99), summary("full", 0.74)]])
    service.describes("raced", final_metrics(0.99) | {"training:folds_completed": 2.0})
    service.describes("full", final_metrics(0.74))
    service.validated("full")
    service.lists(LINEAR, [[]])
    service.stores_the_selection()

    assert service.run()["training_job_name"] == "full"


def test_a_lower_score_wins_when_the_metric_is_minimised() -> None:
    service = Service()
    service.lists(GBDT, [[summary("t1", 0.74), summary("t2", 0.52)]])
    service.describes("t2", final_metrics(0.52))
    service.validated("t2")
    service.lists(LINEAR, [[]])
    service.stores_the_selection()

    request = event("select_best_trial") | {"metric": "log_loss", "direction": "Minimize"}
    assert service.run(request)["training_job_name"] == "t2"


def test_all_pages_of_trials_are_read() -> None:
    service = Service()
    service.lists(GBDT, [[summary("t1", 0.7)], [summary("t2", 0.71)], [summary("t3", 0.9)]])
    service.describes("t3", final_metrics(0.9))
    service.validated("t3")
    service.lists(LINEAR, [[]])
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
    service.describes("good", final_metrics(0.6))
    service.validated("good")
    service.lists(LINEAR, [[]])
    service.stores_the_selection()

    assert service.run()["training_job_name"] == "good"


def test_if_nothing_can_win_the_error_says_what_happened_to_each_candidate() -> None:
    service = Service()
    reason = "AlgorithmError: raw.csv has no column 'age', exit code: 1"
    failed = [summary(f"f{i}", status="Failed", reason=reason) for i in range(3)]
    service.lists(GBDT, [[*failed, summary("stopped", status="Stopped"), summary("raced", 0.9)]])
    service.describes("raced", {"training:folds_completed": 1.0})
    service.lists(LINEAR, [[]])

    with pytest.raises(NoTrialCompletedError) as caught:
        service.run()

    message = str(caught.value)
    assert message.startswith("no trial completed all 5 folds")
    assert f"{GBDT}: 3 × Failed ({reason}), 1 × Stopped, 1 × Completed without all" in message
    assert f"{LINEAR}: no trial" in message
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
    trial = Trial(candidate=CANDIDATE, name="t1", status="Completed", created=START, objective=0.5)
    values = final_metrics(0.5)
    del values["training:rounds"], values["validation:fold_3_score"]

    with pytest.raises(LambdaError, match="training:rounds, validation:fold_3_score"):
        winner(trial, description("t1", values), folds=5, fold_hash="f01d")


def test_a_malformed_event_names_every_fault_and_makes_no_call() -> None:
    broken = {
        "candidates": [{"kind": "grid", "name": "a", "algorithm": "", "task": "classification"}],
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
    trials = [
        Trial(
            candidate=CANDIDATE,
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
