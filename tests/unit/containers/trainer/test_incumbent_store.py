"""Fold scores shared between trials, through a small S3 that speaks HTTP."""

import json
import logging
from collections.abc import Callable, Iterator

import pytest

from tests.unit.containers.trainer.s3 import Storage
from warmfold_contract.errors import UserError
from warmfold_trainer.incumbent_store import IncumbentStore, tuning_job_of
from warmfold_trainer.racing import FinishedTrial

TRIAL = FinishedTrial(provisional_scores=(0.7, 0.8), score=0.74)
ALIKE = {"metric": "auc", "fold_hash": "f", "data_fingerprint": "d"}


@pytest.fixture
def storage() -> Iterator[Storage]:
    with Storage().serving() as serving:
        yield serving


@pytest.fixture
def store(storage: Storage) -> Callable[..., IncumbentStore]:
    def make(job: str, **comparable: str) -> IncumbentStore:
        return IncumbentStore(
            uri="s3://models/loans/executions/1/tuning/incumbents/gbdt",
            training_job=job,
            comparable={**ALIKE, **comparable},
            make_client=storage.client,
        )

    return make


Make = Callable[..., IncumbentStore]


def test_a_trial_sees_those_of_its_tuning_job_that_have_finished(store: Make) -> None:
    reading = store("tune-003-0badcafe")
    assert reading.finished() == []
    store("tune-001-deadbeef").add(TRIAL)
    assert reading.finished() == [TRIAL]
    better = FinishedTrial(provisional_scores=(0.9, 0.9), score=0.9)
    store("tune-002-deadbeef").add(better)
    assert reading.finished() == [TRIAL, better]


def test_a_trial_of_another_tuning_job_or_scored_otherwise_does_not_count(store: Make) -> None:
    store("other-001-deadbeef").add(TRIAL)
    store("tune-001-deadbeef", metric="ks").add(TRIAL)
    store("tune-002-deadbeef", fold_hash="x").add(TRIAL)
    assert store("tune-003-0badcafe").finished() == []


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{}", b'{"format": 1}', b"\xff", b'{"format": 2, "score": 1}', b"NaN"],
)
def test_what_is_no_trial_of_this_version_is_passed_over(
    store: Make, storage: Storage, body: bytes
) -> None:
    store("tune-001-deadbeef").add(TRIAL)
    storage.objects["loans/executions/1/tuning/incumbents/gbdt/tune/zz.json"] = body
    assert store("tune-002-deadbeef").finished() == [TRIAL]


def test_a_score_that_is_not_finite_is_passed_over(store: Make, storage: Storage) -> None:
    store("tune-001-deadbeef").add(TRIAL)
    (key,) = storage.objects
    values = json.loads(storage.objects[key])
    storage.objects[key] = json.dumps({**values, "score": float("inf")}).encode()
    assert store("tune-002-deadbeef").finished() == []


@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_a_fault_of_s3_is_logged_once_and_fails_nothing(
    store: Make, storage: Storage, method: str, caplog: pytest.LogCaptureFixture
) -> None:
    storage.broken.append(method)
    one = store("tune-001-deadbeef")
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            one.finished()
            one.add(TRIAL)
    assert [record.getMessage()[:36] for record in caplog.records] == [
        "this trial races no further: S3 fail"
    ]


def test_what_was_read_before_a_fault_still_counts(store: Make, storage: Storage) -> None:
    store("tune-001-deadbeef").add(TRIAL)
    one = store("tune-002-deadbeef")
    assert one.finished() == [TRIAL]
    storage.broken.append("GET")
    assert one.finished() == [TRIAL]


def test_a_place_that_cannot_be_reached_fails_nothing(storage: Storage) -> None:
    storage.endpoint = "http://127.0.0.1:9"
    one = IncumbentStore(
        uri="s3://models/p",
        training_job="tune-001-deadbeef",
        comparable=ALIKE,
        make_client=storage.client,
    )
    one.add(TRIAL)
    assert one.finished() == []


@pytest.mark.parametrize("uri", ["models/p", "s3://", "s3://models", "https://models/p"])
def test_a_place_that_is_no_s3_prefix_is_refused(uri: str) -> None:
    with pytest.raises(UserError, match="use s3://bucket/prefix"):
        IncumbentStore(uri=uri, training_job="t", comparable=ALIKE)


@pytest.mark.parametrize(
    "trial,tuning_job",
    [
        ("gbdt-abc-001-143b672d", "gbdt-abc"),
        ("xgboost-190407-1532-005-0e830ada", "xgboost-190407-1532"),
        ("gbdt-abc-1000-143b672d", "gbdt-abc"),
        ("a-job-of-its-own", "a-job-of-its-own"),
    ],
)
def test_the_tuning_job_is_told_from_the_trials_name(trial: str, tuning_job: str) -> None:
    assert tuning_job_of(trial) == tuning_job
