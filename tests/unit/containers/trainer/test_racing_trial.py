"""A trial that races others of its tuning job, as a job."""

import json
from collections.abc import Iterator, Mapping

import pytest

from tests.unit.containers.trainer.jobs import TRIAL, Finished, Job
from tests.unit.containers.trainer.s3 import Storage
from warmfold_contract.metrics import FOLDS_COMPLETED, OBJECTIVE, parse_metric
from warmfold_contract.paths import Paths

PREFIX = "loans/incumbents/gbdt"


@pytest.fixture
def storage() -> Iterator[Storage]:
    with Storage().serving() as serving:
        yield serving


@pytest.fixture
def trial(job: Job, processed: Paths) -> Job:
    job.put(job.paths.channel("train"), *processed.processing_output("train").iterdir())
    job.set_hyperparameters(
        {
            **TRIAL,
            "warmfold_racing": "1.645",
            "warmfold_incumbents_uri": f"s3://models/{PREFIX}",
        }
    )
    return job


def run(trial: Job, storage: Storage, number: int = 9) -> Finished:
    return trial.run(
        "train",
        TRAINING_JOB_NAME=f"tune-{number:03d}-deadbeef",
        AWS_ENDPOINT_URL=storage.endpoint,
        AWS_ACCESS_KEY_ID="test",
        AWS_SECRET_ACCESS_KEY="test",
        AWS_DEFAULT_REGION="eu-west-1",
        AWS_EC2_METADATA_DISABLED="true",
    )


def last(finished: Finished) -> Mapping[str, float]:
    lines = [parse_metric(line) for line in finished.out.splitlines()]
    return dict(line for line in lines if line is not None)


def add_rivals(storage: Storage, lead: float) -> float:
    """Four trials that are this much better than the one that is stored; the best one's score."""
    (body,) = storage.objects.values()
    stored = json.loads(body)
    for place in range(4):
        ahead = lead - 0.001 * place
        rival = {
            **stored,
            "provisional_scores": [score + ahead for score in stored["provisional_scores"]],
            "score": stored["score"] + ahead,
        }
        key = f"{PREFIX}/tune/tune-{place:03d}-cafecafe.json"
        storage.objects[key] = json.dumps(rival).encode()
    return float(stored["score"] + lead)


def test_a_finished_trial_tells_the_others_its_scores_and_is_not_disturbed_by_worse_ones(
    trial: Job, storage: Storage
) -> None:
    first = run(trial, storage)
    assert (first.code, first.reason) == (0, "")
    assert list(storage.objects) == [f"{PREFIX}/tune/tune-009-deadbeef.json"]
    add_rivals(storage, lead=-0.05)
    again = run(trial, storage, 10)
    assert again.out == first.out


def test_a_hopeless_trial_succeeds_early_with_a_score_worse_than_the_best_and_no_files(
    trial: Job, storage: Storage
) -> None:
    run(trial, storage)
    for path in (*trial.paths.model.iterdir(), *trial.paths.output_data.iterdir()):
        path.unlink()
    best = add_rivals(storage, lead=0.05)
    before = dict(storage.objects)
    raced = run(trial, storage, 10)
    assert (raced.code, raced.reason) == (0, "")
    metrics = last(raced)
    assert metrics[FOLDS_COMPLETED] == 1
    assert best - 0.2 < metrics[OBJECTIVE] < best
    assert "training:rounds" not in metrics
    assert raced.out.splitlines()[-1].startswith(f"#warmfold-metric# {OBJECTIVE}=")
    assert "stopped by racing after fold 1:" in raced.err
    assert storage.objects == before
    assert not list(trial.paths.model.iterdir())


def test_a_trial_whose_s3_refuses_runs_to_its_end(trial: Job, storage: Storage) -> None:
    storage.broken += ["GET", "PUT"]
    finished = run(trial, storage)
    assert finished.code == 0
    assert last(finished)[FOLDS_COMPLETED] == 5
    assert finished.err.count("this trial races no further") == 1


def test_a_race_without_a_place_for_its_scores_is_refused(trial: Job) -> None:
    trial.set_hyperparameters({**TRIAL, "warmfold_racing": "1.645"})
    reason = trial.run("train", TRAINING_JOB_NAME="tune-001-deadbeef").reason
    assert reason == "the hyperparameter warmfold_incumbents_uri is not set"
