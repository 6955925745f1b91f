"""Candidates whose trials ran inside one search job, in the best-job function."""

import gzip
import json
from typing import Any

import pytest

from best_training_job.archive import MAX_OBJECT_BYTES, MAX_UNPACKED_BYTES
from best_training_job.logic import NoTrialCompletedError
from tests.unit.lambdas.aids import event
from tests.unit.lambdas.best_job_aids import (
    LINEAR,
    SEARCH,
    Service,
    final_metrics,
    packed,
    row,
    search_event,
    searched,
    summary,
)
from warmfold_contract.selection import SelectedTrial
from warmfold_lambda.errors import LambdaError


def test_a_searchs_best_trial_competes_with_those_of_a_tuning_job() -> None:
    service = Service()
    trials = searched(
        row("gbdt-0001", 0.77), row("gbdt-0002", 0.79), row("gbdt-0003", None, folds=2)
    )
    service.searched(packed("trials.json", trials))
    service.lists(LINEAR, [[summary("t3", 0.78)]])
    service.describes("t3", final_metrics(0.78))
    service.validated("t3")
    service.stores_the_selection()

    output = service.run(search_event(event("select_best_trial")["candidates"][1]))

    assert output["training_job_name"] == SEARCH
    place = f"s3://warmfold-artifacts/tuning/{SEARCH}/output/output.tar.gz"
    assert output["trial_output_uri"] == place
    selected = SelectedTrial.from_json(service.written[0])
    assert (selected.kind, selected.trial, selected.score) == ("in_job", "gbdt-0002", 0.79)
    assert (selected.job_name, selected.rounds, selected.fold_hash) == (SEARCH, 80, "f01d")
    assert selected.hyperparameters == {"num_leaves": "31", "learning_rate": "0.1"}
    assert selected.trials_completed == 3


def test_a_search_that_ended_early_is_judged_by_the_trials_it_has() -> None:
    service = Service()
    trials = searched(row("a", 0.7), row("b", 0.8), ended_early="converged after 2 of 40 trials")
    service.searched(packed("trials.json", trials))
    service.stores_the_selection()

    service.run(search_event())

    selected = SelectedTrial.from_json(service.written[0])
    assert (selected.trial, selected.trials_completed) == ("b", 2)


def test_equal_scores_of_a_search_go_to_the_trial_begun_first() -> None:
    service = Service()
    later = row("a", 0.7, started="2026-03-02T09:05:00.000+00:00")
    service.searched(packed("trials.json", searched(later, row("b", 0.7))))
    service.stores_the_selection()

    service.run(search_event())

    assert SelectedTrial.from_json(service.written[0]).trial == "b"


def test_a_search_that_is_not_packed_is_read_beside_the_model() -> None:
    service = Service()
    service.describes(SEARCH, {}, uri="s3://warmfold-artifacts/search/model/")
    service.holds("search/model/trials.json", searched(row("b", 0.7)).encode())
    service.stores_the_selection()

    assert service.run(search_event())["score"] == 0.7


def test_candidates_that_were_scored_on_different_folds_are_not_compared() -> None:
    service = Service()
    service.searched(packed("trials.json", searched(row("b", 0.7))))
    service.lists(LINEAR, [[summary("t3", 0.78)]])
    service.describes("t3", final_metrics(0.78))
    service.validated("t3", fold_hash="0ther")

    with pytest.raises(LambdaError, match=r"scored on different folds .*f01d.*0ther"):
        service.run(search_event(event("select_best_trial")["candidates"][1]))

    assert service.written == []


@pytest.mark.parametrize("members", [{"folds": 4}, {"metric": "ks"}])
def test_a_search_by_other_rules_than_the_executions_is_refused(members: dict[str, Any]) -> None:
    service = Service()
    service.searched(packed("trials.json", searched(row("b", 0.7), **members)))

    with pytest.raises(LambdaError, match=f"has {next(iter(members))} "):
        service.run(search_event())


def test_a_search_without_a_complete_trial_says_what_became_of_its_trials() -> None:
    service = Service()
    failed = row("a", None, folds=0, status="Failed", reason="no finite score")
    half = row("b", None, folds=2, reason="behind the best trial")
    service.searched(packed("trials.json", searched(failed, half)))

    with pytest.raises(NoTrialCompletedError) as caught:
        service.run(search_event())

    assert "1 × Failed (no finite score), 1 × Stopped (behind the best trial)" in str(caught.value)


def test_a_search_job_that_failed_is_named_with_its_reason() -> None:
    service = Service()
    service.describes(SEARCH, {}, status="Stopped")

    with pytest.raises(LambdaError, match=f"search job {SEARCH} is Stopped"):
        service.run(search_event())


@pytest.mark.parametrize(
    "content,fault",
    [
        (b"not gzip", "is not a readable gzip tar"),
        (gzip.compress(b"not tar", mtime=0), "is not a readable gzip tar"),
        (packed("other.json", "{}"), "holds no trials.json"),
        (packed("../trials.json", "{}"), "holds no trials.json"),
        (packed("trials.json", "{"), "trials.json in .* is not JSON"),
        (packed("trials.json", "[]"), "is not a JSON object"),
        (gzip.compress(bytes(MAX_UNPACKED_BYTES + 1), mtime=0), "when unpacked"),
    ],
)
def test_an_archive_that_is_not_a_searchs_is_refused(content: bytes, fault: str) -> None:
    service = Service()
    service.searched(content)

    with pytest.raises(LambdaError, match=fault):
        service.run(search_event())


def test_an_archive_that_is_too_big_is_not_even_read() -> None:
    service = Service()
    service.describes(SEARCH, {})
    service.holds(f"{SEARCH}/model.tar.gz", b"", says_bytes=MAX_OBJECT_BYTES + 1)

    with pytest.raises(LambdaError, match="too big"):
        service.run(search_event())


def test_rows_without_a_member_are_a_fault_of_the_deployment() -> None:
    values = json.loads(searched(row("b", 0.7)))
    del values["trials"][0]["folds_completed"]
    service = Service()
    service.searched(packed("trials.json", json.dumps(values)))

    with pytest.raises(LambdaError, match=r"folds_completed.*same commit"):
        service.run(search_event())
